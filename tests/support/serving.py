"""Any ASGI application on a loopback port of its own, for tests that speak real HTTP to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(application: Any, *, sockets: bool = False) -> AsyncIterator[str]:
    """Serves ``application`` inside this event loop; gives the address, such as ``http://127.0.0.1:40123``.

    With ``sockets`` it answers WebSockets too.
    """
    protocol: Any = "websockets-sansio" if sockets else "none"
    config = uvicorn.Config(application, port=0, log_level="critical", ws=protocol, lifespan="auto")
    server = _Server(config)
    running = asyncio.create_task(server.serve())
    ready = asyncio.create_task(server.listening.wait())
    await asyncio.wait((running, ready), return_when="FIRST_COMPLETED")
    if running.done():
        ready.cancel()
        await running
        raise RuntimeError("the application did not start")
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves the signals of the test runner alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    def install_signal_handlers(self) -> None:
        """Nothing: the test ends the server."""

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets)
        self.listening.set()
