"""Merging: validated subgraphs in, the supergraph's types out, in an order that every rule depends on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.composition import hints
from gateway.composition.issues import IssueLog
from gateway.composition.merging.access import spread_access
from gateway.composition.merging.applied import DirectiveMerge
from gateway.composition.merging.composed import compose_directives, executable_directives
from gateway.composition.merging.computed import check_access, check_requirements
from gateway.composition.merging.content import merge_content
from gateway.composition.merging.features import directive_names, supergraph_features
from gateway.composition.merging.inaccessible import check_inaccessible
from gateway.composition.merging.interfaces import check_implementations, merge_interface_objects
from gateway.composition.merging.memory import Memory
from gateway.composition.merging.overrides import merge_overrides
from gateway.composition.merging.state import Merge, graph_names
from gateway.composition.merging.types import merge_description, merge_roots, merge_shallow_types
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import STANDALONE
from gateway.supergraph.elements import Member, Type
from gateway.supergraph.join_writing import SupergraphText, type_sdl


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that succeeded, and what its SDL says."""

    merge: Merge
    text: SupergraphText
    hidden: frozenset[str]


def merge_subgraphs(subgraphs: Sequence[Subgraph], log: IssueLog, memory: Memory) -> Merged | None:
    """Merge; None when a rule was broken, which is then in ``log``. ``memory`` is what the last merge left."""
    memory.begin()
    merge = Merge(subgraphs, log, memory, graphs=graph_names(s.name for s in subgraphs))
    composed = compose_directives(merge)
    merge_shallow_types(merge)
    merge_roots(merge)
    merge_overrides(merge)
    directives = DirectiveMerge(merge, composed, directive_names(merge))
    merge_content(merge, directives)
    executable = executable_directives(merge)
    merge_interface_objects(merge)
    spread_access(directives)
    if log.errors:
        return None
    elements = merge.elements() if "inaccessible" in directives.used else ()
    hidden = frozenset(coordinate for coordinate, _, element in elements if element.has("inaccessible"))
    check_implementations(merge)
    check_requirements(merge)
    if hidden:
        check_inaccessible(merge, hidden)
    check_access(merge)
    if log.errors:
        return None
    links, declarations, scalars = supergraph_features(directives.used, directives.names)
    described = [(s, Member("schema", description=s.schema_description)) for s in subgraphs]
    text = SupergraphText(
        join_version=_join_version(merge),
        graphs=[(merge.graphs[s.name], s.name, s.url) for s in subgraphs],
        roots=merge.roots,
        types=[_sdl(merge, merge.types[name]) for name in sorted(merge.types)],
        links=[*links, *composed.links],
        directives=[*declarations, *executable, *composed.declarations.values()],
        scalars=scalars,
        description=merge_description(merge, "schema", described),
    )
    return Merged(merge, text, hidden)


def _sdl(merge: Merge, definition: Type) -> str:
    # In a tuple it is compared with the last one by identity first.
    return merge.memory.recall("text", definition.name, (definition,), merge.log, partial(type_sdl, definition))


def _join_version(merge: Merge) -> str:
    newest = max((_federation_minor(merge, s) for s in merge.subgraphs), default=0)
    return "v0.3" if newest < 7 else "v0.4" if newest == 7 else "v0.5"


def _federation_minor(merge: Merge, subgraph: Subgraph) -> int:
    """The version of federation that the subgraph needs: what it links beside federation may be newer."""
    linked = [(spec.since, link) for link in subgraph.links.all if (spec := STANDALONE.get(link.identity)) is not None]
    implied, newest = max(linked, key=lambda pair: pair[0], default=(0, None))
    if newest is None or implied <= subgraph.links.minor:
        return subgraph.links.minor
    why = f"{newest.url} needs federation v2.{implied}, which is newer than what the subgraph links."
    merge.report_in(subgraph, hints.IMPLICITLY_UPGRADED_FEDERATION_VERSION, newest, "", why)
    return implied
