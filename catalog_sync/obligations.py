"""What a department owes its catalogue and by when: the clocks C1 and C2 of versions on their way (R13, R14)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from catalog_sync.closed_lists import EntryState
from catalog_sync.ports import CatalogueStore
from catalog_sync.registry import EntryVersion, Trigger
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


def clock_of(trigger: Trigger, instrument: str, calendar: WorkingCalendar) -> RunningClock:
    """The clock that an event started: that of the profile in force on its day, and it stays so (R66)."""
    return profile_in_force(instrument, trigger.day).start(trigger.kind.clock, trigger.day, calendar)


def obligations(store: CatalogueStore, instrument: str, calendar: WorkingCalendar) -> Iterator[Obligation]:
    """The newest versions that are still a draft or were returned, each with its deadline."""
    for entry in store.newest(*_NOT_YET_IN):
        record = store.record(entry.id)
        if record is not None:
            yield Obligation(record.current, clock_of(record.current.trigger, instrument, calendar))


def overdue(store: CatalogueStore, instrument: str, calendar: WorkingCalendar, today: date) -> tuple[Obligation, ...]:
    """The overdue list, the longest overdue first."""
    late = [each for each in obligations(store, instrument, calendar) if each.overdue(today)]
    return tuple(sorted(late, key=lambda each: each.clock.deadline.date))
