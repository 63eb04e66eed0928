"""What was accepted from levels below: every version, and of each entry the one that serves until another does.

A version that has just arrived is nobody's word yet, so it changes nothing in force. A withdrawal alone takes effect as
it arrives: whoever answers for the data has said that they are not to be served.
"""

from collections.abc import Iterator

from catalog_sync.closed_lists import EntryState
from catalog_sync.database import Connection
from catalog_sync.entries import CatalogueEntry
from catalog_sync.store import entry_from_json, entry_to_json


def keep_accepted(connection: Connection, entry: CatalogueEntry, peer: str) -> None:
    """Notes that a version of a peer's was accepted; it serves from now on, unless it is a withdrawal."""
    stop_serving(connection, entry.id)
    connection.execute(
        "INSERT INTO accepted VALUES (?, ?, ?, ?, ?) ON CONFLICT (entry, number) DO UPDATE SET"
        " peer = excluded.peer, content = excluded.content, serving = excluded.serving",
        (entry.id, entry.version, peer, entry_to_json(entry), int(entry.state is EntryState.RELEASED)),
    )


def stop_serving(connection: Connection, identity: str) -> None:
    """Takes the version of an entry that serves out of force."""
    connection.execute("UPDATE accepted SET serving = 0 WHERE entry = ?", (identity,))


def serving_entries(connection: Connection) -> Iterator[CatalogueEntry]:
    """What serves, by entry."""
    rows = connection.execute("SELECT content FROM accepted WHERE serving = 1 ORDER BY entry").fetchall()
    return (entry_from_json(content) for (content,) in rows)


def accepted_versions(connection: Connection, identity: str) -> tuple[CatalogueEntry, ...]:
    """Every version of an entry that was accepted, oldest first."""
    rows = connection.execute("SELECT content FROM accepted WHERE entry = ? ORDER BY number", (identity,)).fetchall()
    return tuple(entry_from_json(content) for (content,) in rows)
