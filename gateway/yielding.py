"""Threads that compute beside an event loop in one process."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

YIELD_WITHIN = 0.000_5
"""Seconds after which a thread that computes lets the event loop run; Python's own 5 ms are too many."""

_lock = threading.Lock()
_entered = 0
_usual = 0.0


@contextmanager
def yielding() -> Iterator[None]:
    """While any thread is within, the event loop waits a tenth as long for threads that compute."""
    global _entered, _usual
    with _lock:
        if not _entered:
            _usual = sys.getswitchinterval()
            sys.setswitchinterval(YIELD_WITHIN)
        _entered += 1
    try:
        yield
    finally:
        with _lock:
            _entered -= 1
            if not _entered:
                sys.setswitchinterval(_usual)


async def computed_beside(compute: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What ``compute`` gives or raises, computed in a thread while the event loop goes on."""

    def computed() -> T:
        with yielding():
            return compute(*arguments, **named)

    return await asyncio.to_thread(computed)
