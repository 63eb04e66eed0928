"""``GET /metrics`` on a listener of its own.

What it tells is not for the public: names of subgraphs, codes of resources, versions. So it is never answered at the
address of the data endpoint; by default the listener is on the loopback interface alone.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.background import going_on
from gateway.measuring import Counts, SharedCounts
from gateway.settings import MonitoringSettings

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PATH = "/metrics"

_log = logging.getLogger("watersmeet.metrics")


@asynccontextmanager
async def metrics_listener(
    settings: MonitoringSettings, counts: SharedCounts, tell: Callable[[Counts, datetime], str]
) -> AsyncIterator[str]:
    """While entered, ``/metrics`` is answered; the address. Where the port is taken a message says so, and no more.

    ``tell`` makes the text of what all workers counted.

    Workers share the port, and each answers for all.
    """

    async def metrics(_: Request) -> Response:
        counted = await asyncio.to_thread(counts.all)
        return Response(tell(counted, datetime.now(UTC)), media_type=MEDIA_TYPE)

    try:
        listening = _listen(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        place = f"{settings.metrics_host}:{settings.metrics_port}"
        _log.error("metrics are not answered: cannot listen on %s: %s", place, error.strerror or error)
        yield ""
        return
    application = Starlette(routes=[Route(PATH, metrics, methods=["GET"])])
    config = uvicorn.Config(
        application, log_config=None, log_level="warning", access_log=False, lifespan="off", ws="none"
    )

    async def answer() -> None:
        server = _QuietServer(config)
        # What the server closes at its end is its own: who asks meanwhile waits for the next.
        with listening.dup() as heard:
            try:
                await server.serve(sockets=[heard])
            finally:
                if server.started:
                    await server.shutdown()

    with listening:
        async with (
            going_on("answering metrics", answer),
            going_on("writing down the counts", counts.keep_flushed),
        ):
            yield f"http://{settings.metrics_host}:{listening.getsockname()[1]}{PATH}"


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(16)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


class _QuietServer(uvicorn.Server):
    """A second server of one process, which leaves signals to the first."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Captures none."""
        return nullcontext()
