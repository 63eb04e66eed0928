"""Whether a release may go live: with the others' schemas, with the catalogue, and with those who use the graph.

What clients see is the composed graph, so what a release changes is judged there: a field that moves from one subgraph
to another breaks nobody. Where the release does not compose there is no such graph, and its own schema is compared with
the one before, so that an author is told everything at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphql import GraphQLSchema

from catalog_sync.loading import Catalogue
from catalog_sync.releases import ReleaseProblem, SubgraphRelease, check_release, schema_changes
from catalog_sync.schema_comparison import SchemaChange, compare_schemas
from gateway.access.bindings import SURROGATE, Bindings, bind_catalogue, unbound_of
from gateway.composition.compose import Composer, SubgraphSource
from gateway.composition.issues import Issue
from gateway.garbage import collection_paused
from gateway.releasing.documents import documents_hit
from gateway.releasing.report import Affected, ReleaseReport, UserKind
from gateway.releasing.users import Users
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.features import parts
from gateway.supergraph.join_sdl import SupergraphReader
from gateway.supergraph.model import Supergraph


@dataclass(frozen=True, slots=True)
class _Graph:
    """The graph of a set of releases, or why there is none; None too for no releases."""

    supergraph: Supergraph | None
    issues: tuple[Issue, ...] = ()

    def schema(self) -> GraphQLSchema:
        """What clients see; nothing where there is no graph."""
        return GraphQLSchema() if self.supergraph is None else api_schema(self.supergraph)


class GraphMemory:
    """What was composed and read last, so that the next graph costs what differs. Safe to share between threads.

    ``composer`` and ``reader`` may be those of a gateway that serves the live releases.
    """

    def __init__(self, composer: Composer | None = None, reader: SupergraphReader | None = None) -> None:
        self._composer = composer or Composer()
        self._reader = reader or SupergraphReader()
        self._live: tuple[Sequence[SubgraphSource], _Graph] = (), _Graph(None)

    def live(self, releases: Sequence[SubgraphRelease]) -> _Graph:
        """The graph of the live releases, which many candidates are held against."""
        sources, graph = self._live
        if sources != (wanted := _sources(releases)):
            graph = self.graph(releases)
            self._live = wanted, graph
        return graph

    def graph(self, releases: Sequence[SubgraphRelease]) -> _Graph:
        """The graph of a set of releases."""
        if not releases:
            return _Graph(None)
        composed = self._composer.compose(_sources(releases))
        if composed.supergraph_sdl is None:
            return _Graph(None, composed.errors)
        return _Graph(self._reader.read(composed.supergraph_sdl))


def _sources(releases: Iterable[SubgraphRelease]) -> list[SubgraphSource]:
    return [SubgraphSource(each.subgraph, each.address, each.sdl) for each in releases]


def check(
    candidate: SubgraphRelease,
    live: Iterable[SubgraphRelease],
    catalogue: Catalogue,
    users: Callable[[], Users],
    memory: GraphMemory | None = None,
) -> ReleaseReport:
    """What stands between ``candidate`` and its going live in the place of its subgraph's ``live`` release.

    ``users`` is asked only where something breaks.
    CodedError SDL_UNREADABLE for text that is no schema.
    """
    with collection_paused():
        return _checked(candidate, tuple(live), catalogue, users, memory or GraphMemory())


def _checked(
    candidate: SubgraphRelease,
    before: tuple[SubgraphRelease, ...],
    catalogue: Catalogue,
    users: Callable[[], Users],
    graphs: GraphMemory,
) -> ReleaseReport:
    others = tuple(release for release in before if release.subgraph != candidate.subgraph)
    own = next((release for release in before if release.subgraph == candidate.subgraph), None)
    problems = list(check_release(candidate, catalogue, others))
    old, new = graphs.live(before), graphs.graph((*others, candidate))
    if new.supergraph is not None:
        told = {problem.coordinate for problem in problems}
        problems += [each for each in _unbound(candidate, new.supergraph, catalogue) if each.coordinate not in told]
    changes: tuple[SchemaChange, ...] = ()
    if old.supergraph is not None and new.supergraph is not None:
        changes = _compared(old, new)
    elif own is not None and own.sdl != candidate.sdl:
        changes = schema_changes(own.sdl, candidate.sdl)
    report = ReleaseReport(candidate.subgraph, candidate.digest, new.issues, tuple(problems), changes)
    return _with_affected(report, old, new, catalogue, users)


def check_removal(
    subgraph: str,
    live: Iterable[SubgraphRelease],
    catalogue: Catalogue,
    users: Callable[[], Users],
    memory: GraphMemory | None = None,
) -> ReleaseReport:
    """What taking a subgraph out of service breaks, and whether the others still compose."""
    before = tuple(live)
    others = tuple(release for release in before if release.subgraph != subgraph)
    digest = next((release.digest for release in before if release.subgraph == subgraph), "")
    graphs = memory or GraphMemory()
    old, new = graphs.live(before), graphs.graph(others)
    changes = () if old.supergraph is None else _compared(old, new)
    report = ReleaseReport(subgraph, digest, new.issues, (), changes)
    return _with_affected(report, old, new, catalogue, users)


def _compared(old: _Graph, new: _Graph) -> tuple[SchemaChange, ...]:
    """What changed for clients. What was not read again is the same, unless something else is hidden now."""
    before, after = old.supergraph, new.supergraph
    same: set[str] = set()
    if before is not None and after is not None and before.inaccessible == after.inaccessible:
        for name, node in after.definitions.types.items():
            known = before.definitions.types.get(name)
            if known is node:
                same.add(name)
            elif known is not None:
                kept = set(map(id, parts(known, "fields")))
                same |= {f"{name}.{field.name.value}" for field in parts(node, "fields") if id(field) in kept}
    return compare_schemas(old.schema(), new.schema(), same)


def _unbound(candidate: SubgraphRelease, graph: Supergraph, catalogue: Catalogue) -> Iterator[ReleaseProblem]:
    """The release's fields that would be withheld from everybody (R10)."""
    for field in unbound_of(candidate.subgraph, graph, catalogue):
        if not field.coordinate.endswith(f".{SURROGATE}"):
            remedy = "Bind it to an item with @resource, or drop it: nobody would see it."
            yield ReleaseProblem(field.coordinate, f"{field.reason[0].upper()}{field.reason[1:]}.", remedy)


