"""A gateway over the registry: releases go live without a failed request, what does not compose changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from catalog_sync.graph_history import GraphHistory
from gateway.app import create_app
from gateway.server.authentication import FollowedAuthenticator
from gateway.settings import Settings, convert_settings
from tests.gateway.departments import (
    REVIEWER,
    STOP_ENTRY,
    STOPS,
    WEATHER,
    WITH_LINES,
    Department,
    Registry,
    on_loopback,
    registry_at,
)
from tests.gateway.policy_stores import with_policy
from tests.support.serving import serving

STOP = '{ busStop(stopNo: "7") { name } }'
LINES = '{ busStop(stopNo: "7") { name lines } }'
STOPS_WITH_LINES = STOPS.replace("name: String }", "name: String lines: Int }")
DATA = {"busStop": {"stopNo": "7", "name": "解放碑", "lines": 12}, "weather": "fog"}
CLASHING = STOPS.replace("type Query { busStop(stopNo: String): BusStop }", "type Query { weather: Int }")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "catalogue.db") as opened:
        yield opened


def plain(registry: Registry) -> Settings:
    return convert_settings({"registry": {"store": str(registry.path), "poll": 0.02}, "server": {"explorer": False}})


class Client:
    """Asks a gateway as anybody may."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session = session
        self.address = address

    async def ask(self, document: str, **more: object) -> dict[str, Any]:
        async with self.session.post(f"{self.address}/graphql", json={"query": document, **more}) as response:
            return {"status": response.status, **json.loads(await response.read())}

    async def until(self, document: str, wanted: Any) -> None:
        """Asks until the answer has this data."""
        async with asyncio.timeout(20):
            while (await self.ask(document)).get("data") != wanted:
                pass


@asynccontextmanager
async def served(settings: Settings, *, open_: bool = True) -> AsyncIterator[Client]:
    async with serving(create_app(settings, plain=open_)) as address, aiohttp.ClientSession() as session:
        yield Client(session, address)


async def test_the_registry_is_looked_at_at_once_where_the_gateway_is_told_to_look_now(registry: Registry) -> None:
    seldom = {"registry": {"store": str(registry.path), "poll": 3600.0}, "server": {"explorer": False}}
    application = await asyncio.to_thread(create_app, convert_settings(seldom), plain=True)
    async with (
        serving(application) as address,
        aiohttp.ClientSession() as session,
        on_loopback(Department(STOPS, DATA)) as stops,
    ):
        registry.enter(STOP_ENTRY)
        registry.release("stops", STOPS, stops)
        application.look_now()
        await Client(session, address).until(STOP, {"busStop": {"name": "解放碑"}})


