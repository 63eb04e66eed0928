"""What is said of documents that fit the schema and are refused all the same."""

import asyncio
import gc
import threading
from typing import Any

import pytest
from graphql import build_schema

from gateway.document_limits import DocumentLimits
from gateway.documents import IN_ONE_PIECE, SUGGESTED_AMONG, read_document
from gateway.errors import CodedError, RequestError
from gateway.preparation import FEW_VALUES, PreparedDocument, are_few
from gateway.snapshot import Snapshot, Text
from gateway.supergraph.join_sdl import read_supergraph

SCHEMA = build_schema("type Query { office: Office offices: [Office] } type Office { name: String }")
OFFICES = """schema @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
  enum join__Graph { A @join__graph(name: "a", url: "") }
  type Query @join__type(graph: A) { office(codes: [Int!]): String }"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ office { ... @defer { name } } }", "`@defer` (line 1)"),
        ("query($slow: Boolean!) {\n  office { ...F @defer(if: $slow) } }\nfragment F on Office { name }", "(line 2)"),
        ("{ offices @stream(initialCount: 1) { name } }", "`@stream` (line 1)"),
    ],
)
def test_an_answer_in_parts_is_refused_as_such_and_not_as_an_unknown_directive(text: str, words: str) -> None:
    with pytest.raises(CodedError) as refused:
        read_document(text, None, SCHEMA, DocumentLimits())

    assert refused.value.code is IN_ONE_PIECE
    assert words in refused.value.message


def test_a_schema_may_mean_something_of_its_own_by_the_same_name() -> None:
    own = build_schema("directive @defer on FIELD type Query { office: String }")

    assert read_document("{ office @defer }", None, own, DocumentLimits()).conditions == ()


def test_each_problem_of_a_document_is_told_with_its_places() -> None:
    with pytest.raises(RequestError) as refused:
        read_document(
            "{\n  offices { nam }\n  x: office { name }\n  x: offices { name } }", None, SCHEMA, DocumentLimits()
        )

    assert [(each.code, each.locations) for each in refused.value.errors] == [
        ("GRAPHQL_VALIDATION_FAILED", ((3, 3), (4, 3))),
        ("GRAPHQL_VALIDATION_FAILED", ((2, 13),)),
    ]


@pytest.mark.parametrize(("fields", "told"), [(SUGGESTED_AMONG, " Did you mean"), (SUGGESTED_AMONG + 1, "")])
def test_a_misspelt_field_costs_no_search_through_a_whole_city(fields: int, told: str) -> None:
    schema = build_schema(f"type Query {{ {' '.join(f'resource{number}: Int' for number in range(fields))} }}")

    with pytest.raises(RequestError) as refused:
        read_document("{ resourc1 }", None, schema, DocumentLimits())

    message = refused.value.errors[0].message
    assert message.startswith(f"Cannot query field 'resourc1' on type 'Query'.{told}")
    assert ("Did you mean" in message) == bool(told)


@pytest.mark.parametrize(
    ("variables", "few"),
    [
        ({}, True),
        ({"codes": ["x"] * (FEW_VALUES - 1)}, True),
        ({"codes": ["x"] * FEW_VALUES}, False),
        ({"where": {"any": [{"code": "x", "city": None}] * (FEW_VALUES // 2)}}, False),
        ({"text": "x" * 100_000}, True),
    ],
)
def test_values_of_variables_are_counted_wherever_they_stand(variables: dict[str, object], few: bool) -> None:
    assert are_few(variables) is few


async def test_many_values_are_checked_as_few_are() -> None:
    snapshot = Snapshot(read_supergraph(OFFICES), "1")
    text = Text("query ($codes: [Int!]) { office(codes: $codes) }")
    many = list(range(FEW_VALUES + 1))

    _, values = await snapshot.prepare(text, snapshot.plain_view, {"codes": many})
    with pytest.raises(RequestError) as refused:
        await snapshot.prepare(text, snapshot.plain_view, {"codes": [*many, "x"]})

    assert values == {"v0": many}
    assert "$codes" in refused.value.errors[0].message


async def test_a_client_that_leaves_while_its_document_is_refused_leaves_no_error_behind() -> None:
    begun, left = asyncio.Event(), threading.Event()
    loop, reported = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: reported.append(context))

    class Slow(Snapshot):
        def _first(self, *arguments: Any) -> PreparedDocument:
            loop.call_soon_threadsafe(begun.set)
            left.wait()
            return super()._first(*arguments)

    snapshot = Slow(read_supergraph(OFFICES), "1")
    text = Text("{ unknown }")
    client = asyncio.create_task(snapshot.prepare(text, snapshot.plain_view, {}))
    await begun.wait()
    client.cancel()
    await asyncio.wait([client])
    waiting = list(snapshot._underway.values())
    left.set()
    await asyncio.wait(waiting)
    del client, waiting
    gc.collect()

    assert reported == []
    assert snapshot._underway == {}