def _with_affected(
    report: ReleaseReport, old: _Graph, new: _Graph, catalogue: Catalogue, users: Callable[[], Users]
) -> ReleaseReport:
    if not report.breaking or old.supergraph is None:
        return report
    items = _items_lost(report.breaking, bind_catalogue(old.supergraph, catalogue))
    found = users()
    hit = [*_grants_hit(items, found), *_documents_hit(report, old, new, found), *_readers_hit(items, found)]
    return ReleaseReport(
        report.subgraph, report.digest, report.issues, report.problems, report.changes, tuple(hit), found.unseen
    )


def _items_lost(breaking: Iterable[SchemaChange], bindings: Bindings) -> dict[str, tuple[str, ...]]:
    """Items that can no longer be had as they were, each with the coordinates that changed."""
    changed: dict[str, list[str]] = {}
    for change in breaking:
        changed.setdefault(change.coordinate.partition("(")[0], []).append(change.coordinate)
    found: dict[str, list[str]] = {}
    for coordinate, items in bindings.reads.items():
        # A change of a type is one of all its fields.
        hits = [*changed.get(coordinate, ()), *changed.get(coordinate.partition(".")[0], ())]
        for item in items if hits else ():
            found.setdefault(item, []).extend(hits)
    return {item: tuple(dict.fromkeys(coordinates)) for item, coordinates in found.items()}


def _grants_hit(items: dict[str, tuple[str, ...]], users: Users) -> Iterator[Affected]:
    hit: dict[tuple[str, str], list[str]] = {}
    for grant in users.grants:
        lost = [item for alias in sorted(grant.items) if (item := f"{grant.resource}.{alias}") in items]
        hit.setdefault((grant.number, grant.department), []).extend(lost)
    for (number, department), lost in hit.items():
        if lost:
            yield Affected(UserKind.GRANT, number, department, _coordinates(lost, items), f"names {', '.join(lost)}")


def _documents_hit(report: ReleaseReport, old: _Graph, new: _Graph, users: Users) -> Iterator[Affected]:
    if users.documents and new.supergraph is not None:
        for identity, changes in documents_hit(users.documents, old.schema(), new.schema(), report.breaking):
            coordinates = tuple(change.coordinate for change in changes)
            yield Affected(UserKind.DOCUMENT, identity, None, coordinates, "selects what changes")


def _readers_hit(items: dict[str, tuple[str, ...]], users: Users) -> Iterator[Affected]:
    for reader in users.readers:
        lost = [item for item in sorted(reader.items) if item in items]
        if lost:
            use = f"{max(reader.items[item] for item in lost)} reads, last on {reader.last}"
            yield Affected(UserKind.READER, reader.caller, reader.department, _coordinates(lost, items), use)


def _coordinates(lost: Iterable[str], items: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(coordinate for item in lost for coordinate in items[item]))
