"""Interfaces across subgraphs: what an @interfaceObject adds reaches every implementation, and none lacks anything."""

from dataclasses import replace

from gateway.composition import codes
from gateway.composition.merging.state import Merge, named
from gateway.supergraph.elements import Type
from gateway.supergraph.model import TypeKind


def check_implementations(merge: Merge) -> None:
    """A type that implements an interface in one subgraph must have the fields another gives the interface."""
    for definition in merge.types.values():
        if definition.kind not in (TypeKind.OBJECT, TypeKind.INTERFACE):
            continue
        for interface in (merge.types[name] for name in definition.interfaces if name in merge.types):
            for missing in [name for name in interface.fields if name not in definition.fields]:
                declaring = named(s for s, t in merge.sources(interface.name) if missing in t.fields)
                implementing = named(s for s, t in merge.sources(definition.name) if interface.name in t.interfaces)
                told = f"which implements the interface ({implementing})"
                why = f"is declared by {declaring}, but {definition.name}, {told}, lacks it."
                sources = merge.sources(definition.name)
                coordinate = f"{interface.name}.{missing}"
                merge.report(codes.INTERFACE_FIELD_NO_IMPLEM, coordinate, why, sources, definition.name)


def merge_interface_objects(merge: Merge) -> None:
    """Copy the fields of @interfaceObject types to the implementations, and check who may use them."""
    for interface, implementers in merge.implementations():
        objects = [(s, t) for s, t in merge.sources(interface.name) if t.has("interfaceObject")]
        for _, source in objects:
            for implementer in implementers:
                _copy(merge, interface, source, implementer)
        for subgraph, source in objects:
            local = ", ".join(t.name for t in implementers if t.name in subgraph.types)
            if local:
                why = f"is an @interfaceObject here, so its implementation {local} cannot be defined here too."
                merge.report_in(subgraph, codes.INTERFACE_OBJECT_USAGE_ERROR, source, interface.name, why)
        _check_keys(merge, interface, implementers)


def _copy(merge: Merge, interface: Type, source: Type, implementer: Type) -> None:
    for name in source.fields:
        merged = interface.fields.get(name)
        if merged is not None and name not in implementer.fields:
            _check_sharing(merge, implementer.name, name)
            implementer.fields[name] = replace(merged, join=["@join__field"])


def _check_sharing(merge: Merge, type_name: str, field_name: str) -> None:
    """Two interface objects may both bring a field to one type only if it is @shareable in both."""
    sources = merge.interface_object_sources(type_name, field_name)
    closed = dict.fromkeys(s.name for s, member in sources if not member.is_shareable)
    if len(sources) > 1 and closed:
        origin = f"comes from several @interfaceObject types, of {named(s for s, _ in sources)}"
        why = f"{origin}, but is not @shareable in {named(closed)}."
        merge.report(codes.INVALID_FIELD_SHARING, f"{type_name}.{field_name}", why, sources)


def _check_keys(merge: Merge, interface: Type, implementers: list[Type]) -> None:
    """A subgraph that can be entered by the interface knows all that the interface can be."""
    for subgraph, source in merge.sources(interface.name):
        if source.kind is not TypeKind.INTERFACE or not source.resolvable_keys:
            continue
        missing = {t.name for t in implementers}.difference(subgraph.possible_types(interface.name))
        if missing:
            holders = named(s for s in merge.subgraphs if not missing.isdisjoint(s.possible_types(interface.name)))
            told = f"so all of its implementations must be here too: {', '.join(sorted(missing))} of {holders} would"
            why = f"is an interface with a resolvable @key here, {told} be unknown."
            merge.report_in(subgraph, codes.INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE, source, interface.name, why)
