"""GraphQL over HTTP: the data endpoint (specification of the GraphQL foundation, draft of 2025).

This is the path of every request, so it is an ASGI application of its own, without a framework's request and response
objects: headers are read in one pass, the result is sent in one piece, and what does not change is made once.

Two kinds of refusal must not be mixed. What is wrong with the *HTTP request* (method, media type, size, identity, rate)
has its status under every media type. What is wrong with the *GraphQL request* inside a well-formed one (syntax,
validation, permission) has its code's status under ``application/graphql-response+json``, and 200 under
``application/json``, since old clients read every other status as a failure of the transport.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, CodedError, ErrorReport, RequestError
from gateway.server.admission import Admission, OpenStreams
from gateway.server.answering import ANONYMOUS, Answer, Answering, Credentials, GraphQLRequest
from gateway.server.error_bodies import INTERNAL_REPORT, encode_errors, report_of
from gateway.server.errors import NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE
from gateway.server.headers import credentials_of, pick_headers, refuse_foreign_page, request_id_of
from gateway.server.http_protocol import WHOLE_RESPONSE
from gateway.server.negotiation import MediaType, is_json_body, negotiate
from gateway.server.rate_limits import RateLimitedError
from gateway.server.request_body import (
    ClientGoneError,
    Receive,
    build_request,
    is_batch,
    parameters_of_address,
    parameters_of_batch,
    parameters_of_body,
    read_body,
)
from gateway.server.sse import stream_results
from gateway.server.stored_documents import StoredDocuments

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)
_ALWAYS = frozenset((401, 405, 406, 408, 413, 415, 429, 500, 503))
_ALLOW = (b"allow", b"GET, POST")
# Each header costs as much as reading a small body: there are those that change what a client does, and no others.
_FIXED: dict[MediaType, Headers] = {
    media_type: [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    for media_type in MediaType
}
# The same for the usual answer, as bytes, up to the value of X-Request-Id (see WHOLE_RESPONSE).
_USUAL_HEAD = {
    media_type: b"HTTP/1.1 200 OK\r\n%b\r\ncache-control: no-store\r\nx-request-id: "
    % b"\r\n".join(b"%b: %b" % header for header in headers)
    for media_type, headers in _FIXED.items()
}
_VARY = (b"vary", b"Accept, Authorization, X-API-Key, Prefer")
_NOTHING: Mapping[str, Any] = {}
_NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What an operator can set about the data endpoint: ``body`` in bytes, ``body_patience`` in seconds.

    ``batch`` is how many requests one body may hold; 0 refuses batches. ``streams`` is how many event streams and
    WebSockets this process keeps open, and ``streams_of_one`` for one caller; they do not count as requests under way,
    since most of the time nothing happens on them.
    """

    body: int = 1_000_000
    body_patience: float = 15.0
    batch: int = 0
    streams: int = 2_000
    streams_of_one: int = 100


