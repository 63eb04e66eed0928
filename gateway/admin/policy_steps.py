"""The way of an edit at the desk: drafts, what they would change, rollbacks by two persons, stops by one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from gateway.admin.desk import Visit, check_name, stale, unknown
from gateway.admin.filing import Cabinet, Change, Filed
from gateway.errors import BAD_REQUEST, CodedError
from policies.console import ConsoleAct
from policies.drafts import Draft, FreezeOf, PolicyTest
from policies.errors import DRAFT_REFUSED, DRAFT_STALE
from policies.lines import PolicyVersion, time_text
from policies.matters import Party
from policies.publication import STRUCTURE, Person
from policies.records import all_records
from policies.simulation import WhatIf, recorded_operations, what_if
from policies.tables import PolicyTables, compile_published
from policies.versions import SignedVersion

RECORDED_DAYS = 30


class RollBack(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal to make an old version's content live again; it stands while ``head`` is the live version.

    ``roles`` are those that the credential of who proposed asserted.
    """

    id: str
    number: int
    head: int
    reason: str
    by: Party
    at: str
    roles: tuple[str, ...] = ()


ROLLBACKS = Cabinet("rollback", RollBack)


async def readable_draft(visit: Visit, name: str) -> Draft:
    """A draft. Raises CodedError ACT_FORBIDDEN for who has no right in the console, MATTER_UNKNOWN."""
    (await visit.rights()).demand_reader(visit.person)
    draft = await visit.desk.store.draft(name)
    if draft is None:
        raise unknown(f"draft {name}")
    return draft


async def readable_version(visit: Visit, number: int) -> SignedVersion:
    """A published version, its signature verified."""
    (await visit.rights()).demand_reader(visit.person)
    if await visit.desk.store.version(number) is None:
        raise unknown(f"policy version {number}")
    return await visit.desk.office.version(number)


async def start(visit: Visit, name: str | None, note: str) -> Draft:
    """A new draft of the live version; the same one again under the same idempotency key."""
    office, identity = visit.desk.office, name if name is not None else visit.new_name(note.encode())
    return await _started(visit, identity, note, lambda: office.start(identity, visit.person, note))


async def roll_back_as_draft(visit: Visit, number: int, name: str | None, reason: str) -> Draft:
    """A new draft with what of an old version the catalogue still allows, as ``start`` makes one."""
    await readable_version(visit, number)
    office = visit.desk.office
    identity = name if name is not None else visit.new_name(f"{number} {reason}".encode())
    return await _started(
        visit, identity, reason, lambda: office.roll_back_as_draft(number, identity, visit.person, reason)
    )


async def _started(visit: Visit, identity: str, note: str, make: Callable[[], Awaitable[Draft]]) -> Draft:
    (await visit.rights()).demand_reader(visit.person)
    check_name(identity)
    if not note.strip():
        raise CodedError(BAD_REQUEST, "`note` is empty: say in a sentence what the draft is for.")
    try:
        return await make()
    except CodedError as error:
        earlier = await visit.desk.store.draft(identity)
        own = earlier is not None and earlier.author == visit.person.subject and earlier.note == note
        if error.code is not DRAFT_STALE or visit.idempotency_key is None or not own or earlier is None:
            raise
        return earlier


async def edit(visit: Visit, name: str, text: str, tests: Iterable[PolicyTest], revision: int) -> Draft:
    """Another text for the own draft."""
    await readable_draft(visit, name)
    return await visit.desk.office.edit(name, visit.person, text, tuple(tests), revision)


async def propose(visit: Visit, name: str, revision: int) -> Draft:
    """Lays the own draft before the second person."""
    draft = await readable_draft(visit, name)
    if draft.author != visit.person.subject:
        raise CodedError(DRAFT_REFUSED, f"Draft {name} is {draft.author}'s to propose.")
    if draft.revision != revision:
        raise stale(f"draft {name}", draft.revision, revision)
    return await visit.desk.office.propose(name, visit.person)


async def approve(visit: Visit, name: str, revision: int) -> Draft:
    """One more person stands for the draft as it is."""
    await readable_draft(visit, name)
    return await visit.desk.office.approve(name, visit.person, revision)


