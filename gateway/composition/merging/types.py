"""Types as such: their kinds, interfaces, union members and root operations; what each subgraph has of them."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from gateway.composition import codes, hints
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.subgraph.facts import fields_argument
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import ROOTS, Type
from gateway.supergraph.join_writing import join_directive
from gateway.supergraph.model import TypeKind


def merge_shallow_types(merge: Merge) -> None:
    """Give the supergraph every type, with its kind, description, interfaces and members, but without content."""
    for name in dict.fromkeys(name for subgraph in merge.subgraphs for name in subgraph.types):
        sources = merge.sources(name)
        ground = sources, [merge.graphs[subgraph.name] for subgraph, _ in sources]
        shallow = merge.memory.recall("shallow", name, ground, merge.log, partial(_shallow, merge, name, sources))
        if shallow is not None:
            merge.types[name] = shallow


def _shallow(merge: Merge, name: str, sources: Sources[Type]) -> Type | None:
    kind = _kind(merge, name, sources)
    if kind is None:
        return None
    merged, graphs = Type(name, kind), merge.graphs
    merged.description = merge_description(merge, name, sources)
    join = [line for s, t in sources for line in _join_type(merge, s, t)]
    merged.interfaces = [*dict.fromkeys(each for _, t in sources for each in t.interfaces)]
    join += [join_directive("implements", graphs[s.name], interface=i) for s, t in sources for i in t.interfaces]
    merged.members = [*dict.fromkeys(each for _, t in sources for each in t.members)]
    join += [join_directive("unionMember", graphs[s.name], member=m) for s, t in sources for m in t.members]
    _hint_members(merge, merged, sources)
    merged.join = join
    return merged


def _kind(merge: Merge, name: str, sources: Sources[Type]) -> TypeKind | None:
    kinds = {source.kind for _, source in sources if not source.has("interfaceObject")}
    has_objects = any(source.has("interfaceObject") for _, source in sources)
    if not kinds:
        told = f"is an @interfaceObject in every subgraph that has it ({named(s for s, _ in sources)})"
        why = f"{told}: one subgraph at least must define it as an interface."
        merge.report(codes.INTERFACE_OBJECT_USAGE_ERROR, name, why, sources)
        return TypeKind.INTERFACE
    if len(kinds) > 1 or (has_objects and kinds != {TypeKind.INTERFACE}):
        told = by_value((s, "an @interfaceObject" if t.has("interfaceObject") else t.kind.value) for s, t in sources)
        merge.report(codes.TYPE_KIND_MISMATCH, name, f"is not of one kind: it is {told}.", sources)
        return None
    return kinds.pop()


def merge_description(merge: Merge, coordinate: str, sources: Sources) -> str | None:  # type: ignore[type-arg]
    """The description that most subgraphs give, the first of them in doubt."""
    given = [(s, e) for s, e in sources if e.description]
    counts = Counter(e.description for _, e in given)
    if len(counts) > 1:
        why = "has different descriptions; the one most used is taken."
        merge.report(hints.INCONSISTENT_DESCRIPTION, coordinate, why, given)
    return counts.most_common(1)[0][0] if counts else None


def _join_type(merge: Merge, subgraph: Subgraph, source: Type) -> Iterator[str]:
    graph = merge.graphs[subgraph.name]
    is_interface_object = source.has("interfaceObject") or None
    # An extension that has no key says nothing of its own: extension: true goes with keys alone.
    extension = source.is_extension or None
    for key in source.applied("key"):
        said = {"key": fields_argument(key), "extension": extension, "resolvable": key.value("resolvable")}
        yield join_directive("type", graph, **said, isInterfaceObject=is_interface_object)
    if not source.has("key"):
        yield join_directive("type", graph, isInterfaceObject=is_interface_object)


def _hint_members(merge: Merge, merged: Type, sources: Sources[Type]) -> None:
    for member in merged.members:
        without = [s for s, source in sources if member not in source.members]
        if without:
            why = f"is a union that includes {member} in some subgraphs, but not in {named(without)}."
            merge.report(hints.INCONSISTENT_UNION_MEMBER, merged.name, why, sources)


def merge_roots(merge: Merge) -> None:
    """The root types; a supergraph without queries is none."""
    for operation in ROOTS:
        name = operation.title()
        if any(operation in subgraph.roots for subgraph in merge.subgraphs) and name in merge.types:
            merge.roots[operation] = name
    if "query" not in merge.roots or not any(t.fields for _, t in merge.sources("Query")):
        told = "No subgraph has a query: a supergraph needs at least one field of Query."
        merge.log.report(codes.NO_QUERIES, told)
