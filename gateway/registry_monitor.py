"""Looking at the running subgraphs: do they answer with the schema they released, and how old are their data?

Both come from one signed request to each subgraph now and then: the schema as Federation's ``_service { sdl }`` gives
it, and beside it, in the answer's extensions, when the data of each resource last really changed. So a department needs
no further address and no field of its schema for it. Of the gateways and workers that share a registry one looks, and
all read what it saw.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from catalog_sync.harvest import SERVICE_QUERY, drift_of, read_harvest
from catalog_sync.observations import Look, Observations
from catalog_sync.platform import CataloguePlatform
from catalog_sync.releases import SubgraphRelease
from gateway.building import Build
from gateway.errors import CodedError
from gateway.execution.ports import SubgraphTransport
from policies.context import RequestContext

_log = logging.getLogger("watersmeet.monitor")

_BODY = b'{"query":"%b"}' % SERVICE_QUERY.encode()
TIMEOUT = 10.0
AHEAD = timedelta(minutes=5)
"""How far a department's clock may be ahead; data from further in the future are not believed."""


class SubgraphMonitor:
    """Looks every ``interval`` seconds. ``looks`` and ``data_times`` (by resource code) are what was seen last.

    ``releases`` gives the releases that are served, ``build`` the build in force.
    """

    def __init__(
        self,
        platform: CataloguePlatform,
        transport: SubgraphTransport,
        releases: Callable[[], Iterable[SubgraphRelease]],
        build: Callable[[], Build],
        interval: float,
    ) -> None:
        self._observations = Observations(platform)
        self._transport = transport
        self._releases = releases
        self._build = build
        self._interval = interval
        self.looks: tuple[Look, ...] = ()
        self.data_times: Mapping[str, datetime] = {}

    async def watch(self) -> None:
        """Looks for ever; cancel to stop."""
        complaint = ""
        while True:
            try:
                await self.look()
                complaint = ""
            except (CodedError, OSError) as error:
                if complaint != type(error).__name__:
                    complaint = type(error).__name__
                    _log.exception("what was seen of the subgraphs cannot be kept")
            await asyncio.sleep(self._interval)

    async def look(self) -> None:
        """Looks at each subgraph that nobody has looked at lately, and takes over what everybody saw."""
        await asyncio.gather(*(self._look_at(release) for release in self._releases()))
        looks = await asyncio.to_thread(self._observations.looks)
        data_times = await asyncio.to_thread(self._observations.data_times)
        # At once: who sees that a subgraph was looked at finds the times of its data too.
        self.looks, self.data_times = looks, data_times

    async def _look_at(self, release: SubgraphRelease) -> None:
        # A little less than the interval, or every second look would find the last one a moment too young.
        every = timedelta(seconds=self._interval * 0.9)
        now = datetime.now(UTC)
        if not await asyncio.to_thread(self._observations.claim, release.subgraph, now, every):
            return
        times: Mapping[str, datetime] = {}
        try:
            answer = await self._transport.send(release.subgraph, _BODY, self._signed(release.subgraph), TIMEOUT)
            harvest = read_harvest(answer)
            drift = await asyncio.to_thread(drift_of, release, harvest.sdl)
            changes = tuple(str(change) for change in drift.changes)
            seen = Look(release.subgraph, drift.registered, drift.running, changes)
            times = self._believed(release.subgraph, harvest.data_times, now)
        except CodedError as error:
            seen = Look(release.subgraph, release.digest, None, (), f"{error.code.name}: {error.message}")
        if seen.drifted:
            told = " ".join(seen.changes) or "Nothing that is asked for changed."
            _log.warning("%s runs another schema than release %d. %s", release.subgraph, release.number, told)
        elif seen.problem:
            _log.warning("%s cannot be looked at: %s", release.subgraph, seen.problem)
        await asyncio.to_thread(self._observations.keep, seen, times)

    def _signed(self, subgraph: str) -> tuple[tuple[str, str], ...]:
        build = self._build()
        seal = build.seals.get(subgraph)
        if seal is None:
            return ()
        governance = build.governance()
        context = RequestContext(
            audience=subgraph, subject="gateway:monitor", zone="none", policy_version=governance.tables.version
        )
        return tuple(seal.signer.headers("POST", seal.path, _BODY, context))

    def _believed(self, subgraph: str, told: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
        """The data times of resources that the subgraph serves: it has nothing to say about others' data."""
        governance = self._build().snapshot.governance
        served = governance.resources_of(subgraph) if governance is not None else frozenset[str]()
        return {code: at for code, at in told.items() if code in served and at <= now + AHEAD}
