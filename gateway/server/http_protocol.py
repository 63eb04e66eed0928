"""uvicorn's HTTP/1.1 protocol, strict about what it reads, bounded in time, and a response in one system call.

uvicorn reads heads and trailers of any size, waits for a head, for a body and for a reader of its answer for any time,
takes trailers for headers, and a request for whatever host. So a few slow connections would use up all that is let in,
and a header that a proxy in front takes away could come as a trailer. And it writes the head and the body of a response
one by one, each of which the event loop hands to the kernel at once; for a small answer that is a tenth of its cost.

WHOLE_RESPONSE goes further for the one kind of response that is sent all the time: the data endpoint hands over the
bytes of the head as they are, where ASGI would have every header of every response checked and put together again.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.server.headers import CLIENT_CERTIFICATE

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

WHOLE_RESPONSE = "watersmeet.whole_response"
"""Key in a scope's ``extensions``: a function of the head's bytes (status line and headers, each ended by CRLF, with
Content-Length, without the blank line) and the body, which sends both and is true; or false, with nothing sent, where
the response must go the ordinary way."""

HEAD_BYTES = 65_536
HEAD_PATIENCE = 10.0
# The data endpoint is less patient, so that it can say what went wrong; this holds for every address.
BODY_PATIENCE = 20.0
# A client must take so many bytes of its answer in so many seconds, or it is not reading.
STALL_PATIENCE = 20.0
STALL_BYTES = 4_096

_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_FRAMING = frozenset((b"host", b"transfer-encoding", b"expect"))


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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _MalformedError(Exception):
    """What came is not a request that every reader of HTTP would read alike; the parser turns it into its own error."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of a client. Invariant: a timer runs whenever the next move is the client's, and within a request
    it is not reset by single bytes."""

    _head_size = _trailer_size = 0
    _host_seen = _chunked = False
    _body_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_is_new = False
    _head_timer: asyncio.TimerHandle | None = None
    _defaults: list[tuple[bytes, bytes]] | None = None
    _end_of_head = b"\r\n"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        super().connection_made(cast(asyncio.Transport, transport))
        self.transport = cast(asyncio.Transport, JoiningTransport(self.transport, self.loop))
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
        elif (cycle := cast("RequestResponseCycle | None", self.cycle)) and cycle.more_body is (
            self._body_timer is None
        ):
            self._watch_body(cycle.more_body)

    def pause_writing(self) -> None:
        """Part of asyncio.Protocol."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALL_PATIENCE, self._see_progress, self._unsent())

    def resume_writing(self) -> None:
        """Part of asyncio.Protocol."""
        self._stop_stall_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Called when a connection was idle for long; what its client has not read by now, it never will."""
        if self._unsent():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Called when the parser gives up. An answer in the midst of another would be taken for a part of it."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
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
        self.transport = cast(JoiningTransport, self.transport).plain
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self._in_head, self._head_is_new, self._head_size = True, True, 0
        self._host_seen = self._chunked = False
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
        if name in _FRAMING:
            self._check_framing(name, value)
        self.headers.append((name, value))

    def _check_framing(self, name: bytes, value: bytes) -> None:
        """RFC 9112: one Host (section 3.2); chunked is the one coding that says where a request ends (6.1, 6.3)."""
        if name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"host":
            if self._host_seen:
                raise _MalformedError
            self._host_seen = True
        else:
            if self._chunked or value.strip().lower() != b"chunked":
                raise _MalformedError
            self._chunked = True

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if (self._chunked or not self._host_seen) and self.parser.get_http_version() == (
            "1.0" if self._chunked else "1.1"
        ):
            raise _MalformedError
        self._in_head = False
        self._trailer_size = 0
        if self._head_timer is not None:
            self._stop_timer()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        # Weakly, for the cycle holds the scope that holds this: a ring for the garbage collector with every request.
        extensions: dict[str, Any] = {WHOLE_RESPONSE: partial(self._respond, ref(cycle))}
        cycle.scope["extensions"] = extensions
        super()._start_asgi_task(cycle, app)

    def _respond(self, answered: "ref[RequestResponseCycle]", head: bytes, body: bytes) -> bool:
        """See WHOLE_RESPONSE. What uvicorn's ``send`` does for a start and a body, in one step."""
        cycle = answered()
        if (
            cycle is None
            or cycle.response_started
            or cycle.disconnected
            or self.flow.write_paused
            or not cycle.keep_alive
        ):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:  # uvicorn makes a new list every second, for the date
            self._defaults = defaults
            self._end_of_head = b"".join([b"%b: %b\r\n" % header for header in defaults]) + b"\r\n"
        self.transport.writelines((head, self._end_of_head, body))
        cycle.message_event.set()
        cycle.on_response()
        return True

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

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
