"""What an assessment counts, collected from what nobody can change: the catalogue's ledger, the matters, the reads.

Figures have to be the same whenever a past period is asked for. So what was in force is replayed from the ledger up to
the period's last day, and a matter counts as it stood on that day: on the day it was answered, or on the day after its
clock ran out unanswered. Days are those of Chongqing. Freshness and drift are those of the period's end, or of now
while it lasts, by the changes that gateways saw.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import msgspec

from catalog_sync.assessment import AssessedEvent, Assessment, EventKind, Evidence, Period, assess
from catalog_sync.chongqing_days import CHONGQING, date_in_chongqing
from catalog_sync.closed_lists import EntryState
from catalog_sync.entries import CatalogueEntry
from catalog_sync.freshness import Freshness
from catalog_sync.identifiers import CreditCode
from catalog_sync.obligations import clock_of
from catalog_sync.observations import Observations, freshness_by_code
from catalog_sync.office import CatalogueOffice
from catalog_sync.ports import LedgerRow
from catalog_sync.registry import Trigger
from catalog_sync.releases import served_fields
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.seen_changes import Running, SeenChange, SeenKind
from policies.doubts import Doubt
from policies.grants import Application
from policies.items import resource_of
from policies.ledger import Outcome, ReadFacts, RecordKind
from policies.matters import Step
from policies.openings import OpeningApplication
from policies.ports import PolicyStore
from policies.records import all_records

_DAY = timedelta(days=1)


def assess_departments(period: Period, evidence: Evidence) -> tuple[Assessment, ...]:
    """The assessment of every department that has entries or events in the period, by credit code."""
    known = {entry.provider.credit_code for entry in evidence.entries}
    known |= {event.department for event in evidence.events if period.covers(event.day)}
    return tuple(assess(department, period, evidence) for department in sorted(known))


async def collect(office: CatalogueOffice, store: PolicyStore | None, period: Period) -> Evidence:
    """The evidence of a period. ``store`` keeps policy, matters and reads; without one these count nothing."""
    kept = await asyncio.to_thread(_kept_by_the_registry, office, period)
    entries, events = tuple(kept.entries), list(kept.events)
    if store is not None:
        matters = _Matters(office, period.last)
        events += matters.requests(
            [msgspec.json.decode(m.body, type=Application) for m in await store.matters("application")]
        )
        openings = await store.matters("opening")
        events += matters.requests([msgspec.json.decode(m.body, type=OpeningApplication) for m in openings])
        events += matters.doubts([msgspec.json.decode(m.body, type=Doubt) for m in await store.matters("doubt")])
        events += await _calls(store, entries, period)
    events.sort(key=lambda each: (each.day, each.kind, each.subject))
    return replace(kept, events=tuple(events))


def _kept_by_the_registry(office: CatalogueOffice, period: Period) -> Evidence:
    """What the registry's own store tells."""
    replay = _Replay(office, period.last)
    entries = replay.in_force()
    events = tuple(_catalogue_events(office, replay, period.last))
    observations = Observations(office.platform)
    data, schemas = observations.changes(SeenKind.DATA), observations.changes(SeenKind.SCHEMA)
    if office.today > period.last:
        freshness = {code: Freshness(state) for code, state in _states(data, period.last).items()}
    else:
        freshness = freshness_by_code(entries, observations.data_times(), office.now)
    drifted = frozenset(name for name, state in _states(schemas, period.last).items() if state == Running.DRIFTED)
    seen = _seen_events(office, entries, (*data, *schemas))
    return Evidence(entries, replay.hooked_up(), freshness, (*events, *seen), replay.hooked_up(drifted))


_COUNTED: Mapping[str, EventKind] = {
    Freshness.STALE: EventKind.DATA_STALE,
    Freshness.FRESH: EventKind.DATA_RENEWED,
    Running.DRIFTED: EventKind.SCHEMA_DRIFTED,
    Running.AS_RELEASED: EventKind.SCHEMA_AS_RELEASED,
}


