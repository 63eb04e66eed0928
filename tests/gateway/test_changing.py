"""Changes that overlap: a policy published while a graph is built, a catalogue that comes with a policy."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from catalog_sync.loading import Catalogue
from gateway.access.governance import Governance
from gateway.building import Build
from gateway.changing import Changes
from gateway.errors import CodedError
from gateway.gateway import GovernedGateway
from gateway.settings import Settings
from gateway.snapshot import Snapshot
from gateway.supergraph.join_sdl import read_supergraph
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.tables import PolicyTables, compile_lines
from tests.access.city import NOW, POLICY, SUPERGRAPH, govern


@dataclass(frozen=True)
class SlowFoundation:
    """Builds when the test lets it; SDL that is not the city's cannot be built."""

    catalogue: Catalogue
    tables: PolicyTables
    gate: threading.Event = field(default_factory=threading.Event, compare=False)

    def build(self, text: str, settings: Settings) -> Build:
        assert self.gate.wait(20)
        supergraph = read_supergraph(text)
        return Build(Snapshot(supergraph, text[-10:], Governance(supergraph, self.catalogue, self.tables, "")), {}, {})


class Policy:
    """A store of policy versions: the newest is what the test last published."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.number = 1
        self.news = False

    def publish(self) -> None:
        self.number += 1
        self.news = True

    def tables(self, items: Any) -> PolicyTables:
        return compile_lines(f"{self.number}", parse_policy(POLICY), items)

    async def look(self) -> PolicyTables | None:
        if not self.news:
            return None
        self.news = False
        return self.tables(items_of_catalogue(self.catalogue.entries, NOW.date()))

    async def over(self, items: Any) -> PolicyTables | None:
        return self.tables(items)


class Transport:
    """Takes routes and forgets them."""

    def replace(self, routes: object) -> None:
        pass


class City:
    """A governed gateway whose changes the test watches."""

    def __init__(self) -> None:
        governance = govern()
        foundation = SlowFoundation(governance.catalogue, governance.tables)
        self.gate = foundation.gate
        build = Build(Snapshot(read_supergraph(SUPERGRAPH), "first", governance), {}, {})
        self.gateway = GovernedGateway(build, None, timeout=5.0)  # type: ignore[arg-type]
        self.gateway.transport = Transport()  # type: ignore[assignment]
        self.policy = Policy(governance.catalogue)
        self.changes = Changes(self.gateway, foundation, Settings())  # type: ignore[arg-type]
        self.changes.policy = self.policy  # type: ignore[assignment]

    def in_force(self) -> tuple[str, str, int]:
        """Graph, policy, and how many items the policy was compiled over."""
        build = self.gateway.build
        return build.snapshot.graph_version, build.governance().tables.version, len(build.governance().tables.items)


CHANGED = SUPERGRAPH + "\n# changed"


async def test_a_policy_published_while_a_graph_is_built_is_in_force_at_once_and_in_the_new_graph() -> None:
    city = City()
    items = city.in_force()[2]
    building = asyncio.create_task(city.changes.take_graph(CHANGED))
    city.policy.publish()
    await city.changes.look_at_policy()
    assert city.in_force() == ("first", "2", items)
    city.gate.set()
    await building
    assert city.in_force() == (CHANGED[-10:], "2", items)


async def test_a_policy_is_compiled_over_the_catalogue_that_comes_with_the_graph() -> None:
    city = City()
    city.gate.set()
    smaller = Catalogue(city.changes.catalogue().entries[:3])
    await city.changes.take_graph(CHANGED, smaller)
    assert city.changes.catalogue() is smaller
    assert city.in_force()[2] == len(items_of_catalogue(smaller.entries, NOW.date()))
    city.policy.catalogue = smaller
    city.policy.publish()
    await city.changes.look_at_policy()
    assert city.in_force()[1:] == ("2", len(items_of_catalogue(smaller.entries, NOW.date())))


async def test_what_cannot_be_built_changes_neither_graph_nor_catalogue() -> None:
    city = City()
    city.gate.set()
    before, catalogue = city.in_force(), city.changes.catalogue()
    with pytest.raises(CodedError):
        await city.changes.take_graph("type Query {", Catalogue(()))
    assert (city.in_force(), city.changes.catalogue()) == (before, catalogue)


async def test_a_graph_that_is_taken_away_leaves_nothing_to_ask_for_until_another_comes() -> None:
    city = City()
    city.gate.set()
    await city.changes.take_graph(None)
    with pytest.raises(CodedError) as told:
        city.in_force()
    assert told.value.code.name == "NOTHING_RELEASED"
    city.policy.publish()
    await city.changes.look_at_policy()
    await city.changes.take_graph(SUPERGRAPH)
    assert city.in_force()[1] == "2"
