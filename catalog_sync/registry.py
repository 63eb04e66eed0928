"""The registry: how a version of an entry comes into force, as pure steps from record to record.

A record holds every version an entry ever had. A version's content is never changed: a step moves its state, and new
content is a new version. So the invariant is: at most one version is on its way, at most one is released, and the
released one serves until another is. Who may step is asked here, in one place: the provider's people change, the
competent department's decide, and nobody decides on what they themselves submitted (R7, R40).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from catalog_sync.closed_lists import EntryState
from catalog_sync.comparison import BrokenGrant, LiveGrant, broken_grants, changes_between
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import ILLEGAL_TRANSITION, NOT_YOURS, REASON_NEEDED, CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import ENTRY_LIFECYCLE, Side
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem, Place, Severity
from catalog_sync.rules import Surroundings, findings
from catalog_sync.writing import entry_document

_ON_ITS_WAY = (EntryState.DRAFT, EntryState.SUBMITTED, EntryState.RETURNED, EntryState.ACCEPTED)


class TriggerKind(StrEnum):
    """What made a new version necessary (R13); the law's clocks run from the day of it."""

    LAW_AMENDED = "law amended"
    FUNCTIONS_CHANGED = "functions changed"
    CREATED = "resource created"
    UPDATED = "resource updated"

    @property
    def clock(self) -> str:
        """The clock that the event starts: C1 for law and functions, C2 for the catalogue's own changes."""
        return "C1" if self in (TriggerKind.LAW_AMENDED, TriggerKind.FUNCTIONS_CHANGED) else "C2"


@dataclass(frozen=True, slots=True)
class Trigger:
    """The event behind a version: its day and the document that shows it."""

    kind: TriggerKind
    day: date
    document: str

    def told(self) -> dict[str, str]:
        """The event as bundles and the ledger write it."""
        return {"kind": self.kind.value, "day": self.day.isoformat(), "document": self.document}

    @staticmethod
    def of(told: Mapping[str, str]) -> "Trigger":
        """The event from ``told``; KeyError or ValueError if it is none."""
        return Trigger(TriggerKind(told["kind"]), date.fromisoformat(told["day"]), str(told["document"]))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step: a person, on behalf of one department, on one side.

    ``unproved`` says by whose hand where nothing but their own word says who they are; it stands in the ledger.
    """

    person: str
    department: CreditCode
    side: Side
    unproved: str = ""

    def __str__(self) -> str:
        return f"{self.person} ({self.department}){f', unproved: {self.unproved}' if self.unproved else ''}"


@dataclass(frozen=True, slots=True)
class EntryVersion:
    """One version of an entry: content, which never changes, and the state it is in.

    ``submitted_by`` is the person who submitted it; ``reasons`` why it was returned or withdrawn.
    """

    entry: CatalogueEntry
    trigger: Trigger
    submitted_by: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Counts from 1."""
        return self.entry.version

    @property
    def state(self) -> EntryState:
        """Where the version stands."""
        return self.entry.state

    @property
    def digest(self) -> str:
        """SHA-256 over the content in canonical JSON, whatever the state."""
        return content_digest(self.entry)


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """Every version of one entry, oldest first; ``revision`` counts the steps, so that a stale writer is found out."""

    id: str
    versions: tuple[EntryVersion, ...]
    revision: int = 1

    @property
    def current(self) -> EntryVersion:
        """The newest version."""
        return self.versions[-1]

    @property
    def released(self) -> EntryVersion | None:
        """The version in force."""
        return next((version for version in self.versions if version.state is EntryState.RELEASED), None)


def content_digest(entry: CatalogueEntry) -> str:
    """SHA-256 of an entry's content, which its state is no part of."""
    document = entry_document(entry)
    document.pop("state", None)
    return hashlib.sha256(canonical_json(document)).hexdigest()


