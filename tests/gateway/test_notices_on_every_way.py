"""Terms, flags and ceilings reach a client whichever way it asks: POST, GET, batches, event streams, WebSockets."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
import time_machine

from gateway.doubt_flags import DoubtFlags
from gateway.gateway import GovernedGateway
from gateway.recording import OperationLedger
from gateway.server.graphql_http import HttpSettings
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.ledger import Outcome, ReadFacts
from tests.gateway.test_governed import STATED, Subgraphs, gateway
from tests.gateway.test_notices import ADDRESS, LIMITED, NOON, SECRET, doubted, file
from tests.http.gateway_on_loopback import on_loopback

Told = dict[str, Any]
Way = Callable[[aiohttp.ClientSession, str, str, int], Awaitable[list[Told]]]
MOVED = 'subscription { moved(residentId: "50") { registeredAddress } }'
EVENTS = {"Accept": "text/event-stream"}


async def by_post(session: aiohttp.ClientSession, address: str, query: str, times: int) -> list[Told]:
    found = []
    for _ in range(times):
        async with session.post(address, json={"query": query}) as response:
            found.append(await response.json())
            assert (response.status == 429) == ("Retry-After" in response.headers) == ("errors" in found[-1])
    return found


async def by_get(session: aiohttp.ClientSession, address: str, query: str, times: int) -> list[Told]:
    return [await (await session.get(f"{address}?query={quote(query)}")).json() for _ in range(times)]


async def by_batch(session: aiohttp.ClientSession, address: str, query: str, times: int) -> list[Told]:
    async with session.post(address, json=[{"query": query}] * times) as response:
        assert response.status == 200
        return list(await response.json())


async def by_event_stream(session: aiohttp.ClientSession, address: str, query: str, times: int) -> list[Told]:
    found = []
    for _ in range(times):
        async with session.post(address, json={"query": query}, headers=EVENTS) as response:
            told = await response.text()
            if response.content_type == "text/event-stream":
                found += [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: {")]
            else:
                found.append(json.loads(told))
    return found


async def by_websocket(session: aiohttp.ClientSession, address: str, query: str, times: int) -> list[Told]:
    found = []
    async with session.ws_connect(address, protocols=("graphql-transport-ws",)) as socket:
        await socket.send_json({"type": "connection_init"})
        assert await socket.receive_json() == {"type": "connection_ack"}
        for number in range(times):
            await socket.send_json({"type": "subscribe", "id": str(number), "payload": {"query": query}})
            while (message := await socket.receive_json())["type"] == "next":
                found.append(message["payload"])
            if message["type"] == "error":
                found.append({"errors": message["payload"]})
    return found


@asynccontextmanager
async def governed(folder: Path, answers: list[Told]) -> AsyncIterator[tuple[GovernedGateway, SqlPolicyStore]]:
    """A gateway whose caller may ask three times a day, with one value under check, and its store."""
    async with AsyncExitStack() as stack:
        stack.enter_context(time_machine.travel(NOON, tick=False))
        database = SqliteDatabase(folder / "policy.db")
        stack.push_async_callback(database.close)
        await migrate(database)
        store = SqlPolicyStore(database)
        made = gateway(STATED, Subgraphs(*answers), LIMITED)
        made.ledger, made.doubts = OperationLedger(store, SECRET), DoubtFlags(store, SECRET)
        stack.push_async_callback(made.ledger.close)
        await file(store, doubted("50"))
        await made.doubts.look()
        yield made, store


async def outcomes(store: SqlPolicyStore) -> list[Outcome]:
    bodies = [bytes(record.body) for record in await store.records()]
    return sorted(msgspec.json.decode(body, type=ReadFacts).outcome for body in bodies if b'"outcome"' in body)


def assert_noticed(told: Told) -> None:
    assert told["extensions"]["grants"][0]["grant"] == "Q-1"
    assert told["extensions"]["doubts"][0]["doubt"] == "2026-7"


@pytest.mark.parametrize("way", [by_post, by_get, by_batch, by_event_stream, by_websocket])
async def test_granted_data_comes_with_its_notices_until_its_calls_are_used_up(way: Way, tmp_path: Path) -> None:
    home = {"resident": {"registeredAddress": "street 1"}}
    async with governed(tmp_path, [home] * 4) as (made, store), aiohttp.ClientSession() as session:
        async with on_loopback(made, http=HttpSettings(batch=4)) as port:
            told = await way(session, f"http://127.0.0.1:{port}/graphql", ADDRESS, 4)
        answered = [each for each in told if "errors" not in each]
        refused = [each for each in told if "errors" in each]
        assert [each["data"] for each in answered] == [home] * 3
        for each in answered:
            assert_noticed(each)
        assert [each["errors"][0]["extensions"]["code"] for each in refused] == ["GRANT_USED_UP"]
        assert await outcomes(store) == [Outcome.GRANTED] * 3 + [Outcome.REFUSED]


@pytest.mark.parametrize("way", [by_event_stream, by_websocket])
async def test_each_event_comes_with_its_notices_and_counts_as_a_call(way: Way, tmp_path: Path) -> None:
    moves = [{"moved": {"registeredAddress": f"street {number}"}} for number in range(5)]
    async with governed(tmp_path, moves) as (made, store), aiohttp.ClientSession() as session:
        async with on_loopback(made) as port:
            *events, over = await way(session, f"http://127.0.0.1:{port}/graphql", MOVED, 1)
        assert [each["data"] for each in events] == moves[:3]
        for each in events:
            assert_noticed(each)
        assert over["errors"][0]["extensions"]["code"] == "GRANT_USED_UP"
        assert await outcomes(store) == [Outcome.GRANTED] * 3 + [Outcome.REFUSED]


async def test_what_is_refused_in_a_batch_takes_nothing_from_the_others(tmp_path: Path) -> None:
    home = {"resident": {"registeredAddress": "street 1"}}
    secret = "{ estates { area } }"
    body = [{"query": query} for query in (ADDRESS, secret, ADDRESS)]
    async with (
        governed(tmp_path, [home] * 2) as (made, _),
        on_loopback(made, http=HttpSettings(batch=3)) as port,
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/graphql", json=body) as response,
    ):
        first, refused, last = await response.json()
    assert_noticed(first)
    assert_noticed(last)
    assert "data" not in refused
    assert "grants" not in refused.get("extensions", {})
