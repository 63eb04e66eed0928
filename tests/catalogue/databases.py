"""Databases for the catalogue's tests: SQLite always, PostgreSQL where a server can be started."""

from collections import deque
from contextlib import closing
from itertools import count
from pathlib import Path

from catalog_sync.database import CatalogueDatabase, open_database

_MOST_AT_ONCE = 12
"""Databases of PostgreSQL open at the same time: a property test makes hundreds, and a server takes a hundred."""


class Databases:
    """Makes the databases of one engine; one made without a path is empty, one made with it is what it was."""

    def __init__(self) -> None:
        self.server: str | None = None
        self._schemas: dict[Path, str] = {}
        self._numbers = count(1)
        self._open: deque[CatalogueDatabase] = deque()

    def address(self, path: Path | None = None) -> str | Path | None:
        """Where a database is: by the engine's way of saying it."""
        if self.server is None:
            return path
        if path is None or path not in self._schemas:
            schema = f"catalogue_{next(self._numbers)}"
            with closing(open_database(self.server)) as server, server.transaction() as connection:
                connection.execute(f"CREATE SCHEMA {schema}")
            if path is not None:
                self._schemas[path] = schema
        else:
            schema = self._schemas[path]
        # What these tests kill are clients; the server stands, so it need not wait for its disk.
        settings = f"search_path={schema}&synchronous_commit=off"
        return f"{self.server}{'&' if '?' in self.server else '?'}{settings}"

    def open(self, path: Path | None = None) -> CatalogueDatabase:
        """A database with the catalogue's tables."""
        made = open_database(self.address(path))
        if self.server is not None:
            self._open.append(made)
            if len(self._open) > _MOST_AT_ONCE:
                self._open.popleft().close()
        return made

    def close(self) -> None:
        """Closes what is still open."""
        while self._open:
            self._open.popleft().close()


DATABASES = Databases()
"""The engine that the test at hand runs on; the fixture ``engine`` sets it."""
