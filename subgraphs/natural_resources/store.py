"""What the older register service holds, fetched by HTTP in its own manner and told in ours.

The service knows people by number and parcels by unit number; the federation knows both by surrogate. The department
therefore keeps a crosswalk beside it: two tables, surrogate to number.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from subgraphs.kit.department import StoreLocation
from subgraphs.kit.errors import STORE_UNREADABLE, CodedError
from subgraphs.kit.loopback import serving
from subgraphs.kit.sqlite import open_sqlite, write_sqlite
from subgraphs.natural_resources import register_service

CROSSWALK = "crosswalk.sqlite"
_BATCH = 200
_SCRIPT = """
CREATE TABLE holder (surrogate TEXT PRIMARY KEY, number TEXT NOT NULL);
CREATE TABLE unit (surrogate TEXT PRIMARY KEY, number TEXT NOT NULL);
-- indexes
CREATE UNIQUE INDEX holder_by_number ON holder (number);
CREATE UNIQUE INDEX unit_by_number ON unit (number);
"""


class ParcelRow(NamedTuple):
    """One registered unit, in the register's own columns."""

    unit_no: str
    location: str
    holder_id: str
    floor_area: str
    sealed: str
    address_code: str


class AddressRow(NamedTuple):
    """One standard address, in the register's own columns."""

    address_code: str
    full_address: str
    division_code: str
    longitude: str
    latitude: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A registered unit as the federation knows it: with surrogates for itself and its holder."""

    id: str
    holder: str | None
    row: ParcelRow


def write(
    folder: Path,
    parcels: Iterable[ParcelRow],
    addresses: Iterable[AddressRow],
    holders: Iterable[tuple[str, str]],
    units: Iterable[tuple[str, str]],
) -> None:
    """Writes the old register's database and the crosswalk (pairs of surrogate and number) new."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sqlite(folder / register_service.FILE, {"BDC": parcels, "DZ": addresses}, register_service.SCRIPT)
    write_sqlite(folder / CROSSWALK, {"holder": holders, "unit": units}, _SCRIPT)


class RegisterClient:
    """Asks the register service for records by code, in as many requests as its limits need, all at once."""

    def __init__(self, session: aiohttp.ClientSession, address: str, crosswalk: sqlite3.Connection) -> None:
        self._session = session
        self._address = address
        self._crosswalk = crosswalk

    def describe(self) -> str:
        """See DepartmentStore."""
        (count,) = self._crosswalk.execute("SELECT count(*) FROM unit").fetchone()
        return f"register service of 2009 over HTTP, {count:,} units"

    async def parcels(self, surrogates: Sequence[str]) -> list[Parcel]:
        """Units by surrogate."""
        return self._known(await self._all("queryByUnit", self._numbers("unit", surrogates), ParcelRow))

    async def parcels_held(self, holders: Sequence[str]) -> list[Parcel]:
        """Units by the surrogates of those who hold them."""
        return self._known(await self._all("queryByHolder", self._numbers("holder", holders), ParcelRow))

    async def addresses(self, codes: Sequence[str]) -> list[AddressRow]:
        """Addresses by code."""
        return await self._all("queryAddress", list(dict.fromkeys(codes)), AddressRow)

    async def addresses_in(self, division: str, first: int) -> list[AddressRow]:
        """The first addresses of a division."""
        pages = await self._pages("queryDivision", [division], first)
        return [AddressRow._make(record.values()) for record in pages]

    def _known(self, rows: Sequence[ParcelRow]) -> list[Parcel]:
        units = self._surrogates("unit", [row.unit_no for row in rows])
        holders = self._surrogates("holder", [row.holder_id for row in rows])
        return [Parcel(units[row.unit_no], holders.get(row.holder_id), row) for row in rows if row.unit_no in units]

    def _numbers(self, table: str, surrogates: Sequence[str]) -> list[str]:
        return list(self._look_up(table, "surrogate", "number", surrogates).values())

    def _surrogates(self, table: str, numbers: Sequence[str]) -> dict[str, str]:
        return self._look_up(table, "number", "surrogate", numbers)

    def _look_up(self, table: str, given: str, wanted: str, values: Sequence[str]) -> dict[str, str]:
        statement = f"SELECT {given}, {wanted} FROM {table} WHERE {given} IN (SELECT value FROM json_each(?))"
        return dict(self._crosswalk.execute(statement, (msgspec.json.encode(values).decode(),)).fetchall())

    async def _all(self, method: str, codes: Sequence[str], kind: Any) -> list[Any]:
        batches = [codes[start : start + _BATCH] for start in range(0, len(codes), _BATCH)]
        answers = await asyncio.gather(*(self._pages(method, batch) for batch in batches))
        return [kind._make(record.values()) for answer in answers for record in answer]

    async def _pages(self, method: str, codes: Sequence[str], limit: int | None = None) -> list[Mapping[str, str]]:
        found: list[Mapping[str, str]] = []
        page = 1
        while True:
            form = {"method": method, "codes": ",".join(codes), "pageNo": str(page), "pageSize": str(_BATCH)}
            async with self._session.post(self._address, data=form) as response:
                response.raise_for_status()
                answer = msgspec.json.decode(await response.text())
            if answer["head"]["retcode"] != "0000":
                raise RuntimeError(f"the register service answered {answer['head']['retcode']}")
            found += answer["body"]
            page += 1
            if len(found) >= int(answer["head"]["total"]) or not answer["body"] or (limit and len(found) >= limit):
                return found[:limit]


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[RegisterClient]:
    """A client of the service at ``location.address``; without an address the service is started beside it.

    Raises CodedError STORE_UNREADABLE.
    """
    timeout = aiohttp.ClientTimeout(total=10, connect=1)
    with closing(open_sqlite(location.folder / CROSSWALK)) as crosswalk:
        async with (
            _address(location) as address,
            aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=16)) as session,
        ):
            client = RegisterClient(session, address, crosswalk)
            try:
                await client.addresses(["0"])
            except (aiohttp.ClientError, TimeoutError, RuntimeError, ValueError, LookupError) as error:
                raise CodedError(
                    STORE_UNREADABLE, f"The register service does not answer ({type(error).__name__})."
                ) from None
            yield client


@asynccontextmanager
async def _address(location: StoreLocation) -> AsyncIterator[str]:
    if location.address is not None:
        yield location.address
        return
    async with serving(register_service.make_register_service(location.folder)) as base:
        yield base + register_service.PATH
