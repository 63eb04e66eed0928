"""Which labels of progressive overrides hold for a request (@override(label:), Federation 2.7).

An operator says which labels are active; ``percent(n)`` is active for n of a hundred requests. Every request draws one
number, and it is the same for all shares: whoever is among the first 10 percent is among the first 25 too. So there is
one set of labels more than there are different shares, and no more plans than that for one operation.
"""

import re
from bisect import bisect_right
from hashlib import blake2b

from gateway.supergraph.model import Supergraph

_SHARE = re.compile(r"percent\((\d+(?:\.\d+)?)\)").fullmatch
_DRAWS = 1 << 32


class Rollout:
    """The label sets of one supergraph. ``sets`` are all that can be chosen, the one with the most labels first."""

    __slots__ = ("_bounds", "sets")

    def __init__(self, supergraph: Supergraph, active: frozenset[str] = frozenset()) -> None:
        """``active`` are the labels that hold for every request, a ``percent`` among them too."""
        shares = {label: float(share[1]) for label in _labels_of(supergraph) if (share := _SHARE(label))}
        steps = sorted({share for share in shares.values() if share > 0})
        self._bounds = [share / 100 for share in steps]
        self.sets = tuple(
            active | {label for label, share in shares.items() if share >= least} for least in (*steps, 101.0)
        )

    def labels_for(self, request_id: str) -> frozenset[str]:
        """The labels that hold for a request: the same for the same id, in every process and after every restart."""
        if not self._bounds:
            return self.sets[0]
        drawn = int.from_bytes(blake2b(request_id.encode(), digest_size=4).digest(), "big") / _DRAWS
        return self.sets[bisect_right(self._bounds, drawn)]


def _labels_of(supergraph: Supergraph) -> set[str]:
    return {
        source.override_label
        for definition in supergraph.types.values()
        for field in definition.fields.values()
        for source in field.sources.values()
        if source.override_label is not None
    }
