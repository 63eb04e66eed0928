"""Killing either end of a synchronisation at random bytes, and what must hold afterwards."""

import asyncio
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog_sync.exchange import Exchange
from catalog_sync.store import SqlCatalogueStore, verify_ledger
from tests.catalogue import exchange_process, levels
from tests.catalogue.http_levels import BreakingLine
from tests.catalogue.levels import CITY, DISTRICT, NOW, TRIGGER


@dataclass(frozen=True, slots=True)
class KillReport:
    """What was done and what both ends hold: how often each was killed, and the district's and the city's entries."""

    kills_of_city: int
    kills_of_district: int
    offered: tuple[str, ...]
    held: tuple[str, ...]
    outstanding: int
    ledger_rows: int

    @property
    def nothing_lost_or_doubled(self) -> bool:
        """Whether every entry offered is held once, every bundle is receipted, and both ledgers verified."""
        return self.offered == self.held and self.outstanding == 0


async def kill_at_random(directory: Path, kills: int, *, seed: int, entries: int) -> KillReport:
    """Synchronises two levels as processes of their own, killing either ``kills`` times at a random byte.

    Entries are added while it goes on, so that there is always something to send; ``entries`` of them at the start.
    """
    exchange_process.use_fixed_keys()
    chance = random.Random(seed)
    offered = [offer(directory, number) for number in range(1, entries + 1)]
    killed = [0, 0]
    while sum(killed) < kills:
        server, port = await served(directory)
        victims = [server]
        victim = sum(killed) % 2
        line = BreakingLine(port, chance.randrange(1, 3000), lambda: kill(victims[victim:]))  # noqa: B023
        async with line as broken_port:
            client = await spawn("sync", address_of(directory / "district.db"), broken_port)
            victims.append(client)
            await client.wait()
        if line.broken:
            killed[victim] += await ended_by_a_kill(victims[victim])
        else:
            offered.append(offer(directory, len(offered) + 1))
        if server.returncode is None:
            server.kill()
        await server.wait()
    server, port = await served(directory)
    client = await spawn("sync", address_of(directory / "district.db"), port)
    await client.wait()
    server.kill()
    await server.wait()
    district, city = opened(directory)
    rows = sum(verify_ledger(SqlCatalogueStore(each.database).ledger()) for each in (district, city))
    held = tuple(sorted(each.entry.id for each in city.submissions()))
    report = KillReport(
        killed[0], killed[1], tuple(sorted(offered)), held, len(district.outstanding(city.name)), rows
    )  # fmt: skip
    district.database.close()
    city.database.close()
    return report


def kill(victims: list[asyncio.subprocess.Process]) -> None:
    """Kills the first, if it runs: it may not have been noted yet when its first bytes break the line."""
    if victims and victims[0].returncode is None:
        victims[0].kill()


async def ended_by_a_kill(victim: asyncio.subprocess.Process) -> bool:
    """Whether the process was killed; one whose line broke before it could be is only cut off and ends by itself."""
    if victim.returncode is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(victim.wait(), 5)
    return victim.returncode == -signal.SIGKILL


def offer(directory: Path, number: int) -> str:
    """One more entry of the district's, sealed into a bundle of its own."""
    district, city = opened(directory)
    entry = levels.entry(number)
    district.offer(city.name, entry, TRIGGER)
    district.seal(city.name, NOW)
    district.database.close()
    city.database.close()
    return entry.id


def opened(directory: Path) -> tuple[Exchange, Exchange]:
    """Both levels, from their files."""
    district = levels.level(DISTRICT, [CITY], path=directory / "district.db")
    return district, levels.level(CITY, [DISTRICT], path=directory / "city.db")


async def served(directory: Path) -> tuple[asyncio.subprocess.Process, int]:
    """The city's endpoint as a process, and its port."""
    server = await spawn("serve", address_of(directory / "city.db"))
    assert server.stdout is not None
    return server, int(await server.stdout.readline())


async def spawn(*arguments: object) -> asyncio.subprocess.Process:
    """One level as a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.catalogue.exchange_process", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
