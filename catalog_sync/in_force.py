"""What is in force on a platform, followed step by step: the entries of its whole catalogue and its live releases.

A city's catalogue takes seconds to read, and most steps touch one entry. So the ledger is read on from where it was
left, and only entries that it names are read again. Invariant: ``look`` gives what a reader that begins anew would
give.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from catalog_sync.accepted import serving_entries
from catalog_sync.closed_lists import EntryState
from catalog_sync.entries import CatalogueEntry
from catalog_sync.platform import CataloguePlatform
from catalog_sync.ports import LedgerRow
from catalog_sync.releases import SubgraphRelease
from catalog_sync.store import entry_from_json
from catalog_sync.taking import stricter_of

_AT_ONCE = 500
"""Ids in one statement; databases have a limit."""


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
        named = set(named_entries(rows))
        read = entries_named(self._platform, named)
        return chain((entry for name, entry in self._entries.items() if name not in named), read.values())


def entries_in_force(platform: CataloguePlatform) -> Iterator[CatalogueEntry]:
    """Every entry in force, its own and those accepted from below, each under the view of a level above."""
    with platform.database.reading() as connection:
        accepted = serving_entries(connection)
        views: dict[str, str] = dict(connection.execute("SELECT entry, content FROM tightening").fetchall())
        released = platform.entries.released()
    return (_under(entry, views.get(entry.id)) for entry in chain(released, accepted))


def entries_named(platform: CataloguePlatform, ids: Iterable[str]) -> dict[str, CatalogueEntry]:
    """Those of the entries that are in force, by id."""
    wanted = sorted(set(ids))
    found: dict[str, CatalogueEntry] = {}
    with platform.database.reading() as connection:
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            served = connection.execute(
                f"SELECT entry, content FROM accepted WHERE serving = 1 AND entry IN ({marks})", some
            ).fetchall()
            own = connection.execute(
                # Not ``state = ?``: SQLite would go through all that are released by the index of states.
                f"SELECT entry, content FROM version WHERE state || '' = ? AND entry IN ({marks})",
                (EntryState.RELEASED.value, *some),
            ).fetchall()
            views = connection.execute(
                f"SELECT entry, content FROM tightening WHERE entry IN ({marks})", some
            ).fetchall()
            found |= {entry: _read(content, None) for entry, content in served}
            found |= {entry: _read(content, EntryState.RELEASED.value) for entry, content in own}
            found |= {entry: _under(found[entry], view) for entry, view in views if entry in found}
    return found


@lru_cache(maxsize=512)
def _read(content: str, state: str | None) -> CatalogueEntry:
    """An entry, which is a value: what is asked for again soon need not be read again."""
    return entry_from_json(content, state)


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
