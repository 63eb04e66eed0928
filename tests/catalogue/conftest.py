import asyncio
from collections.abc import Iterator

import pytest

from tests.catalogue.databases import DATABASES
from tests.storage.databases import ENGINES, postgresql_server


@pytest.fixture(scope="session")
def catalogue_postgresql() -> Iterator[str]:
    for address in postgresql_server():
        asyncio.run(without_waiting_for_its_disk(address))
        yield address


async def without_waiting_for_its_disk(address: str) -> None:
    """What these tests kill are clients; the server stands, and what it keeps is thrown away."""
    import asyncpg

    connection = await asyncpg.connect(address)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a module's tests on both engines."""
    if request.param == "postgresql":
        DATABASES.server = request.getfixturevalue("catalogue_postgresql")
    yield request.param
    DATABASES.close()
    DATABASES.server = None
