"""SQLite under a catalogue: a file, or memory.

WAL with full synchronisation: what was committed survives the process and the power. A transaction that writes takes
the file's write lock at its start; one that reads sees the file as it was at its first statement.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from catalog_sync.database import Connection, Rows, StatementRefusedError
from catalog_sync.errors import CATALOGUE_STORE_UNAVAILABLE, CodedError

_PATIENCE = 30
"""Seconds to wait for another process's transaction."""
_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
    }
)  # fmt: skip


class SqliteEngine:
    """The Engine port on SQLite. CodedError CATALOGUE_STORE_UNAVAILABLE where there is no such file to open."""

    name = "sqlite"
    types: Mapping[str, str] = {
        "text": "TEXT", "bytes": "BLOB", "number": "INTEGER", "sequence": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "named_entry": "json_extract(body, '$.entry')", "tables": "sqlite_master WHERE type = 'table' AND name",
    }  # fmt: skip

    def __init__(self, path: Path | None = None) -> None:
        with _told():
            self._raw = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False, timeout=_PATIENCE
            )
            self._raw.execute("PRAGMA journal_mode = WAL")
            self._raw.execute("PRAGMA synchronous = FULL")
        self.connection: Connection = _Connection(self._raw)

    def begin(self, *, write: bool) -> None:
        """See Engine."""
        self.connection.execute("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")

    def commit(self) -> None:
        """See Engine."""
        try:
            self.connection.execute("COMMIT")
        except CodedError:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """See Engine."""
        # A full disk has rolled back already.
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        """See Engine."""
        self._raw.close()


class _Connection:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def execute(self, statement: str, parameters: Sequence[object] = (), /) -> Rows:
        with _told():
            return self._raw.execute(statement, parameters)

    def executemany(self, statement: str, rows: Iterable[Sequence[object]], /) -> object:
        with _told():
            return self._raw.executemany(statement, rows)


@contextmanager
def _told() -> Iterator[None]:
    """SQLite's errors as the port has them."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
        raise StatementRefusedError(str(error)) from error
    except sqlite3.DatabaseError as error:
        # The low byte is the error, what is above it says more of it.
        if error.sqlite_errorcode & 0xFF not in _UNAVAILABLE:
            raise
        message = f"The catalogue's SQLite file cannot be used now: {error}."
        raise CodedError(CATALOGUE_STORE_UNAVAILABLE, message) from error
