"""GraphQL over server-sent events, distinct connections mode: one operation, one stream (graphql-sse protocol).

Each result is an event ``next``; ``complete`` ends the stream. A comment every few seconds keeps proxies from closing
an idle stream and lets a vanished client be noticed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any

from catalog_sync.languages import language_of
from gateway.errors import CodedError, RequestError
from gateway.server.answering import EncodableResult, GraphQLRequest
from gateway.server.error_bodies import INTERNAL_REPORT, encode_errors, reports_of
from gateway.server.request_body import Receive

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)
_COMPLETE = b"event: complete\ndata:\n\n"
_COMMENT = b":\n\n"


async def stream_results(
    events: AsyncGenerator[EncodableResult, None],
    request: GraphQLRequest,
    headers: list[tuple[bytes, bytes]],
    receive: Receive,
    send: Send,
    stopping: asyncio.Event,
    *,
    patience: float = 0.5,
    keep_alive: float = 12.0,
) -> None:
    """Sends the ``events`` that answer ``request`` until they end or the client leaves, and closes them.

    Raises CodedError or RequestError, with nothing sent yet, where the operation is refused within ``patience``
    seconds; what comes later is an event. ``keep_alive`` is in seconds. When the server is ``stopping`` the stream ends
    without ``complete``, from which a client knows to ask again.
    """
    started = False

    async def write(data: bytes, more: bool = True) -> None:
        nonlocal started
        if not started:
            started = True
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data, "more_body": more})

    gone = asyncio.ensure_future(_client_leaves(receive))
    stopped = asyncio.ensure_future(stopping.wait())
    coming: asyncio.Future[EncodableResult] = asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait(
                (coming, gone, stopped), timeout=keep_alive if started else patience, return_when="FIRST_COMPLETED"
            )
            if gone.done():
                return
            if stopped.done() and not coming.done():
                await write(b"", more=False)
                return
            if not coming.done():
                await write(_COMMENT)
                continue
            try:
                result = coming.result()
            except StopAsyncIteration:
                break
            except (CodedError, RequestError) as error:
                if not started:
                    raise
                await write(_event(encode_errors(reports_of(error), request.request_id, language_of(request.language))))
                break
            except Exception:  # noqa: BLE001 - the response has begun: were one let through, it would break off untold
                _log.exception("request %s failed", request.request_id)
                await write(_event(encode_errors((INTERNAL_REPORT,), request.request_id)))
                break
            await write(_event(result.encode()))
            coming = asyncio.ensure_future(anext(events))
        await write(_COMPLETE, more=False)
    finally:
        for waiting in (gone, stopped, coming):
            waiting.cancel()
        await asyncio.gather(gone, stopped, coming, return_exceptions=True)
        await events.aclose()


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(body: bytes) -> bytes:
    """JSON holds no raw line feed, so one ``data`` line holds it all."""
    return b"event: next\ndata: " + body + b"\n\n"