def _states(changes: Iterable[SeenChange], last: date) -> dict[str, str]:
    """The state of each subject at the end of a day."""
    return {each.subject: each.state for each in changes if date_in_chongqing(each.at) <= last}


def _seen_events(
    office: CatalogueOffice, entries: Iterable[CatalogueEntry], changes: Iterable[SeenChange]
) -> Iterator[AssessedEvent]:
    """What gateways saw change, for the department whose data or subgraph it was."""
    providers = {str(code): entry.provider.credit_code for entry in entries for code in entry.codes}
    for change in changes:
        if change.state not in _COUNTED:
            continue
        if change.kind is SeenKind.SCHEMA and change.subject not in providers:
            for release in office.platform.releases.history(change.subject):
                providers[change.subject] = release.provider
        if change.subject in providers:
            kind = _COUNTED[change.state]
            day, in_time = date_in_chongqing(change.at), kind is not EventKind.DATA_STALE
            yield AssessedEvent(kind, providers[change.subject], day, change.subject, in_time)


@dataclass(slots=True)
class _OnItsWay:
    """A version as the ledger tells of it: the event behind it, and the day it was first handed in."""

    trigger: Trigger
    submitted: date | None = None


@dataclass(slots=True)
class _Replay:
    """The catalogue's ledger up to a day."""

    office: CatalogueOffice
    last: date
    released: dict[str, int] = field(default_factory=dict)
    versions: dict[tuple[str, int], _OnItsWay] = field(default_factory=dict)
    live: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.office.platform.entries.ledger():
            if (day := _day(row.at)) > self.last:
                continue
            if "entry" in row.body and "trigger" in row.body:
                self._entry_step(row, day)
            elif "subgraph" in row.body:
                self._release_step(row)

    def _entry_step(self, row: LedgerRow, day: date) -> None:
        identity, number = str(row.body["entry"]), int(str(row.body["version"]))
        told = row.body["trigger"]
        assert isinstance(told, dict)
        version = self.versions.setdefault((identity, number), _OnItsWay(Trigger.of(told)))
        if row.action == "draft" and version.submitted is None:
            version.trigger = Trigger.of(told)
        elif row.action == "submit" and version.submitted is None:
            version.submitted = day
        elif row.action == "release":
            self.released[identity] = number
        elif row.action == "withdraw":
            self.released.pop(identity, None)

    def _release_step(self, row: LedgerRow) -> None:
        subgraph, number = str(row.body["subgraph"]), int(str(row.body["number"]))
        if row.action in ("go live release", "roll back release"):
            self.live[subgraph] = number
        elif row.action in ("retire release", "replace release") and self.live.get(subgraph) == number:
            del self.live[subgraph]

    def in_force(self) -> tuple[CatalogueEntry, ...]:
        """The entries that were in force at the end of the day."""
        found = []
        for identity, number in sorted(self.released.items()):
            record = self.office.record(identity)
            found += [each.entry for each in record.versions if each.number == number]
        return tuple(found)

    def hooked_up(self, among: frozenset[str] | None = None) -> frozenset[str]:
        """The codes that live releases served, of all subgraphs or of those ``among`` them."""
        releases = self.office.platform.releases
        return frozenset(
            field.code
            for subgraph, number in self.live.items()
            if among is None or subgraph in among
            for release in releases.history(subgraph)
            if release.number == number
            for field in served_fields(release.sdl)
        )


def _catalogue_events(office: CatalogueOffice, replay: _Replay, last: date) -> Iterator[AssessedEvent]:
    """Versions handed in, or not handed in when their clock had run out (C1: updated; C2: submitted)."""
    for (identity, number), version in replay.versions.items():
        clock = clock_of(version.trigger, office.instrument, office.calendar)
        due = clock.deadline.date
        kind = EventKind.CATALOGUE_UPDATED if clock.clock == "C1" else EventKind.CATALOGUE_SUBMITTED
        provider = office.record(identity).current.entry.provider.credit_code
        subject = f"{identity} version {number}"
        if version.submitted is not None:
            yield AssessedEvent(kind, provider, version.submitted, subject, version.submitted <= due)
        elif due < last:
            yield AssessedEvent(kind, provider, due + _DAY, subject, in_time=False)


