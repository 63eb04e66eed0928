"""What is said of documents that fit the schema and are refused all the same."""

import pytest
from graphql import build_schema

from gateway.document_limits import DocumentLimits
from gateway.documents import IN_ONE_PIECE, SUGGESTED_AMONG, read_document
from gateway.errors import CodedError, RequestError
from gateway.preparation import FEW_VALUES, are_few
from gateway.snapshot import Snapshot, Text
from gateway.supergraph.join_sdl import read_supergraph

SCHEMA = build_schema("type Query { office: Office offices: [Office] } type Office { name: String }")


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
    sdl = """schema @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
      enum join__Graph { A @join__graph(name: "a", url: "") }
      type Query @join__type(graph: A) { office(codes: [Int!]): String }"""
    snapshot = Snapshot(read_supergraph(sdl), "1")
    text = Text("query ($codes: [Int!]) { office(codes: $codes) }")
    many = list(range(FEW_VALUES + 1))

    _, values = await snapshot.prepare(text, snapshot.plain_view, {"codes": many})
    with pytest.raises(RequestError) as refused:
        await snapshot.prepare(text, snapshot.plain_view, {"codes": [*many, "x"]})

    assert values == {"v0": many}
    assert "$codes" in refused.value.errors[0].message
