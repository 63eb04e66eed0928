"""Answers that say where their data come from, and running subgraphs that are not what they released."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog_sync.freshness import Freshness
from catalog_sync.in_force import InForceReader
from catalog_sync.observations import Look, Observations, freshness_by_code
from tests.gateway.departments import STOP_ENTRY, STOPS, Department, Registry, on_loopback, registry_at
from tests.gateway.policy_stores import with_policy
from tests.gateway.test_registry import Client, served

STOP = '{ busStop(stopNo: "7") { name } }'
DATA = {"busStop": {"stopNo": "7", "name": "解放碑"}}
ASKING = {"extensions": {"provenance": True}}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "catalogue.db") as opened:
        opened.enter(STOP_ENTRY)
        yield opened


async def told(client: Client, wanted: str) -> dict[str, Any]:
    """The provenance of the one resource, once its freshness is known to be as wanted."""
    async with asyncio.timeout(20):
        while True:
            answer = await client.ask(STOP, **ASKING)
            (provenance,) = answer["extensions"]["provenance"]
            if provenance["freshness"] == wanted:
                return dict(provenance)


def moment(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat()


async def test_an_answer_says_on_request_where_its_data_come_from_and_how_old_they_are(
    registry: Registry, tmp_path: Path
) -> None:
    stops = Department(STOPS, DATA)
    stops.said = {"dataTimes": {"30700506/2": moment(timedelta(hours=3))}}
    async with on_loopback(stops) as address:
        registry.release("stops", STOPS, address)
        async with served(await with_policy(tmp_path, registry, ["stops"]), open_=False) as client:
            assert await told(client, "fresh") == {
                "provider": "重庆市交通局",
                "resource": "30700506/2",
                "version": 1,
                "freshness": "fresh",
                "dataTime": stops.said["dataTimes"]["30700506/2"],  # type: ignore[index]
            }
            assert "extensions" not in await client.ask(STOP)


async def test_data_older_than_the_declared_cycle_are_called_stale(registry: Registry, tmp_path: Path) -> None:
    stops = Department(STOPS, DATA)
    stops.said = {"dataTimes": {"30700506/2": moment(timedelta(days=3))}}
    async with on_loopback(stops) as address:
        registry.release("stops", STOPS, address)
        always = {"monitoring": {"provenance": "always"}}
        async with served(await with_policy(tmp_path, registry, ["stops"], **always), open_=False) as client:
            await told(client, "stale")
            assert (await client.ask(STOP))["extensions"]["provenance"][0]["freshness"] == "stale"
    in_force = InForceReader(registry.platform).look()
    assert in_force is not None
    times = Observations(registry.platform).data_times()
    assert freshness_by_code(in_force.entries, times, datetime.now(UTC)) == {"30700506/2": Freshness.STALE}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"dataTimes": {"30700506/2": "2999-01-01T00:00:00+08:00"}},
        {"dataTimes": {"30700506/2": "2026-11-22"}},
        {"dataTimes": {"30700503/1": "2026-11-22T00:00:00+08:00"}},
        {"dataTimes": "today"},
    ],
    ids=["nothing", "from the future", "without an offset", "of another's data", "no times"],
)
async def test_what_a_department_cannot_know_or_does_not_say_is_unknown(
    registry: Registry, tmp_path: Path, said: dict[str, object]
) -> None:
    stops = Department(STOPS, DATA)
    stops.said = said
    async with on_loopback(stops) as address:
        registry.release("stops", STOPS, address)
        observations = Observations(registry.platform)
        async with served(await with_policy(tmp_path, registry, ["stops"]), open_=False) as client:
            async with asyncio.timeout(20):
                while not observations.looks():
                    await client.ask(STOP)
            assert "dataTime" not in await told(client, "unknown")
            assert observations.data_times() == {}


async def test_a_subgraph_that_runs_another_schema_than_it_released_is_found_out(
    registry: Registry, tmp_path: Path
) -> None:
    async with on_loopback(Department(STOPS.replace("name: String }", "title: String }"), {})) as address:
        release = registry.release("stops", STOPS, address)
        observations = Observations(registry.platform)
        async with served(await with_policy(tmp_path, registry, ["stops"]), open_=False) as client:
            async with asyncio.timeout(20):
                while not (looks := observations.looks()):
                    await client.ask("{ __typename }")
        (look,) = looks
        assert (look.subgraph, look.registered, look.drifted) == ("stops", release.digest, True)
        assert "BusStop.name" in look.changes[0]


async def test_a_subgraph_that_does_not_answer_is_told_from_one_that_drifted(
    registry: Registry, tmp_path: Path
) -> None:
    registry.release("stops", STOPS, "http://127.0.0.1:1/graphql")
    observations = Observations(registry.platform)
    async with served(await with_policy(tmp_path, registry, ["stops"]), open_=False) as client:
        async with asyncio.timeout(20):
            while not (looks := observations.looks()):
                await client.ask("{ __typename }")
    (look,) = looks
    assert (look.running, look.drifted) == (None, False)
    assert look.problem.startswith("SUBGRAPH_UNREACHABLE")


def test_of_all_who_share_a_registry_one_looks_at_a_time(registry: Registry) -> None:
    observations, now, minute = Observations(registry.platform), datetime.now(UTC), timedelta(minutes=1)
    assert observations.claim("stops", now, minute)
    assert not observations.claim("stops", now + minute / 2, minute)
    assert observations.claim("stops", now + minute, minute)
    assert observations.looks() == ()
    observations.keep(Look("stops", "a", "b"), {})
    assert [look.drifted for look in observations.looks()] == [True]
