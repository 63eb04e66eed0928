"""A doubted value is served with a flag until its provider has checked it, and whoever had it is told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from policies.doubts import Doubt, DoubtReport, DoubtState, answer, close, raise_doubt, reopen, route, to_be_told
from policies.errors import CodedError
from policies.grants import Rules
from policies.ledger import Outcome, ReadFacts, RecordKind, next_record
from policies.matters import Party

RULES = Rules(profile=profile_in_force("order-320", date(2026, 9, 18)), calendar=WorkingCalendar.default())
RAISER, PROVIDER, DESK = Party("user:li", "welfare"), Party("user:wang", "police"), Party("user:zhao", "city")
FRIDAY = datetime(2026, 9, 18, 2, tzinfo=UTC)
REPORT = DoubtReport(
    resource="30700503/1", item="30700503/1.address", record="hash-of-li", request_id="r-1",
    what_is_wrong="moved last year", evidence="household register, page 3",
)  # fmt: skip


def in_check() -> Doubt:
    return route(raise_doubt("D-1", REPORT, RAISER, FRIDAY), "police", DESK, RULES, FRIDAY)


def refused(step: Any, *arguments: Any) -> str:
    with pytest.raises(CodedError) as caught:
        step(*arguments)
    return caught.value.message


def test_while_in_check_the_value_carries_a_flag_and_afterwards_none() -> None:
    doubt = in_check()
    flag = doubt.flag()
    assert flag is not None
    assert flag["since"] == "2026-09-18T02:00:00Z"
    assert "nobody may be sent away" in flag["notice"]
    assert answer(doubt, DoubtState.CONFIRMED, PROVIDER, "the register agrees", FRIDAY).flag() is None


def test_the_providers_clock_runs_over_the_holiday() -> None:
    doubt = in_check()
    assert doubt.clock is not None
    assert doubt.clock.deadline.date == date(2026, 10, 9)
    assert not doubt.late(datetime(2026, 10, 9, 15, tzinfo=UTC))
    assert doubt.late(datetime(2026, 10, 9, 16, tzinfo=UTC))


def test_a_correction_is_a_new_version_and_whoever_had_the_record_is_told() -> None:
    assert "data version" in refused(answer, in_check(), DoubtState.CORRECTED, PROVIDER, "moved", FRIDAY)
    doubt = answer(in_check(), DoubtState.CORRECTED, PROVIDER, "moved", FRIDAY, "2026-09-18.2")
    assert doubt.upheld

    def read(department: str, item: str = REPORT.item, outcome: Outcome = Outcome.GRANTED) -> Any:
        facts = ReadFacts(
            caller="app:x", outcome=outcome, policy_version="1", graph_version="1", items=(item,),
            persons=("hash-of-li",), department=department,
        )  # fmt: skip
        return next_record(None, FRIDAY - timedelta(days=1), RecordKind.READ, facts)

    records = [
        read("welfare"),
        read("tax"),
        read("health", "30700503/1.name"),
        read("housing", outcome=Outcome.REFUSED),
    ]
    assert to_be_told(doubt, records, "2026-09-01T00:00:00Z") == {"welfare", "tax"}
    assert to_be_told(doubt, records, "2026-09-18T00:00:00Z") == frozenset()


def test_what_is_not_the_providers_is_routed_on_and_not_back() -> None:
    doubt = answer(in_check(), DoubtState.NOT_OURS, PROVIDER, "civil affairs keeps it", FRIDAY)
    assert "not theirs" in refused(route, doubt, "police", DESK, RULES, FRIDAY)
    assert route(doubt, "civil-affairs", DESK, RULES, FRIDAY).state is DoubtState.IN_CHECK


def test_an_answer_is_accepted_or_reopened_once() -> None:
    doubt = answer(in_check(), DoubtState.CONFIRMED, PROVIDER, "the register agrees", FRIDAY)
    assert close(doubt, RAISER, FRIDAY).state is DoubtState.CLOSED
    again = reopen(doubt, RAISER, "the register is older than the move", RULES, FRIDAY)
    again = answer(again, DoubtState.CONFIRMED, PROVIDER, "checked on site", FRIDAY)
    assert "once already" in refused(reopen, again, RAISER, "still", RULES, FRIDAY)


def test_only_the_provider_answers_and_only_the_raiser_closes() -> None:
    assert "police's" in refused(answer, in_check(), DoubtState.CONFIRMED, RAISER, "x", FRIDAY)
    doubt = answer(in_check(), DoubtState.CONFIRMED, PROVIDER, "x", FRIDAY)
    assert "raised by welfare" in refused(close, doubt, PROVIDER, FRIDAY)
    assert "one cannot close" in refused(close, in_check(), RAISER, FRIDAY)
    assert "no answer" in refused(answer, in_check(), DoubtState.CLOSED, PROVIDER, "x", FRIDAY)


def test_a_doubt_says_what_and_why_and_a_citizens_comes_through_a_department() -> None:
    import msgspec

    message = refused(raise_doubt, "D-1", msgspec.structs.replace(REPORT, evidence="", request_id=" "), RAISER, FRIDAY)
    assert "evidence" in message
    assert "request_id" in message
    assert "department" in refused(raise_doubt, "D-1", REPORT, Party("user:citizen", "-"), FRIDAY)
