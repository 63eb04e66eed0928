"""Subscriptions at subgraphs, over aiohttp: an HTTP answer that streams, or a WebSocket.

HTTP is the default, because the request is then a POST like every other and is signed like every other. Each
subscription has a connection of its own; closing it is how the subgraph learns that nobody listens any more.
"""

import asyncio
from collections.abc import AsyncGenerator
from email.message import Message

import aiohttp
import msgspec

from gateway.execution.event_streams import MultipartResults, ServerSentEvents
from gateway.execution.http_message import USER_AGENT, is_json
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport_errors import malformed, timed_out, too_large, unreachable, wrong_status

_ACCEPT = (
    "text/event-stream, multipart/mixed;subscriptionSpec=1.0;q=0.9, application/graphql-response+json;q=0.8, "
    "application/json;q=0.7"
)
_PROTOCOL = "graphql-transport-ws"
_HEARTBEAT = 20.0

Headers = tuple[tuple[str, str], ...]


async def subscribe_at(route: SubgraphRoute, body: bytes, headers: Headers) -> AsyncGenerator[bytes, None]:
    """The events of a subscription, each a GraphQL response as JSON. Raises CodedError as SubgraphTransport.send does.

    Closing the generator ends the subscription at the subgraph.
    """
    events = _over_websocket(route, body, headers) if route.streams == "websocket" else _over_http(route, body, headers)
    try:
        async for event in events:
            yield event
    except TimeoutError:
        raise timed_out() from None
    except aiohttp.WSServerHandshakeError as error:
        raise wrong_status(error.status) from None
    except aiohttp.ClientPayloadError:
        raise unreachable("broke off its answer") from None
    except aiohttp.ClientResponseError:
        raise malformed("sent something that is not a proper HTTP/1.1 answer") from None
    except (aiohttp.ClientError, OSError):
        raise unreachable() from None
    finally:
        await events.aclose()


def _session(route: SubgraphRoute) -> aiohttp.ClientSession:
    limits = route.limits
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=True if route.tls is None else route.tls.context()),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout),
        max_line_size=limits.header_bytes,
        max_field_size=limits.header_bytes,
    )


async def _over_http(route: SubgraphRoute, body: bytes, headers: Headers) -> AsyncGenerator[bytes, None]:
    own = {"Accept": _ACCEPT, "Content-Type": "application/json"}
    async with (
        _session(route) as session,
        session.post(
            route.address.url, data=body, headers=[*own.items(), *headers], proxy=route.proxy, allow_redirects=False
        ) as response,
    ):
        kind = response.headers.get("Content-Type", "")
        limit = route.limits.answer_bytes
        if is_json(kind.encode()):  # refused before it began, or a single result
            yield await _whole(response, limit)
            return
        if not 200 <= response.status < 300:
            raise wrong_status(response.status)
        decoder = _decoder(kind, limit)
        async for piece in response.content.iter_any():
            for result in decoder.feed(piece):
                yield result
            if decoder.ended:
                return
        raise unreachable("broke off its stream")


def _decoder(kind: str, limit: int) -> ServerSentEvents | MultipartResults:
    header = Message()
    header["Content-Type"] = kind
    if header.get_content_type() == "text/event-stream":
        return ServerSentEvents(limit)
    if header.get_content_type() == "multipart/mixed":
        return MultipartResults(header.get_boundary("-"), limit)
    raise malformed("answered a subscription with something other than a stream")


async def _whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


class _Message(msgspec.Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


async def _over_websocket(route: SubgraphRoute, body: bytes, headers: Headers) -> AsyncGenerator[bytes, None]:
    url = route.address.url.replace("http", "ws", 1)
    async with (
        _session(route) as session,
        session.ws_connect(
            url,
            protocols=(_PROTOCOL,),
            headers=headers,
            proxy=route.proxy,
            heartbeat=_HEARTBEAT,
            max_msg_size=route.limits.answer_bytes,
        ) as socket,
    ):
        if socket.protocol != _PROTOCOL:
            raise malformed(f"does not speak the WebSocket protocol {_PROTOCOL}")
        await socket.send_str('{"type":"connection_init"}')
        async with asyncio.timeout(route.limits.connect_timeout):
            while (message := await _receive(socket)).type != "connection_ack":
                await _pong(socket, message)
        await socket.send_str('{"id":"1","type":"subscribe","payload":' + body.decode() + "}")
        while (message := await _receive(socket)).type != "complete":
            if message.type == "next":
                yield bytes(message.payload)
            elif message.type == "error":
                yield b'{"data":null,"errors":' + bytes(message.payload) + b"}"
                return
            else:
                await _pong(socket, message)


async def _pong(socket: aiohttp.ClientWebSocketResponse, message: _Message) -> None:
    if message.type == "ping":
        await socket.send_str('{"type":"pong"}')
    elif message.type != "pong":
        raise malformed(f"broke the WebSocket protocol {_PROTOCOL}")


async def _receive(socket: aiohttp.ClientWebSocketResponse) -> _Message:
    received = await socket.receive()
    if received.type is aiohttp.WSMsgType.TEXT:
        try:
            return msgspec.json.decode(received.data, type=_Message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise malformed(f"broke the WebSocket protocol {_PROTOCOL}") from None
    if received.type is aiohttp.WSMsgType.BINARY:
        raise malformed(f"broke the WebSocket protocol {_PROTOCOL}")
    raise unreachable("closed the subscription's connection")
