from datetime import date

import pytest

from catalog_sync.errors import CodedError
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.rule_profiles import ORDER_320, national_profiles, profile_in_force, read_profiles
from catalog_sync.working_days import WorkingCalendar

CALENDAR = WorkingCalendar.default()

AMENDED = """\
- id: order-320
  instrument: 令第320号
  effective: 2018-05-05
  clocks: {C1: {name: update, working_days: 15, starts: change, basis: article 9, source: read}}
- id: order-320-2026
  instrument: 令第320号（修订）
  effective: 2026-03-01
  clocks: {C1: {name: update, working_days: 5, starts: change, basis: article 9, source: local}}
"""


def test_article_9_and_10_give_fifteen_and_ten_working_days() -> None:
    profile = profile_in_force(ORDER_320, date(2026, 11, 23))
    event = date(2026, 9, 18)
    assert profile.start("C1", event, CALENDAR).deadline.date == date(2026, 10, 15)
    assert profile.start("C2", event, CALENDAR).deadline.date == date(2026, 10, 9)


def test_decree_809_shortens_the_update_and_knows_clocks_of_its_own() -> None:
    profile = profile_in_force("decree-809", date(2026, 11, 23))
    assert profile.clock("C1").working_days == 10
    assert profile.clock("C12").working_days == 1
    with pytest.raises(CodedError, match="has no clock C12"):
        profile_in_force(ORDER_320, date(2026, 11, 23)).clock("C12")


def test_an_instrument_not_yet_in_effect_sets_no_clock() -> None:
    with pytest.raises(CodedError, match="in effect on 2025-07-31"):
        profile_in_force("decree-809", date(2025, 7, 31))


def test_a_running_clock_keeps_the_profile_it_started_under() -> None:
    profiles = read_profiles(AMENDED, "own.yaml")
    before = profile_in_force(ORDER_320, date(2026, 2, 27), profiles).start("C1", date(2026, 2, 27), CALENDAR)
    after = profile_in_force(ORDER_320, date(2026, 3, 2), profiles).start("C1", date(2026, 3, 2), CALENDAR)
    assert (before.profile, after.profile) == ("order-320", "order-320-2026")
    assert before.deadline.date > after.deadline.date


def test_an_extension_is_counted_from_the_same_event() -> None:
    profile = profile_in_force(ORDER_320, date(2026, 11, 23))
    event = date(2026, 3, 2)
    assert profile.start("C6", event, CALENDAR, extended=True).deadline == CALENDAR.due(event, 40)


def test_every_shipped_clock_says_how_far_it_is_founded() -> None:
    assert {clock.source for profile in national_profiles() for clock in profile.clocks.values()} == {
        "read", "recalled", "local",
    }  # fmt: skip


def test_a_profile_with_mistakes_is_refused_with_all_of_them() -> None:
    text = AMENDED.replace("working_days: 15", "working_days: 0").replace("source: local", "source: guessed")
    with pytest.raises(CatalogueInvalid, match="2 problems"):
        read_profiles(text, "own.yaml")
