"""After merging: implementations still have what their interfaces promise, and requirements still fit their fields."""

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition import codes
from gateway.composition.merging.state import Merge, named
from gateway.composition.subgraph.facts import field_set_node, fields_argument
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import is_required, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind


def check_implementations(merge: Merge) -> None:
    """A type that implements an interface in one subgraph must have the fields another gives the interface."""
    for definition in merge.types.values():
        if definition.kind not in (TypeKind.OBJECT, TypeKind.INTERFACE):
            continue
        for name in definition.interfaces:
            interface = merge.types.get(name)
            for field_name in interface.fields if interface is not None else ():
                if field_name in definition.fields:
                    continue
                declaring = [s for s, t in merge.sources(name) if field_name in t.fields]
                implementing = [s for s, t in merge.sources(definition.name) if name in t.interfaces]
                merge.report(
                    codes.INTERFACE_FIELD_NO_IMPLEM,
                    f"{definition.name} implements {name} ({named(implementing)}), but has no field "
                    f"{field_name}, which "
                    f"{named(declaring)} declares on the interface.",
                    f"{name}.{field_name}",
                    definition.name,
                    sources=merge.sources(definition.name),
                )


def check_requirements(merge: Merge) -> None:
    """What @requires gives as arguments must be known, and enough, wherever the required field is resolved."""
    for subgraph in merge.subgraphs:
        for definition in subgraph.types.values():
            for member in definition.fields.values():
                for applied in member.applied("requires"):
                    text = fields_argument(applied)
                    if text is not None:
                        where = f"@requires of {definition.name}.{member.name} in {subgraph.name}"
                        _check_selection(merge, subgraph, definition.name, field_set_node(text), where)


def _check_selection(merge: Merge, subgraph: Subgraph, parent: str, node: SelectionSetNode, where: str) -> None:
    for selection in node.selections:
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else parent
            _check_selection(merge, subgraph, condition, selection.selection_set, where)
        elif isinstance(selection, FieldNode):
            name = selection.name.value
            given = {argument.name.value for argument in parts(selection, "arguments")}
            for other, definition in merge.sources(parent):
                theirs = definition.fields.get(name)
                if theirs is None or other is subgraph or merge.facts[other.name].is_external(parent, name):
                    continue
                coordinate = f"{parent}.{name}"
                for missing in [a for a in theirs.arguments.values() if is_required(a) and a.name not in given]:
                    merge.report(
                        codes.REQUIRES_INVALID_FIELDS,
                        f"{where}: {coordinate} needs argument {missing.name} in {other.name}.",
                        coordinate,
                        sources=[(other, missing)],
                    )
                for extra in sorted(given - theirs.arguments.keys()):
                    merge.report(
                        codes.REQUIRES_INVALID_FIELDS,
                        f"{where}: {coordinate} has no argument {extra} in {other.name}.",
                        coordinate,
                        sources=[(other, theirs)],
                    )
            merged = merge.types[parent].fields.get(name) if parent in merge.types else None
            if selection.selection_set is not None and merged is not None:
                _check_selection(merge, subgraph, named_type(merged.type), selection.selection_set, where)
