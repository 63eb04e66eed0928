"""Who uses the graph: live grants, stored documents, and the callers of whom the ledger recorded operations."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from catalog_sync.comparison import LiveGrant
from policies.items import ItemTiers
from policies.ledger import Outcome, ReadFacts, RecordKind
from policies.lines import time_text
from policies.ports import PolicyStore
from policies.records import all_records
from policies.standing import live_grants

RECORDED = timedelta(days=90)
"""How far back recorded operations count as use: a quarter, since some offices report quarterly."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller of whom operations are recorded: how often each item was read, and on which day last (UTC)."""

    caller: str
    department: str | None
    items: Mapping[str, int]
    last: str


@dataclass(frozen=True, slots=True)
class Users:
    """Everybody a change could hit. ``unseen`` names the places that could not be looked into."""

    grants: tuple[LiveGrant, ...] = ()
    documents: Mapping[str, str] | None = None
    readers: tuple[Reader, ...] = ()
    unseen: tuple[str, ...] = ()


async def find_users(
    store: PolicyStore | None, documents: Mapping[str, str] | None, items: Mapping[str, ItemTiers], now: datetime
) -> Users:
    """The users at ``now``. ``store`` keeps policy and ledger; ``documents`` are those stored, by id; None: none."""
    unseen = [] if documents is not None else ["stored documents: documents.trusted is not set"]
    if store is None:
        unseen.append("grants and recorded operations: access.store is not set")
        return Users(documents=documents, unseen=tuple(unseen))
    return Users(await find_grants(store, items, now), documents, await _readers(store, now), tuple(unseen))


async def find_grants(store: PolicyStore, items: Mapping[str, ItemTiers], now: datetime) -> tuple[LiveGrant, ...]:
    """The grants in force under the live policy."""
    head = await store.head()
    signed = None if head is None else await store.version(head)
    return () if signed is None else live_grants(signed.version.lines, items, now)


async def _readers(store: PolicyStore, now: datetime) -> tuple[Reader, ...]:
    since = time_text(now - RECORDED)
    counts: dict[tuple[str, str | None], Counter[str]] = {}
    last: dict[tuple[str, str | None], str] = {}
    async for record in all_records(store, since=since):
        if record.kind is not RecordKind.READ or record.at < since:
            continue
        facts = msgspec.json.decode(record.body, type=ReadFacts)
        if facts.outcome is not Outcome.REFUSED:
            who = facts.caller, facts.department
            counts.setdefault(who, Counter()).update(facts.items)
            last[who] = record.at[:10]
    return tuple(
        Reader(caller, department, items, last[caller, department])
        for (caller, department), items in sorted(counts.items(), key=lambda each: (each[0][0], each[0][1] or ""))
    )
