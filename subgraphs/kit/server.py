"""A department's HTTP side: ``POST /graphql`` for the gateway alone, ``GET /healthz`` for whoever watches."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from policies.context import ContextVerifier, RequestContext
from policies.masks import PseudonymKey
from subgraphs.kit.errors import REQUEST_MALFORMED, CodedError
from subgraphs.kit.execution import Executor
from subgraphs.kit.request import Request
from subgraphs.kit.schema import ServedSchema

PATH = "/graphql"
MAX_BODY = 16 * 1024 * 1024
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

_encode = msgspec.json.Encoder().encode


def make_app(
    schema: ServedSchema,
    store: object,
    description: str,
    verifier: ContextVerifier | None,
    clock: Callable[[], float] = time.time,
    data_times: Callable[[], Mapping[str, datetime]] | None = None,
    pseudonyms: PseudonymKey | None = None,
) -> Starlette:
    """The ASGI application of a department over its opened ``store``.

    ``data_times`` says when the data of each resource last really changed; who asks for the schema is told.

    ``pseudonyms`` is the secret for the mask of that name; without it such items are withheld.

    ``verifier`` checks the gateway's signature on every request; None (``--open``) answers anybody, in full.
    ``description`` is what health tells: the department and what it runs on.
    """
    executor = Executor(schema)

    async def graphql(http: HttpRequest) -> Response:
        media_type = GRAPHQL_JSON if GRAPHQL_JSON in http.headers.get("accept", "") else JSON
        try:
            body = await _body(http)
            context = _context(verifier, http, body, clock)
            answer = await executor.answer(_decoded(body), Request(store, context, pseudonyms))
            if data_times is not None and "_service" in (answer["data"] or ()):
                answer["extensions"] = {"dataTimes": data_times()}
        except CodedError as error:
            refusal = {"errors": [{"message": error.message, "extensions": {"code": error.code.name, **error.details}}]}
            return Response(_encode(refusal), error.code.status, media_type=media_type)
        return Response(_encode(answer), media_type=media_type)

    async def health(_: HttpRequest) -> Response:
        return Response(_encode({"status": "ok", "department": description}), media_type=JSON)

    return Starlette(routes=[Route(PATH, graphql, methods=["POST"]), Route("/healthz", health, methods=["GET"])])


def _context(
    verifier: ContextVerifier | None, http: HttpRequest, body: bytes, clock: Callable[[], float]
) -> RequestContext | None:
    if verifier is None:
        return None
    return verifier.verify(http.method, http.url.path, http.headers, body, clock())


async def _body(http: HttpRequest) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in http.stream():
        size += len(part)
        if size > MAX_BODY:
            raise CodedError(REQUEST_MALFORMED, f"The body is larger than {MAX_BODY} bytes.")
        parts.append(part)
    return b"".join(parts)


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise CodedError(REQUEST_MALFORMED, "The body is not JSON.") from None
