"""Who belongs to what: the ``g``, ``g2`` and ``g3`` lines as a graph, and everything a name reaches in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from policies.lines import Tokens

MAX_DEPTH = 6


class Memberships:
    """Links from member to group, each within one department or (``None``) within none.

    As Casbin has it, every name reaches itself.
    """

    def __init__(self, links: Mapping[tuple[str, str | None], frozenset[str]]) -> None:
        self._links = links
        self._reached: dict[tuple[tuple[str, ...], str | None], frozenset[str]] = {}
        self.members = frozenset(member for member, _ in links)
        self.groups = frozenset(group for groups in links.values() for group in groups)

    @staticmethod
    def by_department(lines: Iterable[Tokens]) -> "Memberships":
        """From ``g`` lines."""
        return _of((line[1], line[3], line[2]) for line in lines)

    @staticmethod
    def plain(lines: Iterable[Tokens]) -> "Memberships":
        """From ``g2`` or ``g3`` lines."""
        return _of((line[1], None, line[2]) for line in lines)

    def reached(self, names: tuple[str, ...], department: str | None) -> frozenset[str]:
        """All names that any of ``names`` is or belongs to, directly or through others."""
        key = (names, department)
        known = self._reached.get(key)
        if known is None:
            found = set(names)
            waiting = list(names)
            while waiting:
                new = self._links.get((waiting.pop(), department), frozenset()) - found
                found |= new
                waiting.extend(new)
            if len(self._reached) > 50_000:
                self._reached.clear()
            known = self._reached[key] = frozenset(found)
        return known

    def chains_too_long(self) -> list[tuple[str, str | None]]:
        """Where chains of more than MAX_DEPTH links begin, rings included: Casbin stops following them."""
        return [start for start in self._links if self._depth(*start) > MAX_DEPTH]

    def _depth(self, name: str, department: str | None) -> int:
        """Length of the longest chain from ``name``, counted no further than just beyond MAX_DEPTH."""
        level = {name}
        for depth in range(MAX_DEPTH + 1):
            level = {group for member in level for group in self._links.get((member, department), ())}
            if not level:
                return depth
        return MAX_DEPTH + 1


def _of(links: Iterable[tuple[str, str | None, str]]) -> Memberships:
    grouped: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for member, department, group in links:
        grouped[member, department].add(group)
    return Memberships({key: frozenset(groups) for key, groups in grouped.items()})
