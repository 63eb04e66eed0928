"""Subscriptions while releases come: carried over where their fields are still served, closed with the reason else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import create_app
from gateway.settings import convert_settings
from tests.gateway.departments import STOPS, WEATHER, Department, Registry, on_loopback, registry_at
from tests.support.serving import serving

OPENED = "subscription { opened { name } }"
STOP = {"opened": {"name": "解放碑"}}
# The trigger's own department now serves another name for the stop.
RENAMED = STOPS.replace("name: String }", "title: String }")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "catalogue.db") as opened:
        yield opened


class Stream:
    """A subscription by server-sent events, seen from the client."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.lines = response.content

    async def hear(self) -> Any:
        """The next event's payload; None when the stream is complete."""
        async with asyncio.timeout(20):
            while line := await self.lines.readline():
                if line.startswith(b"data:"):
                    return json.loads(line[5:]) if line[5:].strip() else None
        raise AssertionError("the stream broke off")


class Gateway:
    """The gateway's address and a way to see that a release is live."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session = session
        self.address = address

    @asynccontextmanager
    async def stream(self, document: str) -> AsyncIterator[Stream]:
        headers = {"accept": "text/event-stream"}
        body = {"query": document}
        async with self.session.post(f"{self.address}/graphql", json=body, headers=headers) as response:
            yield Stream(response)

    async def until_served(self, document: str) -> None:
        async with asyncio.timeout(20):
            while True:
                async with self.session.post(f"{self.address}/graphql", json={"query": document}) as response:
                    if json.loads(await response.read()).get("data"):
                        return


@asynccontextmanager
async def gateway(registry: Registry) -> AsyncIterator[Gateway]:
    settings = convert_settings(
        {"registry": {"store": str(registry.path), "poll": 0.02}, "server": {"explorer": False}}
    )
    application = create_app(settings, plain=True)
    async with serving(application, sockets=True) as address, aiohttp.ClientSession() as session:
        yield Gateway(session, address)


async def test_a_subscription_goes_on_without_a_gap_when_another_department_changes(registry: Registry) -> None:
    stops, rain = Department(STOPS, {}), Department(WEATHER, {"weather": "fog"})
    async with on_loopback(stops) as at, on_loopback(rain) as rain_at:
        registry.release("stops", STOPS, at)
        async with gateway(registry) as client, client.stream(OPENED) as stream:
            await stops.events.put(STOP)
            assert await stream.hear() == {"data": STOP}
            registry.release("weather", WEATHER, rain_at)
            await client.until_served("{ weather }")
            await stops.events.put(STOP)
            assert await stream.hear() == {"data": STOP}
            assert stops.streams == 1


async def test_a_subscription_is_begun_anew_when_its_department_moves(registry: Registry) -> None:
    before, after = Department(STOPS, {}), Department(STOPS, {"busStop": {"name": "here"}})
    async with on_loopback(before) as old, on_loopback(after) as new:
        registry.release("stops", STOPS, old)
        async with gateway(registry) as client, client.stream(OPENED) as stream:
            await before.events.put(STOP)
            assert await stream.hear() == {"data": STOP}
            registry.release("stops", STOPS, new)
            await client.until_served("{ busStop { name } }")
            await after.events.put({"opened": {"name": "moved"}})
            assert await stream.hear() == {"data": {"opened": {"name": "moved"}}}


async def test_a_stream_ends_with_the_reason_when_its_fields_went(registry: Registry) -> None:
    stops = Department(STOPS, {})
    async with on_loopback(stops) as at:
        registry.release("stops", STOPS, at)
        async with gateway(registry) as client, client.stream(OPENED) as stream:
            await stops.events.put(STOP)
            assert await stream.hear() == {"data": STOP}
            registry.release("stops", RENAMED, at)
            ended = await stream.hear()
            assert [error["extensions"]["code"] for error in ended["errors"]] == [
                "GRAPH_CHANGED",
                "GRAPHQL_VALIDATION_FAILED",
            ]
            assert "name" in ended["errors"][1]["message"]
            assert await stream.hear() is None


async def test_on_a_websocket_the_operation_ends_with_the_reason_and_the_connection_stays(registry: Registry) -> None:
    stops = Department(STOPS, {"busStop": {"title": "解放碑"}})
    async with on_loopback(stops) as at:
        registry.release("stops", STOPS, at)
        async with (
            gateway(registry) as client,
            client.session.ws_connect(f"{client.address}/graphql", protocols=("graphql-transport-ws",)) as socket,
        ):
            await socket.send_json({"type": "connection_init"})
            await socket.receive_json(timeout=20)
            await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": OPENED}})
            await stops.events.put(STOP)
            assert await socket.receive_json(timeout=20) == {"id": "1", "type": "next", "payload": {"data": STOP}}
            registry.release("stops", RENAMED, at)
            ended = await socket.receive_json(timeout=20)
            assert (ended["id"], ended["type"]) == ("1", "error")
            assert ended["payload"][0]["extensions"]["code"] == "GRAPH_CHANGED"
            query = {"query": "{ __typename }"}
            await socket.send_json({"id": "2", "type": "subscribe", "payload": query})
            assert (await socket.receive_json(timeout=20))["type"] == "next"
