"""What happens in three levels while they synchronise, and what they must hold when all of it has travelled.

Acts are taken here, straight in the levels' databases, beside whatever processes of theirs run and die; each is noted.
From the notes follows what every level must hold in the end, to the last version, decision and tier.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from catalog_sync.closed_lists import EntryState, Opening
from catalog_sync.entries import CatalogueEntry
from catalog_sync.exchange import Exchange
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side, SubmissionState
from catalog_sync.registry import Actor, EntryRecord, EntryVersion
from catalog_sync.store import SqlCatalogueStore, verify_ledger
from tests.catalogue.exchange_process import BELOW, Level
from tests.catalogue.levels import NOW, TRIGGER, entry

PROVIDER = Actor("officer", CreditCode.parse("11500000XXXX0006X1"), Side.PROVIDER)
Decided = tuple[str, int, SubmissionState, tuple[str, ...]]


@dataclass
class ThreeLevels:
    """Three levels' exchanges, and what was done at each."""

    exchanges: Mapping[Level, Exchange]
    chance: random.Random
    versions: dict[str, CatalogueEntry] = field(default_factory=dict)
    decided: dict[Level, list[Decided]] = field(default_factory=lambda: defaultdict(list))
    tightened: dict[Level, dict[str, CatalogueEntry]] = field(default_factory=lambda: defaultdict(dict))
    acts: int = 0

    def act(self) -> None:
        """One act at random: an entry or a new version of one, a decision, or a stricter view."""
        self.acts += 1
        kind = self.chance.choice(("entry", "version", "decide", "decide", "decide", "tighten"))
        level = self.chance.choice((Level.DISTRICT, Level.MUNICIPALITY))
        if kind == "entry" or not self.versions:
            self.release(entry(len(self.versions) + 1))
        elif kind == "version":
            last = self.versions[self.chance.choice(sorted(self.versions))]
            self.release(replace(last, version=last.version + 1, abstract=f"{last.abstract}{self.acts}"))
        elif kind == "decide":
            self.decide(level)
        else:
            self.tighten(level)

    def release(self, released: CatalogueEntry) -> None:
        """The department puts a version into force and offers it to the district, in one transaction."""
        department = self.exchanges[Level.DEPARTMENT]
        store = SqlCatalogueStore(department.database)
        with department.database.transaction():
            record = store.record(released.id)
            older = () if record is None else tuple(_withdrawn(each) for each in record.versions)
            versions = (*older, EntryVersion(released, TRIGGER))
            revision = 1 if record is None else record.revision + 1
            store.save(EntryRecord(released.id, versions, revision), "release", PROVIDER, NOW)
            assert department.superior is not None
            department.offer(department.superior, released, TRIGGER)
        self.versions[released.id] = released

    def decide(self, level: Level) -> None:
        """A level accepts or returns one of the entries submitted to it."""
        exchange = self.exchanges[level]
        waiting = exchange.submissions(SubmissionState.SUBMITTED)
        if waiting:
            event = self.chance.choice(("accept", "return"))
            reasons = (f"理由{self.acts}",) if event == "return" else ()
            held = exchange.decide(self.chance.choice(waiting).entry.id, event, "reviewer", NOW, reasons)
            self.decided[level].append((held.entry.id, held.entry.version, held.state, reasons))

    def tighten(self, level: Level) -> None:
        """A level sends the one below a stricter view of an entry that the one below holds."""
        exchange = self.exchanges[level]
        held = exchange.submissions()
        if held:
            chosen = self.chance.choice(held).entry
            view = replace(chosen, items=(replace(chosen.items[0], opening=Opening.NOT_OPEN), *chosen.items[1:]))
            below = self.exchanges[BELOW[level]]
            exchange.tighten(below.name, view, NOW + timedelta(seconds=self.acts))
            self.tightened[BELOW[level]][view.id] = view

    def differences(self) -> list[str]:
        """What is not as it must be once everything has travelled; nothing, if nothing was lost or doubled."""
        department, district, municipality = (self.exchanges[level] for level in Level)
        accepted = {
            identity: number
            for identity, number, state, _ in self.decided[Level.DISTRICT]
            if state is SubmissionState.ACCEPTED
        }
        expected = {
            "held by the district": (
                _held(district), self._standing({e.id: e.version for e in self.versions.values()}, Level.DISTRICT)
            ),
            "held by the municipality": (_held(municipality), self._standing(accepted, Level.MUNICIPALITY)),
            "contents at the district": (
                {held.entry.id: held.entry for held in district.submissions()}, self.versions,
            ),
            "decisions told to the department": (self._told(department), sorted(self.decided[Level.DISTRICT])),
            "decisions told to the district": (self._told(district), sorted(self.decided[Level.MUNICIPALITY])),
            "views at the department": self._views(Level.DEPARTMENT),
            "views at the district": self._views(Level.DISTRICT),
        }  # fmt: skip
        for sender, receiver in ((department, district), (district, municipality)):
            for one, other in ((sender, receiver), (receiver, sender)):
                name = f"bundles from {one.name} to {other.name}"
                expected[name] = (_numbered(other, "taken", one.name), _numbered(one, "sent", other.name))
                refused = [each for receipt in one.receipts(other.name) for each in receipt.outcomes if each.reason]
                expected[f"changes refused and bundles without receipt, {name}"] = (
                    (refused, one.outstanding(other.name)), ([], ()),
                )  # fmt: skip
        return [f"{what}: {found} is not {wanted}" for what, (found, wanted) in expected.items() if found != wanted]

    def ledger_rows(self) -> int:
        """How many rows the three ledgers have; CodedError LEDGER_BROKEN if one does not hold together."""
        return sum(verify_ledger(SqlCatalogueStore(each.database).ledger()) for each in self.exchanges.values())

    def _standing(self, versions: Mapping[str, int], level: Level) -> dict[str, tuple[int, SubmissionState]]:
        decided = {(identity, number): state for identity, number, state, _ in self.decided[level]}
        return {
            identity: (number, decided.get((identity, number), SubmissionState.SUBMITTED))
            for identity, number in versions.items()
        }

    def _told(self, exchange: Exchange) -> list[Decided]:
        return sorted(
            (told.entry, told.number, told.state, told.reasons)
            for identity in self.versions
            for told in exchange.decisions(identity)
        )

    def _views(self, level: Level) -> tuple[object, object]:
        exchange = self.exchanges[level]
        strict = {each.id for each in self.versions.values() if exchange.tightened(each) != each}
        return strict, set(self.tightened[level])


def _held(exchange: Exchange) -> dict[str, tuple[int, SubmissionState]]:
    return {held.entry.id: (held.entry.version, held.state) for held in exchange.submissions()}


def _numbered(exchange: Exchange, table: str, peer: str) -> list[tuple[int, str]]:
    with exchange.database.reading() as connection:
        found = connection.execute(f"SELECT number, digest FROM {table} WHERE peer = ? ORDER BY number", (peer,))
        return found.fetchall()


def _withdrawn(version: EntryVersion) -> EntryVersion:
    return replace(version, entry=replace(version.entry, state=EntryState.WITHDRAWN))