class GraphQLEndpoint:
    """The ASGI application at ``/graphql``: POST, GET, and streams where ``text/event-stream`` is asked for.

    Open streams end when ``stopping`` is set. ``wrapped`` says that something between here and the server must see
    every response's headers.
    """

    def __init__(
        self,
        answering: Answering,
        admission: Admission,
        documents: StoredDocuments,
        settings: HttpSettings,
        streams: OpenStreams,
        stopping: asyncio.Event,
        *,
        wrapped: bool = False,
    ) -> None:
        self._wrapped = wrapped
        self._answering = answering
        self._documents = documents
        self._admission = admission
        self._streams = streams
        self._settings = settings
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        media_type, request_id = MediaType.JSON, ""
        limits: Headers = []
        malformed = True
        try:
            picked = pick_headers(scope["headers"])
            request_id = request_id_of(picked)
            chosen = negotiate(picked.get(b"accept", b""))
            if chosen is None:
                raise CodedError(NOT_ACCEPTABLE, "The gateway cannot answer in a media type that `Accept` names.")
            media_type = chosen
            credentials = credentials_of(picked, scope)
            admission = self._admission
            who = None
            if admission.rates is not None or media_type is MediaType.EVENT_STREAM:
                who = await admission.identify(self._answering, credentials, scope.get("client"))
                if (allowance := admission.count(who, scope.get("client"))) is not None:
                    limits = allowance.headers
            if media_type is MediaType.EVENT_STREAM:
                await self._stream(scope, receive, send, picked, request_id, credentials, who, limits)
                return
            # A body that comes slowly takes nobody's place: who has sent all of it is let in.
            requests, batched = await self._read(scope, receive, picked, request_id)
            malformed = False
            admission.enter()
            try:
                if batched:
                    if len(requests) > 1:
                        admission.count(who, scope.get("client"), len(requests) - 1)
                    bodies = await asyncio.gather(*(self._in_batch(one, credentials) for one in requests))
                    fixed = [*_FIXED[media_type], _NO_STORE, (b"x-request-id", request_id.encode()), *limits]
                    await _send(send, 200, fixed, b"[" + b",".join(bodies) + b"]")
                else:
                    answer = await self._answering.answer(self._documents.resolve(requests[0]), credentials)
                    body = answer.result.encode()
                    if limits or not self._respond_at_once(scope, answer, body, media_type, request_id):
                        headers = [*_headers_of(answer, media_type, request_id), *limits]
                        open_to_all = scope["method"] == "GET" and credentials is ANONYMOUS
                        await _respond(answer, body, headers, picked if open_to_all else None, send)
            finally:
                admission.leave()
        except ClientGoneError:
            return
        except CodedError as error:
            status = error.code.status if error.code.status != 200 else 400
            if media_type is MediaType.JSON and not malformed and status not in _ALWAYS:
                status = 200
            if isinstance(error, RateLimitedError):
                limits = error.allowance.headers
            extra = [*_extra_headers(error), *limits]
            await _refuse(send, status, media_type, request_id, (report_of(error),), extra)
        except RequestError as error:
            status = error.status if media_type is MediaType.GRAPHQL or error.status in _ALWAYS else 200
            await _refuse(send, status, media_type, request_id, error.errors, limits)
        except Exception:  # noqa: BLE001 - the last boundary: whatever went wrong inside is logged here and masked outside
            _log.exception("request %s failed", request_id)
            await _refuse(send, 500, media_type, request_id, (INTERNAL_REPORT,), limits)

    async def _stream(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        picked: dict[bytes, bytes],
        request_id: str,
        credentials: Credentials,
        who: str | None,
        limits: Headers,
    ) -> None:
        """Answers as an event stream. Raises what refuses the operation before anything is sent."""
        requests, _ = await self._read(scope, receive, picked, request_id)
        whose = self._streams.enter(who, scope.get("client"))
        try:
            fixed = [*_FIXED[MediaType.EVENT_STREAM], _NO_STORE, (b"x-request-id", request_id.encode()), *limits]
            events = self._answering.subscribe(self._documents.resolve(_only(requests)), credentials)
            await stream_results(events, request_id, fixed, receive, send, self._stopping)
        finally:
            self._streams.leave(whose)

    async def _read(
        self, scope: Scope, receive: Receive, picked: dict[bytes, bytes], request_id: str
    ) -> tuple[list[GraphQLRequest], bool]:
        """The requests that were sent, and whether they came as a batch."""
        method = scope["method"]
        if method == "POST":
            if not is_json_body(picked.get(b"content-type", b"")):
                raise CodedError(
                    UNSUPPORTED_MEDIA_TYPE, "The body must be declared as `Content-Type: application/json`."
                )
            if picked.get(b"content-encoding", b"identity").lower() != b"identity":
                raise CodedError(UNSUPPORTED_MEDIA_TYPE, "The body must not have a content encoding.")
            settings = self._settings
            body = await read_body(receive, picked.get(b"content-length"), settings.body, settings.body_patience)
            batched = is_batch(body)
            if batched:
                batch = parameters_of_batch(body, settings.batch)
                return [build_request(one, picked, request_id, False) for one in batch], True
            return [build_request(parameters_of_body(body), picked, request_id, False)], False
        if method == "GET":
            refuse_foreign_page(picked, scope)
            return [build_request(parameters_of_address(scope["query_string"]), picked, request_id, True)], False
        raise CodedError(METHOD_NOT_ALLOWED, f"{method} is not answered here; send GET or POST.")

    async def _in_batch(self, request: GraphQLRequest, credentials: Credentials) -> bytes:
        try:
            return (await self._answering.answer(self._documents.resolve(request), credentials)).result.encode()
        except CodedError as error:
            return encode_errors((report_of(error),), request.request_id)
        except RequestError as error:
            return encode_errors(error.errors, request.request_id)

    def _respond_at_once(
        self, scope: Scope, answer: Answer, body: bytes, media_type: MediaType, request_id: str
    ) -> bool:
        """Sends the usual answer in one piece where the server can (see WHOLE_RESPONSE); false if nothing was sent."""
        if self._wrapped or answer.max_age is not None or answer.partial or answer.headers:
            return False
        send_whole = scope.get("extensions", _NOTHING).get(WHOLE_RESPONSE)
        if send_whole is None:
            return False
        head = b"%b%b\r\ncontent-length: %d\r\n" % (_USUAL_HEAD[media_type], request_id.encode(), len(body))
        return bool(send_whole(head, body))


