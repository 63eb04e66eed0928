"""What the kit must know of each object type at run time, read once from the finished Strawberry schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    is_input_object_type,
    is_object_type,
    is_scalar_type,
    parse,
)
from strawberry.federation.schema_directives import Key
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from subgraphs.kit.binding import Resource, bulk_of
from subgraphs.kit.errors import SCHEMA_INVALID, CodedError

DEFINITION = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class KeyField:
    """A field of a key, with the fields inside it where it is an object."""

    name: str
    inner: "tuple[KeyField, ...]" = ()


@dataclass(frozen=True, slots=True)
class FieldTable:
    """One field: its Python name, the resource it is an item of, and how it is loaded.

    ``bulk`` loads a relation. A field with a resolver of its own (``computed``) is left to Strawberry, unless it is a
    plain function of the object and scalars: that is ``direct``.
    """

    python_name: str
    code: str | None
    bulk: Callable[..., Any] | None
    computed: bool
    composite: bool
    arguments: Mapping[str, str]
    direct: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class TypeTable:
    """One object type. ``keys`` are the field sets by which the gateway may ask for it, ``fields`` go by GraphQL name.

    ``load`` is the class's ``resolve_references``, None where a representation is taken at its word.
    """

    name: str
    origin: type
    keys: tuple[tuple[KeyField, ...], ...]
    fields: Mapping[str, FieldTable]
    load: Callable[..., Any] | None

    @property
    def key_names(self) -> frozenset[str]:
        """The fields that are part of a key: they identify records and are never masked."""
        return frozenset(field.name for key in self.keys for field in key)


def read_tables(schema: GraphQLSchema) -> Mapping[str, TypeTable]:
    """The tables of all object types of ``schema`` that stand for Python classes, by GraphQL name.

    Raises CodedError SCHEMA_INVALID for a relation with arguments that are not scalars.
    """
    tables = {}
    for name, kind in schema.type_map.items():
        definition = kind.extensions.get(DEFINITION)
        if is_object_type(kind) and isinstance(definition, StrawberryObjectDefinition) and not name.startswith("_"):
            tables[name] = _type_table(kind, definition)
    return tables


def _type_table(kind: GraphQLObjectType, definition: StrawberryObjectDefinition) -> TypeTable:
    directives = list(definition.directives or ())
    code = _code(directives)
    fields = {name: _field_table(kind, name, field, code) for name, field in kind.fields.items()}
    keys = tuple(_key(str(directive.fields)) for directive in directives if isinstance(directive, Key))
    load = getattr(definition.origin, "resolve_references", None)
    return TypeTable(kind.name, definition.origin, keys, fields, load)


def _field_table(kind: GraphQLObjectType, name: str, field: GraphQLField, code: str | None) -> FieldTable:
    definition = field.extensions.get(DEFINITION)
    composite = is_composite_type(get_named_type(field.type))
    if not isinstance(definition, StrawberryField):
        return FieldTable(name, code, None, computed=True, composite=composite, arguments={})
    bulk = bulk_of(definition)
    names = {written: argument.python_name for written, argument in zip(field.args, definition.arguments, strict=True)}
    for written, argument in field.args.items():
        if bulk is not None and is_input_object_type(get_named_type(argument.type)):
            raise CodedError(
                SCHEMA_INVALID, f"{kind.name}.{name}({written}:) must be a scalar: relations take no more."
            )
    return FieldTable(
        definition.python_name,
        _code(list(definition.directives)) or code,
        bulk,
        computed=definition.base_resolver is not None,
        composite=composite,
        arguments=names,
        direct=_direct(definition, field) if bulk is None and not composite else None,
    )


def _direct(definition: StrawberryField, field: GraphQLField) -> Callable[..., Any] | None:
    resolver = definition.base_resolver
    if resolver is None or resolver.is_async or definition.extensions or definition.permission_classes:
        return None
    if resolver.info_parameter is not None or resolver.self_parameter is None:
        return None
    scalars = all(is_scalar_type(get_named_type(argument.type)) for argument in field.args.values())
    function: Any = resolver.wrapped_func
    return cast("Callable[..., Any]", function) if scalars else None


def _code(directives: list[object]) -> str | None:
    return next((directive.code for directive in directives if isinstance(directive, Resource)), None)


def _key(fields: str) -> tuple[KeyField, ...]:
    operation = parse("{" + fields + "}").definitions[0]
    return _key_fields(operation.selection_set)  # type: ignore[attr-defined]


def _key_fields(selections: SelectionSetNode | None) -> tuple[KeyField, ...]:
    if selections is None:
        return ()
    return tuple(
        KeyField(node.name.value, _key_fields(node.selection_set))
        for node in selections.selections
        if isinstance(node, FieldNode)
    )
