"""The two engines under the register of enterprises."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from policies.row_filters import Dialect
from subgraphs.kit.errors import STORE_UNREADABLE, CodedError

if TYPE_CHECKING:
    import asyncpg


class Engine(Protocol):
    """A database that answers statements in its dialect."""

    name: str
    dialect: Dialect

    async def fetch(self, statement: str, parameters: Sequence[object]) -> Sequence[Sequence[Any]]:
        """The rows of one statement."""
        ...


class SqliteEngine:
    """SQLite, read where it is asked: by key a read takes microseconds, a thread would take more."""

    name = "SQLite"
    dialect = Dialect.SQLITE

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, parameters: Sequence[object]) -> Sequence[Sequence[Any]]:
        """See Engine."""
        return self._connection.execute(statement, parameters).fetchall()


class PostgresEngine:
    """PostgreSQL by a pool of connections."""

    name = "PostgreSQL"
    dialect = Dialect.POSTGRESQL

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def fetch(self, statement: str, parameters: Sequence[object]) -> Sequence[Sequence[Any]]:
        """See Engine."""
        rows: Sequence[Sequence[Any]] = await self._pool.fetch(statement, *parameters)
        return rows


@asynccontextmanager
async def postgres_engine(
    address: str, source: sqlite3.Connection, tables: Mapping[str, Sequence[str]], script: str
) -> AsyncIterator[PostgresEngine]:
    """A pool on ``address`` whose ``tables`` (columns by name) hold what ``source`` holds.

    They are filled when they are missing or hold other data; everything happens in the schema ``market_regulation``.
    Raises CodedError STORE_UNREADABLE when the driver is not installed or the database cannot be reached.
    """
    try:
        import asyncpg
    except ImportError:
        raise CodedError(
            STORE_UNREADABLE, "PostgreSQL needs the driver asyncpg: install watersmeet[postgres], or leave --store out."
        ) from None
    settings = {"search_path": "market_regulation"}
    try:
        pool = await asyncpg.create_pool(address, min_size=1, max_size=8, server_settings=settings, command_timeout=30)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        # The address holds a password, so neither it nor the driver's words are repeated.
        raise CodedError(
            STORE_UNREADABLE, f"The PostgreSQL database of --store cannot be reached ({type(error).__name__})."
        ) from None
    try:
        async with pool.acquire() as connection, connection.transaction():
            await _fill(connection, source, tables, script)
        yield PostgresEngine(pool)
    finally:
        await pool.close()


async def _fill(connection: Any, source: sqlite3.Connection, tables: Mapping[str, Sequence[str]], script: str) -> None:
    content = {table: source.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall() for table, columns in tables.items()}  # fmt: skip  # noqa: E501
    digest = hashlib.sha256(repr(content).encode()).hexdigest()
    await connection.execute("SELECT pg_advisory_xact_lock(320, 1)")
    await connection.execute("CREATE SCHEMA IF NOT EXISTS market_regulation")
    await connection.execute("CREATE TABLE IF NOT EXISTS filled (digest TEXT NOT NULL)")
    if await connection.fetchval("SELECT digest FROM filled") == digest:
        return
    for table in tables:
        await connection.execute(f"DROP TABLE IF EXISTS {table}")
    creation, _, indexes = script.partition("-- indexes")
    await connection.execute(creation)
    for table, columns in tables.items():
        await connection.copy_records_to_table(table, records=content[table], columns=list(columns))
    await connection.execute(indexes)
    await connection.execute("DELETE FROM filled")
    await connection.execute("INSERT INTO filled VALUES ($1)", digest)
