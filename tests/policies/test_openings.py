"""A developer asks for what is open on application; clocks stand still while a third party is asked."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from policies.callers import Caller, CallerKind
from policies.errors import CodedError
from policies.grants import Rules
from policies.items import ItemTiers
from policies.lines import PolicyLine, parse_policy
from policies.matters import Party
from policies.openings import (
    OpeningApplication,
    OpeningRequest,
    OpeningState,
    accept,
    ask_correction,
    ask_third_party,
    correct,
    decide,
    end,
    extend,
    hear_third_party,
    note_passing_of_time,
    opening_lines,
    opening_rule_ids,
    submit,
)
from policies.tables import compile_lines

RULES = Rules(profile=profile_in_force("order-320", date(2026, 9, 18)), calendar=WorkingCalendar.default())
ADDRESS = "30700504/2"
ITEMS = {
    f"{ADDRESS}.fullAddress": ItemTiers(Sharing.UNCONDITIONAL, Opening.ON_APPLICATION),
    f"{ADDRESS}.longitude": ItemTiers(Sharing.UNCONDITIONAL, Opening.ON_APPLICATION, "grid_100m"),
    f"{ADDRESS}.note": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN),
}
PROVIDER = Party("user:sun", "planning")
FRIDAY = datetime(2026, 9, 18, 2, tzinfo=UTC)
REQUEST = OpeningRequest(
    applicant="app:mapper", use="a walking map", purpose="journey-planning", terms_accepted=True,
    items=(f"{ADDRESS}.fullAddress", f"{ADDRESS}.longitude"), begins=date(2026, 10, 12), ends=date(2027, 10, 11),
)  # fmt: skip


def submitted() -> OpeningApplication:
    return submit("2026-0007", REQUEST, "planning", ITEMS, RULES, FRIDAY)


def refused(step: Any, *arguments: Any) -> str:
    with pytest.raises(CodedError) as caught:
        step(*arguments)
    return caught.value.message


def test_a_grant_gives_masked_what_has_a_mask_and_names_the_application() -> None:
    application = decide(accept(submitted(), PROVIDER, FRIDAY), REQUEST.items, None, PROVIDER, FRIDAY)
    policy = parse_policy("g3, internet, z:any\n")
    lines = (*policy, *(PolicyLine(place, tokens) for place, tokens in enumerate(opening_lines(application, ITEMS), 2)))
    tables = compile_lines("test", lines, ITEMS)
    mapper = Caller(CallerKind.PUBLIC, "app:mapper", zone="internet", purpose="journey-planning")
    view = tables.view(mapper, datetime(2026, 11, 22, tzinfo=UTC))
    ground = view.entitle(ADDRESS, frozenset((item, "read") for item in REQUEST.items))  # type: ignore[misc]
    assert (ground.grant, ground.masks) == ("A-2026-0007", {f"{ADDRESS}.longitude": "grid_100m"})  # type: ignore[union-attr]
    assert view.listed(f"{ADDRESS}.fullAddress")
    assert not view.listed(f"{ADDRESS}.note")


def test_twenty_working_days_over_the_holiday_and_twenty_more_once() -> None:
    application = submitted()
    assert application.clock.deadline.date == date(2026, 10, 22)
    longer = extend(application, PROVIDER, "many addresses", RULES, FRIDAY)
    assert longer.clock.deadline.date == RULES.calendar.due(FRIDAY.date(), 40).date
    assert "already" in refused(extend, longer, PROVIDER, "again", RULES, FRIDAY)


def test_the_clock_stands_still_while_a_third_party_is_asked() -> None:
    asked = ask_third_party(accept(submitted(), PROVIDER, FRIDAY), PROVIDER, "the firm named", RULES, FRIDAY)
    assert "may answer until" in refused(hear_third_party, asked, PROVIDER, None, RULES, FRIDAY + timedelta(days=4))
    thursday = datetime(2026, 9, 24, 2, tzinfo=UTC)
    heard = hear_third_party(asked, PROVIDER, "no objection", RULES, thursday)
    stood_still = RULES.calendar.count(FRIDAY.date(), thursday.date())
    assert stood_still == 5, "a weekend worked in exchange is among them"
    assert heard.clock.deadline.date == RULES.calendar.due(FRIDAY.date(), 20 + stood_still).date
    assert note_passing_of_time(asked, FRIDAY + timedelta(days=90)) is asked, "it is not overdue while it waits"


def test_a_third_party_that_says_nothing_leaves_the_decision_to_the_agency() -> None:
    asked = ask_third_party(submitted(), PROVIDER, "the firm named", RULES, FRIDAY)
    assert asked.opinion_clock is not None
    assert asked.opinion_clock.deadline.date == date(2026, 10, 15)
    after = datetime(2026, 10, 16, 2, tzinfo=UTC)
    assert hear_third_party(asked, PROVIDER, None, RULES, after).steps[-1].note == "no answer in time"


def test_corrections_are_asked_for_once_and_in_time_and_the_clock_starts_anew() -> None:
    late = datetime(2026, 9, 30, 2, tzinfo=UTC)
    assert "had to be asked for" in refused(ask_correction, submitted(), PROVIDER, "state the use", RULES, late)
    asked = ask_correction(submitted(), PROVIDER, "state the use", RULES, FRIDAY)
    monday = datetime(2026, 9, 21, 2, tzinfo=UTC)
    corrected = correct(asked, REQUEST, ITEMS, RULES, monday)
    assert corrected.clock.deadline == RULES.calendar.due(monday.date(), 20)
    assert "once already" in refused(ask_correction, corrected, PROVIDER, "again", RULES, monday)


def test_silence_opens_nothing() -> None:
    overdue = note_passing_of_time(submitted(), datetime(2026, 10, 23, 2, tzinfo=UTC))
    assert overdue.state is OpeningState.OVERDUE
    assert opening_lines(overdue, ITEMS) == ()


def test_a_part_is_granted_with_a_reason_for_the_rest() -> None:
    part = (f"{ADDRESS}.fullAddress",)
    assert "needs a reason" in refused(decide, submitted(), part, None, PROVIDER, FRIDAY)
    assert decide(submitted(), part, "coordinates are sensitive", PROVIDER, FRIDAY).granted == part
    assert decide(submitted(), (), "sensitive", PROVIDER, FRIDAY).state is OpeningState.REFUSED
    assert "applied for" in refused(decide, submitted(), (f"{ADDRESS}.note",), "r", PROVIDER, FRIDAY)


def test_use_against_the_terms_ends_the_grant() -> None:
    granted = decide(submitted(), REQUEST.items, None, PROVIDER, FRIDAY)
    ended = end(granted, PROVIDER, "resold", FRIDAY)
    assert opening_lines(ended, ITEMS) == ()
    assert opening_rule_ids(ended) == {"A-2026-0007", "A-2026-0007.2"}
    assert "planning's" in refused(end, granted, Party("user:x", "welfare"), "resold", FRIDAY)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"applicant": "anon"}, "verified identity"),
        ({"terms_accepted": False}, "terms"),
        ({"items": (f"{ADDRESS}.note",)}, "not open on application"),
        ({"use": ""}, "use is empty"),
        ({"ends": date(2026, 1, 1)}, "period"),
    ],
)
def test_what_an_application_lacks_is_told(changes: dict[str, Any], says: str) -> None:
    import msgspec

    wrong = msgspec.structs.replace(REQUEST, **changes)
    assert says in refused(submit, "1", wrong, "planning", ITEMS, RULES, FRIDAY)
