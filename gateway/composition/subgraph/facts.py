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
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    parse,
    print_ast,
)

from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, named_type
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

MAX_FIELD_SET_DEPTH = 30
CONTEXT_FIELD = re.compile(r"^\s*\$\s*(\w+)(.*)$", re.DOTALL)
"""``field`` of @fromContext: the name of the context, and what is selected from it."""


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


@lru_cache(maxsize=20_000)
def field_set_text(text: str) -> str:
    """The field set on one line, as supergraphs write it: ``id organisation { id }``."""
    return _one_line(field_set_node(text))


def _one_line(node: SelectionSetNode) -> str:
    written = []
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            alias = f"{selection.alias.value}: " if selection.alias else ""
            arguments = ", ".join(print_ast(argument) for argument in parts(selection, "arguments"))
            head = f"{alias}{selection.name.value}({arguments})" if arguments else f"{alias}{selection.name.value}"
            written.append(f"{head} {{ {_one_line(selection.selection_set)} }}" if selection.selection_set else head)
        elif isinstance(selection, InlineFragmentNode):
            condition = f"... on {selection.type_condition.name.value}" if selection.type_condition else "..."
            written.append(f"{condition} {{ {_one_line(selection.selection_set)} }}")
    return " ".join(written)


def selected_fields(
    subgraph: Subgraph, parent: str, node: SelectionSetNode
) -> Iterator[tuple[Type, Member, FieldNode]]:
    """Every field that the field set selects on ``parent``, nested ones included; unknown ones are passed over."""
    definition = subgraph.types.get(parent)
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            member = definition.fields.get(selection.name.value) if definition else None
            if definition is None or member is None:
                continue
            yield definition, member, selection
            if selection.selection_set:
                yield from selected_fields(subgraph, named_type(member.type), selection.selection_set)
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else parent
            yield from selected_fields(subgraph, condition, selection.selection_set)


def fields_argument(applied: Applied) -> str | None:
    """The ``fields`` of @key, @requires or @provides; None when it is no string."""
    node = applied.arguments.get("fields")
    return node.value if isinstance(node, StringValueNode) else None


def is_contextual(argument: Member) -> bool:
    """Whether the argument is filled by @fromContext."""
    return argument.has("fromContext")


@dataclass(slots=True)
class Facts:
    """Pairs of type and field names with what they are in this subgraph.

    ``in_keys`` are the fields of keys at any depth, ``provided`` those some @provides mentions, ``used`` those that any
    field set mentions or an interface demands; ``not_external`` are marked @external only because Federation 1 asked
    extensions to repeat their keys so.
    """

    subgraph: Subgraph
    in_keys: set[tuple[str, str]] = field(default_factory=set)
    provided: set[tuple[str, str]] = field(default_factory=set)
    required: set[tuple[str, str]] = field(default_factory=set)
    from_context: set[tuple[str, str]] = field(default_factory=set)
    not_external: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, subgraph: Subgraph) -> "Facts":
        """Work them out; broken field sets are passed over, for validation reports them."""
        facts = cls(subgraph)
        for definition in subgraph.types.values():
            extends = (definition.is_extended and not definition.is_defined) or definition.has("extends")
            for applied in definition.applied("key"):
                for pair in facts._pairs(definition.name, applied):
                    facts.in_keys.add(pair)
                    if extends and facts._marked_external(*pair):
                        facts.not_external.add(pair)
            for member in definition.fields.values():
                for applied in member.directives:
                    if applied.identity == "provides":
                        facts.provided.update(facts._pairs(named_type(member.type), applied, implementers=True))
                    elif applied.identity == "requires":
                        facts.required.update(facts._pairs(definition.name, applied, implementers=True))
                for argument in member.arguments.values():
                    for applied in argument.applied("fromContext"):
                        facts._add_context(applied)
        return facts

    def _pairs(self, parent: str, applied: Applied, implementers: bool = False) -> Iterator[tuple[str, str]]:
        text = fields_argument(applied)
        if text is None:
            return
        try:
            node = field_set_node(text)
        except FieldSetSyntaxError:
            return
        for definition, member, _ in selected_fields(self.subgraph, parent, node):
            yield definition.name, member.name
            if definition.kind is TypeKind.INTERFACE and implementers:
                for implementer in self.subgraph.implementers(definition.name):
                    yield implementer.name, member.name

    def _add_context(self, applied: Applied) -> None:
        match = CONTEXT_FIELD.match(str(applied.value("field", "")))
        if match is None:
            return
        name = match[1]
        try:
            node = field_set_node(match[2].strip())
        except FieldSetSyntaxError:
            return
        for definition in self.subgraph.types.values():
            if any(context.value("name") == name for context in definition.applied("context")):
                for found, member, _ in selected_fields(self.subgraph, definition.name, node):
                    self.from_context.add((found.name, member.name))

    def _marked_external(self, type_name: str, field_name: str) -> bool:
        member = self.subgraph.types[type_name].fields[field_name]
        return member.external_by_type or member.has("external")

    def is_external(self, type_name: str, field_name: str) -> bool:
        """Whether the field is declared here but resolved elsewhere."""
        return (type_name, field_name) not in self.not_external and self._marked_external(type_name, field_name)

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
        if pair in self.in_keys or pair in self.provided or pair in self.required or pair in self.from_context:
            return True
        return self.is_demanded(type_name, field_name)

    def is_demanded(self, type_name: str, field_name: str) -> bool:
        """Whether an interface that the type implements here has the field."""
        for name in self.subgraph.types[type_name].interfaces:
            interface = self.subgraph.types.get(name)
            if interface is not None and field_name in interface.fields:
                return True
        return False
