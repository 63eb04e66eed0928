"""The composition root: settings -> a wired ASGI application. The only module that knows every part."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from gateway.background import Pause, going_on
from gateway.building import document_limits
from gateway.changing import Changes
from gateway.errors import CodedError
from gateway.execution.transport import RoutedTransport
from gateway.gateway import GovernedGateway, PlainGateway
from gateway.measuring import Counts, MeasuredGateway, MeasuredTransport, SharedCounts
from gateway.open_catalogue import open_catalogue_routes
from gateway.own_view import own_view_routes
from gateway.reloading import follow
from gateway.server.admission import Admission
from gateway.server.application import Application, ASGIApplication, Behind, build_application
from gateway.server.graphql_http import HttpSettings
from gateway.server.health import Readiness
from gateway.server.rate_limits import SharedBuckets, rate_limits
from gateway.server.stored_documents import StoredDocuments, read_trusted
from gateway.settings import SETTINGS_INVALID, ServerSettings, Settings
from gateway.starting import Start, read_start

if TYPE_CHECKING:
    from gateway.administration import Administration
    from gateway.level import LevelEndpoint
    from gateway.registry_following import RegistryFollower
    from gateway.registry_monitor import SubgraphMonitor

_log = logging.getLogger("watersmeet")


def create_app(
    settings: Settings, *, plain: bool, counts_in: Path | None = None, buckets: SharedBuckets | None = None
) -> Application:
    """The application that one worker runs.

    ``plain`` is federation without catalogue and policy. Workers that answer for one another's metrics have the folder
    ``counts_in`` in common, and ``buckets`` if they limit rates together. Raises CodedError when the settings do not
    name all that is needed, or something named cannot be read, so that a wrong start fails before it listens.
    """
    start = read_start(settings, plain=plain)
    gateway = _gateway(start, settings)
    changes = Changes(gateway, start.foundation, settings)
    administration = _administration(gateway, changes, start, settings)
    level = _level(settings)
    counts = Counts() if settings.monitoring.metrics_port else None
    until_next_look = Pause()

    def look_now() -> None:
        _log.info("what the gateway was made of is looked at again")
        until_next_look.end()
        if (authenticator := changes.foundation.authenticator) is not None:
            authenticator.look_now()

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        routes = gateway.build.routes if gateway.serving else {}
        gateway.transport = RoutedTransport(routes) if counts is None else MeasuredTransport(routes, counts)
        governing = _governing(gateway, changes, settings, administration)
        following = _following(gateway, changes, start, settings, until_next_look)
        async with governing, following as registered, _measuring(settings, gateway, registered, counts, counts_in):
            yield
        await gateway.transport.close()
        if level is not None:
            level.close()

    readiness = Readiness({"supergraph": lambda: gateway.serving or "nothing is released yet"})
    limits, documents = settings.limits, settings.documents
    trusted = read_trusted(Path(documents.trusted)) if documents.trusted else None
    admission = Admission(limits.at_once, rate_limits(limits, buckets))
    return build_application(
        gateway if counts is None else MeasuredGateway(gateway, counts),
        readiness,
        admission=admission,
        http=HttpSettings(body=limits.body, batch=limits.batch, streams_of_one=limits.streams_of_one),
        documents=StoredDocuments(trusted, only_trusted=documents.only_trusted, persisted_bytes=documents.persisted),
        routes=[
            *own_view_routes(gateway, admission, document_limits(limits)),
            *_pages(settings),
            *(open_catalogue_routes(changes.catalogue, admission) if isinstance(gateway, GovernedGateway) else ()),
            *(administration.routes(admission) if administration else ()),
            *(level.routes if level else ()),
        ],
        origins=settings.server.origins,
        hosts=settings.server.hosts,
        lifespan=lifespan,
        behind=_behind(settings.server),
        look_now=look_now,
    )


def _behind(server: ServerSettings) -> Callable[[ASGIApplication], Behind] | None:
    """What puts the application behind the trusted proxies, where there are any."""
    if not server.trusted_proxies:
        if server.client_certificate_header:
            raise CodedError(SETTINGS_INVALID, "server.client_certificate_header needs server.trusted_proxies.")
        return None
    from gateway.server.proxies import TrustedProxies

    return partial(
        TrustedProxies,
        proxies=server.trusted_proxies,
        header=server.forwarded,
        certificates=server.client_certificate_header,
    )


def _gateway(start: Start, settings: Settings) -> PlainGateway | GovernedGateway:
    authenticator = start.foundation.authenticator
    if authenticator is None:
        return PlainGateway(start.build, settings.server.deadline)
    governed = GovernedGateway(start.build, authenticator, settings.server.deadline)
    if settings.monitoring.provenance != "never":
        from gateway.provenance import ProvenanceTelling

        governed.provenance = ProvenanceTelling(settings.monitoring.provenance, dict)
    return governed


def _administration(
    gateway: PlainGateway | GovernedGateway, changes: Changes, start: Start, settings: Settings
) -> "Administration | None":
    """The administration, where there is a store that it could change."""
    authenticator = changes.foundation.authenticator
    if not isinstance(gateway, GovernedGateway) or not settings.access.store or authenticator is None:
        return None
    from gateway.administration import Administration
    from gateway.releasing.checking import GraphMemory

    graphs = None if start.served is None else GraphMemory(start.served.composer, start.foundation.reader)
    return Administration(gateway, authenticator, changes.catalogue, settings, graphs)


@dataclass(frozen=True, slots=True)
class _Registered:
    """What follows the registry, and what looks at the running subgraphs; both None without a registry."""

    follower: "RegistryFollower | None" = None
    monitor: "SubgraphMonitor | None" = None


@asynccontextmanager
async def _following(
    gateway: PlainGateway | GovernedGateway, changes: Changes, start: Start, settings: Settings, pause: Pause
) -> AsyncIterator[_Registered]:
    """While entered, a changed supergraph is built and swapped in: that of the registry, or that of the files."""
    if start.in_force is None or start.served is None:
        loop = asyncio.get_running_loop()

        def swap(changed: str) -> None:
            asyncio.run_coroutine_threadsafe(changes.take_graph(changed), loop).result()

        async with going_on("following the supergraph", lambda: follow(settings.supergraph, start.text, swap, pause)):
            yield _Registered()
        return
    from gateway.registry_following import RegistryFollower
    from gateway.registry_monitor import SubgraphMonitor

    digest = "" if start.build is None else start.build.snapshot.graph_version
    take = changes.take_graph
    with RegistryFollower(settings.registry, start.in_force, start.served, digest, take, pause) as follower:
        async with AsyncExitStack() as tasks:
            await tasks.enter_async_context(going_on("following the registry", follower.follow))
            monitor = None
            if interval := settings.monitoring.interval:
                platform, transport = follower.platform, gateway.transport
                monitor = SubgraphMonitor(
                    platform, transport, lambda: follower.releases, lambda: gateway.build, interval
                )
                if isinstance(gateway, GovernedGateway) and gateway.provenance is not None:
                    seen = monitor
                    gateway.provenance = replace(gateway.provenance, data_times=lambda: seen.data_times)
                await tasks.enter_async_context(going_on("looking at the subgraphs", monitor.watch))
            yield _Registered(follower, monitor)


@asynccontextmanager
async def _measuring(
    settings: Settings,
    gateway: PlainGateway | GovernedGateway,
    registered: _Registered,
    counts: Counts | None,
    counts_in: Path | None,
) -> AsyncIterator[None]:
    """While entered, if a port is set for them: metrics are answered."""
    if counts is None:
        yield
        return
    from gateway.metrics import exposition
    from gateway.metrics_listener import metrics_listener

    if registered.follower is not None:
        counts.builds = registered.follower.state.builds
    with TemporaryDirectory(prefix="watersmeet-") as own:
        shared = SharedCounts(counts, counts_in or Path(own))
        tell = partial(exposition, gateway, registered.follower, registered.monitor)
        async with metrics_listener(settings.monitoring, shared, tell):
            yield


@asynccontextmanager
async def _governing(
    gateway: PlainGateway | GovernedGateway,
    changes: Changes,
    settings: Settings,
    administration: "Administration | None",
) -> AsyncIterator[None]:
    """While entered, if there is a store: operations are recorded, a new policy is swapped in, people administer."""
    access = settings.access
    if not isinstance(gateway, GovernedGateway) or administration is None:
        yield
        return
    from gateway.doubt_flags import DoubtFlags
    from gateway.policy_source import follower_of, open_store, read_secret
    from gateway.recording import OperationLedger

    async with open_store(access.store) as store:
        person_key = read_secret(access.person_key, "access.person_key")
        gateway.ledger = OperationLedger(store, person_key)
        gateway.doubts = DoubtFlags(store, person_key)
        changes.looks = {"doubts": gateway.doubts.look, "calls": gateway.ledger.look}
        changes.policy = follower_of(store, access, changes.catalogue)
        await changes.look_at_policy()
        for look in changes.looks.values():
            await look()
        try:
            async with (
                going_on("following the policy", changes.follow_policy),
                administration.serving(store),
            ):
                yield
        finally:
            await gateway.ledger.close()


def _level(settings: Settings) -> "LevelEndpoint | None":
    """What other levels reach, where the settings open it."""
    if not settings.sync.serve:
        return None
    from gateway.level import LevelEndpoint

    return LevelEndpoint(settings)


def _pages(settings: Settings) -> list[BaseRoute]:
    if not settings.server.explorer:
        return []
    from gateway.portal.explorer import routes

    return routes(settings)
