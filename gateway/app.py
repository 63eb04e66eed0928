"""The composition root: settings -> a wired ASGI application. The only module that knows every part."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from gateway.access.caller_view import CallerView
from gateway.binding import Binding, GovernedBinding, PlainBinding
from gateway.building import Build, Foundation
from gateway.execution.transport import RoutedTransport
from gateway.pipeline import answer, stream
from gateway.reloading import follow, read_supergraph_text
from gateway.server.admission import Admission, SteadyRate
from gateway.server.answering import Answer, Credentials, EncodableResult, GraphQLRequest
from gateway.server.application import Application, build_application
from gateway.server.graphql_http import HttpSettings
from gateway.server.health import Readiness
from gateway.server.stored_documents import StoredDocuments, read_trusted
from gateway.settings import Settings
from gateway.snapshot import Text

_log = logging.getLogger("watersmeet")


class Gateway:
    """Answers requests under the build of the moment; what the server calls.

    ``build`` is replaced by one assignment: requests under way finish on the one they began with.
    """

    transport: RoutedTransport

    def __init__(self, settings: Settings, foundation: Foundation, build: Build) -> None:
        self.build = build
        self._foundation = foundation
        self._timeout = settings.server.deadline
        self._plain = PlainBinding(self._timeout)

    async def admit(self, credentials: Credentials) -> None:
        """See Answering."""
        if self._foundation.authenticator is not None:
            await self._foundation.authenticator.authenticate(credentials)

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """See Answering."""
        build = self.build
        view, binding = await self._perspective(build, request, credentials)
        prepared, result = await answer(
            _text(request), request.variables, view, binding, build.snapshot, self.transport
        )
        return Answer(result=result, partial=prepared.refused)

    async def subscribe(
        self, request: GraphQLRequest, credentials: Credentials
    ) -> AsyncGenerator[EncodableResult, None]:
        """See Answering."""
        build = self.build
        view, binding = await self._perspective(build, request, credentials)
        async for result in stream(_text(request), request.variables, view, binding, build.snapshot, self.transport):
            yield result

    async def _perspective(
        self, build: Build, request: GraphQLRequest, credentials: Credentials
    ) -> tuple[CallerView, Binding]:
        """What the caller sees, and what its requests carry to the subgraphs."""
        authenticator = self._foundation.authenticator
        governance = build.snapshot.governance
        if authenticator is None or governance is None:
            return build.snapshot.plain_view, self._plain
        caller = await authenticator.authenticate(credentials)
        view = governance.view_for(caller, datetime.now(UTC))
        binding = GovernedBinding(caller, governance.tables.version, request.request_id, build.seals, self._timeout)
        return view, binding


def _text(request: GraphQLRequest) -> Text:
    assert request.document is not None
    return Text(request.document, request.operation_name, request.prefer_partial, request.queries_only)


def create_app(settings: Settings, *, plain: bool) -> Application:
    """The application that one worker runs.

    ``plain`` is federation without catalogue and policy. Raises CodedError when the settings do not name all that is
    needed, or something named cannot be read, so that a wrong start fails before it listens.
    """
    foundation = Foundation.read(settings, plain=plain)
    text = read_supergraph_text(settings.supergraph)
    gateway = Gateway(settings, foundation, foundation.build(text, settings))

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        gateway.transport = RoutedTransport(gateway.build.routes)

        def swap(changed: str) -> None:
            build = foundation.build(changed, settings)

            def put() -> None:
                gateway.transport.replace(build.routes)
                gateway.build = build

            loop.call_soon_threadsafe(put)

        following = asyncio.create_task(follow(settings.supergraph, text, swap))
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await gateway.transport.close()

    readiness = Readiness({"supergraph": lambda: True})
    limits, documents = settings.limits, settings.documents
    trusted = read_trusted(Path(documents.trusted)) if documents.trusted else None
    return build_application(
        gateway,
        readiness,
        admission=Admission(limits.at_once, SteadyRate(limits.rate, limits.burst) if limits.rate else None),
        http=HttpSettings(body=limits.body, batch=limits.batch),
        documents=StoredDocuments(trusted, only_trusted=documents.only_trusted, persisted_bytes=documents.persisted),
        routes=_pages(settings),
        origins=settings.server.origins,
        lifespan=lifespan,
    )


def _pages(settings: Settings) -> list[BaseRoute]:
    if not settings.server.explorer:
        return []
    from gateway.portal.explorer import routes

    return routes(settings)
