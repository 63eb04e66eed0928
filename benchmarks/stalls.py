"""How long large operations that nobody asked before hold up the event loop of a running gateway.

    python -m benchmarks.stalls

Five subgraphs share an entity; operations of 1,000 to 20,000 selections come one at a time, each text new: aliased,
nested, in fragments, full of literals, full of mistakes, larger than the limits. Each is sent three times, since the
second execution has the compiled form made. In the gateway's loop a task sleeps a millisecond at a time and notes how
much later it woke. What counts is the processor time of the process in between: that is the hold-up of a free core,
whoever else is on this one. The exit code says whether all stay within the bound.
"""

import asyncio
import json
import socket
import sys
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, VariableNode, parse

from benchmarks.gateway import gateway, post, subgraphs
from gateway.composition.compose import SubgraphSource, compose

BOUND = 0.020
WORTH_NOTING = 0.002
SUBGRAPHS = [f"s{number}" for number in range(5)]
FIELDS = [f"f{number}" for number in range(40)]
ALL = " ".join(FIELDS)


def sdl(number: int) -> str:
    """The SDL of one subgraph: every fifth field of a node, and its way to other nodes."""
    own = " ".join(f"{name}(a: Int, many: [String!]): Int" for name in FIELDS[number :: len(SUBGRAPHS)])
    return (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key" "@shareable"])\n'
        'type Query { node: Node @shareable }\ntype Node @key(fields: "id") '
        f"{{ id: ID! next: Node @shareable other: Node @shareable {own} }}"
    )


