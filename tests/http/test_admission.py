"""The rate of callers: steady, without windows at whose edges more passes, one for all workers, bounded in memory."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodedError
from gateway.server.rate_limits import Rate, RateLimits, SharedBuckets, network_of, rate_limits
from gateway.settings import LimitSettings


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limits_of(**limits: float) -> RateLimits:
    """The limits of settings, while time stands still."""
    made = rate_limits(LimitSettings(**limits), SharedBuckets(64, clock=Clock()))  # type: ignore[arg-type]
    assert made is not None
    return made


PAUSES = st.lists(st.floats(0, 3), min_size=1, max_size=60)


@given(PAUSES, st.integers(1, 5), st.floats(0.2, 10))
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(pauses: list[float], burst: int, rate: float) -> None:
    clock = Clock()
    buckets, bound = SharedBuckets(8, clock=clock), Rate("caller", rate, burst)
    passed = []
    for pause in pauses:
        clock.now += pause
        if not buckets.take("a", bound).wait:
            passed.append(clock.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 0.01


@given(PAUSES, st.integers(1, 5), st.floats(0.2, 10))
def test_who_waits_as_long_as_told_passes(pauses: list[float], burst: int, rate: float) -> None:
    clock = Clock()
    buckets, bound = SharedBuckets(8, clock=clock), Rate("caller", rate, burst)
    for pause in pauses:
        clock.now += pause
        wait = buckets.take("a", bound).wait
        if wait > 0:
            clock.now += wait
            assert buckets.take("a", bound).wait == 0


@given(PAUSES, st.integers(1, 5), st.floats(0.2, 10))
def test_as_many_pass_at_once_as_are_said_to_be_left(pauses: list[float], burst: int, rate: float) -> None:
    clock = Clock()
    buckets, bound = SharedBuckets(8, clock=clock), Rate("caller", rate, burst)
    for pause in pauses:
        clock.now += pause
        left = buckets.take("a", bound).remaining
        assert [buckets.take("a", bound).wait == 0 for _ in range(left + 1)] == [True] * left + [False]


def test_callers_do_not_slow_one_another_and_made_up_names_cost_no_memory() -> None:
    clock = Clock()
    buckets, bound = SharedBuckets(8, clock=clock), Rate("caller", 1, 1)
    names = [f"caller {number}" for number in range(8)]
    assert [buckets.take(name, bound).wait for name in names] == [0] * 8
    assert [buckets.take(name, bound).wait for name in names] == [1] * 8
    assert [buckets.take(f"made up {number}", bound).wait for number in range(1_000)] == [0] * 1_000


def test_workers_count_together_and_so_do_their_successors() -> None:
    buckets, bound = SharedBuckets(64), Rate("caller", 0.001, 5)
    passed = 0
    for _ in range(3):
        worker = os.fork()
        if worker == 0:
            os._exit(sum(not buckets.take("a", bound).wait for _ in range(3)))
        passed += os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    assert passed == 5
    assert buckets.take("a", bound).wait > 0


def test_a_known_caller_has_one_bucket_and_everybody_else_one_for_each_address() -> None:
    limits = limits_of(rate=1, burst=1)
    callers = [("app:a", ("10.0.0.1", 1)), ("app:b", ("10.0.0.1", 1)), (None, ("10.0.0.1", 1)), (None, ("10.0.0.2", 1)),
               (None, None)]  # fmt: skip
    for who, client in callers:
        limits.count(who, client)
    for who, client in [*callers, ("app:a", ("10.0.0.9", 1))]:
        with pytest.raises(CodedError) as caught:
            limits.count(who, client)
        assert caught.value.details == {"retryAfter": 1}


def test_a_caller_called_like_an_address_has_not_its_bucket() -> None:
    limits = limits_of(rate=1, burst=1)
    left = [limits.count(None, ("10.0.0.1", 1)), limits.count("10.0.0.1", None)]
    assert [allowance and allowance.remaining for allowance in left] == [0, 0]


def test_one_subscribers_addresses_of_ipv6_are_one() -> None:
    one, same, other = ((f"2001:db8:0:{net}::{host}", 1) for net, host in ((1, 1), (1, "ffff"), (2, 1)))
    assert network_of(one) == network_of(same) != network_of(other)
    assert network_of(("10.0.0.1", 1)) != network_of(("10.0.0.2", 1))


def test_without_a_rate_for_either_nothing_is_limited() -> None:
    assert rate_limits(LimitSettings()) is None
    public = rate_limits(LimitSettings(anonymous_rate=1))
    assert public is not None
    assert public.count("app:a", None) is None
