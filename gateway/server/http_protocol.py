"""uvicorn's HTTP/1.1 protocol, strict about what it reads, bounded in time, and a response in one system call.

uvicorn reads heads and trailers of any size, waits for a head, for a body and for a reader of its answer for any time,
takes trailers for headers, and a request for whatever host. So a few slow connections would use up all that is let in,
and a header that a proxy in front takes away could come as a trailer. And it writes the head and the body of a response
one by one, each of which the event loop hands to the kernel at once; for a small answer that is a tenth of its cost.

Most requests are to the data endpoint, by GET or by a POST whose small body arrives with its head or soon after. Such
a request is *whole*: it goes to the application as a scope and bytes, and comes back as a WholeResponse, written at
once. Nothing of ASGI, which would cost half as much as a small answer, stands between. All else (other addresses, large
or slow bodies, streams, pages of other origins, clients that close) goes uvicorn's way; what a request must fulfil to
be read at all is the same for both.
"""

import asyncio
import math
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.server.headers import CLIENT_CERTIFICATE
from gateway.server.negotiation import names_stream
from gateway.server.responses import WholeResponse

if TYPE_CHECKING:
    from uvicorn.config import Config

HEAD_BYTES = 65_536
HEAD_PATIENCE = 10.0
# The data endpoint is less patient, so that it can say what went wrong; this holds for every address.
BODY_PATIENCE = 20.0
# For so many seconds, and up to so many bytes and pieces, a request whose head is here may turn out to be whole.
WHOLE_PATIENCE = 1.0
WHOLE_BYTES = 65_536
WHOLE_PARTS = 16
# A client must take so many bytes of its answer in so many seconds, or it is not reading.
STALL_PATIENCE = 20.0
STALL_BYTES = 4_096
# A body up to this size is copied behind its head: one piece costs less to hand over than three.
COPIED_BYTES = 32_768

_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_JUDGED = frozenset((b"host", b"transfer-encoding", b"expect", b"accept", b"origin"))


class TakesWhole(Protocol):
    """An application that answers some requests whole; see the module."""

    def takes(self, path: bytes, host: bytes, *, of_page: bool) -> bool:
        """Whether a whole request for this path is answered by ``respond``; a page's names its origin."""

    def respond(self, scope: dict[str, Any], body: bytes) -> Awaitable[WholeResponse | None]:
        """The response; None sends nothing.

        ``scope`` holds type, method, query_string, headers, client and state as in ASGI.
        """


