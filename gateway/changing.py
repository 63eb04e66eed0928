"""What is served changes here, and nowhere else: another graph, another catalogue, another policy.

Each change is built away from the event loop and put into force by one assignment on it. Two may overlap: a policy can
be published while a graph is built. So a build is put into force only if what it was made over still is; otherwise it
is made again. Invariant: ``foundation`` is what the build in force stands on, and its policy tables were compiled over
its catalogue.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.building import Build, Foundation
from gateway.errors import CodedError, RequestError
from gateway.garbage import built_to_stay, settle
from gateway.gateway import GovernedGateway, PlainGateway
from gateway.settings import Settings
from gateway.snapshot import Snapshot
from gateway.yielding import yielding

if TYPE_CHECKING:
    from catalog_sync.loading import Catalogue
    from policies.publication import PolicyFollower
    from policies.tables import PolicyTables

_log = logging.getLogger("watersmeet")

POLL_SECONDS = 0.25

WARM_SECONDS = 2.0
"""How long a graph that is ready may be kept back for preparing operations on it."""

COLLECTED_EVERY = 10
"""Documents after which what validating them left behind is collected: many short pauses instead of a long one."""


class Changes:
    """Puts changes into force for one gateway. ``policy`` is set while a store of versions is followed.

    ``looks`` are at what else the store holds that a request goes by, each under what it is for the log.
    """

    policy: "PolicyFollower | None" = None
    looks: Mapping[str, Callable[[], Awaitable[None]]] = MappingProxyType({})

    def __init__(self, gateway: PlainGateway | GovernedGateway, foundation: Foundation, settings: Settings) -> None:
        self._gateway = gateway
        self._settings = settings
        self.foundation = foundation

    def catalogue(self) -> "Catalogue":
        """The catalogue in force. Only asked where requests are governed."""
        assert self.foundation.catalogue is not None
        return self.foundation.catalogue

    async def take_graph(self, text: str | None, catalogue: "Catalogue | None" = None) -> Build | None:
        """Builds supergraph SDL over a catalogue (None: the one in force) and serves it; None as text serves nothing.

        Raises CodedError where it cannot be built; then everything stays.
        """
        build, foundation = await self._built(text, catalogue)
        self.foundation = foundation
        self._gateway.transport.replace({} if build is None else build.routes)
        self._gateway.replace_build(build)
        return build

    async def _built(self, text: str | None, catalogue: "Catalogue | None") -> tuple[Build | None, Foundation]:
        """A build with the foundation it stands on, which is still that of the gateway, but for the catalogue."""
        while True:
            before = foundation = self.foundation
            if catalogue is not None and catalogue is not before.catalogue and before.tables is not None:
                tables = await self._compiled_over(catalogue)
                foundation = replace(before, catalogue=catalogue, tables=tables)
            build = None if text is None else await asyncio.to_thread(self._make, text, foundation)
            if self.foundation is before:
                return build, foundation

    async def look_at_policy(self) -> None:
        """Puts a policy version into force at once, if there is a new one; what it permits is prepared anew on demand.

        An emergency stop must not wait for operations to be prepared.
        """
        assert self.policy is not None
        before = self.foundation
        tables = await self.policy.look()
        if tables is None:
            return
        while self.foundation.catalogue is not before.catalogue:
            before = self.foundation
            tables = await self._compiled_over(self.catalogue())
        self.foundation = replace(self.foundation, tables=tables)
        if self._gateway.serving:
            self._gateway.replace_build(self._gateway.build.under(tables))
        _log.info("policy version %s is live", tables.version)

    async def follow_policy(self) -> None:
        """Looks for ever for a new policy, and at the rest; a store that fails for a while is waited for.

        What cannot be read keeps nothing else from being looked at.
        """
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for what, look in {"the policy": self.look_at_policy, **self.looks}.items():
                try:
                    await look()
                except (OSError, TimeoutError) as error:
                    _log.error("%s: stays as it is, the store cannot be asked: %s", what, type(error).__name__)
                except CodedError as error:
                    _log.error("%s: stays as it is: %s: %s", what, error.code.name, error.message)

    async def _compiled_over(self, catalogue: "Catalogue") -> "PolicyTables":
        from gateway.policy_source import items_of  # plain federation starts without policy and its stores

        items = await asyncio.to_thread(items_of, catalogue)
        tables = await self.policy.over(items) if self.policy is not None else None
        assert tables is not None, "the store of policy versions is followed before the registry is"
        return tables

    def _make(self, text: str, foundation: Foundation) -> Build:
        with yielding():
            with built_to_stay():
                build = foundation.build(text, self._settings)
            if self._gateway.serving:
                warm(self._gateway.build.snapshot, build.snapshot, self._settings.registry.warm)
                settle()
        return build


def warm(before: Snapshot, after: Snapshot, count: int) -> int:
    """Prepares the ``count`` most used documents of one snapshot on another, for seconds at most; how many it did."""
    prepared = 0
    now = datetime.now(UTC)
    ends = time.monotonic() + WARM_SECONDS
    for number, used in enumerate(before.most_used(count)):
        if time.monotonic() > ends:
            break
        if number % COLLECTED_EVERY == 0:
            gc.collect(0)
        view = after.plain_view
        if before.governance is not None and after.governance is not None:
            caller = before.governance.caller_of(used.view)
            if caller is None:
                continue
            view = after.governance.view_for(caller, now)
        try:
            after.warm(used, view)
            prepared += 1
        except (CodedError, RequestError):
            continue  # Whoever asks again is told what went; nothing is to be prepared for that.
    return prepared
