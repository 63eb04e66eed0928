"""What the search finds: how a set of fields is fetched, as steps at places."""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.planning.wanted import Wanted, WantedField
from gateway.query_graph.graph import Entry, FieldEdge, Node
from gateway.supergraph.field_set import FieldSet


class Place(NamedTuple):
    """Where a set of fields is planned.

    ``provided`` is what a @provides above makes available here. ``within`` are the concrete types that can occur
    (None: all that the subgraph can return). ``peers`` are the subgraphs that could have led to equal objects.
    """

    node: Node
    provided: FieldSet = ()
    within: frozenset[str] | None = None
    peers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class SetPlan:
    """How a set, or one item of it, is fetched at a place: ``steps`` in order.

    ``mask`` is of the requests after the place's own, ``missing`` what cannot be had so. ``late`` counts the leaves
    that come with requests after the place's own; between plans with equally many requests the one that brings more at
    once is better.
    """

    steps: "tuple[Step, ...]" = ()
    mask: int = 0
    missing: tuple[Wanted, ...] = ()
    late: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LocalField:
    """A field asked for at the place itself; ``edge`` is None for __typename."""

    wanted: WantedField
    edge: FieldEdge | None
    place: Place | None = None
    plan: SetPlan | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """Steps for objects of ``condition`` alone."""

    condition: str
    place: Place
    plan: SetPlan


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How objects of a place are entered at another: by ``entry`` with ``key``, whose fields ``inputs`` fetch.

    An input is planned at the way it is paired with, or at the starting place (None). ``level`` counts requests one
    after the other, ``before`` is the mask of all requests but the last.
    """

    place: Place
    level: int
    before: int = 0
    entry: Entry | None = None
    key: FieldSet = ()
    inputs: "tuple[tuple[Way | None, SetPlan], ...]" = ()


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A field fetched elsewhere: enter by ``way``, with what ``requires`` needs fetched at the starting place."""

    way: Way
    plan: SetPlan
    requires: FieldSet = ()
    required: SetPlan | None = None


Step = LocalField | Narrowed | Move
