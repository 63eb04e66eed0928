"""Cutting the lines between three levels and killing their processes at random bytes, and what must hold afterwards."""

import asyncio
import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

from tests.catalogue.exchange_process import ABOVE, Level, opened, serve, synchronise, use_fixed_keys
from tests.catalogue.http_levels import BreakingLine
from tests.catalogue.three_levels import ThreeLevels

_LONGEST = 2500
"""Bytes that go by before a line breaks, at most: fewer than most runs need."""
_PROCESSES = multiprocessing.get_context("forkserver")
"""A process begins with everything imported: what is killed is what it does, not Python's start."""
_PROCESSES.set_forkserver_preload(["tests.catalogue.exchange_process"])


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
        self._servers: dict[Level, tuple[BaseProcess, int]] = {}

    async def server(self, level: Level) -> tuple[BaseProcess, int]:
        """The process that answers for a level, and its port; started if it does not run."""
        if level not in self._servers or not self._servers[level][0].is_alive():
            announced, announces = _PROCESSES.Pipe(duplex=False)
            process = self._start(serve, level, announces)
            announces.close()
            await _readable(announced.fileno())
            self._servers[level] = process, announced.recv()
            announced.close()
        return self._servers[level]

    def client(self, level: Level, port: int) -> BaseProcess:
        """A run of a level towards the one above."""
        return self._start(synchronise, level, port)

    async def stop(self) -> None:
        """Ends what runs."""
        for process, _ in self._servers.values():
            process.kill()
            await _exit_code(process)

    def _start(self, work: Callable[..., None], level: Level, *more: object) -> BaseProcess:
        process = _PROCESSES.Process(target=work, args=(level, self._addresses[level], *more))
        process.start()
        return process


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
            client = running.client(level, (await running.server(ABOVE[level]))[1])
            assert await _exit_code(client) == 0
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
        client = processes[below] = running.client(below, broken_port)
        acting.act()
        await _exit_code(client)
    if not line.broken:
        report.undisturbed += 1
    elif victim is None or not await _ended_by_a_kill(processes[victim]):
        report.cuts += 1
    else:
        report.kills[victim] += 1


def _kill(victim: BaseProcess | None) -> None:
    """Kills a process that runs; its bytes may break a line before it was noted."""
    if victim is not None:
        victim.kill()


async def _ended_by_a_kill(victim: BaseProcess) -> bool:
    """Whether the process was killed; one whose line broke before it could be is only cut off."""
    with suppress(TimeoutError):
        await asyncio.wait_for(_exit_code(victim), 0.5)
    return victim.exitcode == -signal.SIGKILL


async def _exit_code(process: BaseProcess) -> int | None:
    """How a process ended, when it has."""
    await _readable(process.sentinel)
    return process.exitcode


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
