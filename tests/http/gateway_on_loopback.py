"""The server with a scripted pipeline behind it: over ASGI for one request, over loopback for connections."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from gateway.errors import ErrorReport
from gateway.server.answering import Answer, Credentials, EncodableResult, GraphQLRequest
from gateway.server.application import Application, build_application
from gateway.server.health import Readiness
from gateway.server.http_protocol import BoundedHttpProtocol
from gateway.server.websocket_protocol import WebSocketProtocol


@dataclass(frozen=True)
class Encoded:
    """A result that is JSON already."""

    body: bytes
    errors: Sequence[ErrorReport] = ()

    def encode(self) -> bytes:
        return self.body


def result(value: object) -> Encoded:
    return Encoded(json.dumps({"data": value}, separators=(",", ":")).encode())


@dataclass
class Scripted:
    """A pipeline that answers as a test says, and remembers what it was asked."""

    reply: Callable[[GraphQLRequest], Answer | Exception] = lambda request: Answer(result=result({"a": 1}))
    events: Callable[[GraphQLRequest], AsyncGenerator[EncodableResult, None]] | None = None
    admitted: Callable[[Credentials], Exception | None] = lambda credentials: None
    asked: list[tuple[GraphQLRequest, Credentials]] = field(default_factory=list)
    wait: Callable[[], Awaitable[object]] | None = None

    async def admit(self, credentials: Credentials) -> str | None:
        """Whoever has an API key is known by it."""
        if (refusal := self.admitted(credentials)) is not None:
            raise refusal
        return credentials.api_key

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        self.asked.append((request, credentials))
        if self.wait is not None:
            await self.wait()
        reply = self.reply(request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def subscribe(
        self, request: GraphQLRequest, credentials: Credentials
    ) -> AsyncGenerator[EncodableResult, None]:
        self.asked.append((request, credentials))
        if self.events is None:
            yield (await self.answer(request, credentials)).result
            return
        events = self.events(request)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()


@dataclass(frozen=True)
class Response:
    """What came back. ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error."""
        return str(self.json["errors"][0]["extensions"]["code"])


JSON = {"content-type": "application/json"}


async def call(
    application: Application,
    method: str,
    target: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | list[bytes] = b"",
) -> Response:
    """One request straight into the application. A list is a body that comes in parts."""
    path, _, query = target.partition("?")
    pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }
    parts = body if isinstance(body, list) else [body]
    incoming = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        if incoming:
            return incoming.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, send)
    assert [message["type"] for message in sent[:1]] == ["http.response.start"]
    assert not sent[-1].get("more_body", False)
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Response(sent[0]["status"], fields, b"".join(message["body"] for message in sent[1:]))


async def post(application: Application, request: object, **headers: str) -> Response:
    """POSTs a value as JSON; ``accept="..."`` and the like are headers, ``_`` standing for ``-``."""
    given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    return await call(application, "POST", "/graphql", given, json.dumps(request).encode())


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def on_loopback(
    answering: Scripted, *, tls: ssl.SSLContext | None = None, readiness: Readiness | None = None, **options: Any
) -> AsyncIterator[int]:
    """Serves over real sockets as the product does; gives the port."""
    application = build_application(answering, readiness or Readiness(), **options)
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        config = uvicorn.Config(
            application, http=BoundedHttpProtocol, ws=WebSocketProtocol, lifespan="off", log_config=None,
            log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            ws_per_message_deflate=False, timeout_graceful_shutdown=1,
            ssl_context_factory=(lambda config, made: tls) if tls else None,
        )  # fmt: skip
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve([opened]))
        try:
            yield opened.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
