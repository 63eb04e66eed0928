"""A schema whose types and fields are made when they are first asked for.

Problem: graphql-core makes and walks every field of a schema to find its types. A city has fifty thousand fields and a
schema for each class of callers; an operation touches a dozen types. Idea: the definitions say by themselves which
types there are, so none need be made to know that. Invariants: every type that is named somewhere is defined or built
in, which whoever brings the definitions has made sure of; and each is made once, whichever threads ask for it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DirectiveLocation,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLArgument,
    GraphQLDeprecatedDirective,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOneOfDirective,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSpecifiedByDirective,
    GraphQLUnionType,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    get_directive_values,
    introspection_types,
    specified_directives,
    specified_scalar_types,
)
from graphql.type import GraphQLDefaultInput
from graphql.type.schema import InterfaceImplementations

from gateway.supergraph.features import parts
from gateway.supergraph.model import Definitions

Shown = Callable[[TypeDefinitionNode], TypeDefinitionNode]


def _everything(node: TypeDefinitionNode) -> TypeDefinitionNode:
    return node


class LazySchema(GraphQLSchema):
    """The schema that ``definitions`` describe, its types in their order.

    ``shown`` gives of a type what the schema has of it; it is asked when the type's parts are first needed, possibly in
    another thread. ``scalars`` are the built-in ones that the definitions mention.
    """

    def __init__(self, definitions: Definitions, scalars: Collection[str], shown: Shown = _everything) -> None:
        types = _Types(definitions.types, shown)
        own = [types.directive(node) for node in definitions.directives]
        known = {directive.name for directive in own}
        super().__init__(
            directives=[*own, *(each for each in specified_directives if each.name not in known)],
            description=_description(definitions.schema) if definitions.schema is not None else None,
            assume_valid=True,
        )
        types.names.update(dict.fromkeys([*sorted(scalars), *self.type_map]))
        self.type_map = types  # type: ignore[assignment]
        for name, operation in definitions.roots().items():
            setattr(self, f"{operation.value}_type", types[name])
        self._nodes = definitions.types
        self._implementing: dict[str, InterfaceImplementations] | None = None

    def get_implementations(self, interface_type: GraphQLInterfaceType) -> InterfaceImplementations:
        """The types that implement the interface."""
        if self._implementing is None:
            found: dict[str, InterfaceImplementations] = {}
            for name, node in self._nodes.items():
                if parts(node, "interfaces"):
                    self._add_implementation(self.type_map[name], found)
            self._implementing = found  # whole at once: others may ask meanwhile
        return self._implementing.get(interface_type.name) or InterfaceImplementations(objects=[], interfaces=[])

    def _add_implementation(self, type_: GraphQLNamedType, found: dict[str, InterfaceImplementations]) -> None:
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for interface in type_.interfaces:
            known = found.setdefault(interface.name, InterfaceImplementations(objects=[], interfaces=[]))
            if isinstance(type_, GraphQLObjectType):
                known.objects.append(type_)
            else:
                known.interfaces.append(type_)


class _Fields(Mapping[str, GraphQLField]):
    """The fields of one type by name, each made from its node when it is asked for."""

    def __init__(self, nodes: Mapping[str, FieldDefinitionNode], make: Callable[[FieldDefinitionNode], GraphQLField]):
        self._nodes = nodes
        self._make = make
        self._made: dict[str, GraphQLField] = {}

    def __getitem__(self, name: str) -> GraphQLField:
        return self._made.get(name) or self._made.setdefault(name, self._make(self._nodes[name]))

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def copy(self) -> dict[str, GraphQLField]:
        """All of them, for graphql-core's tools that change whole schemas."""
        return dict(self)


class _ObjectType(GraphQLObjectType):
    @cached_property
    def fields(self) -> Any:
        """The fields that the type was given, as they are: graphql-core would copy and check all of them."""
        assert callable(self._fields)
        return self._fields()


class _InterfaceType(GraphQLInterfaceType):
    @cached_property
    def fields(self) -> Any:
        """As an object's."""
        assert callable(self._fields)
        return self._fields()


