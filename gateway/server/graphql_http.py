"""GraphQL over HTTP: the data endpoint (specification of the GraphQL foundation, draft of 2025).

This is the path of every request, so it works without a framework's request and response objects: headers are read in
one pass, the result is sent in one piece, and what does not change is made once.

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

from catalog_sync.languages import Language, language_of
from gateway.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, CodedError, ErrorReport, RequestError
from gateway.server.admission import Admission, Client, OpenStreams
from gateway.server.answering import ANONYMOUS, Answer, Answering, Credentials, GraphQLRequest
from gateway.server.error_bodies import INTERNAL_REPORT, encode_errors, report_of
from gateway.server.errors import NOT_ACCEPTABLE, UNSUPPORTED_MEDIA_TYPE
from gateway.server.headers import credentials_of, language_told, pick_headers, refuse_foreign_page, request_id_of
from gateway.server.negotiation import MediaType, is_json_body, negotiate
from gateway.server.rate_limits import RateLimitedError
from gateway.server.request_body import (
    ClientGoneError,
    Receive,
    build_request,
    check_size,
    is_batch,
    parameters_of_address,
    parameters_of_batch,
    parameters_of_body,
    read_body,
)
from gateway.server.responses import FixedHeaders, Headers, WholeResponse
from gateway.server.sse import stream_results
from gateway.server.stored_documents import StoredDocuments

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)
_ALWAYS = frozenset((401, 405, 406, 408, 413, 415, 429, 500, 503))
_NO_HEADERS: dict[bytes, bytes] = {}
_ALLOW = (b"allow", b"GET, POST")
# Each header costs as much as reading a small body: there are those that change what a client does, and no others.
_NO_STORE = (b"cache-control", b"no-store")
_FIXED: dict[MediaType, FixedHeaders] = {
    media_type: (
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    for media_type in MediaType
}
_UNSTORED: dict[MediaType, FixedHeaders] = {media_type: (*fixed, _NO_STORE) for media_type, fixed in _FIXED.items()}
_VARY = (b"vary", b"Accept, Authorization, X-API-Key, Prefer")


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
    """The data endpoint: POST, GET, and streams where ``text/event-stream`` is asked for.

    It is an ASGI application; a server that has a request whole calls ``respond`` itself. Open streams end when
    ``stopping`` is set.
    """

    def __init__(
        self,
        answering: Answering,
        admission: Admission,
        documents: StoredDocuments,
        settings: HttpSettings,
        streams: OpenStreams,
        stopping: asyncio.Event,
    ) -> None:
        self._answering = answering
        self._documents = documents
        self._admission = admission
        self._streams = streams
        self._settings = settings
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(scope, None, receive, send)
        if response is not None:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers()})
            await send({"type": "http.response.body", "body": response.body})

    async def respond(
        self, scope: Scope, body: bytes | None, receive: Receive | None = None, send: Send | None = None
    ) -> WholeResponse | None:
        """The response to a request; None where the client has gone, or was answered by a stream.

        ``body`` is None where it must be received yet. A body that came whole needs neither ``receive`` nor ``send``,
        unless ``Accept`` names event streams.
        """
        media_type, request_id, client = MediaType.JSON, "", scope.get("client")
        limits: Headers = []
        malformed, picked = True, _NO_HEADERS
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
                who = await admission.identify(self._answering, credentials, client)
                if (allowance := admission.count(who, client)) is not None:
                    limits = allowance.headers
            if media_type is MediaType.EVENT_STREAM:
                assert receive is not None
                assert send is not None
                headers = [*_UNSTORED[media_type], (b"x-request-id", request_id.encode()), *limits]
                requests, _ = await self._read(scope, receive, picked, request_id)
                await self._stream(_only(requests), credentials, who, client, headers, receive, send)
                return None
            # A body that comes slowly takes nobody's place: who has sent all of it is let in.
            if body is not None and scope["method"] == "POST":
                requests, batched = self._requests_in(body, picked, request_id)
            else:
                requests, batched = await self._read(scope, receive, picked, request_id)
            malformed = False
            admission.enter()
            try:
                if batched:
                    if len(requests) > 1:
                        admission.count(who, client, len(requests) - 1)
                    bodies = await asyncio.gather(*(self._in_batch(one, credentials) for one in requests))
                    told = [(b"x-request-id", request_id.encode()), *limits]
                    return WholeResponse(200, _UNSTORED[media_type], told, b"[" + b",".join(bodies) + b"]")
                answer = await self._answering.answer(self._documents.resolve(requests[0]), credentials)
                open_to = picked if scope["method"] == "GET" and credentials is ANONYMOUS else None
                return _response(answer, media_type, request_id, open_to, limits)
            finally:
                admission.leave()
        except ClientGoneError:
            return None
        except CodedError as error:
            status = error.code.status if error.code.status != 200 else 400
            if media_type is MediaType.JSON and not malformed and status not in _ALWAYS:
                status = 200
            if isinstance(error, RateLimitedError):
                limits = error.allowance.headers
            extra = [*_extra_headers(error), *limits]
            return _refusal(status, media_type, request_id, (report_of(error),), extra, language_told(picked))
        except RequestError as error:
            status = error.status if media_type is MediaType.GRAPHQL or error.status in _ALWAYS else 200
            return _refusal(status, media_type, request_id, error.errors, limits, language_told(picked))
        except Exception:  # noqa: BLE001 - nobody above answers: were one let through, the client would wait for ever
            _log.exception("request %s failed", request_id)
            return _refusal(500, media_type, request_id, (INTERNAL_REPORT,), limits)

    async def _stream(
        self,
        request: GraphQLRequest,
        credentials: Credentials,
        who: str | None,
        client: Client,
        headers: Headers,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answers as an event stream. Raises what refuses the operation before anything is sent."""
        whose = self._streams.enter(who, client)
        try:
            events = self._answering.subscribe(self._documents.resolve(request), credentials)
            await stream_results(events, request, headers, receive, send, self._stopping)
        finally:
            self._streams.leave(whose)

    async def _read(
        self, scope: Scope, receive: Receive | None, picked: dict[bytes, bytes], request_id: str
    ) -> tuple[list[GraphQLRequest], bool]:
        """The requests that were sent, and whether they came as a batch."""
        method = scope["method"]
        if method == "POST":
            assert receive is not None
            _check_declared(picked)
            settings = self._settings
            body = await read_body(receive, picked.get(b"content-length"), settings.body, settings.body_patience)
            return self._requests_in(body, picked, request_id)
        if method == "GET":
            refuse_foreign_page(picked, scope)
            return [build_request(parameters_of_address(scope["query_string"]), picked, request_id, True)], False
        raise CodedError(METHOD_NOT_ALLOWED, f"{method} is not answered here; send GET or POST.")

    def _requests_in(
        self, body: bytes, picked: dict[bytes, bytes], request_id: str
    ) -> tuple[list[GraphQLRequest], bool]:
        """The requests in a body, and whether they came as a batch."""
        _check_declared(picked)
        check_size(body, self._settings.body)
        if is_batch(body):
            batch = parameters_of_batch(body, self._settings.batch)
            return [build_request(one, picked, request_id, False) for one in batch], True
        return [build_request(parameters_of_body(body), picked, request_id, False)], False

    async def _in_batch(self, request: GraphQLRequest, credentials: Credentials) -> bytes:
        try:
            return (await self._answering.answer(self._documents.resolve(request), credentials)).result.encode()
        except CodedError as error:
            return encode_errors((report_of(error),), request.request_id, language_of(request.language))
        except RequestError as error:
            return encode_errors(error.errors, request.request_id, language_of(request.language))


