"""A second small HTTP service inside a department's process, on a free port of the loopback address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import uvicorn
from starlette.types import ASGIApp


class UnsignalledServer(uvicorn.Server):
    """A server that leaves signals alone: whoever runs it sets ``should_exit``.

    uvicorn's own way raises the signal again once it has stopped, and so ends the process before stores are closed.
    """

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """``http://127.0.0.1:PORT`` for as long as the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = UnsignalledServer(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if running.done():
                running.result()
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
