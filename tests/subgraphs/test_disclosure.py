"""The gate: what leaves a department is what the signed context lets out."""

from typing import Any

import pytest

from policies.context import RequestContext, ResourceScope
from policies.row_filters import Equals, RowFilter, StartsWith
from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from tests.subgraphs.library import BOOK, LIBRARY, Shelves, department


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(department.schema())


async def ask(
    executor: Executor, query: str, *scopes: ResourceScope, store: Shelves | None = None, **variables: Any
) -> dict[str, Any]:
    context = RequestContext(
        audience="library", subject="app:test", zone="intranet", policy_version="1", resources=scopes
    )
    return await executor.answer({"query": query, "variables": variables}, Request(store or Shelves(), context))


def yuzhong() -> RowFilter:
    return Equals("divisionCode", "500103")


async def test_items_of_a_resource_that_the_context_does_not_name_are_withheld(executor: Executor) -> None:
    answer = await ask(executor, "{ libraries(first: 1) { libraryNo displayName } }", ResourceScope(resource=BOOK))
    assert answer["data"]["libraries"] == [None]
    assert answer["errors"][0]["extensions"] == {
        "code": "RESOURCE_WITHHELD", "resource": LIBRARY, "items": ["displayName"],
    }  # fmt: skip


async def test_keys_and_relations_pass_without_a_scope_because_joins_need_them(executor: Executor) -> None:
    query = '{ library(libraryNo: "2") { __typename libraryNo books(first: 1) { title } } }'
    answer = await ask(executor, query, ResourceScope(resource=BOOK))
    assert answer == {"data": {"library": {"__typename": "Library", "libraryNo": "2", "books": [{"title": "书1"}]}}}


async def test_rows_out_of_scope_leave_lists_and_are_null_elsewhere(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, rows="rows:yuzhong", row_filter=yuzhong())
    query = '{ libraries(first: 4) { libraryNo } library(libraryNo: "1") { libraryNo } }'
    answer = await ask(executor, query, scope)
    assert answer == {"data": {"libraries": [{"libraryNo": "0"}, {"libraryNo": "2"}], "library": None}}


async def test_an_entity_out_of_scope_is_null_at_its_place(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, rows="rows:yuzhong", row_filter=yuzhong())
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Library { displayName } } }"
    representations = [{"__typename": "Library", "libraryNo": str(n)} for n in range(3)]
    answer = await ask(executor, query, scope, r=representations)
    assert answer == {"data": {"_entities": [{"displayName": "第0图书馆"}, None, {"displayName": "第2图书馆"}]}}


async def test_relations_are_not_followed_from_a_row_out_of_scope(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, rows="rows:yuzhong", row_filter=yuzhong())
    store = Shelves()
    query = "{ libraries(first: 4) { books(first: 1) { isbn } } }"
    await ask(executor, query, scope, ResourceScope(resource=BOOK), store=store)
    assert store.calls == [("books", 2)]


async def test_the_condition_holds_for_rows_reached_by_a_relation_too(executor: Executor) -> None:
    scope = ResourceScope(resource=BOOK, rows="rows:first", row_filter=StartsWith("isbn", "2-1"))
    answer = await ask(executor, '{ library(libraryNo: "2") { books(first: 2) { isbn } } }', scope)
    assert answer == {"data": {"library": {"books": [{"isbn": "2-1"}]}}}


async def test_a_condition_on_an_item_that_is_no_value_of_the_type_withholds_the_rows(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, rows="rows:odd", row_filter=Equals("alarmCode", "1234"))
    answer = await ask(executor, '{ library(libraryNo: "2") { displayName } }', scope)
    assert answer["data"] == {"library": None}
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_WITHHELD"


async def test_masks_are_applied_to_what_leaves_and_not_to_what_the_store_holds(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, masks={f"{LIBRARY}.displayName": "surname", f"{LIBRARY}.openedOn": "year"})
    answer = await ask(executor, '{ library(libraryNo: "2") { libraryNo displayName openedOn divisionCode } }', scope)
    assert answer["data"]["library"] == {
        "libraryNo": "2", "displayName": "第****", "openedOn": "1987", "divisionCode": "500103",
    }  # fmt: skip


async def test_an_unknown_mask_withholds_the_item_instead_of_showing_it(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, masks={f"{LIBRARY}.displayName": "sunglasses"})
    answer = await ask(executor, '{ library(libraryNo: "2") { displayName } }', scope)
    assert answer["data"] == {"library": None}
    assert answer["errors"][0]["extensions"]["code"] == "MASK_UNKNOWN"


async def test_an_item_granted_for_verifying_is_not_read(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, verify_only=(f"{LIBRARY}.displayName", f"{LIBRARY}.alarmCode"))
    answer = await ask(executor, '{ library(libraryNo: "2") { displayName } }', scope)
    assert answer["data"] == {"library": None}
    assert answer["errors"][0]["extensions"]["code"] == "VERIFY_ONLY"


@pytest.mark.parametrize(("offered", "right"), [("1234", True), ("0000", False)])
async def test_a_verifying_field_says_yes_or_no_to_a_value_offered(
    executor: Executor, offered: str, right: bool
) -> None:
    scope = ResourceScope(resource=LIBRARY, verify_only=(f"{LIBRARY}.alarmCode",))
    query = "query($v: String!) { library(libraryNo: 2) { alarmCode(equals: $v) } }".replace("2)", '"2")')
    answer = await ask(executor, query, scope, v=offered)
    assert answer == {"data": {"library": {"alarmCode": right}}}


async def test_a_computed_value_that_should_be_masked_is_withheld(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, masks={f"{LIBRARY}.alarmCode": "redact"})
    answer = await ask(executor, '{ library(libraryNo: "2") { alarmCode(equals: "1") } }', scope)
    assert answer["data"] == {"library": None}
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_WITHHELD"


async def test_a_condition_that_is_named_and_not_sent_shows_no_row(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, rows="rows:yuzhong")
    answer = await ask(executor, "{ libraries(first: 2) { libraryNo } }", scope)
    assert answer["data"] == {"libraries": [None, None]}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RESOURCE_WITHHELD"}
