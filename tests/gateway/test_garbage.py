"""When the process looks for garbage: not in what was built to stay, and thoroughly when it has grown."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from gateway import garbage


class Ring:
    """A value that only a search for rings of references can free."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def found_again() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_searched_while_something_is_built_and_afterwards_as_before() -> None:
    with garbage.built_to_stay():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_built_is_left_out_of_later_searches() -> None:
    with garbage.built_to_stay():
        ring = weakref.ref(Ring())
    gc.collect()
    assert ring() is not None


def test_what_is_built_beside_requests_is_left_out_only_if_it_is_much() -> None:
    rings = []
    for built in (0, 2 * garbage.YOUNG):
        with garbage.built_beside_requests():
            gc.collect()
            rings.append(weakref.ref(Ring()))
            kept = [[] for _ in range(built)]
        gc.collect()
        del kept
    assert [ring() is None for ring in rings] == [True, False]


def test_no_search_begins_while_any_thread_builds() -> None:
    entered, left = threading.Event(), threading.Event()

    def build() -> None:
        with garbage.collection_paused():
            entered.set()
            left.wait()

    with garbage.collection_paused():
        other = threading.Thread(target=build)
        other.start()
        entered.wait()
    still_paused = not gc.isenabled()
    left.set()
    other.join()
    assert (still_paused, gc.isenabled()) == (True, True)


def test_a_process_that_has_grown_is_searched_thoroughly(monkeypatch: pytest.MonkeyPatch) -> None:
    with garbage.built_to_stay():
        ring = weakref.ref(Ring())
    monkeypatch.setattr(garbage, "_resident_after_search", 1)
    monkeypatch.setattr(garbage, "_resident", iter((10**12, 10**12)).__next__)
    garbage.settle()
    assert ring() is None
