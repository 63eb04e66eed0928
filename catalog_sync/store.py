"""Records and ledger in a database of either engine."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from catalog_sync.closed_lists import EntryState
from catalog_sync.database import CatalogueDatabase, Connection
from catalog_sync.documents import node_of
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import LEDGER_BROKEN, STALE_VERSION, CodedError
from catalog_sync.ports import LedgerRow
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem, Place
from catalog_sync.reading import read_entry
from catalog_sync.registry import Actor, EntryRecord, EntryVersion, Trigger, TriggerKind, canonical_json, step_events
from catalog_sync.writing import entry_document

_NO_DIGEST = "0" * 64


class SqlCatalogueStore:
    """The CatalogueStore port on SQL."""

    def __init__(self, database: CatalogueDatabase) -> None:
        self.database = database

    def record(self, identity: str) -> EntryRecord | None:
        """The record of an entry, None if there is none."""
        with self.database.reading() as connection:
            revision = connection.execute("SELECT revision FROM record WHERE entry = ?", (identity,)).fetchone()
            rows = connection.execute(
                "SELECT content, state, trigger_kind, trigger_day, trigger_document, submitted_by, reasons"
                " FROM version WHERE entry = ? ORDER BY number",
                (identity,),
            ).fetchall()
        return None if revision is None else EntryRecord(identity, tuple(map(_version, rows)), revision[0])

    def save(
        self, record: EntryRecord, action: str, actor: Actor, at: datetime, told: Mapping[str, object] | None = None
    ) -> None:
        """Keeps a record and its ledger row, which says ``told`` too, in one transaction.

        CodedError STALE_VERSION if the record changed since it was read. Content of a version that is no draft is
        never written over.
        """
        with self.database.transaction() as connection:
            found = connection.execute("SELECT revision FROM record WHERE entry = ?", (record.id,)).fetchone()
            if (found[0] if found else 0) != record.revision - 1:
                message = f"{record.id} was changed meanwhile (revision {found[0] if found else 0})."
                raise CodedError(STALE_VERSION, message, {"entry": record.id})
            connection.execute(
                "INSERT INTO record VALUES (?, ?) ON CONFLICT (entry) DO UPDATE SET revision = excluded.revision",
                (record.id, record.revision),
            )
            for version in record.versions:
                _keep_version(connection, version)
            connection.execute("DELETE FROM own_code WHERE entry = ?", (record.id,))
            codes = {str(code) for version in record.versions for code in version.entry.codes}
            connection.executemany("INSERT INTO own_code VALUES (?, ?)", [(code, record.id) for code in sorted(codes)])
            append_ledger(connection, at, str(actor), action, {**step_events(record), **(told or {})})

    def released(self) -> Iterator[CatalogueEntry]:
        """Every version in force."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT content, state FROM version WHERE state = ? ORDER BY entry", (EntryState.RELEASED.value,)
            ).fetchall()
        return (entry_from_json(content, state) for content, state in rows)

    def newest(self, *states: EntryState) -> Iterator[CatalogueEntry]:
        """The newest version of every entry, or of those where it is in one of the states."""
        wanted = [state.value for state in states or EntryState]
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT content, state FROM version AS v"
                " WHERE number = (SELECT max(number) FROM version WHERE entry = v.entry)"
                f" AND state IN ({', '.join('?' * len(wanted))}) ORDER BY entry",
                wanted,
            ).fetchall()
        return (entry_from_json(content, state) for content, state in rows)

    def ledger(self, after: int = 0) -> Iterator[LedgerRow]:
        """The ledger's rows after a number."""
        return self._rows("number > ?", after)

    def ledger_of(self, entry: str) -> Iterator[LedgerRow]:
        """The ledger's rows that tell of an entry, the oldest first."""
        return self._rows(f"{self.database.engine.types['named_entry']} = ?", entry)

    def _rows(self, condition: str, value: object) -> Iterator[LedgerRow]:
        columns = "number, at, actor, action, body, previous, digest"
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {columns} FROM ledger WHERE {condition} ORDER BY number", (value,)
            ).fetchall()
        return (
            LedgerRow(number, at, actor, action, json.loads(body), previous, digest)
            for number, at, actor, action, body, previous, digest in rows
        )


