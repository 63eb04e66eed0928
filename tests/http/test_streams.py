"""Subscriptions for clients: graphql-transport-ws and server-sent events, over real connections."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.errors import PARSE_FAILED, CodedError, ErrorCode, Family
from gateway.server.admission import Admission
from gateway.server.answering import Answer, Credentials, EncodableResult, GraphQLRequest
from gateway.server.graphql_http import HttpSettings
from gateway.server.health import Readiness
from gateway.server.websocket import SocketSettings
from gateway.server.websocket_protocol import WebSocketProtocol
from tests.http.gateway_on_loopback import Scripted, on_loopback, result
from tests.http.test_admission import limits_of

INIT = {"type": "connection_init"}
FORBIDDEN = ErrorCode("FORBIDDEN", Family.ACCESS, "Not allowed.", "Apply.", 403)
UNKNOWN = ErrorCode("UNAUTHENTICATED", Family.ACCESS, "Unknown caller.", "Send a key.", 401)


def subscribe(operation: str, query: str = "subscription { a }", **more: object) -> dict[str, object]:
    return {"id": operation, "type": "subscribe", "payload": {"query": query, **more}}


class Events:
    """A subscription that a test feeds, and sees closed."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[object] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def __call__(self, request: GraphQLRequest) -> AsyncGenerator[EncodableResult, None]:
        try:
            while (event := await self.coming.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield result(event)
        finally:
            self.closed.set()


class Client:
    """One WebSocket, seen from the client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, *messages: object) -> None:
        for message in messages:
            await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> Any:
        return json.loads(await self.socket.receive_str(timeout=5))

    async def code(self) -> int | None:
        """The code with which the connection is closed next."""
        received = await self.socket.receive(timeout=5)
        assert received.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), received
        return self.socket.close_code


@asynccontextmanager
async def connected(
    answering: Scripted, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Client]:
    async with (
        on_loopback(answering, **options) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{port}/graphql", protocols=("graphql-transport-ws",), headers=headers
        ) as socket,
    ):
        yield Client(socket)


async def test_a_subscription_gives_its_events_and_its_end() -> None:
    events = Events()
    async with connected(Scripted(events=events)) as client:
        await client.say(INIT)
        assert await client.hear() == {"type": "connection_ack"}
        await client.say(subscribe("1"))
        for value in (1, 2):
            events.coming.put_nowait(value)
            assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": value}}
        events.coming.put_nowait(None)
        assert await client.hear() == {"id": "1", "type": "complete"}
        await client.say(subscribe("1"))
        events.coming.put_nowait(3)
        assert (await client.hear())["payload"] == {"data": 3}


async def test_a_query_is_one_result_and_operations_run_side_by_side() -> None:
    answering = Scripted(reply=lambda request: Answer(result=result(request.operation_name)))
    async with connected(answering) as client:
        await client.say(INIT, *(subscribe(name, "{ a }", operationName=name) for name in ("A", "B")))
        assert await client.hear() == {"type": "connection_ack"}
        heard = [await client.hear() for _ in range(4)]
        for name in ("A", "B"):
            assert [message["type"] for message in heard if message["id"] == name] == ["next", "complete"]
            assert {"id": name, "type": "next", "payload": {"data": name}} in heard


async def test_completing_ends_the_subscription_behind_it() -> None:
    events = Events()
    async with connected(Scripted(events=events)) as client:
        await client.say(INIT, subscribe("1"))
        await client.hear()
        events.coming.put_nowait(1)
        await client.hear()
        await client.say({"id": "1", "type": "complete"})
        assert await asyncio.wait_for(events.closed.wait(), 5)


async def test_leaving_ends_every_subscription() -> None:
    events = Events()
    async with connected(Scripted(events=events)) as client:
        await client.say(INIT, subscribe("1"))
        await client.hear()
        events.coming.put_nowait(1)
        await client.hear()
        await client.socket.close()
        assert await asyncio.wait_for(events.closed.wait(), 5)


async def test_a_refusal_ends_its_operation_alone_and_says_why() -> None:
    events = Events()
    async with connected(Scripted(events=events)) as client:
        await client.say(INIT, subscribe("1"))
        await client.hear()
        events.coming.put_nowait(CodedError(FORBIDDEN, "The grant has ended."))
        heard = await client.hear()
        assert (heard["id"], heard["type"]) == ("1", "error")
        (error,) = heard["payload"]
        assert (error["message"], error["extensions"]["code"]) == ("The grant has ended.", "FORBIDDEN")
        assert error["extensions"]["requestId"]
        await client.say({"type": "ping"})
        assert await client.hear() == {"type": "pong"}


async def test_a_fault_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    answering = Scripted(reply=lambda request: ValueError("a secret"))
    async with connected(answering) as client:
        await client.say(INIT, subscribe("1", "{ a }"))
        await client.hear()
        heard = await client.hear()
        assert heard["payload"][0]["extensions"]["code"] == "INTERNAL"
        assert "secret" not in json.dumps(heard)
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        ([{"type": "unknown"}], 4400),
        ([{"type": "connection_init", "payload": 1}], 4400),
        ([INIT, {"type": "subscribe", "payload": {"query": "{a}"}}], 4400),
        ([INIT, {"id": "1", "type": "next", "payload": {}}], 4400),
        ([subscribe("1")], 4401),
        ([{"type": "ping"}, subscribe("1")], 4401),
        ([INIT, INIT], 4429),
        ([INIT, subscribe("1"), subscribe("1")], 4409),
        ([], 4408),
    ],
)  # fmt: skip
async def test_breaking_the_protocol_closes_with_its_code(messages: list[object], code: int) -> None:
    settings = SocketSettings(init_patience=0.05 if code == 4408 else 5.0)
    async with connected(Scripted(events=Events()), sockets=settings) as client:
        await client.say(*messages)
        while (received := await client.socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            assert json.loads(received.data)["type"] in ("connection_ack", "pong")
        assert client.socket.close_code == code


async def test_binary_messages_close_the_connection() -> None:
    async with connected(Scripted()) as client:
        await client.socket.send_bytes(b"{}")
        assert await client.code() == 4400


async def test_credentials_come_from_the_headers_and_from_the_first_message() -> None:
    answering = Scripted()
    async with connected(answering, {"X-API-Key": "from header", "X-Purpose": "p"}) as client:
        await client.say(
            {"type": "connection_init", "payload": {"authorization": "Bearer t", "X-API-Key": "k", "z": 1}}
        )
        await client.say(subscribe("1", "{ a }"))
        await client.hear()
        await client.hear()
    assert answering.asked[0][1] == Credentials(authorization="Bearer t", api_key="k", purpose="p")


@pytest.mark.parametrize(("refusal", "code"), [(UNKNOWN, 4401), (FORBIDDEN, 4403)])
async def test_a_caller_that_is_not_admitted_is_closed_out(refusal: ErrorCode, code: int) -> None:
    async with connected(Scripted(admitted=lambda credentials: CodedError(refusal, "no"))) as client:
        await client.say(INIT)
        assert await client.code() == code


@pytest.mark.parametrize(("origin", "allowed"), [("http://evil", False), ("https://pages", True), (None, True)])
async def test_pages_of_other_origins_connect_only_where_they_are_named(origin: str | None, allowed: bool) -> None:
    headers = {} if origin is None else {"Origin": origin}
    try:
        async with connected(Scripted(), headers, origins=("https://pages",)) as client:
            await client.say(INIT)
            assert (await client.hear(), allowed) == ({"type": "connection_ack"}, True)
    except aiohttp.WSServerHandshakeError as error:
        assert (error.status, allowed) == (403, False)  # noqa: PT017 - one of two outcomes


async def test_another_subprotocol_is_refused() -> None:
    async with (
        on_loopback(Scripted()) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/graphql") as socket,
    ):
        await socket.receive(timeout=5)
        assert socket.close_code == 4406


async def test_operations_on_a_connection_and_their_rate_are_bounded() -> None:
    sockets, admission = SocketSettings(operations=2), Admission(rates=limits_of(rate=1, burst=2))
    async with connected(Scripted(events=Events()), sockets=sockets, admission=admission) as client:
        await client.say(INIT, *(subscribe(str(number)) for number in range(3)))
        await client.hear()
        heard = await client.hear()
        assert (heard["id"], heard["payload"][0]["extensions"]["code"]) == ("2", "LIMIT_EXCEEDED")
        await client.say({"id": "1", "type": "complete"}, subscribe("3"))
        heard = await client.hear()
        assert (heard["id"], heard["payload"][0]["extensions"]["code"]) == ("3", "RATE_LIMITED")


async def test_connections_of_one_caller_are_bounded() -> None:
    options = {"http": HttpSettings(streams_of_one=1)}
    async with on_loopback(Scripted(events=Events()), **options) as port, aiohttp.ClientSession() as session:

        @asynccontextmanager
        async def another(key: str) -> AsyncIterator[Client]:
            async with session.ws_connect(
                f"http://127.0.0.1:{port}/graphql", protocols=("graphql-transport-ws",), headers={"X-API-Key": key}
            ) as socket:
                client = Client(socket)
                await client.say(INIT)
                yield client

        async with another("k") as first, another("k") as second, another("other") as third:
            assert await first.hear() == await third.hear() == {"type": "connection_ack"}
            assert await second.code() == 1013
            headers = {"X-API-Key": "k", "Accept": "text/event-stream"}
            async with session.post(
                f"http://127.0.0.1:{port}/graphql", json={"query": "{a}"}, headers=headers
            ) as refused:
                assert refused.status == 429
                assert (await refused.json(content_type=None))["errors"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"


async def test_an_event_stream_ends_when_the_server_stops_and_says_that_it_is_not_complete() -> None:
    events = Events()
    events.coming.put_nowait(1)
    async with on_loopback(Scripted(events=events), readiness=(readiness := Readiness())) as port:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://127.0.0.1:{port}/graphql", json={"query": "{a}"}, headers={"Accept": "text/event-stream"}
            ) as response,
        ):
            assert await response.content.readline() == b"event: next\n"
            readiness.stopping.set()
            rest = await response.text()
        assert "complete" not in rest
        assert await asyncio.wait_for(events.closed.wait(), 5)


async def events_of(port: int, accept: str = "text/event-stream") -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{a}"}, headers={"Accept": accept}) as response,
    ):
        return response.status, response.headers["Content-Type"], await response.text()


async def test_server_sent_events_give_results_and_their_end() -> None:
    events = Events()
    for value in (1, 2, None):
        events.coming.put_nowait(value)
    async with on_loopback(Scripted(events=events)) as port:
        assert await events_of(port) == (
            200,
            "text/event-stream; charset=utf-8",
            'event: next\ndata: {"data":1}\n\nevent: next\ndata: {"data":2}\n\nevent: complete\ndata:\n\n',
        )


async def test_a_stream_refused_before_it_begins_is_an_ordinary_refusal() -> None:
    events = Events()
    events.coming.put_nowait(CodedError(PARSE_FAILED, "no"))
    async with on_loopback(Scripted(events=events)) as port:
        status, kind, text = await events_of(port)
    assert (status, kind) == (400, "application/graphql-response+json; charset=utf-8")
    assert json.loads(text)["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSING_FAILED"


async def test_a_stream_refused_later_says_so_in_an_event() -> None:
    events = Events()
    for value in (1, CodedError(FORBIDDEN, "The grant has ended.")):
        events.coming.put_nowait(value)
    async with on_loopback(Scripted(events=events)) as port:
        status, _, text = await events_of(port)
    assert status == 200
    assert "The grant has ended." in text.split("\n\n")[1]
    assert text.endswith("event: complete\ndata:\n\n")


async def test_a_listener_that_leaves_ends_the_subscription() -> None:
    events = Events()
    events.coming.put_nowait(1)
    async with on_loopback(Scripted(events=events)) as port:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://127.0.0.1:{port}/graphql", json={"query": "{a}"}, headers={"Accept": "text/event-stream"}
            ) as response,
        ):
            await response.content.readline()
        assert await asyncio.wait_for(events.closed.wait(), 5)


async def test_the_server_stops_while_a_client_is_saying_good_bye(monkeypatch: pytest.MonkeyPatch) -> None:
    protocols: list[WebSocketProtocol] = []
    made = WebSocketProtocol.connection_made

    def make_and_keep(self: WebSocketProtocol, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        protocols.append(self)

    monkeypatch.setattr(WebSocketProtocol, "connection_made", make_and_keep)
    async with connected(Scripted()) as client:
        await client.say(INIT)
        await client.hear()
        protocols[0].conn.send_close(1000)
        protocols[0].shutdown()
        assert await client.code() == 1006
