"""An administrator's edit on its way to live: every step in order, by the right persons, and undone as easily."""
# ruff: noqa: E501 - a policy line is one line

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from catalog_sync.closed_lists import Opening, Sharing
from gateway.storage.policy import SqlPolicyStore
from policies import drafts, publication
from policies.context import HmacKey
from policies.drafts import Draft, DraftState, FreezeOf, PolicyTest
from policies.errors import CodedError
from policies.items import ItemTiers
from policies.ledger import verify_chain
from policies.lines import Tokens, parse_policy
from policies.ports import StoredMatter
from policies.publication import Person, PolicyFollower, PolicyOffice
from policies.tables import PolicyTables, compile_tables
from tests.policies.memory_store import memory_store
from tests.policies.sample_policy import SAMPLE, caller

KEY = HmacKey("console", b"a-secret-of-the-console-for-tests")
RIGHTS = """
p2, C-3, role:administrator, propose, policy, allow
p2, C-4, role:administrator, approve, policy, allow
p2, C-5, role:administrator, freeze, policy, allow
p2, C-6, role:administrator, propose, share:conditional, allow
p2, C-7, role:administrator, approve, share:conditional, allow
p2, C-8, role:administrator, propose, share:not_shared, allow
p2, C-9, role:administrator, approve, share:not_shared, allow
p2, C-10, dept:tax, decide, tax.income/*, allow
g, user:ann, role:administrator, city
g, user:ben, role:administrator, city
g, user:eve, role:administrator, city
"""
ANN, BEN, EVE = (Person(f"user:{name}", "city") for name in ("ann", "ben", "eve"))
MALLORY = Person("user:mallory", "city")
NEW_GRANT = "p, Q-0099, dept:lottery, z:gov, audit, tax.income.amount, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:99, allow\n"
LOTTERY = caller("app:lottery-crm", "lottery", purpose="audit")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """An office, a follower and their store, with the sample policy live."""

    def __init__(self, store: SqlPolicyStore) -> None:
        self.store = store
        self.clock = Clock()
        self.office = PolicyOffice(store, KEY, dict, self.clock, samples=200)
        self.follower = PolicyFollower(store, {KEY.id: KEY}, dict, self.clock)

    async def live(self) -> PolicyTables:
        await self.follower.look()
        assert self.follower.tables is not None
        return self.follower.tables

    async def may(self, item: str = "tax.income.amount") -> bool:
        return (await self.live()).view(LOTTERY, self.clock.now).readable(item)

    async def draft_with(self, extra: str, tests: tuple[PolicyTest, ...] = ()) -> None:
        draft = await self.office.start("d1", ANN, "a grant for the lottery")
        await self.office.edit("d1", ANN, draft.text + extra, tests, draft.revision)


def lines(text: str) -> tuple[Tokens, ...]:
    return tuple(line.tokens for line in parse_policy(text))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with memory_store() as store:
        opened = Desk(store)
        await opened.office.install(lines(SAMPLE + RIGHTS), ANN, "first version")
        yield opened


async def code_of(step: object) -> str:
    with pytest.raises(CodedError) as caught:
        await step  # type: ignore[misc]
    return caught.value.code.name


async def test_an_edit_goes_live_when_a_second_person_stands_for_it_and_back_as_a_new_version(desk: Desk) -> None:
    assert not await desk.may()
    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    assert await code_of(desk.office.publish("d1", ANN)) == "DRAFT_REFUSED", "nobody else has seen it"
    await desk.office.approve("d1", BEN, proposed.revision)
    signed = await desk.office.publish("d1", ANN)
    assert (signed.version.number, signed.persons) == (2, ("user:ann", "user:ben"))
    assert await desk.may()

    await desk.office.roll_back(1, ANN, BEN, "granted too much")
    assert not await desk.may()
    assert await desk.store.head() == 3
    records = await desk.store.records()
    assert verify_chain(records) is not None
    assert [record.facts()["act"] for record in records] == [
        "install", "draft started", "draft edited", "draft proposed", "draft approved", "publish", "roll back",
    ]  # fmt: skip


