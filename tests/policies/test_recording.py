"""No record, no data: whoever answers waits for the record, and many wait for one transaction."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from policies.errors import CodedError
from policies.ledger import Anchor, Outcome, ReadFacts, verify_chain
from policies.recording import ReadRecorder
from tests.policies.memory_store import memory_store

AT = datetime(2026, 11, 22, tzinfo=UTC)


def facts(number: int) -> ReadFacts:
    return ReadFacts(
        caller=f"app:{number}",
        outcome=Outcome.GRANTED,
        policy_version="1",
        graph_version="1",
        items=("30700503/1.name",),
    )


async def test_every_record_is_safe_when_its_writer_returns() -> None:
    async with memory_store() as store:
        recorder = ReadRecorder(store, lambda: AT)
        await asyncio.gather(*(recorder.record(facts(number)) for number in range(50)))
        records = await store.records()
        assert sorted(str(record.facts()["caller"]) for record in records) == sorted(f"app:{n}" for n in range(50))
        assert verify_chain(records) is not None
        await recorder.close()


class Disk:
    """A store whose transactions end when the test says so."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go_on = asyncio.Event()
        self.full = False

    async def record_reads(self, reads: Sequence[ReadFacts], at: datetime) -> Anchor:
        self.batches.append(len(reads))
        await self.go_on.wait()
        if self.full:
            raise OSError("no space left")
        return Anchor(1, "")


async def test_what_arrives_while_one_transaction_runs_goes_into_the_next() -> None:
    disk = Disk()
    recorder = ReadRecorder(disk, lambda: AT)  # type: ignore[arg-type]
    first = asyncio.create_task(recorder.record(facts(0)))
    while not disk.batches:  # noqa: ASYNC110 - the task needs some turns of the loop, and no time
        await asyncio.sleep(0)
    others = [asyncio.create_task(recorder.record(facts(number))) for number in range(1, 10)]
    await asyncio.sleep(0)
    disk.go_on.set()
    await asyncio.gather(first, *others)
    assert disk.batches == [1, 9]


async def test_a_full_disk_refuses_everyone_who_waits_and_nobody_later_for_good() -> None:
    disk = Disk()
    disk.full = True
    disk.go_on.set()
    recorder = ReadRecorder(disk, lambda: AT)  # type: ignore[arg-type]
    answers = await asyncio.gather(*(recorder.record(facts(n)) for n in range(3)), return_exceptions=True)
    assert [getattr(answer, "code", None) and answer.code.name for answer in answers] == ["LEDGER_UNAVAILABLE"] * 3  # type: ignore[union-attr]
    disk.full = False
    await recorder.record(facts(4))


async def test_a_writer_that_is_cancelled_takes_nobody_with_it() -> None:
    disk = Disk()
    recorder = ReadRecorder(disk, lambda: AT)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(recorder.record(facts(number))) for number in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    disk.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    await tasks[1]
    await recorder.close()


async def test_more_than_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from policies import recording

    monkeypatch.setattr(recording, "MOST_WAITING", 1)
    disk = Disk()
    recorder = ReadRecorder(disk, lambda: AT)  # type: ignore[arg-type]
    waiting = asyncio.create_task(recorder.record(facts(0)))
    await asyncio.sleep(0)
    with pytest.raises(CodedError) as caught:
        await recorder.record(facts(1))
    assert caught.value.code.name == "LEDGER_UNAVAILABLE"
    disk.go_on.set()
    await waiting
