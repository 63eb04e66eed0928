"""Full-text search over the whole catalogue, in Chinese and English, whatever the searcher may read (R11, R70).

Chinese is written without blanks, and FTS5's own trigrams find no word of two characters, which most are. So a run of
Chinese characters is indexed as its single characters and all its pairs, and a query's run as its pairs, which must all
be there; what has the pairs but not the run is dropped afterwards. Latin words are indexed whole and by the parts of
their camel case, and found by their beginning.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem

_RUNS = re.compile(r"(?P<chinese>[\u3400-\u9fff\U00020000-\U0003ffff]+)|(?P<code>\d{3,}/\d+)|(?P<word>[A-Za-z0-9]+)")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WEIGHTS = (10.0, 6.0, 4.0, 2.0, 8.0)
"""Of title, item names, provider, abstract and codes in the ranking."""
_LONGEST_QUERY = 200
_CANDIDATES = 400


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


@dataclass(frozen=True, slots=True)
class Obtainable:
    """The answer to "must we ask the citizen for this?" (R22): where an item can be had, best tier first."""

    wanted: str
    sources: tuple[Source, ...]

    @property
    def sharing(self) -> Sharing:
        """The best tier at which a department can have it; not shared if nowhere."""
        return self.sources[0].item.sharing if self.sources else Sharing.NOT_SHARED


class CatalogueSearch:
    """An index of entries in memory; for another catalogue, build another."""

    def __init__(self, entries: Iterable[CatalogueEntry]) -> None:
        self._entries = tuple(entries)
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute(
            "CREATE VIRTUAL TABLE entry USING fts5(title, items, provider, abstract, codes, content='', detail=column)"
        )
        self._index.execute("CREATE VIRTUAL TABLE item USING fts5(name, content='', detail=none)")
        self._places: list[tuple[int, int]] = []
        self._names: dict[str, list[tuple[int, int]]] = {}
        self._fill()

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
        terms = _query_terms(query)
        if not terms:
            return ()
        with self._lock:
            rows = self._index.execute(
                "SELECT rowid FROM entry WHERE entry MATCH ?"
                f" ORDER BY bm25(entry, {', '.join(map(str, _WEIGHTS))}) LIMIT ?",
                (" AND ".join(terms), _CANDIDATES),
            ).fetchall()
        found = []
        for (row,) in rows:
            entry = self._entries[row - 1]
            if (
                (provider is None or provider in (entry.provider.name, str(entry.provider.credit_code)))
                and (sharing is None or entry.sharing is sharing)
                and (opening is None or entry.opening is opening)
                and _holds(entry, query)
            ):
                found.append(Hit(entry, _matching_items(entry, query)))
            if len(found) == limit:
                break
        return tuple(found)

    def obtainable(self, wanted: Iterable[str], *, limit: int = 10) -> tuple[Obtainable, ...]:
        """For each item wanted, by Chinese name or alias: who has it, at which tier (R22).

        Items of that very name come first, then by tier; where none has it, items in whose name it is found.
        """
        return tuple(Obtainable(each, self._sources(each.strip(), limit)) for each in wanted)

    def _sources(self, wanted: str, limit: int) -> tuple[Source, ...]:
        places: Sequence[tuple[int, int]] = self._names.get(wanted.lower(), [])
        if not places and (terms := _query_terms(wanted)):
            with self._lock:
                rows = self._index.execute(
                    "SELECT rowid FROM item WHERE item MATCH ? LIMIT ?", (" AND ".join(terms), _CANDIDATES)
                ).fetchall()
            places = [self._places[row - 1] for (row,) in rows]
        sources = [Source(self._entries[entry], self._entries[entry].items[item]) for entry, item in places]
        order = (Sharing.UNCONDITIONAL, Sharing.CONDITIONAL, Sharing.NOT_SHARED)
        sources.sort(key=lambda each: (order.index(each.item.sharing), each.item.references is not None))
        return tuple(sources[:limit])

    def _fill(self) -> None:
        with self._index:
            for number, entry in enumerate(self._entries):
                names = " ".join(f"{item.name} {item.alias}" for item in entry.items)
                provider = f"{entry.provider.name} {entry.provider.unit or ''}"
                codes = " ".join(map(str, entry.codes))
                values = (f"{entry.title} {entry.alias}", names, provider, entry.abstract, f"{codes} {entry.id}")
                self._index.execute(
                    "INSERT INTO entry (rowid, title, items, provider, abstract, codes) VALUES (?, ?, ?, ?, ?, ?)",
                    (number + 1, *map(_indexed, values)),
                )
                for place, item in enumerate(entry.items):
                    self._places.append((number, place))
                    for name in {item.name.lower(), item.alias.lower()}:
                        self._names.setdefault(name, []).append((number, place))
                    self._index.execute(
                        "INSERT INTO item (rowid, name) VALUES (?, ?)",
                        (len(self._places), _indexed(f"{item.name} {item.alias}")),
                    )


def _indexed(text: str) -> str:
    """The words by which a text is found, blanks between them."""
    words: list[str] = []
    for run in _RUNS.finditer(text):
        found = run[0]
        if run["chinese"]:
            words += [*found, *_pairs(found)]
        elif run["code"]:
            words += [_code(found), found.partition("/")[0]]
        else:
            words.append(found.lower())
            parts = _CAMEL.findall(found)
            words += [part.lower() for part in parts] if len(parts) > 1 else []
    return " ".join(words)


def _query_terms(text: str) -> list[str]:
    """FTS5 terms, quoted; all of them must be found."""
    terms: list[str] = []
    for run in _RUNS.finditer(text[:_LONGEST_QUERY]):
        found = run[0]
        if run["chinese"]:
            terms += [f'"{word}"' for word in (_pairs(found) or [found])]
        elif run["code"]:
            terms.append(f'"{_code(found)}"')
        else:
            terms.append(f'"{found.lower()}" *')
    return list(dict.fromkeys(terms))


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _code(text: str) -> str:
    class_code, _, sequence = text.partition("/")
    return f"{class_code}x{sequence.lstrip('0')}"


def _chinese_runs(query: str) -> list[str]:
    return [run[0] for run in _RUNS.finditer(query[:_LONGEST_QUERY]) if run["chinese"]]


def _holds(entry: CatalogueEntry, query: str) -> bool:
    """Whether every Chinese run of the query is really there, not only its pairs."""
    runs = [run for run in _chinese_runs(query) if len(run) > 2]
    if not runs:
        return True
    texts = (
        entry.title, entry.abstract, entry.provider.name, entry.provider.unit or "",
        *(item.name for item in entry.items),
    )  # fmt: skip
    return all(any(run in text for text in texts) for run in runs)


def _matching_items(entry: CatalogueEntry, query: str) -> tuple[InformationItem, ...]:
    words = [run[0].lower() for run in _RUNS.finditer(query[:_LONGEST_QUERY])]
    return tuple(
        item for item in entry.items if any(word in item.name.lower() or word in item.alias.lower() for word in words)
    )