async def test_nobody_approves_the_own_draft_and_nobody_without_the_right_approves_any(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    assert await code_of(desk.office.approve("d1", ANN, proposed.revision)) == "DRAFT_REFUSED"
    assert await code_of(desk.office.approve("d1", MALLORY, proposed.revision)) == "DRAFT_REFUSED"


def test_the_author_of_a_draft_is_no_second_person() -> None:
    draft = Draft(id="d", base=1, author="user:ann", note="", text="", state=DraftState.PROPOSED)
    with pytest.raises(CodedError) as caught:
        drafts.approve(draft, "user:ann", draft.revision)
    assert "somebody else" in caught.value.message
    approved = drafts.approve(draft, "user:ben", draft.revision)
    with pytest.raises(CodedError) as caught:
        drafts.approve(approved, "user:ben", approved.revision)
    assert "already" in caught.value.message


async def test_what_changed_after_the_approval_is_approved_anew(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    approved = await desk.office.approve("d1", BEN, proposed.revision)
    wider = approved.text + NEW_GRANT.replace("Q-0099", "Q-0100").replace("tax.income.amount", "tax.income.band")
    await desk.office.edit("d1", ANN, wider, (), approved.revision)
    assert await code_of(desk.office.publish("d1", ANN)) == "DRAFT_REFUSED"
    again = await desk.office.propose("d1", ANN)
    assert await code_of(desk.office.approve("d1", BEN, approved.revision)) == "DRAFT_STALE", (
        "an approval of the old text"
    )
    await desk.office.approve("d1", BEN, again.revision)
    assert (await desk.office.publish("d1", ANN)).version.number == 2


async def test_what_is_not_shared_takes_three_persons(desk: Desk) -> None:
    sealed = NEW_GRANT.replace("tax.income.amount", "health.visit.diagnosis").replace("request:99", "law:audit-act")
    await desk.draft_with(sealed)
    proposed = await desk.office.propose("d1", ANN)
    approved = await desk.office.approve("d1", BEN, proposed.revision)
    assert await code_of(desk.office.publish("d1", ANN)) == "DRAFT_REFUSED"
    await desk.office.approve("d1", EVE, approved.revision)
    assert (await desk.office.publish("d1", ANN)).persons == ("user:ann", "user:ben", "user:eve")


async def test_a_draft_with_errors_is_not_proposed(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT.replace("allow", "Allow"))
    assert await code_of(desk.office.propose("d1", ANN)) == "POLICY_INVALID"


async def test_a_draft_that_breaks_a_policy_test_is_not_proposed_until_the_test_says_otherwise(desk: Desk) -> None:
    closed = PolicyTest(
        name="the lottery sees no income", subject="app:lottery-crm", department="lottery", purpose="audit",
        item="tax.income.amount", allowed=False,
    )  # fmt: skip
    await desk.draft_with(NEW_GRANT, (closed,))
    assert await code_of(desk.office.propose("d1", ANN)) == "POLICY_TESTS_FAILED"
    draft = (await desk.store.drafts())[0]
    opened = PolicyTest(
        name="the lottery sees income for an audit", subject="app:lottery-crm", department="lottery", purpose="audit",
        item="tax.income.amount", allowed=True,
    )  # fmt: skip
    await desk.office.edit("d1", ANN, draft.text, (opened,), draft.revision)
    assert (await desk.office.propose("d1", ANN)).state is DraftState.PROPOSED


async def test_nobody_is_granted_past_a_stop(desk: Desk) -> None:
    matter = StoredMatter("m", "application", 1, b"{}")
    until = desk.clock.now + timedelta(hours=1)
    await desk.office.freeze(FreezeOf.RESOURCE, ("tax.income",), ANN, "incident:1", until)
    assert await code_of(desk.office.add_lines(lines(NEW_GRANT), ANN, "grant", matter)) == "DRAFT_REFUSED"
    desk.clock.now = until
    await desk.office.add_lines(lines(NEW_GRANT), ANN, "grant", matter)
    assert await desk.may()


async def test_policy_tests_stay_with_the_policy(desk: Desk) -> None:
    test = PolicyTest(name="open stays open", subject="anon", item="transport.stop.name", zone="internet", allowed=True)
    await desk.draft_with(NEW_GRANT, (test,))
    proposed = await desk.office.propose("d1", ANN)
    await desk.office.approve("d1", BEN, proposed.revision)
    await desk.office.publish("d1", ANN)
    assert (await desk.office.start("d2", BEN, "next")).tests == (test,)


async def test_what_was_live_on_a_date_can_be_asked(desk: Desk) -> None:
    installed = desk.clock.now
    desk.clock.now += timedelta(days=30)
    stopped = desk.clock.now
    until = stopped + timedelta(hours=1)
    await desk.office.freeze(FreezeOf.CALLER, ("dept:welfare",), ANN, "incident:1", until)
    assert (await desk.office.version_at(installed)).version.number == 1
    assert (await desk.office.version_at(stopped - timedelta(seconds=1))).version.number == 1
    assert (await desk.office.version_at(stopped)).version.number == 2
    assert await code_of(desk.office.version_at(installed - timedelta(seconds=1))) == "DRAFT_REFUSED"


async def test_a_draft_of_an_older_version_is_not_published_over_a_newer_one(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    await desk.office.approve("d1", BEN, proposed.revision)
    until = desk.clock.now + timedelta(hours=1)
    await desk.office.freeze(FreezeOf.CALLER, ("dept:welfare",), EVE, "incident:1", until)
    assert await code_of(desk.office.publish("d1", ANN)) == "DRAFT_STALE"


PORTAL = caller("app:benefits-portal", "welfare", purpose="eligibility-check")
ADA = caller("user:ada", "audit", purpose="statutory-audit")


@pytest.mark.parametrize(
    ("of", "name", "stopped", "untouched"),
    [
        (FreezeOf.CALLER, "app:benefits-portal", (PORTAL, "tax.income.band"), (ADA, "tax.income.band")),
        (FreezeOf.RESOURCE, "tax.income", (ADA, "tax.income.amount"), (PORTAL, "person.profile.name")),
        (FreezeOf.PROVIDER, "tax", (ADA, "tax.income.amount"), (PORTAL, "person.profile.name")),
        (
            FreezeOf.ZONE,
            "intranet",
            (ADA, "tax.income.amount"),
            (caller("anon", zone="internet"), "transport.stop.name"),
        ),
    ],
)
async def test_one_person_stops_at_once_and_it_ends_by_itself(
    desk: Desk,
    of: FreezeOf,
    name: str,
    stopped: tuple,
    untouched: tuple,  # type: ignore[type-arg]
) -> None:
    until = desk.clock.now + timedelta(hours=72)
    before = await desk.live()
    await desk.office.freeze(of, (name,), ANN, "incident:leaked-key", until)
    after = await desk.live()
    who, item = stopped
    assert before.view(who, desk.clock.now).readable(item)
    assert not after.view(who, desk.clock.now).readable(item)
    assert after.view(untouched[0], desk.clock.now).readable(untouched[1])
    assert after.view(who, until).readable(item), "it ended by itself"


@pytest.mark.parametrize(
    ("of", "name", "reason", "says"),
    [
        (FreezeOf.CALLER, "app:benefit-portal", "incident:1", "knows no app:benefit-portal"),
        (FreezeOf.RESOURCE, "tax.outcome", "incident:1", "No item of tax.outcome"),
        (FreezeOf.PROVIDER, "lottery", "incident:1", "appoints dept:lottery to decide"),
        (FreezeOf.ZONE, "moon", "incident:1", "No listener's zone is called moon"),
        (FreezeOf.CALLER, "app:benefits-portal", "the key leaked", "write incident:2026-7"),
    ],
)
async def test_a_stop_that_would_stop_nobody_is_refused_and_says_why(
    desk: Desk, of: FreezeOf, name: str, reason: str, says: str
) -> None:
    until = desk.clock.now + timedelta(hours=1)
    with pytest.raises(CodedError, match=says):
        await desk.office.freeze(of, (name,), ANN, reason, until)
    assert await desk.store.head() == 1


async def test_stops_and_grants_go_live_although_the_catalogue_has_become_stricter_than_the_policy() -> None:
    name = "30700503/1.name"
    items = {each: ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN) for each in (name, "30700503/1.sex")}
    grant = NEW_GRANT.replace("tax.income.amount", name).replace("dept:lottery", "dept:a").replace("z:gov", "z:any")
    rest = "g, app:x, dept:a, a\ng, dept:a, gov, a\ng3, intranet, z:any\n"
    console = "p2, C-1, user:ann, freeze, policy, allow\n"
    async with memory_store() as store:
        office = PolicyOffice(store, KEY, lambda: items, Clock(), samples=50)
        await office.install(lines(grant + rest + console), ANN, "first")
        items[name] = ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN)
        live = await office.live()
        assert live is not None
        with pytest.raises(CodedError, match="E-NOBASIS"):
            compile_tables(live, items)
        await office.freeze(FreezeOf.CALLER, ("app:x",), ANN, "incident:1", Clock().now + timedelta(hours=1))
        other = grant.replace("Q-0099", "Q-0100").replace(name, "30700503/1.sex")
        await office.add_lines(lines(other), ANN, "granted", StoredMatter("2026-1", "application", 1, b"{}"))
        assert await store.head() == 3
        wrong = other.replace("Q-0100", "Q-0101").replace("read", "look")
        with pytest.raises(CodedError, match="What would be added has errors"):
            await office.add_lines(lines(wrong), ANN, "granted", StoredMatter("2026-2", "application", 1, b"{}"))


async def test_a_stop_outlives_a_rollback_and_cannot_be_longer_than_three_days(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    await desk.office.approve("d1", BEN, proposed.revision)
    await desk.office.publish("d1", ANN)
    until = desk.clock.now + timedelta(hours=1)
    await desk.office.freeze(FreezeOf.RESOURCE, ("person.profile",), ANN, "incident:1", until)
    await desk.office.roll_back(1, ANN, BEN, "undo the grant")
    assert not (await desk.live()).view(PORTAL, desk.clock.now).readable("person.profile.name")
    too_long = desk.clock.now + timedelta(hours=72, seconds=1)
    assert (
        await code_of(desk.office.freeze(FreezeOf.CALLER, ("dept:x",), ANN, "incident:1", too_long)) == "DRAFT_REFUSED"
    )
    assert (
        await code_of(desk.office.freeze(FreezeOf.CALLER, ("dept:x",), MALLORY, "incident:1", until)) == "DRAFT_REFUSED"
    )


async def test_a_version_whose_tables_differ_from_casbin_is_not_published(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publication.compile_tables

    def wrong(*arguments: object) -> PolicyTables:
        tables = real(*arguments)  # type: ignore[arg-type]
        tables._by_subject = {name: rules for name, rules in tables._by_subject.items() if name != "dept:lottery"}
        return tables

    await desk.draft_with(NEW_GRANT)
    proposed = await desk.office.propose("d1", ANN)
    await desk.office.approve("d1", BEN, proposed.revision)
    monkeypatch.setattr(publication, "compile_tables", wrong)
    assert await code_of(desk.office.publish("d1", ANN)) == "PROOF_FAILED"
    assert await desk.store.head() == 1


async def test_a_worker_keeps_the_last_good_version_when_the_store_was_tampered_with(desk: Desk) -> None:
    good = await desk.live()
    signed = await desk.office.version(1)
    forged = replace(
        signed, version=replace(signed.version, number=2, lines=(*signed.version.lines, lines(NEW_GRANT)[0]))
    )
    async with desk.store._database.write() as transaction:
        await transaction.execute(
            "INSERT INTO policy_version SELECT 2, digest, previous, $1, persons, note, published_at, key_id, signature"
            " FROM policy_version WHERE number = 1",
            msgspec.json.encode(forged.version.lines).decode(),
        )
        await transaction.execute("UPDATE policy_head SET number = 2")
    assert await desk.follower.look() is None
    assert desk.follower.tables is good


async def test_tables_are_made_anew_when_a_day_begins(desk: Desk) -> None:
    first = await desk.live()
    assert await desk.follower.look() is None
    desk.clock.now = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
    assert await desk.follower.look() is None
    desk.clock.now += timedelta(seconds=1)
    assert await desk.follower.look() is not None, "midnight in Chongqing"
    assert desk.follower.tables is not first


async def test_a_head_that_was_set_back_is_not_followed(desk: Desk) -> None:
    until = desk.clock.now + timedelta(hours=1)
    await desk.office.freeze(FreezeOf.CALLER, ("dept:welfare",), ANN, "incident:1", until)
    frozen = await desk.live()
    async with desk.store._database.write() as transaction:
        await transaction.execute("UPDATE policy_head SET number = 1")
    assert await desk.follower.look() is None
    assert desk.follower.tables is frozen


async def test_versions_signed_before_the_key_was_exchanged_can_still_be_restored(desk: Desk) -> None:
    await desk.office.freeze(FreezeOf.CALLER, ("dept:welfare",), ANN, "incident:1", desk.clock.now + timedelta(hours=1))
    fresh = HmacKey("console-2", b"another-secret-of-the-console-for-tests")
    office = PolicyOffice(desk.store, fresh, dict, desk.clock, samples=50, older_keys=[KEY])
    assert (await office.roll_back(1, ANN, BEN, "after the exchange")).key_id == "console-2"


async def test_a_grant_brings_lines_of_grants_alone(desk: Desk) -> None:
    matter = StoredMatter("m", "application", 1, b"{}")
    for extra in (lines("p, T-9, gov, z:any, *, person.profile.name, read, *, 0000, 9999, statute:x, allow"),):
        assert await code_of(desk.office.add_lines(extra, ANN, "note", matter)) == "DRAFT_REFUSED"
    assert await code_of(desk.office.add_lines((), ANN, "n", matter, frozenset({"D-0001"}))) == "DRAFT_REFUSED"


async def test_only_the_author_edits_or_gives_up_a_draft(desk: Desk) -> None:
    await desk.draft_with(NEW_GRANT)
    draft = (await desk.store.drafts())[0]
    assert await code_of(desk.office.edit("d1", BEN, "", (), draft.revision)) == "DRAFT_REFUSED"
    assert await code_of(desk.office.edit("d1", ANN, "", (), draft.revision - 1)) == "DRAFT_STALE"
    assert await code_of(desk.office.install((), ANN, "again")) == "DRAFT_REFUSED"
