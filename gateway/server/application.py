"""All addresses of one listener as one ASGI application.

The data endpoint is looked up by its exact path before Starlette's routing: routing a request costs more than a small
answer does. A request for it that came whole need not even become ASGI's (see http_protocol). Everything else (health,
pages, administration) is Starlette's.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

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
from gateway.server.responses import WholeResponse
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


class Behind(Protocol):
    """An application that stands before another and sees more of a request than that would, such as TrustedProxies."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def look(self, scope: Scope) -> Scope:
        """The scope as the other is to have it."""


class Application:
    """All addresses of one listener, made by ``build_application``.

    A server fails ``readiness`` before it stops, and calls ``look_now`` in its event loop when it is told by SIGHUP
    that something which was read may have changed.
    """

    def __init__(
        self,
        data: tuple[str, GraphQLEndpoint, ASGIApplication],
        rest: ASGIApplication,
        origins: Sequence[str],
        hosts: Sequence[str],
        readiness: Readiness,
        behind: Callable[[ASGIApplication], Behind] | None,
        look_now: Callable[[], None],
    ) -> None:
        self.readiness = readiness
        self.look_now = look_now
        self._path, self._graphql, self._socket = data
        self._address = self._path.encode()
        self._rest = rest
        # Patterns are the middleware's to judge; a host that is named in full is let in by either.
        self._names = frozenset(host.encode() for host in hosts)
        self._read_by_pages = bool(origins)
        entry = self._dispatch if not origins else _readable_by(origins, self._dispatch)
        behind_proxies = None if behind is None else behind(entry)
        self._look = None if behind_proxies is None else behind_proxies.look
        self._entry = behind_proxies or entry
        if hosts:
            self._entry = TrustedHostMiddleware(self._entry, allowed_hosts=hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entry(scope, receive, send)

    def takes(self, path: bytes, host: bytes, *, of_page: bool) -> bool:
        """See TakesWhole. What a page of another origin may read is the middleware's to say."""
        if path != self._address or (of_page and self._read_by_pages):
            return False
        return not self._names or host.partition(b":")[0] in self._names

    def respond(self, scope: Scope, body: bytes) -> Awaitable[WholeResponse | None]:
        """See TakesWhole."""
        return self._graphql.respond(scope if self._look is None else self._look(scope), body)

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
    behind: Callable[[ASGIApplication], Behind] | None = None,
    look_now: Callable[[], None] = lambda: None,
    path: str = "/graphql",
) -> Application:
    """The application of a listener.

    ``routes`` are pages and other addresses beside the data endpoint at ``path``. ``origins`` are the web origins whose
    pages may read answers (``*``: all); none by default. ``hosts`` are the names by
    which it may be asked; any by default. ``lifespan`` runs around serving. ``behind`` puts the whole
    application behind something, such as trusted proxies. ``look_now`` has read again what may have changed.
    """
    admission = admission or Admission()
    documents = documents or StoredDocuments()
    http = http or HttpSettings()
    streams = OpenStreams(http.streams, http.streams_of_one)
    graphql = GraphQLEndpoint(answering, admission, documents, http, streams, readiness.stopping)
    socket = WebSocketEndpoint(answering, admission, documents, sockets or SocketSettings(), streams, origins)
    refused: Any = {HTTPException: _refused}
    rest = Starlette(routes=[*health_routes(readiness), *routes], lifespan=lifespan, exception_handlers=refused)
    return Application(
        (path, graphql, socket), _with_security_headers(rest), origins, hosts, readiness, behind, look_now
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
