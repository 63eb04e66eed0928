"""The database under a catalogue's store: one port, two engines, transactions that either happened or did not.

The problem: entries, releases, bundles and the ledger must be written together or not at all, by several processes, on
an SQLite file as on a PostgreSQL server. The idea: SQL that both engines understand, parameters written ``?``, and one
writer at a time. The invariant: what is read inside ``transaction`` cannot be changed by anybody before it is written,
so the ledger's chain never forks and no number is given twice. ``reading`` sees one state of everything and waits for
no writer of another process.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from catalog_sync.errors import STORE_OF_LATER_VERSION, CodedError
from catalog_sync.migrations import STEPS


class StatementRefusedError(ValueError):
    """A value that the tables cannot hold: too large a number, a character or a row that may not be there."""


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any:
        """The next row, None when there is none left."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""


class Connection(Protocol):
    """What is inside a transaction."""

    def execute(self, statement: str, parameters: Sequence[object] = (), /) -> Rows:
        """Runs a statement. StatementRefusedError, CodedError CATALOGUE_STORE_UNAVAILABLE."""

    def executemany(self, statement: str, rows: Iterable[Sequence[object]], /) -> object:
        """Runs a statement once for each row of parameters; raises as ``execute`` does."""


class Engine(Protocol):
    """One connection to SQLite or PostgreSQL.

    ``types`` are what tables are made with: ``text`` compared by its code points, ``bytes``, ``number`` of 64 bits,
    ``sequence``, a number that counts up as a primary key; ``named_entry`` is the entry that a ledger row tells of,
    ``tables`` where to look for a table's name.
    Search differs by ``name``: ``sqlite`` or ``postgresql``.
    """

    name: str
    types: Mapping[str, str]

    @property
    def connection(self) -> Connection:
        """To be used between ``begin`` and ``commit`` or ``roll_back``."""

    def begin(self, *, write: bool) -> None:
        """Begins a transaction; one that writes waits for its turn. CodedError CATALOGUE_STORE_UNAVAILABLE."""

    def commit(self) -> None:
        """What was written is kept, whatever happens to process or power."""

    def roll_back(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Gives up the connection."""


class CatalogueDatabase:
    """A catalogue's database with its tables in this version's form; used from any thread, one at a time.

    CodedError STORE_OF_LATER_VERSION if it was written by a later version of the product.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.RLock()
        self._depth = 0
        self._writes = False
        with ExitStack() as unfinished:
            unfinished.callback(engine.close)
            with self.reading() as connection:  # what is up to date waits for nobody who writes
                done = self._steps_done(connection)
            if done < len(STEPS):
                with self.transaction() as connection:
                    self._migrate(connection)
            unfinished.pop_all()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside is written, or, if it raises, nothing; transactions within one another are one."""
        with self._inside(write=True) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of everything, for reading alone; within a transaction it is part of that."""
        with self._inside(write=False) as connection:
            yield connection

    def close(self) -> None:
        """Gives up the connection."""
        with self._lock:
            self.engine.close()

    @contextmanager
    def _inside(self, *, write: bool) -> Iterator[Connection]:
        with self._lock:
            if self._depth:
                assert self._writes or not write, "a transaction that writes cannot begin within one that reads"
                yield self.engine.connection
                return
            self.engine.begin(write=write)
            self._depth, self._writes = 1, write
            try:
                with ExitStack() as unfinished:
                    unfinished.callback(self.engine.roll_back)
                    yield self.engine.connection
                    unfinished.pop_all()
                self.engine.commit()
            finally:
                self._depth = 0

    def _steps_done(self, connection: Connection) -> int:
        known = "SELECT 1 FROM {tables} = 'catalogue_step'".format(**self.engine.types)
        if not connection.execute(known).fetchall():
            return 0
        [(done,)] = connection.execute("SELECT coalesce(max(number), 0) FROM catalogue_step").fetchall()
        if done > len(STEPS):
            message = f"The catalogue's store has tables of step {done}; this version knows {len(STEPS)}."
            raise CodedError(STORE_OF_LATER_VERSION, message)
        return int(done)

    def _migrate(self, connection: Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS catalogue_step (number INTEGER PRIMARY KEY)")
        done = self._steps_done(connection)
        for number, statements in enumerate(STEPS[done:], done + 1):
            for statement in (each for each in statements if each.engine in ("", self.engine.name)):
                connection.execute(statement.sql.format(**self.engine.types))
            connection.execute("INSERT INTO catalogue_step VALUES (?)", (number,))


def open_database(address: str | Path | None = None) -> CatalogueDatabase:
    """The database at ``postgresql://...``, in an SQLite file, or, without an address, in memory.

    CodedError CATALOGUE_STORE_UNAVAILABLE or STORE_OF_LATER_VERSION.
    """
    if isinstance(address, str) and address.startswith(("postgresql://", "postgres://")):
        from catalog_sync.postgres_engine import PostgresEngine

        return CatalogueDatabase(PostgresEngine(address))
    from catalog_sync.sqlite_engine import SqliteEngine

    return CatalogueDatabase(SqliteEngine(None if address is None else Path(address)))
