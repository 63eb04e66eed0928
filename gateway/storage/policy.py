"""The PolicyStore port on SQL: versions, head, drafts, matters and the ledger in one database."""

import base64
from collections.abc import Sequence
from datetime import date, datetime
from typing import cast

import msgspec

from gateway.storage.database import Database, Transaction
from policies.call_ceilings import Counted, CountedRead, count_reads
from policies.drafts import Draft
from policies.errors import DRAFT_STALE, CodedError
from policies.ledger import ActFacts, Anchor, LedgerRecord, ReadFacts, RecordKind, next_record
from policies.lines import PolicyVersion, Tokens, time_text
from policies.matters import day_of
from policies.ports import StoredMatter
from policies.versions import SignedVersion


class SqlPolicyStore:
    """See policies.ports.PolicyStore. The tables are made by ``migrations.migrate``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self) -> int | None:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            return await _head(transaction)

    async def live_at(self, moment: datetime) -> int | None:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            query = "SELECT max(number) FROM policy_version WHERE published_at <= $1"
            return cast("int | None", (await transaction.fetch(query, time_text(moment)))[0][0])

    async def version(self, number: int) -> SignedVersion | None:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch(
                "SELECT digest, previous, lines, persons, note, published_at, key_id, signature"
                " FROM policy_version WHERE number = $1",
                number,
            )
        if not rows:
            return None
        digest, previous, lines, persons, note, published_at, key_id, signature = cast("tuple[str, ...]", rows[0])
        content = msgspec.json.decode(lines, type=tuple[Tokens, ...])
        return SignedVersion(
            PolicyVersion(number, content, digest),
            previous,
            msgspec.json.decode(persons, type=tuple[str, ...]),
            note,
            published_at,
            key_id,
            base64.b64decode(signature),
        )

    async def publish(
        self,
        signed: SignedVersion,
        expected_head: int | None,
        act: ActFacts,
        at: datetime,
        draft: Draft | None = None,
        matters: Sequence[StoredMatter] = (),
    ) -> Anchor:
        """See PolicyStore."""
        version = signed.version
        row = (
            version.number,
            version.digest,
            signed.previous,
            _text(version.lines),
            _text(signed.persons),
            signed.note,
            signed.published_at,
            signed.key_id,
            base64.b64encode(signed.signature).decode(),
        )
        async with self._database.write() as transaction:
            head = await _head(transaction)
            if head != expected_head:
                raise CodedError(DRAFT_STALE, f"Version {head} is live, not {expected_head}; nothing was published.")
            await transaction.execute("INSERT INTO policy_version VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", *row)
            await transaction.execute("DELETE FROM policy_head")
            await transaction.execute("INSERT INTO policy_head VALUES (1, $1)", version.number)
            if draft is not None:
                await _save(transaction, "policy_draft", draft.id, draft.revision, _text(draft))
            for matter in matters:
                await _save_matter(transaction, matter)
            return await _append(transaction, at, RecordKind.ACT, [act])

    async def draft(self, identity: str) -> Draft | None:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch("SELECT body FROM policy_draft WHERE id = $1", identity)
        return msgspec.json.decode(cast(str, rows[0][0]), type=Draft) if rows else None

    async def drafts(self) -> list[Draft]:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch("SELECT body FROM policy_draft ORDER BY id")
        return [msgspec.json.decode(cast(str, body), type=Draft) for (body,) in rows]

    async def save_draft(self, draft: Draft, act: ActFacts, at: datetime) -> Anchor:
        """See PolicyStore."""
        async with self._database.write() as transaction:
            await _save(transaction, "policy_draft", draft.id, draft.revision, _text(draft))
            return await _append(transaction, at, RecordKind.ACT, [act])

    async def matter(self, identity: str) -> StoredMatter | None:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch("SELECT id, kind, revision, body FROM policy_matter WHERE id = $1", identity)
        return _matter(rows[0]) if rows else None

    async def matters(self, kind: str) -> list[StoredMatter]:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            query = "SELECT id, kind, revision, body FROM policy_matter WHERE kind = $1 ORDER BY id"
            return [_matter(row) for row in await transaction.fetch(query, kind)]

    async def matters_saved(self, kind: str) -> int:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch("SELECT saves FROM policy_saves WHERE kind = $1", kind)
        return cast(int, rows[0][0]) if rows else 0

    async def save_matter(self, matter: StoredMatter, act: ActFacts, at: datetime) -> Anchor:
        """See PolicyStore."""
        async with self._database.write() as transaction:
            await _save_matter(transaction, matter)
            return await _append(transaction, at, RecordKind.ACT, [act])

    async def record_reads(self, reads: Sequence[ReadFacts], at: datetime) -> Anchor:
        """See PolicyStore."""
        async with self._database.write() as transaction:
            return await _append(transaction, at, RecordKind.READ, reads)

    async def record_calls(self, reads: Sequence[CountedRead], at: datetime) -> Counted:
        """See PolicyStore."""
        day = day_of(at)
        async with self._database.write() as transaction:
            used = await _calls(transaction, day)
            recorded, counted = count_reads(reads, used, day)
            await transaction.execute_many(
                "INSERT INTO policy_calls VALUES ($1, $2, $3) ON CONFLICT (grant_number, day)"
                " DO UPDATE SET calls = excluded.calls",
                [(grant, str(day), calls) for grant, calls in counted.used.items() if calls != used.get(grant)],
            )
            await _append(transaction, at, RecordKind.READ, recorded)
        return counted

    async def calls_used(self, at: datetime) -> dict[str, int]:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            return await _calls(transaction, day_of(at))

    async def records(self, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        """See PolicyStore."""
        async with self._database.read() as transaction:
            rows = await transaction.fetch(
                "SELECT number, at, kind, body, previous, digest FROM policy_ledger"
                " WHERE number > $1 ORDER BY number LIMIT $2",
                after,
                limit,
            )
        return [_record(row) for row in rows]


async def _head(transaction: Transaction) -> int | None:
    rows = await transaction.fetch("SELECT number FROM policy_head")
    return cast(int, rows[0][0]) if rows else None


async def _calls(transaction: Transaction, day: date) -> dict[str, int]:
    rows = await transaction.fetch("SELECT grant_number, calls FROM policy_calls WHERE day = $1", str(day))
    return dict(cast("list[tuple[str, int]]", rows))


async def _save(transaction: Transaction, table: str, identity: str, revision: int, body: str) -> None:
    """Keeps a revision; ``table`` is one of this module's own names."""
    rows = await transaction.fetch(f"SELECT revision FROM {table} WHERE id = $1", identity)
    stored = cast(int, rows[0][0]) if rows else 0
    if revision != stored + 1:
        raise CodedError(DRAFT_STALE, f"{identity} was changed meanwhile: revision {stored} is stored.")
    if rows:
        await transaction.execute(
            f"UPDATE {table} SET revision = $2, body = $3 WHERE id = $1", identity, revision, body
        )
    else:
        await transaction.execute(
            f"INSERT INTO {table} (id, revision, body) VALUES ($1, $2, $3)", identity, revision, body
        )


