"""A small HTTP/1.1 client for subgraphs: kept connections, one request at a time on each, plain or over TLS.

A federated request makes many small calls, so the cost of a call is the cost of the gateway. This client does what such
calls need and no more: the head of a request is constant bytes, the answer is one future that the caller awaits without
a task of its own, and one timer watches over all deadlines, since calls end long before they are due.

Invariants: a connection carries at most one call; a call that is cancelled or out of time closes its connection, so no
late answer can be taken for another call's; ``opened`` counts connections alive or being made, and never exceeds the
limit; calls wait in the order they came.

Repeating. A peer may close a kept connection just as a request is sent on it. Such a call is repeated, once, if nothing
of an answer had arrived and it is a query. Anything else might be executed twice, so it never goes over a connection
that has been idle for long.
"""

import asyncio
import functools
import math
import ssl
from collections import deque
from typing import cast

from gateway.errors import CodedError
from gateway.execution.http_message import AnswerReader, header_lines, request_head
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport_errors import timed_out, unreachable

_QUERIES = (b'{"query":"{', b'{"query":"query')
_SURELY_ALIVE = 0.5


@functools.cache
def _system_trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Call(asyncio.Future[bytes]):
    """One request under way; its result is the answer's body.

    ``message`` is the whole request. ``repeatable`` says that executing it twice does no harm. ``due`` is the time of
    the event loop at which it fails; it is among ``under_way`` as long as it has not ended.
    """

    __slots__ = ("_under_way", "connection", "due", "message", "repeatable", "repeated")

    connection: "Connection | None"

    def __init__(
        self, loop: asyncio.AbstractEventLoop, message: bytes, repeatable: bool, due: float, under_way: "set[Call]"
    ) -> None:
        super().__init__(loop=loop)
        self.message = message
        self.repeatable = repeatable
        self.repeated = False
        self.connection = None
        self.due = due
        self._under_way = under_way
        under_way.add(self)

    def cancel(self, msg: object | None = None) -> bool:
        """Gives the call up and closes its connection: the subgraph sees that nobody waits any more."""
        cancelled = super().cancel(msg)
        if cancelled:
            self._leave()
        return cancelled

    def succeed(self, body: bytes) -> None:
        """Ends the call with its answer."""
        self._under_way.discard(self)
        self.connection = None
        self.set_result(body)

    def fail(self, error: CodedError) -> None:
        """Ends the call, if nothing else has."""
        if not self.done():
            self.set_exception(error)
            self._leave()

    def _leave(self) -> None:
        self._under_way.discard(self)
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Connection(asyncio.Protocol):
    """One connection to a subgraph."""

    def __init__(self, pool: "ConnectionPool") -> None:
        self._pool = pool
        self._reader = AnswerReader(pool.route.limits)
        self._transport: asyncio.Transport | None = None
        self._call: Call | None = None
        self._used = False
        self.born = self.idle_since = 0.0
        self.idle_limit = pool.route.limits.idle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._pool.adopt(self)

    def carry(self, call: Call) -> None:
        """Sends ``call``'s request; the connection must be idle and open."""
        assert self._transport is not None
        self._call = call
        call.connection = self
        self._reader.begin()
        self._transport.write(call.message)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        if self._call is None:  # nobody asked: whatever this is, it must not become the next call's answer
            self.close()
            return
        try:
            complete = self._reader.feed(data)
        except CodedError as error:
            self.end(error)
            return
        if complete:
            self._finish()

    def eof_received(self) -> bool:
        """Part of asyncio.Protocol; False closes this side too."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self._transport = None
        self._pool.forget(self)
        call = self._call
        if call is not None:
            if self._used and not self._reader.touched and call.repeatable and not call.repeated:
                self._call = call.connection = None
                call.repeated = True
                self._pool.again(call)
            else:
                self._answer_at_end(error)
        self._reader.release()

    def end(self, error: CodedError) -> None:
        """Fails the call that is carried, if any, and ends the connection."""
        call, self._call = self._call, None
        if call is not None:
            call.connection = None
            call.fail(error)
        self.close()

    def close(self) -> None:
        """Ends the connection at once; a call that it carries is left to its owner."""
        self._call = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def _finish(self) -> None:
        call, self._call = self._call, None
        assert call is not None
        reader = self._reader
        try:
            body = reader.take()
        except CodedError as error:
            call.connection = None
            call.fail(error)
        else:
            call.succeed(body)
        pool, transport = self._pool, self._transport
        now = pool.now()
        # Another call may follow, but not on an old connection, nor where the peer stopped reading.
        if (
            reader.reusable
            and now - self.born < pool.route.limits.age
            and transport is not None
            and not transport.is_closing()
            and not transport.get_write_buffer_size()
        ):
            if not self._used:
                self._used = True
                if (hint := reader.idle_hint()) is not None:
                    self.idle_limit = min(self.idle_limit, max(hint - 1.0, 0.0))
            pool.release(self, now)
        else:
            self.close()

    def _answer_at_end(self, error: Exception | None) -> None:
        try:
            if error is not None:
                raise unreachable("broke off its answer" if self._reader.touched else "closed the connection")
            self._reader.end()
        except CodedError as problem:
            self.end(problem)
        else:
            self._finish()


class ConnectionPool:
    """The connections to one subgraph, and the calls that wait for one. For one event loop."""

    def __init__(self, route: SubgraphRoute, loop: asyncio.AbstractEventLoop) -> None:
        self.route = route
        self._loop = loop
        self.now = loop.time
        self._head = request_head(route)
        self._timeout = route.limits.timeout
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._emptied = asyncio.Event()
        self._waiting: deque[Call] = deque()
        self._under_way: set[Call] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._watched_until = math.inf
        self._connecting: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._retired = self._closed = False

    @property
    def opened(self) -> int:
        """Connections alive or being made."""
        return len(self._all) + len(self._connecting)

    def call(self, body: bytes, headers: tuple[tuple[str, str], ...], seconds: float) -> Call:
        """Posts ``body``; gives a future of the answer's body, which fails with CodedError."""
        lines = header_lines(headers) if headers else b""
        message = b"%b%d\r\n%b\r\n%b" % (self._head, len(body), lines, body)
        repeatable = body.startswith(_QUERIES)
        now = self._loop.time()
        due = now + (seconds if seconds < self._timeout else self._timeout)
        call = Call(self._loop, message, repeatable, due, self._under_way)
        if self._closed:
            call.fail(unreachable("is no longer called"))
            return call
        if due < self._watched_until:
            self._watch_until(due)
        if (connection := self._usable(repeatable, now)) is not None:
            connection.carry(call)
        else:
            self._wait(call)
        return call

    def again(self, call: Call) -> None:
        """Puts a call that must be repeated before all others."""
        self._waiting.appendleft(call)
        self._connect_if_wanted()

    def adopt(self, connection: Connection) -> None:
        """Counts a connection that was made."""
        connection.born = self._loop.time()
        self._all.add(connection)
        self._emptied.clear()

    def release(self, connection: Connection, now: float) -> None:
        """Takes back an open connection whose call is over."""
        if self._waiting and (call := self._next_waiting()) is not None:
            connection.carry(call)
        elif self._retired:
            connection.close()
        else:
            connection.idle_since = now
            self._idle.append(connection)
            if self._reaper is None:
                self._reaper = self._loop.call_later(self.route.limits.idle, self._reap)

    def forget(self, connection: Connection) -> None:
        """Drops a connection that is lost."""
        self._all.discard(connection)
        if not self._all:
            self._emptied.set()
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_if_wanted()

    def retire(self) -> None:
        """Lets the calls under way end, and keeps no connection after them."""
        self._retired = True
        while self._idle:
            self._idle.pop().close()

    async def close(self) -> None:
        """Closes every connection and fails every call."""
        self._retired = self._closed = True
        for timer in (self._reaper, self._watch):
            if timer is not None:
                timer.cancel()
        for call in self._waiting:
            call.fail(unreachable("is no longer called"))
        self._waiting.clear()
        connecting = list(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        for connection in list(self._all):
            connection.end(unreachable("is no longer called"))
        if self._all:
            await self._emptied.wait()

    def _watch_until(self, due: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch, self._watched_until = self._loop.call_at(due, self._expire), due

    def _expire(self) -> None:
        """Fails the calls that are due, and looks again when the next one is."""
        now = max(self._loop.time(), self._watched_until)  # a timer may come a trifle early
        self._watch, self._watched_until = None, math.inf
        for call in [one for one in self._under_way if one.due <= now]:
            call.fail(timed_out())
        if self._under_way:
            self._watch_until(min(call.due for call in self._under_way))

    def _usable(self, repeatable: bool, now: float) -> Connection | None:
        """An idle connection that is most likely alive; old ones found on the way are closed."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            quiet = now - connection.idle_since
            if connection.open and quiet < connection.idle_limit and (repeatable or quiet < _SURELY_ALIVE):
                return connection
            connection.close()
        return None

    def _wait(self, call: Call) -> None:
        self._waiting.append(call)
        self._connect_if_wanted()

    def _next_waiting(self) -> Call | None:
        while self._waiting:
            call = self._waiting.popleft()
            if not call.done():
                return call
        return None

    def _connect_if_wanted(self) -> None:
        room = self.route.limits.connections - self.opened
        if room <= 0 or self._closed or not self._waiting:
            return
        wanted = sum(not call.done() for call in self._waiting) - len(self._connecting)
        for _ in range(min(wanted, room)):
            task = self._loop.create_task(self._connect())
            self._connecting.add(task)

    async def _connect(self) -> None:
        """Makes one connection and gives it to the first call that waits; if that fails, so does that call."""
        task = asyncio.current_task()
        assert task is not None
        try:
            connection = await self._open()
        except CodedError as error:
            if (call := self._next_waiting()) is not None:
                call.fail(error)
        else:
            self.release(connection, self.now())
        finally:
            self._connecting.discard(task)
        self._connect_if_wanted()

    async def _open(self) -> Connection:
        address = self.route.address
        trust = self._trust() if address.secure else None
        try:
            async with asyncio.timeout(self.route.limits.connect_timeout):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self),
                    address.host,
                    address.port,
                    ssl=trust,
                    server_hostname=address.host if trust is not None else None,
                )
        except TimeoutError:
            raise unreachable("did not accept a connection in time") from None
        except ssl.SSLError:
            raise unreachable("could not be reached: no trusted TLS connection") from None
        except (OSError, UnicodeError):
            raise unreachable() from None
        if not connection.open:
            raise unreachable("closed the connection")
        return connection

    def _trust(self) -> ssl.SSLContext:
        tls = self.route.tls
        return _system_trust() if tls is None else tls.context()

    def _reap(self) -> None:
        """Closes connections that have been idle too long, and looks again while there are others."""
        now = self._loop.time()
        for connection in [one for one in self._idle if now - one.idle_since >= one.idle_limit]:
            self._idle.remove(connection)
            connection.close()
        self._reaper = self._loop.call_later(self.route.limits.idle, self._reap) if self._idle else None
