"""What the last composition made of each subgraph and each type, kept for the next one.

Invariant: a result is remembered under its *ground*, all that it follows from, and taken again only on an equal one; so
it can be forgotten, never wrong. Declarations of subgraphs are compared by identity: those of a subgraph that was not
read again are the same objects.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from gateway.composition.issues import Issue, IssueLog

R = TypeVar("R")


class Memory:
    """Results by what they are and of what, each with its ground and the issues that were reported on the way.

    What is not asked for from one merge to the next is not found again. Results are shared: whoever changes one copies
    it first.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[object, Any, list[Issue], list[Issue]]] = {}
        self._now = self._last

    def begin(self) -> None:
        """Another merge begins."""
        self._last, self._now = self._now, {}

    def recall(self, what: str, name: str, ground: object, log: IssueLog, make: Callable[[], R]) -> R:
        """What ``make`` gives, and has reported in ``log``."""
        known = self._now.get((what, name)) or self._last.get((what, name))
        if known is not None and known[0] == ground:
            log.errors += known[2]
            log.hints += known[3]
        else:
            errors, hints = len(log.errors), len(log.hints)
            known = ground, make(), log.errors[errors:], log.hints[hints:]
        self._now[what, name] = known
        result: R = known[1]
        return result

    def forget(self, what: str, name: str) -> None:
        """Not to be taken again: it followed from more than its ground."""
        self._now.pop((what, name), None)
