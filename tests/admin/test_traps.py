"""What must not happen at the desk, each trap once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.admin import policy_fields
from gateway.admin.passing_time import sweep
from tests.admin.office import ADDRESS, FRIDAY, City, city, key_of
from tests.admin.test_journeys import (
    ANSWERS,
    APPLY,
    APPROVE,
    DECIDE,
    EDIT,
    LEDGER,
    LOOK,
    PROPOSE,
    PUBLISH,
    START,
    WANTED,
)

ME = "{ me { subject department rights { act on } } }"
LINE = (
    "p, Q-2026-9, dept:welfare, z:gov, data-verification, 30700503/1.registeredAddress, read, *, "
    "2026-09-01T00:00:00Z, 2027-09-01T00:00:00Z, request:2026-9, allow\n"
)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as made:
        yield made


async def proposed(here: City) -> int:
    draft = await here.ask("chen", START, note="the address for benefits", id="address")
    edited = await here.ask("chen", EDIT, id="address", revision=1, text=draft["text"] + LINE)
    revision: int = (await here.ask("chen", PROPOSE, id="address", revision=edited["revision"]))["revision"]
    return revision


async def test_nobody_approves_the_own_draft(here: City) -> None:
    revision = await proposed(here)
    assert (await here.refused("chen", APPROVE, id="address", revision=revision))[0] == "DRAFT_REFUSED"
    assert (await here.refused("chen", PUBLISH, id="address"))[0] == "DRAFT_REFUSED"
    assert (await here.refused("zhao", APPROVE, id="address", revision=revision))[0] == "ACT_FORBIDDEN", "no right to"


async def test_whoever_does_not_stand_for_a_draft_does_not_publish_it(here: City) -> None:
    await here.ask("zhou", APPROVE, id="address", revision=await proposed(here))
    assert (await here.refused("qian", PUBLISH, id="address"))[0] == "DRAFT_REFUSED"


async def test_what_was_seen_in_an_older_revision_is_not_approved_edited_or_proposed(here: City) -> None:
    revision = await proposed(here)
    assert (await here.refused("zhou", APPROVE, id="address", revision=revision - 1))[0] == "DRAFT_STALE"
    assert (await here.refused("chen", EDIT, id="address", revision=revision - 1, text=""))[0] == "DRAFT_STALE"
    assert (await here.refused("chen", PROPOSE, id="address", revision=revision - 1))[0] == "DRAFT_STALE"


async def test_two_officers_at_once_decide_an_application_once(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    await here.ask("wang", DECIDE, id=application["id"], revision=1, answers=ANSWERS)
    code, message = await here.refused("wang", DECIDE, id=application["id"], revision=1, answers=ANSWERS)
    assert (code, "revision 2" in message) == ("DRAFT_STALE", True)


async def test_the_applicants_side_does_not_decide_and_strangers_do_not_see(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    seen = {"id": application["id"]}
    code, message = await here.refused("li", DECIDE, **seen, revision=1, answers=ANSWERS)
    assert (code, "police's" in message) == ("MATTER_REFUSED", True)
    assert (await here.refused("hu", DECIDE, **seen, revision=1, answers=ANSWERS))[0] == "ACT_FORBIDDEN", (
        "of the provider's side, but nobody gave the right to decide"
    )
    for stranger in ("sun", "chen"):
        assert (await here.refused(stranger, DECIDE, **seen, revision=1, answers=ANSWERS))[0] == "MATTER_UNKNOWN"
        assert await here.ask(stranger, "{ applications { nodes { id } } }") == {"nodes": []}
    assert (await here.refused("sun", LOOK, **seen))[1] == (await here.refused("sun", LOOK, id=seen["id"]))[1]


PREVIEW = """query ($id: ID!, $answers: [ItemAnswerInput!]!, $operation: String) {
  previewDecision(application: $id, answers: $answers, operation: $operation) {
    at purpose rows schema lines items { item allowed ways { grant how rows } reason } fields { path verdict masked }
  } }"""


async def test_a_provider_sees_what_the_applicant_would_before_granting_it_and_nothing_is_kept(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    seen = {"id": application["id"], "answers": ANSWERS}
    operation = "{ residents { nodes { name registeredAddress } } }"
    preview = await here.ask("wang", PREVIEW, **seen, operation=operation)
    assert (preview["at"], preview["purpose"]) == ("2026-10-25T16:00:00Z", "data-verification")
    assert preview["rows"] == WANTED["rows"]
    address, photo = preview["items"]
    name, rows = f"Q-{application['id']}", f"rows:{application['id']}"
    assert address["ways"] == [{"grant": name, "how": "masked:district", "rows": rows}]
    assert (photo["allowed"], photo["reason"]) == (False, "GRANT_REQUIRED")
    fields = {field["path"]: field for field in preview["fields"]}
    assert fields["residents.nodes.registeredAddress"]["masked"] == "district"
    assert "registeredAddress: String" in preview["schema"]
    assert "remarks" not in preview["schema"], "what no entry covers is in nobody's schema"
    assert len(preview["lines"]) == 3, "the condition, the ceiling, and the one item that is granted"

    # Nothing has changed, and nobody but the provider's decider may look.
    assert (await here.ask("li", LOOK, id=seen["id"]))["state"] == "APPLIED"
    assert not (await here.app_view()).allows(ADDRESS, "masked:district", rows)
    assert (await here.refused("li", PREVIEW, **seen))[0] == "MATTER_REFUSED"
    assert (await here.refused("hu", PREVIEW, **seen))[0] == "ACT_FORBIDDEN"
    assert (await here.refused("sun", PREVIEW, **seen))[0] == "MATTER_UNKNOWN"
    code, message = await here.refused("wang", PREVIEW, id=seen["id"], answers=ANSWERS[:1])
    assert (code, "answer for each item" in message) == ("MATTER_INCOMPLETE", True)


async def test_a_clock_that_passes_is_in_the_ledger_once_although_nobody_looks(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    here.move_to(datetime(2026, 10, 9, 15, 59, tzinfo=UTC))
    assert await sweep(here.desk) == 0, "the last day, over Mid-Autumn and National Day, is in time"
    here.move_to(datetime(2026, 10, 9, 16, tzinfo=UTC))
    assert sorted(await asyncio.gather(sweep(here.desk), sweep(here.desk))) == [0, 1], "two workers, one record"
    assert await sweep(here.desk) == 0
    page = await here.ask("qian", LEDGER, why="overdue applications", filter={"kind": "ACT"})
    (overdue,) = [record["facts"] for record in page["records"] if record["facts"]["act"] == "overdue"]
    assert overdue == {
        "person": "clock", "department": "-", "act": "overdue", "about": f"application {application['id']}",
        "after": "overdue", "reason": "due 2026-10-09",
    }  # fmt: skip
    assert (await here.ask("zhao", LOOK, id=application["id"]))["state"] == "OVERDUE", "escalated"
    assert not (await here.app_view()).allows(ADDRESS, "read", f"rows:{application['id']}")
    assert (await here.refused("wang", DECIDE, id=application["id"], revision=1, answers=ANSWERS))[0] == "DRAFT_STALE"
    decided = await here.ask("wang", DECIDE, id=application["id"], revision=2, answers=ANSWERS)
    assert decided["state"] == "GRANTED", "late, and still the provider's"


async def test_pages_go_on_where_they_ended_whatever_is_added_meanwhile(here: City) -> None:
    page = """query ($after: String) { applications(first: 2, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } totalCount } }"""
    made = []
    for minute in range(3):
        here.move_to(FRIDAY + timedelta(minutes=minute))
        made.append((await here.ask("li", APPLY, input=WANTED))["id"])
    first = await here.ask("li", page)
    assert [node["id"] for node in first["nodes"]] == made[:2], "the oldest first"
    assert (first["pageInfo"]["hasNextPage"], first["totalCount"]) == (True, 3)
    here.move_to(FRIDAY + timedelta(minutes=9))
    made.append((await here.ask("li", APPLY, input=WANTED))["id"])
    second = await here.ask("li", page, after=first["pageInfo"]["endCursor"])
    assert [node["id"] for node in second["nodes"]] == made[2:]
    assert second["pageInfo"]["hasNextPage"] is False
    for wrong in ("nonsense", "é", ""):
        assert (await here.refused("li", page, after=wrong))[0] == "BAD_REQUEST"
    assert (await here.refused("li", "{ applications(first: 0) { totalCount } }"))[0] == "BAD_REQUEST"
    nothing = await here.ask("sun", page)
    assert nothing == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}, "totalCount": 0}


async def test_silence_never_grants(here: City) -> None:
    application = await here.ask("li", APPLY, input={**WANTED, "begins": "2026-10-01"})
    here.move_to(datetime(2026, 10, 9, 15, 59, tzinfo=UTC))
    assert (await here.ask("li", LOOK, id=application["id"]))["state"] == "APPLIED", "the last day is in time"
    here.move_to(datetime(2027, 3, 1, tzinfo=UTC))
    assert (await here.ask("li", LOOK, id=application["id"]))["state"] == "OVERDUE"
    escalated = await here.ask("zhao", "{ applications(state: OVERDUE) { nodes { id } } }")
    assert escalated == {"nodes": [{"id": application["id"]}]}
    assert await here.ask("li", "{ grants { nodes { id } } }") == {"nodes": []}
    assert not (await here.app_view()).allows(ADDRESS, "read", f"rows:{application['id']}")


async def test_a_request_sent_twice_under_one_key_makes_one_application(here: City) -> None:
    key = {"Idempotency-Key": "form-77"}
    first = await here.ask("li", APPLY, key, input=WANTED)
    assert await here.ask("li", APPLY, key, input=WANTED) == first
    assert (await here.ask("li", APPLY, key, input={**WANTED, "callsPerDay": 1}))["id"] != first["id"]
    assert (await here.ask("li", APPLY, {"Idempotency-Key": "form-78"}, input=WANTED))["id"] != first["id"]
    assert (await here.post("li", ME, {"Idempotency-Key": "a b"}))["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_draft_and_a_rollback_sent_twice_under_one_key_are_made_once(here: City) -> None:
    key = {"Idempotency-Key": "k-1"}
    start = 'mutation { startDraft(note: "the address for benefits") { id } }'
    assert await here.ask("chen", start, key) == await here.ask("chen", start, key)
    assert (await here.refused("chen", START, note="x", id="a b"))[0] == "BAD_REQUEST"
    revision = await proposed(here)
    await here.ask("zhou", APPROVE, id="address", revision=revision)
    await here.ask("chen", PUBLISH, id="address")
    roll_back = 'mutation { rollBack(version: 1, reason: "too much") { id } }'
    first = await here.ask("chen", roll_back, key)
    assert await here.ask("chen", roll_back, key) == first
    assert await here.ask("zhou", "{ rollBacks { id } }") == [first]
    as_draft = 'mutation { rollBackAsDraft(version: 1, reason: "too much") { id base state text } }'
    made = await here.ask("chen", as_draft, key)
    assert await here.ask("chen", as_draft, key) == made
    assert (made["base"], made["state"], "Q-9" in made["text"]) == (2, "EDITING", False)
    assert (await here.refused("li", as_draft))[0] == "ACT_FORBIDDEN"


async def test_grants_of_different_applications_do_not_hinder_one_another(here: City) -> None:
    made = [await here.ask("li", APPLY, input={**WANTED, "callsPerDay": calls}) for calls in (1, 2, 3)]
    decided = await asyncio.gather(
        *(here.ask("wang", DECIDE, id=one["id"], revision=1, answers=ANSWERS) for one in made)
    )
    assert [one["state"] for one in decided] == ["GRANTED"] * 3
    text = (await here.ask("chen", "{ versions(first: 1) { text } }"))[0]["text"]
    assert all(f"Q-{one['id']}" in text for one in made)


async def test_applications_and_the_public_are_turned_away(here: City) -> None:
    for who in ("benefits", "planner", ""):
        answer = await here.post(who, ME)
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] == "PEOPLE_ONLY"
    answer = await here.post("benefits", ME, {"Accept-Language": "zh-CN"})
    assert answer["errors"][0]["message"] == "管理接口仅供部门经办人员和管理员使用。"
    (error,) = (await here.post("li", START, {"Accept-Language": "zh-CN"}, note="x", id="x"))["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("ACT_FORBIDDEN", "welfare 的 user:li 无权查阅策略。")
    asked = '{ explainItem(item: "30700503/1.registeredAddress", as: "app:benefits") { reason explanation } }'
    told = await here.ask("li", asked, {"Accept-Language": "zh"})
    assert told == {"reason": "GRANT_REQUIRED", "explanation": "须取得提供部门的授权。"}
    assert (await here.post("nobody", ME))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_who_has_no_right_in_the_console_reads_no_policy(here: City) -> None:
    for document in ("{ drafts { id } }", "{ versions { number } }", 'mutation { startDraft(note: "x") { text } }'):
        assert (await here.refused("li", document))[0] == "ACT_FORBIDDEN"
    assert await here.ask("li", ME) == {"subject": "user:li", "department": "welfare", "rights": []}
    assert {"act": "freeze", "on": "policy"} in (await here.ask("chen", ME))["rights"]


async def test_nobody_looks_through_the_eyes_of_another_departments_application(here: City) -> None:
    ask = 'query ($as: String) { explain(operation: "{ residents { nodes { name } } }", as: $as) { verdict } }'
    assert (await here.refused("sun", ask, **{"as": "app:benefits"}))[0] == "MATTER_UNKNOWN"
    assert (await here.refused("sun", ask, **{"as": "app:nobody"}))[0] == "MATTER_UNKNOWN"
    assert (await here.refused("qian", ask, **{"as": "anon"}))[0] == "GRAPHQL_VALIDATION_FAILED", "unlisted to it"


JSON = {"content-type": "application/json"}
REQUESTS: list[tuple[str, dict[str, str], bytes, int, str | None]] = [
    ("GET", {}, b"", 405, None),
    ("POST", {"content-type": "text/plain"}, b'{"query": "{ me { subject } }"}', 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("POST", {**JSON, "content-encoding": "gzip"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ("POST", {**JSON, "accept": "text/html"}, b"{}", 406, "NOT_ACCEPTABLE"),
    ("POST", JSON, b"[]", 400, "BAD_REQUEST"),
    ("POST", JSON, b"{}", 400, "BAD_REQUEST"),
    ("POST", JSON, b'{"query": "' + b" " * 200_000 + b'"}', 413, "BODY_TOO_LARGE"),
    ("POST", JSON, b'{"query": "{"}', 200, "GRAPHQL_PARSING_FAILED"),
    ("POST", {**JSON, "accept": "application/graphql-response+json"}, b'{"query": "{ unknown }"}', 400,
     "GRAPHQL_VALIDATION_FAILED"),
    ("POST", {**JSON, "x-api-key": key_of("benefits")}, b'{"query": "{ me { subject } }"}', 403, "PEOPLE_ONLY"),
    ("POST", {**JSON, "x-api-key": "wsk_unknown"}, b'{"query": "{ me { subject } }"}', 401, "UNAUTHENTICATED"),
]  # fmt: skip


async def test_only_a_post_of_json_by_a_person_is_answered(here: City) -> None:
    for method, headers, body, status, code in REQUESTS:
        sent = {"x-api-key": key_of("chen"), **headers}
        async with here.session.request(method, f"{here.address}/admin/graphql", data=body, headers=sent) as response:
            assert response.status == status, (headers, body[:40])
            if code is not None:
                assert (await response.json())["errors"][0]["extensions"]["code"] == code


async def test_what_nobody_expected_is_masked(here: City, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("secret of the store")

    monkeypatch.setattr(policy_fields.desk_steps, "readable_version", fail)
    answer = await here.post("chen", "{ version(number: 1) { number } }")
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(answer)


async def test_a_document_that_asks_for_one_thing_many_times_is_refused(here: City) -> None:
    fields = " ".join(f"a{n}: ledgerVerify {{ records }}" for n in range(60))
    document = f"{{ {fields} }}"
    assert (await here.refused("qian", document))[0] == "GRAPHQL_VALIDATION_FAILED"


async def test_a_decision_on_an_item_nobody_is_appointed_for_cannot_be_asked_for(here: City) -> None:
    wanted = {**WANTED, "items": ["30700502/1.phone"], "rows": None}
    assert (await here.refused("li", APPLY, input=wanted))[0] == "NO_PROVIDER"
    assert here.now == FRIDAY
