"""uvicorn's HTTP/1.1 protocol, with bounds on the head of a request, and a response in one system call.

uvicorn reads heads of any size and waits for them for any time: a connection that sends its head byte by byte, or a
header without an end, would hold memory for nothing. And it writes the head and the body of a response one by one, each
of which the event loop hands to the kernel at once; for a small answer that is a tenth of all its cost.

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


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose request head is larger than HEAD_BYTES or takes longer than HEAD_PATIENCE seconds."""

    _head_size = 0
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

    def handle_websocket_upgrade(self) -> None:
        """Called when a request asks for a WebSocket, whose protocol writes whole messages."""
        self._stop_timer()
        self.transport = cast(JoiningTransport, self.transport).plain
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self._in_head, self._head_is_new, self._head_size = True, True, 0

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._in_head = False
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

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
