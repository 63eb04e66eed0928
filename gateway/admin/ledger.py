"""The ledger at the desk: searched by those who audit, each search a record itself, and verified from the first."""

import asyncio
from collections.abc import Iterable

import msgspec

from gateway.admin.desk import Visit
from gateway.admin.rights import LEDGER
from gateway.errors import BAD_REQUEST, CodedError
from policies.console import ConsoleAct
from policies.ledger import (
    ActFacts,
    Anchor,
    LedgerRecord,
    Outcome,
    ReadFacts,
    ReadQuery,
    RecordKind,
    person_hash,
    verify_chain,
)
from policies.records import PAGE, all_records

MOST = 1_000


async def search(
    visit: Visit, kind: RecordKind | None, query: ReadQuery, why: str, after: int, first: int
) -> tuple[list[LedgerRecord], bool]:
    """The first records after a number that fit, and whether there are more.

    The search is recorded before anything is shown. Raises CodedError ACT_FORBIDDEN, BAD_REQUEST.
    """
    if not 1 <= first <= MOST:
        raise CodedError(BAD_REQUEST, f"`first` is 1 to {MOST}, not {first}.")
    await record_look(visit, why, query)
    found: list[LedgerRecord] = []
    async for record in all_records(visit.desk.store, after, query.since):
        if kind in (None, record.kind) and _fits(record, query):
            if len(found) == first:
                return found, True
            found.append(record)
    return found, False


def _fits(record: LedgerRecord, query: ReadQuery) -> bool:
    """Whether the query finds the read, or the act: by who did it and when, since acts are on no person's record."""
    if record.kind is RecordKind.READ:
        return query.matches(record)
    if query.person or query.resource or query.outcome or not (query.since or "") <= record.at < (query.until or "A"):
        return False
    facts = msgspec.json.decode(record.body, type=ActFacts)
    return query.caller in (None, facts.person) and query.department in (None, facts.department)


async def person_reads(
    visit: Visit, identity: str, why: str, since: str | None, until: str | None
) -> list[LedgerRecord]:
    """Who read this person's records (R23). The identity is hashed at once and kept nowhere."""
    query = ReadQuery(person=person_hash(visit.desk.person_key, identity), since=since, until=until)
    await record_look(visit, why, query)
    return [
        record
        async for record in all_records(visit.desk.store, since=since)
        if query.matches(record) and record.facts().get("items") != [LEDGER]
    ]


async def verify(visit: Visit, anchors: Iterable[Anchor]) -> Anchor | None:
    """Checks the whole chain; gives its last anchor. Raises CodedError ACT_FORBIDDEN, LEDGER_ALTERED."""
    await _demand_auditor(visit)
    known, last = tuple(anchors), None
    while page := await visit.desk.store.records(last.number if last else 0, PAGE):
        here = [anchor for anchor in known if page[0].number <= anchor.number <= page[-1].number]
        last = await asyncio.to_thread(verify_chain, page, here, last)
    beyond = [anchor for anchor in known if anchor.number > (last.number if last else 0)]
    verify_chain((), beyond, last)
    return last


async def record_look(visit: Visit, why: str, query: ReadQuery = ReadQuery()) -> None:  # noqa: B008 - it is frozen
    """Who looks into the ledger is read of in the ledger. Raises CodedError ACT_FORBIDDEN, BAD_REQUEST."""
    await _demand_auditor(visit)
    if not why.strip():
        raise CodedError(BAD_REQUEST, "`why` is empty: a search of the ledger has a reason, which is recorded.")
    facts = ReadFacts(
        caller=visit.person.subject,
        outcome=Outcome.GRANTED,
        policy_version=str(await visit.desk.store.head()),
        graph_version="-",
        items=(LEDGER,),
        department=visit.person.department,
        zone=visit.caller.zone,
        persons=(query.person,) if query.person else (),
        request_id=visit.request_id,
        reason=why,
    )
    await visit.desk.store.record_reads([facts], visit.now)


async def _demand_auditor(visit: Visit) -> None:
    (await visit.rights()).demand(visit.person, ConsoleAct.AUDIT, (LEDGER,))
