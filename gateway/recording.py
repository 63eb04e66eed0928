"""Every operation that reached authorization, in the ledger: no record, no conditional data.

Records are written in batches, one transaction each, so that many requests share the wait for the disk. An answer that
holds anything beyond the open and unconditional tiers waits until its record is safe; one that holds nothing of the
kind does not, unless records pile up. Invariants: what was answered under a grant, or about a person, is in the ledger;
no more answers of a day rest on a grant than its ceiling allows.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from gateway.errors import CodedError, ErrorCode, ErrorReport, Family
from gateway.planning.operation import OperationKind
from gateway.preparation import Prepared
from policies.call_ceilings import Counted, CountedRead, seconds_left
from policies.callers import Caller
from policies.errors import GRANT_USED_UP
from policies.ledger import ItemUse, Outcome, ReadFacts, person_hash
from policies.matters import day_of
from policies.ports import PolicyStore
from policies.wording import say

LEDGER_UNAVAILABLE = ErrorCode(
    "LEDGER_UNAVAILABLE", Family.GATEWAY,
    "The record of the operation could not be written, so what needs one is not answered.",
    "Ask again; the operator must see to the store: its disk, its rights, its connection.", 503,
)  # fmt: skip

BATCH = 1_000
PILE = 10_000

_log = logging.getLogger("watersmeet.ledger")


class OperationLedger:
    """Writes records of operations to the store. ``person_key`` is the secret under which persons are hashed."""

    def __init__(self, store: PolicyStore, person_key: bytes) -> None:
        self._store = store
        self._person_key = person_key
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[CountedRead, asyncio.Future[None] | None]] = []
        self._used = Counted(date.min, {}, {})
        self._wake: asyncio.Future[None] = self._loop.create_future()
        self._closed = False
        self._writing = asyncio.create_task(self._write())

    async def granted(
        self,
        caller: Caller,
        prepared: Prepared,
        values: Mapping[str, object],
        versions: tuple[str, str],
        request_id: str,
        *,
        failed: bool,
    ) -> None:
        """Records an operation that was executed with ``values``; ``versions`` are those of policy and graph.

        Raises CodedError LEDGER_UNAVAILABLE where the answer must not be given without a record, and GRANT_USED_UP
        where it would be one more than a grant allows for a day.
        """
        standing = prepared.standing
        facts = _facts(
            caller,
            Outcome.FAILED if failed else Outcome.GRANTED,
            versions,
            request_id,
            prepared.items,
            prepared.uses,
            rules=standing.rules,
            grants=standing.grants,
            persons=tuple([person_hash(self._person_key, value) for value in _texts(prepared.persons, values)]),
        )
        read = CountedRead(facts, standing.ceilings, prepared.kind is OperationKind.MUTATION)
        if (written := self._keep(read, safely=standing.needs_record)) is not None:
            await written

    def demand_calls_left(self, caller: Caller, prepared: Prepared, versions: tuple[str, str], request_id: str) -> None:
        """Before an operation is executed: that no grant which it uses is known to have no call left.

        What other processes count shows at the next look, or when a record is written. Raises CodedError GRANT_USED_UP,
        with a record of it.
        """
        for grant, most in prepared.standing.ceilings:
            if self.calls_today(grant) >= most:
                asked = (prepared.items, prepared.uses)
                facts = _facts(
                    caller, Outcome.REFUSED, versions, request_id, *asked, reason=f"{GRANT_USED_UP.name} {grant}"
                )
                self._keep(CountedRead(facts), safely=False)
                raise _used_up(grant, most, datetime.now(UTC))

    async def look(self) -> None:
        """Learns what all processes have counted today, so that what is used up is refused before it is executed."""
        now = datetime.now(UTC)
        self._count(Counted(day_of(now), await self._store.calls_used(now), {}))

    def calls_today(self, grant: str) -> int:
        """How many operations of this day are known to have used a grant."""
        return self._used.used.get(grant, 0) if self._used.day == day_of(datetime.now(UTC)) else 0

    async def refused(
        self, caller: Caller, reports: Iterable[ErrorReport], versions: tuple[str, str], request_id: str
    ) -> None:
        """Records an operation that was refused. Never raises: the refusal stands whether or not it is written."""
        asked = [pair for report in reports for pair in _refused_items(report)]
        items, uses = tuple(item for item, _ in asked), tuple(use for _, use in asked)
        told = uses if set(uses) - {ItemUse.READ.value} else ()
        facts = _facts(caller, Outcome.REFUSED, versions, request_id, items, told)
        if (written := self._keep(CountedRead(facts), safely=False)) is not None:
            await written

    async def close(self) -> None:
        """Writes what waits, then stops."""
        self._closed = True
        self._wake_up()
        await self._writing

    def _keep(self, read: CountedRead, *, safely: bool) -> asyncio.Future[None] | None:
        """Has a read written; gives what to wait for, None where the answer need not wait."""
        written = None
        if safely or len(self._waiting) >= PILE:
            written = self._loop.create_future()
        self._waiting.append((read, written))
        self._wake_up()
        return written

    def _wake_up(self) -> None:
        if not self._wake.done():
            self._wake.set_result(None)

    async def _write(self) -> None:
        while not (self._closed and not self._waiting):
            if not self._waiting:
                self._wake = self._loop.create_future()
                await self._wake
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if batch:
                await self._write_batch(batch)

    async def _write_batch(self, batch: list[tuple[CountedRead, asyncio.Future[None] | None]]) -> None:
        refusal: CodedError | None = None
        full: Mapping[int, str] = {}
        now = datetime.now(UTC)
        try:
            if any(read.ceilings for read, _ in batch):
                self._count(await self._store.record_calls([read for read, _ in batch], now))
                full = self._used.refused
            else:
                await self._store.record_reads([read.facts for read, _ in batch], now)
        except Exception as error:  # noqa: BLE001 - any that were let through would end the writing, and every later
            # operation would wait for ever: those who wait for this batch are told, the log says what was unforeseen.
            unforeseen = not isinstance(error, (OSError, TimeoutError, CodedError))
            _log.error("%d records could not be written: %s", len(batch), type(error).__name__, exc_info=unforeseen)
            refusal = CodedError(LEDGER_UNAVAILABLE, say("LEDGER_UNAVAILABLE"))
        for place, (read, written) in enumerate(batch):
            if written is None or written.done():
                continue
            if refusal is not None:
                written.set_exception(refusal)
            elif place in full:
                written.set_exception(_used_up(full[place], dict(read.ceilings)[full[place]], now))
            else:
                written.set_result(None)

    def _count(self, counted: Counted) -> None:
        """Remembers what is used; within a day it only grows, whichever of two answers of the store comes first."""
        before = self._used.used if counted.day == self._used.day else {}
        used = {grant: max(calls, before.get(grant, 0)) for grant, calls in counted.used.items()}
        self._used = replace(counted, used={**before, **used})


def _used_up(grant: str, most: int, now: datetime) -> CodedError:
    details = {"grant": grant, "limit": most, "retryAfter": seconds_left(now)}
    return CodedError(GRANT_USED_UP, say("GRANT_USED_UP", grant=grant, most=most), details)


def _refused_items(report: ErrorReport) -> Iterable[tuple[str, str]]:
    """The items that a report refuses, each with what would have been done with it."""
    items, uses = report.extensions.get("items"), report.extensions.get("uses")
    if isinstance(items, list):
        for index, item in enumerate(items):
            yield (
                f"{report.extensions['resource']}.{item}",
                uses[index] if isinstance(uses, list) else ItemUse.READ.value,
            )


def _texts(names: Iterable[str], values: Mapping[str, object]) -> Iterable[str]:
    for name in names:
        value = values.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str | int) and not isinstance(one, bool):
                yield str(one)


def _facts(
    caller: Caller,
    outcome: Outcome,
    versions: tuple[str, str],
    request_id: str,
    items: tuple[str, ...],
    uses: tuple[str, ...],
    *,
    rules: tuple[str, ...] = (),
    grants: tuple[str, ...] = (),
    persons: tuple[str, ...] = (),
    reason: str | None = None,
) -> ReadFacts:
    return ReadFacts(
        caller=caller.subject,
        outcome=outcome,
        policy_version=versions[0],
        graph_version=versions[1],
        items=items,
        uses=uses,
        department=caller.department,
        zone=caller.zone,
        purpose=caller.purpose,
        case_number=caller.case_number,
        officer=caller.officer,
        rules=rules,
        grants=grants,
        persons=persons,
        request_id=request_id,
        reason=reason,
    )
