"""A closed language of conditions on a record: JSON, Python and SQL with one meaning.

A grant names the rows it covers. The provider's store applies the condition as SQL, the gateway checks what comes back
in Python, and an administrator reads it; all three must agree, or a row slips through between two readings. SQL's own
logic has three values and engine-dependent comparisons, so the language defines its own: every test is true or false,
a missing value and a value of another kind (text against number) fail every test, text compares by code point. The SQL
is written to give exactly that on each engine. Invariant: ``matches(f, row)`` equals the truth of ``to_sql(f)`` on it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Union

import msgspec

from policies.callers import Caller
from policies.errors import ROW_FILTER_INVALID, CodedError

MAX_NODES = 200
MAX_DEPTH = 10
MAX_BYTES = 8_000

CallerName = Literal["subject", "department", "zone", "purpose", "case_number", "officer"]


class CallerValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that the request's caller brings; put in before the condition leaves the gateway."""

    caller: CallerName


Scalar = str | int | float | bool
Operand = str | int | float | bool | CallerValue


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op"):
    """One part of a condition; ``op`` says which."""


class Equals(_Node, frozen=True, tag="equals"):
    """The item has this value."""

    item: str
    value: Operand


class OneOf(_Node, frozen=True, tag="one_of"):
    """The item has one of these values."""

    item: str
    values: tuple[Operand, ...]


class StartsWith(_Node, frozen=True, tag="starts_with"):
    """The item is text that begins so: a division code within a district."""

    item: str
    value: str | CallerValue


class Less(_Node, frozen=True, tag="less"):
    """The item stands before this value, of the same kind."""

    item: str
    value: Operand


class AtLeast(_Node, frozen=True, tag="at_least"):
    """The item stands at this value or after it."""

    item: str
    value: Operand


class Absent(_Node, frozen=True, tag="absent"):
    """The item has no value."""

    item: str


class Every(_Node, frozen=True, tag="every"):
    """All parts hold; true without parts."""

    parts: tuple["RowFilter", ...]


class Some(_Node, frozen=True, tag="some"):
    """At least one part holds; false without parts."""

    parts: tuple["RowFilter", ...]


class Opposite(_Node, frozen=True, tag="not"):
    """The part does not hold; a missing value fails tests, so it passes their opposite."""

    part: "RowFilter"


RowFilter = Union[Equals, OneOf, StartsWith, Less, AtLeast, Absent, Every, Some, Opposite]  # noqa: UP007
NO_ROWS: RowFilter = Some(())


class Dialect(StrEnum):
    """Engines that a condition is written for."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    DUCKDB = "duckdb"


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition with its parameters apart, in order; nothing of a value is ever inside ``text``."""

    text: str
    parameters: tuple[Scalar, ...]


def parse_row_filter(source: bytes | str | Mapping[str, object]) -> RowFilter:
    """Reads a condition from JSON text or a tree of plain values.

    Raises CodedError ROW_FILTER_INVALID naming the place.
    """
    try:
        if isinstance(source, bytes | str):
            row_filter: RowFilter = msgspec.json.decode(source, type=RowFilter)
        else:
            row_filter = msgspec.convert(source, RowFilter)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CodedError(ROW_FILTER_INVALID, f"The row condition cannot be read: {error}.") from None
    check_row_filter(row_filter)
    return row_filter


def check_row_filter(row_filter: RowFilter) -> None:
    """Raises CodedError ROW_FILTER_INVALID where values or size are beyond what every engine compares alike."""
    nodes = list(_walk(row_filter, 1))
    if len(nodes) > MAX_NODES or max(depth for _, depth in nodes) > MAX_DEPTH:
        raise CodedError(ROW_FILTER_INVALID, f"A row condition has at most {MAX_NODES} parts in {MAX_DEPTH} levels.")
    for node, _ in nodes:
        for value in _operands(node):
            _check_value(value)
    # It travels in a header of every request to the provider.
    if len(msgspec.json.encode(row_filter)) > MAX_BYTES:
        raise CodedError(ROW_FILTER_INVALID, f"A row condition has at most {MAX_BYTES} bytes as JSON.")


