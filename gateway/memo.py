"""A bounded memory of computed values.

Two generations instead of an ordered list: a hit in the young one is a plain dictionary look-up and writes nothing; a
hit in the old one moves the value over; when the young one is full it becomes the old one. Never are more than
``bound`` values kept, and what was asked for within the last half as many insertions survives.
"""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Maps keys to values, forgetting what was not asked for lately. ``young`` may be read directly on a hot path."""

    __slots__ = ("_old", "bound", "young")

    def __init__(self, bound: int) -> None:
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self.bound = bound

    def get(self, key: K) -> V | None:
        """The value, or None."""
        value = self.young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> V:
        """Remembers and returns ``value``."""
        if len(self.young) >= max(1, self.bound // 2) and key not in self.young:
            self._old, self.young = self.young, {}
        self.young[key] = value
        return value

    def items(self) -> list[tuple[K, V]]:
        """All that is remembered, as it is now; may be asked from another thread."""
        return list({**self._old, **self.young}.items())

    def __len__(self) -> int:
        return len(self.young.keys() | self._old.keys())
