"""From an operation to the shape of its answer: which slot becomes which response key, in which order.

Fields are collected per concrete type as execution would (GraphQL October 2021, section 6.3.2); types whose lists
agree are then projected together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import cast

from graphql import (
    GraphQLCompositeType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_abstract_type,
)

from gateway.errors import PLAN_LIMIT, CodedError
from gateway.planning.documents import TYPENAME_TYPE
from gateway.planning.fetches import Scope
from gateway.planning.operation import FieldSelection, FragmentSelection, Read, Selection
from gateway.planning.plan import FieldProjection
from gateway.planning.wanted import TYPENAME, given_arguments, own_alias

MOST_ENTRIES = 200_000
META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
"""The introspection fields of the query root; what is below them is executed against the schema, not planned."""
Sets = tuple[tuple[Selection, ...], ...]
Slots = tuple[str, ...]


@dataclass(slots=True)
class Projector:
    """Projects one operation for one caller's schema.

    ``calls`` is the root's scope in a mutation, ``typed`` the paths of objects whose concrete type is fetched.
    """

    schema: GraphQLSchema
    calls: Scope | None
    typed: frozenset[Slots]
    _known: dict[tuple[object, ...], tuple[FieldProjection, ...]] = field(default_factory=dict)
    _keep: list[object] = field(default_factory=list)
    _entries: int = 0

    def project(
        self, sets: Sets, type_: GraphQLCompositeType, scope: Scope, path: Slots = ()
    ) -> tuple[FieldProjection, ...]:
        """The projection of merged selection sets on objects of ``type_`` at a path."""
        key = (tuple(map(id, sets)), type_.name, path)
        known = self._known.get(key)
        if known is None:
            self._keep.append(sets)
            known = self._known[key] = self._project(sets, type_, scope, path)
        return known

    def _project(
        self, sets: Sets, type_: GraphQLCompositeType, scope: Scope, path: Slots
    ) -> tuple[FieldProjection, ...]:
        if isinstance(type_, GraphQLObjectType):
            return self._on_type(sets, type_, scope, path, certain=True)
        lists: dict[tuple[str, ...], tuple[FieldProjection, ...]] = {}
        for alike in self._alike(sets, type_, scope):
            first = cast(GraphQLObjectType, self.schema.type_map[alike[0]])
            lists[alike] = self._on_type(sets, first, scope, path, certain=False)
        if not lists and isinstance(type_, GraphQLInterfaceType):
            return self._on_type(sets, type_, scope, path, certain=False)  # an @interfaceObject without implementers
        if path not in self.typed and lists:
            return next(iter(lists.values()))
        return _together(lists)

    def _alike(self, sets: Sets, type_: GraphQLCompositeType, scope: Scope) -> list[tuple[str, ...]]:
        """The possible types, those together that collect the same fields with the same types and slots."""
        conditions = tuple(dict.fromkeys(_conditions(sets)))
        by_fragments: dict[tuple[bool, ...], list[GraphQLObjectType]] = {}
        possible = self.schema.get_possible_types(type_)  # type: ignore[arg-type]
        for concrete in sorted(possible, key=lambda t: t.name):
            holds = tuple(self._applies(condition, concrete) for condition in conditions)
            by_fragments.setdefault(holds, []).append(concrete)
        found: list[tuple[str, ...]] = []
        for types in by_fragments.values():
            groups = self._collected(sets, types[0])
            by_fields: dict[tuple[object, ...], list[str]] = {}
            for concrete in types:
                self._count(len(groups))
                traits = tuple(self._traits(group, concrete, scope) for group in groups.values())
                by_fields.setdefault(traits, []).append(concrete.name)
            found += (tuple(names) for names in by_fields.values())
        return found

    def _traits(self, group: list[FieldSelection], type_: GraphQLObjectType, scope: Scope) -> object:
        name = group[0].name
        return TYPENAME if name == TYPENAME else (str(type_.fields[name].type), self._slot(group, type_.name, scope))

    def _slot(self, group: list[FieldSelection], type_name: str, scope: Scope) -> str | None:
        """The slot of the selections under one response key; what is below some of them may be skipped altogether."""
        one = next((selection for selection in group if selection.selections), group[0])
        return scope.known_slot(type_name, one.name, given_arguments(one), own_alias(one, scope is self.calls))

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MOST_ENTRIES:
            message = f"The answer's shape would have more than {MOST_ENTRIES} entries, counted per type."
            raise CodedError(PLAN_LIMIT, message)

    def _on_type(
        self, sets: Sets, type_: GraphQLObjectType | GraphQLInterfaceType, scope: Scope, path: Slots, certain: bool
    ) -> tuple[FieldProjection, ...]:
        groups = self._collected(sets, type_)
        return tuple(self._field(key, group, type_, scope, path, certain) for key, group in groups.items())

    def _collected(
        self, sets: Sets, type_: GraphQLObjectType | GraphQLInterfaceType
    ) -> dict[str, list[FieldSelection]]:
        collected: dict[str, list[FieldSelection]] = {}
        for selections in sets:
            self._collect(selections, type_, collected)
        self._count(len(collected))
        return collected

    def _collect(
        self,
        selections: Iterable[Selection],
        type_: GraphQLObjectType | GraphQLInterfaceType,
        into: dict[str, list[FieldSelection]],
    ) -> None:
        for selection in selections:
            if isinstance(selection, FieldSelection):
                into.setdefault(selection.response_key, []).append(selection)
            elif self._applies(selection.type_condition, type_):
                self._collect(selection.selections, type_, into)

    def _applies(self, type_condition: str, type_: GraphQLObjectType | GraphQLInterfaceType) -> bool:
        if type_condition == type_.name:
            return True
        condition = self.schema.type_map[type_condition]
        return not isinstance(condition, GraphQLObjectType) and self.schema.is_sub_type(condition, type_)  # type: ignore[arg-type]

    def _field(
        self,
        key: str,
        group: list[FieldSelection],
        type_: GraphQLObjectType | GraphQLInterfaceType,
        scope: Scope,
        path: Slots,
        certain: bool,
    ) -> FieldProjection:
        first = next((s for s in group if not isinstance(s.outcome, Read)), group[0])
        if first.name == TYPENAME:
            constant = type_.name if certain else None
            return FieldProjection(key, TYPENAME, TYPENAME_TYPE, first.parent_type, TYPENAME, constant=constant)
        meta = META_FIELDS.get(first.name)
        if meta is not None:
            return FieldProjection(key, key, meta.type, first.parent_type, first.name)
        declared: GraphQLOutputType = type_.fields[first.name].type
        slot = self._slot(group, type_.name, scope)
        # A name that no slot can have: nothing was fetched, so the answer is null.
        placed = slot if slot is not None else f"-{key}"
        children: tuple[FieldProjection, ...] = ()
        if isinstance(first.outcome, Read):
            below = tuple(selection.selections for selection in group if selection.selections)
            if below:
                target = cast(GraphQLCompositeType, get_named_type(declared))
                children = self.project(below, target, scope.at(placed), (*path, placed))
        return FieldProjection(
            response_key=key,
            slot=placed,
            type=declared,
            parent_type=first.parent_type,
            field_name=first.name,
            outcome=first.outcome,
            fields=children,
            typed=slot is None or not is_abstract_type(get_named_type(declared)) or (*path, placed) in self.typed,
        )


def _conditions(sets: Sets) -> Iterator[str]:
    for selections in sets:
        for selection in selections:
            if isinstance(selection, FragmentSelection):
                yield selection.type_condition
                yield from _conditions((selection.selections,))


def _together(lists: dict[tuple[str, ...], tuple[FieldProjection, ...]]) -> tuple[FieldProjection, ...]:
    """One list for all types, each entry with the types it is for, in an order that is right for each."""
    entries: dict[object, FieldProjection] = {}
    types: dict[object, set[str]] = {}
    followers: dict[object, set[object]] = {}
    for names, fields in lists.items():
        previous: object = None
        for projected in fields:
            key = (
                projected.response_key,
                projected.slot,
                str(projected.type),
                projected.outcome,
                id(projected.fields),  # equal ones are the same: projections are remembered
                projected.typed,
            )
            entries.setdefault(key, projected)
            types.setdefault(key, set()).update(names)
            followers.setdefault(key, set())
            if previous is not None:
                followers[previous].add(key)
            previous = key
    order = _in_order(list(entries), followers)
    if order is None:  # two types want two fields in opposite orders: a list per type then
        return tuple(_on(projected, frozenset(names)) for names, fields in lists.items() for projected in fields)
    everything = {name for names in lists for name in names}
    return tuple(_on(entries[key], None if types[key] == everything else frozenset(types[key])) for key in order)


def _in_order(keys: list[object], followers: dict[object, set[object]]) -> list[object] | None:
    waiting_for = dict.fromkeys(keys, 0)
    for following in followers.values():
        for key in following:
            waiting_for[key] += 1
    order: list[object] = []
    position = {key: index for index, key in enumerate(keys)}
    ready = [position[key] for key in keys if not waiting_for[key]]
    while ready:
        key = keys[heappop(ready)]
        order.append(key)
        for later in followers[key]:
            waiting_for[later] -= 1
            if not waiting_for[later]:
                heappush(ready, position[later])
    return order if len(order) == len(keys) else None


def _on(projected: FieldProjection, on_types: frozenset[str] | None) -> FieldProjection:
    return replace(projected, on_types=on_types)
