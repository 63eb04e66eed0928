"""Putting what a store returned, in its own order and number, beside the keys that were asked for."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from subgraphs.kit.errors import REQUEST_MALFORMED, CodedError

_K = TypeVar("_K")
_V = TypeVar("_V")

MAX_PAGE = 500


def aligned(keys: Sequence[_K], values: Iterable[_V], key_of: Callable[[_V], _K]) -> list[_V | None]:
    """For each key the value that has it, None where none has."""
    found = {key_of(value): value for value in values}
    return [found.get(key) for key in keys]


def grouped(keys: Sequence[_K], values: Iterable[_V], key_of: Callable[[_V], _K]) -> list[list[_V]]:
    """For each key all values that have it, in the order they came."""
    groups: dict[_K, list[_V]] = {}
    for value in values:
        groups.setdefault(key_of(value), []).append(value)
    return [groups.get(key, []) for key in keys]


def page_size(first: int) -> int:
    """``first`` as asked for. Raises CodedError REQUEST_MALFORMED below 1 or above MAX_PAGE."""
    if not 1 <= first <= MAX_PAGE:
        raise CodedError(REQUEST_MALFORMED, f"`first` is between 1 and {MAX_PAGE}.")
    return first
