"""What is in each type of the supergraph: fields, values and directives.

A type's content follows from its declarations, those of its interfaces, what @override says of its fields, the names of
directives, and, for an enum, from where it is used. Where a type of a field has to be held against another one, it
follows from more, and is merged anew each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from gateway.composition.merging.applied import DirectiveMerge
from gateway.composition.merging.fields import merge_fields
from gateway.composition.merging.inputs import merge_enum, merge_input
from gateway.composition.merging.state import Merge, by_field
from gateway.supergraph.elements import Type, named_type
from gateway.supergraph.model import TypeKind


@dataclass(frozen=True, slots=True)
class _Content:
    """A complete type, the identities of its directives, and of a type it uses one coordinate as input and output."""

    merged: Type
    identities: set[str]
    uses: Mapping[tuple[str, bool], str]


def merge_content(merge: Merge, directives: DirectiveMerge) -> None:
    """Fill every type of the supergraph; enums last, for their rule depends on where they are used."""
    names = directives.names, directives.composed
    names = merge.memory.recall("directives", "", names, merge.log, lambda: names)
    overrides: dict[str, list[object]] = {}
    for (subgraph, type_name, field_name), override in merge.overrides.items():
        overrides.setdefault(type_name, []).append((subgraph, field_name, override))
    uses: dict[tuple[str, bool], str] = {}
    shallow = dict(merge.types)
    for name, definition in sorted(shallow.items(), key=lambda item: item[1].kind is TypeKind.ENUM):
        beside = [pair for interface in definition.interfaces for pair in merge.sources(interface)]
        is_enum = definition.kind is TypeKind.ENUM
        usage = [uses.get((name, is_input)) if is_enum else None for is_input in (True, False)]
        ground = definition, merge.sources(name), beside, overrides.get(name), names, usage
        make, compared = partial(_content, merge, directives, definition, *usage), merge.compared
        content = merge.memory.recall("content", name, ground, merge.log, make)
        if merge.compared != compared:
            merge.memory.forget("content", name)
        merge.types[name] = _changeable(content.merged)
        directives.used |= content.identities
        for use, coordinate in content.uses.items():
            uses.setdefault(use, coordinate)


def _changeable(merged: Type) -> Type:
    """The type as later rules may change it: what an interface is and which fields it and an implementation have."""
    is_changed = merged.kind is TypeKind.INTERFACE or merged.interfaces
    return replace(merged, fields=dict(merged.fields)) if is_changed else merged


def _content(
    merge: Merge, directives: DirectiveMerge, shallow: Type, as_input: str | None, as_output: str | None
) -> _Content:
    merged = replace(shallow, fields={}, values={}, directives=[])
    sources = merge.sources(merged.name)
    fields = by_field(sources)
    if merged.kind in (TypeKind.OBJECT, TypeKind.INTERFACE):
        merge_fields(merge, merged, sources, fields)
    elif merged.kind is TypeKind.INPUT_OBJECT:
        merge_input(merge, merged, sources, fields)
    elif merged.kind is TypeKind.ENUM:
        merge_enum(merge, merged, sources, as_input, as_output)
    of_type = replace(directives, used=set())
    of_type.apply(merged, sources, fields)
    uses: dict[tuple[str, bool], str] = {}
    for member in merged.fields.values():
        coordinate = f"{merged.name}.{member.name}"
        uses.setdefault((named_type(member.type), merged.kind is TypeKind.INPUT_OBJECT), coordinate)
        for argument in member.arguments.values():
            uses.setdefault((named_type(argument.type), True), f"{coordinate}({argument.name}:)")
    return _Content(merged, of_type.used, uses)
