"""The search index in the catalogue's database: FTS5 in SQLite, tsvector in PostgreSQL, the same words in both.

The engine finds what has every word and proposes the best by the fields that the words stand in; which of these are
hits and in what order is computed here from the texts, so that both engines answer alike. Rows carry no content, only
what is searched: an entry's id leads to it. Invariant: whatever is put twice is found once, as it was put last.

FTS5 keeps the field of each word. PostgreSQL keeps positions and weights, which stand in the row and not in its index:
to rank by them is to read every row that matches. So an entry's words are in its tsvector twice, as they are and behind
the letter of their field, and both engines answer from their index alone.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.database import Connection
from catalog_sync.entries import CatalogueEntry
from catalog_sync.search_words import Term, query_runs, query_terms, unbroken, words_of

_CANDIDATES = 300
"""How many entries the engine may propose, best first by its own ranking."""
_WEIGHTS = (10, 6, 4, 2, 8)
"""Of title, item names, provider, abstract and codes in the ranking."""
_RANKED_RUNS = 2
"""How many runs of a query count in what is proposed; all must be found, and all count in the order of hits."""
_LETTERS = "ABCDE"
"""Of the same fields in a tsvector: no word has a capital."""
_TIERS = (Sharing.UNCONDITIONAL, Sharing.CONDITIONAL, Sharing.NOT_SHARED)
_TABLES_OF_WORDS = {"search_entry": "search_words", "search_item": "search_item_words"}
_COLUMNS_OF_WORDS = {"search_entry": ("title", "items", "provider", "abstract", "codes"), "search_item": ("name",)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query and the filters that must all hold; ``provider`` is a name or a credit code."""

    query: str
    provider: str | None = None
    sharing: Sharing | None = None
    opening: Opening | None = None


