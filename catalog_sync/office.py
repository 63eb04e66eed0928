"""The catalogue's office: every step an entry takes on one platform, for commands and the administration alike.

``catalog_sync.registry`` says what a step does to one record. Here records are read and kept, several at a time, all or
none; entries are judged in the surroundings that they will have when they are in force; and every act is a row of the
ledger. Entries that refer to one another come into force together, so they are judged together.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from catalog_sync import opening_reviews, registry
from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.closed_lists import EntryState
from catalog_sync.comparison import Change, LiveGrant, changes_between
from catalog_sync.documents import Node
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import UNKNOWN_RESOURCE, CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.in_force import InForceReader
from catalog_sync.loading import Register, check_documents, national_classes, surroundings
from catalog_sync.obligations import Obligation, obligations
from catalog_sync.opening_reviews import Findings, OpeningReview
from catalog_sync.platform import CataloguePlatform
from catalog_sync.ports import LedgerRow
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem, Place
from catalog_sync.registry import Actor, EntryRecord, Trigger, content_digest
from catalog_sync.rule_profiles import ORDER_320
from catalog_sync.rules import Surroundings
from catalog_sync.store import entry_from_json
from catalog_sync.working_days import WorkingCalendar

Acting = Actor | Callable[[CatalogueEntry], Actor]
"""Who acts; a function where a catalogue is brought over and each entry's own provider acts."""
Progress = Callable[[int, int], None]
"""Called with the entries done and their number."""

_ON_ITS_WAY_UP = (EntryState.SUBMITTED, EntryState.ACCEPTED)


