"""GraphQL over WebSocket: the protocol graphql-transport-ws, server side.

One connection carries many operations, told apart by ids the client chooses. Whatever breaks the protocol closes the
connection with the code the protocol names; what is wrong with one operation ends that operation alone. A result is
produced only when the one before has been handed to the connection, so a slow client slows its own subscriptions.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.document_limits import too_much
from gateway.errors import CodedError, RequestError
from gateway.server.admission import Admission, OpenStreams
from gateway.server.answering import ANONYMOUS, Answering, Credentials, GraphQLRequest
from gateway.server.error_bodies import INTERNAL_REPORT, entries_of, reports_of
from gateway.server.headers import credentials_of, language_told, new_request_id, pick_headers
from gateway.server.request_body import RequestParameters, build_request
from gateway.server.stored_documents import StoredDocuments

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PROTOCOL = "graphql-transport-ws"
_log = logging.getLogger(__name__)
_CLOSE_CODES = {400: 4400, 401: 4401, 429: 1013, 503: 1013}
_ACK, _PONG = '{"type":"connection_ack"}', '{"type":"pong"}'


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Bounds on connections: seconds until ``connection_init``, operations on one, and connections in this process
    whoever they are from; how many a caller may have is told by OpenStreams."""

    init_patience: float = 5.0
    operations: int = 100
    connections: int = 2_000


class _Init(msgspec.Struct, frozen=True, tag_field="type", tag="connection_init"):
    payload: dict[str, object] | None = None


class _Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    payload: dict[str, object] | None = None


class _Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    payload: dict[str, object] | None = None


class _Subscribe(msgspec.Struct, frozen=True, tag_field="type", tag="subscribe"):
    id: str
    payload: RequestParameters


class _Complete(msgspec.Struct, frozen=True, tag_field="type", tag="complete"):
    id: str


_Message = _Init | _Ping | _Pong | _Subscribe | _Complete
_decoder: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message)


