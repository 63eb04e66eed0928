"""Requests that came whole are answered without ASGI, and exactly as those that did not."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from gateway.errors import ErrorReport, RequestError
from gateway.server import http_protocol
from gateway.server.admission import Admission
from gateway.server.answering import Answer, GraphQLRequest
from gateway.server.application import Application
from gateway.server.graphql_http import HttpSettings
from gateway.server.http_protocol import BoundedHttpProtocol
from gateway.server.proxies import TrustedProxies
from gateway.server.rate_limits import Rate, RateLimits, SharedBuckets
from gateway.server.responses import WholeResponse
from tests.http.gateway_on_loopback import Scripted, on_loopback, result

JSON = b"Content-Type: application/json\r\n"
QUERY = b'{"query":"{a}"}'


def post(headers: bytes = JSON, body: bytes = QUERY, host: bytes = b"a") -> bytes:
    return b"POST /graphql HTTP/1.1\r\nHost: %b\r\nX-Request-Id: r\r\n%bContent-Length: %d\r\n\r\n%b" % (
        host, headers, len(body), body,
    )  # fmt: skip


class Conversation:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *pieces: bytes) -> tuple[bytes, list[bytes], bytes]:
        """Status line, the other lines of the head in order but for the date, and the body."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> tuple[bytes, list[bytes], bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        status, *lines = head.strip().split(b"\r\n")
        length = next(int(line[16:]) for line in lines if line.startswith(b"content-length: "))
        kept = sorted(line for line in lines if not line.startswith(b"date: "))
        return status, kept, await asyncio.wait_for(self.reader.readexactly(length), 10)


