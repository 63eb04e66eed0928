"""What an operator's Prometheus reads: counts of all workers, the graph, the policy, drift and freshness."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import uvicorn

from gateway import metrics_listener
from gateway.background import going_on
from gateway.measuring import Counts, SharedCounts
from gateway.settings import MonitoringSettings
from tests.gateway.departments import STOP_ENTRY, STOPS, Department, Registry, on_loopback, registry_at
from tests.gateway.policy_stores import with_policy
from tests.gateway.test_registry import Client, served

STOP = '{ busStop(stopNo: "7") { name } }'
DATA = {"busStop": {"stopNo": "7", "name": "解放碑"}}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "catalogue.db") as opened:
        opened.enter(STOP_ENTRY)
        yield opened


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def scraped(client: Client, port: int) -> dict[str, float]:
    """Every sample by its name and labels."""
    async with client.session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.content_type == "text/plain"
        text = await response.text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def until(client: Client, port: int, sample: str, value: float) -> dict[str, float]:
    async with asyncio.timeout(20):
        while (found := await scraped(client, port)).get(sample) != value:
            await client.ask("{ __typename }")
    return found


async def test_requests_and_subgraphs_are_counted_by_outcome(registry: Registry, tmp_path: Path, port: int) -> None:
    async with on_loopback(Department(STOPS, DATA)) as address:
        registry.release("stops", STOPS, address)
        monitoring = {"monitoring": {"metrics_port": port, "interval": 0}}
        async with served(await with_policy(tmp_path, registry, ["stops"], **monitoring), open_=False) as client:
            for document in (STOP, STOP, "{ nothing }", "{"):
                await client.ask(document)
            found = await scraped(client, port)
    assert found['watersmeet_requests_total{outcome="ok"}'] == 2
    assert found['watersmeet_requests_total{outcome="GRAPHQL_VALIDATION_FAILED"}'] == 1
    assert found['watersmeet_requests_total{outcome="GRAPHQL_PARSING_FAILED"}'] == 1
    assert found['watersmeet_request_duration_seconds_bucket{le="+Inf"}'] == 4
    assert found["watersmeet_request_duration_seconds_count"] == 4
    assert found['watersmeet_subgraph_requests_total{subgraph="stops",outcome="ok"}'] == 2
    assert found['watersmeet_subgraph_duration_seconds_count{subgraph="stops"}'] == 2
    assert found["watersmeet_streams"] == 0


async def test_a_subgraph_that_fails_is_counted_as_failing(registry: Registry, tmp_path: Path, port: int) -> None:
    registry.release("stops", STOPS, "http://127.0.0.1:1/graphql")
    monitoring = {"monitoring": {"metrics_port": port, "interval": 0}}
    async with served(await with_policy(tmp_path, registry, ["stops"], **monitoring), open_=False) as client:
        await client.ask(STOP)
        found = await scraped(client, port)
    assert found['watersmeet_requests_total{outcome="errors"}'] == 1
    assert found['watersmeet_subgraph_requests_total{subgraph="stops",outcome="SUBGRAPH_UNREACHABLE"}'] == 1


async def test_graph_policy_drift_freshness_and_refused_releases_are_shown(
    registry: Registry, tmp_path: Path, port: int
) -> None:
    stops = Department(STOPS.replace("name: String }", "name: String more: Int }"), DATA)
    stops.said = {"dataTimes": {"30700506/2": "2026-01-01T00:00:00+00:00"}}
    async with on_loopback(stops) as address:
        registry.release("stops", STOPS, address)
        monitoring = {"monitoring": {"metrics_port": port}}
        async with served(await with_policy(tmp_path, registry, ["stops"], **monitoring), open_=False) as client:
            found = await until(client, port, 'watersmeet_subgraph_drifted{subgraph="stops"}', 1)
            assert found['watersmeet_subgraph_answers{subgraph="stops"}'] == 1
            assert found['watersmeet_resource_fresh{resource="30700506/2"}'] == 0
            age = datetime.now(UTC).timestamp() - found['watersmeet_resource_data_time_seconds{resource="30700506/2"}']
            assert age > 24 * 3600
            assert found['watersmeet_release{subgraph="stops"}'] == 1
            assert any(name.startswith('watersmeet_graph_info{version="') for name in found)
            assert any(name.startswith('watersmeet_policy_info{version="1-') for name in found)
            registry.release("weather", "type Query { busStop: Int }", address)
            found = await until(client, port, 'watersmeet_graph_builds_total{outcome="refused"}', 1)
            assert found["watersmeet_graph_refused"] == 1
            assert found['watersmeet_release{subgraph="stops"}'] == 1


async def test_metrics_are_not_answered_beside_the_data(registry: Registry, tmp_path: Path, port: int) -> None:
    settings = await with_policy(tmp_path, registry, [], monitoring={"metrics_port": port})
    async with served(settings, open_=False) as client, client.session.get(f"{client.address}/metrics") as response:
        assert response.status == 404


async def test_a_port_that_is_taken_stops_no_request(registry: Registry, tmp_path: Path, caplog: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monitoring = {"monitoring": {"metrics_port": taken.getsockname()[1]}}
        async with served(await with_policy(tmp_path, registry, [], **monitoring), open_=False) as client:
            assert (await client.ask(STOP))["errors"][0]["extensions"]["code"] == "NOTHING_RELEASED"
    assert "metrics are not answered" in caplog.text  # type: ignore[attr-defined]


async def test_a_listener_that_an_error_ended_is_told_of_and_answers_again(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, main_loop = asyncio.Event(), uvicorn.Server.main_loop

    async def broken_once(server: uvicorn.Server) -> None:
        if not ended.is_set():
            ended.set()
            raise ZeroDivisionError
        await main_loop(server)

    monkeypatch.setattr(uvicorn.Server, "main_loop", broken_once)
    monkeypatch.setattr(metrics_listener, "going_on", partial(going_on, pause=0))
    settings, counts = MonitoringSettings(metrics_port=port), SharedCounts(Counts(), tmp_path)
    async with metrics_listener.metrics_listener(settings, counts, lambda *_: "counted") as address:
        await ended.wait()
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            assert await response.text() == "counted"
    [record] = [record for record in caplog.records if record.exc_info]
    assert "answering metrics stopped by an error" in record.message


def test_one_worker_answers_for_all_and_for_those_that_died(tmp_path: Path) -> None:
    died, lives = (SharedCounts(Counts(), tmp_path) for _ in range(2))
    died.own.request("ok", 0.002)
    died.own.fetch("stops", "ok", 0.3)
    died.flush()
    lives.own.request("ok", 20.0)
    lives.own.request("FORBIDDEN", 0.0005)
    lives.own.fetch("stops", "SUBGRAPH_TIMED_OUT", 5.0)
    total = lives.all()
    assert total.requests == {"ok": 2, "FORBIDDEN": 1}
    assert total.fetches == {"stops": {"ok": 1, "SUBGRAPH_TIMED_OUT": 1}}
    assert (sum(total.request_durations.classes), total.request_durations.classes[-1]) == (3, 1)
    assert total.fetch_durations["stops"].seconds == pytest.approx(5.3)