def append_ledger(connection: Connection, at: datetime, actor: str, action: str, body: Mapping[str, object]) -> None:
    """Adds a row to the ledger within the transaction of what it tells of."""
    last = connection.execute("SELECT number, digest FROM ledger ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = (last[0] + 1, last[1]) if last else (1, _NO_DIGEST)
    row = LedgerRow(number, at.isoformat(), actor, action, body, previous, "")
    connection.execute(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, row.at, actor, action, canonical_json(body).decode(), previous, _row_digest(row)),
    )


def verify_ledger(rows: Iterable[LedgerRow], anchors: Mapping[int, str] | None = None) -> int:
    """How many rows were verified; CodedError LEDGER_BROKEN at the first that was changed, lost or put in.

    ``anchors`` are digests by row number, known from elsewhere: they show what the chain alone does not, a ledger that
    was written anew as a whole or lost its end.
    """
    wanted = dict(anchors or {})
    number, previous = 0, _NO_DIGEST
    for row in rows:
        number += 1
        if row.number != number or row.previous != previous or row.digest != _row_digest(row):
            message = f"The ledger does not hold together at row {number} ({row.action}, {row.at})."
            raise CodedError(LEDGER_BROKEN, message, {"row": number})
        if wanted.pop(number, row.digest) != row.digest:
            raise CodedError(LEDGER_BROKEN, f"Row {number} is not the one anchored.", {"row": number})
        previous = row.digest
    if wanted:
        missing = min(wanted)
        message = f"The ledger ends at row {number}; row {missing} was anchored."
        raise CodedError(LEDGER_BROKEN, message, {"row": missing})
    return number


def _row_digest(row: LedgerRow) -> str:
    told = canonical_json([row.number, row.at, row.actor, row.action, row.body, row.previous])
    return hashlib.sha256(told).hexdigest()


def entry_to_json(entry: CatalogueEntry) -> str:
    """An entry's content for storing."""
    return canonical_json(entry_document(entry)).decode()


def entry_from_json(content: str, state: str | None = None) -> CatalogueEntry:
    """An entry from ``entry_to_json``, in another ``state`` if one is given; CatalogueInvalid if it is none."""
    try:
        document = json.loads(content)
    except ValueError as error:
        problem = CatalogueProblem("FORM", "This is not JSON.", "Write the entry as JSON.", Place("content"))
        raise CatalogueInvalid([problem]) from error
    if state is not None:
        document["state"] = state
    problems: list[CatalogueProblem] = []
    entry = read_entry(node_of(document, Place("content")), problems)
    if entry is None:
        raise CatalogueInvalid(problems)
    return entry


def _keep_version(connection: Connection, version: EntryVersion) -> None:
    found = connection.execute(
        "SELECT state, digest FROM version WHERE entry = ? AND number = ?", (version.entry.id, version.number)
    ).fetchone()
    if found and found[0] != EntryState.DRAFT.value and found[1] != version.digest:
        message = f"Version {version.number} of {version.entry.id} is {found[0]}; its content cannot change."
        raise CodedError(STALE_VERSION, message, {"entry": version.entry.id})
    connection.execute(
        "INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entry, number) DO UPDATE SET"
        " state = excluded.state, digest = excluded.digest, content = excluded.content,"
        " trigger_kind = excluded.trigger_kind, trigger_day = excluded.trigger_day,"
        " trigger_document = excluded.trigger_document, submitted_by = excluded.submitted_by,"
        " reasons = excluded.reasons",
        (
            version.entry.id, version.number, version.state.value, version.digest, entry_to_json(version.entry),
            version.trigger.kind.value, version.trigger.day.isoformat(), version.trigger.document,
            version.submitted_by, json.dumps(version.reasons, ensure_ascii=False),
        ),
    )  # fmt: skip


def _version(row: tuple[str, str, str, str, str, str | None, str]) -> EntryVersion:
    content, state, kind, day, document, submitted_by, reasons = row
    trigger = Trigger(TriggerKind(kind), date.fromisoformat(day), document)
    return EntryVersion(entry_from_json(content, state), trigger, submitted_by, tuple(json.loads(reasons)))
