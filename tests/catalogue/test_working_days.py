from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.working_days import Pause, WorkingCalendar

CALENDAR = WorkingCalendar.default()
DAYS = st.dates(date(2004, 1, 1), date(2025, 6, 30))

# What the municipal regulation's authors counted by hand with the State Council's notices: event, +5, +10, +15, +20.
VECTORS = """
2026-02-13  2026-02-27  2026-03-05  2026-03-12  2026-03-19
2026-09-18  2026-09-24  2026-10-09  2026-10-15  2026-10-22
2026-04-03  2026-04-13  2026-04-20  2026-04-27  2026-05-07
2025-09-26  2025-10-10  2025-10-16  2025-10-23  2025-10-30
2025-01-24  2025-02-07  2025-02-13  2025-02-20  2025-02-27
2024-09-30  2024-10-12  2024-10-18  2024-10-25  2024-11-01
"""


@pytest.mark.parametrize("line", VECTORS.split("\n")[1:-1])
def test_deadlines_fall_where_the_published_calendar_puts_them(line: str) -> None:
    event, *expected = map(date.fromisoformat, line.split())
    found = [CALENDAR.due(event, days) for days in (5, 10, 15, 20)]
    assert [deadline.date for deadline in found] == expected
    assert not any(deadline.provisional for deadline in found)


@given(st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_a_published_day_is_worked_if_the_calendar_s_library_says_so(day: date) -> None:
    assert CALENDAR.is_working_day(day) == chinese_calendar.is_workday(day)


def test_a_deadline_beyond_the_published_calendar_is_provisional_and_says_which_calendar() -> None:
    event = date(2026, 12, 18)
    near, far = CALENDAR.due(event, 5), CALENDAR.due(event, 10)
    assert (near.date, near.provisional) == (date(2026, 12, 25), False)
    assert far.provisional
    assert far.calendar_version.startswith("chinesecalendar ")


def test_a_new_notice_settles_a_provisional_deadline() -> None:
    provisional = CALENDAR.due(date(2026, 12, 18), 10)
    notice = CALENDAR.with_notice(2027, [date(2027, 1, 1)], [date(2027, 1, 3)], "notice for 2027 (made up)")
    settled = notice.again(provisional)
    assert (settled.date, settled.provisional) == (date(2027, 1, 3), False)
    assert "notice for 2027" in settled.calendar_version


def test_a_notice_that_skips_a_year_or_strays_is_refused() -> None:
    for year, holidays, worked in (
        (2028, [], []),
        (2027, [date(2026, 1, 1)], []),
        (2027, [], [date(2027, 1, 4)]),
        (2027, [date(2027, 1, 3)], [date(2027, 1, 3)]),
    ):
        with pytest.raises(ValueError, match=r"notice|lie|exchange"):
            CALENDAR.with_notice(year, holidays, worked, "wrong")


def test_the_deadline_day_itself_is_in_time() -> None:
    deadline = CALENDAR.due(date(2026, 9, 18), 10)
    assert not deadline.passed(date(2026, 10, 9))
    assert deadline.passed(date(2026, 10, 10))


def test_a_clock_that_stands_still_is_prolonged_by_the_working_days_of_its_pause() -> None:
    event = date(2026, 3, 2)
    pause = Pause(date(2026, 3, 9), date(2026, 3, 13))
    assert CALENDAR.due(event, 10, [pause]).date == CALENDAR.due(event, 15).date


def test_a_clock_still_standing_has_no_deadline() -> None:
    with pytest.raises(ValueError, match="stands still"):
        CALENDAR.due(date(2026, 3, 2), 10, [Pause(date(2026, 3, 9))])


@pytest.mark.parametrize("days", [0, -1, 2001])
def test_a_clock_of_no_sensible_length_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        CALENDAR.due(date(2026, 3, 2), days)


@given(DAYS, st.integers(1, 60), st.integers(1, 60))
def test_clocks_add_up(event: date, first: int, second: int) -> None:
    halfway = CALENDAR.due(event, first).date
    assert CALENDAR.due(halfway, second).date == CALENDAR.due(event, first + second).date


@given(DAYS, st.integers(1, 60))
def test_counting_undoes_the_deadline(event: date, days: int) -> None:
    due = CALENDAR.due(event, days).date
    assert CALENDAR.is_working_day(due)
    assert CALENDAR.count(event, due) == days
    assert CALENDAR.count(due, event) == 0


@given(DAYS, st.integers(1, 60))
def test_a_later_event_is_never_due_earlier(event: date, days: int) -> None:
    assert CALENDAR.due(event, days).date <= CALENDAR.due(event + timedelta(days=1), days).date
