"""What was seen of running subgraphs: the schema they answer with, and when their data last really changed.

Several gateways and workers share one store and each subgraph is to be looked at once in a while by one of them: who
claims a look takes it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog_sync import seen_changes
from catalog_sync.database import Connection
from catalog_sync.entries import CatalogueEntry
from catalog_sync.freshness import Freshness, freshness_of, longest_age
from catalog_sync.in_force import entries_named
from catalog_sync.platform import CataloguePlatform
from catalog_sync.seen_changes import Running, SeenChange, SeenKind


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a running subgraph: digests of its registered and its running schema, and what differs.

    ``running`` is None where it did not answer; ``problem`` then says why.
    """

    subgraph: str
    registered: str
    running: str | None
    changes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def drifted(self) -> bool:
        """Whether it answers with another schema than the registered one."""
        return self.state is Running.DRIFTED

    @property
    def state(self) -> Running:
        """What the running schema is."""
        if self.running is None:
            return Running.UNREACHABLE
        return Running.AS_RELEASED if self.running == self.registered else Running.DRIFTED


class Observations:
    """The looks that gateways took at the subgraphs of one platform."""

    def __init__(self, platform: CataloguePlatform) -> None:
        self._platform = platform
        self._database = platform.database

    def claim(self, subgraph: str, now: datetime, every: timedelta) -> bool:
        """Whether the caller is to look now: nobody has within ``every``."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT at FROM look WHERE subgraph = ?", (subgraph,)).fetchone()
            if row is not None and now - datetime.fromisoformat(row[0]) < every:
                return False
            connection.execute(
                "INSERT INTO look (subgraph, at, seen) VALUES (?, ?, '')"
                " ON CONFLICT (subgraph) DO UPDATE SET at = excluded.at",
                (subgraph, now.isoformat()),
            )
        return True

    def keep(self, look: Look, data_times: Mapping[str, datetime]) -> None:
        """Keeps what a look that was claimed saw, and what changed by it; ``data_times`` are by resource code."""
        seen = json.dumps([look.registered, look.running, look.changes, look.problem], ensure_ascii=False)
        with self._database.transaction() as connection:
            self._note_changes(connection, look, data_times)
            connection.execute("UPDATE look SET seen = ? WHERE subgraph = ?", (seen, look.subgraph))
            connection.executemany(
                "INSERT INTO data_time VALUES (?, ?, ?)"
                " ON CONFLICT (resource) DO UPDATE SET subgraph = excluded.subgraph, at = excluded.at",
                [(resource, look.subgraph, at.isoformat()) for resource, at in sorted(data_times.items())],
            )

    def changes(self, kind: SeenKind, subject: str | None = None) -> tuple[SeenChange, ...]:
        """When a subgraph's schema or a resource's data (or all of them) changed their state, in order."""
        with self._database.reading() as connection:
            return seen_changes.changes(connection, kind, subject)

    def _note_changes(self, connection: Connection, look: Look, data_times: Mapping[str, datetime]) -> None:
        [claimed] = connection.execute("SELECT at FROM look WHERE subgraph = ?", (look.subgraph,)).fetchone()
        now = datetime.fromisoformat(claimed)
        told = look.problem or " ".join(look.changes)
        seen_changes.note(connection, SeenChange(SeenKind.SCHEMA, look.subgraph, now, look.state.value, told))
        rows = connection.execute("SELECT resource, at FROM data_time WHERE subgraph = ?", (look.subgraph,)).fetchall()
        before = {resource: datetime.fromisoformat(at) for resource, at in rows}
        for resource, longest in sorted(self._longest_ages(connection, {*before, *data_times}).items()):
            times = (before.get(resource), data_times.get(resource))
            seen_changes.note_data(connection, resource, longest, times, now)

    def _longest_ages(self, connection: Connection, resources: Collection[str]) -> dict[str, timedelta]:
        """How old the data of resources may be, where their cycle names a length."""
        if not resources:
            return {}
        marks = ", ".join("?" * len(resources))
        ids = connection.execute(
            f"SELECT entry FROM own_code WHERE code IN ({marks})"
            f" UNION SELECT entry FROM held_code WHERE code IN ({marks})",
            (*resources, *resources),
        ).fetchall()
        found = entries_named(self._platform, [identity for (identity,) in ids]).values()
        ages = [(str(code), longest_age(entry)) for entry in found for code in entry.codes]
        return {code: age for code, age in ages if age is not None and code in resources}

    def looks(self) -> tuple[Look, ...]:
        """The last look at each subgraph, by name."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT subgraph, seen FROM look WHERE seen <> '' ORDER BY subgraph").fetchall()
        return tuple(_look(subgraph, seen) for subgraph, seen in rows)

    def data_times(self) -> dict[str, datetime]:
        """When each resource's data last really changed, as its subgraph said."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT resource, at FROM data_time").fetchall()
        return {resource: datetime.fromisoformat(at) for resource, at in rows}


def freshness_by_code(
    entries: Iterable[CatalogueEntry], data_times: Mapping[str, datetime], now: datetime
) -> dict[str, Freshness]:
    """Each entry's freshness by its first code: evidence for the assessment, and what metrics show."""
    return {str(entry.code): freshness_of(entry, data_times.get(str(entry.code)), now) for entry in entries}


def _look(subgraph: str, seen: str) -> Look:
    registered, running, changes, problem = json.loads(seen)
    return Look(subgraph, registered, running, tuple(changes), problem)
