"""PostgreSQL behind the Database port, by asyncpg (the extra ``postgres``)."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gateway.storage.database import Row, StoreUnavailableError, Transaction

if TYPE_CHECKING:
    import asyncpg

# Any number does, as long as every process of Watersmeet uses the same and nobody else in this database does.
_WRITER_LOCK = 0x7761746572
_CONNECT_PATIENCE = 10


class PostgresDatabase:
    """A pool of connections to one database."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    @staticmethod
    async def connect(address: str, connections: int = 5) -> "PostgresDatabase":
        """Opens a pool; ``address`` is a libpq URI. Raises StoreUnavailableError."""
        if find_spec("asyncpg") is None:
            raise StoreUnavailableError("PostgreSQL: asyncpg is not installed; install watersmeet[postgres]")
        import asyncpg

        with _outages():
            pool = await asyncpg.create_pool(
                address, min_size=1, max_size=connections, timeout=_CONNECT_PATIENCE,
                server_settings={"application_name": "watersmeet policy"},
            )  # fmt: skip
        return PostgresDatabase(pool)

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """See Database."""
        return self._transaction(readonly=False)

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """See Database."""
        return self._transaction(readonly=True)

    async def close(self) -> None:
        """See Database."""
        await self._pool.close()

    @asynccontextmanager
    async def _transaction(self, *, readonly: bool) -> AsyncIterator[Transaction]:
        isolation = "repeatable_read" if readonly else "read_committed"
        with _outages():
            async with self._connection() as connection, connection.transaction(isolation=isolation, readonly=readonly):
                if not readonly:
                    # One writer at a time, as SQLite has it: heads and chains are read and then written.
                    await connection.execute("SELECT pg_advisory_xact_lock($1)", _WRITER_LOCK)
                yield _PostgresTransaction(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["asyncpg.pool.PoolConnectionProxy"]:
        import asyncpg

        async with self._pool.acquire() as connection:
            try:
                yield connection
            except asyncpg.InternalClientError:
                # The driver's own account of the connection is wrong, as when the server's farewell meets a statement:
                # the pool must not hand it out again.
                connection.terminate()
                raise


@contextmanager
def _outages() -> Iterator[None]:
    """What asyncpg raises when the server cannot be asked, as the port has it."""
    import asyncpg

    try:
        yield
    except StoreUnavailableError:
        raise
    except (
        asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
        asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError, asyncpg.LockNotAvailableError,
        asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError, OSError, TimeoutError,
    ) as error:  # fmt: skip
        raise StoreUnavailableError(f"PostgreSQL: {type(error).__name__}") from error


class _PostgresTransaction:
    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy") -> None:
        self._connection = connection

    async def execute(self, statement: str, *parameters: object) -> None:
        await self._connection.execute(statement, *parameters)

    async def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        await self._connection.executemany(statement, rows)

    async def fetch(self, query: str, *parameters: object) -> list[Row]:
        return [tuple(row) for row in await self._connection.fetch(query, *parameters)]
