from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from catalog_sync.database import CatalogueDatabase, StatementRefusedError, open_database
from catalog_sync.errors import CodedError
from catalog_sync.platform import open_platform
from catalog_sync.store import append_ledger, verify_ledger
from tests.catalogue.databases import DATABASES
from tests.catalogue.levels import NOW

pytestmark = pytest.mark.usefixtures("engine")


def address(folder: Path) -> str:
    return str(DATABASES.address(folder / "catalogue.db"))


def test_writers_of_several_connections_extend_one_chain(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        with open_platform(address(tmp_path)) as platform:
            for _ in range(10):
                with platform.database.transaction() as connection:
                    append_ledger(connection, NOW, f"writer {writer}", "write", {})

    with open_platform(address(tmp_path)) as platform:
        with ThreadPoolExecutor(4) as writers:
            list(writers.map(write, range(4)))
        assert verify_ledger(platform.entries.ledger()) == platform.version() == 40


def test_what_raises_within_a_transaction_leaves_nothing_even_of_transactions_inside(tmp_path: Path) -> None:
    def fail_after_writing(database: CatalogueDatabase) -> None:
        with database.transaction():
            with database.transaction() as connection:
                append_ledger(connection, NOW, "somebody", "write", {})
            raise KeyError

    with open_platform(address(tmp_path)) as platform:
        with pytest.raises(KeyError):
            fail_after_writing(platform.database)
        assert platform.version() == 0


def test_who_reads_sees_one_state_and_keeps_no_writer_waiting(tmp_path: Path) -> None:
    with open_platform(address(tmp_path)) as reader, open_platform(address(tmp_path)) as writer:
        with reader.database.reading():
            assert reader.version() == 0
            with writer.database.transaction() as connection:
                append_ledger(connection, NOW, "somebody", "write", {})
            assert reader.version() == 0
        assert reader.version() == 1


def test_a_store_whose_tables_are_up_to_date_is_opened_while_another_writes(tmp_path: Path) -> None:
    with open_platform(address(tmp_path)) as writer, writer.database.transaction() as connection:
        append_ledger(connection, NOW, "somebody", "write", {})
        with open_platform(address(tmp_path)) as reader:
            assert reader.version() == 0


def test_a_value_that_no_table_can_hold_is_refused_and_the_transaction_is_undone(tmp_path: Path) -> None:
    with closing(open_database(address(tmp_path))) as database:
        with pytest.raises(StatementRefusedError), database.transaction() as connection:
            connection.executemany("INSERT INTO record VALUES (?, ?)", [("e", 1), ("f", 10**30)])
        with database.reading() as connection:
            assert connection.execute("SELECT * FROM record").fetchall() == []


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with closing(open_database(address(tmp_path))) as database, database.transaction() as connection:
        connection.execute("INSERT INTO catalogue_step VALUES (99)")
    with pytest.raises(CodedError) as refused:
        open_database(address(tmp_path))
    assert refused.value.code.name == "STORE_OF_LATER_VERSION"


@pytest.mark.parametrize("nowhere", ["postgresql://127.0.0.1:1/none", "/nowhere/at/all.db"])
def test_a_database_that_is_not_there_is_told_by_its_code(nowhere: str) -> None:
    with pytest.raises(CodedError) as refused:
        open_database(nowhere)
    assert refused.value.code.name == "CATALOGUE_STORE_UNAVAILABLE"


def test_a_connection_that_the_server_ended_is_made_again(engine: str, tmp_path: Path) -> None:
    if engine != "postgresql":
        pytest.skip("an SQLite file has no server that could end a connection")
    with open_platform(address(tmp_path)) as platform, closing(open_database(DATABASES.server)) as other:
        with platform.database.reading() as connection:
            [(process,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
        with other.transaction() as connection:
            connection.execute("SELECT pg_terminate_backend(?)", (process,))
        assert platform.version() == 0
