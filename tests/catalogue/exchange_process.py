"""One level as a process, to be killed.

``serve LEVEL DATABASE`` prints its port and answers; ``sync LEVEL DATABASE PORT`` runs once towards the level above.

Three levels in a row, each with a database of its own: the department's, the district's and the municipality's.
"""

import asyncio
import sys
from enum import StrEnum

import aiohttp

from catalog_sync.errors import CodedError
from catalog_sync.exchange import Exchange
from catalog_sync.signing import SigningKey
from catalog_sync.upstream import Upstream
from tests.catalogue import levels
from tests.catalogue.http_levels import serving

PART = 700


class Level(StrEnum):
    """A level of the three, from below."""

    DEPARTMENT = "department"
    DISTRICT = "district"
    MUNICIPALITY = "municipality"


DIVISIONS = {Level.DEPARTMENT: levels.DISTRICT, Level.DISTRICT: levels.CITY, Level.MUNICIPALITY: levels.PROVINCE}
ABOVE = {Level.DEPARTMENT: Level.DISTRICT, Level.DISTRICT: Level.MUNICIPALITY}
BELOW = {above: below for below, above in ABOVE.items()}


def use_fixed_keys() -> None:
    """Keys that every process knows."""
    for number, division in enumerate(levels.KEYS, start=1):
        levels.KEYS[division] = SigningKey.from_bytes(f"fixed-{number}", bytes([number]) * 32)


def opened(level: Level, address: str) -> Exchange:
    """A level's exchange over its database."""
    neighbours = [DIVISIONS[each] for each in (BELOW.get(level), ABOVE.get(level)) if each is not None]
    superior = DIVISIONS[ABOVE[level]] if level in ABOVE else None
    return levels.level(DIVISIONS[level], neighbours, superior=superior, path=address)


async def serve(level: Level, address: str) -> None:
    async with serving(opened(level, address)) as port:
        print(port, flush=True)  # noqa: T201 - what the parent reads
        await asyncio.Event().wait()


async def synchronise(level: Level, address: str, port: int) -> None:
    exchange = opened(level, address)
    assert exchange.superior is not None
    async with aiohttp.ClientSession() as session:
        line = f"http://127.0.0.1:{port}"
        await Upstream(exchange, exchange.superior, line, session, lambda: levels.NOW, PART).synchronise()
    exchange.database.close()


def main() -> int:
    use_fixed_keys()
    level, address = Level(sys.argv[2]), sys.argv[3]
    try:
        asyncio.run(serve(level, address) if sys.argv[1] == "serve" else synchronise(level, address, int(sys.argv[4])))
    except CodedError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
