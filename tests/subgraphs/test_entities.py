"""``_entities``: one call a type, every representation answered for itself."""

import copy
from typing import Any

import pytest
import strawberry

from subgraphs.kit.binding import entity
from subgraphs.kit.entities import Reference
from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from subgraphs.kit.schema import build_schema
from tests.subgraphs.library import Shelves, department

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Library { displayName } } }"


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(department.schema())


async def ask(executor: Executor, query: str, store: Shelves | None = None, **variables: Any) -> dict[str, Any]:
    return await executor.answer({"query": query, "variables": variables}, Request(store or Shelves(), None))


def library(number: object) -> dict[str, object]:
    return {"__typename": "Library", "libraryNo": number}


async def test_a_thousand_representations_of_one_type_are_one_call(executor: Executor) -> None:
    store = Shelves()
    answer = await ask(executor, ENTITIES, store, r=[library(str(n)) for n in range(1000)])
    assert len(answer["data"]["_entities"]) == 1000
    assert store.calls == [("libraries", 1000)]


async def test_answers_stand_where_their_representations_stood_whatever_the_mix_of_types(executor: Executor) -> None:
    mixed = [library("1"), {"__typename": "ResidentBasic", "id": "x"}, library("2")]
    answer = await ask(executor, ENTITIES, r=mixed)
    assert answer["data"]["_entities"] == [
        {"__typename": "Library", "displayName": "第1图书馆"},
        {"__typename": "ResidentBasic"},
        {"__typename": "Library", "displayName": "第2图书馆"},
    ]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"__typename": "Nobody", "id": "1"}, "REPRESENTATION_INVALID"),
        ({"libraryNo": "1"}, "REPRESENTATION_INVALID"),
        ({"__typename": ["Library"], "libraryNo": "1"}, "REPRESENTATION_INVALID"),
        (library(None), "REPRESENTATION_INVALID"),
        ({"__typename": "Library"}, "REPRESENTATION_INVALID"),
        (library({"nested": 1}), "REPRESENTATION_INVALID"),
        ("Library", "REPRESENTATION_INVALID"),
        (library("fire"), "DEPARTMENT_FAULT"),
    ],
)  # fmt: skip
async def test_one_bad_representation_is_null_with_an_error_and_its_neighbours_stay(
    executor: Executor, bad: object, code: str
) -> None:
    answer = await ask(executor, ENTITIES, r=[library("1"), bad, library("2")])
    names = [entity and entity["displayName"] for entity in answer["data"]["_entities"]]
    assert names == ["第1图书馆", None, "第2图书馆"]
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [(["_entities", 1], code)]


async def test_an_entity_that_does_not_exist_is_null_without_an_error(executor: Executor) -> None:
    assert await ask(executor, ENTITIES, r=[library("none")]) == {"data": {"_entities": [None]}}


async def test_the_callers_variables_are_left_as_they_were(executor: Executor) -> None:
    representations = [library("1"), {"__typename": "Nobody"}]
    before = copy.deepcopy(representations)
    await ask(executor, ENTITIES, r=representations)
    assert representations == before


async def test_a_type_without_a_resolver_is_taken_at_its_word_and_given_its_fields(executor: Executor) -> None:
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on ResidentBasic { id readerCard } } }"
    answer = await ask(executor, query, r=[{"__typename": "ResidentBasic", "id": 7, "unknown": True}])
    assert answer["data"]["_entities"] == [{"id": "7", "readerCard": "card of 7"}]


@entity("no")
class Forgetful:
    no: strawberry.ID

    @classmethod
    async def resolve_references(cls, references: list[Reference], request: object) -> "list[Forgetful]":
        return [cls(no=strawberry.ID("1"))]


@entity("no")
class Reliable:
    no: strawberry.ID


@strawberry.type
class Query:
    ping: str = "pong"


async def test_a_resolver_that_returns_too_few_entities_fails_its_type_and_no_other() -> None:
    executor = Executor(build_schema(Query, [Forgetful, Reliable]))
    query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    representations = [{"__typename": kind, "no": "1"} for kind in ("Forgetful", "Reliable", "Forgetful")]
    answer = await ask(executor, query, r=representations)
    assert answer["data"]["_entities"] == [None, {"__typename": "Reliable"}, None]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"DEPARTMENT_FAULT"}


async def test_a_key_inside_an_object_must_be_whole() -> None:
    executor = Executor(build_schema(Query, [Branch]))
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Branch { no house { streetNo } } } }"
    whole = {"__typename": "Branch", "no": "1", "house": {"streetNo": 3}}
    answer = await ask(executor, query, r=[whole, {**whole, "house": {}}, {**whole, "house": {"streetNo": "three"}}])
    assert answer["data"]["_entities"] == [{"no": "1", "house": {"streetNo": 3}}, None, None]


@strawberry.type
class House:
    street_no: int


@entity("no house { streetNo }")
class Branch:
    no: strawberry.ID
    house: House

    @classmethod
    async def resolve_references(cls, references: list[Reference], request: object) -> "list[Branch]":
        return [cls(no=one["no"], house=House(street_no=one["house"]["street_no"])) for one in references]
