"""From the bytes of a body, or the parameters of an address, to GraphQL requests (GraphQL over HTTP, "Request")."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.errors import BAD_REQUEST, CodedError
from gateway.server.answering import GraphQLRequest
from gateway.server.errors import BODY_TOO_LARGE, REQUEST_TIMED_OUT
from gateway.server.headers import prefers_partial, trace_parent_of

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGoneError(Exception):
    """The client closed its connection before the request was complete."""


class RequestParameters(msgspec.Struct, frozen=True, rename="camel"):
    """A request as clients write it, in JSON or in an address. Other keys are ignored, as the specification asks."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, object] | None = None
    extensions: dict[str, object] | None = None


_decode_one = msgspec.json.Decoder(RequestParameters).decode
_decode_many = msgspec.json.Decoder(list[RequestParameters]).decode
_decode_object = msgspec.json.Decoder(dict[str, object]).decode
_NOTHING: Mapping[str, object] = {}
_NAMES = frozenset(("query", "documentId", "operationName", "variables", "extensions"))


async def read_body(receive: Receive, declared: bytes | None, limit: int, patience: float) -> bytes:
    """The whole body. ``declared`` is Content-Length, ``limit`` in bytes, ``patience`` in seconds for a body in parts.

    Raises CodedError BODY_TOO_LARGE (before reading where the length is declared, else no later than a part above it)
    or REQUEST_TIMED_OUT, and ClientGoneError.
    """
    if declared is not None and int(declared) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        try:
            async with asyncio.timeout(patience):
                return await _read_rest(receive, body, limit)
        except TimeoutError:
            raise CodedError(REQUEST_TIMED_OUT, f"The body did not arrive within {patience:g} seconds.") from None
    return body


async def _read_rest(receive: Receive, first: bytes, limit: int) -> bytes:
    parts, size = [first], len(first)
    while True:
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False):
            return b"".join(parts)


def check_size(body: bytes, limit: int) -> None:
    """Raises CodedError BODY_TOO_LARGE."""
    if len(body) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> CodedError:
    return CodedError(BODY_TOO_LARGE, f"The body is larger than {limit} bytes.", {"limit": limit})


def parameters_of_body(body: bytes) -> RequestParameters:
    """The one request in a JSON body. Raises CodedError BAD_REQUEST naming the place that is wrong."""
    try:
        return _decode_one(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad_json("body", error) from None


def is_batch(body: bytes) -> bool:
    """Whether a JSON body is an array, that is, several requests."""
    return body[:1] == b"[" or body.lstrip()[:1] == b"["


def parameters_of_batch(body: bytes, limit: int) -> list[RequestParameters]:
    """The requests of a batch. Raises CodedError BAD_REQUEST where batches are off (``limit`` 0), empty or too long."""
    if limit == 0:
        raise CodedError(BAD_REQUEST, "The body is a JSON array; several requests in one body are not enabled here.")
    try:
        batch = _decode_many(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad_json("body", error) from None
    if not 1 <= len(batch) <= limit:
        details = {"limit": limit, "found": len(batch)}
        raise CodedError(BAD_REQUEST, f"A batch holds 1 to {limit} requests; this one holds {len(batch)}.", details)
    return batch


def parameters_of_address(query_string: bytes) -> RequestParameters:
    """The request in the parameters of a GET. Raises CodedError BAD_REQUEST naming the parameter that is wrong."""
    given: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=32
        )
    except ValueError:
        raise CodedError(
            BAD_REQUEST, "The parameters of the address are not percent-encoded UTF-8, or too many."
        ) from None
    for name, value in pairs:
        if name in given and name in _NAMES:
            raise CodedError(BAD_REQUEST, f"The parameter `{name}` stands in the address more than once.")
        given[name] = value
    return RequestParameters(
        query=given.get("query") or None,
        document_id=given.get("documentId") or None,
        operation_name=given.get("operationName") or None,
        variables=_object(given, "variables"),
        extensions=_object(given, "extensions"),
    )


def build_request(
    given: RequestParameters, picked: dict[bytes, bytes], request_id: str, queries_only: bool
) -> GraphQLRequest:
    """A request as the pipeline takes it; ``picked`` are its headers.

    Raises CodedError BAD_REQUEST where it names nothing to execute, or a header is not UTF-8.
    """
    document_id = given.document_id
    if document_id is None and given.extensions is not None and "persistedQuery" in given.extensions:
        document_id = _persisted_hash(given.extensions["persistedQuery"])
    if not given.query and not document_id:
        raise CodedError(BAD_REQUEST, "The request has neither a `query` nor a `documentId`.")
    return GraphQLRequest(
        document=given.query or None,
        document_id=document_id,
        operation_name=given.operation_name or None,
        variables=given.variables or _NOTHING,
        extensions=given.extensions or _NOTHING,
        queries_only=queries_only,
        prefer_partial=b"prefer" in picked and prefers_partial(picked[b"prefer"]),
        request_id=request_id,
        traceparent=trace_parent_of(picked),
        language=_language(picked),
    )


def _language(picked: dict[bytes, bytes]) -> str | None:
    """``Accept-Language`` as sent; whatever its bytes, a preference refuses no request."""
    sent = picked.get(b"accept-language")
    return None if sent is None else sent.decode("latin-1")


def _persisted_hash(extension: object) -> str:
    if isinstance(extension, dict) and extension.get("version") == 1:
        digest = extension.get("sha256Hash")
        if isinstance(digest, str) and len(digest) == 64:
            return f"sha256:{digest.lower()}"
    raise CodedError(
        BAD_REQUEST, "`extensions.persistedQuery` must hold `version` 1 and a `sha256Hash` of 64 hex digits."
    )


def _object(given: Mapping[str, str], name: str) -> dict[str, object] | None:
    text = given.get(name)
    if not text or text == "null":
        return None
    try:
        return _decode_object(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad_json(f"parameter `{name}`", error) from None


def _bad_json(where: str, error: Exception) -> CodedError:
    if isinstance(error, msgspec.ValidationError):
        return CodedError(BAD_REQUEST, f"The {where} is JSON, but not a GraphQL request: {error}.")
    if isinstance(error, RecursionError):
        return CodedError(BAD_REQUEST, f"The {where} is nested too deeply.")
    return CodedError(BAD_REQUEST, f"The {where} is not JSON in UTF-8: {error}.")
