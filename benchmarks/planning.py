"""How long planning takes: the operations of a conformance folder, and inputs made to be hard.

``python -m benchmarks.planning DATA`` where DATA holds one folder per suite with ``supergraph.graphql`` and
``tests.json``; without DATA only the hard inputs are planned. Times are cold: parsing and validation left out, nothing
remembered between operations but the query graph.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from graphql import parse, validate

from gateway.errors import CodedError
from gateway.planning.normalize import normalize
from gateway.planning.planner import Planner
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph

HEAD = """schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
"""


def graphs(count: int) -> str:
    """The enum of ``count`` subgraphs S0, S1 ..."""
    values = " ".join(f'S{i} @join__graph(name: "s{i}", url: "")' for i in range(count))
    return f"enum join__Graph {{ {values} }}\n"


def on_all(count: int, key: str | None = None) -> str:
    """@join__type for every subgraph."""
    more = f', key: "{key}"' if key else ""
    return " ".join(f"@join__type(graph: S{i}{more})" for i in range(count))


def recursive_entity(subgraphs: int, depth: int) -> tuple[str, str]:
    """An entity that refers to itself, shareable in every subgraph, with one field of its own in each."""
    own = "\n".join(f"  f{i}: Int @join__field(graph: S{i})" for i in range(subgraphs))
    sdl = (
        HEAD + graphs(subgraphs) + f"type Query {on_all(subgraphs)} {{ node: Node }}\n"
        f"type Node {on_all(subgraphs, 'id')} {{\n  id: ID!\n  next: Node\n  other: Node\n{own}\n}}\n"
    )
    fields = " ".join(f"f{i}" for i in range(subgraphs))
    query = fields
    for _ in range(depth):
        query = f"{fields} next {{ {query} }} other {{ {query} }}" if len(query) < 20_000 else f"next {{ {query} }}"
    return sdl, f"{{ node {{ {query} }} }}"


def wide_interface(implementers: int, depth: int) -> tuple[str, str]:
    """An interface whose implementers keep a field in another subgraph, nested in itself."""
    names = [f"T{i}" for i in range(implementers)]
    types = "\n".join(
        f'type {name} implements I @join__implements(graph: S0, interface: "I") '
        f'@join__implements(graph: S1, interface: "I") '
        f'@join__type(graph: S0, key: "id") @join__type(graph: S1, key: "id") '
        f"{{ id: ID! own{name}: Int @join__field(graph: S1) down: I @join__field(graph: S0) }}"
        for name in names
    )
    sdl = (
        HEAD + graphs(2) + f"type Query {on_all(2)} {{ root: I @join__field(graph: S0) }}\n"
        f"interface I {on_all(2)} {{ id: ID! down: I @join__field(graph: S0) }}\n{types}\n"
    )
    query = "id"
    for _ in range(depth):
        query = "id " + " ".join(f"... on {name} {{ own{name} down {{ {query} }} }}" for name in names)
    return sdl, f"{{ root {{ {query} }} }}"


def key_chain(subgraphs: int) -> tuple[str, str]:
    """An entity whose subgraphs know each other by one key only, each another one."""
    keys = "\n".join(
        f"  k{i}: ID! @join__field(graph: S{i})" + (f" @join__field(graph: S{i + 1})" if i + 1 < subgraphs else "")
        for i in range(subgraphs)
    )
    types = " ".join(
        f'@join__type(graph: S{i}, key: "k{i}")' + (f' @join__type(graph: S{i}, key: "k{i - 1}")' if i else "")
        for i in range(subgraphs)
    )
    last = subgraphs - 1
    sdl = (
        HEAD + graphs(subgraphs) + f"type Query {on_all(subgraphs)} {{ e: E @join__field(graph: S0) }}\n"
        f"type E {types} {{\n{keys}\n  far: Int @join__field(graph: S{last})\n}}\n"
    )
    return sdl, "{ e { far } }"


def many_choices(subgraphs: int, fields: int) -> tuple[str, str]:
    """Composite fields each of which several subgraphs share, none of which has all below it."""
    body = "\n".join(
        f"  f{i}: Node " + " ".join(f"@join__field(graph: S{(i + j) % subgraphs})" for j in range(3))
        for i in range(fields)
    )
    own = "\n".join(f"  g{i}: Int @join__field(graph: S{i})" for i in range(subgraphs))
    sdl = (
        HEAD + graphs(subgraphs) + f"type Query {on_all(subgraphs)} {{ node: Node @join__field(graph: S0) }}\n"
        f"type Node {on_all(subgraphs, 'id')} {{\n  id: ID!\n{body}\n{own}\n}}\n"
    )
    leaves = " ".join(f"g{i}" for i in range(subgraphs))
    return sdl, "{ node { " + " ".join(f"f{i} {{ {leaves} }}" for i in range(fields)) + " } }"


HARD: dict[str, Callable[[], tuple[str, str]]] = {
    "recursive shareable entity, 5 subgraphs, depth 7": lambda: recursive_entity(5, 7),
    "recursive shareable entity, 8 subgraphs, depth 9": lambda: recursive_entity(8, 9),
    "interface with 12 implementers, 3 deep": lambda: wide_interface(12, 3),
    "chain of 24 keys": lambda: key_chain(24),
    "60 fields shared by 3 of 12 subgraphs": lambda: many_choices(12, 60),
}


def timed(planner: Planner, sdl: str, query: str) -> tuple[float, str]:
    """Milliseconds of one cold plan, and what came out."""
    schema = api_schema(planner.supergraph)
    document = parse(query, no_location=True)
    started = time.process_time()
    try:
        plan = planner.plan(normalize(schema, document, None, {}), schema)
        outcome = f"{len(plan.fetches)} fetches, {sum(len(fetch.document) for fetch in plan.fetches)} bytes"
    except CodedError as error:
        outcome = error.code.name
    return (time.process_time() - started) * 1000, outcome


def operations(data: Path) -> Iterator[tuple[str, str, str]]:
    """Name, supergraph and query of each operation of the data that is valid."""
    for suite in sorted(data.iterdir()):
        if (suite / "tests.json").exists():
            sdl = (suite / "supergraph.graphql").read_text()
            schema = api_schema(read_supergraph(sdl))
            for test in json.loads((suite / "tests.json").read_text())["tests"]:
                if not validate(schema, parse(test["query"])):
                    yield test["name"], sdl, test["query"]


def main() -> None:
    """Print the tables."""
    if len(sys.argv) > 1:
        times = []
        for name, sdl, query in operations(Path(sys.argv[1])):
            planner = Planner(read_supergraph(sdl))
            times.append((timed(planner, sdl, query)[0], name))
        times.sort()
        p95 = times[int(len(times) * 0.95)][0]
        print(f"{len(times)} operations: p50 {median(t for t, _ in times):.2f} ms, p95 {p95:.2f} ms", end="")
        print(f", max {times[-1][0]:.2f} ms ({times[-1][1]})")
    for name, make in HARD.items():
        sdl, query = make()
        took, outcome = timed(Planner(read_supergraph(sdl)), sdl, query)
        print(f"{name} ({len(query) / 1000:.1f} kB): {took:.0f} ms, {outcome}")


if __name__ == "__main__":
    main()
