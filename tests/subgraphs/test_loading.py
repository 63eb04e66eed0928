"""Relations are loaded once a level, before graphql-core completes anything."""

from typing import Any

import pytest

from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from tests.subgraphs.library import Shelves, department


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(department.schema())


async def ask(executor: Executor, query: str, store: Shelves | None = None, **variables: Any) -> dict[str, Any]:
    return await executor.answer({"query": query, "variables": variables}, Request(store or Shelves(), None))


async def test_a_relation_of_many_records_is_one_call(executor: Executor) -> None:
    store = Shelves()
    answer = await ask(executor, "{ libraries(first: 3) { books(first: 1) { title } } }", store)
    assert answer["data"]["libraries"] == [{"books": [{"title": "书1"}]}] * 3
    assert store.calls == [("books", 3)]


async def test_a_relation_below_a_relation_is_one_call_for_the_whole_level(executor: Executor) -> None:
    store = Shelves()
    query = "{ libraries(first: 3) { books(first: 2) { library { books(first: 1) { isbn } } } } }"
    answer = await ask(executor, query, store)
    assert answer["data"]["libraries"][2]["books"][1]["library"]["books"] == [{"isbn": "2-1"}]
    assert store.calls == [("books", 3), ("books", 6)]


async def test_aliases_with_other_arguments_are_loaded_apart(executor: Executor) -> None:
    query = '{ library(libraryNo: "1") { one: books(first: 1) { isbn } two: books { isbn } } }'
    answer = await ask(executor, query)
    assert answer["data"]["library"] == {"one": [{"isbn": "1-1"}], "two": [{"isbn": "1-1"}, {"isbn": "1-2"}]}


async def test_fragments_and_conditions_decide_what_is_loaded(executor: Executor) -> None:
    query = """
    query($no: Boolean!) {
      libraries(first: 1) { ...shelf books @skip(if: true) { isbn } }
    }
    fragment shelf on Library { books @include(if: $no) { title } ... on Library { displayName } }
    """
    store = Shelves()
    answer = await ask(executor, query, store, no=False)
    assert answer["data"]["libraries"] == [{"displayName": "第0图书馆"}]
    assert store.calls == []


async def test_selections_of_one_response_key_are_merged(executor: Executor) -> None:
    query = '{ library(libraryNo: "1") { books { isbn } ... on Library { books { library { displayName } } } } }'
    answer = await ask(executor, query)
    assert answer["data"]["library"]["books"][0] == {"isbn": "1-1", "library": {"displayName": "第1图书馆"}}


async def test_what_fails_for_one_parent_is_null_there_alone(executor: Executor) -> None:
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Library { books(first: 1) { isbn } } } }"
    numbers = ("1", "burnt")
    answer = await ask(executor, query, r=[{"__typename": "Library", "libraryNo": number} for number in numbers])
    assert answer["data"]["_entities"] == [{"books": [{"isbn": "1-1"}]}, {"books": None}]
    assert answer["errors"][0]["path"] == ["_entities", 1, "books"]


@pytest.mark.parametrize(
    "query",
    [
        "{ broken }",
        '{ library(libraryNo: "fire") { displayName } }',
        '{ library(libraryNo: "burnt") { books { isbn } } }',
    ],
)
async def test_a_faults_own_words_reach_neither_caller_nor_log(
    executor: Executor, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(executor, query)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "DEPARTMENT_FAULT"
    assert "failed: " in caplog.text
    assert not any(secret in str(answer) for secret in ("HUNTER", "康红玉", "宋静娟", "RuntimeError"))
    assert not any(secret in caplog.text for secret in ("HUNTER", "康红玉 is", "宋静娟'"))
