"""The ledger in the administration's schema."""

import re
from datetime import datetime

import msgspec
import strawberry
from strawberry.scalars import JSON

from gateway.admin import ledger as desk_steps
from gateway.admin.desk import Info
from gateway.errors import BAD_REQUEST, CodedError
from policies.ledger import Anchor, LedgerRecord, Outcome, ReadQuery, RecordKind
from policies.lines import time_text

strawberry.enum(RecordKind, description="ACT: somebody changed something; READ: asked for data.")
strawberry.enum(Outcome, name="ReadOutcome")
_ANCHOR = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")


@strawberry.type(name="LedgerRecord", description="One record of the chain.")
class Record:
    number: int
    at: str = strawberry.field(description="UTC, ISO 8601.")
    kind: RecordKind
    facts: JSON = strawberry.field(description="Who, what, why; a person stands here as a keyed hash.")
    digest: str
    line: str = strawberry.field(description="The record as a line of an export: kept, it verifies anywhere.")

    @staticmethod
    def of(record: LedgerRecord) -> "Record":
        line = msgspec.json.encode(record).decode()
        return Record(
            number=record.number,
            at=record.at,
            kind=record.kind,
            facts=JSON(record.facts()),
            digest=record.digest,
            line=line,
        )


@strawberry.type
class LedgerPage:
    records: list[Record]
    more: bool = strawberry.field(description="Whether to ask again, after the last number.")


@strawberry.type(description="What a verification of the whole chain found.")
class Verification:
    records: int
    anchor: str | None = strawberry.field(description="`NUMBER:DIGEST` of the last record, to keep elsewhere.")


@strawberry.input(description="Which reads to find. Nothing set: every record.")
class LedgerFilter:
    kind: RecordKind | None = None
    caller: str | None = None
    department: str | None = None
    resource: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> ReadQuery:
        """As the ledger asks it."""
        return ReadQuery(
            self.caller, self.department, None, self.resource, self.outcome, moment(self.since), moment(self.until)
        )


@strawberry.type
class LedgerQueries:
    @strawberry.field(description="Records that fit, in order. The search is recorded itself.")
    async def ledger(
        self, info: Info, why: str, filter: LedgerFilter | None = None, after: int = 0, first: int = 100
    ) -> LedgerPage:
        wanted = filter or LedgerFilter()
        found, more = await desk_steps.search(info.context, wanted.kind, wanted.query(), why, after, first)
        return LedgerPage(records=[Record.of(record) for record in found], more=more)

    @strawberry.field(description="Who read this person's records. The identity is hashed at once and kept nowhere.")
    async def person_reads(
        self, info: Info, identity: str, why: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Record]:
        found = await desk_steps.person_reads(info.context, identity, why, moment(since), moment(until))
        return [Record.of(record) for record in found]

    @strawberry.field(description="Checks that nothing in the chain was changed, left out or put in.")
    async def ledger_verify(self, info: Info, anchors: list[str] | None = None) -> Verification:
        last = await desk_steps.verify(info.context, [_anchor(text) for text in anchors or ()])
        if last is None:
            return Verification(records=0, anchor=None)
        return Verification(records=last.number, anchor=f"{last.number}:{last.digest}")


def moment(value: datetime | None) -> str | None:
    """A moment as records write it. Raises CodedError BAD_REQUEST for one without a zone."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise CodedError(BAD_REQUEST, f"{value.isoformat()} has no time zone; write it as 2026-10-01T00:00:00Z.")
    return time_text(value)


def _anchor(text: str) -> Anchor:
    found = _ANCHOR.fullmatch(text)
    if found is None:
        raise CodedError(BAD_REQUEST, f"`{text[:80]}` is no anchor; one is written NUMBER:DIGEST.")
    return Anchor(int(found[1]), found[2])
