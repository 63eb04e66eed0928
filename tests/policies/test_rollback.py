"""A rollback meets a catalogue that became stricter: nothing too wide goes live, and the administrator has a way on."""
# ruff: noqa: E501 - a policy line is one line

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from catalog_sync.closed_lists import Opening, Sharing
from gateway.storage.policy import SqlPolicyStore
from policies.drafts import FreezeOf
from policies.errors import CodedError
from policies.items import ItemTiers
from policies.ledger import START, ActFacts
from policies.lines import PolicyVersion, parse_policy
from policies.publication import PolicyOffice
from policies.tables import compile_published
from policies.versions import sign_version
from tests.policies.memory_store import memory_store
from tests.policies.sample_policy import caller
from tests.policies.test_publication import ANN, BEN, KEY, Clock

ADDRESS, PHONE, SCHOOL = "30700503/1.address", "30700503/1.phone", "30700510/1.name"
PERIOD = "2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z"
FIRST = f"""
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a9, allow
p, Q-1, dept:welfare, z:gov, audit, {ADDRESS}, read, rows:near, {PERIOD}, request:1, allow
p, Q-2, dept:welfare, z:gov, audit, {PHONE}, read, *, {PERIOD}, request:2, allow
p, Q-3, dept:welfare, z:gov, audit, {PHONE}, verify, rows:near, {PERIOD}, request:3, allow
rows, rows:near, 30700503/1, {{"op": "starts_with", "item": "address", "value": "重庆市"}}
p, D-1, dept:welfare, z:gov, *, {SCHOOL}, *, *, 0000, 9999, risk:R-1, deny
g, app:portal, dept:welfare, welfare
g, dept:welfare, gov, welfare
g3, intranet, z:gov
g3, intranet, z:any
g, user:ann, role:administrator, city
g, user:ben, role:administrator, city
p2, C-1, role:administrator, propose, policy, allow
p2, C-2, role:administrator, approve, policy, allow
p2, C-3, role:administrator, freeze, policy, allow
p2, C-4, role:administrator, propose, 30700503/1/*, allow
p2, C-5, role:administrator, approve, 30700503/1/*, allow
"""
PORTAL = caller("app:portal", "welfare", purpose="audit")


class Office:
    """A policy office over a catalogue that the test changes."""

    def __init__(self, store: SqlPolicyStore) -> None:
        self.store = store
        self.clock = Clock()
        self.items = {
            ADDRESS: ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN),
            PHONE: ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN),
            SCHOOL: ItemTiers(Sharing.UNCONDITIONAL, Opening.NOT_OPEN),
        }
        self.office = PolicyOffice(store, KEY, lambda: self.items, self.clock, samples=200)

    async def readable(self, item: str) -> bool:
        live = await self.office.live()
        assert live is not None
        return compile_published(live, self.items).view(PORTAL, self.clock.now).readable(item)


@pytest.fixture
async def here() -> AsyncIterator[Office]:
    """Version 1 grants addresses of certain rows and phone numbers, version 2 neither; then addresses are closed."""
    async with memory_store() as store:
        opened = Office(store)
        await opened.office.install(tuple(line.tokens for line in parse_policy(FIRST)), ANN, "first")
        draft = await opened.office.start("less", ANN, "no grants")
        kept = "".join(line + "\n" for line in draft.text.splitlines() if ", Q-" not in line and "rows," not in line)
        await opened.office.edit("less", ANN, kept, (), draft.revision)
        proposed = await opened.office.propose("less", ANN)
        await opened.office.approve("less", BEN, proposed.revision)
        await opened.office.publish("less", ANN)
        opened.items[ADDRESS] = ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN)
        yield opened


