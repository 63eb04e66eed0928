"""The door of composition: subgraphs in, a supergraph out, or an explanation.

    composition = compose([SubgraphSource("books", "http://localhost:4001/graphql", sdl), ...])
    composition.supergraph_sdl   # text, or None when there are errors
    composition.errors           # every Issue that must be mended
    composition.hints            # what works but may not be meant

The stages follow one another, and each tells all of its problems before composition stops: reading every subgraph,
upgrading Federation 1, rules of GraphQL and of Federation for each subgraph alone, merging, rules of the merged schema,
satisfiability. Nothing here needs a gateway, a network or a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from threading import Lock

from graphql import DocumentNode, parse

from gateway.composition import codes
from gateway.composition.issues import Issue, IssueLog
from gateway.composition.merging.memory import Memory
from gateway.composition.merging.merge import Merged, merge_subgraphs
from gateway.composition.satisfiability.check import check_satisfiability
from gateway.composition.subgraph.context_rules import check_contexts
from gateway.composition.subgraph.cost_rules import check_costs
from gateway.composition.subgraph.definitions import complete_directives
from gateway.composition.subgraph.facts import mark_uses
from gateway.composition.subgraph.federation_rules import check_federation
from gateway.composition.subgraph.graphql_rules import check_graphql
from gateway.composition.subgraph.reading import Subgraph, read_subgraph
from gateway.composition.subgraph.upgrade import upgrade_all
from gateway.garbage import collection_paused


@dataclass(frozen=True, slots=True)
class SubgraphSource:
    """A subgraph as given: its name, the address of its service (may be empty), its SDL."""

    name: str
    url: str
    sdl: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The outcome. ``supergraph_sdl`` is None exactly when there are errors."""

    supergraph_sdl: str | None
    errors: tuple[Issue, ...] = ()
    hints: tuple[Issue, ...] = ()

    def document(self) -> DocumentNode:
        """The supergraph as a syntax tree. Raises ValueError when composition failed."""
        if self.supergraph_sdl is None:
            raise ValueError("Composition failed: there is no supergraph.")
        return parse(self.supergraph_sdl, no_location=True)


def compose(subgraphs: Iterable[SubgraphSource]) -> Composition:
    """Compose subgraphs into a supergraph. Never raises for what the subgraphs hold: that is what issues are for."""
    return Composer().compose(subgraphs)


class Composer:
    """Composes again and again, and does only what the last time had not.

    What is said of one subgraph alone follows from its name, address and SDL, and is remembered under them; what
    becomes of a type follows from more, and is remembered under that (``merging.memory``). So nothing remembered can be
    out of date. Federation 1 subgraphs are not remembered, for what becomes of them depends on the others. Only the
    last set of subgraphs is remembered.
    """

    def __init__(self) -> None:
        self._memory = Memory()
        self._lock = Lock()

    def compose(self, subgraphs: Iterable[SubgraphSource]) -> Composition:
        """As ``compose`` does. Threads take turns."""
        with self._lock, collection_paused():
            log = IssueLog()
            merged = _composed(sorted(subgraphs, key=attrgetter("name")), log, self._memory)
            return Composition(None if merged is None else merged.text.written(), tuple(log.errors), tuple(log.hints))


def _composed(sources: Sequence[SubgraphSource], log: IssueLog, memory: Memory) -> Merged | None:
    """Every stage in turn, until one has told an error; a broken subgraph does not hide what is wrong in the others."""
    subgraphs = _read(sources, log, memory)
    for subgraph in _sound(subgraphs, log):
        memory.recall("graphql", subgraph.name, subgraph, log, partial(_check_graphql, subgraph, log))
    for subgraph in _sound(subgraphs, log):
        if subgraph.links.is_federation_2:
            memory.recall("federation", subgraph.name, subgraph, log, partial(_check_federation, subgraph, log))
    if log.errors:
        return None
    upgrade_all(subgraphs, log)
    if log.errors:
        return None
    for subgraph in subgraphs:
        if not subgraph.links.is_federation_2:
            _check_federation(subgraph, log)
    if log.errors:
        return None
    merged = merge_subgraphs(subgraphs, log, memory)
    if merged is not None:
        check_satisfiability(merged.merge, merged.hidden, log)
    return None if log.errors else merged


def _read(sources: Sequence[SubgraphSource], log: IssueLog, memory: Memory) -> list[Subgraph]:
    """The declarations of those that can be read at all."""
    found: dict[str, Subgraph | None] = {}
    for source in sources:
        name = source.name
        if name in ("", "_") or name in found:
            why = "two subgraphs have it" if name in found else "it is empty or reserved"
            told = f"{name!r} cannot be the name of a subgraph: {why}."
            log.report(codes.INVALID_SUBGRAPH_NAME, told, at=((name, None),))
        read = partial(read_subgraph, name, source.url, source.sdl, log)
        subgraph = found[name] = memory.recall("subgraph", name, source, log, read)
        if subgraph is not None and not subgraph.links.is_federation_2:
            memory.forget("subgraph", name)  # upgrading changes it
    return [subgraph for subgraph in found.values() if subgraph is not None]


def _sound(subgraphs: Iterable[Subgraph], log: IssueLog) -> list[Subgraph]:
    broken = {node.subgraph for issue in log.errors for node in issue.nodes}
    return [subgraph for subgraph in subgraphs if subgraph.name not in broken]


def _check_graphql(subgraph: Subgraph, log: IssueLog) -> None:
    before = len(log.errors)
    complete_directives(subgraph, log)
    if len(log.errors) == before:
        check_graphql(subgraph, log)


def _check_federation(subgraph: Subgraph, log: IssueLog) -> None:
    mark_uses(subgraph)
    check_federation(subgraph, log)
    check_contexts(subgraph, log)
    check_costs(subgraph, log)
