"""Cutting the lines between three levels and killing their processes at random bytes, and what must hold afterwards."""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.catalogue.exchange_process import ABOVE, Level, opened, use_fixed_keys
from tests.catalogue.http_levels import BreakingLine
from tests.catalogue.three_levels import ThreeLevels

_LONGEST = 2500
"""Bytes that go by before a line breaks, at most: fewer than most runs need."""


@dataclass
class KillReport:
    """What was done to three levels, and what is not as it should be afterwards."""

    kills: Counter[Level] = field(default_factory=Counter)
    cuts: int = 0
    undisturbed: int = 0
    acts: int = 0
    entries: int = 0
    decisions: int = 0
    views: int = 0
    ledger_rows: int = 0
    differences: tuple[str, ...] = ()


class _Running:
    """The processes of three levels: those above answer, those below call."""

    def __init__(self, addresses: Mapping[Level, str]) -> None:
        self._addresses = addresses
        self._servers: dict[Level, tuple[asyncio.subprocess.Process, int]] = {}

    async def server(self, level: Level) -> tuple[asyncio.subprocess.Process, int]:
        """The process that answers for a level, and its port; started if it does not run."""
        if level not in self._servers or self._servers[level][0].returncode is not None:
            process = await self._spawn("serve", level)
            assert process.stdout is not None
            self._servers[level] = process, int(await process.stdout.readline())
        return self._servers[level]

    async def client(self, level: Level, port: int) -> asyncio.subprocess.Process:
        """A run of a level towards the one above."""
        return await self._spawn("sync", level, port)

    async def stop(self) -> None:
        """Ends what runs."""
        for process, _ in self._servers.values():
            _kill(process)
            await process.wait()

    async def _spawn(self, what: str, level: Level, *more: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.catalogue.exchange_process", what, level, self._addresses[level],
            *map(str, more), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip


async def kill_at_random(
    addresses: Mapping[Level, str], kills: int, *, seed: int, progress: Callable[[int], None] = lambda kills: None
) -> KillReport:
    """Synchronises three levels as processes of their own until ``kills`` of them were killed at a random byte.

    Meanwhile entries are released, decided on and tightened. Lines are cut beside. Then everything may travel.
    """
    use_fixed_keys()
    chance = random.Random(seed)
    report = KillReport()
    exchanges = {level: opened(level, address) for level, address in addresses.items()}
    happening = ThreeLevels(exchanges, chance)
    running = _Running(addresses)
    try:
        while report.kills.total() < kills:
            for _ in range(chance.randrange(3)):
                happening.act()
            await _disturbed_run(running, report, chance, happening)
            progress(report.kills.total())
        for level in (*ABOVE, *ABOVE, *ABOVE):
            client = await running.client(level, (await running.server(ABOVE[level]))[1])
            assert await client.wait() == 0
        report.differences = tuple(happening.differences())
        report.acts, report.entries = happening.acts, len(happening.versions)
        report.decisions = sum(map(len, happening.decided.values()))
        report.views = sum(map(len, happening.tightened.values()))
        report.ledger_rows = happening.ledger_rows()
    finally:
        await running.stop()
        for exchange in exchanges.values():
            exchange.database.close()
    return report


async def _disturbed_run(running: _Running, report: KillReport, chance: random.Random, acting: ThreeLevels) -> None:
    """One run between two levels over a line that breaks; at that byte one of the two is killed, or neither."""
    below = chance.choice(tuple(ABOVE))
    server, port = await running.server(ABOVE[below])
    victim = chance.choice((below, ABOVE[below], below, ABOVE[below], None))
    processes = {ABOVE[below]: server}
    line = BreakingLine(port, chance.randrange(1, _LONGEST), lambda: _kill(processes.get(victim)))
    async with line as broken_port:
        client = processes[below] = await running.client(below, broken_port)
        acting.act()
        await client.wait()
    if not line.broken:
        report.undisturbed += 1
    elif victim is None or not await _ended_by_a_kill(processes[victim]):
        report.cuts += 1
    else:
        report.kills[victim] += 1


def _kill(victim: asyncio.subprocess.Process | None) -> None:
    """Kills a process that runs; its bytes may break a line before it was noted."""
    if victim is not None and victim.returncode is None:
        victim.kill()


async def _ended_by_a_kill(victim: asyncio.subprocess.Process) -> bool:
    """Whether the process was killed; one whose line broke before it could be is only cut off."""
    with suppress(TimeoutError):
        await asyncio.wait_for(victim.wait(), 0.5)
    return victim.returncode == -signal.SIGKILL
