"""From the response tree to the answer: order, types, nulls (GraphQL October 2021, sections 6.4.3 and 6.4.4).

The projection leads; the tree is only looked up. A value that does not fit the schema the caller sees becomes null with
an error, a null where none may be takes its parent with it up to the nearest nullable place, and each cause is
reported once: where the answer first misses it.
"""

from collections.abc import Callable

from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    is_composite_type,
    is_leaf_type,
)

from catalog_sync.errors import GROUP_TOO_SMALL
from gateway.errors import (
    SUBGRAPH_FAILED,
    SUBGRAPH_MALFORMED,
    SUBGRAPH_TIMED_OUT,
    SUBGRAPH_UNREACHABLE,
    ErrorCode,
    ErrorReport,
)
from gateway.execution.leaves import INVALID, completed_leaf, leaf_check
from gateway.execution.response_tree import Failed, Failure, Object, ResponseTree
from gateway.planning.operation import Refused
from gateway.planning.plan import FieldProjection

MAX_ERRORS = 1_000
"""In one answer; further ones are counted. One enum value that a schema lacks can spoil every row of a long list."""

_BUBBLE = object()
_WHAT_HAPPENED = {
    SUBGRAPH_UNREACHABLE.name: "could not be reached or broke off its answer",
    SUBGRAPH_TIMED_OUT.name: "did not answer in time",
    SUBGRAPH_MALFORMED.name: "answered something that does not fit its own schema",
    SUBGRAPH_FAILED.name: "reported an error for this part of the answer",
    GROUP_TOO_SMALL.name: "withholds this figure: its group is too small, or would show one that is",
}


_Check = Callable[[object], object]


class Completing:
    """What completion asks of a plan's projection again and again; one for each plan, since it goes by identity."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._fields: dict[tuple[int, str], list[tuple[FieldProjection, _Check | None]]] = {}
        self._possible: dict[str, frozenset[str]] = {}

    def fields(
        self, projection: tuple[FieldProjection, ...], typename: str
    ) -> list[tuple[FieldProjection, _Check | None]]:
        """The fields that objects of a type have in the answer; those that are simply leaves with their check."""
        key = (id(projection), typename)
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = [
                (field, _simple_check(field))
                for field in projection
                if field.on_types is None or typename in field.on_types
            ]
        return known

    def is_possible(self, type_: GraphQLInterfaceType | GraphQLUnionType, typename: object) -> bool:
        """Whether the caller's schema has a type of this name that can stand where ``type_`` is."""
        possible = self._possible.get(type_.name)
        if possible is None:
            names = frozenset(each.name for each in self._schema.get_possible_types(type_))
            possible = self._possible[type_.name] = names
        return isinstance(typename, str) and typename in possible


def _simple_check(field: FieldProjection) -> _Check | None:
    type_ = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if isinstance(field.outcome, Refused) or field.constant is not None or not is_leaf_type(type_):
        return None
    return leaf_check(type_)


def complete(
    tree: ResponseTree, projection: tuple[FieldProjection, ...], root_type: str, completing: Completing, named: bool
) -> tuple[object, list[ErrorReport]]:
    """The answer's ``data`` and ``errors``. ``named`` says whether errors may name the subgraph that caused them."""
    completion = _Completion(completing, named)
    data = completion.fields(projection, tree.root, root_type)
    completion.report_the_rest(tree.unplaced)
    return (None if data is _BUBBLE else data), completion.errors


