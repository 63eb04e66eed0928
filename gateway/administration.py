"""The administration beside the data endpoint: its address from the start, its desk while the store is open."""

import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from starlette.routing import BaseRoute

from catalog_sync.loading import Catalogue
from catalog_sync.platform import open_platform
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from gateway.access.governance import Governance
from gateway.admin.api import routes
from gateway.admin.desk import Desk
from gateway.admin.passing_time import sweep_for_ever
from gateway.admin.registry_desk import RegistryDesk
from gateway.admin.rights import LiveRights
from gateway.background import going_on
from gateway.errors import CodedError
from gateway.gateway import GovernedGateway
from gateway.level import exchange_of, office_of
from gateway.policy_source import items_of, read_key, read_secret
from gateway.releasing.checking import GraphMemory
from gateway.server.admission import Admission
from gateway.server.authentication import Authenticator
from gateway.server.errors import OVERLOADED
from gateway.server.stored_documents import read_trusted
from gateway.settings import Settings
from policies.grants import Rules
from policies.items import ItemTiers
from policies.matters import day_of
from policies.ports import PolicyStore
from policies.publication import PolicyOffice, be_ready_to_prove, utc_now

P = ParamSpec("P")
T = TypeVar("T")


class Administration:
    """The administration of one gateway, over whatever ``catalogue`` is in force.

    ``graphs`` is what composing and reading the graph served has left; releases are checked upon it. Raises CodedError
    where the settings do not name all that it needs.
    """

    def __init__(
        self,
        gateway: GovernedGateway,
        authenticator: Authenticator,
        catalogue: Callable[[], Catalogue],
        settings: Settings,
        graphs: GraphMemory | None = None,
    ) -> None:
        access = settings.access
        self._settings = settings
        self._gateway = gateway
        self._authenticator = authenticator
        self._catalogue = catalogue
        self._access = access
        self._key = read_key(access.store_key, "access.store_key")
        self._person_key = read_secret(access.person_key, "access.person_key")
        self._calendar = WorkingCalendar.default()
        self._rules(utc_now())
        self._desk: Desk | None = None
        self._graphs = graphs

    def routes(self, admission: Admission) -> list[BaseRoute]:
        """Its address."""
        return routes(self._open_desk, self._authenticator, admission=admission)

    @asynccontextmanager
    async def serving(self, store: PolicyStore) -> AsyncIterator[None]:
        """While entered, requests are answered over ``store``. Versions are proved in a process of their own."""
        with _Prover() as prover, self._registry() as registry:
            office = PolicyOffice(store, self._key, self._items, executor=prover)
            self._desk = desk = Desk(
                store=store,
                office=office,
                rights=LiveRights(store, office, self._items),
                items=self._items,
                rules=self._rules,
                clock=utc_now,
                person_key=self._person_key,
                governance=self._governance,
                callers=lambda: self._authenticator.callers,
                issuers=lambda: self._authenticator.issuers,
                zone=self._access.zone,
                registry=registry,
            )
            try:
                async with going_on("noting clocks that have passed", lambda: sweep_for_ever(desk)):
                    yield
            finally:
                self._desk = None

    @contextmanager
    def _registry(self) -> Iterator[RegistryDesk | None]:
        """The registry with its levels, open while entered; None where catalogue and schemas come from files."""
        settings = self._settings
        if not settings.registry.store:
            yield None
            return
        trusted = settings.documents.trusted
        with open_platform(settings.registry.store) as platform:
            exchange = exchange_of(settings, platform) if settings.sync.division else None
            documents = read_trusted(Path(trusted)) if trusted else None
            yield RegistryDesk(office_of(settings, platform), exchange, documents, self._graphs)

    def _open_desk(self) -> Desk:
        if self._desk is None:
            raise CodedError(OVERLOADED, "The administration is about to stop.")
        return self._desk

    def _items(self) -> dict[str, ItemTiers]:
        return items_of(self._catalogue())

    def _governance(self) -> Governance | None:
        return self._gateway.build.snapshot.governance if self._gateway.serving else None

    def _rules(self, now: datetime) -> Rules:
        return Rules(profile=profile_in_force(self._access.rules, day_of(now)), calendar=self._calendar)


class _Prover(Executor):
    """One process for proofs, started before the first and again should it die: a proof can be repeated."""

    def __init__(self) -> None:
        self._pool = _process()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See Executor."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._pool = _process()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _process() -> ProcessPoolExecutor:
    # Started afresh: a fork would copy the event loop and its connections. It begins at once and learns what a proof
    # needs, so that the first publication does not wait for that.
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    pool.submit(be_ready_to_prove)
    return pool
