"""What was seen of running subgraphs: the schema they answer with, and when their data last really changed.

Several gateways and workers share one store and each subgraph is to be looked at once in a while by one of them: who
claims a look takes it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog_sync.entries import CatalogueEntry
from catalog_sync.freshness import Freshness, freshness_of
from catalog_sync.platform import CataloguePlatform


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
        return self.running is not None and self.running != self.registered


class Observations:
    """The looks that gateways took at the subgraphs of one platform."""

    def __init__(self, platform: CataloguePlatform) -> None:
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
        """Keeps what a look saw; ``data_times`` are by resource code."""
        seen = json.dumps([look.registered, look.running, look.changes, look.problem], ensure_ascii=False)
        with self._database.transaction() as connection:
            connection.execute("UPDATE look SET seen = ? WHERE subgraph = ?", (seen, look.subgraph))
            for resource, at in sorted(data_times.items()):
                connection.execute(
                    "INSERT INTO data_time VALUES (?, ?, ?)"
                    " ON CONFLICT (resource) DO UPDATE SET subgraph = excluded.subgraph, at = excluded.at",
                    (resource, look.subgraph, at.isoformat()),
                )

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
