"""What is left of a document when it was prepared: no garbage that holds up every request when it is searched for."""

import gc
from collections.abc import Iterator

import pytest
from graphql import FieldNode

from gateway.document_limits import DocumentLimits
from gateway.errors import CodedError, RequestError
from gateway.snapshot import Snapshot, Text
from gateway.supergraph.join_sdl import read_supergraph

SUPERGRAPH = """schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
enum join__Graph { A @join__graph(name: "a", url: "") }
type Query @join__type(graph: A) { office: Office }
type Office @join__type(graph: A) { name: String office: Office staff(size: Int): Int }
"""


@pytest.fixture(autouse=True)
def unsearched() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def selected_fields() -> int:
    return sum(type(value) is FieldNode for value in gc.get_objects())


async def prepare(snapshot: Snapshot, text: str) -> None:
    await snapshot.prepare(Text(text), snapshot.plain_view, {})


@pytest.mark.parametrize(
    "text",
    [
        "{ office { name staff(size: 3) office { name } } }",
        "{ office { ...F } } fragment F on Office { name # a comment\n office { name } }",
        "query ($deep: Boolean = true) { office { name office @include(if: $deep) { name } } }",
    ],
)
async def test_nothing_of_a_served_document_but_its_plan_is_kept(text: str) -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1")
    before = selected_fields()

    await prepare(snapshot, text)

    assert selected_fields() == before


async def test_another_choice_of_its_conditions_is_planned_from_the_text() -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1")
    text = Text("query ($deep: Boolean!) { office { name office @include(if: $deep) { name } } }")

    shallow, _ = await snapshot.prepare(text, snapshot.plain_view, {"deep": False})
    deep, _ = await snapshot.prepare(text, snapshot.plain_view, {"deep": True})

    assert shallow.compiled.plan.fetches[0].document == "{ office { name } }"
    assert deep.compiled.plan.fetches[0].document == "{ office { name office { name } } }"


@pytest.mark.parametrize(
    "text",
    [
        "{ office { " + " ".join(f"unknown{number}" for number in range(50)) + " } }",
        "{ office { " + "name " * 200 + " } }",
        "{ office { name } } } ",
        "{ office { ...F } } fragment F on Office { name unknown }",
        "{ " + "office { " * 60 + "name" + " }" * 61,
    ],
    ids=["unknown fields", "too many tokens", "syntax", "fragments", "too deep"],
)
async def test_nothing_is_kept_of_a_refused_document(text: str) -> None:
    snapshot = Snapshot(read_supergraph(SUPERGRAPH), "1", limits=DocumentLimits(tokens=190))
    before = selected_fields()

    with pytest.raises((CodedError, RequestError)):
        await prepare(snapshot, text)

    assert selected_fields() == before