class JoiningTransport:
    """A transport that sends two writes made in a row as one.

    A first write waits for a second, or for the event loop's next turn. Whatever else is done to the transport sees
    nothing of it: closing sends what waits.
    """

    __slots__ = ("_loop", "_transport", "_waiting", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: bytes | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Part of asyncio.Transport."""
        waiting = self._waiting
        if waiting is None:
            self._waiting = data
            self._loop.call_soon(self._flush)
        else:
            self._waiting = None
            self._transport.writelines((waiting, data))

    def write_now(self, data: bytes) -> None:
        """What is complete in itself."""
        if self._waiting is not None:
            self._flush()
        self._transport.write(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        """Part of asyncio.Transport."""
        if self._waiting is not None:
            self._flush()
        self._transport.writelines(parts)

    @property
    def plain(self) -> asyncio.Transport:
        """The transport behind, with nothing left waiting."""
        self._flush()
        return self._transport

    def close(self) -> None:
        """Part of asyncio.Transport."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._transport.write(waiting)

    def get_write_buffer_size(self) -> int:
        """Part of asyncio.Transport."""
        return self._transport.get_write_buffer_size()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _MalformedError(Exception):
    """What came is not a request that every reader of HTTP would read alike; the parser turns it into its own error."""


class _WholeRequest:
    """A request that came whole, while it is answered: what uvicorn asks of the request that is its turn."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete", "task")

    response_started = more_body = False
    task: asyncio.Task[None]

    def __init__(self, told: asyncio.Event) -> None:
        self.disconnected = self.response_complete = False
        self.keep_alive = True
        self.message_event = told


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of a client. Invariant: a timer runs whenever the next move is the client's, and within a request
    it is not reset by single bytes."""

    _head_size = _trailer_size = 0
    _chunked = False
    _host: bytes | None = None
    # None unless the request in hand may turn out to be whole; then what has come of its body.
    _parts: list[bytes] | None = None
    _ordinary = _of_page = False
    _idle_since = math.inf
    _body_timer: asyncio.TimerHandle | None = None
    _whole_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_is_new = False
    _head_timer: asyncio.TimerHandle | None = None
    _defaults: list[tuple[bytes, bytes]] | None = None
    _end_of_head = b"\r\n"

    def __init__(self, config: "Config", *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._told = asyncio.Event()  # uvicorn sets it when the client goes; nobody waits for it
        app: Any = self.app
        self._whole: TakesWhole | None = app if hasattr(app, "takes") else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._joining = JoiningTransport(self.transport, self.loop)
        self.transport = cast(asyncio.Transport, self._joining)
        if self.scheme == "https":
            shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if shown is not None:  # uvicorn gives each scope a copy of this state, a WebSocket's too
                self.app_state = {**self.app_state, CLIENT_CERTIFICATE: shown}
        self._head_timer = self.loop.call_later(HEAD_PATIENCE, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self._stop_timer()
        self._watch_body(False)
        self._stop_stall_timer()
        self._stop_idle_timer()
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        self._head_is_new = False
        super().data_received(data)
        if self._in_head:
            # What stands before a head that began in these bytes is the request before it; where is not known.
            self._head_size += 0 if self._head_is_new else len(data)
            if self._head_size > HEAD_BYTES:
                self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n")
                self.transport.close()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_PATIENCE, self.transport.close)
            return
        if self._parts is not None and not self.transport.is_closing():
            self._wait_for_rest(self._parts)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body is (self._body_timer is None):
            self._watch_body(cycle.more_body)

    def shutdown(self) -> None:
        """Called when the server begins to stop: a request that has begun is answered."""
        self._go_the_ordinary_way()
        super().shutdown()

    def pause_writing(self) -> None:
        """Part of asyncio.Protocol."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALL_PATIENCE, self._see_progress, self._unsent())

    def resume_writing(self) -> None:
        """Part of asyncio.Protocol."""
        self._stop_stall_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Called when a connection may have been idle for long; what its client has not read by now, it never will.

        Requests do not stop the timer and start it anew: it looks when the last one was, and waits for the rest.
        """
        self.timeout_keep_alive_task = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0.001:
            if left < math.inf:
                self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        elif self._unsent():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = math.inf

    def on_response_complete(self) -> None:
        """Called when a response was sent, to begin the next request that waits."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def send_400_response(self, msg: str) -> None:
        """Called when the parser gives up. An answer in the midst of another would be taken for a part of it."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline or self._in_head:
                self.transport.close()
                return
            self._abandon(cycle)
        super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """Called when a request asks for a WebSocket, whose protocol writes whole messages."""
        self._stop_timer()
        self._stop_stall_timer()
        self._stop_idle_timer()
        self.transport = self._joining.plain
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._in_head, self._head_is_new, self._head_size = True, True, 0
        self._host, self._chunked, self._ordinary, self._of_page = None, False, False, False
        if self._body_timer is not None:
            self._watch_body(False)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for trailers too: they are read and dropped."""
        name = name.lower()
        if not self._in_head:
            self._trailer_size += len(name) + len(value)
            if self._trailer_size > HEAD_BYTES:
                raise _MalformedError
            return
        if name in _JUDGED:
            self._judge(name, value)
        self.headers.append((name, value))

    def _judge(self, name: bytes, value: bytes) -> None:
        """RFC 9112: one Host (section 3.2); chunked is the one coding that says where a request ends (6.1, 6.3)."""
        if name == b"host":
            if self._host is not None:
                raise _MalformedError
            self._host = value
        elif name == b"accept":
            self._ordinary = self._ordinary or names_stream(value)
        elif name == b"origin":
            self._of_page = True
        elif name == b"expect":
            self._ordinary = True
            self.expect_100_continue = value.lower() == b"100-continue"
        else:
            if self._chunked or value.strip().lower() != b"chunked":
                raise _MalformedError
            self._chunked = True

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        parser, host = self.parser, self._host
        if (self._chunked or host is None) and parser.get_http_version() == ("1.0" if self._chunked else "1.1"):
            raise _MalformedError
        self._in_head = False
        self._trailer_size = 0
        if self._head_timer is not None:
            self._stop_timer()
        cycle: RequestResponseCycle | None = self.cycle
        if (
            not self._ordinary
            and host is not None
            and (cycle is None or cycle.response_complete)
            and self._whole is not None
            and self._whole.takes(self._path_of(parser.get_method()), host, of_page=self._of_page)
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        ):
            self._parts = []
        else:
            self._begin_ordinarily()

    def _path_of(self, method: bytes) -> bytes:
        """The path of a request that may be whole; empty for another."""
        if method == b"POST":
            return self.url
        return self.url.partition(b"?")[0] if method == b"GET" and b"#" not in self.url else b""

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        if self._parts is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        parts = self._parts
        if parts is None:
            super().on_message_complete()
            return
        self._parts = None
        if self._whole_timer is not None:
            self._stop_waiting()
        request = _WholeRequest(self._told)
        cycle: Any = request
        self.cycle = cycle
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        # By its class and with a name: the loop's own way, and making a name, cost as much again.
        assert self._whole is not None
        scope = {
            "type": "http",
            "method": self.parser.get_method().decode("ascii"),
            "query_string": self.url.partition(b"?")[2],
            "headers": self.headers,
            "client": self.client,
            "state": self.app_state,
        }
        answering = self._answer_whole(self._whole, request, scope, body)
        request.task = asyncio.Task(answering, loop=self.loop, name="request")
        self.tasks.add(request.task)

    def _begin_ordinarily(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()

    def _wait_for_rest(self, parts: list[bytes]) -> None:
        """Called when the body of a request that may be whole has not all come: many clients send it after its head."""
        if len(parts) > WHOLE_PARTS or sum(map(len, parts)) > WHOLE_BYTES:
            self._go_the_ordinary_way()
        elif self._whole_timer is None:
            self._whole_timer = self.loop.call_later(WHOLE_PATIENCE, self._go_the_ordinary_way)

    def _stop_waiting(self) -> None:
        if self._whole_timer is not None:
            self._whole_timer.cancel()
            self._whole_timer = None

    def _go_the_ordinary_way(self) -> None:
        """Called for a request that was thought to be whole, when the rest of its body is large or late."""
        self._stop_waiting()
        parts, self._parts = self._parts, None
        if parts is None or self.transport.is_closing():
            return
        self._begin_ordinarily()
        for part in parts:
            super().on_body(part)
        self._watch_body(True)

    async def _answer_whole(
        self, whole: TakesWhole, request: _WholeRequest, scope: dict[str, Any], body: bytes
    ) -> None:
        try:
            response = await whole.respond(scope, body)
            if self.flow.write_paused and not request.disconnected:
                await self.flow.drain()
            if response is not None and not request.disconnected:
                self._send_whole(request, response)
        finally:
            self.tasks.discard(request.task)

    def _send_whole(self, request: _WholeRequest, response: WholeResponse) -> None:
        """What uvicorn's ``send`` does for a start and a body, in one step."""
        request.response_complete = True
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:  # uvicorn makes a new list every second, for the date
            self._defaults = defaults
            self._end_of_head = b"".join([b"%b: %b\r\n" % header for header in defaults]) + b"\r\n"
        transport = self._joining
        head, end, body = response.head(), self._end_of_head, response.body
        if not request.keep_alive:  # the server is stopping
            head += b"connection: close\r\n"
        if len(body) < COPIED_BYTES:
            transport.write_now(head + end + body)
        else:
            transport.writelines((head, end, body))
        if not request.keep_alive:
            transport.close()
        self.on_response_complete()

    def _watch_body(self, coming: bool) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        if coming:
            self._body_timer = self.loop.call_later(BODY_PATIENCE, self._give_up_body)

    def _give_up_body(self) -> None:
        self._body_timer = None
        if self.cycle.more_body and not self.cycle.response_started and not self.pipeline:
            self._abandon(self.cycle)
            self.transport.write(_LATE)
        self.transport.close()

    def _abandon(self, cycle: RequestResponseCycle) -> None:
        """Tells the application that its client has gone, so that it answers nothing."""
        cycle.disconnected = True
        cycle.message_event.set()

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _see_progress(self, before: int) -> None:
        now = self._unsent()
        if now > before - STALL_BYTES:
            self.transport.abort()
        else:
            self._stall_timer = self.loop.call_later(STALL_PATIENCE, self._see_progress, now)

    def _stop_idle_timer(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
