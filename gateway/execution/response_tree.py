"""The one mutable value of a request: what the subgraphs answered, merged into one tree of plain objects.

Problem: every fetch writes into the same tree, answers arrive in any order, and none of them can be trusted. Idea: an
answer is never taken over as it is. It is copied field by field along the plan's ``FetchedField``s, so that what was
not asked for cannot come in, an object is never shared between two places, and each value sits where a value of its
kind is expected. Where something failed, the tree holds a ``Failed`` with the cause; completion reports it at the place
where the answer misses it, and nowhere if the answer misses nothing by it. A place that several causes emptied has one.

Invariants: objects are dicts keyed by slot, lists are lists; under a composite slot stand only objects, lists, None and
``Failed``; two answers about one place give the same tree in either order (a value wins over a failure, a failure over
null, the name of an object type over that of an interface); answers that contradict each other in an ID or in the
object type are about different things and are not merged.
"""

from dataclasses import dataclass
from types import NoneType

from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_nullable_type,
)

from gateway.errors import SUBGRAPH_MALFORMED, ErrorCode
from gateway.planning.plan import FetchedField

Object = dict[str, object]
_MISSING = object()


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """One cause of missing data. ``whole``: a whole request failed, which is reported once, not per place."""

    code: ErrorCode
    subgraph: str
    fetch: int
    whole: bool = False

    def malformed(self) -> "Failure":
        """Another cause at the same source: what it answered does not fit the subgraph's own schema."""
        return Failure(SUBGRAPH_MALFORMED, self.subgraph, self.fetch, self.whole)


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """Stands in the tree where a value is missing; ``fields`` are those that would have been below it."""

    failure: Failure
    fields: tuple[FetchedField, ...] = ()


_OF_AN_ID = (str, int, NoneType, Failed, object)
"""What may come for an ID; the last is that of what is missing."""


class Merging:
    """What merging asks of a plan's fields again and again; one for each plan, since it goes by their identity."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._told_apart: dict[int, tuple[bool, tuple[str, ...]]] = {}
        self._without: dict[tuple[int, frozenset[str]], tuple[FetchedField, ...]] = {}

    def told_apart(self, fields: tuple[FetchedField, ...]) -> tuple[bool, tuple[str, ...]]:
        """Whether the object's type is among ``fields``, and the slots of those that are IDs."""
        known = self._told_apart.get(id(fields))
        if known is None:
            asks_type = any(field.slot == "__typename" for field in fields)
            ids = tuple(field.slot for field in fields if str(get_nullable_type(field.type)) == "ID")
            known = self._told_apart[id(fields)] = asks_type, ids
        return known

    def without(self, fields: tuple[FetchedField, ...], slots: frozenset[str]) -> tuple[FetchedField, ...]:
        """The fields but those of some slots; the same value each time."""
        key = (id(fields), slots)
        known = self._without.get(key)
        if known is None:
            known = self._without[key] = tuple(field for field in fields if field.slot not in slots)
        return known

    def is_abstract(self, name: object) -> bool:
        """Whether a name is that of an interface or a union."""
        return isinstance(self._schema.type_map.get(str(name)), GraphQLInterfaceType | GraphQLUnionType)