def _headers_of(answer: Answer, media_type: MediaType, request_id: str) -> Headers:
    headers = [*_FIXED[media_type], (b"x-request-id", request_id.encode()), *answer.headers]
    if answer.partial:
        headers.append((b"preference-applied", b"partial-data"))
    return headers


async def _respond(
    answer: Answer, body: bytes, headers: Headers, open_to: Mapping[bytes, bytes] | None, send: Send
) -> None:
    """Sends an answer. ``open_to`` is the headers of a request whose answer caches may share; None: no cache may."""
    if open_to is None or answer.max_age is None:
        await _send(send, 200, [*headers, _NO_STORE], body)
        return
    etag = b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'
    headers += [_VARY, (b"etag", etag), (b"cache-control", b"public, max-age=%d" % answer.max_age)]
    if _matches(open_to.get(b"if-none-match", b""), etag):
        await _send(send, 304, headers, b"")
    else:
        await _send(send, 200, headers, body)


def _only(requests: list[GraphQLRequest]) -> GraphQLRequest:
    if len(requests) != 1:
        raise CodedError(BAD_REQUEST, "A stream answers one request; a batch cannot be streamed.")
    return requests[0]


def _matches(if_none_match: bytes, etag: bytes) -> bool:
    return any(tag.strip().removeprefix(b"W/") in (etag, b"*") for tag in if_none_match.split(b","))


def _extra_headers(error: CodedError) -> Headers:
    """The headers that HTTP wants beside some statuses."""
    if error.code.status == 405:
        return [_ALLOW]
    if error.code.status == 401:
        return [(b"www-authenticate", b'Bearer realm="watersmeet"')]
    if "retryAfter" in error.details:
        return [(b"retry-after", str(error.details["retryAfter"]).encode())]
    return []


async def _refuse(
    send: Send,
    status: int,
    media_type: MediaType,
    request_id: str,
    errors: Sequence[ErrorReport],
    extra: Headers | None = None,
) -> None:
    if media_type is MediaType.EVENT_STREAM:  # nothing was streamed, so the refusal is an ordinary response
        media_type = MediaType.GRAPHQL
    headers = [*_FIXED[media_type], (b"x-request-id", request_id.encode()), _NO_STORE, *(extra or ())]
    await _send(send, status, headers, encode_errors(errors, request_id))


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    if status != 304:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
