"""Subscriptions at subgraphs: both forms of stream over HTTP, and WebSockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodedError
from gateway.execution.event_streams import MultipartResults, ServerSentEvents
from gateway.execution.subgraph_address import SubgraphRoute, TransportLimits, parse_address
from gateway.execution.transport import RoutedTransport
from gateway.server.answering import EncodableResult, GraphQLRequest
from tests.http.gateway_on_loopback import Scripted, on_loopback, result
from tests.transport.raw_subgraph import Behaviour, Peer, answer, once, raw_subgraph

BODY = b'{"query":"subscription{a}"}'
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
MULTIPART = (
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    b'Content-Type: multipart/mixed;boundary="graphql";subscriptionSpec=1.0\r\n\r\n--graphql'
)


def part(body: bytes) -> bytes:
    return b"\r\nContent-Type: application/json\r\n\r\n" + body + b"\r\n--graphql"


async def events_of(behave: Behaviour, **limits: object) -> tuple[list[bytes], str | None]:
    """The events of a subscription, and the code with which it failed, if it did."""
    async with raw_subgraph(behave) as served:
        transport = RoutedTransport({"a": served.route(**limits)})  # type: ignore[arg-type]
        got: list[bytes] = []
        try:
            async for event in transport.subscribe("a", BODY, (("X-Request-Id", "r"),)):
                got.append(event)
        except CodedError as error:
            return got, error.code.name
        finally:
            await transport.close()
        assert served.bodies == [BODY]
        assert b"X-Request-Id: r" in served.heads[0]
        return got, None


@pytest.mark.parametrize(
    ("reply", "events", "code"),
    [
        (SSE + b"event: next\ndata: 1\n\n:\n\nevent: next\ndata: 2\n\nevent: complete\n\n", [b"1", b"2"], None),
        (SSE + b"event: next\r\ndata: 1\r\n\r\nevent: complete\r\ndata:\r\n\r\n", [b"1"], None),
        (SSE + b"event: next\ndata: 1\n\n", [b"1"], "SUBGRAPH_UNREACHABLE"),
        (SSE, [], "SUBGRAPH_UNREACHABLE"),
        (SSE + b"data: " + b"x" * 2_000, [], "SUBGRAPH_MALFORMED"),
        (SSE + b"data: x\n" * 2_000, [], "SUBGRAPH_MALFORMED"),
        (MULTIPART + part(b"{}") + part(b'{"payload":{"data":1}}') + b"--\r\n", [b'{"data":1}'], None),
        (MULTIPART + part(b'{"payload":null,"errors":[{"message":"x"}]}') + b"--\r\n",
         [b'{"data":null,"errors":[{"message":"x"}]}'], None),
        (MULTIPART + part(b'{"payload":{"data":1}}'), [b'{"data":1}'], "SUBGRAPH_UNREACHABLE"),
        (MULTIPART + part(b"no json"), [], "SUBGRAPH_MALFORMED"),
        (MULTIPART + part(b'"' + b"x" * 2_000), [], "SUBGRAPH_MALFORMED"),
        (answer(b'{"errors":[]}'), [b'{"errors":[]}'], None),
        (answer(b"x" * 2_000), [], "SUBGRAPH_MALFORMED"),
        (b"HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", [], "SUBGRAPH_UNREACHABLE"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", [], "SUBGRAPH_MALFORMED"),
        (b"no http\r\n\r\n", [], "SUBGRAPH_MALFORMED"),
        (b"", [], "SUBGRAPH_UNREACHABLE"),
    ],
)  # fmt: skip
async def test_a_streamed_answer_gives_its_events_and_how_it_ended(
    reply: bytes, events: list[bytes], code: str | None
) -> None:
    assert await events_of(once(reply), answer_bytes=1_000) == (events, code)


async def test_closing_the_stream_closes_the_connection_behind_it() -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(SSE + b"data: 1\n\n")
        await peer.until_closed()

    async with raw_subgraph(endless) as served:
        transport = RoutedTransport({"a": served.route()})
        async with aclosing(transport.subscribe("a", BODY, ())) as events:
            assert await anext(events) == b"1"
        await asyncio.wait_for(served.closed.wait(), 5)
        await transport.close()


async def counting(request: GraphQLRequest) -> AsyncGenerator[EncodableResult, None]:
    for value in (1, 2):
        yield result(value)


@pytest.mark.parametrize("streams", ["http", "websocket"])
async def test_a_gateway_can_subscribe_at_a_gateway(streams: str) -> None:
    async with on_loopback(Scripted(events=counting)) as port:
        route = SubgraphRoute(parse_address("a", f"http://127.0.0.1:{port}/graphql"))
        transport = RoutedTransport({"a": replace(route, streams=streams)})  # type: ignore[arg-type]
        events = [event async for event in transport.subscribe("a", BODY, ())]
        assert events == [b'{"data":1}', b'{"data":2}']
        await transport.close()


ACK = '{"type":"connection_ack"}'


@pytest.mark.parametrize(
    ("says", "events", "code"),
    [
        ([ACK, '{"type":"ping"}', '{"id":"1","type":"next","payload":{"data":1}}', '{"id":"1","type":"complete"}'],
         [b'{"data":1}'], None),
        ([ACK, '{"id":"1","type":"error","payload":[{"message":"x"}]}'],
         [b'{"data":null,"errors":[{"message":"x"}]}'], None),
        ([ACK, '{"id":"1","type":"next","payload":{"data":1}}'], [b'{"data":1}'], "SUBGRAPH_UNREACHABLE"),
        ([], [], "SUBGRAPH_UNREACHABLE"),
        ([ACK, "{"], [], "SUBGRAPH_MALFORMED"),
        (['{"type":"next"}'], [], "SUBGRAPH_MALFORMED"),
        ([ACK, b"binary"], [], "SUBGRAPH_MALFORMED"),
        ([None], [], "SUBGRAPH_TIMED_OUT"),
    ],
)  # fmt: skip
async def test_a_websocket_gives_its_events_and_how_it_ended(
    says: list[object], events: list[bytes], code: str | None
) -> None:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("graphql-transport-ws",))
        await socket.prepare(request)
        for message in says:
            if message is None:
                while (await socket.receive()).type is WSMsgType.TEXT:
                    pass
            elif isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_str(str(message))
        return socket

    assert await over_websocket(serve) == (events, code)


async def test_another_websocket_protocol_is_malformed() -> None:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=503)

    assert await over_websocket(serve) == ([], "SUBGRAPH_MALFORMED")
    assert await over_websocket(refuse) == ([], "SUBGRAPH_UNREACHABLE")


async def over_websocket(serve: object) -> tuple[list[bytes], str | None]:
    application = web.Application()
    application.router.add_get("/graphql", serve)  # type: ignore[arg-type]
    async with TestServer(application) as server:
        route = SubgraphRoute(
            parse_address("a", str(server.make_url("/graphql"))),
            streams="websocket",
            limits=TransportLimits(connect_timeout=0.2),
        )
        transport = RoutedTransport({"a": route})
        got: list[bytes] = []
        try:
            async for event in transport.subscribe("a", BODY, ()):
                got.append(event)
        except CodedError as error:
            return got, error.code.name
        return got, None


STREAM = b"\xef:\nevent: next\ndata: {\ndata: }\n\nevent: ping\ndata: x\n\ndata: 2\r\n\r\ndata\n\nevent: complete\r\r"


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_events_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    decoder = ServerSentEvents(1_000)
    got = [event for start, end in pairwise(places) for event in decoder.feed(STREAM[start:end])]
    got += decoder.feed(b"\n")
    assert (got, decoder.ended) == ([b"{\n}", b"2"], True)


PARTS = b"--b" + b"".join(
    b"\r\nA: b\r\n\r\n" + body + b"\r\n--b" for body in (b'{"payload":1}', b"{}", b'{"payload":2}')
)


@given(st.lists(st.integers(0, len(PARTS)), max_size=6))
def test_parts_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(PARTS)]
    decoder = MultipartResults("b", 1_000)
    got = [event for start, end in pairwise(places) for event in decoder.feed(PARTS[start:end])]
    assert (got, decoder.ended) == ([b"1", b"2"], False)
    assert list(decoder.feed(b"--")) == []
    assert decoder.ended


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_bytes_give_events_or_a_coded_error(pieces: list[bytes]) -> None:
    for decoder in (ServerSentEvents(100), MultipartResults("-", 100)):
        refused = ""
        try:
            for piece in pieces:
                assert all(isinstance(event, bytes) for event in decoder.feed(piece))
        except CodedError as error:
            refused = error.code.name
        assert refused in ("", "SUBGRAPH_MALFORMED")
