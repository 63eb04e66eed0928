"""The rate of callers: steady, without windows at whose edges more would pass, and bounded in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodedError
from gateway.server.admission import Admission, SteadyRate
from gateway.server.answering import ANONYMOUS, Credentials


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


PAUSES = st.lists(st.floats(0, 3), min_size=1, max_size=60)


@given(PAUSES, st.integers(1, 5), st.floats(0.2, 10))
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(pauses: list[float], burst: int, rate: float) -> None:
    clock = Clock()
    limiter = SteadyRate(rate, burst, clock=clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if limiter.wait_of("a") == 0:
            passed.append(clock.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 1e-6


@given(PAUSES, st.integers(1, 5), st.floats(0.2, 10))
def test_who_waits_as_long_as_told_passes(pauses: list[float], burst: int, rate: float) -> None:
    clock = Clock()
    limiter = SteadyRate(rate, burst, clock=clock)
    for pause in pauses:
        clock.now += pause
        wait = limiter.wait_of("a")
        if wait > 0:
            clock.now += wait + 1e-6
            assert limiter.wait_of("a") == 0


def test_callers_do_not_slow_one_another_and_made_up_names_cost_no_memory() -> None:
    clock = Clock()
    limiter = SteadyRate(1, 1, callers=10, clock=clock)
    assert limiter.wait_of("kept") == 0
    assert all(limiter.wait_of(f"made up {number}") == 0 for number in range(9))
    assert limiter.wait_of("kept") > 0
    clock.now += 2
    assert all(limiter.wait_of(f"later {number}") == 0 for number in range(1_000))
    assert len(limiter) <= 10


def test_a_caller_is_its_key_its_token_or_its_address() -> None:
    admission = Admission(rate=SteadyRate(1, 1, clock=Clock()))
    callers = [
        (Credentials(api_key="k"), ("10.0.0.1", 1)),
        (Credentials(authorization="Bearer t"), ("10.0.0.1", 1)),
        (ANONYMOUS, ("10.0.0.1", 1)),
        (ANONYMOUS, ("10.0.0.2", 1)),
        (ANONYMOUS, None),
    ]
    for credentials, client in callers:
        admission.count(credentials, client)
    for credentials, client in callers:
        with pytest.raises(CodedError) as caught:
            admission.count(credentials, client)
        assert caught.value.details == {"retryAfter": 2}
