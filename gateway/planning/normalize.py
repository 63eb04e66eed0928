"""From a validated document to an Operation: the form in which equal requests are equal.

Fragments are inlined where the enclosing type always satisfies them, and dropped where it never can; @skip and
@include are decided; fields under one response key are merged; literals become variables; variables are named in the
order of their first use. What is left is what a plan depends on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import cast

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_input_object_type,
    is_list_type,
    is_scalar_type,
    print_ast,
    specified_scalar_types,
)
from graphql.utilities import value_from_ast_untyped

from gateway.errors import BAD_REQUEST, PLAN_LIMIT, CodedError
from gateway.planning.operation import (
    Argument,
    FieldSelection,
    FragmentSelection,
    Operation,
    OperationKind,
    Refused,
    Selection,
    VariableDefinition,
)
from gateway.planning.wanted import print_value

MOST_SELECTIONS = 20_000
"""Selections visited while fragments are inlined; fragments within fragments can multiply without end."""


def normalize(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: Mapping[str, object]
) -> Operation:
    """Normalise one operation of ``document``, which must be valid against ``schema``.

    ``variables`` are the client's, as sent; only those of @skip and @include are looked at. Raises CodedError
    BAD_REQUEST (no such operation, a condition that is not a boolean) or PLAN_LIMIT.
    """
    definition = choose_operation(document, operation_name)
    reader = _Normalizer(
        schema=schema,
        fragments={node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)},
        declared={node.variable.name.value: node for node in definition.variable_definitions or ()},
        given=variables,
    )
    root = schema.get_root_type(OperationType(definition.operation.value))
    if root is None:
        raise CodedError(BAD_REQUEST, f"The schema has no {definition.operation.value} type.")
    try:
        selections = reader.selections(root, [definition.selection_set])
    except RecursionError:
        raise CodedError(PLAN_LIMIT, "The operation is nested too deeply to be normalised.") from None
    kind = OperationKind(definition.operation.value)
    definitions = tuple(reader.variables.values())
    return Operation(
        kind=kind,
        name=definition.name.value if definition.name else None,
        variables=definitions,
        selections=selections,
        digest=digest_of(kind, definitions, selections),
    )


def digest_of(kind: OperationKind, variables: tuple[VariableDefinition, ...], selections: tuple[Selection, ...]) -> str:
    """The digest of an operation: equal exactly when the plans are. Outcomes count, literals and sources do not.

    A variable's default counts, since subgraphs are told it: it lets a nullable variable stand for a required argument.
    """
    parts = [kind.value, *(f"{variable.name}:{variable.type}={variable.default}" for variable in variables)]
    _write(selections, parts)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _write(selections: tuple[Selection, ...], parts: list[str]) -> None:
    parts.append("{")
    for selection in selections:
        if isinstance(selection, FragmentSelection):
            parts.append(f"... {selection.type_condition}")
        else:
            parts.append(f"{selection.response_key}:{selection.coordinate}")
            parts.extend(f"{argument.name}={print_value(argument.value)}" for argument in selection.arguments)
            if isinstance(selection.outcome, Refused):
                refused = selection.outcome
                parts.append(f"!{refused.code.name}:{refused.message}:{refused.details!r}")
        if selection.selections:
            _write(selection.selections, parts)
    parts.append("}")


def choose_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation of that name, or the only one (GraphQL October 2021, 6.1). Raises CodedError BAD_REQUEST."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    if not operations:
        raise CodedError(BAD_REQUEST, "The document holds no operation; add a query, mutation or subscription.")
    if name is None:
        raise CodedError(BAD_REQUEST, "The document holds several operations; say which by `operationName`.")
    for node in operations:
        if node.name is not None and node.name.value == name:
            return node
    raise CodedError(BAD_REQUEST, f"The document holds no operation named {name}.")


@dataclass(slots=True)
class _Collected:
    """Fields under one response key, or fragments on one type: merged, in order of first mention."""

    name: str
    first: FieldNode | None
    sets: list[SelectionSetNode]
    fragments_before: int


@dataclass(slots=True)
class _Level:
    """What is collected of one object: ``groups`` in order, the last of them for each response key, all fragments."""

    groups: list[_Collected] = field(default_factory=list)
    fields: dict[str, _Collected] = field(default_factory=dict)
    fragments: list[_Collected] = field(default_factory=list)
    spread: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Normalizer:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    declared: Mapping[str, object]
    given: Mapping[str, object]
    variables: dict[object, VariableDefinition] = field(default_factory=dict)
    visited: int = 0

    def selections(self, parent: GraphQLCompositeType, sets: list[SelectionSetNode]) -> tuple[Selection, ...]:
        level = _Level()
        for selection_set in sets:
            self._collect(parent, selection_set, level)
        result: list[Selection] = []
        for group in level.groups:
            if group.first is not None:
                result.append(self._field(parent, group.name, group))
                continue
            inner = self.selections(cast(GraphQLCompositeType, self.schema.type_map[group.name]), group.sets)
            if inner:
                result.append(FragmentSelection(group.name, inner))
        return tuple(result)

    def _visit(self) -> None:
        self.visited += 1
        if self.visited > MOST_SELECTIONS:
            message = f"The operation holds more than {MOST_SELECTIONS} selections, spreads included."
            raise CodedError(PLAN_LIMIT, message)

    def _collect(self, parent: GraphQLCompositeType, selection_set: SelectionSetNode, level: _Level) -> None:
        for node in selection_set.selections:
            self._visit()
            if not self._included(node.directives):
                continue
            if isinstance(node, FieldNode):
                self._collect_field(node, level)
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in level.spread:
                    continue
                level.spread.add(node.name.value)
                fragment = self.fragments[node.name.value]
            else:
                fragment = cast(InlineFragmentNode, node)
            self._collect_fragment(parent, fragment, level)

    def _collect_field(self, node: FieldNode, level: _Level) -> None:
        """Join the fields under this response key, unless a fragment since has it too: there, its own come first."""
        key = node.alias.value if node.alias else node.name.value
        group = level.fields.get(key)
        since = level.fragments[group.fragments_before :] if group is not None and node.selection_set else ()
        if group is None or any(self._mentions(each, key, set()) for other in since for each in other.sets):
            group = level.fields[key] = _Collected(key, node, [], len(level.fragments))
            level.groups.append(group)
        if node.selection_set:
            group.sets.append(node.selection_set)

    def _mentions(self, selection_set: SelectionSetNode, response_key: str, seen: set[str]) -> bool:
        for node in selection_set.selections:
            self._visit()
            if isinstance(node, FieldNode):
                if (node.alias.value if node.alias else node.name.value) == response_key:
                    return True
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in seen:
                    continue
                seen.add(node.name.value)
                inner = self.fragments[node.name.value].selection_set
            else:
                inner = cast(InlineFragmentNode, node).selection_set
            if self._mentions(inner, response_key, seen):
                return True
        return False

    def _collect_fragment(
        self, parent: GraphQLCompositeType, fragment: InlineFragmentNode | FragmentDefinitionNode, level: _Level
    ) -> None:
        named = fragment.type_condition
        condition = cast(GraphQLCompositeType, self.schema.type_map[named.name.value]) if named else parent
        if self._always(parent, condition):
            self._collect(parent, fragment.selection_set, level)
        elif self._sometimes(parent, condition):
            # Neighbours on one type become one fragment; merging others would change the order of the answer.
            last = level.groups[-1] if level.groups else None
            if last is None or last.first is not None or last.name != condition.name:
                last = _Collected(condition.name, None, [], len(level.fragments))
                level.groups.append(last)
                level.fragments.append(last)
            last.sets.append(fragment.selection_set)

    def _always(self, parent: GraphQLCompositeType, condition: GraphQLCompositeType) -> bool:
        """Every object of ``parent`` is a ``condition``, and fields of the one can be named on the other."""
        if parent is condition:
            return True
        if isinstance(parent, GraphQLUnionType) or not is_abstract_type(condition):
            return False
        return self.schema.is_sub_type(condition, parent)

    def _sometimes(self, parent: GraphQLCompositeType, condition: GraphQLCompositeType) -> bool:
        return bool({t.name for t in self._possible(parent)} & {t.name for t in self._possible(condition)})

    def _possible(self, type_: GraphQLCompositeType) -> list[GraphQLObjectType]:
        return [type_] if isinstance(type_, GraphQLObjectType) else list(self.schema.get_possible_types(type_))

    def _field(self, parent: GraphQLCompositeType, key: str, group: _Collected) -> FieldSelection:
        node = group.first
        assert node is not None
        name = node.name.value
        definition = self.schema.get_field(parent, name)
        assert definition is not None  # validated
        given = sorted(node.arguments or (), key=lambda argument: argument.name.value)
        arguments = tuple(self._argument(argument, definition.args[argument.name.value].type) for argument in given)
        children: tuple[Selection, ...] = ()
        if group.sets:
            children = self.selections(cast(GraphQLCompositeType, get_named_type(definition.type)), group.sets)
        return FieldSelection(parent.name, name, key, arguments, children)

    def _argument(self, node: ArgumentNode, type_: GraphQLInputType) -> Argument:
        return Argument(node.name.value, self._lift(node.value, type_))

    def _lift(self, value: ValueNode, type_: GraphQLInputType | None) -> ValueNode:
        """The value with canonical variables in place of the client's and of literals.

        ``type_`` is None within a custom scalar, whose parts have no types: literals stay.
        """
        if isinstance(value, VariableNode):
            return self._variable(value.name.value)
        if not _holds_variable(value):
            return value if type_ is None else self._literal(value, type_)
        nullable = None if type_ is None else get_nullable_type(type_)
        if isinstance(value, ListValueNode):
            inner = nullable.of_type if is_list_type(nullable) else None
            return ListValueNode(values=tuple(self._lift(item, inner) for item in value.values))
        assert isinstance(value, ObjectValueNode)
        types = {name: known.type for name, known in nullable.fields.items()} if is_input_object_type(nullable) else {}
        return ObjectValueNode(
            fields=tuple(
                ObjectFieldNode(name=entry.name, value=self._lift(entry.value, types.get(entry.name.value)))
                for entry in value.fields
            )
        )

    def _variable(self, source: str) -> VariableNode:
        known = self.variables.get(source)
        if known is None:
            node = self.declared[source]
            default = getattr(node, "default_value", None)
            known = VariableDefinition(
                name=f"v{len(self.variables)}",
                type=print_ast(node.type),  # type: ignore[attr-defined]
                source=source,
                default=print_ast(default) if default is not None else None,
            )
            self.variables[source] = known
        return VariableNode(name=NameNode(value=known.name))

    def _literal(self, value: ValueNode, type_: GraphQLInputType) -> ValueNode:
        if isinstance(value, NullValueNode):
            return value  # null is not a value that varies, and a required default must not become nullable
        named = get_named_type(type_)
        if is_scalar_type(named) and named.name not in specified_scalar_types and isinstance(value, ObjectValueNode):
            return value  # a custom scalar may read a literal otherwise than it reads JSON
        json = value_from_ast_untyped(value)
        key = (str(type_), repr(json))  # as text, since Python takes 1, 1.0 and True for equal
        known = self.variables.get(key)
        if known is None:
            if isinstance(json, float) and not math.isfinite(json):
                raise CodedError(BAD_REQUEST, f"The number {print_ast(value)} is out of range.")
            known = VariableDefinition(name=f"v{len(self.variables)}", type=str(type_), literal=json)
            self.variables[key] = known
        return VariableNode(name=NameNode(value=known.name))

    def _included(self, directives: tuple[DirectiveNode, ...] | None) -> bool:
        for directive in directives or ():
            name = directive.name.value
            if name in ("skip", "include") and self._condition(directive) is (name == "skip"):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        value = (directive.arguments or ())[0].value
        if isinstance(value, VariableNode):
            name = value.name.value
            result = self.given.get(name)
            default = getattr(self.declared.get(name), "default_value", None)
            if name not in self.given and default is not None:
                result = value_from_ast_untyped(default)
            if not isinstance(result, bool):
                message = f"Variable ${name} decides @{directive.name.value}: it must be true or false."
                raise CodedError(BAD_REQUEST, message)
            return result
        return bool(value_from_ast_untyped(value))


def _holds_variable(value: ValueNode) -> bool:
    if isinstance(value, VariableNode):
        return True
    if isinstance(value, ListValueNode):
        return any(_holds_variable(item) for item in value.values)
    return isinstance(value, ObjectValueNode) and any(_holds_variable(entry.value) for entry in value.fields)
