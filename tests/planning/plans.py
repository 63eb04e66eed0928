"""Plans as short text, so that schema, operation and plan stand together on one screen."""

from collections.abc import Mapping

from graphql import parse, validate

from gateway.planning.normalize import normalize
from gateway.planning.plan import Fetch, QueryPlan
from gateway.planning.planner import Planner
from gateway.planning.printing import render_json
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from gateway.supergraph.model import Supergraph


def supergraph_sdl(graphs: str, body: str, version: str = "v0.5") -> str:
    """Supergraph SDL: ``graphs`` names the subgraphs (``"a b c"``), ``body`` holds the types.

    ``@on(a: "id")`` is short for ``@join__type(graph: A, key: "id")`` and ``@in(a)`` for ``@join__field(graph: A)``.
    """
    values = " ".join(f'{name.upper()} @join__graph(name: "{name}", url: "http://{name}/")' for name in graphs.split())
    return (
        f'schema @link(url: "https://specs.apollo.dev/link/v1.0") '
        f'@link(url: "https://specs.apollo.dev/join/{version}", for: EXECUTION) '
        f'@link(url: "https://specs.apollo.dev/inaccessible/v0.2") '
        f'@link(url: "https://specs.apollo.dev/context/v0.1") '
        f'@link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"]) '
        f"{{ query: Query {_roots(body)} }}\n"
        f"enum join__Graph {{ {values} }}\n"
        + body.replace("@type(", "@join__type(graph: ")
        .replace("@in(", "@join__field(graph: ")
        .replace("@implements(", "@join__implements(graph: ")
        .replace("@member(", "@join__unionMember(graph: ")
    )


def _roots(body: str) -> str:
    named = {"mutation": "Mutation", "subscription": "Subscription"}
    return " ".join(f"{kind}: {name}" for kind, name in named.items() if f"type {name} " in body)


def supergraph(graphs: str, body: str) -> Supergraph:
    """The supergraph read from short SDL."""
    return read_supergraph(supergraph_sdl(graphs, body))


def plan(
    model: Supergraph,
    operation: str,
    variables: Mapping[str, object] | None = None,
    labels: frozenset[str] = frozenset(),
) -> QueryPlan:
    """The plan of one valid operation, for a caller who sees all."""
    schema = api_schema(model)
    document = parse(operation)
    assert not (problems := validate(schema, document)), problems
    return Planner(model).plan(normalize(schema, document, None, variables or {}), schema, labels)


def fetches(planned: QueryPlan) -> str:
    """One line per fetch and per entity selection: ``1 b after 0: users.@ {User id} => { ... on User { name } }``."""
    shown = render_json(planned)["fetches"]
    return "\n".join(line for fetch, json in zip(planned.fetches, shown, strict=True) for line in _lines(fetch, json))


def _lines(fetch: Fetch, json: Mapping[str, object]) -> list[str]:
    after = f" after {', '.join(map(str, fetch.after))}" if fetch.after else ""
    head = f"{fetch.number} {fetch.subgraph}{after}:"
    if not fetch.entities:
        return [f"{head} {fetch.document}"]
    lines = []
    bodies = fetch.document[fetch.document.index("{") + 2 : -2]
    for request, shown in zip(fetch.entities, json["entities"], strict=True):  # type: ignore[call-overload]
        start = bodies.index(f"(representations: ${request.variable})") + len(
            f"(representations: ${request.variable}) "
        )
        representations = " or ".join(text.removeprefix("... on ") for text in shown["representations"])
        lines.append(f"{head} {' and '.join(shown['paths'])} {representations} => {_balanced(bodies[start:])}")
    return lines


def _balanced(text: str) -> str:
    depth = 0
    for index, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return text[: index + 1]
    return text


def assert_plan(planned: QueryPlan, expected: str) -> None:
    """Assert that the plan is exactly ``expected``; indentation does not count, and a line may go on after ``\\\\``."""
    lines = "\n".join(line.strip() for line in expected.strip().splitlines())
    assert fetches(planned) == lines.replace("\\\n", "")
