"""Aggregates over groups of records, and what keeps a group from telling about its few members.

The problem: a mean over three persons tells nearly what each of them has, over one exactly; and what is withheld of one
group can be computed from the groups beside it and a total, or from two questions that differ in one member. The idea:

- an aggregate type says what its groups are formed ``by``, which field tells their ``size``, and how many records the
  ``smallest`` group that is told of may have. A smaller one shows what it is formed by, and nothing else;
- groups are formed before anything is chosen: a field that leads to an aggregate takes no argument but what groups are
  formed by, so no question can shrink a group;
- where members withheld together would still be fewer than that, the next larger group is withheld with them, so that
  a known total gives away no single group.

Limits: two publications of the same groups at different times differ by who came and went; totals that somebody knows
from elsewhere over other groupings are not looked at; a group in which one member holds nearly all of a sum is told of.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from catalog_sync.errors import GROUP_TOO_SMALL, CodedError

SMALLEST = 10
_WITHHELD = "_withheld_with_others"
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class GroupRule:
    """How an aggregate type's groups are formed (GraphQL names), and how small one may be."""

    by: frozenset[str]
    size: str
    smallest: int

    def withholds(self, record: object, size_name: str) -> bool:
        """Whether a group is withheld; ``size_name`` is the Python name of its size. What is no number is no size."""
        size = getattr(record, size_name)
        known = isinstance(size, int) and not isinstance(size, bool)
        return not known or size < self.smallest or getattr(record, _WITHHELD, False)

    def refusal(self, type_name: str, resource: str | None) -> CodedError:
        """What stands in the place of each value that is withheld."""
        message = f"{type_name} tells nothing of groups of fewer than {self.smallest} records."
        return CodedError(GROUP_TOO_SMALL, message, {"resource": resource or "", "smallest": self.smallest})


def withhold_together(groups: Sequence[_R], sizes: Iterable[int], smallest: int = SMALLEST) -> list[_R]:
    """The groups of one table, aligned, with further ones marked as withheld where the small ones alone would show.

    Call it on *all* groups that together make up a total that anybody may know, before some of them are chosen.
    """
    counted = list(sizes)
    for index in _withheld(counted, smallest):
        setattr(groups[index], _WITHHELD, True)
    return list(groups)


def _withheld(sizes: Sequence[int], smallest: int) -> Collection[int]:
    """The places of the groups to withhold: those too small, and the next larger ones until they hide one another."""
    by_size = sorted(range(len(sizes)), key=lambda index: (sizes[index], index))
    chosen = {index for index in by_size if sizes[index] < smallest}
    hidden = sum(sizes[index] for index in chosen)
    for index in by_size:
        # One withheld group alone is what the total lacks; several hide one another once they are many together.
        if not chosen or (len(chosen) > 1 and hidden >= smallest):
            break
        if index not in chosen:
            chosen.add(index)
            hidden += sizes[index]
    return chosen
