"""One level as a process, to be killed: ``serve DATABASE`` prints its port, ``sync DATABASE PORT`` runs once."""

import asyncio
import sys
from pathlib import Path

import aiohttp

from catalog_sync.errors import CodedError
from catalog_sync.signing import SigningKey
from catalog_sync.upstream import Upstream
from tests.catalogue import levels
from tests.catalogue.http_levels import serving

PART = 700


def use_fixed_keys() -> None:
    """Keys that every process knows."""
    for number, division in enumerate(levels.KEYS, start=1):
        levels.KEYS[division] = SigningKey.from_bytes(f"fixed-{number}", bytes([number]) * 32)


async def serve(database: Path) -> None:
    city = levels.level(levels.CITY, [levels.DISTRICT], path=database)
    async with serving(city) as port:
        print(port, flush=True)  # noqa: T201 - what the parent reads
        await asyncio.Event().wait()


async def synchronise(database: Path, port: int) -> None:
    district = levels.level(levels.DISTRICT, [levels.CITY], path=database)
    async with aiohttp.ClientSession() as session:
        upstream = Upstream(
            district, levels.name_of(levels.CITY), f"http://127.0.0.1:{port}", session, lambda: levels.NOW, PART
        )  # fmt: skip
        await upstream.synchronise()


def main() -> int:
    use_fixed_keys()
    database = Path(sys.argv[2])
    try:
        asyncio.run(serve(database) if sys.argv[1] == "serve" else synchronise(database, int(sys.argv[3])))
    except CodedError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
