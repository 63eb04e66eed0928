"""After merging: implementations still have what their interfaces promise, and requirements still fit their fields."""

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition import codes
from gateway.composition.merging.state import Merge, named
from gateway.composition.subgraph.facts import field_set_of
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import is_required, named_type
from gateway.supergraph.features import parts
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


def check_requirements(merge: Merge) -> None:
    """What @requires gives as arguments must be known, and enough, wherever the required field is resolved."""
    for subgraph in merge.subgraphs:
        for definition, member in merge.annotated(subgraph):
            for applied in member.applied("requires"):
                node = field_set_of(applied)
                for parent, selection in _selected(merge, definition.name, node) if node else ():
                    needing = f"as {definition.name}.{member.name} of {subgraph.name} requires it"
                    _check_arguments(merge, subgraph, parent, selection, needing)


def _selected(merge: Merge, parent: str, node: SelectionSetNode) -> Iterator[tuple[str, FieldNode]]:
    for selection in node.selections:
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else parent
            yield from _selected(merge, condition, selection.selection_set)
        elif isinstance(selection, FieldNode):
            yield parent, selection
            merged = merge.types[parent].fields.get(selection.name.value) if parent in merge.types else None
            if selection.selection_set is not None and merged is not None:
                yield from _selected(merge, named_type(merged.type), selection.selection_set)


def _check_arguments(merge: Merge, subgraph: Subgraph, parent: str, node: FieldNode, needing: str) -> None:
    name = node.name.value
    given = {argument.name.value for argument in parts(node, "arguments")}
    for other, definition in merge.sources(parent):
        theirs = definition.fields.get(name)
        if theirs is None or other is subgraph or merge.facts[other.name].is_external(parent, name):
            continue
        coordinate = f"{parent}.{name}"
        for missing in [a for a in theirs.arguments.values() if is_required(a) and a.name not in given]:
            why = f"needs argument {missing.name} in {other.name}, which is not given {needing}."
            merge.report(codes.REQUIRES_INVALID_FIELDS, coordinate, why, [(other, missing)])
        for extra in sorted(given - theirs.arguments.keys()):
            why = f"has no argument {extra} in {other.name}, which is given {needing}."
            merge.report(codes.REQUIRES_INVALID_FIELDS, coordinate, why, [(other, theirs)])
