"""The order of events in one execution: a fetch begins when all it comes after are done.

Fetches are not tasks. The one coroutine that executes waits on a single future; the transport's futures call back and
wake it, it places an answer and begins whatever that answer was the last to be waited for. This costs a fraction of a
task per fetch, nothing is owned here that could leak, and whatever a step raises, the coroutine raises.

A plan of one fetch, the most frequent, has no order: the coroutine awaits its answers themselves.

When the deadline passes, what is under way is placed as timed out, what has not begun is never sent, and the answer is
made of what there is.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from gateway.errors import SUBGRAPH_TIMED_OUT, SUBGRAPH_UNREACHABLE, CodedError
from gateway.execution.calls import Calls
from gateway.execution.schedule import Schedule
from gateway.yielding import computed_beside

Answer = bytes | CodedError

_LATE = 0.01
"""Seconds after the deadline at which a request that ends by itself need not be ended."""


class Steps(Protocol):
    """Makes the requests of fetches and places their answers; see ``Interpreter``."""

    def requests(self, number: int) -> list[bytes]:
        """The bodies to send for a fetch; none if there is nothing to ask."""
        ...

    def place(self, number: int, answers: Sequence[Answer]) -> None:
        """Take in the answers to a fetch's requests, in their order."""
        ...

    def are_quick(self, answers: Sequence[Answer]) -> bool:
        """Whether the steps that follow, with these answers to take in, will not hold up the event loop for long."""
        ...


class Run:
    """One run of a plan's fetches through ``calls``."""

    __slots__ = (
        "_answered", "_calls", "_expired", "_left", "_missing", "_schedule", "_sent", "_steps", "_waits", "_woken",
    )  # fmt: skip

    def __init__(self, schedule: Schedule, steps: Steps, calls: Calls) -> None:
        self._schedule = schedule
        self._steps = steps
        self._calls = calls
        self._expired = False

    async def finish(self, event: bytes | None = None) -> None:
        """Run to the end. A subscription's ``event`` is the answer to its trigger, which is the first fetch.

        Raises what the steps raise, at once.
        """
        if len(self._schedule.waits) == 1 and event is None:
            await self._finish_only_fetch()
            return
        self._waits = list(self._schedule.waits)
        self._left = len(self._waits)
        self._sent: dict[int, list[asyncio.Future[bytes] | None]] = {}
        self._missing: dict[int, int] = {}
        self._answered: deque[int] = deque()
        self._woken: asyncio.Future[None] | None = None
        timer = self._calls.loop.call_at(self._calls.deadline, self._expire)
        try:
            if event is None:
                await self._go_on(self._schedule.first)
            else:
                self._steps.requests(0)
                told = self._calls.loop.create_future()
                told.set_result(event)
                self._sent[0] = [told]
                self._answered.append(0)
                await self._go_on(())
        finally:
            timer.cancel()

    async def _finish_only_fetch(self) -> None:
        calls = self._calls
        futures = [calls.begin(0, body) for body in self._steps.requests(0)]
        watched = [future for future in futures if getattr(future, "due", math.inf) > calls.deadline + _LATE]
        timer = calls.loop.call_at(calls.deadline, self._give_up, watched) if watched else None
        answers: list[Answer] = []
        try:
            for future in futures:
                answers.append(await self._arrival(future))
        finally:
            if timer is not None:
                timer.cancel()
        if self._steps.are_quick(answers):
            self._steps.place(0, answers)
        else:
            await computed_beside(self._steps.place, 0, answers)

    def _give_up(self, futures: list[asyncio.Future[bytes]]) -> None:
        self._expired = True
        for future in futures:
            future.cancel()

    async def _arrival(self, future: asyncio.Future[bytes]) -> Answer:
        try:
            return await future
        except CodedError as error:
            return error.with_traceback(None)  # whose frames would be in a ring with the future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not future.cancelled() or (task is not None and task.cancelling()):
                raise
            return _timed_out() if self._expired else _answer(future)

    async def _go_on(self, ready: Iterable[int]) -> None:
        """Begin these fetches, and whatever can begin by what they and others answer, to the end."""
        steps, quick = self._steps, True
        while True:
            for number in ready:
                bodies = steps.requests(number) if quick else await computed_beside(steps.requests, number)
                self._send(number, bodies)
            if not self._left:
                return
            if not self._answered:
                self._woken = self._calls.loop.create_future()
                await self._woken
            number = self._answered.popleft()
            answers = [_answer_to(future) for future in self._sent.pop(number)]
            quick = steps.are_quick(answers)
            if quick:
                steps.place(number, answers)
            else:
                await computed_beside(steps.place, number, answers)
            ready = self._settled(number)

    def _settled(self, number: int) -> list[int]:
        """The fetches that waited for nothing but this one."""
        self._left -= 1
        begin = []
        for follower in self._schedule.followers[number]:
            self._waits[follower] -= 1
            if not self._waits[follower]:
                begin.append(follower)
        return begin

    def _send(self, number: int, bodies: list[bytes]) -> None:
        missing = 0
        sent: list[asyncio.Future[bytes] | None] = []
        for body in bodies:
            future = None if self._expired else self._calls.begin(number, body)
            sent.append(future)
            if future is not None and not future.done():
                missing += 1
                future.add_done_callback(partial(self._arrived, number))
        self._sent[number] = sent
        self._missing[number] = missing
        if not missing:
            self._answered.append(number)

    def _arrived(self, number: int, _: asyncio.Future[bytes]) -> None:
        if not self._expired:
            self._missing[number] -= 1
            if not self._missing[number]:
                self._answered.append(number)
                self._wake()

    def _expire(self) -> None:
        """The time is up: what is under way counts as timed out, and nothing more is sent."""
        self._expired = True
        self._answered.extend(number for number, missing in self._missing.items() if missing)
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


def _answer_to(future: asyncio.Future[bytes] | None) -> Answer:
    """Of a request that was sent in time and is done, its answer."""
    return _timed_out() if future is None or not future.done() else _answer(future)


def _answer(future: asyncio.Future[bytes]) -> Answer:
    if future.cancelled():
        return CodedError(SUBGRAPH_UNREACHABLE, "The request was cancelled.")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, CodedError):
        return error
    raise error


def _timed_out() -> CodedError:
    return CodedError(SUBGRAPH_TIMED_OUT, "The time of the request was used up.")
