"""What is in force on a platform, followed step by step: the entries of its whole catalogue and its live releases.

A city's catalogue takes seconds to read, and most steps touch one entry. So the ledger is read on from where it was
left, and only entries that it names are read again; what arrives from another level in a bundle names many, and then
everything is read. Invariant: ``look`` gives what a reader that begins anew would give.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from catalog_sync.accepted import serving_entries, serving_entry
from catalog_sync.entries import CatalogueEntry
from catalog_sync.platform import CataloguePlatform
from catalog_sync.ports import LedgerRow
from catalog_sync.releases import SubgraphRelease
from catalog_sync.store import entry_from_json
from catalog_sync.taking import stricter_of

FROM_OTHER_LEVELS = "apply bundle"
"""The ledger's name for a bundle taken in: it may bring, tighten or take away any entry."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The entries that are released here or accepted from below, by id, and the live release of each subgraph."""

    entries: tuple[CatalogueEntry, ...]
    releases: tuple[SubgraphRelease, ...]


class InForceReader:
    """Follows one platform. To be asked by one thread at a time."""

    def __init__(self, platform: CataloguePlatform) -> None:
        self._platform = platform
        self._version = -1
        self._entries: dict[str, CatalogueEntry] = {}
        self._releases: tuple[SubgraphRelease, ...] = ()

    def look(self) -> InForce | None:
        """What is in force, if that changed since the last look; what is looked at first is always news."""
        version = self._platform.version()
        if version == self._version:
            return None
        first = self._version < 0
        with self._platform.database.reading():
            rows = () if first else tuple(self._platform.entries.ledger(self._version))
            found = self._all() if first or _names_many(rows) else self._changed(rows)
            releases = self._platform.releases.live()
            self._version = rows[-1].number if rows else version
        # Whatever was fetched is read here, where nobody who writes is kept waiting.
        entries = {entry.id: entry for entry in found}
        same = entries == self._entries and releases == self._releases and not first
        self._entries, self._releases = entries, releases
        return None if same else InForce(tuple(entries[name] for name in sorted(entries)), releases)

    def _all(self) -> Iterator[CatalogueEntry]:
        with self._platform.database.reading() as connection:
            accepted = serving_entries(connection)
            views = dict(connection.execute("SELECT entry, content FROM tightening").fetchall())
        found = chain(self._platform.entries.released(), accepted)
        return (_under(entry, views.get(entry.id)) for entry in found)

    def _changed(self, rows: Iterable[LedgerRow]) -> Iterator[CatalogueEntry]:
        named = sorted({str(row.body["entry"]) for row in rows if "entry" in row.body})
        read = tuple(entry for identity in named if (entry := self._one(identity)) is not None)
        return chain((entry for name, entry in self._entries.items() if name not in named), read)

    def _one(self, identity: str) -> CatalogueEntry | None:
        record = self._platform.entries.record(identity)
        with self._platform.database.reading() as connection:
            accepted = serving_entry(connection, identity)
            view = connection.execute("SELECT content FROM tightening WHERE entry = ?", (identity,)).fetchone()
        entry = record.released.entry if record is not None and record.released is not None else accepted
        return None if entry is None else _under(entry, view[0] if view else None)


def _names_many(rows: Iterable[LedgerRow]) -> bool:
    return any(row.action == FROM_OTHER_LEVELS for row in rows)


def _under(entry: CatalogueEntry, view: str | None) -> CatalogueEntry:
    """The entry under the stricter view of a level above, if there is one."""
    return entry if view is None else stricter_of(entry, entry_from_json(view))
