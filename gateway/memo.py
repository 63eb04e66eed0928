"""A bounded memory of computed values.

Two generations instead of an ordered list: a hit in the young one is a plain dictionary look-up and writes nothing; a
hit in the old one moves the value over; when the young one is full it becomes the old one. Never are more than
``bound`` values kept, and what was asked for within the last half as many insertions survives. A large value counts as
several.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Maps keys to values, forgetting what was not asked for lately. ``young`` may be read directly on a hot path.

    ``weigh`` says for how many values more than itself a value counts.
    """

    __slots__ = ("_held", "_old", "_weigh", "bound", "young")

    def __init__(self, bound: int, weigh: Callable[[V], int] = lambda _: 0) -> None:
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._held = 0
        self._weigh = weigh
        self.bound = bound

    def get(self, key: K) -> V | None:
        """The value, or None."""
        value = self.young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> V:
        """Remembers and returns ``value``."""
        if key not in self.young:
            weight = 1 + self._weigh(value)
            if self.young and self._held + weight > self.bound // 2:
                self._old, self.young, self._held = self.young, {}, 0
            self._held += weight
        self.young[key] = value
        return value

    def grew(self, weight: int) -> None:
        """Counts what a remembered value has gained."""
        self._held += weight

    def items(self) -> list[tuple[K, V]]:
        """All that is remembered, as it is now; may be asked from another thread."""
        return list({**self._old, **self.young}.items())

    def __len__(self) -> int:
        return len(self.young.keys() | self._old.keys())
