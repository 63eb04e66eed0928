"""All addresses of one listener as one ASGI application.

The data endpoint is looked up by its exact path before Starlette's routing: routing a request costs more than a small
answer does. Everything else (health, pages, administration) is Starlette's.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, ErrorReport
from gateway.server.admission import Admission, OpenStreams
from gateway.server.answering import Answering
from gateway.server.error_bodies import encode_errors
from gateway.server.errors import BODY_TOO_LARGE, NOT_FOUND, OVERLOADED
from gateway.server.graphql_http import GraphQLEndpoint, HttpSettings
from gateway.server.headers import pick_headers, request_id_of
from gateway.server.health import Readiness, health_routes
from gateway.server.stored_documents import StoredDocuments
from gateway.server.websocket import SocketSettings, WebSocketEndpoint

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_ALLOWED_HEADERS = ("Authorization", "Content-Type", "Prefer", "X-API-Key", "X-Case-Number", "X-Officer", "X-Purpose")
_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Application:
    """All addresses of one listener, made by ``build_application``. A server fails ``readiness`` before it stops."""

    def __init__(
        self,
        data: tuple[str, ASGIApplication, ASGIApplication],
        rest: ASGIApplication,
        origins: Sequence[str],
        readiness: Readiness,
        behind: Callable[[ASGIApplication], ASGIApplication] | None = None,
    ) -> None:
        self.readiness = readiness
        self._path, self._graphql, self._socket = data
        self._rest = rest
        entry = self._dispatch if not origins else _readable_by(origins, self._dispatch)
        self._entry = entry if behind is None else behind(entry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entry(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http" and scope["path"] == self._path:
            await self._graphql(scope, receive, send)
        elif kind == "websocket":
            if scope["path"] == self._path:
                await self._socket(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 4404})
        else:
            await self._rest(scope, receive, send)


def build_application(
    answering: Answering,
    readiness: Readiness,
    *,
    admission: Admission | None = None,
    http: HttpSettings | None = None,
    sockets: SocketSettings | None = None,
    documents: StoredDocuments | None = None,
    routes: Sequence[BaseRoute] = (),
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
    lifespan: Lifespan | None = None,
    behind: Callable[[ASGIApplication], ASGIApplication] | None = None,
    path: str = "/graphql",
) -> Application:
    """The application of a listener.

    ``routes`` are pages and other addresses beside the data endpoint at ``path``. ``origins`` are the web origins whose
    pages may read answers (``*``: all); none by default. ``hosts`` are the names by
    which it may be asked; any by default. ``lifespan`` runs around serving. ``behind`` puts the whole
    application behind something, such as trusted proxies.
    """
    admission = admission or Admission()
    documents = documents or StoredDocuments()
    http = http or HttpSettings()
    streams = OpenStreams(http.streams, http.streams_of_one)
    graphql = GraphQLEndpoint(answering, admission, documents, http, streams, readiness.stopping, wrapped=bool(origins))
    socket = WebSocketEndpoint(answering, admission, documents, sockets or SocketSettings(), streams, origins)
    refused: Any = {HTTPException: _refused}
    rest = Starlette(routes=[*health_routes(readiness), *routes], lifespan=lifespan, exception_handlers=refused)
    return Application((path, graphql, socket), _with_security_headers(rest), origins, readiness, _named(hosts, behind))


def _named(
    hosts: Sequence[str], behind: Callable[[ASGIApplication], ASGIApplication] | None
) -> Callable[[ASGIApplication], ASGIApplication] | None:
    """``behind``, where the header Host has to be one of ``hosts`` before anything else is looked at."""
    if not hosts:
        return behind
    return lambda application: TrustedHostMiddleware(
        application if behind is None else behind(application), allowed_hosts=hosts, www_redirect=False
    )


def _readable_by(origins: Sequence[str], application: ASGIApplication) -> ASGIApplication:
    return CORSMiddleware(
        application,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=_ALLOWED_HEADERS,
        expose_headers=("Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"),
        max_age=7200,
    )


_CODES = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: BODY_TOO_LARGE, 503: OVERLOADED}


async def _refused(request: Request, error: HTTPException) -> Response:
    """An address or a method that is not answered, in the form of every other error."""
    code = _CODES.get(error.status_code, BAD_REQUEST)
    request_id = request_id_of(pick_headers(()))
    body = encode_errors((ErrorReport(error.detail, code.name),), request_id)
    headers = {**(error.headers or {}), "X-Request-Id": request_id}
    return Response(body, error.status_code, headers, media_type="application/json")


def _with_security_headers(application: ASGIApplication) -> ASGIApplication:
    """Adds the headers that harden a browser's use of a page, unless the page sets its own."""

    async def hardened(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return

        async def send_hardened(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                own = {name for name, _ in headers}
                headers += [header for header in _HEADERS if header[0] not in own]
                if scope.get("scheme") == "https":
                    headers.append(_TRANSPORT_SECURITY)
                message["headers"] = headers
            await send(message)

        await application(scope, receive, send_hardened)

    return hardened
