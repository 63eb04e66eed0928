"""The gate: what leaves a department is what the signed context lets out."""

from typing import Any

import pytest

from policies.context import RequestContext, ResourceScope
from policies.errors import CodedError
from policies.masks import PseudonymKey
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


async def pseudonyms(executor: Executor, secret: str, department: str, purpose: str | None) -> list[str]:
    scope = ResourceScope(resource=LIBRARY, masks={f"{LIBRARY}.divisionCode": "pseudonym"})
    context = RequestContext(
        audience="library", subject="app:test", zone="intranet", policy_version="1", department=department,
        purpose=purpose, resources=(scope,),
    )  # fmt: skip
    request = Request(Shelves(), context, PseudonymKey(secret.encode()))
    answer = await executor.answer({"query": "{ libraries(first: 4) { divisionCode } }"}, request)
    return [library["divisionCode"] for library in answer["data"]["libraries"]]


async def test_a_pseudonym_is_one_for_one_value_recipient_and_purpose_and_another_for_any_other(
    executor: Executor,
) -> None:
    secret = "a secret of the department alone, long enough"
    even, odd, *rest = await pseudonyms(executor, secret, "welfare", "survey")
    assert rest == [even, odd]
    assert "500103" not in {even, odd}
    assert even != odd
    assert [even, odd, even, odd] == await pseudonyms(executor, secret, "welfare", "survey"), "stable"
    others = [("tax", "survey"), ("welfare", "audit"), ("welfare", None), ("welfaresurvey", "")]
    seen = {even, odd}
    for recipient, purpose in others:
        found = set(await pseudonyms(executor, secret, recipient, purpose))
        assert len(found) == 2
        assert not found & seen
        seen |= found
    assert not set(await pseudonyms(executor, secret[::-1], "welfare", "survey")) & seen


async def test_a_pseudonym_without_the_department_s_secret_is_withheld(executor: Executor) -> None:
    scope = ResourceScope(resource=LIBRARY, masks={f"{LIBRARY}.displayName": "pseudonym"})
    answer = await ask(executor, '{ library(libraryNo: "2") { displayName } }', scope)
    assert answer["data"] == {"library": None}
    assert "needs the provider's secret key" in answer["errors"][0]["message"]


def test_a_secret_for_pseudonyms_that_is_too_short_is_refused_and_not_repeated() -> None:
    with pytest.raises(CodedError) as refused:
        PseudonymKey(b"short")
    assert "short" not in refused.value.message


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
