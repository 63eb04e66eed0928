"""Loading what a selection asks for, level by level, before graphql-core completes it.

The problem: a GraphQL executor resolves one object at a time, so a relation on a thousand records becomes a thousand
queries, or a thousand futures of a data loader. The idea: when a field returns records, look at what is selected below
it, load each selected relation once for all records of a level, and go on with what came back. graphql-core then finds
every value in place and runs without waiting once.

Invariant: every record passes the Disclosure before anything is loaded for it, so relations are never followed from a
record that the caller may not see. Loaded values are put on copies, hence a store may hand out shared records.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from traceback import format_tb
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    is_abstract_type,
)

from subgraphs.kit.disclosure import OUT_OF_SCOPE, Disclosure, twin
from subgraphs.kit.errors import DEPARTMENT_FAULT, CodedError
from subgraphs.kit.request import Request
from subgraphs.kit.tables import FieldTable, TypeTable

LOADED: Final = "_loaded_by_response_key"
_log = logging.getLogger("watersmeet.department")


def fault(where: str, error: BaseException) -> CodedError:
    """A fault of the department as the caller may see it; the log gets its kind and place, and no words of its own.

    An exception's message may hold a person's data, so neither side sees it. Being cancelled is no fault: what calls an
    author's code catches ``Exception``, which that is not.
    """
    if isinstance(error, CodedError):
        return error
    _log.error("%s failed: %s\n%s", where, type(error).__name__, "".join(format_tb(error.__traceback__)))
    return CodedError(DEPARTMENT_FAULT, f"The department could not answer {where}.")


@dataclass(frozen=True, slots=True)
class Loading:
    """The look-ahead of one field's answer. ``tables`` go by class."""

    tables: Mapping[type, TypeTable]
    request: Request[Any]
    disclosure: Disclosure
    info: GraphQLResolveInfo[Any]

    async def value(self, value: object) -> object:
        """A resolver's value, of any nesting of lists, with all that is selected below it loaded.

        Records out of scope are dropped from lists and null elsewhere.
        """
        leaves: list[object] = []
        _flatten(value, leaves)
        filled = iter(await self.level(leaves, self.info.field_nodes))
        return _shown(_rebuild(value, filled))

    async def level(self, records: Sequence[object], nodes: Sequence[FieldNode]) -> list[object]:
        """Aligned with ``records`` of any types; what is no record (None, an exception, a scalar) stays as it is."""
        results = list(records)
        places: dict[type, list[int]] = {}
        for index, record in enumerate(results):
            if type(record) in self.tables:
                places.setdefault(type(record), []).append(index)
        for kind, indices in places.items():
            filled = await self._one_type(self.tables[kind], [results[index] for index in indices], nodes)
            for index, record in zip(indices, filled, strict=True):
                results[index] = record
        return results

    async def _one_type(self, table: TypeTable, records: list[object], nodes: Sequence[FieldNode]) -> list[object]:
        selected = self._selected(table, nodes)
        names = {same_key[0].name.value for same_key in selected.values()}
        try:
            admitted = self.disclosure.admit(table, records, names)
        except CodedError as refusal:
            return [refusal] * len(records)
        deeper = {key: same for key, same in selected.items() if _leads_on(table.fields.get(same[0].name.value))}
        if not deeper:
            return admitted
        shown = {
            index: twin(record)
            for index, record in enumerate(admitted)
            if record is not OUT_OF_SCOPE and not isinstance(record, BaseException)
        }
        parents = list(shown.values())
        columns = await asyncio.gather(*(self._column(table, parents, same_key) for same_key in deeper.values()))
        for position, parent in enumerate(parents):
            loaded = {key: column[position] for key, column in zip(deeper, columns, strict=True)}
            object.__setattr__(parent, LOADED, loaded)
        return [shown.get(index, record) for index, record in enumerate(admitted)]

    async def _column(self, table: TypeTable, parents: list[object], nodes: Sequence[FieldNode]) -> list[object]:
        """The values of one selected field for all parents, with everything below them loaded."""
        name = nodes[0].name.value
        field = table.fields[name]
        if field.bulk is None:
            values: list[object] = [getattr(parent, field.python_name) for parent in parents]
        else:
            values = await self._related(table, name, field, parents, nodes[0])
        leaves: list[object] = []
        _flatten(values, leaves)
        filled = iter(await self.level(leaves, nodes))
        return [_shown(_rebuild(value, filled)) for value in values]

    async def _related(
        self, table: TypeTable, name: str, field: FieldTable, parents: list[object], node: FieldNode
    ) -> list[object]:
        kind = self.info.schema.type_map[table.name]
        assert isinstance(kind, GraphQLObjectType)
        assert field.bulk is not None
        where = f"{table.name}.{name}"
        try:
            written = get_argument_values(kind.fields[name], node, self.info.variable_values)
            arguments = {field.arguments[argument]: value for argument, value in written.items()}
            values = list(await field.bulk(parents, self.request, **arguments)) if parents else []
            if len(values) != len(parents):
                raise ValueError(f"{len(values)} values for {len(parents)} parents")
        except GraphQLError as error:
            return [error] * len(parents)
        except Exception as error:  # noqa: BLE001 - the author's code may raise anything; it concerns this field alone
            return [fault(where, error)] * len(parents)
        return [fault(where, value) if isinstance(value, BaseException) else value for value in values]

    def _selected(self, table: TypeTable, nodes: Sequence[FieldNode]) -> dict[str, list[FieldNode]]:
        """The fields selected on a type below ``nodes``, by response key; those of one key ask for the same."""
        selected: dict[str, list[FieldNode]] = {}
        for node in nodes:
            for inner in self._fields(table.name, node.selection_set):
                key = inner.alias.value if inner.alias else inner.name.value
                selected.setdefault(key, []).append(inner)
        return selected

    def _fields(self, type_name: str, selections: SelectionSetNode | None) -> Iterator[FieldNode]:
        for node in selections.selections if selections is not None else ():
            if node.directives and not self._included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment = self.info.fragments[node.name.value]
                fragment = getattr(fragment, "definition", fragment)
                condition, inner = fragment.type_condition.name.value, fragment.selection_set
            else:
                assert isinstance(node, InlineFragmentNode)
                condition = node.type_condition.name.value if node.type_condition else type_name
                inner = node.selection_set
            if _applies(self.info.schema, condition, type_name):
                yield from self._fields(type_name, inner)

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.info.variable_values)
        include = get_directive_values(GraphQLIncludeDirective, node, self.info.variable_values)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def _leads_on(field: FieldTable | None) -> bool:
    """Whether there is something to load behind a field: a relation, or records held as a plain value."""
    return field is not None and (field.bulk is not None or (field.composite and not field.computed))


def _applies(schema: GraphQLSchema, condition: str, type_name: str) -> bool:
    if condition == type_name:
        return True
    wider, concrete = schema.type_map.get(condition), schema.type_map.get(type_name)
    return is_abstract_type(wider) and isinstance(concrete, GraphQLObjectType) and schema.is_sub_type(wider, concrete)


def _flatten(value: object, leaves: list[object]) -> None:
    if isinstance(value, list | tuple):
        for inner in value:
            _flatten(inner, leaves)
    else:
        leaves.append(value)


def _rebuild(value: object, filled: Iterator[object]) -> object:
    """``value`` with its leaves replaced, in order, by ``filled``."""
    if isinstance(value, list | tuple):
        return [inner for inner in (_rebuild(inner, filled) for inner in value) if inner is not OUT_OF_SCOPE]
    return next(filled)


def _shown(value: object) -> object:
    return None if value is OUT_OF_SCOPE else value
