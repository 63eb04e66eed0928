"""A schema whose types and fields are made when they are first asked for.

Problem: graphql-core makes and walks every field of a schema to find its types. A city has fifty thousand fields and a
schema for each class of callers; an operation touches a dozen types. Idea: the definitions say by themselves which
types there are, so none need be made to know that. Invariants: every type that is named somewhere is defined or built
in, which whoever brings the definitions has made sure of; and each is made once, whichever threads ask for it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from graphql import (
    DirectiveLocation,
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
    get_directive_values,
    introspection_types,
    specified_directives,
    specified_scalar_types,
)
from graphql.language import ast
from graphql.type import GraphQLDefaultInput
from graphql.type.schema import InterfaceImplementations

from gateway.supergraph.features import mentioned, parts
from gateway.supergraph.model import Definitions

Node = TypeVar("Node")
Made = TypeVar("Made")
Input = TypeVar("Input", GraphQLArgument, GraphQLInputField)
NOTHING = "_nothing"
"""The one field of a Query type from which everything is hidden: GraphQL knows no empty types. It answers null."""
_NOTHING = ast.FieldDefinitionNode(
    name=ast.NameNode(value=NOTHING),
    description=ast.StringValueNode(value="Always null: this caller may see nothing of the schema.", block=False),
    type=ast.NamedTypeNode(name=ast.NameNode(value="Boolean")),
    arguments=(),
    directives=(),
)


class LazySchema(GraphQLSchema):
    """The schema that ``definitions`` describe, its types in their order, without the coordinates in ``hidden``.

    What is hidden must leave a valid schema, and may not change afterwards. ``scalars`` are the built-in ones that the
    definitions mention.
    """

    def __init__(
        self, definitions: Definitions, scalars: Collection[str], hidden: AbstractSet[str] = frozenset()
    ) -> None:
        types = _Types(definitions.types, Visible(hidden))
        own = [types.directive(node) for node in definitions.directives]
        known = {directive.name for directive in own}
        super().__init__(
            directives=[*own, *(each for each in specified_directives if each.name not in known)],
            description=_description(definitions.schema) if definitions.schema is not None else None,
            assume_valid=True,
        )
        names = {name: name for name in (*definitions.types, *sorted(scalars), *self.type_map)}
        self.type_map = _Made(names, types.named)  # type: ignore[assignment]
        for name, operation in definitions.roots().items():
            setattr(self, f"{operation.value}_type", self.type_map.get(name))
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


@dataclass(frozen=True, slots=True)
class Visible:
    """What there is of definitions beside the coordinates that are ``hidden``."""

    hidden: AbstractSet[str]

    def members(self, node: ast.TypeDefinitionNode, part: str) -> Sequence[Any]:
        """The ``fields`` or ``values`` of a type."""
        name, declared = node.name.value, parts(node, part)
        if not self.hidden:
            return declared
        return [] if name in self.hidden else [n for n in declared if f"{name}.{n.name.value}" not in self.hidden]

    def arguments(self, parent: str, node: ast.FieldDefinitionNode) -> Sequence[ast.InputValueDefinitionNode]:
        """The arguments of a field of type ``parent``."""
        if not node.arguments or not self.hidden:
            return node.arguments or ()
        prefix = f"{parent}.{node.name.value}"
        return [each for each in node.arguments if f"{prefix}({each.name.value}:)" not in self.hidden]

    def types(self, node: ast.TypeDefinitionNode, part: str) -> list[str]:
        """The names of a type's ``interfaces``, or of the ``types`` of a union."""
        names = [named.name.value for named in parts(node, part)]
        return [] if node.name.value in self.hidden else [name for name in names if name not in self.hidden]

    def mentioned(self, node: Any) -> Iterator[str]:
        """The types that what is seen of a definition mentions, and the interfaces and members of all of it."""
        for named in (*parts(node, "interfaces"), *parts(node, "types")):
            yield named.name.value
        for argument in parts(node, "arguments"):
            yield named_of(argument.type)
        for field in self.members(node, "fields") if parts(node, "fields") else ():
            yield named_of(field.type)
            for argument in self.arguments(node.name.value, field) if parts(field, "arguments") else ():
                yield named_of(argument.type)


class _Made(Mapping[str, Made], Generic[Node, Made]):
    """Values by name, each made from its node when it is asked for."""

    def __init__(self, nodes: Mapping[str, Node], make: Callable[[Node], Made]) -> None:
        self._nodes = nodes
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        return self._made.get(name) or self._made.setdefault(name, self._make(self._nodes[name]))

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def copy(self) -> dict[str, Made]:
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


