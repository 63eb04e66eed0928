"""What one level does in a process of its own, to be killed: it answers, or runs once towards the level above.

Three levels in a row, each with a database of its own: the department's, the district's and the municipality's.
"""

import asyncio
import sys
from enum import StrEnum
from multiprocessing.connection import Connection

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


def serve(level: Level, address: str, announced: Connection) -> None:
    """Answers for a level until it is killed; its port is announced."""
    use_fixed_keys()
    asyncio.run(_serve(opened(level, address), announced))


def synchronise(level: Level, address: str, port: int) -> None:
    """One run towards the level above; the process ends with 1 if the line or the other end failed it."""
    use_fixed_keys()
    try:
        asyncio.run(_synchronise(opened(level, address), port))
    except CodedError:
        sys.exit(1)


async def _serve(exchange: Exchange, announced: Connection) -> None:
    async with serving(exchange) as port:
        announced.send(port)
        await asyncio.Event().wait()


async def _synchronise(exchange: Exchange, port: int) -> None:
    assert exchange.superior is not None
    async with aiohttp.ClientSession() as session:
        line = f"http://127.0.0.1:{port}"
        await Upstream(exchange, exchange.superior, line, session, lambda: levels.NOW, PART).synchronise()
    exchange.database.close()
