"""The PolicyStore on SQLite in memory, for stories."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase


@asynccontextmanager
async def memory_store() -> AsyncIterator[SqlPolicyStore]:
    database = SqliteDatabase()
    await migrate(database)
    try:
        yield SqlPolicyStore(database)
    finally:
        await database.close()
