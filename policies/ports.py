"""What policy needs of a store. Whatever changes is written together with its ledger record, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from policies.call_ceilings import Counted, CountedRead
from policies.drafts import Draft
from policies.ledger import ActFacts, Anchor, LedgerRecord, ReadFacts
from policies.versions import SignedVersion


@dataclass(frozen=True, slots=True)
class StoredMatter:
    """A matter as the store keeps it: an application, a grant, a doubt. ``body`` is JSON, ``revision`` counts saves."""

    id: str
    kind: str
    revision: int
    body: bytes


class PolicyStore(Protocol):
    """Versions, drafts, matters and the ledger, in one place so that one transaction can hold them all."""

    async def head(self) -> int | None:
        """The number of the live version; None before the first."""

    async def live_at(self, moment: datetime) -> int | None:
        """The number of the version that was live at a moment; None before the first."""

    async def version(self, number: int) -> SignedVersion | None:
        """A published version; None if there is none of that number."""

    async def publish(
        self,
        signed: SignedVersion,
        expected_head: int | None,
        act: ActFacts,
        at: datetime,
        draft: Draft | None = None,
        matters: Sequence[StoredMatter] = (),
    ) -> Anchor:
        """Makes a version live: lines, digest, signature, head, what led to it and the record, in one transaction.

        Raises CodedError DRAFT_STALE when another version went live meanwhile, or draft or matter changed.
        """

    async def draft(self, identity: str) -> Draft | None:
        """A draft; None if there is none of that id."""

    async def drafts(self) -> list[Draft]:
        """All drafts."""

    async def save_draft(self, draft: Draft, act: ActFacts, at: datetime) -> Anchor:
        """Keeps a draft. Raises CodedError DRAFT_STALE unless its revision follows the stored one."""

    async def matter(self, identity: str) -> StoredMatter | None:
        """A matter; None if there is none of that id."""

    async def matters(self, kind: str) -> list[StoredMatter]:
        """All matters of a kind."""

    async def matters_saved(self, kind: str) -> int:
        """How often a matter of a kind was saved: what was read of them holds as long as this does."""

    async def save_matter(self, matter: StoredMatter, act: ActFacts, at: datetime) -> Anchor:
        """Keeps a matter. Raises CodedError DRAFT_STALE unless its revision follows the stored one."""

    async def record_reads(self, reads: Sequence[ReadFacts], at: datetime) -> Anchor:
        """Writes records of operations, in one transaction; once it returns they survive a crash."""

    async def record_calls(self, reads: Sequence[CountedRead], at: datetime) -> Counted:
        """As ``record_reads``, counting in the same transaction what uses a grant with a ceiling.

        What a grant has no call left for is recorded as refused.
        """

    async def calls_used(self, at: datetime) -> Mapping[str, int]:
        """How many operations have used each grant on the day of a moment; those that none has are left out."""

    async def records(self, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        """The ledger's records after a number, in order."""