def items_of(row_filter: RowFilter) -> frozenset[str]:
    """The aliases of the items that the condition looks at."""
    return frozenset(node.item for node, _ in _walk(row_filter, 1) if not isinstance(node, Every | Some | Opposite))


def bind_caller(row_filter: RowFilter, caller: Caller) -> RowFilter:
    """The condition with the caller's values put in.

    When the caller lacks one of them, no row matches at all: left out inside a ``not`` it would let rows through.
    """
    values: dict[str, str] = {}
    for node, _ in _walk(row_filter, 1):
        for operand in _operands(node):
            if isinstance(operand, CallerValue):
                value = getattr(caller, operand.caller)
                if not value:
                    return NO_ROWS
                values[operand.caller] = value
    return _replace(row_filter, values) if values else row_filter


def matches(row_filter: RowFilter, record: Mapping[str, object]) -> bool:
    """Whether ``record`` (by item alias) meets the condition. An alias the record lacks is a missing value."""
    match row_filter:
        case Every(parts):
            return all(matches(part, record) for part in parts)
        case Some(parts):
            return any(matches(part, record) for part in parts)
        case Opposite(part):
            return not matches(part, record)
        case Absent(item):
            return record.get(item) is None
        case OneOf(item, values):
            return any(_equal(record.get(item), value) for value in values)
        case Equals(item, value):
            return _equal(record.get(item), value)
        case StartsWith(item, value):
            held = record.get(item)
            return isinstance(held, str) and isinstance(value, str) and held.startswith(value)
        case Less(item, value):
            return _compare(record.get(item), value) == -1
        case AtLeast(item, value):
            return _compare(record.get(item), value) in (0, 1)


def to_sql(
    row_filter: RowFilter, dialect: Dialect, columns: Mapping[str, str], first_parameter: int = 1
) -> SqlCondition:
    """The condition as a WHERE expression.

    ``columns`` maps an item's alias to its column, written as the statement needs it (``r.division``); it comes from
    the provider's code, never from a request. PostgreSQL numbers its parameters from ``first_parameter``.
    Raises CodedError ROW_FILTER_INVALID when an item has no column, or a caller's value was not put in.
    """
    writer = _SqlWriter(dialect, columns, first_parameter)
    return SqlCondition(writer.write(row_filter), tuple(writer.parameters))


class _SqlWriter:
    """Writes two-valued SQL: each test is guarded by the kind of the stored value, so it is never unknown."""

    def __init__(self, dialect: Dialect, columns: Mapping[str, str], first_parameter: int) -> None:
        self._dialect = dialect
        self._columns = columns
        self._next = first_parameter
        self.parameters: list[Scalar] = []

    def write(self, node: RowFilter) -> str:
        match node:
            case Every(parts):
                return "(" + " AND ".join(map(self.write, parts)) + ")" if parts else "(1=1)"
            case Some(parts):
                return "(" + " OR ".join(map(self.write, parts)) + ")" if parts else "(1=0)"
            case Opposite(part):
                return f"(NOT {self.write(part)})"
            case Absent(item):
                return f"({self._column(item)} IS NULL)"
            case OneOf(item, values):
                return self.write(Some(tuple(Equals(item, value) for value in values)))
            case Equals(item, value):
                return self._test(item, value, "=")
            case Less(item, value):
                return self._test(item, value, "<")
            case AtLeast(item, value):
                return self._test(item, value, ">=")
            case StartsWith(item, value):
                return self._range(item, value)

    def _range(self, item: str, value: str | CallerValue) -> str:
        """A prefix as a range: an index serves it, and no wildcard needs escaping."""
        if isinstance(value, CallerValue):
            raise _unbound(value)
        lower = self._test(item, value, ">=")
        end = _after(value)
        return lower if end is None else f"({lower} AND {self._test(item, end, '<')})"

    def _test(self, item: str, value: Operand, operator: str) -> str:
        if isinstance(value, CallerValue):
            raise _unbound(value)
        column = self._column(item)
        text = isinstance(value, str)
        guard = f"{column} IS NOT NULL"
        if self._dialect is Dialect.SQLITE:
            guard = f"typeof({column}) = 'text'" if text else f"typeof({column}) IN ('integer', 'real')"
        elif text:
            column = f"CAST({column} AS TEXT)" + (' COLLATE "C"' if self._dialect is Dialect.POSTGRESQL else "")
        # The guard comes out as false or true, and AND with false is false even where the test itself is unknown.
        return f"({guard} AND {column} {operator} {self._parameter(value)})"

    def _column(self, item: str) -> str:
        if item not in self._columns:
            raise CodedError(
                ROW_FILTER_INVALID, f"The store has no column for the item {item} that the row condition looks at."
            )
        return self._columns[item]

    def _parameter(self, value: Scalar) -> str:
        self.parameters.append(value)
        if self._dialect is not Dialect.POSTGRESQL:
            return "?"
        self._next += 1
        return f"${self._next - 1}"