class _Completion:
    """One walk over projection and tree; ``_path`` is where it stands, in the caller's response keys."""

    def __init__(self, completing: Completing, named: bool) -> None:
        self.errors: list[ErrorReport] = []
        self._completing = completing
        self._named = named
        self._path: list[str | int] = []
        self._unsaid = 0
        self._refused: set[int] = set()
        self._reported: set[tuple[Failure, int]] = set()

    def fields(self, projection: tuple[FieldProjection, ...], value: Object, typename: str) -> object:
        """The answer for one object, or _BUBBLE if it must be null."""
        answer: Object = {}
        for field, check in self._completing.fields(projection, typename):
            if check is not None:
                leaf = value.get(field.slot)
                if leaf.__class__ is not Failed and leaf is not None:
                    leaf = check(leaf)
                    if leaf is not INVALID:
                        answer[field.response_key] = leaf
                        continue
            self._path.append(field.response_key)
            completed = self._field(field, value)
            self._path.pop()
            if completed is _BUBBLE:
                return _BUBBLE
            answer[field.response_key] = completed
        return answer

    def _field(self, field: FieldProjection, parent: Object) -> object:
        if isinstance(field.outcome, Refused):
            self._refuse(field, field.outcome)
            return _BUBBLE if isinstance(field.type, GraphQLNonNull) else None
        if field.constant is not None:
            return field.constant
        if not self._path[1:] and field.field_name in ("__schema", "__type"):
            return parent.get(field.slot)  # graphql-core completed it
        return self._value(field, field.type, parent.get(field.slot), parent)

    def _value(self, field: FieldProjection, type_: GraphQLOutputType, value: object, parent: Object) -> object:
        """One value of a field, or one item of its list."""
        if isinstance(type_, GraphQLNonNull):
            completed = self._nullable(field, type_.of_type, value, parent)
            if completed is not None:
                return completed
            if value is None:
                self._misfit(f"`{field.parent_type}.{field.field_name}` has no value, though it may not be null.")
            return _BUBBLE
        completed = self._nullable(field, type_, value, parent)
        return None if completed is _BUBBLE else completed

    def _nullable(self, field: FieldProjection, type_: GraphQLOutputType, value: object, parent: Object) -> object:
        """The completed value, null if there is none, _BUBBLE if something below it may not be null but is."""
        if value is None:
            return None
        if isinstance(value, Failed):
            self._report(value.failure, parent)
            return None
        if isinstance(type_, GraphQLList):
            return self._list(field, type_, value, parent)
        if isinstance(value, dict) and is_composite_type(type_):
            return self._composite(field, type_, value)
        completed = completed_leaf(type_, value)
        if completed is INVALID:
            return self._misfit(f"A value of `{field.parent_type}.{field.field_name}` does not fit its type `{type_}`.")
        return completed

    def _list(
        self, field: FieldProjection, type_: "GraphQLList[GraphQLOutputType]", value: object, parent: Object
    ) -> object:
        if not isinstance(value, list):
            return self._misfit(f"`{field.parent_type}.{field.field_name}` should be a list, `{type_}`.")
        items: list[object] = []
        for index, item in enumerate(value):
            self._path.append(index)
            completed = self._value(field, type_.of_type, item, parent)
            self._path.pop()
            if completed is _BUBBLE:
                return _BUBBLE
            items.append(completed)
        return items

    def _composite(self, field: FieldProjection, type_: GraphQLOutputType, value: Object) -> object:
        if not isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return self.fields(field.fields, value, str(type_))
        if not field.typed:
            return self.fields(field.fields, value, type_.name)
        typename = value.get("__typename")
        if not self._completing.is_possible(type_, typename):
            return self._misfit(f"The object at `{field.parent_type}.{field.field_name}` is of no type of `{type_}`.")
        return self.fields(field.fields, value, str(typename))

    def _misfit(self, message: str) -> object:
        """Report a value that does not fit; the null that stands for it."""
        self._say(ErrorReport(message, SUBGRAPH_MALFORMED.name, tuple(self._path)))
        return None

    def _refuse(self, field: FieldProjection, refused: Refused) -> None:
        if id(field) not in self._refused:
            self._refused.add(id(field))
            path, details = tuple(self._path), dict(refused.details)
            self._say(ErrorReport(refused.message, refused.code.name, path, extensions=details, said=refused.said))

    def _report(self, failure: Failure, parent: Object) -> None:
        """Say it once for a whole request, otherwise once for each object that misses something by it."""
        place = (failure, 0 if failure.whole else id(parent))
        if place not in self._reported:
            self._reported.add(place)
            self._say(self._error(failure, tuple(self._path)))

    def report_the_rest(self, unplaced: list[Failure]) -> None:
        """Report what a subgraph gave no path for, or one that does not lead to null, and how many errors are left."""
        for failure in sorted(unplaced, key=lambda failure: failure.fetch):
            self._say(self._error(failure, None))
        if self._unsaid:
            message = f"{self._unsaid} more errors are left out; what they concern is null."
            self.errors.append(ErrorReport(message, SUBGRAPH_FAILED.name))

    def _say(self, error: ErrorReport) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(error)
        else:
            self._unsaid += 1

    def _error(self, failure: Failure, path: tuple[str | int, ...] | None) -> ErrorReport:
        return subgraph_error(failure.code, failure.subgraph, path, self._named)


def subgraph_error(code: ErrorCode, subgraph: str, path: tuple[str | int, ...] | None, named: bool) -> ErrorReport:
    """What a caller learns of a subgraph's failure: never the subgraph's own words, its name only if ``named``."""
    who = f"The subgraph `{subgraph}`" if named else "A subgraph"
    extensions = {"subgraph": subgraph} if named else {}
    return ErrorReport(f"{who} {_WHAT_HAPPENED[code.name]}.", code.name, path, extensions=extensions)
