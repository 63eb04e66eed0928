"""Which graphs were served, each as the set of releases it was composed of, and which sets could not be composed.

A graph is named by the digest of its supergraph, and is the same wherever it is composed. So a set of release numbers
is all that returning to it needs: the releases themselves never change.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog_sync.errors import UNKNOWN_RESOURCE, CodedError
from catalog_sync.lifecycle import Side
from catalog_sync.platform import CataloguePlatform
from catalog_sync.registry import Actor

_COLUMNS = "number, digest, releases, at, problems"


@dataclass(frozen=True, slots=True)
class GraphVersion:
    """A set of releases (subgraph to number) that was served at ``at``, or refused for its ``problems``.

    ``digest`` names the graph; it is empty for one that was refused.
    """

    number: int
    digest: str
    releases: Mapping[str, int]
    at: str
    problems: tuple[str, ...] = ()


class GraphHistory:
    """The graphs of one platform, kept beside its releases."""

    def __init__(self, platform: CataloguePlatform) -> None:
        self._platform = platform

    def served(self, digest: str, releases: Mapping[str, int], at: datetime, keep: int) -> None:
        """Notes that a graph is served; said again by another gateway, it is noted once. The last ``keep`` stay."""
        self._note(digest, releases, (), at, keep)

    def refused(self, releases: Mapping[str, int], problems: Sequence[str], at: datetime, keep: int) -> None:
        """Notes that a set of releases cannot be served, and why, for the authors of the releases to see."""
        self._note("", releases, tuple(problems), at, keep)

    def latest(self) -> GraphVersion | None:
        """What was noted last."""
        return next(iter(self.versions(1)), None)

    def versions(self, count: int = 50) -> tuple[GraphVersion, ...]:
        """What was noted, newest first."""
        with self._platform.database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM graph ORDER BY number DESC LIMIT ?", (count,)).fetchall()
        return tuple(_version(row) for row in rows)

    def roll_back(self, digest: str, actor: Actor, at: datetime) -> GraphVersion:
        """Puts every release of an earlier graph back into service, and retires what was not part of it, as one step.

        ``digest`` may be shortened. CodedError UNKNOWN_RESOURCE where no one graph has it.
        """
        with self._platform.database.transaction():
            wanted = self._find(digest)
            releases = self._platform.releases
            live = {release.subgraph: release.number for release in releases.live()}
            platform = Actor(actor.person, actor.department, Side.PLATFORM)
            for subgraph in sorted(live.keys() - wanted.releases.keys()):
                releases.move(subgraph, live[subgraph], "replace", platform, at)
            for subgraph, number in sorted(wanted.releases.items()):
                if live.get(subgraph) != number:
                    releases.move(subgraph, number, "roll back", actor, at)
        return wanted

    def _find(self, digest: str) -> GraphVersion:
        with self._platform.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM graph WHERE digest <> '' AND substr(digest, 1, ?) = ? ORDER BY number DESC",
                (len(digest), digest),
            ).fetchall()
        found = [_version(row) for row in rows]
        if not digest or len({version.digest for version in found}) != 1:
            known = ", ".join(dict.fromkeys(each.digest[:12] for each in self.versions() if each.digest)) or "none"
            why = "has that digest" if not found else "is meant"
            raise CodedError(UNKNOWN_RESOURCE, f"{digest[:12]!r}: no single graph {why}. Kept: {known}.")
        return found[0]

    def _note(
        self, digest: str, releases: Mapping[str, int], problems: tuple[str, ...], at: datetime, keep: int
    ) -> None:
        told = json.dumps(dict(sorted(releases.items())))
        with self._platform.database.transaction() as connection:
            last = self.latest()
            if last is not None and (last.digest, dict(last.releases), last.problems) == (digest, releases, problems):
                return
            number = 1 if last is None else last.number + 1
            row = (number, digest, told, at.isoformat(), json.dumps(problems, ensure_ascii=False))
            connection.execute("INSERT INTO graph VALUES (?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM graph WHERE number <= ?", (number - keep,))


def _version(row: Sequence[Any]) -> GraphVersion:
    number, digest, releases, at, problems = row
    return GraphVersion(number, digest, json.loads(releases), at, tuple(json.loads(problems)))
