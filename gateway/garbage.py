"""When Python looks for garbage: not while something large is built."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """While entered, no search for rings of references, in any thread.

    Building makes millions of small values that live to its end; searching them again and again doubles its time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
