from collections.abc import Iterator

import pytest

from tests.catalogue.databases import DATABASES
from tests.storage.databases import ENGINES, postgresql_server


@pytest.fixture(scope="session")
def catalogue_postgresql() -> Iterator[str]:
    yield from postgresql_server()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a module's tests on both engines."""
    if request.param == "postgresql":
        DATABASES.server = request.getfixturevalue("catalogue_postgresql")
    yield request.param
    DATABASES.close()
    DATABASES.server = None
