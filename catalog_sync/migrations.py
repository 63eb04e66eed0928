"""The catalogue's tables, step by step. A step once released is never changed; a new one follows it.

``{text}``, ``{bytes}``, ``{number}`` and ``{sequence}`` are the engine's own names of the types.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that makes or changes a table; ``engine`` names the one it is for, empty for both."""

    sql: str
    engine: str = ""


_RECORDS = """
CREATE TABLE IF NOT EXISTS version (
    entry {text} NOT NULL, number {number} NOT NULL, state {text} NOT NULL, digest {text} NOT NULL,
    content {text} NOT NULL, trigger_kind {text} NOT NULL, trigger_day {text} NOT NULL,
    trigger_document {text} NOT NULL, submitted_by {text}, reasons {text} NOT NULL, PRIMARY KEY (entry, number));
CREATE INDEX IF NOT EXISTS version_by_state ON version (state);
CREATE TABLE IF NOT EXISTS own_code (code {text} NOT NULL, entry {text} NOT NULL, PRIMARY KEY (code, entry));
CREATE INDEX IF NOT EXISTS own_code_by_entry ON own_code (entry);
CREATE TABLE IF NOT EXISTS record (entry {text} PRIMARY KEY, revision {number} NOT NULL);
CREATE TABLE IF NOT EXISTS release (
    subgraph {text} NOT NULL, number {number} NOT NULL, provider {text} NOT NULL, sdl {text} NOT NULL,
    address {text} NOT NULL, digest {text} NOT NULL, state {text} NOT NULL, PRIMARY KEY (subgraph, number));
CREATE TABLE IF NOT EXISTS ledger (
    number {number} PRIMARY KEY, at {text} NOT NULL, actor {text} NOT NULL, action {text} NOT NULL,
    body {text} NOT NULL, previous {text} NOT NULL, digest {text} NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS outgoing (
    sequence {sequence}, peer {text} NOT NULL, change {text} NOT NULL, fingerprint {text} NOT NULL,
    bundle {number}, UNIQUE (peer, fingerprint));
CREATE TABLE IF NOT EXISTS sent (
    peer {text} NOT NULL, number {number} NOT NULL, digest {text} NOT NULL, content {bytes} NOT NULL, receipt {bytes},
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS taken (
    peer {text} NOT NULL, number {number} NOT NULL, digest {text} NOT NULL, receipt {bytes} NOT NULL,
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS waiting (
    peer {text} NOT NULL, number {number} NOT NULL, digest {text} NOT NULL, content {bytes} NOT NULL,
    PRIMARY KEY (peer, number));
CREATE TABLE IF NOT EXISTS part (
    peer {text} NOT NULL, number {number} NOT NULL, digest {text} NOT NULL, start {number} NOT NULL,
    content {bytes} NOT NULL, PRIMARY KEY (peer, number, digest, start));
CREATE TABLE IF NOT EXISTS held (
    entry {text} PRIMARY KEY, peer {text} NOT NULL, number {number} NOT NULL, digest {text} NOT NULL,
    state {text} NOT NULL, reasons {text} NOT NULL, content {text} NOT NULL, trigger_told {text} NOT NULL,
    arrived {text} NOT NULL, due {text} NOT NULL, due_provisional {number} NOT NULL);
CREATE TABLE IF NOT EXISTS held_code (code {text} PRIMARY KEY, entry {text} NOT NULL);
CREATE INDEX IF NOT EXISTS held_code_by_entry ON held_code (entry);
CREATE TABLE IF NOT EXISTS decision (
    peer {text} NOT NULL, entry {text} NOT NULL, number {number} NOT NULL, state {text} NOT NULL,
    reasons {text} NOT NULL, at {text} NOT NULL, PRIMARY KEY (peer, entry, number));
CREATE TABLE IF NOT EXISTS tightening (entry {text} PRIMARY KEY, peer {text} NOT NULL, content {text} NOT NULL);
"""

