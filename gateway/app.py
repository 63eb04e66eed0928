"""The composition root: settings -> a wired ASGI application. The only module that knows every part."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from gateway.building import Build, Foundation
from gateway.execution.transport import RoutedTransport
from gateway.gateway import GovernedGateway, PlainGateway
from gateway.own_view import own_view_routes
from gateway.reloading import follow, read_supergraph_text
from gateway.server.admission import Admission, SteadyRate
from gateway.server.application import Application, build_application
from gateway.server.graphql_http import HttpSettings
from gateway.server.health import Readiness
from gateway.server.stored_documents import StoredDocuments, read_trusted
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.administration import Administration
    from policies.tables import PolicyTables

_log = logging.getLogger("watersmeet")


def create_app(settings: Settings, *, plain: bool) -> Application:
    """The application that one worker runs.

    ``plain`` is federation without catalogue and policy. Raises CodedError when the settings do not name all that is
    needed, or something named cannot be read, so that a wrong start fails before it listens.
    """
    foundation = Foundation.read(settings, plain=plain)
    text = read_supergraph_text(settings.supergraph)
    gateway = _gateway(foundation, foundation.build(text, settings), settings.server.deadline)
    administration = _administration(gateway, foundation, settings)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        gateway.transport = RoutedTransport(gateway.build.routes)
        governing = _governing(gateway, foundation, settings, administration)
        async with _following(gateway, text, foundation, settings), governing:
            yield
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
        routes=[*own_view_routes(gateway), *_pages(settings), *(administration.routes() if administration else ())],
        origins=settings.server.origins,
        lifespan=lifespan,
    )


def _gateway(foundation: Foundation, build: Build, timeout: float) -> PlainGateway | GovernedGateway:
    if foundation.authenticator is None:
        return PlainGateway(build, timeout)
    return GovernedGateway(build, foundation.authenticator, timeout)


def _administration(
    gateway: PlainGateway | GovernedGateway, foundation: Foundation, settings: Settings
) -> "Administration | None":
    """The administration, where there is a store that it could change."""
    if not isinstance(gateway, GovernedGateway) or not settings.access.store:
        return None
    if foundation.authenticator is None or foundation.catalogue is None:
        return None
    from gateway.administration import Administration

    return Administration(gateway, foundation.authenticator, foundation.catalogue, settings.access)


@asynccontextmanager
async def _following(
    gateway: PlainGateway | GovernedGateway, text: str, foundation: Foundation, settings: Settings
) -> AsyncIterator[None]:
    """While entered, a changed supergraph is built and swapped in."""
    loop = asyncio.get_running_loop()

    def swap(changed: str) -> None:
        build = foundation.build(changed, settings)

        def put() -> None:
            # The policy may have changed since the process began.
            current = gateway.build.snapshot.governance
            gateway.transport.replace(build.routes)
            gateway.build = build if current is None else build.under(current.tables)

        loop.call_soon_threadsafe(put)

    async with _task(follow(settings.supergraph, text, swap)):
        yield


@asynccontextmanager
async def _governing(
    gateway: PlainGateway | GovernedGateway,
    foundation: Foundation,
    settings: Settings,
    administration: "Administration | None",
) -> AsyncIterator[None]:
    """While entered, if there is a store: operations are recorded, a new policy is swapped in, people administer."""
    access = settings.access
    if not isinstance(gateway, GovernedGateway) or foundation.catalogue is None or administration is None:
        yield
        return
    from gateway.policy_source import follower_of, open_store, read_secret
    from gateway.recording import OperationLedger

    def swap(tables: "PolicyTables") -> None:
        gateway.build = gateway.build.under(tables)
        _log.info("policy version %s is live", tables.version)

    async with open_store(access.store) as store:
        gateway.ledger = OperationLedger(store, read_secret(access.person_key, "access.person_key"))
        try:
            async with _task(follower_of(store, access, foundation.catalogue).follow(swap)):
                with administration.serving(store):
                    yield
        finally:
            await gateway.ledger.close()


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    running = asyncio.create_task(work)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _pages(settings: Settings) -> list[BaseRoute]:
    if not settings.server.explorer:
        return []
    from gateway.portal.explorer import routes

    return routes(settings)
