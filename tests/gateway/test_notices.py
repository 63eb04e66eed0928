"""What goes with data that a grant gives: its terms, its ceiling of calls, and flags at values under check."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import time_machine

from catalog_sync.languages import Language
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from gateway.doubt_flags import DoubtFlags
from gateway.errors import CodedError, RequestError
from gateway.execution.result import Result
from gateway.gateway import GovernedGateway
from gateway.planning.operation import OperationKind
from gateway.preparation import Prepared
from gateway.recording import OperationLedger
from gateway.server.answering import ANONYMOUS
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.doubts import Doubt, DoubtReport, DoubtState, raise_doubt, route
from policies.doubts import answer as answer_doubt
from policies.grants import Rules
from policies.ledger import ActFacts, Outcome, ReadFacts, person_hash
from policies.matters import Party, day_of
from policies.ports import StoredMatter
from tests.access.city import ARCHIVE, POLICY, PUBLIC, RESIDENT
from tests.gateway.test_governed import STATED, Subgraphs, gateway, request

SECRET = b"k" * 32
ADDRESS = '{ resident(residentId: "50") { registeredAddress } }'
AT_HOME = {"resident": {"registeredAddress": "street 1"}}
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
ACT = ActFacts(person="user:zhao", act="doubt", about="a value")

Stores = Callable[[], Any]


@pytest.fixture
async def open_store(tmp_path: Path) -> AsyncIterator[Stores]:
    """Each call opens the one store as another process would."""
    async with AsyncExitStack() as stack:

        async def opened() -> SqlPolicyStore:
            database = SqliteDatabase(tmp_path / "policy.db")
            stack.push_async_callback(database.close)
            await migrate(database)
            return SqlPolicyStore(database)

        yield opened


async def recording(stack: AsyncExitStack, store: SqlPolicyStore, made: GovernedGateway) -> GovernedGateway:
    made.ledger = OperationLedger(store, SECRET)
    stack.push_async_callback(made.ledger.close)
    return made


async def extensions_of(made: GovernedGateway, document: str) -> dict[str, Any]:
    answer = await made.answer(request(document), ANONYMOUS)
    extensions: dict[str, Any] = msgspec.json.decode(answer.result.encode()).get("extensions", {})
    return extensions


async def test_granted_data_comes_with_its_grant_purpose_end_and_the_ban_on_passing_it_on() -> None:
    told = await extensions_of(gateway(STATED, Subgraphs(AT_HOME)), ADDRESS)
    (grant,) = told["grants"]
    assert (grant["resource"], grant["purpose"]) == (RESIDENT, "eligibility-check")
    assert (grant["grant"], grant["until"]) == ("Q-1", "2027-07-01T00:00:00Z")
    assert "not to be passed on" in grant["terms"]


@pytest.mark.parametrize(
    ("caller", "document", "data"),
    [
        (STATED, '{ resident(residentId: "50") { name } }', {"resident": {"name": "Wang"}}),
        (PUBLIC, '{ enterprise(creditCode: "9") { name } }', {"enterprise": {"name": "Tea"}}),
    ],
    ids=["shared unconditionally", "open"],
)
async def test_what_needs_no_grant_comes_without_terms(caller: Any, document: str, data: dict[str, Any]) -> None:
    assert await extensions_of(gateway(caller, Subgraphs(data)), document) == {}


async def test_each_event_of_a_subscription_comes_with_the_terms() -> None:
    made = gateway(STATED, Subgraphs({"moved": {"registeredAddress": "street 1"}}))
    events = made.subscribe(request('subscription { moved(residentId: "50") { registeredAddress } }'), ANONYMOUS)
    told = msgspec.json.decode((await anext(events)).encode())
    assert told["extensions"]["grants"][0]["grant"] == "Q-1"
    await events.aclose()


LIMITED = POLICY + "calls, Q-1, 3, request:2026-1\n"


async def test_the_call_after_the_last_one_is_refused_without_asking_anybody_until_the_day_ends(
    open_store: Stores,
) -> None:
    police = Subgraphs(*[AT_HOME] * 4)
    async with AsyncExitStack() as stack:
        store = await open_store()
        made = await recording(stack, store, gateway(STATED, police, LIMITED))
        with time_machine.travel(NOON, tick=False):
            for _ in range(3):
                await made.answer(request(ADDRESS), ANONYMOUS)
            with pytest.raises(CodedError) as refused:
                await made.answer(request(ADDRESS), ANONYMOUS)
            assert len(police.asked) == 3
        assert (refused.value.code.name, refused.value.code.status) == ("GRANT_USED_UP", 429)
        assert refused.value.details == {"grant": "Q-1", "limit": 3, "retryAfter": 12 * 3600}
        with time_machine.travel(datetime(2026, 11, 23, 16, tzinfo=UTC), tick=False):
            await made.answer(request(ADDRESS), ANONYMOUS)
    records = [msgspec.json.decode(record.body, type=ReadFacts) for record in await store.records()]
    assert [read.outcome for read in records] == [Outcome.GRANTED] * 3 + [Outcome.REFUSED, Outcome.GRANTED]
    assert records[3].reason == "GRANT_USED_UP Q-1"
    assert f"{RESIDENT}.registeredAddress" in records[3].items


async def test_what_needs_no_grant_uses_no_call(open_store: Stores) -> None:
    async with AsyncExitStack() as stack:
        store = await open_store()
        names = Subgraphs(*[{"resident": {"name": "Wang"}}] * 5)
        made = await recording(stack, store, gateway(STATED, names, LIMITED))
        for _ in range(5):
            await made.answer(request('{ resident(residentId: "50") { name } }'), ANONYMOUS)
        assert (await store.calls_used(datetime.now(UTC))).get("Q-1", 0) == 0


async def test_processes_that_answer_at_once_give_no_more_answers_than_the_ceiling_together(
    open_store: Stores,
) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(time_machine.travel(NOON, tick=False))
        workers = [
            await recording(stack, await open_store(), gateway(STATED, Subgraphs(*[AT_HOME] * 5), LIMITED))
            for _ in range(3)
        ]
        asked = (worker.answer(request(ADDRESS), ANONYMOUS) for worker in workers for _ in range(4))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(outcomes) - len(refused) == 3
        assert {error.code.name for error in refused if isinstance(error, CodedError)} == {"GRANT_USED_UP"}
        store = await open_store()
        assert (await store.calls_used(NOON)).get("Q-1", 0) == 3


async def test_what_other_processes_have_used_up_is_refused_before_anybody_is_asked(open_store: Stores) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(time_machine.travel(NOON, tick=False))
        one = await recording(stack, await open_store(), gateway(STATED, Subgraphs(*[AT_HOME] * 3), LIMITED))
        for _ in range(3):
            await one.answer(request(ADDRESS), ANONYMOUS)
        police = Subgraphs()
        other = await recording(stack, await open_store(), gateway(STATED, police, LIMITED))
        assert other.ledger is not None
        await other.ledger.look()
        assert other.calls(["Q-1", "Q-2"]) == {"Q-1": {"perDay": 3, "today": 3}}, "Q-2 has no ceiling"
        with pytest.raises(CodedError) as refused:
            await other.answer(request(ADDRESS), ANONYMOUS)
        assert refused.value.code.name == "GRANT_USED_UP"
        assert police.asked == []


async def test_a_subscription_ends_when_its_events_have_used_the_grant_up(open_store: Stores) -> None:
    moves = [{"moved": {"registeredAddress": f"street {number}"}} for number in range(5)]
    async with AsyncExitStack() as stack:
        stack.enter_context(time_machine.travel(NOON, tick=False))
        made = await recording(stack, await open_store(), gateway(STATED, Subgraphs(*moves), LIMITED))
        events = made.subscribe(request('subscription { moved(residentId: "50") { registeredAddress } }'), ANONYMOUS)
        for number in range(3):
            assert f"street {number}".encode() in (await anext(events)).encode()
        with pytest.raises(CodedError) as over:
            await anext(events)
        assert over.value.code.name == "GRANT_USED_UP"


def doubted(record: str, item: str = f"{RESIDENT}.registeredAddress") -> Doubt:
    report = DoubtReport(
        resource=RESIDENT, item=item, record=person_hash(SECRET, record), request_id="r-1",
        what_is_wrong="moved", evidence="a lease",
    )  # fmt: skip
    rules = Rules(profile=profile_in_force("order-320", day_of(NOON)), calendar=WorkingCalendar.default())
    raised = raise_doubt("2026-7", report, Party("user:li", "welfare"), NOON)
    return route(raised, "police", Party("user:zhao", "reform"), rules, NOON)


async def file(store: SqlPolicyStore, doubt: Doubt, revision: int = 1) -> None:
    await store.save_matter(StoredMatter(f"D{doubt.id}", "doubt", revision, msgspec.json.encode(doubt)), ACT, NOON)


async def test_a_value_under_check_is_served_as_it_is_and_flagged_until_it_was_answered(open_store: Stores) -> None:
    store = await open_store()
    made = gateway(STATED, Subgraphs(*[AT_HOME] * 3))
    made.doubts = DoubtFlags(store, SECRET)
    await made.doubts.look()
    assert "doubts" not in await extensions_of(made, ADDRESS)

    doubt = doubted("50")
    await file(store, doubt)
    await made.doubts.look()
    answer = await made.answer(request(ADDRESS), ANONYMOUS)
    told = msgspec.json.decode(answer.result.encode())
    assert told["data"] == AT_HOME
    (flag,) = told["extensions"]["doubts"]
    assert (flag["doubt"], flag["item"], flag["record"]) == ("2026-7", f"{RESIDENT}.registeredAddress", "50")
    assert (flag["underCheck"], flag["since"]) == (True, "2026-11-23T04:00:00Z")

    corrected = answer_doubt(doubt, DoubtState.CORRECTED, Party("user:hu", "police"), "moved", NOON, "v8")
    await file(store, corrected, 2)
    await made.doubts.look()
    assert "doubts" not in await extensions_of(made, ADDRESS)


@pytest.mark.parametrize("people", [3, 400], ids=["few", "many"])
async def test_in_a_list_the_record_in_doubt_is_named_by_the_key_that_the_answer_holds(
    open_store: Stores, people: int
) -> None:
    store = await open_store()
    nodes = [{"residentId": f"{number}", "registeredAddress": f"street {number}"} for number in range(people)]
    made = gateway(STATED, Subgraphs({"residents": {"nodes": nodes}}))
    made.doubts = DoubtFlags(store, SECRET)
    await file(store, doubted("2"))
    await made.doubts.look()
    told = await extensions_of(made, "{ residents { nodes { residentId registeredAddress } } }")
    assert [flag["record"] for flag in told["doubts"]] == ["2"]


async def test_a_key_that_is_a_number_is_found_as_its_text(open_store: Stores) -> None:
    store = await open_store()
    await file(store, doubted("2"))
    doubts = DoubtFlags(store, SECRET)
    await doubts.look()
    prepared = Prepared(OperationKind.QUERY, cast(Any, None), {}, (), items=(f"{RESIDENT}.registeredAddress",))
    [flag] = await doubts.flags(prepared, {}, Result({"residents": [{"id": 2}, {"id": True}]}), Language.CHINESE)
    assert (flag["record"], flag["item"]) == ("2", f"{RESIDENT}.registeredAddress")
    assert "核查" in str(flag["notice"])


@pytest.mark.parametrize(
    ("document", "data"),
    [
        ('{ resident(residentId: "51") { registeredAddress } }', AT_HOME),
        ('{ resident(residentId: "50") { name } }', {"resident": {"name": "Wang"}}),
    ],
    ids=["another record", "another item"],
)
async def test_who_reads_something_else_is_told_of_no_doubt(
    open_store: Stores, document: str, data: dict[str, Any]
) -> None:
    store = await open_store()
    made = gateway(STATED, Subgraphs(data))
    made.doubts = DoubtFlags(store, SECRET)
    await file(store, doubted("50"))
    await made.doubts.look()
    assert "doubts" not in await extensions_of(made, document)


async def test_who_is_refused_the_value_learns_of_no_doubt_about_it(open_store: Stores) -> None:
    store = await open_store()
    made = gateway(ARCHIVE, Subgraphs())
    made.doubts = DoubtFlags(store, SECRET)
    await file(store, doubted("50"))
    await made.doubts.look()
    with pytest.raises(RequestError) as refused:
        await made.answer(request(ADDRESS), ANONYMOUS)
    assert "2026-7" not in repr(refused.value.errors)