_SERVED_AND_SEEN = """
CREATE TABLE IF NOT EXISTS graph (
    number {number} PRIMARY KEY, digest {text} NOT NULL, releases {text} NOT NULL, at {text} NOT NULL,
    problems {text} NOT NULL);
CREATE TABLE IF NOT EXISTS look (subgraph {text} PRIMARY KEY, at {text} NOT NULL, seen {text} NOT NULL);
CREATE TABLE IF NOT EXISTS data_time (resource {text} PRIMARY KEY, subgraph {text} NOT NULL, at {text} NOT NULL);
"""


_ACCEPTED = """
CREATE TABLE IF NOT EXISTS accepted (
    entry {text} NOT NULL, number {number} NOT NULL, peer {text} NOT NULL, content {text} NOT NULL,
    serving {number} NOT NULL, PRIMARY KEY (entry, number));
INSERT INTO accepted SELECT entry, number, peer, content, 1 FROM held WHERE state = 'accepted';
"""
"""What was accepted from below serves on while its next version waits for a decision."""


_SEARCH = """
CREATE TABLE search_entry (
    place {number} PRIMARY KEY, entry {text} NOT NULL UNIQUE, provider_name {text} NOT NULL,
    credit_code {text} NOT NULL, sharing {text} NOT NULL, opening {text} NOT NULL, texts {text} NOT NULL);
CREATE TABLE search_item (
    place {number} PRIMARY KEY, entry {text} NOT NULL, number {number} NOT NULL, name {text} NOT NULL,
    alias {text} NOT NULL, tier {number} NOT NULL, referred {number} NOT NULL);
CREATE INDEX search_item_by_entry ON search_item (entry);
CREATE INDEX search_item_by_name ON search_item (name);
CREATE INDEX search_item_by_alias ON search_item (alias);
CREATE TABLE search_through (number {number} PRIMARY KEY);
"""
_SEARCH_OF_SQLITE = """
CREATE VIRTUAL TABLE search_words USING fts5(title, items, provider, abstract, codes, detail=column);
INSERT INTO search_words (search_words, rank) VALUES ('rank', 'bm25(10.0, 6.0, 4.0, 2.0, 8.0)');
CREATE VIRTUAL TABLE search_item_words USING fts5(name, detail=none);
"""
_SEARCH_OF_POSTGRESQL = """
ALTER TABLE search_entry ADD COLUMN words tsvector NOT NULL;
CREATE INDEX search_entry_by_word ON search_entry USING gin (words);
ALTER TABLE search_item ADD COLUMN words tsvector NOT NULL;
CREATE INDEX search_item_by_word ON search_item USING gin (words);
"""

_SEEN_CHANGES = """
CREATE TABLE seen_change (
    number {sequence}, kind {text} NOT NULL, subject {text} NOT NULL, at {text} NOT NULL, state {text} NOT NULL,
    told {text} NOT NULL);
CREATE INDEX seen_change_by_subject ON seen_change (kind, subject, number);
"""

_SEARCH_ANEW = "DELETE FROM search_through"
"""PostgreSQL's words stand behind letters of their fields since: who searches next makes the index anew."""

_LEDGER_OF_AN_ENTRY = "CREATE INDEX ledger_by_entry ON ledger (({named_entry}))"


def _each(script: str, engine: str = "") -> tuple[Statement, ...]:
    return tuple(Statement(sql.strip(), engine) for sql in script.split(";") if sql.strip())


STEPS: tuple[tuple[Statement, ...], ...] = (
    _each(_RECORDS),
    _each(_SERVED_AND_SEEN),
    _each(_ACCEPTED),
    (
        *_each(_SEARCH),
        *_each(_SEARCH_OF_SQLITE, "sqlite"),
        *_each(_SEARCH_OF_POSTGRESQL, "postgresql"),
    ),
    _each(_SEEN_CHANGES),
    _each(_SEARCH_ANEW, "postgresql"),
    _each(_LEDGER_OF_AN_ENTRY),
)