async def connected(port: int) -> Conversation:
    return Conversation(*await asyncio.open_connection("127.0.0.1", port))


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of the requests that were answered whole."""
    bodies: list[bytes] = []
    respond = Application.respond

    def noted(self: Application, scope: dict[str, Any], body: bytes) -> Any:
        bodies.append(body)
        return respond(self, scope, body)

    monkeypatch.setattr(Application, "respond", noted)
    return bodies


def never(self: Application, path: bytes, host: bytes, *, of_page: bool) -> bool:
    """In place of ``Application.takes``: everything goes through ASGI."""
    return False


def refused(request: GraphQLRequest) -> Exception:
    return RequestError([ErrorReport("No.", "VALIDATION_FAILED")])


def failed(request: GraphQLRequest) -> Exception:
    return ZeroDivisionError()


def partial_answer(request: GraphQLRequest) -> Answer:
    return Answer(result=result(1), partial=True, headers=((b"x-more", b"1"),))


@pytest.mark.parametrize(
    ("headers", "body", "reply"),
    [
        (JSON, QUERY, None),
        (JSON + b"Accept: application/graphql-response+json\r\n", QUERY, None),
        (JSON + b"Prefer: partial-data\r\n", QUERY, partial_answer),
        (JSON, QUERY, refused),
        (JSON + b"Accept: application/graphql-response+json\r\n", QUERY, refused),
        (JSON, QUERY, failed),
        (JSON, b"", None),
        (JSON, b"{", None),
        (JSON, b"[%b,%b]" % (QUERY, QUERY), None),
        (JSON, b'{"query":"%b"}' % (b"a" * 2_000), None),
        (JSON + b"Accept: image/png\r\n", QUERY, None),
        (b"Content-Type: text/plain\r\n", QUERY, None),
        (JSON + b"Content-Encoding: gzip\r\n", QUERY, None),
        (JSON + b"X-API-Key: a\r\nX-API-Key: b\r\n", QUERY, None),
        (JSON + b"X-API-Key: \xff\r\n", QUERY, None),
    ],
)
async def test_a_whole_request_is_answered_as_one_that_goes_through_asgi(
    whole: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    headers: bytes,
    body: bytes,
    reply: Callable[[GraphQLRequest], Answer | Exception] | None,
) -> None:
    answering = Scripted() if reply is None else Scripted(reply=reply)
    async with on_loopback(answering, http=HttpSettings(body=1_000, batch=2)) as port:
        connection = await connected(port)
        with closing(connection.writer):
            at_once = await connection.ask(post(headers, body))
            assert whole == [body]
            monkeypatch.setattr(Application, "takes", never)
            by_asgi = await connection.ask(post(headers, body))
            assert whole == [body]
    assert at_once == by_asgi


@pytest.mark.parametrize(
    "address",
    [
        b"/graphql?query={a}",
        b"/graphql?query=%7Ba%7D&operationName=%E4%B8%AD",
        b"/graphql?query={a}&query={b}",
        b"/graphql?query=mutation{a}&variables=[]",
        b"/graphql?",
        b"/graphql",
    ],
)
async def test_a_get_is_answered_at_once_as_by_asgi(
    whole: list[bytes], monkeypatch: pytest.MonkeyPatch, address: bytes
) -> None:
    message = b"GET %b HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\r\n\r\n" % address
    answering = Scripted(reply=lambda request: Answer(result=result(request.operation_name), max_age=60))
    async with on_loopback(answering) as port:
        connection = await connected(port)
        with closing(connection.writer):
            at_once = await connection.ask(message)
            assert whole == [b""]
            monkeypatch.setattr(Application, "takes", never)
            by_asgi = await connection.ask(message)
            assert whole == [b""]
    assert at_once == by_asgi
    assert len(answering.asked) in (0, 2)
    assert answering.asked[:1] == answering.asked[1:]


async def test_what_a_cache_holds_already_is_answered_by_a_head_alone(whole: list[bytes]) -> None:
    ask = b"GET /graphql?query={a} HTTP/1.1\r\nHost: a\r\n%b\r\n"
    async with on_loopback(Scripted(reply=lambda _: Answer(result=result(1), max_age=60))) as port:
        connection = await connected(port)
        with closing(connection.writer):
            _, head, _ = await connection.ask(ask % b"")
            (etag,) = [line.partition(b": ")[2] for line in head if line.startswith(b"etag: ")]
            connection.writer.write(ask % b"If-None-Match: %b\r\n" % etag)
            unchanged = await asyncio.wait_for(connection.reader.readuntil(b"\r\n\r\n"), 10)
            _, _, body = await connection.ask(ask % b"")
    assert unchanged.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert b"content-length" not in unchanged
    assert (body, len(whole)) == (b'{"data":1}', 3)


async def test_a_page_of_another_origin_reads_an_answer_only_where_the_settings_let_it(whole: list[bytes]) -> None:
    message = post(JSON + b"Origin: http://page\r\n")
    for origins, way in (((), [QUERY]), (("http://page",), [])):
        whole.clear()
        async with on_loopback(Scripted(), origins=origins) as port:
            connection = await connected(port)
            with closing(connection.writer):
                _, head, body = await connection.ask(message)
        assert (body, whole) == (b'{"data":{"a":1}}', way)
        assert (b"access-control-allow-origin: http://page" in head) is bool(origins)


async def test_a_body_in_parts_is_answered_as_a_whole_one(whole: list[bytes]) -> None:
    answering = Scripted()
    message = post()
    async with on_loopback(answering) as port:
        connection = await connected(port)
        with closing(connection.writer):
            expected = await connection.ask(message)
            for cut in range(1, len(message)):
                assert await connection.ask(message[:cut], message[cut:]) == expected
    assert len(answering.asked) == len(message)
    assert set(whole) == {QUERY}


@pytest.mark.parametrize(("bound", "value"), [("WHOLE_PATIENCE", 0.0), ("WHOLE_BYTES", 3), ("WHOLE_PARTS", 0)])
async def test_a_body_whose_rest_is_late_or_large_or_in_many_parts_is_answered_through_asgi(
    bound: str, value: float, whole: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, give_up = asyncio.Event(), BoundedHttpProtocol._go_the_ordinary_way

    def noted(self: BoundedHttpProtocol) -> None:
        give_up(self)
        given_up.set()

    monkeypatch.setattr(BoundedHttpProtocol, "_go_the_ordinary_way", noted)
    monkeypatch.setattr(http_protocol, bound, value)
    message = post()
    async with on_loopback(Scripted()) as port:
        connection = await connected(port)
        with closing(connection.writer):
            expected = await connection.ask(message)
            connection.writer.write(message[:-5])
            await asyncio.wait_for(given_up.wait(), 10)
            assert await connection.ask(message[-5:]) == expected
    assert whole == [QUERY]


async def test_a_request_whose_rest_comes_while_the_server_stops_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, wait_for_rest = asyncio.Event(), BoundedHttpProtocol._wait_for_rest

    def noted(self: BoundedHttpProtocol, parts: list[bytes]) -> None:
        wait_for_rest(self, parts)
        begun.set()

    def shut_down_and_go_on(self: BoundedHttpProtocol) -> None:
        shutdown(self)
        connection.writer.write(message[-5:])

    shutdown, message = BoundedHttpProtocol.shutdown, post()
    monkeypatch.setattr(BoundedHttpProtocol, "_wait_for_rest", noted)
    monkeypatch.setattr(BoundedHttpProtocol, "shutdown", shut_down_and_go_on)
    monkeypatch.setattr(http_protocol, "WHOLE_PATIENCE", 60.0)
    async with on_loopback(Scripted()) as port:
        connection = await connected(port)
        connection.writer.write(message[:-5])
        await asyncio.wait_for(begun.wait(), 10)
    with closing(connection.writer):
        status, lines, _ = await connection.answer()
        assert status == b"HTTP/1.1 200 OK"
        assert b"connection: close" in lines


async def test_chunks_that_came_together_are_one_body(whole: list[bytes]) -> None:
    chunked = b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + JSON
    async with on_loopback(Scripted()) as port:
        connection = await connected(port)
        with closing(connection.writer):
            status, _, body = await connection.ask(
                chunked + b'\r\n9\r\n{"query":\r\n6\r\n"{a}"}\r\n0\r\nX-API-Key: stolen\r\n\r\n'
            )
    assert (status, body, whole) == (b"HTTP/1.1 200 OK", b'{"data":{"a":1}}', [QUERY])


async def test_requests_behind_a_whole_one_wait_for_its_answer() -> None:
    turn: asyncio.Queue[None] = asyncio.Queue()
    answering = Scripted(wait=turn.get, reply=lambda request: Answer(result=result(request.document)))
    async with on_loopback(answering) as port:
        connection = await connected(port)
        with closing(connection.writer):
            connection.writer.write(b"".join(post(body=b'{"query":"{q%d}"}' % n) for n in range(4)))
            for number in range(4):
                turn.put_nowait(None)
                assert (await connection.answer())[2] == b'{"data":"{q%d}"}' % number
                assert len(answering.asked) <= number + 2


async def test_only_who_is_named_as_the_host_is_answered() -> None:
    async with on_loopback(Scripted(), hosts=("a", "*.b")) as port:
        connection = await connected(port)
        with closing(connection.writer):
            found = {host: (await connection.ask(post(host=host)))[0][9:12] for host in (b"a", b"a:80", b"c.b", b"ab")}
    assert found == {b"a": b"200", b"a:80": b"200", b"c.b": b"200", b"ab": b"400"}


async def test_a_whole_request_counts_against_the_address_that_a_trusted_proxy_tells(whole: list[bytes]) -> None:
    once = Rate("address", 0.001, 1)
    admission = Admission(rates=RateLimits(SharedBuckets(64), None, once))
    behind = partial(TrustedProxies, proxies=("127.0.0.1",), certificates=False)
    async with on_loopback(Scripted(), admission=admission, behind=behind) as port:
        connection = await connected(port)
        with closing(connection.writer):
            asked = [post(JSON + b"X-Forwarded-For: 10.0.0.%d\r\n" % number) for number in (1, 2, 1)]
            assert [(await connection.ask(message))[0][9:12] for message in asked] == [b"200", b"200", b"429"]
    assert len(whole) == 3


async def test_a_server_that_stops_closes_after_the_answer_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        asked.set()
        await release.wait()

    shutdown = BoundedHttpProtocol.shutdown

    def shut_down_and_release(self: BoundedHttpProtocol) -> None:
        shutdown(self)
        release.set()

    monkeypatch.setattr(BoundedHttpProtocol, "shutdown", shut_down_and_release)
    async with on_loopback(Scripted(wait=wait)) as port:
        connection = await connected(port)
        connection.writer.write(post())
        await asyncio.wait_for(asked.wait(), 10)
    with closing(connection.writer):
        status, lines, _ = await connection.answer()
        assert status == b"HTTP/1.1 200 OK"
        assert b"connection: close" in lines
        assert await asyncio.wait_for(connection.reader.read(), 10) == b""


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = BoundedHttpProtocol.connection_made

    def made_impatient(self: BoundedHttpProtocol, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        self.timeout_keep_alive = 0

    monkeypatch.setattr(BoundedHttpProtocol, "connection_made", made_impatient)
    async with on_loopback(Scripted()) as port:
        connection = await connected(port)
        with closing(connection.writer):
            assert (await connection.ask(post()))[0] == b"HTTP/1.1 200 OK"
            assert await asyncio.wait_for(connection.reader.read(), 10) == b""


async def test_a_connection_whose_request_is_under_way_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    protocols: list[BoundedHttpProtocol] = []
    made = BoundedHttpProtocol.connection_made

    def made_and_kept(self: BoundedHttpProtocol, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        protocols.append(self)

    async def look() -> None:
        protocols[0].timeout_keep_alive_handler()

    monkeypatch.setattr(BoundedHttpProtocol, "connection_made", made_and_kept)
    async with on_loopback(Scripted(wait=look)) as port:
        connection = await connected(port)
        with closing(connection.writer):
            for _ in range(3):
                assert (await connection.ask(post()))[0] == b"HTTP/1.1 200 OK"
                assert protocols[0].timeout_keep_alive_task is not None


def test_a_header_that_would_be_taken_for_two_is_never_sent() -> None:
    response = WholeResponse(200, (), [(b"x", b"1\r\nset-cookie: 2")], b"")
    with pytest.raises(ValueError, match="line feed"):
        response.head()
