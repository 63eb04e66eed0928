"""The declared update cycle against the last real update (R17), and where an answer's data come from (R18)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from catalog_sync.closed_lists import Cycle
from catalog_sync.entries import CatalogueEntry

LATEST: Mapping[Cycle, timedelta] = {
    Cycle.REAL_TIME: timedelta(hours=1),
    Cycle.DAILY: timedelta(days=2),
    Cycle.WEEKLY: timedelta(days=8),
    Cycle.MONTHLY: timedelta(days=32),
    Cycle.QUARTERLY: timedelta(days=93),
    Cycle.HALF_YEARLY: timedelta(days=185),
    Cycle.YEARLY: timedelta(days=367),
}
"""How old data may be: the longest such cycle of the calendar and a day's grace; an hour for what is real-time."""

_NOTED: Mapping[str, timedelta] = {
    "小时": timedelta(hours=2),
    "每小时": timedelta(hours=2),
    "旬": timedelta(days=12),
    "每旬": timedelta(days=12),
}


class Freshness(StrEnum):
    """Whether a resource keeps the cycle it declares."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


def longest_age(entry: CatalogueEntry) -> timedelta | None:
    """How old an entry's data may be by its cycle; None where the cycle names no length."""
    return LATEST.get(entry.cycle) or _NOTED.get(entry.cycle_note or "")


def freshness_of(entry: CatalogueEntry, last_update: datetime | None, now: datetime) -> Freshness:
    """Fresh or stale by the entry's cycle; unknown without an update on record, or for a cycle that names no length."""
    longest = longest_age(entry)
    if last_update is None or longest is None:
        return Freshness.UNKNOWN
    return Freshness.FRESH if now - last_update <= longest else Freshness.STALE


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a part of an answer comes from: for ``extensions.provenance``."""

    provider: str
    resource: str
    version: int
    data_time: datetime | None
    freshness: Freshness
    grant: str | None = None

    def as_json(self) -> dict[str, object]:
        """The provenance for an answer; what is not known is left out."""
        told: dict[str, object] = {
            "provider": self.provider,
            "resource": self.resource,
            "version": self.version,
            "freshness": self.freshness.value,
        }
        if self.data_time is not None:
            told["dataTime"] = self.data_time.isoformat()
        if self.grant is not None:
            told["grant"] = self.grant
        return told


def provenance_of(
    entry: CatalogueEntry, last_update: datetime | None, now: datetime, grant: str | None = None
) -> Provenance:
    """The provenance of data read from a resource."""
    freshness = freshness_of(entry, last_update, now)
    return Provenance(entry.provider.name, str(entry.code), entry.version, last_update, freshness, grant)
