from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.admin.office import City, city


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as made:
        yield made
