"""One platform's catalogue store, opened by its address: entries, subgraph releases and their common ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_sync.database import CatalogueDatabase, open_database
from catalog_sync.release_store import ReleaseStore
from catalog_sync.store import SqlCatalogueStore


@dataclass(frozen=True, slots=True)
class CataloguePlatform:
    """Entries and releases of one level, kept in one store."""

    database: CatalogueDatabase
    entries: SqlCatalogueStore
    releases: ReleaseStore

    def version(self) -> int:
        """The number of the ledger's last row: it grows with everything that happens, and is cheap to look at."""
        with self.database.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) FROM ledger").fetchone()[0])


@contextmanager
def open_platform(address: str) -> Iterator[CataloguePlatform]:
    """The platform whose store is an SQLite file or a ``postgresql://`` database at ``address``.

    CodedError CATALOGUE_STORE_UNAVAILABLE or STORE_OF_LATER_VERSION.
    """
    if not address.startswith(("postgresql://", "postgres://")):
        Path(address).parent.mkdir(parents=True, exist_ok=True)
    database = open_database(address)
    try:
        yield CataloguePlatform(database, SqlCatalogueStore(database), ReleaseStore(database))
    finally:
        database.close()
