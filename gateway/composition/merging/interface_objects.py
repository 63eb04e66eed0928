"""@interfaceObject: what a subgraph adds to an interface as if it were an object reaches every implementation."""

from dataclasses import replace

from gateway.composition import codes
from gateway.composition.merging.state import Merge, named
from gateway.supergraph.elements import Type
from gateway.supergraph.model import TypeKind


def merge_interface_objects(merge: Merge) -> None:
    """Copy the fields of @interfaceObject types to the implementations, and check who may use them."""
    for interface in list(merge.types.values()):
        if interface.kind is not TypeKind.INTERFACE:
            continue
        objects = [(s, t) for s, t in merge.sources(interface.name) if t.has("interfaceObject")]
        for _, source in objects:
            for implementer in merge.implementers(interface.name):
                _copy(merge, interface, source, implementer)
        for subgraph, source in objects:
            local = [t.name for t in merge.implementers(interface.name) if t.name in subgraph.types]
            if local:
                merge.report(
                    codes.INTERFACE_OBJECT_USAGE_ERROR,
                    f"[{subgraph.name}] {interface.name} is an @interfaceObject here, so its implementation "
                    f"{', '.join(local)} cannot be defined here too.",
                    interface.name,
                    sources=[(subgraph, source)],
                )
        _check_keys(merge, interface)


def _copy(merge: Merge, interface: Type, source: Type, implementer: Type) -> None:
    for name in source.fields:
        merged = interface.fields.get(name)
        if merged is not None and name not in implementer.fields:
            _check_sharing(merge, implementer.name, name)
            arguments = {n: replace(a, directives=list(a.directives)) for n, a in merged.arguments.items()}
            copy = replace(merged, arguments=arguments, directives=list(merged.directives), join=["@join__field"])
            implementer.fields[name] = copy


def _check_sharing(merge: Merge, type_name: str, field_name: str) -> None:
    """Two interface objects may both bring a field to one type only if it is @shareable in both."""
    sources = merge.interface_object_sources(type_name, field_name)
    closed = merge.closed_interface_objects(type_name, field_name)
    if len(sources) > 1 and closed:
        merge.report(
            codes.INVALID_FIELD_SHARING,
            f"{type_name}.{field_name} comes from several @interfaceObject types, of "
            f"{named(s for s, _ in sources)}, but is "
            f"not @shareable in {named(dict.fromkeys(s.name for s in closed))}.",
            f"{type_name}.{field_name}",
            sources=sources,
        )


def _check_keys(merge: Merge, interface: Type) -> None:
    """A subgraph that can be entered by the interface knows all that the interface can be."""
    for subgraph, source in merge.sources(interface.name):
        if source.has("interfaceObject") or source.kind is not TypeKind.INTERFACE:
            continue
        keys = [key for key in source.applied("key") if key.value("resolvable", True) is not False]
        missing = [
            t.name for t in merge.implementers(interface.name) if t.name not in subgraph.possible_types(interface.name)
        ]
        if keys and missing:
            merge.report(
                codes.INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE,
                f"[{subgraph.name}] Interface {interface.name} has a resolvable @key here, so all of its "
                "implementations "
                f"must be here too: {', '.join(missing)} of {named(_holders(merge, interface.name, missing))} "
                "would be unknown.",
                interface.name,
                sources=[(subgraph, source)],
            )


def _holders(merge: Merge, interface: str, names: list[str]) -> list[str]:
    return [s.name for s in merge.subgraphs if any(n in s.possible_types(interface) for n in names)]