@dataclass(frozen=True, slots=True)
class _Matters:
    """What became of requests and doubts up to a day."""

    office: CatalogueOffice
    last: date

    def requests(self, applications: Iterable[Application | OpeningApplication]) -> Iterator[AssessedEvent]:
        """Each application once, answered or not; a refusal that did not stand once more."""
        for application in applications:
            provider = self.office.register.credit_code(application.provider)
            steps = self._taken(application.steps)
            if provider is None or not steps:
                continue
            due = application.clock.deadline.date
            decided = [each for each in steps if each.act in ("granted", "refused")]
            if decided:
                refused = decided[0].act == "refused"
                kind = EventKind.REQUEST_REFUSED if refused else EventKind.REQUEST_ANSWERED
                day = _day(decided[0].at)
                yield AssessedEvent(kind, provider, day, application.id, day <= due)
                overturned = next((each for each in decided[1:] if refused and each.act == "granted"), None)
                if overturned is not None:
                    yield AssessedEvent(EventKind.REFUSAL_OVERTURNED, provider, _day(overturned.at), application.id)
            elif due < self.last and steps[-1].act not in ("withdrawn", "correction asked", "third party asked"):
                yield AssessedEvent(EventKind.REQUEST_OVERDUE, provider, due + _DAY, application.id, in_time=False)

    def doubts(self, doubts: Iterable[Doubt]) -> Iterator[AssessedEvent]:
        """Every answer of a provider to a doubt, and every one that was due and did not come."""
        for doubt in doubts:
            began: Step | None = None
            for each in self._taken(doubt.steps):
                if each.act in ("routed", "reopened"):
                    began = each
                elif began is not None and each.act in ("corrected", "confirmed", "not_ours"):
                    department = self.office.register.credit_code(each.by.department)
                    due, began = self._due(_day(began.at)), None
                    if department is not None and each.act != "not_ours":
                        kind = EventKind.DOUBT_UPHELD if each.act == "corrected" else EventKind.DOUBT_ANSWERED
                        yield AssessedEvent(kind, department, _day(each.at), doubt.id, _day(each.at) <= due)
            department = self.office.register.credit_code(doubt.provider or "")
            if began is not None and department is not None and (due := self._due(_day(began.at))) < self.last:
                yield AssessedEvent(EventKind.DOUBT_OVERDUE, department, due + _DAY, doubt.id, in_time=False)

    def _taken(self, steps: Iterable[Step]) -> Sequence[Step]:
        return [each for each in steps if _day(each.at) <= self.last]

    def _due(self, began: date) -> date:
        profile = profile_in_force(self.office.instrument, began)
        return profile.start("C5", began, self.office.calendar).deadline.date


async def _calls(store: PolicyStore, entries: Iterable[CatalogueEntry], period: Period) -> list[AssessedEvent]:
    """A day's calls of each resource, served and failed; a call that reads two resources is one of each."""
    providers = {str(entry.code): entry.provider.credit_code for entry in entries if entry.state is EntryState.RELEASED}
    counts: Counter[tuple[EventKind, CreditCode, date, str]] = Counter()
    since = datetime.combine(period.first, datetime.min.time(), CHONGQING).astimezone(UTC)
    async for record in all_records(store, since=since.strftime("%Y-%m-%dT%H:%M:%SZ")):
        day = _day(record.at)
        if record.kind is not RecordKind.READ or not period.covers(day):
            continue
        facts = msgspec.json.decode(record.body, type=ReadFacts)
        if facts.outcome is Outcome.REFUSED:
            continue
        kind = EventKind.CALLS_FAILED if facts.outcome is Outcome.FAILED else EventKind.CALLS_SERVED
        for code in {resource_of(item) for item in facts.items} & providers.keys():
            counts[kind, providers[code], day, code] += 1
    return [AssessedEvent(*key, count=count) for key, count in counts.items()]


def _day(moment: str) -> date:
    return date_in_chongqing(datetime.fromisoformat(moment))
