"""The order of events in one execution: a fetch begins when all it comes after are done.

Fetches are not tasks. The one coroutine that executes waits on a single future; the transport's futures call back, an
answer is placed, and whatever it was the last to be waited for begins. This costs a fraction of a task per fetch, and
nothing is owned here that could leak.

A plan of one fetch, the most frequent, has no order: the coroutine awaits its answers themselves.

When the deadline passes, what is under way is placed as timed out, what has not begun is never sent, and the answer is
made of what there is.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from gateway.errors import SUBGRAPH_TIMED_OUT, SUBGRAPH_UNREACHABLE, CodedError
from gateway.execution.calls import Calls
from gateway.execution.schedule import Schedule

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


class Run:
    """One run of a plan's fetches through ``calls``."""

    _done: asyncio.Future[None]

    __slots__ = ("_answers", "_calls", "_done", "_expired", "_left", "_schedule", "_steps", "_waits")

    def __init__(self, schedule: Schedule, steps: Steps, calls: Calls) -> None:
        self._schedule = schedule
        self._steps = steps
        self._calls = calls
        self._expired = False
        self._waits = list(schedule.waits)
        self._left = len(schedule.waits)
        self._answers: dict[int, list[Answer | None]] = {}

    async def finish(self, event: bytes | None = None) -> None:
        """Run to the end. A subscription's ``event`` is the answer to its trigger, which is the first fetch.

        Raises what the steps raise, at once.
        """
        if self._left == 1 and event is None:
            await self._finish_only_fetch()
            return
        self._done = self._calls.loop.create_future()
        timer = self._calls.loop.call_at(self._calls.deadline, self._expire)
        try:
            if event is None:
                self._begin(self._schedule.first)
            else:
                self._steps.requests(0)
                self._steps.place(0, [event])
                self._begin(self._settled(0))
            if self._left:
                await self._done
        finally:
            timer.cancel()
            self._done.cancel()

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
        self._steps.place(0, answers)

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

    def _begin(self, numbers: Iterable[int]) -> None:
        """Begin these fetches, and whatever can begin by what they need not wait for."""
        ready = deque(numbers)
        while ready:
            number = ready.popleft()
            bodies = self._steps.requests(number)
            if self._expired:
                self._answers[number] = [_timed_out()] * len(bodies)
            else:
                answers: list[Answer | None] = [None] * len(bodies)
                self._answers[number] = answers
                for index, body in enumerate(bodies):
                    future = self._calls.begin(number, body)
                    if future.done():
                        answers[index] = _answer(future)
                    else:
                        future.add_done_callback(partial(self._arrived, number, index))
            ready.extend(self._placed(number))
        if not self._left and not self._done.done():
            self._done.set_result(None)

    def _placed(self, number: int) -> list[int]:
        """Place the answers of a fetch if all are there; the fetches that were waiting for nothing else."""
        answers = self._answers[number]
        complete = [answer for answer in answers if answer is not None]
        if len(complete) < len(answers):
            return []
        del self._answers[number]
        self._steps.place(number, complete)
        return self._settled(number)

    def _settled(self, number: int) -> list[int]:
        self._left -= 1
        begin = []
        for follower in self._schedule.followers[number]:
            self._waits[follower] -= 1
            if not self._waits[follower]:
                begin.append(follower)
        return begin

    def _arrived(self, number: int, index: int, future: asyncio.Future[bytes]) -> None:
        if not self._done.done() and number in self._answers:
            self._called_back(self._take, number, index, future)

    def _take(self, number: int, index: int, future: asyncio.Future[bytes]) -> None:
        self._answers[number][index] = _answer(future)
        self._begin(self._placed(number))

    def _expire(self) -> None:
        """The time is up: what is under way counts as timed out, and nothing more is sent."""
        if not self._done.done():  # else it ended in this very turn of the loop
            self._expired = True
            self._called_back(self._take_as_late)

    def _take_as_late(self) -> None:
        for number in list(self._answers):
            self._answers[number] = [_timed_out() if each is None else each for each in self._answers[number]]
            self._begin(self._placed(number))

    def _called_back(self, step: Callable[..., None], *arguments: object) -> None:
        """A step that the event loop calls, where nobody would see what it raises: the execution raises it instead.

        That is a MismatchError, or a fault of ours of any kind, without which ``finish`` would wait for ever.
        """
        try:
            step(*arguments)
        except Exception as error:  # noqa: BLE001 - see above
            self._done.set_exception(error)


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
