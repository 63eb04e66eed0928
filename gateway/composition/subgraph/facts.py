"""What the federation directives of one subgraph amount to: which fields are keys, external, provided, required.

Merging, validation and satisfiability all ask the same few questions of a field (can this subgraph answer it? may
others answer it too?). What they follow from is noted at the fields here, once per subgraph.
"""

import re
from collections.abc import Iterator

from graphql import print_ast
from graphql.language import ast

from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, DirectiveDeclaration, Member, Type, TypeSystem, Use, named_type
from gateway.supergraph.field_set import FieldSetSyntaxError, selection_set
from gateway.supergraph.model import TypeKind

_CONTEXT_FIELD = re.compile(r"^\s*\$\s*(\w+)(.*)$", re.DOTALL)


def field_set_text(node: ast.Node) -> str:
    """A selection on one line, as supergraphs write it: ``id organisation { id }``."""
    return re.sub(r"\s*\n\s*", " ", print_ast(node))


def selected_fields(
    system: TypeSystem, parent: str, node: ast.SelectionSetNode
) -> Iterator[tuple[Type, Member, ast.FieldNode]]:
    """Every field that the field set selects on ``parent``, nested ones included; unknown ones are passed over."""
    definition = system.types.get(parent)
    for selection in node.selections:
        if isinstance(selection, ast.FieldNode):
            member = definition.fields.get(selection.name.value) if definition else None
            if definition is None or member is None:
                continue
            yield definition, member, selection
            if selection.selection_set:
                yield from selected_fields(system, named_type(member.type), selection.selection_set)
        elif isinstance(selection, ast.InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else parent
            yield from selected_fields(system, condition, selection.selection_set)


def fields_argument(applied: Applied) -> str | None:
    """The ``fields`` of @key, @requires or @provides; None when it is no string."""
    node = applied.arguments.get("fields")
    return node.value if isinstance(node, ast.StringValueNode) else None


def field_set_of(applied: Applied) -> ast.SelectionSetNode:
    """The field set of @key, @requires or @provides; an empty one when it is none, which validation reports."""
    try:
        return selection_set(fields_argument(applied) or "")
    except FieldSetSyntaxError:
        return ast.SelectionSetNode(selections=())


def context_of(applied: Applied) -> tuple[str, str]:
    """The context that a @fromContext names, and what it selects there; both empty if ``field`` is not of that form."""
    match = _CONTEXT_FIELD.match(str(applied.value("field") or ""))
    return (match[1], match[2]) if match else ("", "")


def context_places(subgraph: Subgraph, applied: Applied) -> Iterator[tuple[Type, ast.SelectionSetNode]]:
    """The types that a @fromContext may read from, each with what is selected; none when it is broken."""
    name, selection = context_of(applied)
    try:
        node = selection_set(selection.strip())
    except FieldSetSyntaxError:
        return
    for definition in subgraph.types.values():
        if any(setting.value("name") == name for setting in definition.applied("context")):
            yield definition, node


def contextual(declared: Member | DirectiveDeclaration) -> Iterator[tuple[Member, Applied]]:
    """The arguments that are filled by @fromContext, each with that."""
    return ((argument, each) for argument in declared.arguments.values() for each in argument.applied("fromContext"))


def is_contextual(argument: Member) -> bool:
    """Whether the argument is filled by @fromContext."""
    return argument.has("fromContext")


def mark_uses(subgraph: Subgraph) -> None:
    """Note at every field what mentions it; broken field sets are passed over, for validation reports them."""
    for _, member in subgraph.fields():
        member.uses = Use.NONE
    for definition in subgraph.types.values():
        for applied in definition.applied("key"):
            for _, member, _ in selected_fields(subgraph, definition.name, field_set_of(applied)):
                member.uses |= Use.KEY
                # Federation 1 asked extensions to repeat their keys as @external, which they are not.
                member.external = member.external and not definition.is_extension
    for definition, member in subgraph.fields():
        for applied in member.directives:
            if applied.identity == "provides":
                _mark(subgraph, named_type(member.type), applied, Use.PROVIDED)
            elif applied.identity == "requires":
                _mark(subgraph, definition.name, applied, Use.SELECTED)
        for _, applied in contextual(member):
            for holder, node in context_places(subgraph, applied):
                for _, selected, _ in selected_fields(subgraph, holder.name, node):
                    selected.uses |= Use.SELECTED


def _mark(subgraph: Subgraph, parent: str, applied: Applied, use: Use) -> None:
    """With the fields of implementers where those of an interface are selected."""
    for definition, member, _ in selected_fields(subgraph, parent, field_set_of(applied)):
        for each in (member, *implementing(subgraph, definition, member.name)):
            each.uses |= use


def implementing(subgraph: Subgraph, definition: Type, name: str) -> list[Member]:
    """The fields of implementations, if ``definition`` is an interface."""
    types = subgraph.implementers(definition.name) if definition.kind is TypeKind.INTERFACE else ()
    return [implementer.fields[name] for implementer in types if name in implementer.fields]


def is_used(subgraph: Subgraph, definition: Type, member: Member) -> bool:
    """Whether any field set mentions the field, or an interface of the type demands it."""
    interfaces = (subgraph.types.get(name) for name in definition.interfaces)
    return bool(member.uses) or any(known is not None and member.name in known.fields for known in interfaces)
