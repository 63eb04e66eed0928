"""When Python looks for garbage: not while something large is built, and not in what was built to stay."""

import gc
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GROWTH = 256_000_000
"""Bytes, or half its size if that is more, by which a process grows from one thorough search to the next."""

YOUNG = 10_000
"""Values in a search of the youngest."""

_PAGE = resource.getpagesize()
_resident_after_search = 0
_lock = threading.Lock()
_paused = 0
_was_enabled = False


@contextmanager
def collection_paused() -> Iterator[None]:
    """While entered by any thread, no search for rings of references.

    Building makes millions of small values that live to its end; searching them again and again doubles its time.
    """
    global _paused, _was_enabled
    with _lock:
        if not _paused:
            _was_enabled = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _lock:
            _paused -= 1
            if not _paused and _was_enabled:
                gc.enable()


@contextmanager
def built_to_stay() -> Iterator[None]:
    """As ``collection_paused``; and what was built is left out of later searches (``settle``)."""
    with collection_paused():
        try:
            yield
        finally:
            settle()


@contextmanager
def built_beside_requests() -> Iterator[None]:
    """As ``built_to_stay`` if much was built; a little is searched as ever."""
    with collection_paused():
        try:
            yield
        finally:
            search_when_grown()
            if gc.get_count()[0] > YOUNG:
                gc.freeze()


def settle() -> None:
    """Leaves all that is there now out of every later search, in a process that goes on for long.

    Or the next search, which comes at once after a pause, would go through all that was built and hold up every request
    for as long.
    """
    search_when_grown()
    gc.freeze()


def search_often() -> None:
    """From now on, searches are small and never thorough, since each holds up every request.

    The youngest values are searched whenever there are this many, and once more with those that came next: some 10 ms.
    What lives longer stays, and is left to ``search_when_grown``.
    """
    gc.collect()
    settle()
    gc.set_threshold(YOUNG, 1, 1_000_000_000)


def search_when_grown() -> None:
    """A thorough search, which holds up every request for long, if the process has grown much since the last."""
    global _resident_after_search
    resident = _resident()
    if not _resident_after_search:
        _resident_after_search = resident
    if resident > _resident_after_search + max(GROWTH, _resident_after_search // 2):
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _resident_after_search = _resident()


def _resident() -> int:
    """Bytes of memory that the process holds; where the system does not say, the most it ever held."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