async def test_callers_are_read_again_where_the_gateway_is_told_to_look_now(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.enter(STOP_ENTRY)
    told: list[FollowedAuthenticator] = []
    monkeypatch.setattr(FollowedAuthenticator, "look_now", lambda followed: told.append(followed))
    settings = await with_policy(tmp_path, registry, [])
    (await asyncio.to_thread(create_app, settings, plain=False)).look_now()
    assert len(told) == 1


async def test_an_empty_registry_starts_and_says_that_nothing_is_released(registry: Registry) -> None:
    async with served(plain(registry)) as client, on_loopback(Department(STOPS, DATA)) as address:
        told = await client.ask(STOP)
        assert told["status"] == 503
        assert told["errors"][0]["extensions"]["code"] == "NOTHING_RELEASED"
        async with client.session.get(f"{client.address}/readyz") as ready:
            assert (ready.status, (await ready.json())["parts"]["supergraph"]) == (503, "nothing is released yet")
        registry.release("stops", STOPS, address)
        await client.until(STOP, {"busStop": {"name": "解放碑"}})
        async with client.session.get(f"{client.address}/readyz") as ready:
            assert ready.status == 200


async def test_releases_go_live_one_after_another_without_a_failed_or_wrong_answer(registry: Registry) -> None:
    versions = [STOPS.replace("name: String }", f"name: String added{number}: String }}") for number in range(4)]
    whole = STOPS.replace(
        "name: String }", "name: String added0: String added1: String added2: String added3: String }"
    )
    async with on_loopback(Department(whole, DATA)) as address:
        registry.release("stops", STOPS, address)
        async with served(plain(registry)) as client:
            over = asyncio.Event()

            async def ask_on() -> list[dict[str, Any]]:
                answers = []
                while not over.is_set():
                    answers.append(await client.ask(STOP))
                return answers

            async with asyncio.TaskGroup() as asking:
                tasks = [asking.create_task(ask_on()) for _ in range(4)]
                for number, version in enumerate(versions):
                    registry.release("stops", version, address)
                    wanted = {"busStop": {f"added{number}": None}}
                    await client.until(f"{{ busStop {{ added{number} }} }}", wanted)
                over.set()
            answers = [answer for task in tasks for answer in task.result()]
            assert len(answers) > 20
            assert all(answer == {"status": 200, "data": {"busStop": {"name": "解放碑"}}} for answer in answers)


async def test_releases_that_do_not_compose_leave_the_graph_as_it_is_and_are_on_record(registry: Registry) -> None:
    async with on_loopback(Department(STOPS, DATA)) as stops, on_loopback(Department(WEATHER, DATA)) as weather:
        registry.release("stops", STOPS, stops)
        registry.release("weather", WEATHER, weather)
        history = GraphHistory(registry.platform)
        async with served(plain(registry)) as client:
            await client.until("{ weather }", {"weather": "fog"})
            registry.release("stops", CLASHING, stops)
            async with asyncio.timeout(20):
                while not (noted := history.latest()) or not noted.problems:
                    assert (await client.ask(STOP))["data"] == {"busStop": {"name": "解放碑"}}
            assert noted.releases == {"stops": 2, "weather": 1}
            assert "Query.weather" in noted.problems[0]
        async with served(plain(registry)) as started_anew:
            assert (await started_anew.ask(STOP))["data"] == {"busStop": {"name": "解放碑"}}


async def test_a_release_is_rolled_back_by_its_digest_and_a_whole_graph_by_its_own(registry: Registry) -> None:
    async with on_loopback(Department(STOPS_WITH_LINES, DATA)) as stops, on_loopback(Department(WEATHER, DATA)) as rain:
        first = registry.release("stops", STOPS, stops)
        async with served(plain(registry)) as client:
            await client.until(STOP, {"busStop": {"name": "解放碑"}})
            history = GraphHistory(registry.platform)
            async with asyncio.timeout(20):
                while (began := history.latest()) is None:
                    await client.ask(STOP)
            registry.release("stops", STOPS_WITH_LINES, stops)
            await client.until(LINES, {"busStop": {"name": "解放碑", "lines": 12}})
            registry.roll_back(first)
            await client.until(LINES, None)
            registry.release("weather", WEATHER, rain)
            await client.until("{ weather }", {"weather": "fog"})
            assert history.roll_back(began.digest[:12], REVIEWER, datetime.now(UTC)).releases == {"stops": 1}
            await client.until("{ weather }", None)
            assert (await client.ask(STOP))["data"] == {"busStop": {"name": "解放碑"}}


async def test_the_most_used_operations_are_planned_before_a_graph_is_served(registry: Registry) -> None:
    async with on_loopback(Department(STOPS, DATA)) as address:
        registry.release("stops", STOPS, address)
        application = create_app(plain(registry), plain=True)
        gateway = application._graphql._answering  # type: ignore[attr-defined]
        async with serving(application) as at, aiohttp.ClientSession() as session:
            client = Client(session, at)
            for _ in range(3):
                await client.ask(STOP)
            before = gateway.build.snapshot
            registry.release("stops", STOPS_WITH_LINES, address)
            async with asyncio.timeout(20):
                while gateway.build.snapshot is before:
                    assert (await session.get(f"{at}/healthz")).status == 200
            (used,) = gateway.build.snapshot.most_used(10)
            assert (used.text.document, used.uses) == (STOP, 1)
            assert len(gateway.build.snapshot._plans) == 1


async def test_an_item_is_served_once_its_entry_is_in_force_and_withheld_when_it_no_longer_is(
    registry: Registry, tmp_path: Path
) -> None:
    async with on_loopback(Department(STOPS_WITH_LINES, DATA)) as address:
        registry.enter(STOP_ENTRY)
        registry.release("stops", STOPS_WITH_LINES, address)
        async with served(await with_policy(tmp_path, registry, ["stops"]), open_=False) as client:
            await client.until(STOP, {"busStop": {"name": "解放碑"}})
            assert "Cannot query field 'lines'" in (await client.ask(LINES))["errors"][0]["message"]
            registry.enter(WITH_LINES)
            await client.until(LINES, {"busStop": {"name": "解放碑", "lines": 12}})
            registry.withdraw("cq-tr-bus-stop")
            await client.until(STOP, None)