def canonical_json(value: object) -> bytes:
    """JSON with sorted names and without blanks, as UTF-8: the form that is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def draft(record: EntryRecord | None, entry: CatalogueEntry, trigger: Trigger, actor: Actor) -> EntryRecord:
    """A new version as a draft; one that is on its way already is replaced only while itself a draft or returned."""
    _provider_only(entry, actor)
    _reasoned(trigger.document, "Name the document that shows the event: trigger.document.")
    if record is None:
        fresh = replace(entry, state=EntryState.DRAFT, version=1)
        return EntryRecord(entry.id, (EntryVersion(fresh, trigger),))
    if entry.id != record.id:
        raise CodedError(ILLEGAL_TRANSITION, f"A version of {record.id} cannot have the id {entry.id}.")
    _provider_only(record.current.entry, actor)
    kept = record.versions
    if record.current.state in _ON_ITS_WAY:
        if record.current.state not in (EntryState.DRAFT, EntryState.RETURNED):
            message = f"Version {record.current.number} of {record.id} is {record.current.state}; recall it first."
            raise CodedError(ILLEGAL_TRANSITION, message, {"state": record.current.state.value})
        if record.current.state is EntryState.DRAFT:
            kept = record.versions[:-1]
    fresh = replace(entry, state=EntryState.DRAFT, version=(kept[-1].number if kept else 0) + 1)
    return EntryRecord(record.id, (*kept, EntryVersion(fresh, trigger)), record.revision + 1)


def submit(record: EntryRecord, actor: Actor, around: Surroundings) -> EntryRecord:
    """Hands the draft in; CatalogueInvalid with every broken rule, for what breaks one is not worth a review."""
    _provider_only(record.current.entry, actor)
    _keeps_the_rules(record.current.entry, around)
    return _step(record, "submit", actor, submitted_by=actor.person)


def recall(record: EntryRecord, actor: Actor) -> EntryRecord:
    """Takes a submission back while nobody has decided on it."""
    _provider_only(record.current.entry, actor)
    return _step(record, "recall", actor, submitted_by=None)


def send_back(record: EntryRecord, reasons: Iterable[str], actor: Actor) -> EntryRecord:
    """Returns a submission with its reasons, one at least."""
    said = tuple(reason.strip() for reason in reasons if reason.strip())
    _reasoned(said, "A return names its reasons.")
    _not_the_submitter(record.current, actor)
    return _step(record, "return", actor, reasons=said)


def revise(record: EntryRecord, actor: Actor) -> EntryRecord:
    """Takes a returned version up again, as a draft."""
    _provider_only(record.current.entry, actor)
    return _step(record, "revise", actor)


def accept(record: EntryRecord, actor: Actor) -> EntryRecord:
    """Finds a submission in order."""
    _not_the_submitter(record.current, actor)
    return _step(record, "accept", actor, reasons=())


def release(
    record: EntryRecord,
    actor: Actor,
    around: Surroundings,
    grants: Iterable[LiveGrant] = (),
    acknowledged: Iterable[str] = (),
) -> EntryRecord:
    """Puts the accepted version into force in the place of the one released before.

    The rules are asked again, for the rest of the catalogue may have changed. A change that breaks live grants is
    refused, naming each (V15), unless its number is among the ``acknowledged``.
    """
    _not_the_submitter(record.current, actor)
    _keeps_the_rules(record.current.entry, around)
    broken = grants_broken_by(record, grants)
    unseen = [each for each in broken if each.grant.number not in set(acknowledged)]
    if unseen:
        raise CatalogueInvalid(_grant_problem(record.current.entry, each) for each in unseen)
    after = _step(record, "release", actor)
    older = tuple(_superseded(version, after.current.number) for version in after.versions[:-1])
    return replace(after, versions=(*older, after.current))


def grants_broken_by(record: EntryRecord, grants: Iterable[LiveGrant]) -> tuple[BrokenGrant, ...]:
    """The live grants that would lose something if the newest version took the released one's place."""
    if record.released is None:
        return ()
    before = record.released.entry
    return broken_grants(changes_between(before, record.current.entry), before, grants)


