"""The population register: SQLite, one table of residents and one of households."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

from policies.row_filters import Dialect, RowFilter
from subgraphs.kit.department import StoreLocation
from subgraphs.kit.sqlite import fetch, open_sqlite, write_sqlite
from subgraphs.kit.statements import Select

FILE = "population.sqlite"


class ResidentRow(NamedTuple):
    """One resident. ``id`` and ``household`` are surrogates; the photograph is kept as a digest to compare with."""

    id: str
    resident_id: str
    name: str
    sex: str
    birth_date: str
    registered_address: str
    division_code: str
    household: str
    photo_digest: bytes
    remarks: str | None


class HouseholdRow(NamedTuple):
    """One household; ``head`` is the surrogate of the person whose number is ``head_resident_id``."""

    id: str
    household_no: str
    head: str
    head_resident_id: str
    address: str
    address_code: str
    member_count: int


_SCRIPT = """
CREATE TABLE resident (
    id TEXT PRIMARY KEY, resident_id TEXT NOT NULL, name TEXT NOT NULL, sex TEXT NOT NULL, birth_date TEXT NOT NULL,
    registered_address TEXT NOT NULL, division_code TEXT NOT NULL, household TEXT NOT NULL, photo_digest BLOB NOT NULL,
    remarks TEXT
);
CREATE TABLE household (
    id TEXT PRIMARY KEY, household_no TEXT NOT NULL, head TEXT NOT NULL, head_resident_id TEXT NOT NULL,
    address TEXT NOT NULL, address_code TEXT NOT NULL, member_count INTEGER NOT NULL
);
-- indexes
CREATE UNIQUE INDEX resident_by_number ON resident (resident_id);
CREATE INDEX resident_by_household ON resident (household);
CREATE INDEX resident_by_division ON resident (division_code);
"""

RESIDENT_COLUMNS: Mapping[str, str] = {
    "id": "id", "residentId": "resident_id", "name": "name", "sex": "sex", "birthDate": "birth_date",
    "registeredAddress": "registered_address", "divisionCode": "division_code",
}  # fmt: skip
HOUSEHOLD_COLUMNS: Mapping[str, str] = {
    "id": "id", "householdNo": "household_no", "headResidentId": "head_resident_id", "address": "address",
    "addressCode": "address_code", "memberCount": "member_count",
}  # fmt: skip


def write(folder: Path, residents: Iterable[ResidentRow], households: Iterable[HouseholdRow]) -> None:
    """Writes the register new."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sqlite(folder / FILE, {"resident": residents, "household": households}, _SCRIPT)


class PopulationRegister:
    """Reads of the register; every method is one query, whatever the number of keys."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def describe(self) -> str:
        """See DepartmentStore."""
        (count,) = self._connection.execute("SELECT count(*) FROM resident").fetchone()
        return f"SQLite, {count:,} residents"

    def residents(self, column: str, values: Sequence[str], rows: RowFilter | None) -> list[ResidentRow]:
        """Residents whose ``column`` (``id``, ``resident_id`` or ``household``) is one of ``values``."""
        select = self._residents().among(column, values).within(rows, RESIDENT_COLUMNS)
        return [ResidentRow._make(row) for row in fetch(self._connection, select)]

    def residents_matching(
        self, name: str | None, division_code: str | None, first: int, rows: RowFilter | None
    ) -> list[ResidentRow]:
        """The first residents of that name and division, in the order of their surrogates."""
        select = self._residents().equal("name", name).equal("division_code", division_code)
        select.within(rows, RESIDENT_COLUMNS).first(first, "id")
        return [ResidentRow._make(row) for row in fetch(self._connection, select)]

    def households(self, values: Sequence[str], rows: RowFilter | None) -> list[HouseholdRow]:
        """Households by surrogate."""
        select = Select(Dialect.SQLITE, "household", HouseholdRow._fields).among("id", values)
        select.within(rows, HOUSEHOLD_COLUMNS)
        return [HouseholdRow._make(row) for row in fetch(self._connection, select)]

    def _residents(self) -> Select:
        return Select(Dialect.SQLITE, "resident", ResidentRow._fields)


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[PopulationRegister]:
    """The register in ``location.folder``. Raises CodedError STORE_UNREADABLE."""
    with closing(open_sqlite(location.folder / FILE)) as connection:
        yield PopulationRegister(connection)