async def publish(visit: Visit, name: str) -> SignedVersion:
    """Makes an approved draft live; whoever wrote it or stands for it may say when."""
    draft = await readable_draft(visit, name)
    if visit.person.subject not in (draft.author, *draft.approvals):
        raise CodedError(DRAFT_REFUSED, f"Draft {name} is published by one of those who stand for it.")
    return await visit.desk.office.publish(name, visit.person)


async def discard(visit: Visit, name: str) -> Draft:
    """The author gives the draft up."""
    await readable_draft(visit, name)
    return await visit.desk.office.discard(name, visit.person)


async def propose_roll_back(visit: Visit, number: int, reason: str) -> Filed[RollBack]:
    """The first person's word for making an old content live again."""
    (await visit.rights()).demand(visit.person, ConsoleAct.PROPOSE, (STRUCTURE,))
    old, live = await readable_version(visit, number), await _live(visit)
    if not reason.strip() or old.version.number >= live.number:
        raise CodedError(DRAFT_REFUSED, "A rollback names a version older than the live one, and has a reason.")
    await visit.desk.office.check_roll_back(number)
    name = visit.new_name(f"{number} {live.number} {reason}".encode())
    asked = RollBack(
        id=name,
        number=number,
        head=live.number,
        reason=reason,
        by=visit.party,
        roles=tuple(sorted(visit.person.roles)),
        at=time_text(visit.now),
    )
    return await ROLLBACKS.make(visit, name, asked, Change("rollback proposed", reason, state=f"policy {number}"))


async def approve_roll_back(visit: Visit, name: str) -> SignedVersion:
    """The second person's: the old content is live at once, as a new version."""
    (await visit.rights()).demand_reader(visit.person)
    asked = (await ROLLBACKS.get(visit, name)).value
    if (await _live(visit)).number != asked.head:
        raise CodedError(DRAFT_STALE, f"The rollback {name} was proposed when version {asked.head} was live.")
    proposer = Person(asked.by.subject, asked.by.department, frozenset(asked.roles))
    return await visit.desk.office.roll_back(asked.number, proposer, visit.person, asked.reason)


async def freeze(visit: Visit, of: FreezeOf, names: Iterable[str], reason: str, hours: float) -> SignedVersion:
    """Stops at once; ``reason`` names the incident, as ``incident:2026-7``."""
    (await visit.rights()).demand(visit.person, ConsoleAct.FREEZE, (STRUCTURE,))
    if not 0 < hours <= 72:
        raise CodedError(DRAFT_REFUSED, "An emergency stop ends within 72 hours; lengthen it by a draft.")
    until = visit.now + timedelta(hours=hours)
    return await visit.desk.office.freeze(of, tuple(names), visit.person, reason, until)


async def simulate(visit: Visit, name: str) -> WhatIf:
    """What a draft would change now, and which of the last month's recorded operations would flip."""
    await readable_draft(visit, name)
    checked = await visit.desk.office.check(name)
    live, items = await _live(visit), dict(visit.desk.items())
    since = time_text(visit.now - timedelta(days=RECORDED_DAYS))
    records = [record async for record in all_records(visit.desk.store, since=since)]

    def compare() -> WhatIf:
        before = compile_published(live, items)
        recorded = recorded_operations(records, frozenset(checked.tables.items))
        return what_if(before, checked.tables, visit.now, recorded)

    return await asyncio.to_thread(compare)


async def tables_on(visit: Visit, moment: datetime) -> PolicyTables:
    """The tables of the version that was live at a moment, over today's catalogue. Raises CodedError."""
    head, wanted = await visit.desk.store.head(), time_text(moment)
    for number in range(head or 0, 0, -1):
        signed = await visit.desk.office.version(number)
        if signed.published_at <= wanted:
            return await asyncio.to_thread(compile_published, signed.version, dict(visit.desk.items()))
    raise unknown(f"policy that was live at {wanted}")


async def _live(visit: Visit) -> PolicyVersion:
    live = await visit.desk.office.live()
    if live is None:
        raise CodedError(DRAFT_REFUSED, "No policy is live yet; install the first version.")
    return live