class SearchIndex:
    """The index in a database of one engine, by its name; every method runs inside a transaction of the caller's."""

    def __init__(self, engine: str) -> None:
        self._postgresql = engine == "postgresql"

    def put(self, connection: Connection, entries: Iterable[CatalogueEntry]) -> None:
        """Indexes entries, each in the place of what was indexed under its id before."""
        put = tuple(entries)
        self.remove(connection, [entry.id for entry in put])
        [(last,)] = connection.execute("SELECT coalesce(max(place), 0) FROM search_entry").fetchall()
        [(item_place,)] = connection.execute("SELECT coalesce(max(place), 0) FROM search_item").fetchall()
        rows, words, items, item_words = [], [], [], []
        for place, entry in enumerate(put, last + 1):
            fields = _fields(entry)
            rows.append(
                (place, entry.id, entry.provider.name, str(entry.provider.credit_code), entry.sharing.value,
                 entry.opening.value, json.dumps(fields, ensure_ascii=False))
            )  # fmt: skip
            words.append((place, [words_of(text) for text in fields]))
            for number, item in enumerate(entry.items):
                item_place += 1
                tier, referred = _TIERS.index(item.sharing), int(item.references is not None)
                items.append((item_place, entry.id, number, item.name.lower(), item.alias.lower(), tier, referred))
                item_words.append((item_place, [words_of(f"{item.name} {item.alias}")]))
        self._insert(connection, "search_entry", rows, words)
        self._insert(connection, "search_item", items, item_words)

    def remove(self, connection: Connection, ids: Sequence[str]) -> None:
        """Takes entries out of the index, those that are in it."""
        for table, words in _TABLES_OF_WORDS.items():
            if not self._postgresql:
                connection.executemany(
                    f"DELETE FROM {words} WHERE rowid IN (SELECT place FROM {table} WHERE entry = ?)",
                    [(identity,) for identity in ids],
                )
            connection.executemany(f"DELETE FROM {table} WHERE entry = ?", [(identity,) for identity in ids])

    def clear(self, connection: Connection) -> None:
        """Takes everything out of the index."""
        for table, words in _TABLES_OF_WORDS.items():
            if not self._postgresql:
                connection.execute(f"DELETE FROM {words}")
            connection.execute(f"DELETE FROM {table}")

    def find(self, connection: Connection, wanted: Wanted, limit: int) -> tuple[str, ...]:
        """The ids of the entries in which every word is found, best first."""
        terms = query_terms(wanted.query)
        if not terms:
            return ()
        filters, values = [], []
        if wanted.provider is not None:
            filters.append("(provider_name = ? OR credit_code = ?)")
            values += [_storable(wanted.provider)] * 2
        for column, value in (("sharing", wanted.sharing), ("opening", wanted.opening)):
            if value is not None:
                filters.append(f"{column} = ?")
                values.append(value.value)
        rows = self._matching(connection, "search_entry", "entry, texts", terms, filters, values)
        runs, whole = query_runs(wanted.query), unbroken(wanted.query)
        scored = sorted(
            (-score, len(texts), entry)
            for entry, texts in rows
            if (score := _score(json.loads(texts), runs, whole)) is not None
        )
        return tuple(entry for _, _, entry in scored[:limit])

    def sources(self, connection: Connection, wanted: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Ids of entries and places of items in them: those of that very name or alias, else those it is found in.

        Best tier first, and whose it is before who refers to it.
        """
        columns, order = "entry, number, name", "ORDER BY tier, referred, entry, number LIMIT ?"
        name = _storable(wanted.lower())
        rows = connection.execute(
            f"SELECT {columns} FROM search_item WHERE name = ? OR alias = ? {order}", (name, name, limit)
        ).fetchall()
        if not rows and (terms := query_terms(wanted)):
            rows = self._matching(connection, "search_item", columns, terms, [], [], order)
            rows = [row for row in rows if all(run in row[2] for run in unbroken(wanted))]
        return tuple((entry, number) for entry, number, _ in rows[:limit])

    def _matching(
        self, connection: Connection, table: str, columns: str, terms: Sequence[Term], filters: Sequence[str],
        values: Sequence[str], order: str = "",
    ) -> list[tuple[str, ...]]:  # fmt: skip
        """Rows that have every word; where no other order is given, first those that have them in weightier fields."""
        found, asked = self._found(table), [self._all_of(terms)]
        if not order:
            runs = [[term for term in terms if term.run == run] for run in dict.fromkeys(term.run for term in terms)]
            fields = [(run, field) for run in runs[:_RANKED_RUNS] for field in range(len(_WEIGHTS))]
            asked += [self._all_of(*each) for each in fields]
            ranked = " UNION ALL ".join(
                (f"SELECT found, 0 AS weight, 1 AS whole FROM ({found}) AS whole",
                 *(f"SELECT found, {_WEIGHTS[field]}, 0 FROM ({found}) AS part" for _, field in fields))
            )  # fmt: skip
            found = f"SELECT found, sum(weight) AS score FROM ({ranked}) AS ranked GROUP BY found HAVING sum(whole) > 0"
        where = " AND ".join(("found = place", *filters))
        if self._postgresql:
            # The server reckons with the pages of rows, not with those in which their words stand, and would often
            # read all of both; and starting other processes for a part takes as long as the whole.
            connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0")
        return connection.execute(
            f"SELECT {columns} FROM {table} JOIN ({found}) AS matching ON {where}"
            f" {order or 'ORDER BY score DESC, length(texts), entry LIMIT ?'}",
            (*asked, *values, _CANDIDATES),
        ).fetchall()

    def _found(self, table: str) -> str:
        """The places of rows in which is found what is asked with one parameter."""
        if self._postgresql:
            return f"SELECT place AS found FROM {table} WHERE words @@ CAST(CAST(? AS text) AS tsquery)"
        words = _TABLES_OF_WORDS[table]
        return f"SELECT rowid AS found FROM {words} WHERE {words} MATCH ?"

    def _all_of(self, terms: Iterable[Term], field: int | None = None) -> str:
        """What has every one of the terms, anywhere or in one field of an entry, as the engine is asked for it."""
        if self._postgresql:
            letter = "" if field is None else _LETTERS[field]
            return " & ".join(f"'{letter}{term.word}'{':*' if term.beginning else ''}" for term in terms)
        every = " AND ".join(f'"{term.word}"{" *" if term.beginning else ""}' for term in terms)
        return every if field is None else f"{_COLUMNS_OF_WORDS['search_entry'][field]} : ({every})"

    def _insert(
        self, connection: Connection, table: str, rows: Sequence[Sequence[object]],
        words: Sequence[tuple[int, Sequence[Sequence[str]]]],
    ) -> None:  # fmt: skip
        if not rows:
            return
        marks = ", ".join("?" * len(rows[0]))
        if self._postgresql:
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks}, CAST(CAST(? AS text) AS tsvector))",
                [(*row, _tsvector(fields)) for row, (_, fields) in zip(rows, words, strict=True)],
            )
            return
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        columns = _COLUMNS_OF_WORDS[table]
        connection.executemany(
            f"INSERT INTO {_TABLES_OF_WORDS[table]} (rowid, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})",
            [(place, *map(" ".join, fields)) for place, fields in words],
        )


def _fields(entry: CatalogueEntry) -> tuple[str, ...]:
    """Title, item names, provider, abstract and codes, each a text of its own."""
    return (
        f"{entry.title} {entry.alias}",
        " ".join(f"{item.name} {item.alias}" for item in entry.items),
        f"{entry.provider.name} {entry.provider.unit or ''}",
        entry.abstract,
        f"{' '.join(map(str, entry.codes))} {entry.id}",
    )


def _tsvector(fields: Sequence[Sequence[str]]) -> str:
    """The words as PostgreSQL writes a tsvector; where there are several fields, also behind the field's letter."""
    lettered = [f"{letter}{word}" for letter, words in zip(_LETTERS, fields, strict=False) for word in words]
    words = dict.fromkeys(word for words in fields for word in words)
    return " ".join(f"'{word}'" for word in (*words, *(lettered if len(fields) > 1 else ())))


def _storable(text: str) -> str:
    """A text without what no database holds, and so no name has: zero characters and halves of surrogates."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def _score(fields: Sequence[str], runs: Sequence[str], whole: Sequence[str]) -> int | None:
    """How well the texts answer a query's runs; None if one that must stand as it is does not."""
    if not all(any(run in text for text in fields) for run in whole):
        return None
    lowered = [text.lower() for text in fields]
    return sum(weight for run in runs for weight, text in zip(_WEIGHTS, lowered, strict=True) if run in text)
