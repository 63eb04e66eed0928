"""Access requirements as alternatives of conjunctions: ``[["a", "b"], ["c"]]`` reads "(a and b) or c"."""

from collections.abc import Iterable
from itertools import product

Requirement = list[list[str]]
MAX_ALTERNATIVES = 4096


def conjunction(requirements: list[Requirement]) -> Requirement:
    """What satisfies every one of the requirements, with alternatives that another makes superfluous left out."""
    wanted = [requirement for requirement in requirements if requirement]
    if not wanted:
        return []
    found: list[frozenset[str]] = [frozenset()]
    for requirement in wanted:
        found = _minimal(one | other for one, other in product(found, map(frozenset, requirement)))
        if len(found) > MAX_ALTERNATIVES:
            break
    return sorted((sorted(alternative) for alternative in found), key=lambda names: (len(names), names))


def _minimal(alternatives: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    kept: list[frozenset[str]] = []
    for candidate in sorted(set(alternatives), key=len):
        if not any(smaller <= candidate for smaller in kept):
            kept.append(candidate)
    return kept


def implies(given: Requirement, needed: Requirement) -> bool:
    """Whether whoever satisfies ``given`` satisfies ``needed`` too."""
    return not needed or (bool(given) and all(any(set(n) <= set(g) for n in needed) for g in given))
