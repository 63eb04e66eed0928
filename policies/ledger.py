"""What happened, in a chain that nobody can rewrite unseen.

Every administrative act and every operation that reached authorization is one record; its digest covers the digest of
the record before. Whoever holds any later digest (an *anchor*: printed, mailed, given to the auditor) can prove that
nothing before it was changed, without trusting the operator. Records hold no personal value: a person is a keyed hash,
so the person's own record stays findable for who has the key and the number, and for nobody else (R56-R58).
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from policies.errors import LEDGER_ALTERED, CodedError
from policies.lines import time_text

START = "0" * 64


class RecordKind(StrEnum):
    """What a record is about."""

    ACT = "act"
    READ = "read"


class Outcome(StrEnum):
    """How an operation ended that reached authorization."""

    GRANTED = "granted"
    REFUSED = "refused"
    FAILED = "failed"


class ItemUse(StrEnum):
    """What an operation did with an item: told or verified it, went where it refers to, chose, ordered, wrote by it."""

    READ = "read"
    VERIFY = "verify"
    FOLLOW = "follow"
    FILTER = "filter"
    SORT = "sort"
    GROUP = "group"
    WRITE = "write"


class LedgerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record. ``digest`` is SHA-256 over all else; ``previous`` is the digest of the record before."""

    number: int
    at: str
    kind: RecordKind
    body: msgspec.Raw
    previous: str
    digest: str

    def facts(self) -> dict[str, object]:
        """The body as plain values."""
        facts: dict[str, object] = msgspec.json.decode(self.body)
        return facts


class ReadFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a record of kind READ: who asked for what, on which ground, with which outcome.

    ``items`` are those selected or chosen by; ``uses`` says, aligned, what was done with each (``filter+read``), and is
    empty where all were read, as in records of before uses were kept. ``persons`` are keyed hashes of whose records
    were touched.
    """

    caller: str
    outcome: Outcome
    policy_version: str
    graph_version: str
    items: tuple[str, ...]
    department: str | None = None
    zone: str | None = None
    purpose: str | None = None
    case_number: str | None = None
    officer: str | None = None
    rules: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    operation: str | None = None
    request_id: str | None = None
    reason: str | None = None
    uses: tuple[str, ...] = ()

    def item_uses(self) -> Iterator[tuple[str, tuple[ItemUse, ...]]]:
        """Each item with what was done with it."""
        for index, item in enumerate(self.items):
            words = self.uses[index] if index < len(self.uses) else ItemUse.READ.value
            yield item, tuple(ItemUse(word) for word in words.split("+"))


def uses_of(told: Iterable[tuple[str, ItemUse]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Items in order, and their uses as ``ReadFacts`` holds them."""
    by_item: dict[str, set[str]] = {}
    for item, use in told:
        by_item.setdefault(item, set()).add(use.value)
    items = tuple(sorted(by_item))
    uses = tuple("+".join(sorted(by_item[item])) for item in items)
    return items, uses if set(uses) - {ItemUse.READ.value} else ()


class ActFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a record of kind ACT: who changed what, from what to what, why and on which basis.

    ``unproved`` says by whose hand it was written where ``person`` was only named (``by LOGIN on MACHINE``); None where
    a credential proved who it was.
    """

    person: str
    act: str
    about: str
    department: str | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    basis: str | None = None
    unproved: str | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of the chain that is known from elsewhere."""

    number: int
    digest: str


def next_record(previous: Anchor | None, at: datetime, kind: RecordKind, facts: ReadFacts | ActFacts) -> LedgerRecord:
    """The record that follows ``previous`` (None: the first)."""
    number = previous.number + 1 if previous else 1
    before = previous.digest if previous else START
    body = msgspec.json.encode(facts, order="deterministic")
    moment = time_text(at)
    digest = _digest(number, moment, kind, body, before)
    return LedgerRecord(number=number, at=moment, kind=kind, body=msgspec.Raw(body), previous=before, digest=digest)


def verify_chain(
    records: Iterable[LedgerRecord], anchors: Iterable[Anchor] = (), after: Anchor | None = None
) -> Anchor | None:
    """Checks records in order from the first (or from the one after ``after``); gives the last one's anchor.

    Raises CodedError LEDGER_ALTERED naming the first number that does not fit, or an anchor that the chain lacks.
    """
    expected = {anchor.number: anchor.digest for anchor in anchors}
    last = after
    for record in records:
        number = last.number + 1 if last else 1
        before = last.digest if last else START
        digest = _digest(record.number, record.at, record.kind, bytes(record.body), record.previous)
        fits = record.number == number and record.previous == before and record.digest == digest
        if not fits or expected.pop(number, digest) != digest:
            raise CodedError(LEDGER_ALTERED, f"The ledger was altered at record {number}.", {"number": number})
        last = Anchor(number, digest)
    missing = sorted(number for number in expected if after is None or number > after.number)
    if missing:
        raise CodedError(LEDGER_ALTERED, f"The ledger ends before record {missing[0]}, which was anchored.")
    return last


def export_chain(records: Iterable[LedgerRecord]) -> Iterator[bytes]:
    """The records as lines of JSON, for keeping and verifying elsewhere."""
    for record in records:
        yield msgspec.json.encode(record) + b"\n"


def import_chain(lines: Iterable[bytes]) -> Iterator[LedgerRecord]:
    """Reads what ``export_chain`` wrote. Raises CodedError LEDGER_ALTERED at a line that is no record."""
    decoder = msgspec.json.Decoder(LedgerRecord)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise CodedError(LEDGER_ALTERED, f"Line {number} is no record: {error}.") from None


def person_hash(key: bytes, identity: str) -> str:
    """How a person stands in the ledger: a keyed hash of the identity number, in hexadecimal."""
    return hmac.digest(key, identity.strip().upper().encode(), "sha256").hex()[:32]


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """Which reads to find; None asks for nothing. ``since`` is included, ``until`` is not."""

    caller: str | None = None
    department: str | None = None
    person: str | None = None
    resource: str | None = None
    outcome: Outcome | None = None
    since: str | None = None
    until: str | None = None

    def matches(self, record: LedgerRecord) -> bool:
        """Whether the query finds the record."""
        if record.kind is not RecordKind.READ or not (self.since or "") <= record.at < (self.until or "A"):
            return False
        facts = msgspec.json.decode(record.body, type=ReadFacts)
        prefix = f"{self.resource}."
        return (
            self.caller in (None, facts.caller)
            and self.department in (None, facts.department)
            and self.outcome in (None, facts.outcome)
            and (self.person is None or self.person in facts.persons)
            and (self.resource is None or any(item.startswith(prefix) for item in facts.items))
        )


def _digest(number: int, at: str, kind: RecordKind, body: bytes, previous: str) -> str:
    content = b"\n".join((str(number).encode(), at.encode(), kind.value.encode(), previous.encode(), body))
    return hashlib.sha256(content).hexdigest()
