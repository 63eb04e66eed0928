"""Servers that are part of something larger: a department's own, and small ones beside it on the loopback address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import uvicorn
from starlette.types import ASGIApp


class UnsignalledServer(uvicorn.Server):
    """A server that leaves signals alone: whoever runs it sets ``should_exit``.

    uvicorn's own way raises the signal again once it has stopped, and so ends the process before stores are closed.
    ``started_event`` is set once requests are accepted.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_keep_alive=75,
                timeout_graceful_shutdown=5,
            )
        )
        self.started_event = asyncio.Event()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Captures none."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self.started_event.set()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """``http://127.0.0.1:PORT`` for as long as the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = UnsignalledServer(app)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.started_event.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
