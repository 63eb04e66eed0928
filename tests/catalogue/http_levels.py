"""An exchange's endpoint on loopback, and a line in front of it that breaks after a number of bytes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import uvicorn
from starlette.applications import Starlette

from catalog_sync.endpoint import exchange_routes
from catalog_sync.exchange import Exchange
from tests.catalogue.levels import NOW


@contextlib.asynccontextmanager
async def serving(exchange: Exchange) -> AsyncIterator[int]:
    """The endpoint of a level; its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=exchange_routes(exchange, lambda: NOW))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        await running
        listening.close()


class BreakingLine:
    """Passes bytes on to a port until ``limit`` of them went by in either direction; then it breaks for good."""

    def __init__(self, port: int, limit: int, when_broken: Callable[[], None] = lambda: None) -> None:
        self._port = port
        self._left = limit
        self._when_broken = when_broken
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def broken(self) -> bool:
        return self._left <= 0

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._break()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken:
            writer.transport.abort()
            return
        try:
            onward, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, back]
        for source, target in ((reader, back), (onward, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                passed = data[: max(self._left, 0)]
                self._left -= len(data)
                target.write(passed)
                await target.drain()
                if self.broken:
                    self._when_broken()
                    self._break()
                    return
        target.close()

    def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
