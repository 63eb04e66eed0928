"""What the federation directives of one subgraph amount to: which fields are keys, external, provided, required.

Merging, validation and satisfiability all ask the same few questions of a field (can this subgraph answer it? may
others answer it too?). They are answered here, once per subgraph.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from graphql import (
    FieldNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    parse,
    print_ast,
)

from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, TypeSystem, named_type
from gateway.supergraph.model import TypeKind

MAX_FIELD_SET_DEPTH = 30
_CONTEXT_FIELD = re.compile(r"^\s*\$\s*(\w+)(.*)$", re.DOTALL)


class FieldSetSyntaxError(Exception):
    """The text of a field set is no selection set."""


@lru_cache(maxsize=20_000)
def field_set_node(text: str) -> SelectionSetNode:
    """The selection set that a ``fields`` argument holds. Raises FieldSetSyntaxError."""
    body = text if text.strip().startswith("{") else "{" + text + "}"
    if body.count("{") > MAX_FIELD_SET_DEPTH:
        raise FieldSetSyntaxError(f"it is nested deeper than {MAX_FIELD_SET_DEPTH} levels.")
    try:
        document = parse(body, no_location=True)
    except GraphQLSyntaxError as error:
        raise FieldSetSyntaxError(error.message) from error
    operation = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(operation, OperationDefinitionNode):
        raise FieldSetSyntaxError("it is not one selection of fields.")
    return operation.selection_set


def field_set_text(node: Node) -> str:
    """A selection on one line, as supergraphs write it: ``id organisation { id }``."""
    return re.sub(r"\s*\n\s*", " ", print_ast(node))


def selected_fields(
    system: TypeSystem, parent: str, node: SelectionSetNode
) -> Iterator[tuple[Type, Member, FieldNode]]:
    """Every field that the field set selects on ``parent``, nested ones included; unknown ones are passed over."""
    definition = system.types.get(parent)
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            member = definition.fields.get(selection.name.value) if definition else None
            if definition is None or member is None:
                continue
            yield definition, member, selection
            if selection.selection_set:
                yield from selected_fields(system, named_type(member.type), selection.selection_set)
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else parent
            yield from selected_fields(system, condition, selection.selection_set)


def fields_argument(applied: Applied) -> str | None:
    """The ``fields`` of @key, @requires or @provides; None when it is no string."""
    node = applied.arguments.get("fields")
    return node.value if isinstance(node, StringValueNode) else None


def field_set_of(applied: Applied) -> SelectionSetNode | None:
    """The field set of @key, @requires or @provides; None when it is none, which validation reports."""
    text = fields_argument(applied)
    try:
        return field_set_node(text) if text is not None else None
    except FieldSetSyntaxError:
        return None


def context_of(applied: Applied) -> tuple[str, str] | None:
    """The context that a @fromContext names, and what it selects there; None when ``field`` is not of that form."""
    match = _CONTEXT_FIELD.match(str(applied.value("field") or ""))
    return (match[1], match[2]) if match else None


def context_places(subgraph: Subgraph, applied: Applied) -> Iterator[tuple[Type, SelectionSetNode]]:
    """The types that a @fromContext may read from, each with what is selected; none when it is broken."""
    name, selection = context_of(applied) or ("", "")
    try:
        node = field_set_node(selection.strip())
    except FieldSetSyntaxError:
        return
    for definition in subgraph.types.values():
        if any(setting.value("name") == name for setting in definition.applied("context")):
            yield definition, node


def is_contextual(argument: Member) -> bool:
    """Whether the argument is filled by @fromContext."""
    return argument.has("fromContext")


@dataclass(slots=True)
class Facts:
    """Pairs of type and field names with what they are in this subgraph.

    ``in_keys`` are the fields of keys at any depth, ``provided`` those some @provides mentions, ``selected`` those that
    @requires or @fromContext mention; ``not_external`` are marked @external only because Federation 1 asked extensions
    to repeat their keys so.
    """

    subgraph: Subgraph
    in_keys: set[tuple[str, str]] = field(default_factory=set)
    provided: set[tuple[str, str]] = field(default_factory=set)
    selected: set[tuple[str, str]] = field(default_factory=set)
    not_external: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, subgraph: Subgraph) -> "Facts":
        """Work them out; broken field sets are passed over, for validation reports them."""
        facts = cls(subgraph)
        for definition in subgraph.types.values():
            for applied in definition.applied("key"):
                pairs = set(facts._pairs(definition.name, field_set_of(applied)))
                facts.in_keys |= pairs
                if definition.is_extension:
                    facts.not_external.update(pair for pair in pairs if facts._marked_external(*pair))
        for definition, member in subgraph.fields():
            for applied in member.directives:
                if applied.identity == "provides":
                    facts.provided.update(facts._all_pairs(named_type(member.type), applied))
                elif applied.identity == "requires":
                    facts.selected.update(facts._all_pairs(definition.name, applied))
            for argument in member.arguments.values():
                for applied in argument.applied("fromContext"):
                    for holder, node in context_places(subgraph, applied):
                        facts.selected.update(facts._pairs(holder.name, node))
        return facts

    def _pairs(self, parent: str, node: SelectionSetNode | None) -> Iterator[tuple[str, str]]:
        if node is not None:
            for definition, member, _ in selected_fields(self.subgraph, parent, node):
                yield definition.name, member.name

    def _all_pairs(self, parent: str, applied: Applied) -> Iterator[tuple[str, str]]:
        """With the fields of implementers where those of an interface are selected."""
        for type_name, field_name in self._pairs(parent, field_set_of(applied)):
            yield type_name, field_name
            if self.subgraph.types[type_name].kind is TypeKind.INTERFACE:
                yield from ((implementer.name, field_name) for implementer in self.subgraph.implementers(type_name))

    def _marked_external(self, type_name: str, field_name: str) -> bool:
        member = self.subgraph.types[type_name].fields[field_name]
        return member.external_by_type or member.has("external")

    def is_external(self, type_name: str, field_name: str) -> bool:
        """Whether the field is declared here but resolved elsewhere."""
        return (type_name, field_name) not in self.not_external and self._marked_external(type_name, field_name)

    def is_external_somewhere(self, type_name: str, field_name: str) -> bool:
        """Whether the field, or for an interface that of an implementation, is resolved elsewhere."""
        if self.is_external(type_name, field_name):
            return True
        if self.subgraph.types[type_name].kind is not TypeKind.INTERFACE:
            return False
        implementers = self.subgraph.implementers(type_name)
        return any(field_name in t.fields and self.is_external(t.name, field_name) for t in implementers)

    def resolves(self, type_name: str, field_name: str) -> bool:
        """Whether this subgraph can answer the field on some path at least."""
        return not self.is_external(type_name, field_name) or (type_name, field_name) in self.provided

    def is_shareable(self, type_name: str, field_name: str) -> bool:
        """Whether others may resolve the field too: marked so, or part of a key."""
        member = self.subgraph.types[type_name].fields[field_name]
        return member.shareable_by_type or member.has("shareable") or (type_name, field_name) in self.in_keys

    def is_used(self, type_name: str, field_name: str) -> bool:
        """Whether any field set mentions the field, or an interface of the type demands it."""
        pair = (type_name, field_name)
        if pair in self.in_keys or pair in self.provided or pair in self.selected:
            return True
        return self.is_demanded(type_name, field_name)

    def is_demanded(self, type_name: str, field_name: str) -> bool:
        """Whether an interface that the type implements here has the field."""
        interfaces = (self.subgraph.types.get(name) for name in self.subgraph.types[type_name].interfaces)
        return any(interface is not None and field_name in interface.fields for interface in interfaces)