def _check_declared(picked: dict[bytes, bytes]) -> None:
    """Raises CodedError UNSUPPORTED_MEDIA_TYPE where a body is not declared as plain JSON."""
    if not is_json_body(picked.get(b"content-type", b"")):
        raise CodedError(UNSUPPORTED_MEDIA_TYPE, "The body must be declared as `Content-Type: application/json`.")
    if b"content-encoding" in picked and picked[b"content-encoding"].lower() != b"identity":
        raise CodedError(UNSUPPORTED_MEDIA_TYPE, "The body must not have a content encoding.")


def _response(
    answer: Answer, media_type: MediaType, request_id: str, open_to: Mapping[bytes, bytes] | None, limits: Headers
) -> WholeResponse:
    """``open_to`` is the headers of a request whose answer caches may share; None: no cache may."""
    body = answer.result.encode()
    more = [(b"x-request-id", request_id.encode()), *answer.headers, *limits]
    if answer.partial:
        more.append((b"preference-applied", b"partial-data"))
    if open_to is None or answer.max_age is None:
        return WholeResponse(200, _UNSTORED[media_type], more, body)
    etag = b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'
    more += [_VARY, (b"etag", etag), (b"cache-control", b"public, max-age=%d" % answer.max_age)]
    if _matches(open_to.get(b"if-none-match", b""), etag):
        return WholeResponse(304, _FIXED[media_type], more, b"")
    return WholeResponse(200, _FIXED[media_type], more, body)


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


def _refusal(
    status: int,
    media_type: MediaType,
    request_id: str,
    errors: Sequence[ErrorReport],
    more: Headers,
    language: Language = Language.ENGLISH,
) -> WholeResponse:
    if media_type is MediaType.EVENT_STREAM:  # nothing was streamed, so the refusal is an ordinary response
        media_type = MediaType.GRAPHQL
    headers = [(b"x-request-id", request_id.encode()), *more]
    return WholeResponse(status, _UNSTORED[media_type], headers, encode_errors(errors, request_id, language))
