"""Full-text search over the whole catalogue, in Chinese and English, whatever the searcher may read (R11, R70).

A folder of entries is indexed in memory, a platform's catalogue in its own database, where every gateway finds it. That
index follows the ledger: who asks first after a step reads on from where the index stands and indexes again what the
ledger names, in one transaction with the number of the last row read. So the index is always that of some moment.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.database import Connection, open_database
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.in_force import entries_in_force, entries_named, named_entries
from catalog_sync.platform import CataloguePlatform
from catalog_sync.search_index import SearchIndex, Wanted
from catalog_sync.search_words import query_runs


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry found, and the items whose names the query is found in."""

    entry: CatalogueEntry
    items: tuple[InformationItem, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item can be had: the entry, the item, its tiers and the condition it is shared on."""

    entry: CatalogueEntry
    item: InformationItem

    @property
    def condition(self) -> str | None:
        """What has to be fulfilled, None if nothing."""
        return self.entry.condition_of(self.item)

    @property
    def name(self) -> str:
        """The item as policies name it, such as ``30700507/1.maritalStatus``."""
        return f"{self.entry.code}.{self.item.alias}"

    def __str__(self) -> str:
        condition = f", {self.condition}" if self.condition else ""
        return f"{self.item.name} ({self.name}) of {self.entry.provider.name}: {self.item.sharing}{condition}"


@dataclass(frozen=True, slots=True)
class Obtainable:
    """The answer to "must we ask the citizen for this?" (R22): where an item can be had, best tier first."""

    wanted: str
    sources: tuple[Source, ...]

    @property
    def sharing(self) -> Sharing:
        """The best tier at which a department can have it; not shared if nowhere."""
        return self.sources[0].item.sharing if self.sources else Sharing.NOT_SHARED

    def text(self, standing: Mapping[str, str]) -> str:
        """The answer for people; ``standing`` says of items, by ``Source.name``, how they stand for who asks."""
        lines = [f"{self.wanted}: {self.sharing if self.sources else 'nobody has it'}"]
        for each in self.sources:
            lines.append(f"    {each}")
            lines += [f"        {standing[each.name]}"] if each.name in standing else []
        return "".join(f"{line}\n" for line in lines)


class Search(ABC):
    """What both searches answer, and how."""

    _index: SearchIndex

    def find(
        self,
        query: str,
        *,
        limit: int = 20,
        provider: str | None = None,
        sharing: Sharing | None = None,
        opening: Opening | None = None,
    ) -> tuple[Hit, ...]:
        """The entries in which every word of the query is found, best first; all filters given must hold."""
        with self._current() as connection:
            found = self._index.find(connection, Wanted(query, provider, sharing, opening), limit)
            entries = self._read(found)
        return tuple(Hit(entries[each], _matching_items(entries[each], query)) for each in found)

    def obtainable(self, wanted: Iterable[str], *, limit: int = 10) -> tuple[Obtainable, ...]:
        """For each item wanted, by Chinese name or alias: who has it, at which tier (R22).

        Items of that very name come first, then by tier; where none has it, items in whose name it is found.
        """
        with self._current() as connection:
            found = [(each, self._index.sources(connection, each.strip(), limit)) for each in wanted]
            entries = self._read(dict.fromkeys(entry for _, sources in found for entry, _ in sources))
        return tuple(
            Obtainable(each, tuple(Source(entries[entry], entries[entry].items[place]) for entry, place in sources))
            for each, sources in found
        )

    @abstractmethod
    def _current(self) -> AbstractContextManager[Connection]:
        """The index as it must be now, to be read with the entries in one transaction."""

    @abstractmethod
    def _read(self, ids: Iterable[str]) -> dict[str, CatalogueEntry]:
        """The entries of the index, by id."""


class CatalogueSearch(Search):
    """An index of entries in memory; for another catalogue, build another."""

    def __init__(self, entries: Iterable[CatalogueEntry]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._database = open_database()
        self._index = SearchIndex(self._database.engine.name)
        with self._database.transaction() as connection:
            self._index.put(connection, self._entries.values())

    def _current(self) -> AbstractContextManager[Connection]:
        return self._database.reading()

    def _read(self, ids: Iterable[str]) -> dict[str, CatalogueEntry]:
        return {identity: self._entries[identity] for identity in ids}


class PlatformSearch(Search):
    """The index of a platform's whole catalogue in force, in its own database, shared by all who open it.

    The first search of all indexes everything, which takes some seconds for a city's catalogue.
    """

    def __init__(self, platform: CataloguePlatform) -> None:
        self._platform = platform
        self._index = SearchIndex(platform.database.engine.name)

    @contextmanager
    def _current(self) -> Iterator[Connection]:
        with self._platform.database.reading() as connection:
            if _through(connection) == self._platform.version():
                yield connection
                return
        with self._platform.database.transaction() as connection:
            self._follow(connection)
            yield connection

    def _read(self, ids: Iterable[str]) -> dict[str, CatalogueEntry]:
        return entries_named(self._platform, ids)

    def _follow(self, connection: Connection) -> None:
        through, version = _through(connection), self._platform.version()
        if through == 0:
            self._index.clear(connection)
            self._index.put(connection, entries_in_force(self._platform))
        else:
            named = named_entries(self._platform.entries.ledger(through))
            found = entries_named(self._platform, named)
            self._index.remove(connection, [identity for identity in named if identity not in found])
            self._index.put(connection, found.values())
        connection.execute("DELETE FROM search_through")
        connection.execute("INSERT INTO search_through VALUES (?)", (version,))


def _through(connection: Connection) -> int:
    """The last row of the ledger that the index has seen, 0 for an index without anything."""
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM search_through").fetchone()[0])


def _matching_items(entry: CatalogueEntry, query: str) -> tuple[InformationItem, ...]:
    words = query_runs(query)
    return tuple(
        item for item in entry.items if any(word in item.name.lower() or word in item.alias.lower() for word in words)
    )