class ResponseTree:
    """The tree, and the failures that have no place in it. One execution owns it."""

    def __init__(self, merging: Merging, root_type: str) -> None:
        self.root: Object = {"__typename": root_type}
        self.unplaced: list[Failure] = []
        self.merging = merging

    def fail(self, target: Object, fields: tuple[FetchedField, ...], failure: Failure) -> None:
        """Mark what ``fields`` would have given to ``target`` as missing; what is there already stays."""
        typename = target.get("__typename")
        for field in fields:
            if field.on_types is None or not isinstance(typename, str) or typename in field.on_types:
                target[field.slot] = self._failed(target.get(field.slot), field.fields, failure)

    def _failed(self, present: object, fields: tuple[FetchedField, ...], failure: Failure) -> object:
        if present is None or isinstance(present, Failed):
            return present if isinstance(present, Failed) else Failed(failure, fields)
        if fields and isinstance(present, dict):
            self.fail(present, fields, failure)
        elif fields and isinstance(present, list):
            present[:] = [None if item is None else self._failed(item, fields, failure) for item in present]
        return present

    def merge(self, target: Object, answer: Object, fields: tuple[FetchedField, ...], source: Failure) -> None:
        """Copy what ``fields`` asked for from ``answer`` into ``target``.

        ``source`` names subgraph and fetch, for what does not fit.
        """
        asks_type, ids = self.merging.told_apart(fields)
        named = answer.get("__typename") if asks_type else None
        if self._contradicts(target, answer, named, ids):
            self.fail(target, fields, source.malformed())
            return
        typename = named if isinstance(named, str) else target.get("__typename")
        for field in fields:
            slot = field.slot
            if field.on_types is not None and isinstance(typename, str) and typename not in field.on_types:
                continue
            value = answer.get(slot, _MISSING)
            if value is None and isinstance(field.type, GraphQLNonNull):
                value = _MISSING
            elif slot in ids and value.__class__ not in _OF_AN_ID:
                value = Failed(source.malformed())
            if not field.fields and slot not in target and value is not _MISSING:
                target[slot] = value
                continue
            if value is _MISSING:
                known = slot == "__typename" and slot in target
                if not known and (field.on_types is None or isinstance(typename, str)):
                    target[slot] = self._failed(target.get(slot), field.fields, source.malformed())
            elif slot == "__typename":
                target[slot] = self._more_concrete(target.get(slot), value)
            elif not field.fields:
                if target.get(slot) is None or isinstance(target[slot], Failed):
                    target[slot] = value if value is not None or slot not in target else target[slot]
            else:
                target[slot] = self._merged(target.get(slot), value, field.type, field.fields, source)

    def _merged(
        self,
        present: object,
        value: object,
        type_: GraphQLOutputType,
        fields: tuple[FetchedField, ...],
        source: Failure,
    ) -> object:
        """What stands at a composite place after ``value`` came to ``present`` (None also if nothing was there)."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(value, Failed):
            return self._failed(present, fields, value.failure)
        if value is None:
            return present
        if isinstance(type_, GraphQLList):
            if not isinstance(value, list):
                return self._failed(present, fields, source.malformed())
            if not isinstance(present, list):
                items: list[object] = [present if isinstance(present, Failed) else None] * len(value)
            elif len(present) != len(value):
                return self._failed(present, fields, source.malformed())
            else:
                items = present
            pairs = zip(items, value, strict=True)
            return [self._merged(item, new, type_.of_type, fields, source) for item, new in pairs]
        if not isinstance(value, dict) or not self._may_be(type_, value, fields):
            return self._failed(present, fields, source.malformed())
        target: Object = present if isinstance(present, dict) else {}
        if isinstance(type_, GraphQLObjectType):
            target["__typename"] = type_.name
        self.merge(target, value, fields, source)
        if isinstance(present, Failed):
            self.fail(target, present.fields, present.failure)
        return target

    def _contradicts(self, target: Object, answer: Object, named: object, ids: tuple[str, ...]) -> bool:
        old = target.get("__typename")
        named_apart = old != named and isinstance(old, str) and isinstance(named, str)
        if named_apart and not self.merging.is_abstract(old) and not self.merging.is_abstract(named):
            return True
        for slot in ids:
            held = target.get(slot)
            if held is not None:
                given = answer.get(slot)
                scalars = isinstance(held, str | int) and isinstance(given, str | int)
                if scalars and held != given and str(held) != str(given):
                    return True
        return False

    def _more_concrete(self, present: object, new: object) -> object:
        if not isinstance(present, str):
            return new
        return new if isinstance(new, str) and self.merging.is_abstract(present) else present

    def _may_be(self, type_: GraphQLOutputType, answer: Object, fields: tuple[FetchedField, ...]) -> bool:
        """Whether an object can stand at a place of this type, by the name it gives itself (if asked for one)."""
        name = answer.get("__typename", _MISSING)
        if name is _MISSING or not self.merging.told_apart(fields)[0]:
            return True
        return isinstance(name, str) and (not isinstance(type_, GraphQLObjectType) or name == type_.name)
