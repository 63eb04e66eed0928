"""SQLite as a department's store: written whole by the generator, opened read-only by the department."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from subgraphs.kit.errors import STORE_UNREADABLE, CodedError
from subgraphs.kit.statements import Select

Row = tuple[Any, ...]


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A read-only connection. Raises CodedError STORE_UNREADABLE when there is no such database."""
    if not path.is_file():
        raise CodedError(STORE_UNREADABLE, f"There is no database {path}.")
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    # Reads by many keys touch many pages; mapped, a page costs no system call.
    try:
        connection.execute(f"PRAGMA mmap_size = {1 << 30}")
        connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise CodedError(STORE_UNREADABLE, f"The database {path} cannot be read: {error}.") from None
    return connection


def fetch(connection: sqlite3.Connection, select: Select) -> list[Row]:
    """The rows of a statement, read where it is called: by key that takes microseconds, a thread would take more."""
    return connection.execute(select.text, select.parameters).fetchall()


def write_sqlite(path: Path, tables: Mapping[str, Iterable[Sequence[object]]], script: str) -> None:
    """A new database at ``path``: ``script`` creates the tables, each then gets its rows, columns in order.

    Statements of the script after the line ``-- indexes`` run when the rows are in.
    """
    path.unlink(missing_ok=True)
    creation, _, indexes = script.partition("-- indexes")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(creation)
        connection.execute("BEGIN")
        for table, rows in tables.items():
            width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)
        connection.execute("COMMIT")
        connection.executescript(indexes)
    finally:
        connection.close()
