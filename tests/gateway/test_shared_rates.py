"""A rate is one rate, however many workers there are, and after one of them died."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from tests.gateway.test_commands import SUPERGRAPH

BURST = 5
SETTINGS = f"[limits]\nanonymous_rate = 0.001\nanonymous_burst = {BURST}\n"


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    (folder / "supergraph.graphql").write_text(SUPERGRAPH)
    (folder / "gateway.toml").write_text(SETTINGS)
    arguments = ("--open", "--supergraph", "supergraph.graphql", "--config", "gateway.toml", "--port", "0")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", *arguments, "--workers", "3",
        cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while (line := (await process.stderr.readline()).decode()).startswith("Watersmeet answers at ") is False:
                assert line, "the server ended"
        yield process, line.split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


async def status_of(address: str) -> int:
    """The status of one request on a connection of its own, which any worker may take."""
    async with aiohttp.ClientSession() as session, session.post(address, json={"query": "{ __typename }"}) as response:
        return response.status


async def test_workers_let_through_together_what_one_would(tmp_path: Path) -> None:
    async with served(tmp_path) as (process, address):
        statuses = [await status_of(address) for _ in range(4 * BURST)]
        assert statuses == [200] * BURST + [429] * 3 * BURST
        for worker in psutil.Process(process.pid).children():
            if "resource_tracker" not in " ".join(worker.cmdline()):
                worker.kill()
        assert {await status_of(address) for _ in range(4)} == {429}