class _Types(Mapping[str, GraphQLNamedType]):
    """The types of one schema by name, made as they are asked for; ``names`` are all, in order."""

    def __init__(self, nodes: Mapping[str, TypeDefinitionNode], shown: Shown) -> None:
        self._nodes = nodes
        self._shown = shown
        self.names: dict[str, None] = dict.fromkeys(nodes)
        self._made: dict[str, GraphQLNamedType] = {**introspection_types, **specified_scalar_types}

    def __getitem__(self, name: str) -> GraphQLNamedType:
        if name not in self.names:
            raise KeyError(name)
        return self.named(name)

    def named(self, name: str) -> GraphQLNamedType:
        """A type that the definitions have, or a built-in one, whether they mention it or not."""
        made = self._made.get(name)
        if made is None:
            made = self._made.setdefault(name, self._make(self._nodes[name]))
        return made

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def _make(self, node: TypeDefinitionNode) -> GraphQLNamedType:
        name, about = node.name.value, _description(node)
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            kind = _ObjectType if isinstance(node, ObjectTypeDefinitionNode) else _InterfaceType
            return kind(
                name,
                lambda: _Fields({each.name.value: each for each in parts(self._shown(node), "fields")}, self._field),
                lambda: [self.named(each.name.value) for each in parts(self._shown(node), "interfaces")],  # type: ignore[arg-type]
                description=about,
            )
        if isinstance(node, InputObjectTypeDefinitionNode):
            return GraphQLInputObjectType(
                name,
                lambda: {field.name.value: self._input_field(field) for field in parts(self._shown(node), "fields")},
                description=about,
                is_one_of=_applied(GraphQLOneOfDirective, node) is not None,
            )
        if isinstance(node, UnionTypeDefinitionNode):
            return GraphQLUnionType(
                name,
                lambda: [self.named(each.name.value) for each in parts(self._shown(node), "types")],  # type: ignore[misc]
                description=about,
            )
        if isinstance(node, EnumTypeDefinitionNode):
            return GraphQLEnumType(name, lambda: self._values(node), description=about)
        assert isinstance(node, ScalarTypeDefinitionNode)
        specified = _applied(GraphQLSpecifiedByDirective, node) or {}
        return GraphQLScalarType(name, description=about, specified_by_url=specified.get("url"))

    def directive(self, node: DirectiveDefinitionNode) -> GraphQLDirective:
        """A directive of operations."""
        return GraphQLDirective(
            node.name.value,
            [DirectiveLocation[location.value] for location in node.locations],
            self._arguments(node),
            is_repeatable=node.repeatable,
            description=_description(node),
        )

    def _values(self, node: EnumTypeDefinitionNode) -> dict[str, GraphQLEnumValue]:
        return {
            value.name.value: GraphQLEnumValue(value.name.value, _description(value), _deprecation(value))
            for value in parts(self._shown(node), "values")
        }

    def _field(self, node: FieldDefinitionNode) -> GraphQLField:
        return GraphQLField(
            self._reference(node.type),
            self._arguments(node) if node.arguments else None,
            description=_description(node),
            deprecation_reason=_deprecation(node),
        )

    def _arguments(self, node: FieldDefinitionNode | DirectiveDefinitionNode) -> dict[str, GraphQLArgument]:
        return {
            argument.name.value: GraphQLArgument(
                self._reference(argument.type),
                default=_default(argument),
                description=_description(argument),
                deprecation_reason=_deprecation(argument),
            )
            for argument in parts(node, "arguments")
        }

    def _input_field(self, node: InputValueDefinitionNode) -> GraphQLInputField:
        return GraphQLInputField(
            self._reference(node.type),
            default=_default(node),
            description=_description(node),
            deprecation_reason=_deprecation(node),
        )

    def _reference(self, node: TypeNode) -> Any:
        if isinstance(node, NonNullTypeNode):
            return GraphQLNonNull(self._reference(node.type))
        if isinstance(node, ListTypeNode):
            return GraphQLList(self._reference(node.type))
        return self.named(node.name.value)  # type: ignore[attr-defined]


def _default(node: InputValueDefinitionNode) -> GraphQLDefaultInput | None:
    return None if node.default_value is None else GraphQLDefaultInput(literal=node.default_value)


def _description(node: Any) -> str | None:
    return node.description.value if node.description else None


def _applied(directive: GraphQLDirective, node: Any) -> dict[str, Any] | None:
    return get_directive_values(directive, node) if node.directives else None


def _deprecation(node: FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode) -> str | None:
    applied = _applied(GraphQLDeprecatedDirective, node)
    return applied["reason"] if applied else None
