"""The elements of a type system as composition handles them: what a subgraph declares, and what the supergraph will.

graphql-core's nodes are a syntax; these are the declarations themselves, extensions folded in, directives bound to the
specification they come from. They belong to one run of composition, which fills them in step by step, so they are the
only values of the engine that change after they are made. Types are kept as text (``[Book!]!``): comparing, printing
and hashing them is most of what merging does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any

from graphql import print_ast
from graphql.language import ast
from graphql.utilities import value_from_ast_untyped

from gateway.supergraph.model import TypeKind

BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
ROOTS = ("query", "mutation", "subscription")


@dataclass(slots=True)
class Applied:
    """A directive at one place. ``identity`` is its name in the specification it was linked from, None without one."""

    name: str
    identity: str | None
    arguments: Mapping[str, ast.ConstValueNode]
    line: int | None = None

    def value(self, argument: str, default: Any = None) -> Any:
        """The argument as a plain value; enum values as their names."""
        node = self.arguments.get(argument)
        return default if node is None else value_from_ast_untyped(node)

    def written(self) -> str:
        """The directive as GraphQL text."""
        if not self.arguments:
            return f"@{self.name}"
        return f"@{self.name}({', '.join(f'{name}: {print_ast(node)}' for name, node in self.arguments.items())})"


@dataclass(slots=True)
class Element:
    """What directives can be applied to; ``join`` is what the supergraph says of it in @join directives."""

    name: str
    description: str | None = field(default=None, kw_only=True)
    directives: list[Applied] = field(default_factory=list, kw_only=True)
    line: int | None = field(default=None, kw_only=True)
    join: Sequence[str] = field(default=(), kw_only=True)

    def has(self, identity: str) -> bool:
        """Whether a directive of this identity is applied."""
        return bool(self.directives) and any(applied.identity == identity for applied in self.directives)

    def applied(self, identity: str) -> Iterator[Applied]:
        """All applications of the directive."""
        return (applied for applied in self.directives if applied.identity == identity)


class Use(Flag):
    """What mentions a field of a subgraph in a field set; @requires and @fromContext select alike."""

    NONE = 0
    KEY = auto()
    PROVIDED = auto()
    SELECTED = auto()


@dataclass(slots=True)
class Member(Element):
    """A field, an argument, an input field or an enum value (which has no type).

    A subgraph's field is ``external`` or ``shareable`` by a directive of its own or of its type.
    """

    type: str = ""
    arguments: dict[str, "Member"] = field(default_factory=dict)
    default: ast.ConstValueNode | None = None
    external: bool = False
    shareable: bool = False
    uses: Use = Use.NONE

    @property
    def resolves(self) -> bool:
        """Whether the subgraph can answer the field on some path at least."""
        return not self.external or Use.PROVIDED in self.uses

    @property
    def is_shareable(self) -> bool:
        """Whether others may resolve the field too: marked so, or part of a key."""
        return self.shareable or Use.KEY in self.uses


@dataclass(slots=True)
class Type(Element):
    """A named type; ``members`` are a union's, ``values`` an enum's."""

    kind: TypeKind
    interfaces: list[str] = field(default_factory=list)
    fields: dict[str, Member] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    values: dict[str, Member] = field(default_factory=dict)
    is_defined: bool = True
    is_extended: bool = False
    declarations: int = 0

    @property
    def is_composite(self) -> bool:
        """Whether selections can be made on it."""
        return self.kind in (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.UNION)

    @property
    def is_abstract(self) -> bool:
        """Whether it is an interface or a union."""
        return self.kind in (TypeKind.INTERFACE, TypeKind.UNION)

    @property
    def is_extension(self) -> bool:
        """Whether this is not where the type is at home (Federation 1: ``extend type`` or @extends)."""
        return not self.is_defined or self.has("extends")

    @property
    def resolvable_keys(self) -> list[Applied]:
        """The keys by which the gateway can enter the subgraph."""
        return [key for key in self.applied("key") if key.value("resolvable", True) is not False]


class TypeSystem:
    """Named types together: what a subgraph declares, or what the supergraph will."""

    __slots__ = ()
    types: dict[str, Type]

    def fields(self) -> Iterator[tuple[Type, Member]]:
        """Every field, and every input field, with the type it belongs to."""
        return ((definition, member) for definition in self.types.values() for member in definition.fields.values())

    def field(self, type_name: str, name: str) -> Member | None:
        """The field of a type; None if there is none."""
        definition = self.types.get(type_name)
        return definition.fields.get(name) if definition is not None else None

    def implementers(self, interface: str) -> list[Type]:
        """Object types that implement the interface."""
        return [t for t in self.types.values() if t.kind is TypeKind.OBJECT and interface in t.interfaces]

    def implementations(self) -> list[tuple[Type, list[Type]]]:
        """Every interface, with the object types that implement it."""
        interfaces = [definition for definition in self.types.values() if definition.kind is TypeKind.INTERFACE]
        return [(interface, self.implementers(interface.name)) for interface in interfaces]

    def elements(self) -> Iterator[tuple[str, str, Type | Member]]:
        """Every type and all in it: its coordinate, where directives say that it is (``OBJECT``), itself."""
        for name, definition in self.types.items():
            yield name, definition.kind.name, definition
            location = "INPUT_FIELD_DEFINITION" if definition.kind is TypeKind.INPUT_OBJECT else "FIELD_DEFINITION"
            for member in definition.fields.values():
                coordinate = f"{name}.{member.name}"
                yield coordinate, location, member
                for argument in member.arguments.values():
                    yield f"{coordinate}({argument.name}:)", "ARGUMENT_DEFINITION", argument
            for value in definition.values.values():
                yield f"{name}.{value.name}", "ENUM_VALUE", value

    def possible_types(self, name: str) -> list[str]:
        """The object types that a value of the type can have."""
        definition = self.types.get(name)
        if definition is None:
            return []
        if definition.kind is TypeKind.INTERFACE:
            return [implementer.name for implementer in self.implementers(name)]
        return definition.members if definition.kind is TypeKind.UNION else [name]

    def is_subtype(self, sub: str, sup: str) -> bool:
        """Whether named type ``sub`` is ``sup``, one of its members, or implements it."""
        if sub == sup:
            return True
        parent, child = self.types.get(sup), self.types.get(sub)
        return parent is not None and child is not None and (sub in parent.members or sup in child.interfaces)


@dataclass(slots=True)
class DirectiveDeclaration:
    """The definition of a directive."""

    name: str
    arguments: dict[str, Member]
    locations: tuple[str, ...]
    repeatable: bool
    description: str | None = None
    line: int | None = None


def kind_of(node: ast.TypeDefinitionNode | ast.TypeExtensionNode) -> TypeKind:
    """The kind of type that is defined or extended."""
    return TypeKind[node.kind.partition("_type_")[0].upper()]


def type_text(node: ast.TypeNode) -> str:
    """The type as text."""
    if isinstance(node, ast.NonNullTypeNode):
        return type_text(node.type) + "!"
    if isinstance(node, ast.ListTypeNode):
        return f"[{type_text(node.type)}]"
    return node.name.value  # type: ignore[attr-defined, no-any-return]


def named_type(text: str) -> str:
    """``Book`` of ``[Book!]!``."""
    return text.strip("[]!")


def is_required(member: Member) -> bool:
    """Whether an argument or input field must be given."""
    return member.type.endswith("!") and member.default is None


def same_value(one: ast.ConstValueNode | None, other: ast.ConstValueNode | None) -> bool:
    """Whether two constants are the same value."""
    if one is None or other is None:
        return one is other
    return bool(plain(one) == plain(other))


def plain(node: ast.ConstValueNode) -> Any:
    """The constant as plain values; enum values and strings stay apart."""
    return ("enum", node.value) if isinstance(node, ast.EnumValueNode) else value_from_ast_untyped(node)
