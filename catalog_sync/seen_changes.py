"""When a running subgraph left its release or came back to it, and when data went stale or were renewed.

A look shows a state; kept is only what differs from the state before, with the moment at which it began. Data go stale
by the calendar, not by being looked at: their row bears the moment at which the declared cycle had passed, whenever a
gateway looks next. Rows are added and never changed; of each subject the newest thousand stay.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from catalog_sync.database import Connection
from catalog_sync.freshness import Freshness

KEPT = 1_000
"""Changes kept of one subject."""


class SeenKind(StrEnum):
    """What was looked at: a subgraph's schema, or a resource's data."""

    SCHEMA = "schema"
    DATA = "data"


class Running(StrEnum):
    """What a subgraph's running schema is, held against its release."""

    AS_RELEASED = "as released"
    DRIFTED = "drifted"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class SeenChange:
    """From ``at`` on a subject (a subgraph, or a resource's code) was in a state: of Running, or of Freshness."""

    kind: SeenKind
    subject: str
    at: datetime
    state: str
    told: str = ""

    def __str__(self) -> str:
        return f"{self.at.isoformat()[:19]}Z {self.subject} {self.state}{f': {self.told}' if self.told else ''}"


def note(connection: Connection, change: SeenChange) -> None:
    """Keeps a change, unless the subject is in that state already."""
    subject = (change.kind.value, change.subject)
    before = connection.execute(
        "SELECT state FROM seen_change WHERE kind = ? AND subject = ? ORDER BY number DESC LIMIT 1", subject
    ).fetchone()
    if before is not None and before[0] == change.state:
        return
    connection.execute(
        "INSERT INTO seen_change (kind, subject, at, state, told) VALUES (?, ?, ?, ?, ?)",
        (*subject, _stored(change.at), change.state, change.told),
    )
    connection.execute(
        "DELETE FROM seen_change WHERE kind = ? AND subject = ? AND number NOT IN"
        " (SELECT number FROM seen_change WHERE kind = ? AND subject = ? ORDER BY number DESC LIMIT ?)",
        (*subject, *subject, KEPT),
    )


def note_data(
    connection: Connection, resource: str, longest: timedelta, times: tuple[datetime | None, datetime | None],
    now: datetime,
) -> None:  # fmt: skip
    """Keeps what became of a resource's data: ``times`` are their data time at the look before and at this one."""
    before, after = times

    def noted(at: datetime, state: Freshness) -> None:
        note(connection, SeenChange(SeenKind.DATA, resource, at, state.value))

    renewed = after if after is not None and (before is None or after > before) else None
    if before is not None and before + longest < (renewed or now):
        noted(before + longest, Freshness.STALE)
    if renewed is not None:
        noted(renewed, Freshness.FRESH)
        if renewed + longest < now:
            noted(renewed + longest, Freshness.STALE)


def changes(connection: Connection, kind: SeenKind, subject: str | None = None) -> tuple[SeenChange, ...]:
    """The changes of a subject, or of all, as they were kept."""
    rows = connection.execute(
        "SELECT subject, at, state, told FROM seen_change WHERE kind = ?"
        f"{'' if subject is None else ' AND subject = ?'} ORDER BY number",
        (kind.value,) if subject is None else (kind.value, subject),
    ).fetchall()
    return tuple(SeenChange(kind, name, datetime.fromisoformat(at), state, told) for name, at, state, told in rows)


def _stored(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