def withdraw(record: EntryRecord, reason: str, actor: Actor) -> EntryRecord:
    """Takes the released version out of force: its data are withheld from everybody from then on."""
    _reasoned(reason, "A withdrawal names its reason.")
    live = record.released
    if live is None:
        message = f"{record.id} has no released version to withdraw."
        raise CodedError(ILLEGAL_TRANSITION, message, {"state": record.current.state.value})
    _provider_only(live.entry, actor)
    state = ENTRY_LIFECYCLE.after(live.state, "withdraw", actor.side, record.id)
    gone = replace(live, entry=replace(live.entry, state=EntryState(state)), reasons=(reason,))
    versions = tuple(gone if version is live else version for version in record.versions)
    return replace(record, versions=versions, revision=record.revision + 1)


def step_events(record: EntryRecord) -> dict[str, object]:
    """What the ledger says of the newest version: no content, only its digest."""
    current = record.current
    return {
        "entry": record.id,
        "version": current.number,
        "state": current.state.value,
        "digest": current.digest,
        "reasons": list(current.reasons),
        "trigger": current.trigger.told(),
    }


def _step(
    record: EntryRecord,
    event: str,
    actor: Actor,
    *,
    submitted_by: str | None = "",
    reasons: tuple[str, ...] | None = None,
) -> EntryRecord:
    current = record.current
    subject = f"Version {current.number} of {record.id}"
    state = EntryState(ENTRY_LIFECYCLE.after(current.state, event, actor.side, subject))
    moved = replace(
        current,
        entry=replace(current.entry, state=state),
        submitted_by=current.submitted_by if submitted_by == "" else submitted_by,
        reasons=current.reasons if reasons is None else reasons,
    )
    return replace(record, versions=(*record.versions[:-1], moved), revision=record.revision + 1)


def _superseded(version: EntryVersion, by: int) -> EntryVersion:
    if version.state is not EntryState.RELEASED:
        return version
    state = ENTRY_LIFECYCLE.after(version.state, "supersede", Side.PLATFORM, version.entry.id)
    entry = replace(version.entry, state=EntryState(state))
    return replace(version, entry=entry, reasons=(f"superseded by version {by}",))


def _provider_only(entry: CatalogueEntry, actor: Actor) -> None:
    if actor.side is not Side.PROVIDER or actor.department != entry.provider.credit_code:
        message = f"{entry.id} is changed by its provider {entry.provider.name} alone, not by {actor.department}."
        raise CodedError(NOT_YOURS, message)


def _not_the_submitter(version: EntryVersion, actor: Actor) -> None:
    if version.submitted_by is not None and version.submitted_by == actor.person:
        message = (
            f"{actor.person} submitted version {version.number} of {version.entry.id}; another person must decide."
        )
        raise CodedError(NOT_YOURS, message)


def _reasoned(given: object, message: str) -> None:
    if not given or (isinstance(given, str) and not given.strip()):
        raise CodedError(REASON_NEEDED, message)


def _keeps_the_rules(entry: CatalogueEntry, around: Surroundings) -> None:
    place = Place("registry")
    # Judged as it will be in force, so that it may refer to released resources only.
    judged = replace(entry, state=EntryState.RELEASED)
    problems = [
        CatalogueProblem(each.rule, each.message, each.remedy, place, entry.id, each.field, each.value)
        for each in findings(judged, around)
        if each.severity is Severity.ERROR
    ]
    if problems:
        raise CatalogueInvalid(problems)


def _grant_problem(entry: CatalogueEntry, broken: BrokenGrant) -> CatalogueProblem:
    changed = "; ".join(map(str, broken.changes))
    message = f"The change breaks grant {broken.grant.number} of {broken.grant.department}: {changed}."
    remedy = "Keep what the grant names, give notice and wait, or acknowledge the grant's number."
    return CatalogueProblem("V15", message, remedy, Place("registry"), entry.id, "", broken.grant.number)
