"""Databases for the catalogue's tests: SQLite always, PostgreSQL where a server can be started."""

from collections import deque
from contextlib import closing
from itertools import count
from pathlib import Path

from catalog_sync.database import CatalogueDatabase, open_database

_MOST_AT_ONCE = 6
"""Databases of PostgreSQL open at the same time: a property test asks for hundreds, and making one takes long."""


class Databases:
    """Makes the databases of one engine; one made without a path is empty, one made with it is what it was."""

    def __init__(self) -> None:
        self.server: str | None = None
        self._schemas: dict[Path, str] = {}
        self._numbers = count(1)
        self._open: deque[CatalogueDatabase] = deque()
        self._kept: list[CatalogueDatabase] = []

    def address(self, path: Path | str | None = None) -> str | Path | None:
        """Where the database of a path is, by the engine's way of saying it."""
        if self.server is None or isinstance(path, str):
            return path
        if path is None or path not in self._schemas:
            schema = f"catalogue_{next(self._numbers)}"
            with closing(open_database(self.server)) as server, server.transaction() as connection:
                connection.execute(f"CREATE SCHEMA {schema}")
            if path is not None:
                self._schemas[path] = schema
        else:
            schema = self._schemas[path]
        return f"{self.server}{'&' if '?' in self.server else '?'}search_path={schema}"

    def open(self, path: Path | str | None = None) -> CatalogueDatabase:
        """A database with the catalogue's tables."""
        if self.server is None:
            return open_database(path)
        if path is not None:
            made = open_database(self.address(path))
            self._kept.append(made)
            return made
        if len(self._open) < _MOST_AT_ONCE:
            self._open.append(open_database(self.address()))
        else:
            self._open.append(_emptied(self._open.popleft()))
        return self._open[-1]

    def close(self) -> None:
        """Closes what is still open."""
        for database in (*self._open, *self._kept):
            database.close()
        self._open.clear()
        self._kept.clear()


def _emptied(database: CatalogueDatabase) -> CatalogueDatabase:
    with database.transaction() as connection:
        tables = connection.execute(
            "SELECT tablename::text FROM pg_tables"
            " WHERE schemaname = current_schema() AND tablename <> 'catalogue_step'"
        ).fetchall()
        connection.execute("; ".join(f"DELETE FROM {table}" for (table,) in tables))
    return CatalogueDatabase(database.engine)


DATABASES = Databases()
"""The engine that the test at hand runs on; the fixture ``engine`` sets it."""
