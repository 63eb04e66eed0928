"""What the kit must know of each object type at run time, read once from the finished Strawberry schema."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_input_object_type,
    is_object_type,
    is_scalar_type,
    parse,
)
from strawberry.federation.schema_directives import Key
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from subgraphs.kit.aggregates import GroupRule
from subgraphs.kit.binding import Aggregate, Resource, bulk_of
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

    ``load`` is the class's ``resolve_references``, None where a representation is taken at its word. ``groups`` is set
    for an aggregate.
    """

    name: str
    origin: type
    keys: tuple[tuple[KeyField, ...], ...]
    fields: Mapping[str, FieldTable]
    load: Callable[..., Any] | None
    groups: GroupRule | None = None

    @property
    def bound(self) -> bool:
        """Whether it belongs to a resource or is another department's; what is neither holds a page of others."""
        return bool(self.keys) or any(field.code is not None for field in self.fields.values())

    @property
    def key_names(self) -> frozenset[str]:
        """The fields that are part of a key: they identify records and are never masked."""
        return frozenset(field.name for key in self.keys for field in key)


def read_tables(schema: GraphQLSchema) -> Mapping[str, TypeTable]:
    """The tables of all object types of ``schema`` that stand for Python classes, by GraphQL name.

    Raises CodedError SCHEMA_INVALID for a relation with arguments that are not scalars, and for an aggregate that can
    be filtered by anything but what its groups are formed by.
    """
    tables = {}
    for name, kind in schema.type_map.items():
        definition = kind.extensions.get(DEFINITION)
        if is_object_type(kind) and isinstance(definition, StrawberryObjectDefinition) and not name.startswith("_"):
            tables[name] = _type_table(kind, definition)
    _check_aggregates(schema, tables)
    return tables


def _check_aggregates(schema: GraphQLSchema, tables: Mapping[str, TypeTable]) -> None:
    for table in tables.values():
        rule = table.groups
        if rule is not None and (unknown := sorted({*rule.by, rule.size} - table.fields.keys())):
            raise CodedError(SCHEMA_INVALID, f"{table.name} has no field {', '.join(unknown)} to form groups by.")
    for name, kind in schema.type_map.items():
        if is_object_type(kind) and not name.startswith("_"):
            for field_name, field in kind.fields.items():
                if field.args:
                    _check_narrowing(f"{name}.{field_name}", field, _aggregates(schema, tables, field.type, set()))


def _check_narrowing(where: str, field: GraphQLField, aggregates: Iterable[TypeTable]) -> None:
    for table in aggregates:
        assert table.groups is not None
        if wrong := sorted(set(field.args) - table.groups.by):
            raise CodedError(
                SCHEMA_INVALID,
                f"{where} leads to the aggregate {table.name} and takes {', '.join(wrong)}: only what its groups are "
                f"formed by ({', '.join(sorted(table.groups.by))}) can choose among them.",
            )


def _aggregates(
    schema: GraphQLSchema, tables: Mapping[str, TypeTable], type_: GraphQLOutputType, seen: set[str]
) -> Iterator[TypeTable]:
    """The aggregates that a type is, can be, or holds a page of."""
    kind = get_named_type(type_)
    if kind.name in seen or kind.name.startswith("_"):
        return
    seen.add(kind.name)
    table = tables.get(kind.name)
    if is_abstract_type(kind):
        for possible in schema.get_possible_types(kind):
            yield from _aggregates(schema, tables, possible, seen)
    elif table is not None and table.groups is not None:
        yield table
    elif isinstance(kind, GraphQLObjectType) and table is not None and not table.bound:
        for field in kind.fields.values():
            yield from _aggregates(schema, tables, field.type, seen)


def _type_table(kind: GraphQLObjectType, definition: StrawberryObjectDefinition) -> TypeTable:
    directives = list(definition.directives or ())
    code = _code(directives)
    fields = {name: _field_table(kind, name, field, code) for name, field in kind.fields.items()}
    keys = tuple(_key(str(directive.fields)) for directive in directives if isinstance(directive, Key))
    load = getattr(definition.origin, "resolve_references", None)
    rule = next((directive for directive in directives if isinstance(directive, Aggregate)), None)
    groups = GroupRule(frozenset(rule.by), rule.size, rule.smallest) if rule is not None else None
    return TypeTable(kind.name, definition.origin, keys, fields, load, groups)


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