def aliased(size: int) -> str:
    """One level of nodes under names of their own."""
    return "{ node { " + " ".join(f"n{number}: next {{ {ALL} }}" for number in range(size // 41)) + " } }"


def nested(size: int) -> str:
    """A binary tree of nodes."""
    inner, found = ALL, 40
    while 2 * found + 42 <= size:
        inner, found = f"{ALL} next {{ {inner} }} other {{ {inner} }}", 2 * found + 42
    return f"{{ node {{ {inner} }} }}"


def in_fragments(size: int) -> str:
    """The same tree, of fragments that each spread the next one twice."""
    number, found, written = 0, 40, f" fragment F0 on Node {{ {ALL} }}"
    while 2 * found + 42 <= size:
        below = f"...F{number}"
        number, found = number + 1, 2 * found + 42
        written += f" fragment F{number} on Node {{ {ALL} next {{ {below} }} other {{ {below} }} }}"
    return f"{{ node {{ ...F{number} }} }}{written}"


def deep(size: int) -> str:
    """One node within the other, 48 levels at most."""
    inner = ALL
    for _ in range(min(size // 41, 47)):
        inner = f"{ALL} next {{ {inner} }}"
    return f"{{ node {{ {inner} }} }}"


def literals(size: int) -> str:
    """A list of strings as an argument, and as many fields as may have an alias, each with a number."""
    values = " ".join(f'"v{number}"' for number in range(size // 2))
    numbered = " ".join(f"a{number}: {FIELDS[number % 40]}(a: {number})" for number in range(min(size // 5, 999)))
    return f"{{ node {{ f0(many: [{values}]) {numbered} }} }}"


def merged(size: int) -> str:
    """The same field again and again, all of which must be compared and merged."""
    return "{ node { " + " ".join(f"next {{ {ALL} }}" for _ in range(size // 41)) + " } }"


def mistaken(size: int) -> str:
    """Fields that are not there."""
    return "{ node { " + " ".join(f"unknown{number}" for number in range(size)) + " } }"


KINDS: tuple[Callable[[int], str], ...] = (aliased, nested, in_fragments, deep, literals, merged, mistaken)


def answer_of(name: str, body: Mapping[str, object]) -> object:
    """What any of the subgraphs answers: ones, and nodes wherever one may be."""
    operation = parse(str(body["query"]), no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    variables = body.get("variables")
    return _object(operation.selection_set, variables if isinstance(variables, dict) else {})


def _object(selected: SelectionSetNode, variables: Mapping[str, list[object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for node in selected.selections:
        if isinstance(node, InlineFragmentNode):
            found |= _object(node.selection_set, variables)
        elif isinstance(node, FieldNode):
            found[node.alias.value if node.alias else node.name.value] = _value(node, variables)
    return found


def _value(node: FieldNode, variables: Mapping[str, list[object]]) -> object:
    if node.selection_set is None:
        return {"__typename": "Node", "id": "1"}.get(node.name.value, 1)
    below = _object(node.selection_set, variables)
    if node.name.value != "_entities":
        return below
    (argument,) = node.arguments or ()
    assert isinstance(argument.value, VariableNode)
    return [below for _ in variables[argument.value.name.value]]


def serve(notes: Path, arguments: list[str]) -> None:
    """The gateway's command, with a task in its loop that writes what holds it up: when it began and ended, and CPU."""
    from gateway import cli
    from gateway.server import serving

    began = serving._Server.startup

    async def startup(server: serving._Server, sockets: list[socket.socket] | None = None) -> None:
        await began(server, sockets)
        watching.append(asyncio.create_task(_watch(notes)))

    watching: list[asyncio.Task[None]] = []
    setattr(serving._Server, "startup", startup)  # noqa: B010 - as an assignment it is no method to mypy
    sys.argv[1:] = ["serve", *arguments]
    cli.main()


async def _watch(notes: Path) -> None:
    with notes.open("w", buffering=1) as file:
        while True:
            before, used = time.monotonic(), time.process_time()
            await asyncio.sleep(0.001)
            after, held = time.monotonic(), time.process_time() - used
            if held > WORTH_NOTING:
                file.write(f"{before} {after} {min(held, after - before - 0.001)}\n")


def held_up(notes: Path, since: float, until: float) -> float:
    """The longest hold-up between two moments, in seconds."""
    lines = (map(float, line.split()) for line in notes.read_text().splitlines())
    return max((held for began, ended, held in lines if ended > since and began < until), default=0.0)


def sent(port: int, text: str) -> bool:
    """Whether the operation was refused."""
    try:
        return "errors" in json.loads(post(port, text))
    except urllib.error.HTTPError:
        return True


def cases() -> Iterator[tuple[str, str]]:
    """Name and text of each operation; comments make texts new, and no two are alike."""
    for size in (1_000, 3_000, 9_500, 20_000):
        for kind in KINDS if size < 9_500 else (kind for kind in KINDS if kind is not deep):
            for turn in range(6):
                yield f"{kind.__name__}, {size:,}", f"# {size} {turn}\n{kind(size)}"


def main() -> None:
    """Prints a table of operations, and the longest hold-up of all."""
    worst = 0.0
    print("| operation, selections | kB | first answer ms | longest hold-up ms |")
    print("|---|---|---|---|")
    with subgraphs(SUBGRAPHS, answer_of) as ports, tempfile.TemporaryDirectory() as folder:
        notes, supergraph = Path(folder) / "held-up", Path(folder) / "supergraph.graphql"
        sources = [
            SubgraphSource(name, f"http://127.0.0.1:{port}/graphql", sdl(number))
            for number, (name, port) in enumerate(zip(SUBGRAPHS, ports, strict=True))
        ]
        supergraph.write_text(compose(sources).supergraph_sdl or "")
        command = f"{sys.executable} -m benchmarks.stalls {notes} --supergraph {{supergraph}} --open --port {{port}}"
        port = 25_000 + int(time.time()) % 1000
        with gateway(command, supergraph, port):
            for name, text in cases():
                began = time.monotonic()
                refused = sent(port, text)
                took = time.monotonic() - began
                for _ in range(2):
                    sent(port, text)
                    time.sleep(0.1)  # what the second has made in a thread belongs to it
                held = held_up(notes, began, time.monotonic())
                worst = max(worst, held)
                said = " (refused)" if refused else ""
                print(f"| {name}{said} | {len(text) / 1000:.1f} | {took * 1000:.0f} | {held * 1000:.1f} |", flush=True)
    print(f"\nlongest hold-up {worst * 1000:.1f} ms (at most {BOUND * 1000:.0f})")
    sys.exit(worst > BOUND)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]), sys.argv[2:])
    main()
