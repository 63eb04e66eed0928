"""Applicant, provider's officer, policy administrator and auditor at their work, told as they take their steps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.errors import CodedError
from policies.ledger import Anchor, import_chain, verify_chain
from policies.views import Act
from tests.admin.office import ADDRESS, FRIDAY, PHOTO, City

APPLICATION = "{ id revision state provider officer clock { due provisional } steps { act person } inForce }"
APPLY = f"mutation ($input: ApplicationInput!) {{ apply(input: $input) {APPLICATION} }}"
LOOK = f"query ($id: ID!) {{ application(id: $id) {APPLICATION} }}"
DECIDE = f"""mutation ($id: ID!, $revision: Int!, $answers: [ItemAnswerInput!]!) {{
  decide(application: $id, revision: $revision, answers: $answers) {APPLICATION} }}"""
CORRECTION = f"""mutation ($id: ID!, $revision: Int!, $note: String!) {{
  askCorrection(application: $id, revision: $revision, note: $note) {APPLICATION} }}"""
CORRECT = f"""mutation ($id: ID!, $revision: Int!, $input: ApplicationInput!) {{
  correct(application: $id, revision: $revision, input: $input) {APPLICATION} }}"""
START = "mutation ($note: String!, $id: ID) { startDraft(note: $note, id: $id) { id revision text author } }"
EDIT = """mutation ($id: ID!, $revision: Int!, $text: String!, $tests: [PolicyTestInput!]) {
  editDraft(id: $id, revision: $revision, text: $text, tests: $tests) { revision state persons } }"""
PROPOSE = "mutation ($id: ID!, $revision: Int!) { proposeDraft(id: $id, revision: $revision) { revision state } }"
APPROVE = "mutation ($id: ID!, $revision: Int!) { approveDraft(id: $id, revision: $revision) { revision approvals } }"
PUBLISH = "mutation ($id: ID!) { publishDraft(id: $id) { number persons live } }"
VERIFY = "query ($anchors: [String!]) { ledgerVerify(anchors: $anchors) { records anchor } }"
LEDGER = """query ($why: String!, $filter: LedgerFilter, $after: Int! = 0, $first: Int! = 100) {
  ledger(why: $why, filter: $filter, after: $after, first: $first) { more records { number kind facts line } } }"""
EXPLAIN = """query ($operation: String!, $as: String, $purpose: String) {
  explain(operation: $operation, as: $as, purpose: $purpose) { path verdict grant reason apply provider } }"""

WANTED: dict[str, Any] = {
    "function": "minimum living allowance", "legalBasis": "Interim Measures for Social Assistance, article 11",
    "scenario": "check of a claim", "purpose": "data-verification", "items": [ADDRESS, PHOTO], "begins": "2026-10-26",
    "ends": "2027-10-25", "callsPerDay": 2000, "impactAssessment": "PIA-2026-7",
    "rows": {"op": "starts_with", "item": "registeredAddress", "value": "重庆市"},
}  # fmt: skip
ANSWERS = [
    {"item": ADDRESS, "verdict": "MASKED", "mask": "district"},
    {"item": PHOTO, "verdict": "REFUSED", "reason": "a name and an address suffice", "basis": "PIPL article 6"},
]
REFUSALS = [
    {"item": item, "verdict": "REFUSED", "reason": "no need", "basis": "PIPL article 6"} for item in WANTED["items"]
]
RESIDENT = "500101199001010011"


async def test_from_a_refusal_over_the_holiday_to_a_grant_and_its_revocation(here: City) -> None:
    # The engineer's application is refused the address, and is told of whom to ask for it.
    operation = "{ residents { nodes { name registeredAddress } } }"
    asked = {"operation": operation, "as": "app:benefits", "purpose": "data-verification"}
    verdicts = {v["path"]: v for v in await here.ask("li", EXPLAIN, **asked)}
    refusal = verdicts["residents.nodes.registeredAddress"]
    assert refusal["verdict"] == "refused"
    assert refusal["reason"].startswith("GRANT_REQUIRED")
    assert refusal["apply"] == "https://apply.example/30700503/1"

    # Its department's officer applies on the Friday before Mid-Autumn and National Day.
    incomplete = {**WANTED, "legalBasis": " ", "impactAssessment": None}
    code, message = await here.refused("li", APPLY, input=incomplete)
    assert code == "MATTER_INCOMPLETE"
    assert "legal_basis is empty" in message
    assert "impact assessment" in message, "everything that is missing, at once"
    application = await here.ask("li", APPLY, input=WANTED)
    assert (application["state"], application["provider"], application["officer"]) == ("APPLIED", "police", "user:li")
    assert application["clock"] == {"due": "2026-10-09", "provisional": False}, "ten working days, over the holiday"
    seen = {"id": application["id"]}

    # The provider's officer asks once for a correction; from the corrected application the clock runs anew.
    here.move_to(FRIDAY + timedelta(days=3))
    waiting = await here.ask("wang", "{ applications(state: APPLIED) { nodes { id revision } } }")
    assert waiting == {"nodes": [{"id": application["id"], "revision": 1}]}
    await here.ask("wang", CORRECTION, **seen, revision=1, note="name the paragraph")
    here.move_to(datetime(2026, 9, 24, 2, tzinfo=UTC))
    corrected = {**WANTED, "legalBasis": "Interim Measures for Social Assistance, article 11 (2)"}
    application = await here.ask("li", CORRECT, **seen, revision=2, input=corrected)
    assert (application["state"], application["clock"]["due"]) == ("APPLIED", "2026-10-15")

    # He masks the address and refuses the photo, with reason and basis. It is policy at once, from its first day.
    here.move_to(datetime(2026, 10, 12, 2, tzinfo=UTC))
    application = await here.ask("wang", DECIDE, **seen, revision=3, answers=ANSWERS)
    assert (application["state"], application["inForce"]) == ("GRANTED", False)
    assert not (await here.app_view()).allows(ADDRESS, "masked:district", f"rows:{seen['id']}")
    here.move_to(datetime(2026, 10, 25, 16, tzinfo=UTC))
    assert (await here.app_view()).allows(ADDRESS, "masked:district", f"rows:{seen['id']}"), "midnight in Chongqing"
    assert not (await here.app_view()).allows(PHOTO, Act.VERIFY, f"rows:{seen['id']}")
    verdicts = {v["path"]: v for v in await here.ask("li", EXPLAIN, **asked)}
    granted = verdicts["residents.nodes.registeredAddress"]
    assert (granted["verdict"], granted["grant"]) == ("allowed", f"Q-{seen['id']}")
    in_force = await here.ask("li", "{ grants { nodes { id answers { item verdict mask reason } } } }")
    assert [answer["verdict"] for answer in in_force["nodes"][0]["answers"]] == ["MASKED", "REFUSED"]

    # Both sides see how much of a day's calls is used.
    await here.read_record(ADDRESS, RESIDENT, grant=granted["grant"])
    for who in ("li", "wang"):
        used = await here.ask(who, "{ grants { nodes { callsPerDay callsToday } } }")
        assert used == {"nodes": [{"callsPerDay": 2000, "callsToday": 1}]}

    # Used for another purpose, it is revoked; the next request is refused. The department may apply anew.
    revoke = """mutation ($id: ID!, $revision: Int!) {
      revoke(application: $id, revision: $revision, reason: "another purpose", basis: "grant, section 4") { state } }"""
    assert await here.ask("wang", revoke, **seen, revision=4) == {"state": "REVOKED"}
    assert not (await here.app_view()).allows(ADDRESS, "masked:district", f"rows:{seen['id']}")
    renew = "mutation ($id: ID!, $input: ApplicationInput!) { renew(application: $id, input: $input) { renews state } }"
    assert await here.ask("li", renew, **seen, input=WANTED) == {"renews": seen["id"], "state": "APPLIED"}

    # The auditor reads it all back, and the chain verifies.
    page = await here.ask("qian", LEDGER, why="routine audit", filter={"kind": "ACT"})
    assert [record["facts"]["act"].partition(" (")[0].rpartition(": ")[2] for record in page["records"]] == [
        "install", "applied", "correction asked", "corrected", "decided", "revoked", "applied",
    ]  # fmt: skip
    assert page["records"][-2]["facts"]["reason"].endswith("revoked (another purpose; grant, section 4)")
    assert (await here.ask("qian", VERIFY))["records"] == 9, "seven acts, one call, and the auditor's own search"


async def test_an_edit_is_looked_at_before_it_is_live_and_is_rolled_back_by_two_persons(here: City) -> None:
    await here.read_record("30700503/1.name", RESIDENT)
    line = (
        "p, Q-2026-9, dept:welfare, z:gov, data-verification, 30700503/1.registeredAddress, read, *, "
        "2026-09-01T00:00:00Z, 2027-09-01T00:00:00Z, request:2026-9, allow\n"
    )
    opened = {
        "name": "benefits sees the address", "subject": "app:benefits", "department": "welfare", "item": ADDRESS,
        "zone": "extranet", "purpose": "data-verification", "allowed": True,
    }  # fmt: skip
    draft = await here.ask("chen", START, note="the address for benefits", id="address")

    # The lint names the line; a test that expects otherwise stops the draft; then both are content.
    await here.ask(
        "chen",
        EDIT.replace(" persons", ""),
        id="address",
        revision=1,
        text=draft["text"] + line.replace("allow", "Allow"),
    )
    code, message = await here.refused("chen", PROPOSE, id="address", revision=2)
    assert (code, "E-EFT" in message) == ("POLICY_INVALID", True)
    closed = {**opened, "allowed": False}
    await here.ask(
        "chen", EDIT.replace(" persons", ""), id="address", revision=2, text=draft["text"] + line, tests=[closed]
    )
    assert (await here.refused("chen", PROPOSE, id="address", revision=3))[0] == "POLICY_TESTS_FAILED"
    edited = await here.ask("chen", EDIT, id="address", revision=3, text=draft["text"] + line, tests=[opened])
    assert edited == {"revision": 4, "state": "EDITING", "persons": 2}

    # What-if says who gains what; nothing that was recorded would be decided otherwise.
    what_if = "query ($id: ID!) { whatIf(draft: $id) { widens changes { subjects gained lost } flips { operation } } }"
    found = await here.ask("zhou", what_if, id="address")
    assert found["widens"] is True
    assert [(change["subjects"], change["gained"]) for change in found["changes"]] == [
        (["app:benefits (welfare)"], [ADDRESS])
    ]
    assert found["flips"] == []

    # A second person stands for it; it is live; both take it back together.
    proposed = await here.ask("chen", PROPOSE, id="address", revision=4)
    await here.ask("zhou", APPROVE, id="address", revision=proposed["revision"])
    here.move_to(FRIDAY + timedelta(hours=1))
    published = await here.ask("zhou", PUBLISH, id="address")
    assert published == {"number": 2, "persons": ["user:chen", "user:zhou"], "live": True}
    assert (await here.app_view()).readable(ADDRESS)
    here.move_to(FRIDAY + timedelta(hours=2))
    roll_back = 'mutation { rollBack(version: 1, reason: "granted too much") { id version } }'
    asked = await here.ask("zhou", roll_back)
    second = "mutation ($id: ID!) { approveRollBack(id: $id) { number live } }"
    assert (await here.refused("zhou", second, id=asked["id"]))[0] == "DRAFT_REFUSED", "two persons"
    assert await here.ask("chen", second, id=asked["id"]) == {"number": 3, "live": True}
    assert not (await here.app_view()).readable(ADDRESS)
    assert (await here.refused("chen", second, id=asked["id"]))[0] == "DRAFT_STALE", "it counts once"
    versions = await here.ask("chen", "{ versions { number live } }")
    assert versions == [{"number": n, "live": n == 3} for n in (3, 2, 1)]

    # Could the application have read it then? It could under version 2 alone.
    when = """query ($item: String!, $as: String, $at: DateTime) {
      explainItem(item: $item, as: $as, purpose: "data-verification", at: $at) { allowed reason } }"""
    whom = {"item": ADDRESS, "as": "app:benefits"}
    assert await here.ask("qian", when, **whom) == {"allowed": False, "reason": "GRANT_REQUIRED"}
    assert await here.ask("qian", when, **whom, at="2026-09-18T03:30:00Z") == {"allowed": True, "reason": None}
    assert (await here.ask("qian", VERIFY))["records"] == 11


async def test_an_operation_that_a_draft_would_flip_is_named(here: City) -> None:
    await here.read_record("30700503/1.name", RESIDENT)
    draft = await here.ask("chen", START, note="no more names", id="names")
    deny = "p, D-7, dept:welfare, z:any, *, 30700503/1.name, *, *, 0000, 9999, risk:R-7, deny\n"
    await here.ask("chen", EDIT, id="names", revision=1, text=draft["text"] + deny)
    query = 'query { whatIf(draft: "names") { widens flips { operation resource allowedNow } } }'
    found = await here.ask("zhou", query)
    assert found["flips"] == [{"operation": "record 2: app:benefits", "resource": "30700503/1", "allowedNow": True}]
    assert found["widens"] is False


async def test_the_auditor_learns_who_read_a_persons_record_and_takes_the_evidence_along(here: City) -> None:
    await here.read_record("30700503/1.name", RESIDENT)
    await here.read_record("30700503/1.name", "500101198502020022")
    reads = "query ($person: String!, $why: String!) { personReads(identity: $person, why: $why) { facts } }"
    found = await here.ask("qian", reads, person=RESIDENT, why="complaint 2026-31")
    assert [(r["facts"]["caller"], r["facts"]["case_number"]) for r in found] == [("app:benefits", "2026-MZ-7")]

    # The search is in the ledger itself, and the identity is nowhere.
    page = await here.ask("qian", LEDGER, why="evidence")
    lines = [record["line"] for record in page["records"]]
    assert [r["facts"].get("reason") for r in page["records"]][-2:] == ["complaint 2026-31", "evidence"]
    assert RESIDENT not in "".join(lines)

    # On another machine the copy verifies, and a changed byte names its record.
    anchor = (await here.ask("qian", VERIFY))["anchor"]
    number, _, digest = anchor.partition(":")
    kept = [line.encode() for line in lines]
    assert verify_chain(import_chain(kept), [Anchor(int(number), digest)]) == Anchor(5, digest)
    kept[1] = kept[1].replace(b"app:benefits", b"app:somebody")
    with pytest.raises(CodedError, match="altered at record 2"):
        verify_chain(import_chain(kept))
    assert (await here.refused("qian", VERIFY, anchors=[f"3:{'0' * 64}"]))[0] == "LEDGER_ALTERED"
    assert (await here.refused("chen", VERIFY))[0] == "ACT_FORBIDDEN", "whoever writes the rules does not audit them"
    own = {"caller": "user:chen", "kind": "ACT", "since": "2026-09-18T00:00:00Z", "until": "2026-09-19T00:00:00Z"}
    page = await here.ask("qian", LEDGER, why="what chen did", filter=own)
    assert [record["facts"]["act"] for record in page["records"]] == ["install"]
    pages = await here.ask("qian", LEDGER, why="paging", after=1, first=2)
    assert ([record["number"] for record in pages["records"]], pages["more"]) == ([2, 3], True)


async def test_one_person_stops_a_leaked_key_at_once_and_it_ends_by_itself(here: City) -> None:
    stop = """mutation ($reason: String!, $hours: Float!) {
      freeze(of: CALLER, names: ["app:benefits"], reason: $reason, hours: $hours) { number } }"""
    assert (await here.app_view()).readable("30700503/1.name")
    assert await here.ask("zhou", stop, reason="incident:2026-7", hours=2) == {"number": 2}
    assert not (await here.app_view()).readable("30700503/1.name")
    here.move_to(FRIDAY + timedelta(hours=2))
    assert (await here.app_view()).readable("30700503/1.name")
    assert (await here.refused("zhou", stop, reason="incident:2026-8", hours=73))[0] == "DRAFT_REFUSED"
    assert (await here.refused("li", stop, reason="incident:2026-8", hours=1))[0] == "ACT_FORBIDDEN"


async def test_what_the_provider_refuses_is_settled_by_the_coordinating_department(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    seen = {"id": application["id"]}
    assert (await here.refused("zhao", LOOK, **seen))[0] == "MATTER_UNKNOWN", "nothing to coordinate yet"
    await here.ask("wang", DECIDE, **seen, revision=1, answers=REFUSALS)
    negotiate = """mutation ($id: ID!) {
      negotiate(application: $id, revision: 2, note: "the duty cannot be done without") { state } }"""
    coordinate = 'mutation ($id: ID!) { coordinate(application: $id, revision: 3, note: "no agreement") { state } }'
    assert await here.ask("li", negotiate, **seen) == {"state": "NEGOTIATING"}
    assert await here.ask("li", coordinate, **seen) == {"state": "COORDINATING"}
    settle = """mutation ($id: ID!, $revision: Int!, $answers: [ItemAnswerInput!]!) {
      settle(application: $id, revision: $revision, answers: $answers, basis: "request:decision-9") { state } }"""
    assert (await here.refused("wang", settle, **seen, revision=4, answers=ANSWERS))[0] == "MATTER_REFUSED"
    assert await here.ask("zhao", settle, **seen, revision=4, answers=ANSWERS) == {"state": "GRANTED"}
    here.move_to(datetime(2026, 10, 26, 2, tzinfo=UTC))
    assert (await here.app_view()).allows(ADDRESS, "masked:district", f"rows:{seen['id']}")


async def test_the_provider_can_give_in_while_both_sides_talk(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    await here.ask("wang", DECIDE, id=application["id"], revision=1, answers=REFUSALS)
    negotiate = 'mutation ($id: ID!) { negotiate(application: $id, revision: 2, note: "a case") { state } }'
    await here.ask("li", negotiate, id=application["id"])
    settle = """mutation ($id: ID!, $answers: [ItemAnswerInput!]!) {
      settle(application: $id, revision: 3, answers: $answers, basis: "request:talk-1") { state provider } }"""
    seen = {"id": application["id"], "answers": ANSWERS}
    assert (await here.refused("li", settle, **seen))[0] == "MATTER_REFUSED"
    assert await here.ask("wang", settle, **seen) == {"state": "GRANTED", "provider": "police"}


async def test_a_doubt_is_raised_routed_answered_and_everybody_who_was_given_the_value_is_told(here: City) -> None:
    await here.read_record(ADDRESS, RESIDENT)
    doubted = {
        "item": ADDRESS, "recordKey": RESIDENT, "requestId": "r-1", "whatIsWrong": "moved in May",
        "evidence": "certificate of residence",
    }  # fmt: skip
    raised = await here.ask("li", "mutation ($i: DoubtInput!) { raiseDoubt(input: $i) { id state } }", i=doubted)
    seen = {"id": raised["id"]}
    route = "mutation ($id: ID!) { routeDoubt(id: $id, revision: 1) { state provider clock { due } } }"
    assert (await here.refused("li", route, **seen))[0] == "ACT_FORBIDDEN"
    assert await here.ask("zhao", route, **seen) == {
        "state": "IN_CHECK", "provider": "police", "clock": {"due": "2026-10-09"},
    }  # fmt: skip
    answer = """mutation ($id: ID!) { answerDoubt(id: $id, revision: 2, state: CORRECTED, note: "moved",
      dataVersion: "2026-09-18") { state } }"""
    assert (await here.refused("li", answer, **seen))[0] == "MATTER_REFUSED"
    assert await here.ask("wang", answer, **seen) == {"state": "CORRECTED"}
    audience = 'query ($id: ID!) { doubtAudience(id: $id, since: "2026-01-01T00:00:00Z") }'
    assert await here.ask("wang", audience, **seen) == ["welfare"]
    assert await here.ask("li", "mutation ($id: ID!) { closeDoubt(id: $id, revision: 3) { state } }", **seen) == {
        "state": "CLOSED"
    }


async def test_what_is_open_on_application_is_taken_in_by_one_and_decided_by_another(here: City) -> None:
    item = "30700504/2.fullAddress"
    wanted = {
        "applicant": "app:planner", "use": "route planning", "purpose": "research", "items": [item],
        "begins": "2026-10-08", "ends": "2027-10-07", "termsAccepted": True,
    }  # fmt: skip
    take_in = "mutation ($i: OpeningInput!) { takeInOpening(input: $i) { id provider clock { due } } }"
    opening = await here.ask("sun", take_in, i=wanted)
    assert (opening["provider"], opening["clock"]["due"]) == ("land", "2026-10-22"), "twenty days over the holiday"
    decide = """mutation ($id: ID!, $items: [String!]!) {
      decideOpening(id: $id, revision: 1, granted: $items) { state granted } }"""
    seen = {"id": opening["id"], "items": [item]}
    assert (await here.refused("sun", decide, **seen))[0] == "MATTER_REFUSED", "the same person took it in"
    assert (await here.refused("he", decide, **seen))[0] == "ACT_FORBIDDEN", "of the provider, without the right"
    assert (await here.refused("li", decide, **seen))[0] == "MATTER_UNKNOWN"
    other = await here.ask("he", take_in, i={**wanted, "use": "another route"})
    assert (await here.ask("sun", decide, id=other["id"], items=[item]))["state"] == "GRANTED"
    live = await here.ask("chen", "{ versions(first: 1) { text } }")
    assert f"p, A-{other['id']}, app:planner, z:any, research, {item}, read" in live[0]["text"]


async def test_an_opening_waits_for_a_third_party_is_put_off_once_granted_in_part_and_ended(here: City) -> None:
    kept, given = "30700504/2.longitude", "30700504/2.fullAddress"
    wanted = {
        "applicant": "app:planner", "use": "route planning", "purpose": "research", "items": [kept, given],
        "begins": "2026-09-01", "ends": "2027-10-07", "termsAccepted": False,
    }  # fmt: skip
    take_in = "mutation ($i: OpeningInput!) { takeInOpening(input: $i) { id state } }"
    code, message = await here.refused("he", take_in, i=wanted)
    assert (code, "terms of use" in message) == ("MATTER_INCOMPLETE", True)
    wanted["termsAccepted"] = True
    seen = {"id": (await here.ask("he", take_in, i=wanted))["id"]}
    due = "{ state clock { due } }"

    # The provider asks for a correction; the corrected application begins the clock anew.
    ask = f'mutation ($id: ID!) {{ askOpeningCorrection(id: $id, revision: 1, note: "which routes?") {due} }}'
    assert (await here.ask("sun", ask, **seen))["state"] == "CORRECTION_ASKED"
    here.move_to(FRIDAY + timedelta(days=4))
    correct = f"mutation ($id: ID!, $i: OpeningInput!) {{ correctOpening(id: $id, revision: 2, input: $i) {due} }}"
    corrected = await here.ask("he", correct, **seen, i={**wanted, "use": "bus routes"})
    assert corrected["clock"]["due"] == "2026-10-27", "three days more than from Friday: Sunday the 20th is worked"

    # While a third party is asked the clock stands still; then it is put off once.
    accept = f"mutation ($id: ID!) {{ acceptOpening(id: $id, revision: 3) {due} }}"
    assert (await here.ask("sun", accept, **seen))["state"] == "ACCEPTED"
    third = f'mutation ($id: ID!) {{ askThirdParty(id: $id, revision: 4, whom: "the surveyor") {due} }}'
    assert (await here.ask("sun", third, **seen))["state"] == "THIRD_PARTY_ASKED"
    here.move_to(datetime(2026, 9, 29, 2, tzinfo=UTC))
    hear = f'mutation ($id: ID!) {{ hearThirdParty(id: $id, revision: 5, opinion: "not the points") {due} }}'
    heard = await here.ask("sun", hear, **seen)
    assert heard["state"] == "ACCEPTED"
    assert heard["clock"]["due"] > corrected["clock"]["due"]
    extend = f'mutation ($id: ID!) {{ extendOpening(id: $id, revision: 6, reason: "survey under way") {due} }}'
    assert (await here.ask("sun", extend, **seen))["clock"]["due"] > heard["clock"]["due"]

    # Granted in part it is policy at once; used against its terms it ends at once.
    decide = """mutation ($id: ID!, $granted: [String!]!) {
      decideOpening(id: $id, revision: 7, granted: $granted, reason: "the surveyor's secret") { state granted } }"""
    assert await here.ask("sun", decide, **seen, granted=[given]) == {"state": "GRANTED", "granted": [given]}
    opened = 'query { explainItem(item: "%s", as: "app:planner", purpose: "research") { allowed } }'
    assert await here.ask("qian", opened.replace("%s", given)) == {"allowed": True}
    assert await here.ask("qian", opened.replace("%s", kept)) == {"allowed": False}
    end = 'mutation ($id: ID!) { endOpening(id: $id, revision: 8, reason: "sold on") { state steps { act } } }'
    ended = await here.ask("sun", end, **seen)
    assert ended["state"] == "ENDED"
    assert [step["act"] for step in ended["steps"]] == [
        "submitted", "taken in", "correction asked", "corrected", "taken in", "accepted", "third party asked",
        "third party heard", "extended", "granted", "ended",
    ]  # fmt: skip
    assert await here.ask("qian", opened.replace("%s", given)) == {"allowed": False}
    assert await here.ask("he", "{ openings { nodes { state } } }") == {"nodes": [{"state": "ENDED"}]}


async def test_what_is_taken_back_is_over(here: City) -> None:
    application = await here.ask("li", APPLY, input=WANTED)
    withdraw = "mutation ($id: ID!) { withdraw(application: $id, revision: 1) { state } }"
    assert (await here.refused("wang", withdraw, id=application["id"]))[0] == "MATTER_REFUSED"
    assert await here.ask("li", withdraw, id=application["id"]) == {"state": "WITHDRAWN"}
    await here.ask("chen", START, note="a mistake", id="d1")
    discard = 'mutation { discardDraft(id: "d1") { state } }'
    assert (await here.refused("zhou", discard))[0] == "DRAFT_REFUSED"
    assert await here.ask("chen", discard) == {"state": "DISCARDED"}
    assert [draft["id"] for draft in await here.ask("zhou", "{ drafts(state: DISCARDED) { id } }")] == ["d1"]
    assert await here.ask("zhou", "{ drafts(state: EDITING) { id } }") == []


async def test_a_doubt_that_was_answered_wrongly_is_reopened_once(here: City) -> None:
    doubted = {"item": ADDRESS, "recordKey": RESIDENT, "requestId": "r-1", "whatIsWrong": "moved", "evidence": "-"}
    raised = await here.ask("li", "mutation ($i: DoubtInput!) { raiseDoubt(input: $i) { id } }", i=doubted)
    seen = {"id": raised["id"]}
    await here.ask("zhao", "mutation ($id: ID!) { routeDoubt(id: $id, revision: 1) { state } }", **seen)
    assert await here.ask("li", "{ doubts(state: IN_CHECK) { nodes { late } } }") == {"nodes": [{"late": False}]}
    here.move_to(FRIDAY + timedelta(days=60))
    assert await here.ask("li", "{ doubts { nodes { late } } }") == {"nodes": [{"late": True}]}
    answer = 'mutation ($id: ID!) { answerDoubt(id: $id, revision: 2, state: CONFIRMED, note: "is so") { state } }'
    await here.ask("wang", answer, **seen)
    reopen = 'mutation ($id: ID!, $revision: Int!) { reopenDoubt(id: $id, revision: $revision, note: "no") { state } }'
    assert (await here.refused("li", reopen, **seen, revision=2))[0] == "DRAFT_STALE"
    assert await here.ask("li", reopen, **seen, revision=3) == {"state": "IN_CHECK"}
    assert (await here.refused("sun", "query ($id: ID!) { doubt(id: $id) { id } }", **seen))[0] == "MATTER_UNKNOWN"
