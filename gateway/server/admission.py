"""Limits that hold before any work is done: requests at once, and requests per caller and time."""

import time
from collections.abc import Callable
from typing import Protocol

from gateway.errors import CodedError
from gateway.server.answering import ANONYMOUS, Credentials
from gateway.server.errors import OVERLOADED, RATE_LIMITED


class RateLimiter(Protocol):
    """Counts requests by caller."""

    def wait_of(self, caller: str) -> float:
        """Counts one request of ``caller``: 0 if it may pass, else the seconds until one would."""
        ...


class SteadyRate:
    """The generic cell rate algorithm in this process: ``rate`` requests a second, ``burst`` of them at once.

    Each caller is one number, the time at which its bucket will have emptied; callers whose time has passed are
    forgotten once there are more than ``callers`` of them, so that made-up names cost no memory.
    """

    def __init__(
        self, rate: float, burst: int, callers: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1.0 / rate
        self._tolerance = self._interval * (burst - 1)
        self._callers = callers
        self._clock = clock
        self._empty_at: dict[str, float] = {}

    def wait_of(self, caller: str) -> float:
        """See RateLimiter. A request that must wait counts as not sent."""
        now = self._clock()
        empty_at = max(self._empty_at.get(caller, now), now)
        if (wait := empty_at - now - self._tolerance) > 0:
            return wait
        if caller not in self._empty_at and len(self._empty_at) >= self._callers:
            self._forget(now)
        self._empty_at[caller] = empty_at + self._interval
        return 0.0

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._empty_at)

    def _forget(self, now: float) -> None:
        """Drops callers whose bucket is empty; if all are busy, the half that will be empty first."""
        self._empty_at = {caller: at for caller, at in self._empty_at.items() if at > now}
        if len(self._empty_at) >= self._callers:
            latest = sorted(self._empty_at.items(), key=lambda entry: entry[1])[self._callers // 2 :]
            self._empty_at = dict(latest)


class Admission:
    """Lets at most ``at_once`` requests in, and each caller as fast as ``rate`` says (None: as fast as it can)."""

    def __init__(self, at_once: int = 1_000, rate: RateLimiter | None = None) -> None:
        self._at_once = at_once
        self.rate = rate
        self.under_way = 0

    def enter(self, credentials: Credentials, client: tuple[str, int] | None) -> None:
        """Counts a request in; ``leave`` counts it out.

        Raises CodedError OVERLOADED or RATE_LIMITED, with ``retryAfter`` in seconds.
        """
        if self.under_way >= self._at_once:
            raise CodedError(
                OVERLOADED,
                f"{self.under_way} requests are under way, as many as the gateway takes at once.",
                {"limit": self._at_once, "retryAfter": 1},
            )
        self.count(credentials, client)
        self.under_way += 1

    def count(self, credentials: Credentials, client: tuple[str, int] | None) -> None:
        """Counts a request against its caller's rate alone. Raises CodedError RATE_LIMITED."""
        if self.rate is not None and (wait := self.rate.wait_of(_caller_key(credentials, client))) > 0:
            raise CodedError(RATE_LIMITED, "This caller sends requests too fast.", {"retryAfter": int(wait) + 1})

    def leave(self) -> None:
        """Counts a request out that ``enter`` let in."""
        self.under_way -= 1


def _caller_key(credentials: Credentials, client: tuple[str, int] | None) -> str:
    """Who is counted: the credential sent, or the address of a caller without one."""
    if credentials is not ANONYMOUS and (secret := credentials.api_key or credentials.authorization):
        return secret
    return client[0] if client else ""
