"""A subgraph whose every byte a test decides: a TCP server on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.execution.subgraph_address import SubgraphRoute, TransportLimits, parse_address
from gateway.execution.transport import RoutedTransport
from gateway.tls_files import WatchedTls

QUERY = b'{"query":"{a}"}'
MUTATION = b'{"query":"mutation{a}"}'


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP answer with a length."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 3) -> bytes:
    """``body`` in chunks of ``size`` bytes."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@dataclass
class Peer:
    """The subgraph's side of one connection, the ``number``-th since the start."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    served: "Served"

    async def request(self) -> bytes:
        """Reads one request; gives its body. Ends the connection's task when the gateway has closed."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await self.reader.readexactly(length)
        self.served.heads.append(head)
        self.served.bodies.append(body)
        return body

    async def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> None:
        """Waits until the gateway closes the connection."""
        with suppress(ConnectionError):
            await self.reader.read()


@dataclass
class Served:
    """What arrived, and where."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def all_closed(self) -> None:
        """Waits until no connection is open; fails if that takes long."""
        async with asyncio.timeout(10):
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def route(self, *, secure: WatchedTls | None = None, direct: bool = True, **limits: object) -> SubgraphRoute:
        """The route to this server."""
        url = f"{'https' if secure else 'http'}://localhost:{self.port}/graphql"
        bounds = TransportLimits(**limits)  # type: ignore[arg-type]
        return SubgraphRoute(parse_address("a", url), tls=secure, direct=direct, limits=bounds)


Behaviour = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def raw_subgraph(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """Runs ``behave`` for each connection; when it returns, the server closes that connection."""
    served = Served()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.tasks.add(task)
        task.add_done_callback(served.tasks.discard)
        served.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behave(Peer(reader, writer, served.connections, served))
        finally:
            served.closed.set()
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in served.tasks:
            task.cancel()
        await asyncio.gather(*served.tasks, return_exceptions=True)


@asynccontextmanager
async def transport_to(served: Served, **options: object) -> AsyncIterator[RoutedTransport]:
    """A transport that knows the server as subgraph ``a``."""
    transport = RoutedTransport({"a": served.route(**options)})  # type: ignore[arg-type]
    try:
        yield transport
    finally:
        await transport.close()


def always(reply: bytes) -> Behaviour:
    """Answers every request alike and keeps the connection."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(reply)

    return behave


def once(reply: bytes) -> Behaviour:
    """Answers one request on a connection, then closes it."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply)

    return behave
