"""The door of composition: subgraphs in, a supergraph out, or an explanation.

    composition = compose([SubgraphSource("books", "http://localhost:4001/graphql", sdl), ...])
    composition.supergraph_sdl   # text, or None when there are errors
    composition.errors           # every Issue that must be mended
    composition.hints            # what works but may not be meant

The stages follow one another, and each tells all of its problems before composition stops: reading every subgraph,
upgrading Federation 1, rules of GraphQL and of Federation for each subgraph alone, merging, rules of the merged schema,
satisfiability. Nothing here needs a gateway, a network or a file.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from graphql import DocumentNode, parse

from gateway.composition import codes
from gateway.composition.issues import Issue, IssueLog
from gateway.composition.merging.merge import merge_subgraphs
from gateway.composition.satisfiability.check import check_satisfiability
from gateway.composition.subgraph.context_rules import check_contexts
from gateway.composition.subgraph.cost_rules import check_costs
from gateway.composition.subgraph.definitions import complete_directives
from gateway.composition.subgraph.facts import Facts
from gateway.composition.subgraph.federation_rules import check_federation
from gateway.composition.subgraph.graphql_rules import check_graphql
from gateway.composition.subgraph.reading import Subgraph, read_subgraph
from gateway.composition.subgraph.upgrade import upgrade_all


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


def compose(subgraphs: Sequence[SubgraphSource]) -> Composition:
    """Compose subgraphs into a supergraph. Never raises for what the subgraphs hold: that is what issues are for."""
    with _without_collection():
        return _compose(subgraphs)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Composition makes millions of small objects that live to its end: searching them for cycles doubles its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _compose(subgraphs: Sequence[SubgraphSource]) -> Composition:
    log = IssueLog()
    read = _read_all(subgraphs, log)
    if log.errors:
        return _failed(log)
    for subgraph in read:
        known = len(log.errors)
        complete_directives(subgraph, log)
        if len(log.errors) == known:
            check_graphql(subgraph, log)
    facts: dict[str, Facts] = {}
    broken = {node.subgraph for issue in log.errors for node in issue.nodes}
    for subgraph in read:
        if subgraph.links.is_federation_2 and subgraph.name not in broken:
            facts[subgraph.name] = _check_alone(subgraph, log)
    if log.errors:
        return _failed(log)
    upgrade_all(read, log)
    if log.errors:
        return _failed(log)
    for subgraph in read:
        if subgraph.name not in facts:
            facts[subgraph.name] = _check_alone(subgraph, log)
    if log.errors:
        return _failed(log)
    merged = merge_subgraphs(read, facts, log)
    if merged is None:
        return _failed(log)
    check_satisfiability(merged.merge, merged.hidden, log)
    if log.errors:
        return _failed(log)
    return Composition(merged.text.written(), (), tuple(log.hints))


def _check_alone(subgraph: Subgraph, log: IssueLog) -> Facts:
    facts = Facts.of(subgraph)
    check_federation(facts, log)
    check_contexts(subgraph, log)
    check_costs(subgraph, log)
    return facts


def _failed(log: IssueLog) -> Composition:
    return Composition(None, tuple(log.errors), tuple(log.hints))


def _read_all(subgraphs: Sequence[SubgraphSource], log: IssueLog) -> list[Subgraph]:
    found: list[Subgraph] = []
    seen: set[str] = set()
    for source in sorted(subgraphs, key=lambda given: given.name):
        if source.name in ("", "_") or source.name in seen:
            why = "two subgraphs have it" if source.name in seen else "it is empty or reserved"
            log.report(
                codes.INVALID_SUBGRAPH_NAME,
                f"{source.name!r} cannot be the name of a subgraph: {why}.",
                at=((source.name, None),),
            )
        seen.add(source.name)
        subgraph = read_subgraph(source.name, source.url, source.sdl, log)
        if subgraph is not None:
            found.append(subgraph)
    return found
