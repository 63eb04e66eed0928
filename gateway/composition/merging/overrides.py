"""@override: which fields are taken over from which subgraph, at once or by and by (``label``)."""

import difflib
import re

from gateway.composition import codes, hints
from gateway.composition.merging.state import Merge, Override
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type
from gateway.supergraph.model import TypeKind

_LABEL = re.compile(r"^[a-zA-Z][a-zA-Z0-9_\-:./]*$")
_PERCENT = re.compile(r"^percent\((\d{1,2}(\.\d{1,8})?|100)\)$")


def merge_overrides(merge: Merge) -> None:
    """Check every @override and note what it means for both subgraphs."""
    by_name = {subgraph.name: subgraph for subgraph in merge.subgraphs}
    for subgraph in merge.subgraphs:
        for definition in subgraph.types.values():
            for member in definition.fields.values():
                for applied in member.applied("override"):
                    _apply(merge, by_name, subgraph, definition, member, applied)


def _apply(
    merge: Merge, by_name: dict[str, Subgraph], subgraph: Subgraph, definition: Type, member: Member, applied: Applied
) -> None:
    coordinate = f"{definition.name}.{member.name}"
    origin, label = applied.value("from"), applied.value("label")
    here = [(subgraph, member)]
    if definition.kind is TypeKind.INTERFACE:
        merge.report(
            codes.OVERRIDE_ON_INTERFACE,
            f"[{subgraph.name}] {coordinate}: @override works on fields of object types alone.",
            coordinate,
            sources=here,
        )
        return
    if origin == subgraph.name:
        merge.report(
            codes.OVERRIDE_FROM_SELF_ERROR,
            f"[{subgraph.name}] {coordinate} is said to override itself: `from` names its own subgraph.",
            coordinate,
            sources=here,
        )
        return
    if label is not None and not (_LABEL.match(label) or _PERCENT.match(label)):
        merge.report(
            codes.OVERRIDE_LABEL_INVALID,
            f"[{subgraph.name}] {coordinate}: {label!r} is no label: it must begin with a letter and go on "
            "with letters, "
            "digits or _-:./, or be percent(x) with x from 0 to 100.",
            coordinate,
            sources=here,
        )
    other = by_name.get(origin)
    if _on_interface_object(merge, subgraph, definition, member, other, coordinate):
        return
    if other is None:
        merge.report(
            hints.FROM_SUBGRAPH_DOES_NOT_EXIST,
            f"{coordinate} in {subgraph.name} overrides a field of {origin!r}, but there is no such subgraph."
            f"{_nearest(origin, by_name)}",
            coordinate,
            sources=here,
        )
        merge.overrides[subgraph.name, definition.name, member.name] = Override(source=origin, is_known=False)
        return
    theirs = other.types[definition.name].fields.get(member.name) if definition.name in other.types else None
    if theirs is None:
        merge.report(
            hints.OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
            f"{coordinate} is no longer in {origin}: the @override in {subgraph.name} can be removed.",
            coordinate,
            sources=here,
        )
        merge.overrides[subgraph.name, definition.name, member.name] = Override(source=origin, is_known=False)
        return
    own = merge.overrides.setdefault((subgraph.name, definition.name, member.name), Override())
    own.source, own.label = origin, label
    _take_over(merge, subgraph, other, coordinate, member, theirs, label)


def _on_interface_object(
    merge: Merge, subgraph: Subgraph, definition: Type, member: Member, other: Subgraph | None, coordinate: str
) -> bool:
    """Fields that reach a type through an @interfaceObject can neither override nor be overridden."""
    if definition.has("interfaceObject"):
        why = f"{definition.name} is an @interfaceObject there"
    elif other is not None and _comes_by_interface(other, merge, definition.name, member.name):
        why = f"{other.name} has the field by an @interfaceObject"
    else:
        return False
    merge.report(
        codes.OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
        f"[{subgraph.name}] {coordinate} cannot be overridden: {why}.",
        coordinate,
        sources=[(subgraph, member)],
    )
    return True


def _comes_by_interface(other: Subgraph, merge: Merge, type_name: str, field_name: str) -> bool:
    if type_name in other.types:
        return False
    return any(
        t.has("interfaceObject") and field_name in t.fields
        for interface in merge.types[type_name].interfaces
        if (t := other.types.get(interface)) is not None
    )


def _nearest(name: str, known: dict[str, Subgraph]) -> str:
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _take_over(
    merge: Merge, subgraph: Subgraph, other: Subgraph, coordinate: str, ours: Member, theirs: Member, label: str | None
) -> None:
    type_name, _, field_name = coordinate.partition(".")
    both = [(subgraph, ours), (other, theirs)]
    if theirs.has("override"):
        merge.report(
            codes.OVERRIDE_SOURCE_HAS_OVERRIDE,
            f"{coordinate} is overridden in {subgraph.name} from {other.name}, where it has an @override itself.",
            coordinate,
            sources=both,
        )
        return
    for holder, element, identities in (
        (subgraph, ours, ("external",)),
        (other, theirs, ("provides", "requires")),
    ):
        for applied in element.directives:
            if applied.identity in identities:
                merge.report(
                    codes.OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    f"{coordinate} cannot be overridden in {subgraph.name}: in {holder.name} it carries "
                    f"@{applied.name}.",
                    coordinate,
                    sources=both,
                )
                return
    merge.overrides[subgraph.name, type_name, field_name].is_gated = label is not None
    facts = merge.facts[other.name]
    if facts.is_external(type_name, field_name):
        merge.report(
            hints.OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
            f"{coordinate} is @external in {other.name}: the @override in {subgraph.name} can be removed.",
            coordinate,
            sources=both,
        )
        return
    used = facts.is_used(type_name, field_name)
    state = merge.overrides.setdefault((other.name, type_name, field_name), Override())
    state.taken_over, state.used, state.label = True, used, label
    if label is None:
        how = (
            "it is still used there in a field set or by an interface, and should be marked @external."
            if used
            else "it can be removed there."
        )
        merge.report(
            hints.OVERRIDDEN_FIELD_CAN_BE_REMOVED,
            f"{coordinate} of {other.name} is taken over by {subgraph.name}: {how}",
            coordinate,
            sources=both,
        )
    else:
        merge.report(
            hints.OVERRIDE_MIGRATION_IN_PROGRESS,
            f"{coordinate} is moving from {other.name} to {subgraph.name} by @override(label:); once done, remove it "
            f"from {other.name}.",
            coordinate,
            sources=both,
        )
