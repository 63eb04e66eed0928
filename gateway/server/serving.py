"""One process that answers on sockets it was given, from its first import to its graceful end."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn

from gateway.errors import CodedError
from gateway.garbage import search_often
from gateway.server.application import Application
from gateway.server.errors import ADDRESS_UNAVAILABLE
from gateway.server.http_protocol import BoundedHttpProtocol
from gateway.server.websocket_protocol import WebSocketProtocol
from gateway.tls_files import WatchedTls


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a listener behaves towards connections. Times are in seconds.

    On SIGTERM readiness fails at once, new requests are taken for ``drain`` more, then those under way may end within
    ``grace``. ``message_bytes`` bounds one WebSocket message. With ``tls`` the listener speaks TLS and nothing else.
    """

    drain: float = 0.0
    grace: float = 30.0
    keep_alive: int = 75
    message_bytes: int = 1_000_000
    tls: WatchedTls | None = None


def open_sockets(host: str, port: int, workers: int) -> list[socket.socket]:
    """One listening socket for each worker, all on one port; the kernel shares connections out among them.

    Raises CodedError ADDRESS_UNAVAILABLE.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened: list[socket.socket] = []
    try:
        # A port that others share as well could be bound a second time unnoticed: only one without sharing tells.
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            chosen = probe.getsockname()[1]
        for _ in range(workers):
            one = socket.socket(family)
            opened.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if workers > 1:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((host, chosen))
            one.listen(2048)
            one.setblocking(False)
    except OSError as error:
        for one in opened:
            one.close()
        raise CodedError(ADDRESS_UNAVAILABLE, f"Cannot listen on {host}:{port}: {error.strerror or error}.") from None
    return opened


class _Server(uvicorn.Server):
    """uvicorn's server, which fails readiness before it stops and keeps the garbage collector off what lives on."""

    def __init__(
        self, config: uvicorn.Config, application: Application, drain: float, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._readiness = application.readiness
        self._look_now = application.look_now
        self._drain = drain
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        search_often()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._look_now)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._readiness.stopping.set()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._readiness.draining:  # asked twice: the one who asks does not want to wait
            self.should_exit = True
            self.force_exit = sig == signal.SIGINT
            return
        self._readiness.drain()
        if sig == signal.SIGTERM and self._drain > 0:
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(loop.call_later, self._drain, self._stop)
        else:
            self.should_exit = True

    def _stop(self) -> None:
        self.should_exit = True


def _context(tls: WatchedTls, *_: object) -> ssl.SSLContext:
    """The listener's context, which hands each connection over to the one that is current when it begins."""
    context = tls.context()

    def hand_over(connection: ssl.SSLObject, name: str | None, asked: ssl.SSLContext) -> None:
        if (current := tls.context()) is not asked:
            connection.context = current

    context.sni_callback = hand_over
    return context


def serve(application: Application, conduct: Conduct, opened: socket.socket, started: Callable[[], None]) -> None:
    """Serves on a socket until SIGTERM or SIGINT. ``started`` is called when requests are answered.

    On SIGHUP the application looks again at what it was made of.
    """
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=conduct.message_bytes,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_context_factory=None if conduct.tls is None else partial(_context, conduct.tls),
        timeout_keep_alive=conduct.keep_alive,
        timeout_graceful_shutdown=int(conduct.grace),
    )
    _Server(config, application, conduct.drain, started).run([opened])
