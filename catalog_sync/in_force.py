"""What is in force on a platform, followed step by step: the entries of its whole catalogue and its live releases.

A city's catalogue takes seconds to read, and most steps touch one entry. So the ledger is read on from where it was
left, and only entries that it names are read again. Invariant: ``look`` gives what a reader that begins anew would
give.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from catalog_sync.accepted import serving_entries, serving_entry
from catalog_sync.closed_lists import EntryState
from catalog_sync.entries import CatalogueEntry
from catalog_sync.platform import CataloguePlatform
from catalog_sync.ports import LedgerRow
from catalog_sync.releases import SubgraphRelease
from catalog_sync.store import entry_from_json
from catalog_sync.taking import stricter_of


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
            found = entries_in_force(self._platform) if first else self._changed(rows)
            releases = self._platform.releases.live()
            self._version = rows[-1].number if rows else version
        # Whatever was fetched is read here, where nobody who writes is kept waiting.
        entries = {entry.id: entry for entry in found}
        same = entries == self._entries and releases == self._releases and not first
        self._entries, self._releases = entries, releases
        return None if same else InForce(tuple(entries[name] for name in sorted(entries)), releases)

    def _changed(self, rows: Iterable[LedgerRow]) -> Iterator[CatalogueEntry]:
        named = named_entries(rows)
        read = tuple(entry for each in named if (entry := entry_in_force(self._platform, each)) is not None)
        return chain((entry for name, entry in self._entries.items() if name not in named), read)


def entries_in_force(platform: CataloguePlatform) -> Iterator[CatalogueEntry]:
    """Every entry in force, its own and those accepted from below, each under the view of a level above."""
    with platform.database.reading() as connection:
        accepted = serving_entries(connection)
        views: dict[str, str] = dict(connection.execute("SELECT entry, content FROM tightening").fetchall())
        released = platform.entries.released()
    return (_under(entry, views.get(entry.id)) for entry in chain(released, accepted))


def entry_in_force(platform: CataloguePlatform, identity: str) -> CatalogueEntry | None:
    """The version of an entry that is in force, None if there is none."""
    with platform.database.reading() as connection:
        own = connection.execute(
            "SELECT content, state FROM version WHERE entry = ? AND state = ?", (identity, EntryState.RELEASED.value)
        ).fetchone()
        entry = serving_entry(connection, identity) if own is None else entry_from_json(*own)
        view = connection.execute("SELECT content FROM tightening WHERE entry = ?", (identity,)).fetchone()
    return None if entry is None else _under(entry, view[0] if view else None)


def named_entries(rows: Iterable[LedgerRow]) -> list[str]:
    """The ids of the entries that rows of the ledger tell of: a step names one, a bundle taken in all it touched."""
    named: set[str] = set()
    for row in rows:
        body: Mapping[str, Any] = row.body
        named |= {body["entry"]} if "entry" in body else set(body.get("entries", ()))
    return sorted(named)


def _under(entry: CatalogueEntry, view: str | None) -> CatalogueEntry:
    """The entry under the stricter view of a level above, if there is one."""
    return entry if view is None else stricter_of(entry, entry_from_json(view))
