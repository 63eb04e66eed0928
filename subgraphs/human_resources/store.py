"""The social insurance file: DuckDB over Parquet, one row per person and kind of insurance."""

import asyncio
import csv
import threading
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from policies.row_filters import Dialect, RowFilter
from subgraphs.kit.department import StoreLocation
from subgraphs.kit.errors import STORE_UNREADABLE, CodedError
from subgraphs.kit.statements import Select

FILE = "enrolments.parquet"


class EnrolmentRow(NamedTuple):
    """One enrolment. ``id`` and ``resident`` are surrogates; the contribution base is in 元, as text."""

    id: str
    resident: str
    resident_id: str
    credit_code: str | None
    insurance_type: str
    status: str
    paid_months: int
    contribution_base: str


class InsuredGroup(NamedTuple):
    """The persons who have paid into one kind of insurance for so many full years."""

    insurance_type: str
    paid_years: int
    enrolled: int
    average_paid_months: float


COLUMNS: Mapping[str, str] = {
    "id": "id", "residentId": "resident_id", "creditCode": "credit_code", "insuranceType": "insurance_type",
    "paidMonths": "paid_months",
}  # fmt: skip

_TYPES = {name: "INTEGER" if name == "paid_months" else "VARCHAR" for name in EnrolmentRow._fields}


def write(folder: Path, rows: Iterable[EnrolmentRow]) -> None:
    """Writes the file new, sorted by resident so that a read for few residents touches few row groups."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "enrolments.csv"
    with text.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    try:
        with duckdb.connect() as connection:
            source = connection.read_csv(str(text), columns=_TYPES, header=False)
            source.order("resident, insurance_type").write_parquet(
                str(folder / FILE), compression="zstd", row_group_size=8192
            )
    finally:
        text.unlink()


class InsuranceFile:
    """Reads of the file; every method is one query, whatever the number of keys.

    DuckDB computes without the interpreter's lock, so queries run in threads, each with a cursor of its own.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._of_thread = threading.local()

    def describe(self) -> str:
        """See DepartmentStore."""
        counted = self._connection.execute("SELECT count(*) FROM enrolment").fetchone()
        return f"DuckDB over Parquet, {counted[0] if counted else 0:,} enrolments"

    async def enrolments(
        self, column: str, values: Sequence[str], rows: RowFilter | None, insurance_type: str | None = None
    ) -> list[EnrolmentRow]:
        """Enrolments whose ``column`` (``id``, ``resident`` or ``credit_code``) is one of ``values``, ordered by it."""
        select = Select(Dialect.DUCKDB, "enrolment", EnrolmentRow._fields).among(column, values)
        select.equal("insurance_type", insurance_type).within(rows, COLUMNS).ordered(f"{column}, insurance_type, id")
        return [EnrolmentRow._make(row) for row in await asyncio.to_thread(self._run, select.text, select.parameters)]

    async def insured_groups(self, insurance_type: str) -> list[InsuredGroup]:
        """All groups of one kind of insurance, by full years paid: every enrolment counts, whoever asks."""
        statement = (
            "SELECT insurance_type, paid_months // 12 AS years, count(*), avg(paid_months) FROM enrolment"
            " WHERE insurance_type = ? GROUP BY insurance_type, years ORDER BY years"
        )
        return [InsuredGroup(*row) for row in await asyncio.to_thread(self._run, statement, [insurance_type])]

    def _run(self, statement: str, parameters: list[object]) -> list[tuple[Any, ...]]:
        cursor = getattr(self._of_thread, "cursor", None)
        if cursor is None:
            cursor = self._of_thread.cursor = self._connection.cursor()
        found: list[tuple[Any, ...]] = cursor.execute(statement, parameters).fetchall()
        return found


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[InsuranceFile]:
    """The file in ``location.folder``. Raises CodedError STORE_UNREADABLE."""
    path = location.folder / FILE
    if not path.is_file():
        raise CodedError(STORE_UNREADABLE, f"There is no file {path}.")
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            connection.read_parquet(str(path)).create_view("enrolment")
        except duckdb.Error as error:
            raise CodedError(STORE_UNREADABLE, f"The file {path} is not Parquet: {type(error).__name__}.") from None
        yield InsuranceFile(connection)