class _CloseError(Exception):
    """The connection must be closed with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class WebSocketEndpoint:
    """The ASGI application at ``/graphql`` for WebSocket connections.

    ``origins`` are the web origins whose pages may connect beside the gateway's own: a browser connects for any page,
    so without this check a page from outside could read what the network alone protects.
    """

    def __init__(
        self,
        answering: Answering,
        admission: Admission,
        documents: StoredDocuments,
        settings: SocketSettings,
        streams: OpenStreams,
        origins: Sequence[str] = (),
    ) -> None:
        self._answering = answering
        self._admission = admission
        self._documents = documents
        self._settings = settings
        self._streams = streams
        self._origins = frozenset(origins)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not self._same_or_allowed_origin(scope["headers"]):
            await send({"type": "websocket.close", "code": 4403})
            return
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"Speak the subprotocol {PROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        if self._open >= self._settings.connections:
            await send({"type": "websocket.close", "code": 1013, "reason": "Try again later"})
            return
        self._open += 1
        try:
            await _Connection(
                self._answering, self._admission, self._documents, self._settings, self._streams, scope, receive, send
            ).run()
        finally:
            self._open -= 1

    def _same_or_allowed_origin(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        given = dict(headers)
        origin = given.get(b"origin", b"").decode("latin-1")
        if not origin or "*" in self._origins or origin in self._origins:
            return True
        return urlsplit(origin).netloc == given.get(b"host", b"").decode("latin-1")


class _Connection:
    """One client's connection, from the handshake to its end."""

    def __init__(
        self,
        answering: Answering,
        admission: Admission,
        documents: StoredDocuments,
        settings: SocketSettings,
        streams: OpenStreams,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._answering = answering
        self._admission = admission
        self._documents = documents
        self._settings = settings
        self._streams = streams
        self._scope = scope
        self._receive = receive
        self._send = send
        self._picked: dict[bytes, bytes] = {}
        self._credentials: Credentials = ANONYMOUS
        self._who: str | None = None
        self._counted_as: str | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._over = False

    async def run(self) -> None:
        """Returns when the connection is over; every operation on it has ended then."""
        try:
            async with asyncio.timeout(self._settings.init_patience) as waiting:
                if (first := await self._next()) is not None:
                    await self._begin(first)
                    waiting.reschedule(None)
                    while (message := await self._next()) is not None:
                        await self._handle(message)
        except TimeoutError:
            await self._close(4408, "Connection initialisation timeout")
        except _CloseError as error:
            await self._close(error.code, error.reason)
        finally:
            tasks = list(self._operations.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._counted_as is not None:
                self._streams.leave(self._counted_as)

    async def _next(self) -> _Message | None:
        """The next message; None when the client has gone."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            return None
        text = event.get("text")
        if text is None:
            raise _CloseError(4400, "Messages must be text")
        try:
            return _decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _CloseError(4400, "Invalid message") from None

    async def _begin(self, first: object) -> None:
        while isinstance(first, _Ping | _Pong):
            await self._handle(first)
            first = await self._next()
        if first is None:
            return
        if not isinstance(first, _Init):
            raise _CloseError(4401, "Unauthorized")
        try:
            self._picked = pick_headers(self._scope["headers"])
            self._credentials = _with_payload(credentials_of(self._picked, self._scope), first.payload or {})
            client = self._scope.get("client")
            self._who = await self._admission.identify(self._answering, self._credentials, client)
            self._counted_as = self._streams.enter(self._who, client)
        except CodedError as error:
            raise _CloseError(_CLOSE_CODES.get(error.code.status, 4403), error.code.name) from None
        await self._write(_ACK)

    async def _handle(self, message: object) -> None:
        match message:
            case _Init():
                raise _CloseError(4429, "Too many initialisation requests")
            case _Ping():
                await self._write(_PONG)
            case _Subscribe():
                self._subscribe(message)
            case _Complete():
                if (task := self._operations.pop(message.id, None)) is not None:
                    task.cancel()

    def _subscribe(self, message: _Subscribe) -> None:
        if message.id in self._operations:
            raise _CloseError(4409, f"Subscriber for {message.id[:60]} already exists")
        others = len(self._operations)
        task = asyncio.get_running_loop().create_task(self._operate(message, others))
        self._operations[message.id] = task

    async def _operate(self, message: _Subscribe, others: int) -> None:
        """Executes one operation beside ``others``; its last message is ``complete`` or ``error``."""
        request_id = new_request_id()
        try:
            if others >= self._settings.operations:
                raise too_much("operations beside it on its connection", self._settings.operations - 1, others)
            self._admission.count(self._who, self._scope.get("client"))
            request = build_request(message.payload, self._picked, request_id, False)
            await self._stream(message.id, self._documents.resolve(request))
        except (CodedError, RequestError) as error:
            await self._end(message.id, "error", entries_of(reports_of(error), request_id, language_told(self._picked)))
        except Exception:  # noqa: BLE001 - a task of its own: were one let through, the client would wait for ever
            _log.exception("request %s failed", request_id)
            await self._end(message.id, "error", entries_of((INTERNAL_REPORT,), request_id))
        else:
            await self._end(message.id, "complete", None)

    async def _stream(self, operation: str, request: GraphQLRequest) -> None:
        head = b'{"id":' + msgspec.json.encode(operation) + b',"type":"next","payload":'
        events = self._answering.subscribe(request, self._credentials)
        try:
            async for result in events:
                await self._write((head + result.encode() + b"}").decode())
        finally:
            await events.aclose()

    async def _end(self, operation: str, kind: str, payload: object) -> None:
        # The id is free for another operation before the client can read that this one has ended.
        if self._operations.get(operation) is asyncio.current_task():
            del self._operations[operation]
        message = {"id": operation, "type": kind}
        if payload is not None:
            message["payload"] = payload  # type: ignore[assignment]
        await self._write(msgspec.json.encode(message).decode())

    async def _write(self, text: str) -> None:
        await self._tell({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        await self._tell({"type": "websocket.close", "code": code, "reason": reason})
        self._over = True

    async def _tell(self, message: MutableMapping[str, Any]) -> None:
        """Sends, unless the connection is over: then the reading side is about to end every operation."""
        if not self._over:
            try:
                await self._send(message)
            except OSError:
                self._over = True


def _with_payload(credentials: Credentials, payload: dict[str, object]) -> Credentials:
    """Credentials with those in ``connection_init`` over them: a browser cannot set headers on a WebSocket."""
    given = {key.lower(): value for key, value in payload.items() if isinstance(value, str) and value}
    fields = {
        "authorization": "authorization",
        "x-api-key": "api_key",
        "x-purpose": "purpose",
        "x-case-number": "case_number",
        "x-officer": "officer",
    }
    changed = {field: given[name] for name, field in fields.items() if name in given}
    return msgspec.structs.replace(credentials, **changed) if changed else credentials
