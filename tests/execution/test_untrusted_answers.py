"""Subgraphs that answer what they should not: null and one error where it shows, and never another row's data."""

from typing import Any

import pytest
from graphql import build_schema

from gateway.execution.result import Result
from tests.execution.plans import Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, told

MALFORMED = "SUBGRAPH_MALFORMED"
LEAVES = build_schema("""
    type Query {
      int: Int float: Float string: String boolean: Boolean id: ID mood: Mood any: Any sure: Any! ints: [Int!]
    }
    enum Mood { CALM WILD }
    scalar Any
""")


@pytest.mark.parametrize(
    ("field", "given", "answered"),
    [
        ("int", "7", "7"),
        ("int", "7.0", "7"),
        ("int", "-2147483648", "-2147483648"),
        ("float", "3", "3"),
        ("float", "0.5", "0.5"),
        ("id", "7", '"7"'),
        ("id", '"x"', '"x"'),
        ("any", '{"deep":[1,null,{"a":1e3}]}', '{"deep":[1,null,{"a":1000.0}]}'),
        ("any", "123456789012345678901234567890", "123456789012345678901234567890"),
        ("ints", "[1,2]", "[1,2]"),
        ("mood", '"WILD"', '"WILD"'),
    ],
)
async def test_leaves_are_coerced_no_further_than_the_specification_allows(
    field: str, given: str, answered: str
) -> None:
    body = f'{{"data":{{"{field}":{given}}}}}'.encode()

    result = await answer(_one(field), LEAVES, ScriptedSubgraphs({"a": [body]}))

    assert result.encode() == f'{{"data":{{"{field}":{answered}}}}}'.encode()


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("int", "2147483648"),
        ("int", "1.5"),
        ("int", "true"),
        ("int", '"7"'),
        ("int", "[7]"),
        ("float", "true"),
        ("float", '"0.5"'),
        ("string", "7"),
        ("string", "{}"),
        ("boolean", "1"),
        ("id", "true"),
        ("id", "1.0"),
        ("mood", '"ANGRY"'),
        ("mood", "0"),
        ("ints", "7"),
        ("ints", '{"0":7}'),
    ],
)
async def test_a_leaf_of_another_type_is_null_with_an_error(field: str, given: str) -> None:
    body = f'{{"data":{{"{field}":{given}}}}}'.encode()

    data, errors = told(await answer(_one(field), LEAVES, ScriptedSubgraphs({"a": [body]})))

    assert (data, errors) == ({field: None}, [(MALFORMED, [field])])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"data":7}',
        b'{"data":null}',
        b'{"data":{"int":NaN}}',
        b'{"data":{"int":1e999}}',
        b'{"data":{"string":"\xff"}}',
        b'{"data":{"string":"\\ud800"}}',
        b'{"data":' + b"[" * 100_000,
        b'{"data":{"int":' + b"1" * 6_000 + b"}}",
        b'{"data":{"int":1}',
    ],
)
async def test_what_is_no_graphql_response_fails_the_fetch_once(body: bytes) -> None:
    both = plan(LEAVES, "{ int string }", Root("a", "{ int string }"))

    data, errors = told(await answer(both, LEAVES, ScriptedSubgraphs({"a": [body]})))

    assert (data, errors) == ({"int": None, "string": None}, [(MALFORMED, ["int"])])


def test_a_scalar_nested_beyond_all_measure_is_an_error_not_a_fault() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert told(Result({"any": deep})) == (None, [(MALFORMED, None)])


async def test_a_missing_field_is_null_and_an_extra_one_is_ignored() -> None:
    body = b'{"data":{"int":1,"extra":{"string":"x"}},"extensions":{"secret":1}}'
    both = plan(LEAVES, "{ int string }", Root("a", "{ int string }"))

    result = await answer(both, LEAVES, ScriptedSubgraphs({"a": [body]}))

    assert told(result) == ({"int": 1, "string": None}, [(MALFORMED, ["string"])])


