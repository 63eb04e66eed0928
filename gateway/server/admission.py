"""Limits that hold before any work is done: requests at once, streams at once, and requests per caller and time."""

from collections import Counter

from gateway.errors import CodedError
from gateway.server.answering import Answering, Credentials
from gateway.server.errors import OVERLOADED, TOO_MANY_STREAMS
from gateway.server.rate_limits import Allowance, RateLimits, network_of

Client = tuple[str, int] | None


class Admission:
    """Lets at most ``at_once`` requests in; with ``rates``, each caller as fast as those say."""

    def __init__(self, at_once: int = 1_000, rates: RateLimits | None = None) -> None:
        self._at_once = at_once
        self.rates = rates
        self.under_way = 0

    def enter(self) -> None:
        """Counts a request in; ``leave`` counts it out. Raises CodedError OVERLOADED."""
        if self.under_way >= self._at_once:
            raise CodedError(
                OVERLOADED,
                f"{self.under_way} requests are under way, as many as the gateway takes at once.",
                {"limit": self._at_once, "retryAfter": 1},
            )
        self.under_way += 1

    def leave(self) -> None:
        """Counts a request out that ``enter`` let in."""
        self.under_way -= 1

    async def identify(self, answering: Answering, credentials: Credentials, client: Client) -> str | None:
        """Whom requests with these credentials count against; None: against the address.

        Whose credentials are refused counts against the address too, so that guessing is no faster than asking.
        Raises CodedError as ``Answering.admit``, or RATE_LIMITED.
        """
        try:
            return await answering.admit(credentials)
        except CodedError:
            self.count(None, client)
            raise

    def count(self, who: str | None, client: Client, amount: int = 1) -> Allowance | None:
        """Counts requests of a caller; what is left to it, None where nothing limits it. Raises RateLimitedError."""
        return None if self.rates is None else self.rates.count(who, client, amount)


class OpenStreams:
    """Lets at most ``at_once`` streams be open, and ``of_one`` of them for one caller."""

    def __init__(self, at_once: int, of_one: int) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._open: Counter[str] = Counter()

    def enter(self, who: str | None, client: Client) -> str:
        """Counts a stream in; gives what ``leave`` is told. Raises CodedError OVERLOADED or TOO_MANY_STREAMS."""
        whose = network_of(client) if who is None else who
        if self._open.total() >= self._at_once:
            raise CodedError(
                OVERLOADED,
                f"{self._at_once} streams are open, as many as the gateway keeps at once.",
                {"limit": self._at_once, "retryAfter": 5},
            )
        if self._open[whose] >= self._of_one:
            raise CodedError(
                TOO_MANY_STREAMS,
                f"This caller has {self._of_one} streams open, as many as one may have.",
                {"limit": self._of_one, "retryAfter": 5},
            )
        self._open[whose] += 1
        return whose

    def leave(self, whose: str) -> None:
        """Counts out a stream that ``enter`` let in."""
        self._open[whose] -= 1
        if not self._open[whose]:
            del self._open[whose]
