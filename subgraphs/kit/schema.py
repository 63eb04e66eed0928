"""From Strawberry classes to a schema that serves a department: Strawberry describes, the kit resolves.

Strawberry builds the types and prints the SDL, and keeps doing both. In the schema it built, three kinds of resolver
are exchanged: ``_entities`` for the bulk one, fields that return records for ones that look ahead (``loading``), plain
fields for attribute reads without Strawberry's wrapping.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, GraphQLUnionType
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from subgraphs.kit.binding import bulk_of
from subgraphs.kit.completion import Readers, plain_readers
from subgraphs.kit.disclosure import OUT_OF_SCOPE, Disclosure
from subgraphs.kit.entities import EntityResolver
from subgraphs.kit.errors import SCHEMA_INVALID, CodedError
from subgraphs.kit.loading import LOADED, Loading, fault
from subgraphs.kit.tables import DEFINITION, FieldTable, TypeTable, read_tables

FEDERATION_VERSION: Final = "2.11"


@dataclass(frozen=True, slots=True)
class ServedSchema:
    """A schema ready to execute, and its SDL as Federation 2 reads it. ``readers`` are those of ``completion``."""

    graphql: GraphQLSchema
    sdl: str
    readers: Readers


def build_schema(
    query: type, types: Iterable[type] = (), descriptions: Mapping[str, str] | None = None
) -> ServedSchema:
    """The served form of a Strawberry ``query`` type and further entity ``types``.

    ``descriptions`` go by coordinate (``Type`` or ``Type.field``) and fill in where the class gives none.
    Raises CodedError SCHEMA_INVALID naming the class that cannot be used.
    """
    try:
        built = strawberry.federation.Schema(
            query=query,
            types=list(types),
            federation_version=FEDERATION_VERSION,
            config=StrawberryConfig(scalar_map=_SCALARS),
        )
    except (TypeError, ValueError) as error:
        raise CodedError(SCHEMA_INVALID, f"Strawberry cannot build the schema: {error}") from error
    schema: GraphQLSchema = built._schema
    tables = read_tables(schema)
    _describe(schema, descriptions or {})
    _install(schema, tables)
    readers = {name: plain_readers(_object(schema, name), table) for name, table in tables.items()}
    return ServedSchema(schema, built.as_str(), readers)


def _object(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def _written(value: object) -> str:
    """A date, a time or a decimal as JSON text; what a mask left of one is text already."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, str | Decimal | int | float):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no date, time or number")


_SCALARS: dict[object, Any] = {
    date: strawberry.scalar(
        name="Date", description="ISO 8601, YYYY-MM-DD", serialize=_written, parse_value=date.fromisoformat
    ),
    datetime: strawberry.scalar(
        name="DateTime", description="ISO 8601 with offset", serialize=_written, parse_value=datetime.fromisoformat
    ),
    Decimal: strawberry.scalar(
        name="Decimal", description="Decimal number as text", serialize=_written, parse_value=Decimal
    ),
}


def _describe(schema: GraphQLSchema, descriptions: Mapping[str, str]) -> None:
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType):
            continue
        _describe_one(kind, name, descriptions)
        for field_name, field in kind.fields.items():
            _describe_one(field, f"{name}.{field_name}", descriptions)


def _describe_one(element: Any, coordinate: str, descriptions: Mapping[str, str]) -> None:
    definition = element.extensions.get(DEFINITION)
    text = descriptions.get(coordinate) or _said_by(definition)
    if text is not None and element.description is None and definition is not None:
        element.description = definition.description = text


def _said_by(definition: object) -> str | None:
    """The first line of a resolver's docstring. Bulk loaders explain themselves to programmers: they are left out."""
    resolver = definition.base_resolver if isinstance(definition, StrawberryField) else None
    if resolver is None or bulk_of(definition) is not None:  # type: ignore[arg-type]
        return None
    text = inspect.getdoc(resolver.wrapped_func)
    return text.splitlines()[0].rstrip(".") if text else None


def _install(schema: GraphQLSchema, tables: Mapping[str, TypeTable]) -> None:
    by_class = {table.origin: table for table in tables.values()}
    query = schema.query_type
    if query is None:
        raise CodedError(SCHEMA_INVALID, "The schema has no Query.")
    for name, table in tables.items():
        kind = _object(schema, name)
        for field_name, described in table.fields.items():
            field = kind.fields[field_name]
            field.resolve = _resolver(f"{name}.{field_name}", field.resolve, described, by_class)
    if "_entities" in query.fields:
        query.fields["_entities"].resolve = _entities(EntityResolver(schema, tables), by_class)
        union = schema.type_map["_Entity"]
        assert isinstance(union, GraphQLUnionType)
        union.resolve_type = lambda value, info, kind: by_class[type(value)].name


def _resolver(
    where: str, original: Callable[..., Any] | None, field: FieldTable, by_class: Mapping[type, TypeTable]
) -> Callable[..., Any]:
    if field.direct is not None:
        return _directly(field.direct, field.arguments)
    if field.computed and field.bulk is None:
        assert original is not None
        return _looking_ahead(where, original, by_class) if field.composite else original
    if field.bulk is not None or field.composite:
        return _loaded
    read = attrgetter(field.python_name)
    return lambda source, info: read(source)


def _directly(function: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    def resolve(source: object, info: GraphQLResolveInfo[Any], **arguments: object) -> object:
        return function(source, **{names[name]: value for name, value in arguments.items()})

    return resolve


def _loaded(source: Any, info: GraphQLResolveInfo[Any], **_: object) -> object:
    return getattr(source, LOADED)[info.path.key]


def _looking_ahead(where: str, original: Callable[..., Any], by_class: Mapping[type, TypeTable]) -> Callable[..., Any]:
    async def resolve(source: object, info: GraphQLResolveInfo[Any], **arguments: object) -> object:
        try:
            value = original(source, info, **arguments)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:  # noqa: BLE001 - the author's code may raise anything; it concerns this field alone
            raise fault(where, error) from None
        return await _loading(info, by_class).value(value)

    return resolve


def _entities(resolver: EntityResolver, by_class: Mapping[type, TypeTable]) -> Callable[..., Any]:
    async def resolve(_: object, info: GraphQLResolveInfo[Any], representations: list[object]) -> list[object]:
        loaded = await resolver.resolve(info.context, representations)
        filled = await _loading(info, by_class).level(loaded, info.field_nodes)
        return [None if entity is OUT_OF_SCOPE else entity for entity in filled]

    return resolve


def _loading(info: GraphQLResolveInfo[Any], by_class: Mapping[type, TypeTable]) -> Loading:
    return Loading(by_class, info.context, Disclosure(info.context.context, info.context.pseudonyms), info)