async def test_null_where_none_may_be_takes_the_nearest_nullable_parent() -> None:
    schema = build_schema("type Query { a: A } type A { list: [B!]! n: Int } type B { c: C! } type C { d: Int! }")
    nested = plan(schema, "{ a { n list { c { d } } } }", Root("s", "{ a { n list { c { d } } } }"))
    body = b'{"data":{"a":{"n":1,"list":[{"c":{"d":1}},{"c":{"d":null}}]}}}'

    result = await answer(nested, schema, ScriptedSubgraphs({"s": [body]}))

    assert told(result) == ({"a": None}, [(MALFORMED, ["a", "list", 1, "c", "d"])])


async def test_null_up_to_the_root_nulls_the_data() -> None:
    result = await answer(_one("sure"), LEAVES, ScriptedSubgraphs({"a": [b'{"data":{"sure":null}}']}))

    assert told(result) == (None, [(MALFORMED, ["sure"])])


PETS = build_schema("""
    type Query { pets: [Pet] dog: Dog }
    interface Pet { name: String }
    type Dog implements Pet { name: String barks: Boolean }
    type Cat implements Pet { name: String lives: Int }
""")


@pytest.mark.parametrize("name", ['"Wolf"', '"Pet"', "7", "null", '["Dog"]'])
async def test_an_object_of_a_type_the_caller_does_not_know_is_null(name: str) -> None:
    named = plan(PETS, "{ pets { name } }", Root("a", "{ pets { __typename name } }"))
    body = f'{{"data":{{"pets":[{{"__typename":{name},"name":"Akela"}},{{"__typename":"Cat","name":"Tom"}}]}}}}'

    data, errors = told(await answer(named, PETS, ScriptedSubgraphs({"a": [body.encode()]})))

    assert data == {"pets": [None, {"name": "Tom"}]}
    assert errors == [(MALFORMED, ["pets", 0])]


async def test_a_concrete_object_that_calls_itself_otherwise_is_null() -> None:
    dog = plan(PETS, "{ dog { name } }", Root("a", "{ dog { __typename name } }"))
    body = b'{"data":{"dog":{"__typename":"Cat","name":"Tom"}}}'

    assert told(await answer(dog, PETS, ScriptedSubgraphs({"a": [body]}))) == ({"dog": None}, [(MALFORMED, ["dog"])])


ROWS = build_schema("type Query { rows: [Row] } type Row { id: ID! name: String owner: Owner } type Owner { id: ID! }")
WITH_NAMES = plan(
    ROWS,
    "{ rows { id name } }",
    Root("a", "{ rows { id } }"),
    entities("b", "Row", "rows", "id", "{ id name }", after=(0,)),
)


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [{"id": "1", "name": "one"}],
        [{"id": "1", "name": "one"}, {"id": "2", "name": "two"}, {"id": "3", "name": "three"}],
        {"0": {"id": "1", "name": "one"}},
        None,
        "12",
    ],
)
async def test_entities_that_cannot_be_told_apart_are_given_to_nobody(listed: Any) -> None:
    """A list of another length than was asked for could be anybody's."""
    rows = {"data": {"rows": [{"id": "1"}, {"id": "2"}]}}
    subgraphs = ScriptedSubgraphs({"a": [rows], "b": [{"data": {"e0": listed}}]})

    data, errors = told(await answer(WITH_NAMES, ROWS, subgraphs))

    assert data == {"rows": [{"id": "1", "name": None}, {"id": "2", "name": None}]}
    assert errors == [(MALFORMED, ["rows", 0, "name"])]


async def test_entities_in_the_wrong_order_are_given_to_nobody() -> None:
    rows = {"data": {"rows": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}}
    mixed = [{"id": "2", "name": "two"}, {"id": "1", "name": "one"}, {"id": "3", "name": "three"}]
    subgraphs = ScriptedSubgraphs({"a": [rows], "b": [{"data": {"e0": mixed}}]})

    data, errors = told(await answer(WITH_NAMES, ROWS, subgraphs))

    assert [row["name"] for row in data["rows"]] == [None, None, "three"]
    assert errors == [(MALFORMED, ["rows", 0, "name"]), (MALFORMED, ["rows", 1, "name"])]


