"""Threads that compute beside an event loop in one process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

YIELD_WITHIN = 0.000_5
"""Seconds after which a thread that computes lets the event loop run; Python's own 5 ms are too many."""


@contextmanager
def yielding() -> Iterator[None]:
    """While entered, the event loop waits a tenth as long for threads that compute."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, YIELD_WITHIN))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
