"""Counting what a worker does: requests by outcome, requests to subgraphs, and how long both took.

A count is an entry of a dictionary and a duration one of a short list, so that counting a request costs about a
microsecond. Workers share nothing while they count: each writes its counts to a file of its own now and then, and who
is asked for all of them adds the files up. The file of a worker that died stays, for counts never go down.
"""

import asyncio
import os
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path

import msgspec

from gateway.errors import CodedError, RequestError
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport import Headers, RoutedTransport
from gateway.server.answering import Answer, Answering, Credentials, EncodableResult, GraphQLRequest

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the classes into which durations are counted, in seconds; one more class has none."""

ANSWERED, PARTLY, INTERNAL = "ok", "errors", "INTERNAL"
FLUSH_SECONDS = 1.0


class Durations(msgspec.Struct):
    """How many took how long: counts by class of BOUNDS, and all seconds together."""

    classes: list[int]
    seconds: float = 0.0

    @staticmethod
    def none() -> "Durations":
        """Nothing counted yet."""
        return Durations([0] * (len(BOUNDS) + 1))

    def count(self, seconds: float) -> None:
        """Counts one."""
        self.classes[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Counts(msgspec.Struct):
    """What was counted: requests by outcome; requests to subgraphs by name and outcome; durations of both; builds."""

    requests: dict[str, int] = {}
    request_durations: Durations = msgspec.field(default_factory=Durations.none)
    fetches: dict[str, dict[str, int]] = {}
    fetch_durations: dict[str, Durations] = {}
    builds: dict[str, int] = {}

    def request(self, outcome: str, seconds: float) -> None:
        """Counts a request."""
        requests = self.requests
        requests[outcome] = requests.get(outcome, 0) + 1
        self.request_durations.count(seconds)

    def fetch(self, subgraph: str, outcome: str, seconds: float) -> None:
        """Counts a request to a subgraph."""
        outcomes = self.fetches.get(subgraph)
        if outcomes is None:
            outcomes = self.fetches[subgraph] = {}
            self.fetch_durations[subgraph] = Durations.none()
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        durations = self.fetch_durations[subgraph]
        durations.classes[bisect_left(BOUNDS, seconds)] += 1
        durations.seconds += seconds


def added_up(counted: Iterable[Counts]) -> Counts:
    """The counts of several workers together."""
    total = Counts()
    for each in counted:
        _add(total.requests, each.requests)
        _add(total.builds, each.builds)
        _add_durations(total.request_durations, each.request_durations)
        for subgraph, outcomes in each.fetches.items():
            _add(total.fetches.setdefault(subgraph, {}), outcomes)
        for subgraph, durations in each.fetch_durations.items():
            _add_durations(total.fetch_durations.setdefault(subgraph, Durations.none()), durations)
    return total


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def _add_durations(total: Durations, more: Durations) -> None:
    total.classes = [one + other for one, other in zip(total.classes, more.classes, strict=True)]
    total.seconds += more.seconds


class SharedCounts:
    """One worker's counts, and those of all workers that keep theirs in the same folder."""

    def __init__(self, own: Counts, folder: Path) -> None:
        self.own = own
        self._folder = folder
        self._file = folder / f"{os.getpid()}-{time.monotonic_ns()}"

    def flush(self) -> None:
        """Writes the worker's own counts, whole or not at all."""
        partly = self._file.with_suffix(".new")
        partly.write_bytes(msgspec.msgpack.encode(self.own))
        partly.replace(self._file)

    async def keep_flushed(self) -> None:
        """Flushes every second, for ever; cancel to stop."""
        while True:
            await asyncio.to_thread(self.flush)
            await asyncio.sleep(FLUSH_SECONDS)

    def all(self) -> Counts:
        """The counts of all workers, this one's up to date."""
        self.flush()
        files = (file for file in self._folder.iterdir() if file.suffix != ".new")
        return added_up(msgspec.msgpack.decode(file.read_bytes(), type=Counts) for file in files)


class MeasuredGateway(Answering):
    """Another gateway's answers, counted."""

    def __init__(self, inner: Answering, counts: Counts) -> None:
        self._inner = inner
        self._counts = counts

    async def admit(self, credentials: Credentials) -> str | None:
        """See Answering."""
        return await self._inner.admit(credentials)

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """See Answering."""
        began = time.perf_counter()
        outcome = INTERNAL
        try:
            answer = await self._inner.answer(request, credentials)
            outcome = PARTLY if answer.result.errors else ANSWERED
        except (CodedError, RequestError) as error:
            outcome = _outcome(error)
            raise
        finally:
            self._counts.request(outcome, time.perf_counter() - began)
        return answer

    async def subscribe(
        self, request: GraphQLRequest, credentials: Credentials
    ) -> AsyncGenerator[EncodableResult, None]:
        """See Answering. A stream counts as one request, when it ends."""
        began = time.perf_counter()
        outcome = INTERNAL
        try:
            async with aclosing(self._inner.subscribe(request, credentials)) as results:
                async for result in results:
                    yield result
            outcome = ANSWERED
        except GeneratorExit:
            outcome = ANSWERED  # The client had enough.
            raise
        except (CodedError, RequestError) as error:
            outcome = _outcome(error)
            raise
        finally:
            self._counts.request(outcome, time.perf_counter() - began)


def _outcome(error: CodedError | RequestError) -> str:
    return error.code.name if isinstance(error, CodedError) else error.errors[0].code


class MeasuredTransport(RoutedTransport):
    """The transport of a gateway, its requests counted."""

    def __init__(self, routes: Mapping[str, SubgraphRoute], counts: Counts) -> None:
        super().__init__(routes)
        self._counts = counts

    def send(self, subgraph: str, body: bytes, headers: Headers, timeout: float) -> Awaitable[bytes]:
        """See SubgraphTransport.send."""
        pool = self._direct.get(subgraph)
        sent: asyncio.Future[bytes]
        if pool is not None:
            sent = pool.call(body, headers, timeout)
        else:
            sent = asyncio.ensure_future(self._send_otherwise(subgraph, body, headers, timeout))
        sent.add_done_callback(partial(self._done, subgraph, time.perf_counter()))
        return sent

    def _done(self, subgraph: str, began: float, sent: "asyncio.Future[bytes]") -> None:
        seconds = time.perf_counter() - began
        if sent.cancelled():
            outcome = "cancelled"
        elif (error := sent.exception()) is None:
            outcome = ANSWERED
        else:
            outcome = error.code.name if isinstance(error, CodedError) else INTERNAL
        self._counts.fetch(subgraph, outcome, seconds)
