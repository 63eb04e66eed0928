"""``_entities`` as a department needs it: one call per type, every representation answered for itself.

Strawberry resolves one representation at a time, fails the whole list for one unknown ``__typename``, takes
``__typename`` out of the caller's variables, and hands keys over in their GraphQL spelling. Here representations are
read without being changed, grouped by type, translated to Python names and resolved in one call a type; what is wrong
with one of them is an error at its index and nowhere else.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, get_named_type

from subgraphs.kit.errors import REPRESENTATION_INVALID, CodedError
from subgraphs.kit.loading import fault
from subgraphs.kit.request import Request
from subgraphs.kit.tables import KeyField, TypeTable

Reference = Mapping[str, Any]
"""A representation's fields by Python name, leaves as Python values."""


class EntityResolver:
    """Resolves representations of the entity types of one schema."""

    def __init__(self, schema: GraphQLSchema, tables: Mapping[str, TypeTable]) -> None:
        self._schema = schema
        self._every = tables
        self._readers: dict[str, Mapping[str, tuple[str, Callable[[Any], Any]]]] = {}
        self._tables = {name: table for name, table in tables.items() if table.keys}

    async def resolve(self, request: Request[Any], representations: Sequence[object]) -> list[object]:
        """Aligned with ``representations``: an entity, None where there is none, or the error for that one."""
        results: list[object] = [None] * len(representations)
        groups: dict[str, list[tuple[int, Reference]]] = {}
        for index, representation in enumerate(representations):
            try:
                name, reference = self._read(representation)
            except CodedError as error:
                results[index] = error
            else:
                groups.setdefault(name, []).append((index, reference))
        for name, members in groups.items():
            entities = await _load(self._tables[name], [reference for _, reference in members], request)
            for (index, _), entity in zip(members, entities, strict=True):
                results[index] = entity
        return results

    def _read(self, representation: object) -> tuple[str, Reference]:
        if not isinstance(representation, Mapping):
            raise CodedError(REPRESENTATION_INVALID, "A representation must be an object.")
        name = representation.get("__typename")
        table = self._tables.get(name) if isinstance(name, str) else None
        if table is None:
            known = ", ".join(sorted(self._tables))
            raise CodedError(REPRESENTATION_INVALID, f"This subgraph resolves {known}; the representation is of none.")
        if not any(_complete(key, representation) for key in table.keys):
            keys = " or ".join(repr(" ".join(field.name for field in key)) for key in table.keys)
            raise CodedError(REPRESENTATION_INVALID, f"A representation of {table.name} must hold {keys}, not null.")
        return table.name, self._reference(table, representation)

    def _reference(self, table: TypeTable, representation: Mapping[str, object]) -> Reference:
        readers = self._readers.get(table.name)
        if readers is None:
            readers = self._readers[table.name] = self._readers_of(table)
        reference: dict[str, Any] = {}
        for name, value in representation.items():
            reader = readers.get(name)
            if reader is not None:
                reference[reader[0]] = None if value is None else reader[1](value)
        return reference

    def _readers_of(self, table: TypeTable) -> Mapping[str, tuple[str, Callable[[Any], Any]]]:
        """For each field its Python name and how its value is read."""
        kind = self._schema.type_map[table.name]
        assert isinstance(kind, GraphQLObjectType)
        return {
            name: (described.python_name, self._reader(f"{table.name}.{name}", get_named_type(kind.fields[name].type)))
            for name, described in table.fields.items()
        }

    def _reader(self, where: str, named: Any) -> Callable[[Any], Any]:
        inner = self._every.get(named.name)

        def read(value: Any) -> Any:
            if isinstance(value, list):
                return [None if one is None else read(one) for one in value]
            if inner is not None and isinstance(value, Mapping):
                return self._reference(inner, value)
            try:
                return named.coerce_input_value(value)
            except (AttributeError, GraphQLError, ValueError, TypeError):
                raise CodedError(REPRESENTATION_INVALID, f"The value for {where} is no {named.name}.") from None

        return read


def _complete(key: Sequence[KeyField], held: object) -> bool:
    """Whether ``held`` has every field of the key; in a list, whether each element has."""
    if isinstance(held, list):
        return all(_complete(key, inner) for inner in held)
    if not isinstance(held, Mapping):
        return False
    return all(
        held.get(field.name) is not None and (not field.inner or _complete(field.inner, held[field.name]))
        for field in key
    )


async def _load(table: TypeTable, references: list[Reference], request: Request[Any]) -> list[object]:
    where = f"the entities of {table.name}"
    try:
        if table.load is None:
            return _taken_at_their_word(table, references)
        loaded = table.load(references, request)
        entities = list(await loaded if inspect.isawaitable(loaded) else loaded)
        if len(entities) != len(references):
            raise ValueError(f"{len(entities)} entities for {len(references)} representations")
    except Exception as error:  # noqa: BLE001 - the author's code may raise anything; it concerns this type alone
        return [fault(where, error)] * len(references)
    return [fault(where, entity) if isinstance(entity, BaseException) else entity for entity in entities]


def _taken_at_their_word(table: TypeTable, references: Sequence[Reference]) -> list[object]:
    settable = [field for field in fields(table.origin) if field.init]
    absent = {field.name: None for field in settable if field.default is MISSING and field.default_factory is MISSING}
    names = {field.name for field in settable}
    return [
        table.origin(**{**absent, **{name: value for name, value in reference.items() if name in names}})
        for reference in references
    ]
