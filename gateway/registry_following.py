"""Following the registry: what is released goes live within a second, what cannot be served changes nothing.

Entries and releases are two things. A catalogue that takes rights away must come into force even while the live
releases cannot be composed, so each is taken over on its own: the newest catalogue with the newest graph that works.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import TracebackType

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.graph_history import GraphHistory
from catalog_sync.in_force import InForce, InForceReader
from catalog_sync.loading import Catalogue
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.releases import SubgraphRelease
from gateway.background import Pause
from gateway.building import Build
from gateway.errors import CodedError
from gateway.garbage import built_to_stay
from gateway.registry_source import ReleaseSet, compose_releases, numbers_of
from gateway.settings import RegistrySettings
from gateway.yielding import yielding

_log = logging.getLogger("watersmeet.registry")

LONGEST_PAUSE = 60.0
"""Seconds between two attempts, however often the stores failed."""

TakeGraph = Callable[[str | None, Catalogue | None], Awaitable[Build | None]]


@dataclass
class RegistryState:
    """How following goes, for metrics: ``builds`` by outcome (taken, refused), why the newest releases do not serve."""

    builds: dict[str, int] = field(default_factory=lambda: {"taken": 0, "refused": 0})
    problem: str = ""
    build_seconds: float = 0.0


class RegistryFollower:
    """One worker's eye on the store, which is open while this value is entered.

    ``in_force`` and ``served`` are what the gateway began with. ``take`` puts a graph and a catalogue into force, and
    raises CodedError where that cannot be. Where ``pause`` is ended it looks at once.
    """

    platform: CataloguePlatform

    def __init__(
        self,
        settings: RegistrySettings,
        in_force: InForce,
        served: ReleaseSet,
        digest: str,
        take: TakeGraph,
        pause: Pause | None = None,
    ) -> None:
        self._settings = settings
        self._take = take
        self._pause = pause or Pause()
        self._in_force = in_force
        self._served = served
        self._digest = digest
        self._waiting: InForce | None = None
        self._day: date = date_in_chongqing()
        self._open = ExitStack()
        self.state = RegistryState()

    def __enter__(self) -> "RegistryFollower":
        self.platform = self._open.enter_context(open_platform(self._settings.store))
        self._reader = InForceReader(self.platform)
        self._history = GraphHistory(self.platform)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def releases(self) -> tuple[SubgraphRelease, ...]:
        """The releases that are served."""
        return self._served.releases

    async def follow(self) -> None:
        """Looks for ever; cancel to stop. A store that fails for a while is waited for, longer each time."""
        noted, complaint, pause = False, "", self._settings.poll
        while True:
            try:
                if not noted:
                    await asyncio.to_thread(self._note_served)
                    noted = True
                await self.look()
                complaint, pause = "", self._settings.poll
            except (CodedError, OSError) as error:
                if complaint != type(error).__name__:
                    complaint = type(error).__name__
                    _log.exception("what is in force cannot be taken over; what is served stays")
                pause = min(2 * pause, LONGEST_PAUSE)
            await self._pause.wait(pause)

    async def look(self) -> None:
        """Looks once, and takes over what changed; what could not be taken over is tried again the next time."""
        self._waiting = await asyncio.to_thread(self._reader.look) or self._waiting
        today = date_in_chongqing()
        if self._waiting is not None or today != self._day:
            found = self._waiting or self._in_force
            await self._take_over(found, new_day=today != self._day)
            self._in_force, self._waiting, self._day = found, None, today

    async def _take_over(self, found: InForce, *, new_day: bool) -> None:
        catalogue = None if found.entries == self._in_force.entries and not new_day else Catalogue(found.entries)
        wanted = _places(found.releases)
        if catalogue is None and wanted == _places(self._served.releases):
            self.state.problem = ""
            return
        began = asyncio.get_running_loop().time()
        try:
            await self._serve(await asyncio.to_thread(self._compose, found.releases), catalogue)
        except CodedError as error:
            await self._refuse(found.releases, error)
            if catalogue is not None:
                await self._serve(self._served, catalogue)
        else:
            self.state.problem = ""
        self.state.build_seconds = asyncio.get_running_loop().time() - began

    def _compose(self, releases: Sequence[SubgraphRelease]) -> ReleaseSet:
        with built_to_stay(), yielding():
            return compose_releases(releases, self._served.composer)

    async def _serve(self, composed: ReleaseSet, catalogue: Catalogue | None) -> None:
        build = await self._take(composed.supergraph, catalogue)
        self._served = composed
        self._digest = "" if build is None else build.snapshot.graph_version
        self.state.builds["taken"] += 1
        told = ", ".join(f"{name} {number}" for name, number in composed.numbers.items())
        _log.info("graph %s is live: %s", self._digest[:12] or "(none)", told or "no releases")
        await asyncio.to_thread(self._note_served)

    async def _refuse(self, releases: Sequence[SubgraphRelease], error: CodedError) -> None:
        self.state.builds["refused"] += 1
        self.state.problem = f"{error.code.name}: {error.message}"
        _log.error("%s The graph served stays as it is.", self.state.problem)
        listed = error.details.get("problems")
        problems = [str(each) for each in listed] if isinstance(listed, list) else [self.state.problem]
        await asyncio.to_thread(
            self._history.refused, numbers_of(releases), problems, datetime.now(UTC), self._settings.keep
        )

    def _note_served(self) -> None:
        if self._digest:
            self._history.served(self._digest, self._served.numbers, datetime.now(UTC), self._settings.keep)


def _places(releases: Sequence[SubgraphRelease]) -> list[tuple[str, int, str]]:
    return [(release.subgraph, release.number, release.address) for release in releases]