async def _save_matter(transaction: Transaction, matter: StoredMatter) -> None:
    rows = await transaction.fetch("SELECT revision FROM policy_matter WHERE id = $1", matter.id)
    stored = cast(int, rows[0][0]) if rows else 0
    if matter.revision != stored + 1:
        raise CodedError(DRAFT_STALE, f"{matter.id} was changed meanwhile: revision {stored} is stored.")
    await transaction.execute("DELETE FROM policy_matter WHERE id = $1", matter.id)
    row = (matter.id, matter.kind, matter.revision, matter.body.decode())
    await transaction.execute("INSERT INTO policy_matter VALUES ($1, $2, $3, $4)", *row)
    await transaction.execute(
        "INSERT INTO policy_saves VALUES ($1, 1) ON CONFLICT (kind) DO UPDATE SET saves = policy_saves.saves + 1",
        matter.kind,
    )


async def _append(
    transaction: Transaction, at: datetime, kind: RecordKind, facts: Sequence[ActFacts | ReadFacts]
) -> Anchor:
    rows = await transaction.fetch("SELECT number, digest FROM policy_ledger ORDER BY number DESC LIMIT 1")
    last = Anchor(cast(int, rows[0][0]), cast(str, rows[0][1])) if rows else None
    records = []
    for fact in facts:
        record = next_record(last, at, kind, fact)
        last = Anchor(record.number, record.digest)
        records.append(record)
    await transaction.execute_many(
        "INSERT INTO policy_ledger VALUES ($1, $2, $3, $4, $5, $6)",
        [(r.number, r.at, r.kind.value, bytes(r.body).decode(), r.previous, r.digest) for r in records],
    )
    assert last is not None
    return last


def _record(row: Sequence[object]) -> LedgerRecord:
    number, at, kind, body, previous, digest = row
    return LedgerRecord(
        number=cast(int, number),
        at=cast(str, at),
        kind=RecordKind(cast(str, kind)),
        body=msgspec.Raw(cast(str, body).encode()),
        previous=cast(str, previous),
        digest=cast(str, digest),
    )


def _matter(row: Sequence[object]) -> StoredMatter:
    identity, kind, revision, body = row
    return StoredMatter(cast(str, identity), cast(str, kind), cast(int, revision), cast(str, body).encode())


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
