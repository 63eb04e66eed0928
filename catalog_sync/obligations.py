"""What a department owes its catalogue and by when: the clocks C1 and C2 of versions on their way (R13, R14)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from catalog_sync.closed_lists import EntryState
from catalog_sync.ports import CatalogueStore
from catalog_sync.registry import EntryRecord, EntryVersion
from catalog_sync.rule_profiles import RunningClock, profile_in_force
from catalog_sync.working_days import WorkingCalendar

_NOT_YET_IN = (EntryState.DRAFT, EntryState.RETURNED)


@dataclass(frozen=True, slots=True)
class Obligation:
    """A version that has to be handed in, and the clock that its event started."""

    version: EntryVersion
    clock: RunningClock

    def overdue(self, today: date) -> bool:
        """Whether the clock has run out."""
        return self.clock.deadline.passed(today)

    def working_days_left(self, today: date, calendar: WorkingCalendar) -> int:
        """Working days until the deadline, for reminders; 0 when it is today or past."""
        return calendar.count(today, self.clock.deadline.date)


def obligations(records: Iterable[EntryRecord], instrument: str, calendar: WorkingCalendar) -> Iterator[Obligation]:
    """The newest versions that are still a draft or were returned, each with its deadline.

    The clock is that of the profile in force on the day of the event, and stays so (R66).
    """
    for record in records:
        version = record.current
        if version.state in _NOT_YET_IN:
            profile = profile_in_force(instrument, version.trigger.day)
            yield Obligation(version, profile.start(version.trigger.kind.clock, version.trigger.day, calendar))


def overdue(store: CatalogueStore, instrument: str, calendar: WorkingCalendar, today: date) -> tuple[Obligation, ...]:
    """The overdue list, the longest overdue first."""
    records = (record for entry in store.newest() if (record := store.record(entry.id)) is not None)
    late = [each for each in obligations(records, instrument, calendar) if each.overdue(today)]
    return tuple(sorted(late, key=lambda each: each.clock.deadline.date))
