"""What the catalogue needs of a store: records with their versions, and a ledger that nobody can rewrite unseen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from catalog_sync.closed_lists import EntryState
from catalog_sync.entries import CatalogueEntry
from catalog_sync.registry import Actor, EntryRecord


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One administrative act: who did what to which entry, chained by digest to the act before.

    ``digest`` is SHA-256 over the row's other values, ``previous`` the digest of the row before (64 zeros at first).
    """

    number: int
    at: str
    actor: str
    action: str
    body: Mapping[str, object]
    previous: str
    digest: str


class CatalogueStore(Protocol):
    """Where the registry keeps its records."""

    def record(self, identity: str) -> EntryRecord | None:
        """The record of an entry, None if there is none."""

    def save(
        self, record: EntryRecord, action: str, actor: Actor, at: datetime, told: Mapping[str, object] | None = None
    ) -> None:
        """Keeps a record and its ledger row in one transaction; CodedError STALE_VERSION if it changed meanwhile.

        ``told`` is what the row says beside the step: what was acknowledged, for instance.
        """

    def released(self) -> Iterator[CatalogueEntry]:
        """Every version in force."""

    def newest(self, *states: EntryState) -> Iterator[CatalogueEntry]:
        """The newest version of every entry, or of those where it is in one of the states."""

    def ledger(self, after: int = 0) -> Iterator[LedgerRow]:
        """The ledger's rows after a number."""

    def ledger_of(self, entry: str) -> Iterator[LedgerRow]:
        """The ledger's rows that tell of an entry, the oldest first."""