class _Types:
    """Makes the types of one schema, each when it is first asked for."""

    def __init__(self, nodes: Mapping[str, ast.TypeDefinitionNode], visible: Visible) -> None:
        self._nodes = nodes
        self._visible = visible
        self._made: dict[str, GraphQLNamedType] = {**introspection_types, **specified_scalar_types}

    def named(self, name: str) -> GraphQLNamedType:
        """A type that the definitions have, or a built-in one, whether they mention it or not."""
        made = self._made.get(name)
        if made is None:
            made = self._made.setdefault(name, self._make(self._nodes[name]))
        return made

    def _make(self, node: ast.TypeDefinitionNode) -> GraphQLNamedType:
        name, about = node.name.value, _description(node)
        if isinstance(node, ast.ObjectTypeDefinitionNode | ast.InterfaceTypeDefinitionNode):
            kind = _ObjectType if isinstance(node, ast.ObjectTypeDefinitionNode) else _InterfaceType
            return kind(name, partial(self._fields, node), partial(self._named, node, "interfaces"), description=about)
        if isinstance(node, ast.InputObjectTypeDefinitionNode):
            is_one_of = _applied(GraphQLOneOfDirective, node) is not None
            return GraphQLInputObjectType(
                name,
                lambda: self._inputs(GraphQLInputField, self._visible.members(node, "fields")),
                description=about,
                is_one_of=is_one_of,
            )
        if isinstance(node, ast.UnionTypeDefinitionNode):
            return GraphQLUnionType(name, partial(self._named, node, "types"), description=about)
        if isinstance(node, ast.EnumTypeDefinitionNode):
            return GraphQLEnumType(name, partial(self._values, node), description=about)
        assert isinstance(node, ast.ScalarTypeDefinitionNode)
        specified = _applied(GraphQLSpecifiedByDirective, node) or {}
        return GraphQLScalarType(name, description=about, specified_by_url=specified.get("url"))

    def directive(self, node: ast.DirectiveDefinitionNode) -> GraphQLDirective:
        """A directive of operations."""
        return GraphQLDirective(
            node.name.value,
            [DirectiveLocation[location.value] for location in node.locations],
            self._inputs(GraphQLArgument, node.arguments or ()),
            is_repeatable=node.repeatable,
            description=_description(node),
        )

    def _named(self, node: ast.TypeDefinitionNode, part: str) -> list[Any]:
        return [self.named(name) for name in self._visible.types(node, part)]

    def _values(self, node: ast.EnumTypeDefinitionNode) -> dict[str, GraphQLEnumValue]:
        return {
            value.name.value: GraphQLEnumValue(value.name.value, _description(value), _deprecation(value))
            for value in self._visible.members(node, "values")
        }

    def _fields(self, node: ast.TypeDefinitionNode) -> Mapping[str, GraphQLField]:
        nodes = self._visible.members(node, "fields") or (_NOTHING,)
        return _Made({each.name.value: each for each in nodes}, partial(self._field, node.name.value))

    def _field(self, parent: str, node: ast.FieldDefinitionNode) -> GraphQLField:
        return GraphQLField(
            self._reference(node.type),
            self._inputs(GraphQLArgument, self._visible.arguments(parent, node)) if node.arguments else None,
            description=_description(node),
            deprecation_reason=_deprecation(node),
        )

    def _inputs(self, kind: type[Input], nodes: Iterable[ast.InputValueDefinitionNode]) -> dict[str, Input]:
        """Arguments or input fields, without the defaults that name something hidden.

        A default made the input optional, so it stays optional, although clients no longer see the value.
        """
        made = {}
        for node in nodes:
            type_, default = node.type, node.default_value
            if default is not None and self._names_hidden(default, named_of(type_)):
                type_, default = type_.type if isinstance(type_, ast.NonNullTypeNode) else type_, None
            made[node.name.value] = kind(
                self._reference(type_),
                default=None if default is None else GraphQLDefaultInput(literal=default),
                description=_description(node),
                deprecation_reason=_deprecation(node),
            )
        return made

    def _names_hidden(self, value: ast.ConstValueNode, type_name: str) -> bool:
        hidden = self._visible.hidden
        return bool(hidden) and any(map(hidden.__contains__, mentioned(value, type_name, self._field_type)))

    def _field_type(self, type_name: str, name: str) -> str:
        declared = parts(self._nodes[type_name], "fields") if type_name in self._nodes else ()
        return next((named_of(field.type) for field in declared if field.name.value == name), "")

    def _reference(self, node: ast.TypeNode) -> Any:
        if isinstance(node, ast.NonNullTypeNode):
            return GraphQLNonNull(self._reference(node.type))
        if isinstance(node, ast.ListTypeNode):
            return GraphQLList(self._reference(node.type))
        return self.named(node.name.value)  # type: ignore[attr-defined]


def named_of(node: ast.TypeNode) -> str:
    """The name of the type that a reference, such as ``[Book!]!``, names."""
    while not isinstance(node, ast.NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value


def _description(node: Any) -> str | None:
    return node.description.value if node.description else None


def _applied(directive: GraphQLDirective, node: Any) -> dict[str, Any] | None:
    return get_directive_values(directive, node) if node.directives else None


def _deprecation(node: Any) -> str | None:
    applied = _applied(GraphQLDeprecatedDirective, node)
    return applied["reason"] if applied else None
