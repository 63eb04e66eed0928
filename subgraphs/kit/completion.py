"""A shorter way through graphql-core for objects whose values are all in place.

graphql-core completes a field in about five microseconds: a path, a resolve info, several checks whether something must
be awaited. A thousand entities of five fields pay that five thousand times, and need none of it: after the look-ahead
(``loading``) plain values and relations are attributes. So where a selection holds nothing but those, at any depth, an
object is made in one comprehension. Whatever is not as expected there (a missing value in a non-null field, an error in
the place of a value, a value that does not serialise) sends the object the usual way, which knows how to report it.

Invariant: the answer is the one that graphql-core gives, errors included.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Final

from graphql import GraphQLObjectType, GraphQLScalarType, is_list_type, is_non_null_type
from graphql.execution import Executor
from graphql.pyutils import Undefined

from subgraphs.kit.loading import LOADED
from subgraphs.kit.tables import TypeTable

Reader = Callable[[Any], Any]
Chosen = list[tuple[str, Reader]]


class _NotPlainError(Exception):
    """A value that the usual way has to look at."""


class _Relation:
    """Marks a field whose value the look-ahead has put in place."""


RELATION: Final = _Relation()
Readers = Mapping[str, Mapping[str, Reader | _Relation]]


def plain_readers(kind: GraphQLObjectType, table: TypeTable) -> Mapping[str, Reader | _Relation]:
    """For each plain field of a type, the function from an object to the field's JSON value; RELATION for relations."""
    readers: dict[str, Reader | _Relation] = {"__typename": lambda _, name=kind.name: name}  # type: ignore[misc]
    for name, field in kind.fields.items():
        described = table.fields[name]
        if described.bulk is not None or (described.composite and not described.computed):
            readers[name] = RELATION
        elif not described.computed:
            scalar = field.type.of_type if is_non_null_type(field.type) else field.type
            if isinstance(scalar, GraphQLScalarType):
                readers[name] = _reader(described.python_name, scalar, is_non_null_type(field.type))
    return readers


def _reader(python_name: str, scalar: GraphQLScalarType, non_null: bool) -> Reader:
    read, serialize = attrgetter(python_name), scalar.coerce_output_value

    def value(source: Any) -> Any:
        held = read(source)
        if held is None and not non_null:
            return None
        written = None if held is None or isinstance(held, Exception) else serialize(held)
        if written is None or written is Undefined:
            raise _NotPlainError
        return written

    return value


class PlainFirstExecutor(Executor[Any]):
    """graphql-core's executor, with the shorter way. A subclass for each schema sets ``readers``, by type and field."""

    readers: ClassVar[Readers]

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """See Executor."""
        chosen = self._chosen(parent_type, grouped_field_set)
        if chosen is not None:
            try:
                return {key: read(source_value) for key, read in chosen}
            except Exception:  # noqa: BLE001 - the author's properties and scalars may raise anything; the usual way,
                pass  # taken next, meets the same again and tells it with its place.
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def _chosen(self, parent_type: GraphQLObjectType, grouped_field_set: Any) -> Chosen | None:
        """The readers for a selection; None when it holds anything that is not in place.

        graphql-core keeps a selection's groups for as long as it executes, so their identity names them.
        """
        memory: dict[int, Chosen | None] = self.__dict__.setdefault("_chosen_by_selection", {})
        name = id(grouped_field_set)
        if name not in memory:
            memory[name] = None
            memory[name] = self._choose(parent_type, grouped_field_set)
        return memory[name]

    def _choose(self, parent_type: GraphQLObjectType, grouped_field_set: Any) -> Chosen | None:
        readers = self.readers.get(parent_type.name, {})
        chosen: Chosen = []
        for key, same_key in grouped_field_set.items():
            name = same_key[0].node.name.value
            reader = readers.get(name)
            if isinstance(reader, _Relation):
                reader = self._relation(key, parent_type.fields[name].type, same_key)
            if reader is None:
                return None
            chosen.append((key, reader))
        return chosen

    def _relation(self, key: str, kind: Any, same_key: Any) -> Reader | None:
        inner = kind
        while is_list_type(inner) or is_non_null_type(inner):
            inner = inner.of_type
        if not isinstance(inner, GraphQLObjectType):
            return None
        chosen = self._chosen(inner, self.collect_subfields(inner, same_key)[0])
        if chosen is None:
            return None

        def complete(value: Any, expected: Any) -> Any:
            if is_non_null_type(expected):
                if value is None:
                    raise _NotPlainError
                expected = expected.of_type
            if value is None:
                return None
            if isinstance(value, Exception):
                raise _NotPlainError
            if is_list_type(expected):
                return [complete(one, expected.of_type) for one in value]
            return {name: read(value) for name, read in chosen}

        return lambda source: complete(getattr(source, LOADED)[key], kind)
