"""SQLite behind the Database port: one file, any number of processes.

WAL with full synchronisation: what was committed survives the process and the power. Statements run in one thread of
their own, so that waiting for the disk or for another process's lock never stops the event loop.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from gateway.storage.database import Row, StoreUnavailableError, Transaction

_PARAMETER = re.compile(r"\$(\d+)")
_WAIT = 30.0

T = TypeVar("T")


class SqliteDatabase:
    """One file, or a database in memory when ``path`` is None."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._lock = asyncio.Lock()
        self._connection: sqlite3.Connection | None = None

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """See Database."""
        return self._transaction("BEGIN IMMEDIATE")

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """See Database."""
        return self._transaction("BEGIN")

    async def close(self) -> None:
        """See Database."""
        if self._connection is not None:
            await self._run(self._connection.close)
            self._connection = None
        self._thread.shutdown()

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[Transaction]:
        async with self._lock:
            connection = await self._connected()
            async with AsyncExitStack() as unfinished:
                # Shielded, and after whatever the thread still runs: a cancelled request must not keep the lock.
                unfinished.push_async_callback(lambda: asyncio.shield(self._run(lambda: _roll_back(connection))))
                await self._run(lambda: connection.execute(begin))
                yield _SqliteTransaction(connection, self._run)
                unfinished.pop_all()
            await asyncio.shield(self._run(lambda: connection.execute("COMMIT")))

    async def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = await self._run(self._connect)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:", isolation_level=None, timeout=_WAIT, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.OperationalError as error:
            raise StoreUnavailableError(f"SQLite: {error}") from error


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


class _SqliteTransaction:
    def __init__(
        self, connection: sqlite3.Connection, run: Callable[[Callable[[], object]], Coroutine[Any, Any, object]]
    ) -> None:
        self._connection = connection
        self._run = run

    async def execute(self, statement: str, *parameters: object) -> None:
        await self._run(lambda: self._connection.execute(_numbered(statement), parameters))

    async def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        await self._run(lambda: self._connection.executemany(_numbered(statement), rows))

    async def fetch(self, query: str, *parameters: object) -> list[Row]:
        rows = await self._run(lambda: self._connection.execute(_numbered(query), parameters).fetchall())
        return cast("list[Row]", rows)


def _numbered(statement: str) -> str:
    return _PARAMETER.sub(r"?\1", statement)
