"""Threads that compute beside an event loop in one process."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
