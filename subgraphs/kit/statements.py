"""SQL that departments need, written once for the engines they run on: records by many keys, filters, row conditions.

Values are always parameters; table and column names come from a department's code and never from a request.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from policies.row_filters import Dialect, RowFilter, to_sql


class Select:
    """A SELECT under construction: every method adds one condition, all of which must hold."""

    def __init__(self, dialect: Dialect, table: str, columns: Sequence[str]) -> None:
        self._dialect = dialect
        self._head = f"SELECT {', '.join(columns)} FROM {table}"
        self._conditions: list[str] = []
        self._tail = ""
        self.parameters: list[object] = []

    @property
    def text(self) -> str:
        """The statement, its parameters in the order of ``parameters``."""
        where = " WHERE " + " AND ".join(self._conditions) if self._conditions else ""
        return self._head + where + self._tail

    def among(self, column: str, values: Sequence[str]) -> Self:
        """Rows whose ``column`` is one of ``values``: one parameter, however many there are."""
        if self._dialect is Dialect.SQLITE:
            self._conditions.append(f"{column} IN (SELECT value FROM json_each({self._parameter(_json(values))}))")
        elif self._dialect is Dialect.POSTGRESQL:
            self._conditions.append(f"{column} = ANY({self._parameter(list(values))})")
        else:
            self._conditions.append(f"{column} IN (SELECT unnest({self._parameter(list(values))}::VARCHAR[]))")
        return self

    def equal(self, column: str, value: object) -> Self:
        """Rows whose ``column`` has the value; None adds no condition."""
        if value is not None:
            self._conditions.append(f"{column} = {self._parameter(value)}")
        return self

    def containing(self, column: str, text: str | None) -> Self:
        """Rows whose ``column`` contains ``text``; None adds no condition."""
        if text is not None:
            function = {Dialect.SQLITE: "instr", Dialect.POSTGRESQL: "strpos", Dialect.DUCKDB: "strpos"}[self._dialect]
            self._conditions.append(f"{function}({column}, {self._parameter(text)}) > 0")
        return self

    def within(self, row_filter: RowFilter | None, columns: Mapping[str, str]) -> Self:
        """Rows that meet the caller's row condition; ``columns`` maps items to columns."""
        if row_filter is not None:
            condition = to_sql(row_filter, self._dialect, columns, len(self.parameters) + 1)
            self._conditions.append(condition.text)
            self.parameters += condition.parameters
        return self

    def ordered(self, order: str) -> Self:
        """All rows, in the order of columns. Call it last."""
        self._tail = f" ORDER BY {order}"
        return self

    def first(self, count: int, order: str) -> Self:
        """At most ``count`` rows in the order of a column. Call it last."""
        self._tail = f" ORDER BY {order} LIMIT {self._parameter(count)}"
        return self

    def _parameter(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}" if self._dialect is Dialect.POSTGRESQL else "?"


def _json(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
