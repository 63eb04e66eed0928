"""When the next bus comes: from documents and the clock alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import CodedError
from subgraphs.transport.timetable import CHONGQING, MAX_LATE, Call, Route, next_arrival, read_routes, write_route

ROUTE = Route(
    route_no="101", name="101路", division_code="500103", first_bus=360, last_bus=1350, headway=12,
    calls=(Call("s1", "起点站", 0), Call("s2", "中途站", 25), Call("s3", "终点站", 60)),
)  # fmt: skip
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(MOMENTS, st.sampled_from(ROUTE.calls))
def test_the_next_arrival_is_in_the_future_and_no_further_than_the_service_allows(now: datetime, call: Call) -> None:
    expected = next_arrival(ROUTE, call, now).expected_at
    assert expected > now
    night = timedelta(minutes=24 * 60 - (ROUTE.last_bus - ROUTE.first_bus))
    assert expected - now <= night + timedelta(minutes=ROUTE.headway + MAX_LATE)


@given(MOMENTS, st.sampled_from(ROUTE.calls))
def test_nothing_arrives_between_now_and_the_next_arrival(now: datetime, call: Call) -> None:
    expected = next_arrival(ROUTE, call, now).expected_at
    just_before = next_arrival(ROUTE, call, expected - timedelta(seconds=1)).expected_at
    assert just_before == expected


def test_a_bus_is_on_time_at_its_first_stop_and_time_is_told_for_chongqing() -> None:
    now = datetime(2026, 11, 22, 5, 59, tzinfo=CHONGQING)
    assert (
        next_arrival(ROUTE, ROUTE.calls[0], now.astimezone(UTC)).expected_at.isoformat() == "2026-11-22T06:00:00+08:00"
    )


def test_a_document_that_is_no_route_is_named(tmp_path: Path) -> None:
    write_route(tmp_path, ROUTE)
    assert read_routes(tmp_path) == (ROUTE,)
    (tmp_path / "102.json").write_text('{"route_no": 102}')
    with pytest.raises(CodedError, match=r"102\.json"):
        read_routes(tmp_path)
