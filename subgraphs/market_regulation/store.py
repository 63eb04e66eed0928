"""The register of enterprises and their electronic licences: the same statements on PostgreSQL or SQLite."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

from policies.row_filters import RowFilter
from subgraphs.kit.department import StoreLocation
from subgraphs.kit.sqlite import open_sqlite, write_sqlite
from subgraphs.kit.statements import Select
from subgraphs.market_regulation.engines import Engine, SqliteEngine, postgres_engine

FILE = "enterprises.sqlite"


class EnterpriseRow(NamedTuple):
    """One enterprise; ``representative`` is the surrogate of its legal representative. Capital is in 万元, as text."""

    credit_code: str
    name: str
    legal_representative: str
    legal_representative_id: str
    representative: str
    registered_capital: str
    address: str
    division_code: str
    status: str
    phone: str
    risk_note: str | None


class LicenceRow(NamedTuple):
    """The electronic licence of one enterprise."""

    licence_no: str
    credit_code: str
    valid_until: str
    file: bytes


TABLES: Mapping[str, tuple[str, ...]] = {"enterprise": EnterpriseRow._fields, "licence": LicenceRow._fields}

SCRIPT = """
CREATE TABLE enterprise (
    credit_code TEXT PRIMARY KEY, name TEXT NOT NULL, legal_representative TEXT NOT NULL,
    legal_representative_id TEXT NOT NULL, representative TEXT NOT NULL, registered_capital TEXT NOT NULL,
    address TEXT NOT NULL, division_code TEXT NOT NULL, status TEXT NOT NULL, phone TEXT NOT NULL, risk_note TEXT
);
CREATE TABLE licence (
    licence_no TEXT PRIMARY KEY, credit_code TEXT NOT NULL, valid_until TEXT NOT NULL, file {bytes} NOT NULL
);
-- indexes
CREATE INDEX enterprise_by_representative ON enterprise (representative);
CREATE INDEX enterprise_by_division ON enterprise (division_code, credit_code);
CREATE UNIQUE INDEX licence_by_enterprise ON licence (credit_code);
"""

ENTERPRISE_COLUMNS: Mapping[str, str] = {
    "creditCode": "credit_code", "name": "name", "legalRepresentative": "legal_representative",
    "legalRepresentativeId": "legal_representative_id", "address": "address", "divisionCode": "division_code",
    "status": "status", "phone": "phone",
}  # fmt: skip
LICENCE_COLUMNS: Mapping[str, str] = {
    "licenceNo": "licence_no", "creditCode": "credit_code", "validUntil": "valid_until",
}  # fmt: skip


def write(folder: Path, enterprises: Iterable[EnterpriseRow], licences: Iterable[LicenceRow]) -> None:
    """Writes the register new, as SQLite."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sqlite(folder / FILE, {"enterprise": enterprises, "licence": licences}, SCRIPT.format(bytes="BLOB"))


class EnterpriseRegister:
    """Reads of the register; every method is one query, whatever the number of keys."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._count = count

    def describe(self) -> str:
        """See DepartmentStore."""
        return f"{self._engine.name}, {self._count:,} enterprises"

    async def enterprises(self, column: str, values: Sequence[str], rows: RowFilter | None) -> list[EnterpriseRow]:
        """Enterprises whose ``column`` (``credit_code`` or ``representative``) is one of ``values``."""
        select = self._enterprises().among(column, values).within(rows, ENTERPRISE_COLUMNS)
        return await self._fetch(EnterpriseRow, select)

    async def enterprises_matching(
        self, name: str | None, division_code: str | None, status: str | None, first: int, rows: RowFilter | None
    ) -> list[EnterpriseRow]:
        """The first enterprises whose name contains ``name``, of that division and status, by credit code."""
        select = self._enterprises().containing("name", name)
        select.equal("division_code", division_code).equal("status", status)
        return await self._fetch(EnterpriseRow, select.within(rows, ENTERPRISE_COLUMNS).first(first, "credit_code"))

    async def licences(self, column: str, values: Sequence[str], rows: RowFilter | None) -> list[LicenceRow]:
        """Licences whose ``column`` (``licence_no`` or ``credit_code``) is one of ``values``."""
        select = Select(self._engine.dialect, "licence", LicenceRow._fields).among(column, values)
        return await self._fetch(LicenceRow, select.within(rows, LICENCE_COLUMNS))

    def _enterprises(self) -> Select:
        return Select(self._engine.dialect, "enterprise", EnterpriseRow._fields)

    async def _fetch(self, row: Any, select: Select) -> list[Any]:
        return [row._make(values) for values in await self._engine.fetch(select.text, select.parameters)]


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[EnterpriseRegister]:
    """The register in PostgreSQL when an address is given, else in SQLite.

    An empty PostgreSQL database is filled from the SQLite file first. Raises CodedError STORE_UNREADABLE.
    """
    with closing(open_sqlite(location.folder / FILE)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM enterprise").fetchone()
        if location.address is None:
            yield EnterpriseRegister(SqliteEngine(connection), count)
            return
        script = SCRIPT.format(bytes="BYTEA")
        async with postgres_engine(location.address, connection, TABLES, script) as engine:
            yield EnterpriseRegister(engine, count)
