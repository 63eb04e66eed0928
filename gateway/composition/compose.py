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
from gateway.composition.subgraph.facts import Facts
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
        self._known: dict[SubgraphSource, _Alone] = {}
        self._memory = Memory()
        self._lock = Lock()

    def compose(self, subgraphs: Iterable[SubgraphSource]) -> Composition:
        """As ``compose`` does. Threads take turns."""
        with self._lock, collection_paused():
            log = IssueLog()
            alone = [self._known.get(source) or _Alone(source) for source in sorted(subgraphs, key=_name_of)]
            self._known = {each.source: each for each in alone if not each.is_federation_1}
            merged = _composed(alone, log, self._memory)
            return Composition(None if merged is None else merged.text.written(), tuple(log.errors), tuple(log.hints))


class _Alone:
    """One subgraph as far as it can be judged by itself; each step is done once, and told to every log."""

    def __init__(self, source: SubgraphSource) -> None:
        self.source = source
        self._read = IssueLog()
        self._ruled: IssueLog | None = None
        self._settled: IssueLog | None = None
        self._facts: Facts | None = None
        self._subgraph = read_subgraph(source.name, source.url, source.sdl, self._read)

    @property
    def is_federation_1(self) -> bool:
        """Whether it must be upgraded, which changes it."""
        return self._subgraph is not None and not self._subgraph.links.is_federation_2

    @property
    def subgraph(self) -> Subgraph:
        """Its declarations. Only asked when reading told no error."""
        assert self._subgraph is not None
        return self._subgraph

    def tell_reading(self, log: IssueLog) -> None:
        """Tells what was wrong with the text."""
        _tell(log, self._read)

    def tell_graphql(self, log: IssueLog) -> None:
        """Tells which rules of GraphQL it breaks."""
        if self._ruled is None:
            self._ruled = IssueLog()
            complete_directives(self.subgraph, self._ruled)
            if not self._ruled.errors:
                check_graphql(self.subgraph, self._ruled)
        _tell(log, self._ruled)

    def tell_federation(self, log: IssueLog) -> Facts:
        """Tells which rules of Federation it breaks; what the other stages need to know of it."""
        if self._settled is None or self._facts is None:
            self._settled = IssueLog()
            self._facts = Facts.of(self.subgraph)
            check_federation(self._facts, self._settled)
            check_contexts(self.subgraph, self._settled)
            check_costs(self.subgraph, self._settled)
        _tell(log, self._settled)
        return self._facts


def _tell(log: IssueLog, told: IssueLog) -> None:
    log.errors.extend(told.errors)
    log.hints.extend(told.hints)


def _name_of(source: SubgraphSource) -> str:
    return source.name


def _composed(alone: Sequence[_Alone], log: IssueLog, memory: Memory) -> Merged | None:
    """Every stage in turn, until one has told an error."""
    _check_names(alone, log)
    if log.errors:
        return None
    for each in alone:
        each.tell_graphql(log)
    broken = {node.subgraph for issue in log.errors for node in issue.nodes}
    facts = {
        each.source.name: each.tell_federation(log)
        for each in alone
        if not each.is_federation_1 and each.source.name not in broken
    }
    if log.errors:
        return None
    read = [each.subgraph for each in alone]
    upgrade_all(read, log)
    if log.errors:
        return None
    facts.update({each.source.name: each.tell_federation(log) for each in alone if each.is_federation_1})
    if log.errors:
        return None
    merged = merge_subgraphs(read, facts, log, memory)
    if merged is not None:
        check_satisfiability(merged.merge, merged.hidden, log)
    return None if log.errors else merged


def _check_names(alone: Sequence[_Alone], log: IssueLog) -> None:
    seen: set[str] = set()
    for each in alone:
        name = each.source.name
        if name in ("", "_") or name in seen:
            why = "two subgraphs have it" if name in seen else "it is empty or reserved"
            log.report(
                codes.INVALID_SUBGRAPH_NAME,
                f"{name!r} cannot be the name of a subgraph: {why}.",
                at=((name, None),),
            )
        seen.add(name)
        each.tell_reading(log)