async def test_parallel_lists_that_disagree_are_not_mixed() -> None:
    """Two fetches give halves of the same rows; the second lists them in another order."""
    halves = plan(
        ROWS,
        "{ rows { id name owner { id } } }",
        Root("a", "{ rows { id name } }"),
        Root("b", "{ rows { id owner { id } } }"),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "a": [{"data": {"rows": [{"id": "1", "name": "one"}, {"id": "2", "name": "two"}]}}],
            "b": [{"data": {"rows": [{"id": "2", "owner": {"id": "o2"}}, {"id": "1", "owner": {"id": "o1"}}]}}],
        }
    )

    data, errors = told(await answer(halves, ROWS, subgraphs))

    assert data == {"rows": [{"id": "1", "name": "one", "owner": None}, {"id": "2", "name": "two", "owner": None}]}
    assert errors == [(MALFORMED, ["rows", 0, "owner"]), (MALFORMED, ["rows", 1, "owner"])]


async def test_what_a_subgraph_says_of_its_errors_is_kept_from_the_caller() -> None:
    secret = {"message": "row 7 of person 1101", "path": ["int"], "extensions": {"code": "SQL", "host": "10.0.0.7"}}
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"int": None}, "errors": [secret]}]})

    hidden = await answer(_one("int"), LEAVES, subgraphs.again())
    named = await answer(_one("int"), LEAVES, subgraphs, show_subgraphs=True)

    assert hidden.encode() == (
        b'{"data":{"int":null},"errors":[{"message":"A subgraph reported an error for this part of the answer.",'
        b'"path":["int"],"extensions":{"code":"SUBGRAPH_FAILED"}}]}'
    )
    assert named.errors[0].extensions == {"subgraph": "a"}
    assert named.errors[0].message == "The subgraph `a` reported an error for this part of the answer."


async def test_an_error_within_an_entity_is_reported_at_every_place_it_empties() -> None:
    rows = {"data": {"rows": [{"id": "1"}, {"id": "2"}, {"id": "1"}]}}
    failed = {
        "data": {"e0": [{"id": "1", "name": None}, {"id": "2", "name": "two"}]},
        "errors": [{"message": "x", "path": ["e0", 0, "name"]}],
    }
    subgraphs = ScriptedSubgraphs({"a": [rows], "b": [failed]})

    data, errors = told(await answer(WITH_NAMES, ROWS, subgraphs))

    assert [row["name"] for row in data["rows"]] == [None, "two", None]
    assert errors == [("SUBGRAPH_FAILED", ["rows", 0, "name"]), ("SUBGRAPH_FAILED", ["rows", 2, "name"])]


async def test_errors_beyond_a_thousand_are_counted_not_listed() -> None:
    body = b'{"data":{"moods":[' + b",".join([b'"ANGRY"'] * 1_500) + b"]}}"
    schema = build_schema("type Query { moods: [Mood] } enum Mood { CALM }")
    moods = plan(schema, "{ moods }", Root("a", "{ moods }"))

    result = await answer(moods, schema, ScriptedSubgraphs({"a": [body]}))

    assert len(result.errors) == 1_001
    assert result.errors[-1].message == "500 more errors are left out; what they concern is null."
    assert set(told(result)[0]["moods"]) == {None}


@pytest.mark.parametrize("errors", [[{"message": "x"}], [{}], "odd", 7, [7], [{"path": "int"}], [{"path": [True]}]])
async def test_an_error_without_a_place_is_reported_without_one(errors: Any) -> None:
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"int": 1}, "errors": errors}]})

    assert told(await answer(_one("int"), LEAVES, subgraphs)) == ({"int": 1}, [("SUBGRAPH_FAILED", None)])


def _one(field: str) -> Any:
    return plan(LEAVES, f"{{ {field} }}", Root("a", f"{{ {field} }}"))