def _unbound(value: CallerValue) -> CodedError:
    return CodedError(ROW_FILTER_INVALID, f"The caller's {value.caller} was not put into the row condition.")


def _after(prefix: str) -> str | None:
    """The least text after all texts that begin with ``prefix``; None when there is none."""
    shortened = prefix.rstrip("\U0010ffff")
    if not shortened:
        return None
    following = ord(shortened[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:
        following = 0xE000
    return shortened[:-1] + chr(following)


def _equal(held: object, value: Operand) -> bool:
    return _compare(held, value) == 0


def _compare(held: object, value: Operand) -> int | None:
    """-1, 0 or 1 for values of one kind (text, or number), None otherwise."""
    if isinstance(held, str) and isinstance(value, str):
        return (held > value) - (held < value)
    if isinstance(held, int | float) and isinstance(value, int | float) and not _is_nan(held):
        return (held > value) - (held < value)
    return None


def _is_nan(value: int | float) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _check_value(value: Operand) -> None:
    if isinstance(value, str) and ("\0" in value or len(value) > 500):
        raise CodedError(ROW_FILTER_INVALID, "A text in a row condition has at most 500 characters and no NUL.")
    if isinstance(value, float) and not math.isfinite(value):
        raise CodedError(ROW_FILTER_INVALID, "A number in a row condition must be finite.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise CodedError(ROW_FILTER_INVALID, "A whole number in a row condition must fit into 64 bits.")


def _walk(node: RowFilter, depth: int) -> Iterator[tuple[RowFilter, int]]:
    yield node, depth
    if isinstance(node, Every | Some):
        for part in node.parts:
            yield from _walk(part, depth + 1)
    elif isinstance(node, Opposite):
        yield from _walk(node.part, depth + 1)


def _operands(node: RowFilter) -> tuple[Operand, ...]:
    if isinstance(node, OneOf):
        return node.values
    if isinstance(node, Equals | StartsWith | Less | AtLeast):
        return (node.value,)
    return ()


def _replace(node: RowFilter, values: Mapping[str, str]) -> RowFilter:
    def put(operand: Operand) -> Operand:
        return values[operand.caller] if isinstance(operand, CallerValue) else operand

    match node:
        case Every(parts) | Some(parts):
            return type(node)(tuple(_replace(part, values) for part in parts))
        case Opposite(part):
            return Opposite(_replace(part, values))
        case OneOf(item, operands):
            return OneOf(item, tuple(map(put, operands)))
        case Equals(item, value) | StartsWith(item, value) | Less(item, value) | AtLeast(item, value):
            return type(node)(item, put(value))  # type: ignore[arg-type]
    return node