async def test_a_rollback_that_would_give_more_than_the_catalogue_allows_is_refused_with_each_line(
    here: Office,
) -> None:
    with pytest.raises(CodedError) as caught:
        await here.office.roll_back(1, ANN, BEN, "the grants are needed")
    error = caught.value
    assert error.code.name == "ROLLBACK_UNLAWFUL"
    assert "rollback VERSION --draft ID" in error.code.remedy
    assert f"line 2: E-NOBASIS: {ADDRESS} is not shared" in error.message
    assert "[p, Q-1, dept:welfare]" in error.message
    assert "Q-2" not in error.message, "that one is lawful still"
    assert await here.store.head() == 2
    assert not await here.readable(PHONE)


async def test_what_still_stands_becomes_a_draft_that_says_what_it_leaves_out_and_goes_the_usual_way(
    here: Office,
) -> None:
    draft = await here.office.roll_back_as_draft(1, "back", ANN, "the grants are needed")
    left_out = [line for line in draft.text.splitlines() if line.startswith("#")]
    assert left_out[0].startswith(f"# left out: E-NOBASIS: {ADDRESS} is not shared")
    assert left_out[1].startswith("#   p, Q-1, dept:welfare")
    assert ", Q-2, " in draft.text
    assert ", D-1, " in draft.text
    assert not await here.readable(PHONE), "a draft is not live"
    proposed = await here.office.propose("back", ANN)
    await here.office.approve("back", BEN, proposed.revision)
    await here.office.publish("back", ANN)
    assert await here.readable(PHONE)
    assert not await here.readable(ADDRESS)
    told = (await here.store.records())[-4].facts()
    assert (told["act"], told["about"]) == ("draft started from version 1", "draft back")


async def test_a_rule_whose_row_condition_has_gone_goes_with_it(here: Office) -> None:
    here.items[ADDRESS] = ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)
    here.items["30700503/1.street"] = here.items.pop(ADDRESS)
    draft = await here.office.roll_back_as_draft(1, "back", ANN, "the grants are needed")
    assert "# left out: E-ROWS: 30700503/1 has no item address." in draft.text
    assert "# left out: E-ROWS: rows:near is not defined for 30700503/1" in draft.text
    assert all(line.startswith("#") for line in draft.text.splitlines() if "rows:near" in line and "Q-1" not in line)
    await here.office.check("back")


async def test_no_deny_and_no_membership_is_left_out_but_marked_as_to_be_mended(here: Office) -> None:
    live = await here.office.version(1)
    narrow = tuple(("p", *tokens[1:6], "read", *tokens[7:]) if tokens[1] == "D-1" else tokens for tokens in live.version.lines)  # fmt: skip
    async with here.store._database.write() as transaction:
        await transaction.execute("DELETE FROM policy_version")
        await transaction.execute("DELETE FROM policy_head")
    # A deny for reading alone was lawful once, as far as this version's lint knew.
    now, act = here.clock.now, ActFacts(person="user:ann", act="install", about="policy 1")
    first = sign_version(PolicyVersion.of(1, narrow), START, ("user:ann",), "first", "2026-01-01T00:00:00Z", KEY)
    await here.store.publish(first, None, act, now)
    second = sign_version(
        PolicyVersion.of(2, live.version.lines), first.version.digest, (), "", first.published_at, KEY
    )
    await here.store.publish(second, 1, act, now)
    draft = await here.office.roll_back_as_draft(1, "back", ANN, "as it was")
    lines = draft.text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("p, D-1"))
    assert lines[place - 1].startswith("# to be mended: E-NARROWDENY")
    with pytest.raises(CodedError, match="E-NARROWDENY"):
        await here.office.check("back")


async def test_a_stop_in_force_is_part_of_the_draft(here: Office) -> None:
    until = here.clock.now + timedelta(hours=1)
    await here.office.freeze(FreezeOf.CALLER, ("dept:welfare",), ANN, "incident:1", until)
    assert "D-stop-3.1" in (await here.office.roll_back_as_draft(1, "back", ANN, "as it was")).text


async def test_a_rollback_within_the_law_goes_live_as_ever(here: Office) -> None:
    here.items[ADDRESS] = ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)
    await here.office.roll_back(1, ANN, BEN, "the grants are needed")
    assert await here.readable(ADDRESS)
