"""What a provider filters and withholds is checked once more in what comes back: rows, and groups that are too small.

A row is looked at again where the answer holds every item that its condition looks at, unmasked. One that should not be
there is left out, and its absence is reported: the provider's store did not honour the condition. So is an aggregate
that tells of itself that it is over too few records. Invariant: whatever the subgraph does, no row is answered that the
answer itself shows to be outside the grant, or to be a group that is too small.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
)

from gateway.errors import ErrorCode, ErrorReport, Family
from gateway.planning.plan import FieldProjection
from policies.callers import Caller
from policies.row_filters import RowFilter, bind_caller, items_of, matches
from policies.views import Entitlement
from policies.wording import say

ROWS_NOT_FILTERED = ErrorCode(
    "ROWS_NOT_FILTERED", Family.SUBGRAPH,
    "A department's subgraph returned a row outside the rows that the caller's grant covers; it was left out.",
    "The department named must apply the row condition that the signed context carries; the kit does so by itself.",
)  # fmt: skip

GROUP_NOT_WITHHELD = ErrorCode(
    "GROUP_NOT_WITHHELD", Family.SUBGRAPH,
    "A department's subgraph returned an aggregate over fewer records than it declares to tell of; it was left out.",
    "The department named must withhold groups below `smallest`; types made with the kit's `aggregate` do so.",
)  # fmt: skip

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RowCheck:
    """The condition on rows of one type: ``items`` are the aliases it looks at."""

    resource: str
    condition: RowFilter
    items: frozenset[str]

    def fails(self, shown: Mapping[str, object]) -> bool:
        """Whether the fields shown say that the row is outside; where one is not shown, nothing can be said."""
        return self.items <= shown.keys() and not matches(self.condition, shown)


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """The smallest group that an aggregate type may tell of, and the field that says how many records it has."""

    resource: str
    size: str
    smallest: int

    def fails(self, shown: Mapping[str, object]) -> bool:
        """Whether the fields shown say that the group is too small; a size that is withheld says nothing."""
        size = shown.get(self.size)
        return isinstance(size, int | float) and size < self.smallest


Check = RowCheck | GroupCheck
Checks = Mapping[str, tuple[Check, ...]]


class _Dropped:
    """Stands for a row that must not be answered."""


_DROPPED = _Dropped()
_NO_GROUPS: Mapping[str, GroupCheck] = {}


def row_checks(
    grounds: Mapping[str, Entitlement],
    types: Mapping[str, frozenset[str]],
    caller: Caller,
    groups: Mapping[str, GroupCheck] = _NO_GROUPS,
) -> dict[str, tuple[Check, ...]]:
    """Checks by type name; ``types`` maps resource codes to the types bound to them, ``groups`` aggregate types.

    A condition on a masked item cannot be checked again: the mask has changed what it looks at.
    """
    checks: dict[str, tuple[Check, ...]] = {
        name: (check,) for name, check in groups.items() if check.resource in grounds
    }
    for resource, ground in grounds.items():
        if ground.row_filter is None:
            continue
        condition = bind_caller(ground.row_filter, caller)
        items = items_of(condition)
        if not items & {name.rpartition(".")[2] for name in ground.masks}:
            for type_name in types.get(resource, ()):
                checks[type_name] = (*checks.get(type_name, ()), RowCheck(resource, condition, items))
    return checks


def check_rows(
    data: object, projection: tuple[FieldProjection, ...], root_type: str, checks: Checks
) -> tuple[object, tuple[ErrorReport, ...]]:
    """``data`` (an answer as plain values) without the rows that fail their check, and a report for each."""
    checking = _Checking(checks, [])
    kept = checking.row(data, projection, root_type, ())
    return (None if isinstance(kept, _Dropped) else kept), tuple(checking.reports)


@dataclass(frozen=True, slots=True)
class _Checking:
    checks: Checks
    reports: list[ErrorReport]

    def row(self, value: object, fields: tuple[FieldProjection, ...], type_name: str | None, path: Path) -> object:
        if not isinstance(value, dict):
            return value
        fields = tuple(field for field in fields if field.on_types is None or type_name in field.on_types)
        checks = self.checks.get(type_name, ()) if type_name is not None else ()
        if checks:
            shown = {field.field_name: value[field.response_key] for field in fields if field.response_key in value}
            for check in checks:
                if check.fails(shown):
                    self.reports.append(_report(check, path))
                    return _DROPPED
        kept = dict(value)
        for field in fields:
            if field.fields and field.response_key in kept:
                inner = self._value(kept[field.response_key], field, field.type, (*path, field.response_key))
                if isinstance(inner, _Dropped):
                    if isinstance(field.type, GraphQLNonNull):
                        return _DROPPED
                    inner = None
                kept[field.response_key] = inner
        return kept

    def _value(self, value: object, field: FieldProjection, type_: GraphQLOutputType, path: Path) -> object:
        if isinstance(value, list):
            nullable = get_nullable_type(type_)
            of = nullable.of_type if isinstance(nullable, GraphQLList) else type_
            checked = [self._value(item, field, of, (*path, index)) for index, item in enumerate(value)]
            return [item for item in checked if not isinstance(item, _Dropped)]
        return self.row(value, field.fields, _type_of(value, field), path)


def _report(check: Check, path: Path) -> ErrorReport:
    details = {"resource": check.resource}
    if isinstance(check, GroupCheck):
        said, code = say("group left out", resource=check.resource, smallest=check.smallest), GROUP_NOT_WITHHELD
    else:
        said, code = say("row left out", resource=check.resource), ROWS_NOT_FILTERED
    return ErrorReport(said.english, code.name, path, extensions=details, said=said)


def _type_of(value: object, field: FieldProjection) -> str | None:
    named: GraphQLNamedType = get_named_type(field.type)
    if isinstance(named, GraphQLObjectType):
        return named.name
    if isinstance(value, dict):
        for inner in field.fields:
            if inner.field_name == "__typename":
                return str(value.get(inner.response_key))
    return None
