"""What a caller can learn about itself: its schema as SDL, and why an operation would be answered or refused.

Both go by the credentials of the request alone; nothing here speaks about other callers, and nothing is executed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from graphql import print_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from catalog_sync.languages import language_of
from gateway.access.caller_view import CallerView
from gateway.access.explain import explain
from gateway.document_limits import DocumentLimits, parse_within
from gateway.errors import BAD_REQUEST, CodedError, RequestError
from gateway.memo import Memo
from gateway.server.admission import Admission
from gateway.server.answering import Answering, Credentials
from gateway.server.error_bodies import encode_errors, reports_of
from gateway.server.headers import credentials_of, pick_headers, request_id_of
from gateway.server.request_body import ClientGoneError, read_body

MAX_OPERATION = 100_000
PATIENCE = 15.0


class Viewed(Answering, Protocol):
    """A gateway that says what a caller sees."""

    async def view_of(self, credentials: Credentials) -> CallerView:
        """The view of whoever the credentials prove. Raises CodedError where they prove nobody."""

    def calls(self, grants: Iterable[str]) -> dict[str, dict[str, int]]:
        """Of grants with a ceiling: how many operations a day may use them (``perDay``), and have (``today``)."""


class _Explained(msgspec.Struct, forbid_unknown_fields=True):
    query: str


def own_view_routes(gateway: Viewed, admission: Admission, limits: DocumentLimits) -> list[BaseRoute]:
    """``GET /schema.graphql`` and ``POST /explain`` (JSON with ``query``), for the caller itself.

    They count as requests of the caller, and an operation to be explained is bounded like one to be answered.
    """
    schemas: Memo[str, bytes] = Memo(100)

    async def schema(request: Request, view: CallerView) -> Response:
        text = schemas.get(view.contract)
        if text is None:
            text = schemas.put(view.contract, print_schema(view.schema).encode())
        return Response(text, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})

    async def explained(request: Request, view: CallerView) -> Response:
        body = await read_body(request.receive, _declared(request), MAX_OPERATION, PATIENCE)
        try:
            query = msgspec.json.decode(body, type=_Explained).query
        except msgspec.DecodeError as error:
            raise CodedError(BAD_REQUEST, f'Send JSON such as {{"query": "{{ ... }}"}}: {error}.') from None
        parse_within(query, limits)
        fields = await asyncio.to_thread(explain, query, view, language_of(request.headers.get("accept-language")))
        calls = gateway.calls(field.grant for field in fields if field.grant is not None)
        told = {"version": 1, "at": datetime.now(UTC), "fields": fields, **({"calls": calls} if calls else {})}
        return Response(msgspec.json.encode(told), media_type="application/json", headers={"Cache-Control": "no-store"})

    return [
        Route("/schema.graphql", _for_caller(gateway, admission, schema), methods=["GET"]),
        Route("/explain", _for_caller(gateway, admission, explained), methods=["POST"]),
    ]


def _declared(request: Request) -> bytes | None:
    length = request.headers.get("content-length")
    return None if length is None else length.encode()


def _for_caller(
    gateway: Viewed, admission: Admission, answer: Callable[[Request, CallerView], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """``answer`` for whoever the request's credentials prove; what is refused has the form of every other error."""

    async def answered(request: Request) -> Response:
        request_id = ""
        try:
            picked = pick_headers(request.headers.raw)
            request_id = request_id_of(picked)
            credentials = credentials_of(picked, request.scope)
            client = request.scope.get("client")
            admission.count(await admission.identify(gateway, credentials, client), client)
            admission.enter()
            try:
                return await answer(request, await gateway.view_of(credentials))
            finally:
                admission.leave()
        except ClientGoneError:
            return Response(status_code=400)
        except (CodedError, RequestError) as error:
            status = error.status if isinstance(error, RequestError) else error.code.status
            headers = {"Cache-Control": "no-store", "X-Request-Id": request_id}
            if isinstance(error, CodedError) and "retryAfter" in error.details:
                headers["Retry-After"] = str(error.details["retryAfter"])
            body = encode_errors(reports_of(error), request_id, language_of(request.headers.get("accept-language")))
            return Response(body, status if status != 200 else 400, headers, media_type="application/json")

    return answered
