"""Items which together say of whom a record is, and how many of them one operation may read (R55).

Each item may be open by itself: a year of birth, a street, an illness. A line ``apart`` names a set of such items, for
whom it counts, and how many of them at most one operation may use, whatever it does with them: who filters by a value
knows it. Masked and verified items count like plain ones, since the administrator who writes the set knows which mask
still tells too much. For ``public`` and ``anon`` it counts for who acts for no department: departments belong to the
public too, to read what is open, and are bound by grants, not by this. Invariant: no operation that is planned uses
more of a set than its line allows. What several operations of one caller tell together is not held back here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from policies.callers import NO_DEPARTMENT
from policies.console import EVERYBODY
from policies.lines import Tokens

APART = "apart"


@dataclass(frozen=True, slots=True)
class Combination:
    """An ``apart`` line over the catalogue: of ``items`` at most ``most`` are used by one operation of ``subject``."""

    id: str
    subject: str
    group: str
    most: int
    basis: str
    items: frozenset[str] = frozenset()

    @staticmethod
    def of(tokens: Tokens, within: Callable[[str], Iterable[str]] = lambda group: ()) -> "Combination":
        """The line read; ``within`` gives the items of a set."""
        _, identity, subject, group, most, basis = tokens
        return Combination(identity, subject, group, int(most), basis, frozenset(within(group)))

    def concerns(self, reached: frozenset[str], department: str) -> bool:
        """Whether it counts for who reaches these names when acting for a department (``-``: for none)."""
        return self.subject in reached and (self.subject not in EVERYBODY or department == NO_DEPARTMENT)

    def exceeded_by(self, items: Iterable[str]) -> bool:
        """Whether an operation that uses these items uses too many of the set."""
        return len(self.items.intersection(items)) > self.most

    def covers(self, other: "Combination") -> bool:
        """Whether it refuses all that the other refuses."""
        lost = len(other.items - self.items)
        return self.subject == other.subject and self.most + lost <= other.most

    def __str__(self) -> str:
        listed = ", ".join(sorted(self.items))
        return f"{self.id}: at most {self.most} of {listed} in one operation ({self.basis})"
