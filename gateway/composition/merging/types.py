"""Types as such: their kinds, interfaces, union members and root operations; what each subgraph has of them."""

from graphql.language.print_string import print_string

from gateway.composition import codes, hints
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.subgraph.facts import fields_argument
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import ROOTS, Applied, Type
from gateway.supergraph.model import TypeKind


def merge_shallow_types(merge: Merge) -> None:
    """Give the supergraph every type, with its kind, description and @join__type, but without content."""
    names = dict.fromkeys(name for subgraph in merge.subgraphs for name in subgraph.types)
    for name in names:
        sources = merge.sources(name)
        kind = _kind(merge, name, sources)
        if kind is None:
            continue
        merged = Type(name, kind)
        merged.description = merge_description(merge, name, sources)
        merged.join = [line for subgraph, source in sources for line in _join_type(merge, subgraph, source)]
        merge.types[name] = merged


def _kind(merge: Merge, name: str, sources: Sources[Type]) -> TypeKind | None:
    objects = [source for _, source in sources if source.has("interfaceObject")]
    kinds = {source.kind for _, source in sources if not source.has("interfaceObject")}
    if objects and not kinds:
        merge.report(
            codes.INTERFACE_OBJECT_USAGE_ERROR,
            f"{name} is an @interfaceObject in every subgraph that has it "
            f"({named(s for s, _ in sources)}): one subgraph "
            "at least must define it as an interface.",
            name,
            sources=sources,
        )
        return TypeKind.INTERFACE
    if objects and kinds == {TypeKind.INTERFACE}:
        return TypeKind.INTERFACE
    if len(kinds) > 1 or objects:
        told = by_value((s, "an @interfaceObject" if t.has("interfaceObject") else t.kind.value) for s, t in sources)
        merge.report(codes.TYPE_KIND_MISMATCH, f"{name} is not of one kind: it is {told}.", name, sources=sources)
        return None
    return kinds.pop()


def merge_description(merge: Merge, coordinate: str, sources: Sources) -> str | None:  # type: ignore[type-arg]
    """The description that most subgraphs give, the first of them in doubt."""
    counts: dict[str, int] = {}
    for _, source in sources:
        if source.description:
            counts[source.description] = counts.get(source.description, 0) + 1
    if not counts:
        return None
    chosen = max(counts, key=lambda text: counts[text])
    if len(counts) > 1:
        merge.report(
            hints.INCONSISTENT_DESCRIPTION,
            f"{coordinate} has different descriptions; the one most used is taken.",
            coordinate,
            sources=[(s, e) for s, e in sources if e.description],
        )
    return chosen


def _join_type(merge: Merge, subgraph: Subgraph, source: Type) -> list[str]:
    graph = merge.graphs[subgraph.name]
    keys = list(source.applied("key"))
    # An extension that has no key says nothing of its own: extension: true goes with keys alone.
    is_extension = not source.is_defined or source.has("extends")
    extra = ", isInterfaceObject: true" if source.has("interfaceObject") else ""
    if not keys:
        return [f"@join__type(graph: {graph}{extra})"]
    lines = []
    for applied in keys:
        extension = ", extension: true" if is_extension else ""
        resolvable = (
            f", resolvable: {str(applied.value('resolvable')).lower()}" if "resolvable" in applied.arguments else ""
        )
        lines.append(f'@join__type(graph: {graph}, key: "{_key_text(applied)}"{extension}{resolvable}{extra})')
    return lines


def _key_text(applied: Applied) -> str:
    return escape(fields_argument(applied) or "")


def escape(text: str) -> str:
    """Text for inside a GraphQL string."""
    return print_string(text)[1:-1]


def merge_implements(merge: Merge) -> None:
    """A type implements what it implements in any subgraph."""
    for name, merged in merge.types.items():
        if merged.kind not in (TypeKind.OBJECT, TypeKind.INTERFACE):
            continue
        for subgraph, source in merge.sources(name):
            for interface in source.interfaces:
                if interface not in merged.interfaces:
                    merged.interfaces.append(interface)
                merged.join.append(f'@join__implements(graph: {merge.graphs[subgraph.name]}, interface: "{interface}")')


def merge_unions(merge: Merge) -> None:
    """A union has the members it has in any subgraph."""
    for name, merged in merge.types.items():
        if merged.kind is not TypeKind.UNION:
            continue
        sources = merge.sources(name)
        for subgraph, source in sources:
            for member in source.members:
                if member not in merged.members:
                    merged.members.append(member)
                merged.join.append(f'@join__unionMember(graph: {merge.graphs[subgraph.name]}, member: "{member}")')
        for member in merged.members:
            without = [s for s, source in sources if member not in source.members]
            if without:
                merge.report(
                    hints.INCONSISTENT_UNION_MEMBER,
                    f"Union {name} includes {member} in some subgraphs, but not in {named(without)}.",
                    name,
                    sources=sources,
                )


def merge_roots(merge: Merge) -> None:
    """The root types; a supergraph without queries is none."""
    for operation in ROOTS:
        name = operation.title()
        if any(operation in subgraph.roots for subgraph in merge.subgraphs) and name in merge.types:
            merge.roots[operation] = name
    if "query" not in merge.roots or not any(t.fields for _, t in merge.sources("Query")):
        merge.report(codes.NO_QUERIES, "No subgraph has a query: a supergraph needs at least one field of Query.")