def _silently(done: int, total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What became of entries handed in as drafts: those that are drafts now, and the ids of those that say the same."""

    records: tuple[EntryRecord, ...]
    unchanged: tuple[str, ...]


class CatalogueOffice:
    """The office of one platform. ``instrument`` is the law whose clocks run; ``clock`` gives the moment, with zone."""

    def __init__(
        self,
        platform: CataloguePlatform,
        register: Register | None = None,
        instrument: str = ORDER_320,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        calendar: WorkingCalendar | None = None,
    ) -> None:
        self.platform = platform
        self.register = register or Register()
        self.instrument = instrument
        self.calendar = calendar or WorkingCalendar.default()
        self._clock = clock
        self._reader = InForceReader(platform)
        self._in_force: dict[str, CatalogueEntry] = {}
        self._lock = threading.Lock()

    @property
    def now(self) -> datetime:
        """The moment."""
        return self._clock()

    @property
    def today(self) -> date:
        """The day in Chongqing."""
        return date_in_chongqing(self._clock())

    # The provider's steps

    def draft(self, nodes: Sequence[Node], trigger: Trigger, acting: Acting, progress: Progress = _silently) -> Drafted:
        """Entries as written become drafts, each a new version; one that is returned is taken up again.

        What says the same as the newest version is left alone. CatalogueInvalid with every problem of every entry, and
        nothing is drafted; CodedError NOT_YOURS for another provider's entry.
        """
        known = self._known()
        classes = {**national_classes(), **self.register.classes}
        checked = check_documents(
            nodes, today=self.today, classes=classes, providers=self.register.providers, known=known.values()
        )
        drafted, unchanged = [], []
        with self.platform.database.transaction():
            for done, entry in enumerate(checked.entries):
                progress(done, len(checked))
                actor = _actor(acting, entry)
                record = self.platform.entries.record(entry.id)
                if record is not None and _says_the_same(record.current.entry, entry):
                    unchanged.append(entry.id)
                    continue
                if record is not None and record.current.state is EntryState.RETURNED:
                    record = self._keep(registry.revise(record, actor), "revise", actor)
                drafted.append(self._keep(registry.draft(record, entry, trigger, actor), "draft", actor))
        progress(len(checked), len(checked))
        return Drafted(tuple(drafted), tuple(unchanged))

    def submit(self, ids: Iterable[str], acting: Acting) -> tuple[EntryRecord, ...]:
        """Hands drafts in; they may refer to one another, and to what is submitted or accepted already."""
        return self._together(
            ids,
            "submit",
            acting,
            lambda record, actor, around: registry.submit(record, actor, around),
            self.platform.entries.newest(*_ON_ITS_WAY_UP),
        )

    def review(self, ids: Iterable[str], found: Findings, acting: Acting) -> tuple[EntryRecord, ...]:
        """Keeps a review before opening of each of these entries (R52), of which all that it opens, or named items."""
        kept = []
        with self.platform.database.transaction():
            for identity in dict.fromkeys(ids):
                record = self.record(identity)
                actor = _actor(acting, record.current.entry)
                made = opening_reviews.review(record, found, actor, self._reviews(record.id))
                stepped = replace(record, revision=record.revision + 1)
                kept.append(self._keep(stepped, opening_reviews.ACTION, actor, made.told()))
        return tuple(kept)

    def recall(self, identity: str, actor: Actor) -> EntryRecord:
        """Takes a submission back."""
        return self._step(identity, "recall", actor, lambda record: registry.recall(record, actor))

    def withdraw(self, identity: str, reason: str, actor: Actor) -> EntryRecord:
        """Takes the released version out of force."""
        with self.platform.database.transaction():
            record = self.record(identity)
            moved = registry.withdraw(record, reason, actor)
            assert record.released is not None
            told = {"withdrawn": record.released.number, "reasons": [reason]}
            return self._keep(moved, "withdraw", actor, told)

    # The competent department's steps

    def send_back(self, identity: str, reasons: Iterable[str], actor: Actor) -> EntryRecord:
        """Returns a submission with its reasons."""
        said = tuple(reasons)
        return self._step(identity, "return", actor, lambda record: registry.send_back(record, said, actor))

    def accept(self, identity: str, actor: Actor) -> EntryRecord:
        """Finds a submission in order."""
        return self._step(identity, "accept", actor, lambda record: registry.accept(record, actor))

    def release(
        self, ids: Iterable[str], actor: Actor, grants: Iterable[LiveGrant] = (), acknowledged: Iterable[str] = ()
    ) -> tuple[EntryRecord, ...]:
        """Puts accepted versions into force together.

        CatalogueInvalid with every broken rule, every review that an item to be opened lacks (V16), and every live
        grant that loses something and is not among those ``acknowledged`` (V15); those that are stand in the ledger.
        """
        live, seen = tuple(grants), frozenset(acknowledged)

        def take(record: EntryRecord, by: Actor, around: Surroundings) -> EntryRecord:
            released = registry.release(record, by, around, live, seen)
            if lacking := list(opening_reviews.problems(record, self._reviews(record.id), by)):
                raise CatalogueInvalid(lacking)
            return released

        def told(record: EntryRecord) -> dict[str, object] | None:
            broken = [each.grant.number for each in registry.grants_broken_by(record, live)]
            return {"acknowledged": broken} if broken else None

        return self._together(
            ids,
            "release",
            actor,
            take,
            (),
            told,
        )

    # Looking

    def record(self, identity: str) -> EntryRecord:
        """The record of an entry by its id or one of its codes. CodedError UNKNOWN_RESOURCE if there is none."""
        record = self.platform.entries.record(identity)
        if record is None and "/" in identity:
            named = next((each for each in self.platform.entries.newest() if identity in map(str, each.codes)), None)
            record = None if named is None else self.platform.entries.record(named.id)
        if record is None:
            message = f"The registry has no entry {identity!r}. Search for it, or draft it."
            raise CodedError(UNKNOWN_RESOURCE, message)
        return record

    def listed(self, state: EntryState | None = None, provider: CreditCode | None = None) -> tuple[CatalogueEntry, ...]:
        """The newest version of every entry, in one state or of one provider."""
        return tuple(
            entry
            for entry in self.platform.entries.newest(*(() if state is None else (state,)))
            if provider in (None, entry.provider.credit_code)
        )

    def in_force(self) -> tuple[CatalogueEntry, ...]:
        """The whole catalogue of the platform: what is released here and what was accepted from below."""
        return tuple(self._followed().values())

    def due(self, provider: CreditCode | None = None) -> tuple[Obligation, ...]:
        """What has to be handed in and by when, the most urgent first."""
        owed = obligations(self.platform.entries, self.instrument, self.calendar)
        mine = [each for each in owed if provider in (None, each.version.entry.provider.credit_code)]
        return tuple(sorted(mine, key=lambda each: each.clock.deadline.date))

    def history(self, identity: str) -> tuple[LedgerRow, ...]:
        """Every act on an entry, oldest first."""
        return tuple(self.platform.entries.ledger_of(self.record(identity).id))

    def reviews(self, identity: str) -> tuple[OpeningReview, ...]:
        """The reviews before opening of an entry's items, the oldest first."""
        return self._reviews(self.record(identity).id)

    def changes(self, identity: str, number: int | None = None) -> tuple[Change, ...]:
        """What a version (the newest) changed in the one before it; all of it is new in the first."""
        record = self.record(identity)
        wanted = record.current.number if number is None else number
        version = next((each for each in record.versions if each.number == wanted), None)
        if version is None:
            raise CodedError(UNKNOWN_RESOURCE, f"{record.id} has no version {wanted}.")
        earlier = [each for each in record.versions if each.number < wanted]
        return changes_between(earlier[-1].entry, version.entry) if earlier else ()

    # Within

    def _reviews(self, entry: str) -> tuple[OpeningReview, ...]:
        return tuple(opening_reviews.kept(self.platform.entries.ledger_of(entry)))

    def _step(
        self, identity: str, action: str, actor: Actor, take: Callable[[EntryRecord], EntryRecord]
    ) -> EntryRecord:
        with self.platform.database.transaction():
            return self._keep(take(self.record(identity)), action, actor)

    def _together(
        self,
        ids: Iterable[str],
        action: str,
        acting: Acting,
        take: Callable[[EntryRecord, Actor, Surroundings], EntryRecord],
        beside: Iterable[CatalogueEntry],
        told: Callable[[EntryRecord], dict[str, object] | None] = lambda record: None,
    ) -> tuple[EntryRecord, ...]:
        problems: list[CatalogueProblem] = []
        with self.platform.database.transaction():
            batch = [self.record(identity) for identity in dict.fromkeys(ids)]
            around = self._surroundings([*beside, *(record.current.entry for record in batch)])
            moved = []
            for record in batch:
                problems += _clashes(record.current.entry, around)
                actor = _actor(acting, record.current.entry)
                try:
                    moved.append((take(record, actor, around), actor, told(record)))
                except CatalogueInvalid as invalid:
                    problems += invalid.problems
            if problems:
                raise CatalogueInvalid(problems)
            return tuple(self._keep(record, action, actor, facts) for record, actor, facts in moved)

    def _keep(
        self, record: EntryRecord, action: str, actor: Actor, told: dict[str, object] | None = None
    ) -> EntryRecord:
        self.platform.entries.save(record, action, actor, self.now, told)
        return record

    def _surroundings(self, together: Iterable[CatalogueEntry]) -> Surroundings:
        """What will be in force when these are; where two claim a code, the one in force is found under it."""
        new = {entry.id: replace(entry, state=EntryState.RELEASED) for entry in together}
        kept = [entry for name, entry in self._followed().items() if name not in new]
        classes = {**national_classes(), **self.register.classes}
        return surroundings([*new.values(), *kept], classes, self.register.providers, self.today)

    def _followed(self) -> dict[str, CatalogueEntry]:
        # The database first, as in every step: whoever held the lock and waited for it would wait for ever.
        with self.platform.database.reading(), self._lock:
            news = self._reader.look()
            if news is not None:
                self._in_force = {entry.id: entry for entry in news.entries}
            return self._in_force

    def _known(self) -> dict[str, CatalogueEntry]:
        """Every entry that claims codes here, by id: in force if it is, else as it stands."""
        with self.platform.database.reading() as connection:
            rows = connection.execute("SELECT content FROM held").fetchall()
        held = (entry_from_json(content) for (content,) in rows)
        # What is released is followed, and need not be read again.
        others = self.platform.entries.newest(*(state for state in EntryState if state is not EntryState.RELEASED))
        standing = {entry.id: entry for entry in (*held, *others)}
        return {**standing, **self._followed()}


def _actor(acting: Acting, entry: CatalogueEntry) -> Actor:
    return acting if isinstance(acting, Actor) else acting(entry)


def _says_the_same(newest: CatalogueEntry, written: CatalogueEntry) -> bool:
    stands = newest.state is not EntryState.WITHDRAWN
    return stands and content_digest(replace(written, version=newest.version)) == content_digest(newest)


def _clashes(entry: CatalogueEntry, around: Surroundings) -> Iterable[CatalogueProblem]:
    for place, code in enumerate(entry.codes):
        other = around.entries[code]
        if other.id != entry.id:
            message = f"{other.id} of {other.provider.name} has the same code."
            remedy = "Give one of the two another; entries are never merged because their codes match."
            path = f"codes[{place}]"
            yield CatalogueProblem("V14", message, remedy, Place("registry"), entry.id, path, str(code))
