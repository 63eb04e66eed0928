"""Work beside requests goes on: what ends it is told, and it begins anew."""

import asyncio
import logging
from pathlib import Path

import pytest

from gateway import background
from gateway.background import Pause, going_on
from gateway.measuring import Counts, SharedCounts


async def test_work_that_an_error_stops_is_told_of_and_begun_anew(caplog: pytest.LogCaptureFixture) -> None:
    again, begun = asyncio.Event(), 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise ZeroDivisionError
        again.set()
        await asyncio.Event().wait()

    async with going_on("counting", work, pause=0):
        await again.wait()
    assert begun == 2
    [record] = caplog.records
    assert "counting stopped by an error" in record.message
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_work_that_ends_by_itself_is_begun_anew_too(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Semaphore(0)

    async def work() -> None:
        ended.release()

    async with going_on("counting", work, pause=0):
        for _ in range(3):
            await ended.acquire()
    assert "counting ended by itself" in caplog.records[0].message


async def test_work_is_cancelled_and_waited_for_at_the_end() -> None:
    running, tidied = asyncio.Event(), False

    async def work() -> None:
        nonlocal tidied
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied = True

    async with going_on("counting", work):
        await running.wait()
    assert tidied


async def test_pauses_before_work_begins_anew_double_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            enough.set()
            await asyncio.Event().wait()

    async def work() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(background.asyncio, "sleep", pause)
    async with going_on("counting", work):
        await enough.wait()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_pause_ends_early_where_somebody_asked_even_before_it_began() -> None:
    pause = Pause()
    assert not await pause.wait(0)
    waiting = asyncio.create_task(pause.wait(3600))
    await asyncio.sleep(0)
    pause.end()
    assert await waiting
    pause.end()
    assert await pause.wait(3600)
    assert not await pause.wait(0), "asked once"


async def test_counts_are_written_down_again_once_a_folder_that_was_gone_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.ERROR)
    folder, written = tmp_path / "counts", asyncio.Event()
    counts, loop = SharedCounts(Counts(), folder), asyncio.get_running_loop()
    flush = counts.flush

    def flush_and_tell() -> None:
        try:
            flush()
        except OSError:
            folder.mkdir()
            raise
        loop.call_soon_threadsafe(written.set)

    monkeypatch.setattr(counts, "flush", flush_and_tell)
    async with going_on("writing down the counts", counts.keep_flushed, pause=0):
        await written.wait()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [FileNotFoundError]
    assert [file.suffix for file in folder.iterdir()] == [""]
