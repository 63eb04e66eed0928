"""Input objects and enums: what clients send must be understood by every subgraph, what they receive by one."""

from collections.abc import Mapping

from gateway.composition import codes, hints
from gateway.composition.merging.fields import FIELD_TYPES, merge_default, merge_type, report_missing
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.merging.types import merge_description
from gateway.supergraph.elements import Member, Type
from gateway.supergraph.join_writing import join_directive

_FIELD_PRESENCE = codes.REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH, hints.INCONSISTENT_INPUT_OBJECT_FIELD


def merge_input(merge: Merge, merged: Type, type_sources: Sources[Type], fields: Mapping[str, Sources[Member]]) -> None:
    """Fill an input object with the fields that all subgraphs know."""
    name = merged.name
    for field_name, sources in fields.items():
        coordinate = f"{name}.{field_name}"
        merged_type, uniform = merge_type(merge, coordinate, sources, FIELD_TYPES, is_input=True)
        if len(sources) < len(type_sources):
            report_missing(merge, coordinate, sources, type_sources, _FIELD_PRESENCE)
            continue
        member = Member(field_name, merged_type, description=merge_description(merge, coordinate, sources))
        member.default = merge_default(merge, coordinate, sources, codes.INPUT_FIELD_DEFAULT_MISMATCH)
        if not uniform:
            member.join = [join_directive("field", merge.graphs[s.name], type=m.type) for s, m in sources]
        merged.fields[field_name] = member
    if not merged.fields and any(t.fields for _, t in type_sources):
        why = f"has no field that all of {named(s for s, _ in type_sources)} know."
        merge.report(codes.EMPTY_MERGED_INPUT_TYPE, name, why, type_sources)


def merge_enum(
    merge: Merge, merged: Type, type_sources: Sources[Type], as_input: str | None, as_output: str | None
) -> None:
    """Fill an enum; ``as_input`` and ``as_output`` are coordinates where it is sent and received."""
    name = merged.name
    if as_input is None and as_output is None:
        why = "is an enum that is used nowhere; the values of all subgraphs are kept."
        merge.report(hints.UNUSED_ENUM_TYPE, name, why, type_sources)
    for value_name in dict.fromkeys(v for _, t in type_sources for v in t.values):
        coordinate = f"{name}.{value_name}"
        sources = [(s, t.values[value_name]) for s, t in type_sources if value_name in t.values]
        missing = [s for s, t in type_sources if value_name not in t.values]
        # A value that clients never see cannot be sent, so it need not be known everywhere.
        if missing and not any(v.has("inaccessible") for _, v in sources):
            without = f"does not exist in {named(missing)}"
            if as_input and as_output:
                told = f"yet {name} is both sent ({as_input}) and received ({as_output})"
                why = f"{without}, {told}, so all subgraphs must have the same values."
                merge.report(codes.ENUM_VALUE_MISMATCH, coordinate, why, sources)
            elif as_input:
                why = f"{without}, so clients cannot send it."
                merge.report(hints.INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM, coordinate, why, sources)
                continue
            else:
                why = f"{without}; clients may receive it all the same."
                merge.report(hints.INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM, coordinate, why, sources)
        value = Member(value_name, description=merge_description(merge, coordinate, sources))
        value.join = [join_directive("enumValue", merge.graphs[s.name]) for s, _ in sources]
        merged.values[value_name] = value
    if not merged.values:
        told = by_value((s, "/".join(t.values)) for s, t in type_sources)
        why = f"is an enum that clients send, but no value is common to all: {told}."
        merge.report(codes.EMPTY_MERGED_ENUM_TYPE, name, why, type_sources)
