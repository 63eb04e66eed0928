"""How fast each caller may send, counted for all workers together.

The generic cell rate algorithm needs one number for each caller: the moment at which its bucket will have emptied.
These lie in memory that the workers share from before they fork, so the kernel may share out connections as it likes.
There is no lock that a dying worker could hold: two workers that count the same caller in the same microsecond may let
one request too many pass, and no more than that. Callers have a place by their name's secret hash; where all places
of a hash are taken, the bucket that empties first is forgotten, so made-up names cost no memory.
"""

import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

from gateway.errors import CodedError
from gateway.server.errors import RATE_LIMITED
from gateway.settings import LimitSettings
from policies.wording import TEXTS

_WAYS = 8


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` requests a second, ``burst`` of them at once. ``name`` is what headers call it."""

    name: str
    per_second: float
    burst: int

    @property
    def policy(self) -> bytes:
        """As ``RateLimit-Policy`` writes it: a quota and the seconds in which a whole one comes back."""
        return b'"%b";q=%d;w=%d' % (self.name.encode(), self.burst, ceil(self.burst / self.per_second))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller: so many requests now, all of ``rate`` again in ``full_in`` seconds; 0 ``wait``: passed.

    ``headers`` are those of draft-ietf-httpapi-ratelimit-headers-10.
    """

    rate: Rate
    wait: float
    remaining: int
    full_in: float

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """``RateLimit-Policy`` and ``RateLimit``."""
        resets = ceil(self.wait or self.full_in)
        left = b'"%b";r=%d;t=%d' % (self.rate.name.encode(), self.remaining, resets)
        return [(b"ratelimit-policy", self.rate.policy), (b"ratelimit", left)]


class RateLimitedError(CodedError):
    """RATE_LIMITED, with what the headers tell."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(RATE_LIMITED, TEXTS["RATE_LIMITED"], {"retryAfter": max(1, ceil(allowance.wait))})
        self.allowance = allowance


class SharedBuckets:
    """The buckets of all callers, in memory that processes forked from this one share; ``places`` callers at most."""

    def __init__(self, places: int = 131_072, clock: Callable[[], float] = time.monotonic) -> None:
        self._sets = max(1, places // _WAYS)
        places = self._sets * _WAYS
        memory = memoryview(mmap.mmap(-1, 16 * places))
        self._tags = memory[: 8 * places].cast("q")
        self._empty_at = memory[8 * places :].cast("d")
        self._clock = clock

    def take(self, caller: str, rate: Rate, amount: int = 1) -> Allowance:
        """Counts ``amount`` requests of ``caller``. What must wait counts as not sent."""
        now = self._clock()
        interval = 1.0 / rate.per_second
        tag = hash((rate.name, caller)) or 1
        place = self._place(tag)
        empty_at = max(self._empty_at[place], now) if self._tags[place] == tag else now
        amount = min(amount, rate.burst)
        # A thousandth of an interval forgives what floating point loses.
        wait = empty_at - now - interval * (rate.burst - amount)
        if wait > interval * 0.001:
            left = int((interval * rate.burst - (empty_at - now)) / interval)
            return Allowance(rate, wait, max(left, 0), empty_at - now)
        empty_at += interval * amount
        self._tags[place] = tag
        self._empty_at[place] = empty_at
        left = int((interval * rate.burst - (empty_at - now)) / interval + 0.001)
        return Allowance(rate, 0.0, left, empty_at - now)

    def _place(self, tag: int) -> int:
        """Where the bucket of ``tag`` is, or else may be put: over the one of its set that empties first."""
        first = (tag % self._sets) * _WAYS
        tags, empty_at = self._tags, self._empty_at
        best = first
        for place in range(first, first + _WAYS):
            if tags[place] == tag:
                return place
            if empty_at[place] < empty_at[best]:
                best = place
        return best


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The rates of known callers, each by its name, and of everybody else, each by address; None: as fast as it can."""

    buckets: SharedBuckets
    known: Rate | None
    anonymous: Rate | None

    def count(self, who: str | None, client: tuple[str, int] | None, amount: int = 1) -> Allowance | None:
        """Counts ``amount`` requests of ``who`` (None: of nobody in particular, at the address ``client``).

        Raises RateLimitedError.
        """
        rate = self.anonymous if who is None else self.known
        if rate is None:
            return None
        allowance = self.buckets.take(network_of(client) if who is None else who, rate, amount)
        if allowance.wait:
            raise RateLimitedError(allowance)
        return allowance


def network_of(client: tuple[str, int] | None) -> str:
    """Whom an address belongs to: itself, or the /64 that one subscriber has of IPv6."""
    if client is None:
        return ""
    try:
        address = ip_address(client[0])
    except ValueError:
        return client[0]
    return f"{int(address) >> 64:x}::/64" if isinstance(address, IPv6Address) else client[0]


def rate_limits(settings: LimitSettings, buckets: SharedBuckets | None = None) -> RateLimits | None:
    """The limits that settings say; None where there are none. Without a rate of its own the public has the known's."""
    known = Rate("caller", settings.rate, settings.burst) if settings.rate else None
    anonymous = Rate("address", settings.rate, settings.burst) if settings.rate else None
    if settings.anonymous_rate:
        anonymous = Rate("address", settings.anonymous_rate, settings.anonymous_burst)
    return None if anonymous is None else RateLimits(buckets or SharedBuckets(), known, anonymous)
