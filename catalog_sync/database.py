"""The SQLite file of a catalogue: its tables, and transactions that either happened or did not.

Every change is written under ``transaction``, which takes SQLite's write lock at its start, so that what is read
inside cannot change before it is written. WAL with full synchronisation: what was committed survives the process and
the power.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS version (
    entry TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL,
    trigger_kind TEXT NOT NULL, trigger_day TEXT NOT NULL, trigger_document TEXT NOT NULL,
    submitted_by TEXT, reasons TEXT NOT NULL, PRIMARY KEY (entry, number));
CREATE INDEX IF NOT EXISTS version_by_state ON version (state);
CREATE TABLE IF NOT EXISTS own_code (code TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (code, entry));
CREATE TABLE IF NOT EXISTS record (entry TEXT PRIMARY KEY, revision INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS release (
    subgraph TEXT NOT NULL, number INTEGER NOT NULL, provider TEXT NOT NULL, sdl TEXT NOT NULL, address TEXT NOT NULL,
    digest TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (subgraph, number));
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, body TEXT NOT NULL,
    previous TEXT NOT NULL, digest TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS outgoing (
    peer TEXT NOT NULL, sequence INTEGER PRIMARY KEY AUTOINCREMENT, change TEXT NOT NULL, fingerprint TEXT NOT NULL,
    bundle INTEGER, UNIQUE (peer, fingerprint));
CREATE TABLE IF NOT EXISTS sent (
    peer TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, content BLOB NOT NULL, receipt BLOB,
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS taken (
    peer TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, receipt BLOB NOT NULL,
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS waiting (
    peer TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS part (
    peer TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, start INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (peer, number, digest, start));
CREATE TABLE IF NOT EXISTS held (
    entry TEXT PRIMARY KEY, peer TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
    reasons TEXT NOT NULL, content TEXT NOT NULL, trigger_told TEXT NOT NULL, arrived TEXT NOT NULL, due TEXT NOT NULL,
    due_provisional INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS held_code (code TEXT PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decision (
    peer TEXT NOT NULL, entry TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, reasons TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (peer, entry, number));
CREATE TABLE IF NOT EXISTS tightening (entry TEXT PRIMARY KEY, peer TEXT NOT NULL, content TEXT NOT NULL);
"""


class CatalogueDatabase:
    """One SQLite file, or one in memory for tests; used from any thread, one at a time."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=30
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        with self.transaction() as connection:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found > SCHEMA_VERSION:
                raise ValueError(f"{path} was written by a later version of the catalogue (tables {found})")
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is written, or, if it raises, nothing; transactions within one another are one."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()
