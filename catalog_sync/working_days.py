"""Working days (工作日) of Chongqing and the deadlines counted in them.

The day of an event is not counted; counting begins on the next (Civil Code, article 201). A weekend day worked in
exchange (调休上班) counts, a holiday that the State Council sets does not. Each autumn a notice fixes the coming year.
Beyond the last published year nobody knows, so a deadline that reaches there carries an estimate by weekdays and says
``provisional``; it is computed again when the notice is loaded. Dates are those of Asia/Shanghai.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version

import chinese_calendar

_DAY = timedelta(days=1)
LONGEST_COUNT = 2000
"""Working days that a deadline may be away at most, some eight years: more is a mistake in the profile."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Days on which a clock stands still, both included; ``last`` is None while it still does."""

    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the clock stands still on a day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a clock, under one version of the calendar.

    ``provisional``: some day up to it lies beyond the published calendar, so it can move. ``event`` and
    ``working_days`` are what it was computed from, so that it can be computed again.
    """

    date: datetime.date
    provisional: bool
    calendar_version: str
    event: datetime.date
    working_days: int
    pauses: tuple[Pause, ...] = ()

    def passed(self, today: datetime.date) -> bool:
        """Whether it is missed: the deadline day itself is still in time."""
        return today > self.date


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked, in years ``first_year`` to ``last_year``.

    ``holidays`` are weekdays that are not worked, ``make_up_days`` weekend days that are; ``version`` names its
    sources.
    """

    version: str
    first_year: int
    last_year: int
    holidays: frozenset[date]
    make_up_days: frozenset[date]

    @staticmethod
    def default() -> "WorkingCalendar":
        """The calendar of the State Council's notices that the package chinesecalendar carries."""
        return _published()

    def published(self, day: date) -> bool:
        """Whether the calendar knows the day."""
        return self.first_year <= day.year <= self.last_year

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked; beyond the published years, whether it is a weekday."""
        if day.weekday() < 5:
            return day not in self.holidays
        return day in self.make_up_days

    def due(self, event: date, working_days: int, pauses: Iterable[Pause] = ()) -> Deadline:
        """The deadline ``working_days`` after an event; days within ``pauses`` are not counted.

        ValueError for a count below 1 or above LONGEST_COUNT, and for a pause without an end: while the clock stands
        still there is no deadline.
        """
        if not 1 <= working_days <= LONGEST_COUNT:
            raise ValueError(f"a clock runs 1 to {LONGEST_COUNT} working days, not {working_days}")
        stopped = tuple(pauses)
        if any(pause.last is None for pause in stopped):
            raise ValueError("the clock stands still: its pause has no end yet")
        day, left = event, working_days
        while left:
            day += _DAY
            if self.is_working_day(day) and not any(pause.covers(day) for pause in stopped):
                left -= 1
        provisional = not (self.published(event) and self.published(day))
        return Deadline(day, provisional, self.version, event, working_days, stopped)

    def again(self, deadline: Deadline) -> Deadline:
        """The same deadline under this calendar: for provisional ones after a notice was loaded."""
        return self.due(deadline.event, deadline.working_days, deadline.pauses)

    def count(self, event: date, until: date) -> int:
        """Working days after ``event`` up to and including ``until``; 0 if that is not later."""
        days = (until - event).days
        return sum(self.is_working_day(event + timedelta(days=offset)) for offset in range(1, days + 1))

    def with_notice(
        self, year: int, holidays: Iterable[date], make_up_days: Iterable[date], document: str
    ) -> "WorkingCalendar":
        """The calendar with one more year, from the State Council's notice ``document``.

        ``holidays`` are all days off the notice names, ``make_up_days`` the weekend days worked in exchange. ValueError
        if the year does not follow the last one, or a day lies outside it or is no weekend day.
        """
        off, worked = frozenset(holidays), frozenset(make_up_days)
        if year != self.last_year + 1:
            raise ValueError(f"the calendar ends with {self.last_year}, so the next notice is for {self.last_year + 1}")
        for day in off | worked:
            if day.year != year:
                raise ValueError(f"{day} does not lie in {year}")
        for day in worked:
            if day.weekday() < 5 or day in off:
                raise ValueError(f"{day} is no weekend day worked in exchange")
        return replace(
            self,
            version=f"{self.version} + {document}",
            last_year=year,
            holidays=self.holidays | {day for day in off if day.weekday() < 5},
            make_up_days=self.make_up_days | worked,
        )


@lru_cache(maxsize=1)
def _published() -> WorkingCalendar:
    off, worked = frozenset(chinese_calendar.holidays), frozenset(chinese_calendar.workdays)
    first, last = min(off).year, max(off).year
    source = f"chinesecalendar {version('chinesecalendar')} ({first}-{last})"
    holidays = frozenset(day for day in off - worked if day.weekday() < 5)
    make_up_days = frozenset(day for day in worked if day.weekday() >= 5)
    return WorkingCalendar(source, first, last, holidays, make_up_days)
