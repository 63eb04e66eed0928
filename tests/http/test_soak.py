"""The whole gateway between clients that may leave and subgraphs that fail, lie and stall at random.

``make soak`` sends a hundred thousand requests.
"""

import asyncio
import gc
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.app import create_app
from gateway.execution.compiled import FORMS
from gateway.server.application import Application
from gateway.settings import ServerSettings, Settings, SubgraphSettings, SupergraphSettings
from tests.http.gateway_on_loopback import JSON, call
from tests.transport.raw_subgraph import Peer, answer, raw_subgraph

REQUESTS = int(os.environ.get("WATERSMEET_SOAK_REQUESTS", "1500"))
AT_ONCE = 30
DEADLINE = 0.6

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
       @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  A @join__graph(name: "a", url: "http://a.invalid/")
  B @join__graph(name: "b", url: "http://b.invalid/")
}
type Query @join__type(graph: A) @join__type(graph: B) { things: [Thing] @join__field(graph: A) }
type Thing @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: A)
  stock: Int @join__field(graph: B)
}
"""
QUERIES = {
    "{ things { id name stock } }": ["id", "name", "stock"],
    "{ things { stock } }": ["stock"],
    "{ things { id name } }": ["id", "name"],
}
TRUTH: list[dict[str, Any]] = [{"id": str(n), "name": f"n{n}", "stock": n} for n in range(5)]


class Department:
    """A subgraph that mostly tells the truth, and else does one of the things subgraphs do."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.did: Counter[str] = Counter()

    async def __call__(self, peer: Peer) -> None:
        while True:
            truth = self.truth(json.loads(await peer.request()))
            habit = "tell the truth" if self.chance.random() < 0.75 else self.chance.choice(HABITS)
            self.did[habit] += 1
            whole = answer(json.dumps({"data": truth}).encode())
            match habit:
                case "tell the truth":
                    await peer.send(whole)
                case "close":
                    return
                case "close after":
                    await peer.send(whole)
                    return
                case "break off":
                    await peer.send(whole[: self.chance.randrange(1, len(whole))])
                    return
                case "stall":
                    await peer.until_closed()
                case "be busy":
                    await peer.send(answer(b"{}", "Retry-After: 1", status="503 Busy"))
                case "say more":
                    await peer.send(whole + b"HTTP/1.1 200 OK\r\n")
                case "say html":
                    await peer.send(answer(b"<html>"))
                case "speak otherwise":
                    await peer.send(b"\x15\x03\x01\r\n\r\n")
                    return
                case "report errors":
                    await peer.send(answer(b'{"data":null,"errors":[{"message":"secret of a person"}]}'))
                case "lie":
                    await peer.send(answer(json.dumps(self.lie(truth)).encode()))

    def truth(self, request: dict[str, Any]) -> dict[str, Any]:
        """The right data for a request of the gateway's."""
        representations = [value for name, value in request.get("variables", {}).items() if isinstance(value, list)]
        if not representations:
            return {"things": [{"id": thing["id"], "name": thing["name"]} for thing in TRUTH]}
        before, _, _ = request["query"].partition("_entities")
        alias = before.rpartition("{")[2].strip().removesuffix(":")
        assert all(one["id"] in {true["id"] for true in TRUTH} for one in representations[0])
        found = [{"__typename": "Thing", "stock": TRUTH[int(one["id"])]["stock"]} for one in representations[0]]
        return {alias or "_entities": found}

    def lie(self, truth: dict[str, Any]) -> object:
        """Data of another form than was asked for."""
        (name, found), *_ = truth.items()
        return self.chance.choice(
            [
                {"data": {name: [*found[:-1], {"id": None, "name": 1, "stock": "many"}]}},
                {"data": {name: [{"id": [], "name": {}, "stock": []}]}},
                {"data": {name: "none"}},
                {"data": {name: found + found}} if name != "things" else {"data": []},
                {"data": 1},
                {"errors": "all"},
                [],
                {},
            ]
        )


HABITS = [
    "close", "close after", "break off", "stall", "be busy", "say more", "say html", "speak otherwise", "report errors",
    "lie",
]  # fmt: skip


@asynccontextmanager
async def started(application: Application) -> AsyncIterator[None]:
    """Runs the application's lifespan around the body."""
    coming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.ensure_future(application({"type": "lifespan"}, coming.get, told.put))
    coming.put_nowait({"type": "lifespan.startup"})
    assert (await told.get())["type"] == "lifespan.startup.complete"
    yield
    coming.put_nowait({"type": "lifespan.shutdown"})
    assert (await told.get())["type"] == "lifespan.shutdown.complete"
    await running


def allowed(response: dict[str, Any], fields: list[str]) -> bool:
    """Whether an answer is one that may be given.

    What is told is true. What is not told is null, and there are errors; each has the path of a null, and its own.
    """
    things, errors = response["data"]["things"], response.get("errors", [])
    truth = [{field: thing[field] for field in fields} for thing in TRUTH]
    if things == truth:
        return not errors
    paths = [str(error["path"]) for error in errors]
    return (
        bool(errors)
        and "secret" not in json.dumps(response)
        and len(set(paths)) == len(paths)
        and all(at(response["data"], error["path"]) is None for error in errors)
        and all(any(is_part(thing, true) for true in truth) for thing in things or ())
    )


def at(data: Any, path: list[str | int]) -> Any:
    """What stands at the end of a path; null if there is null before."""
    for step in path:
        data = None if data is None else data[step]
    return data


def is_part(thing: dict[str, Any] | None, true: dict[str, Any]) -> bool:
    """Whether an object says nothing but the truth; an ID is never null without its object."""
    return thing is None or thing in [
        {field: None if field in lost else value for field, value in true.items()}
        for lost in ((), ("name",), ("stock",), ("name", "stock"))
    ]


async def test_every_answer_is_allowed_in_time_and_nothing_is_left_behind(tmp_path: Path) -> None:
    chance = random.Random(20_261_122)
    first, second = Department(chance), Department(chance)
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    async with raw_subgraph(first) as a, raw_subgraph(second) as b:
        subgraphs = {
            name: SubgraphSettings(url=f"http://127.0.0.1:{served.port}/graphql", connections=AT_ONCE // 2)
            for name, served in (("a", a), ("b", b))
        }
        settings = Settings(
            server=ServerSettings(deadline=DEADLINE),
            supergraph=SupergraphSettings(source=str(path)),
            subgraphs=subgraphs,
        )
        application = create_app(settings, plain=True)
        lost: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        before = len(asyncio.all_tasks())
        async with started(application):
            outcomes = await ask(application, chance)
        await a.all_closed()
        await b.all_closed()
        assert len(asyncio.all_tasks()) == before
    gc.collect()
    assert lost == []
    assert sum(outcomes.values()) == REQUESTS
    assert any(plan() and plan()._form for plan, _ in FORMS._held)
    assert outcomes["left"] > REQUESTS / 50
    assert outcomes["whole"] > REQUESTS / 10
    assert outcomes["in part"] > REQUESTS / 20
    assert set(HABITS) == (set(first.did) | set(second.did)) - {"tell the truth"}


async def ask(application: Application, chance: random.Random) -> Counter[str]:
    """Sends all requests, AT_ONCE at a time; some clients do not wait for the answer."""
    outcomes: Counter[str] = Counter()
    numbers = iter(range(REQUESTS))

    async def client() -> None:
        for number in numbers:
            query, fields = chance.choice(list(QUERIES.items()))
            text = f"{query} # {number}" if chance.random() < 0.02 else query
            body = json.dumps({"query": text}).encode()
            asking = asyncio.create_task(call(application, "POST", "/graphql", JSON, body))
            if chance.random() < 0.05:
                for _ in range(chance.randrange(20)):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
                outcomes["left"] += 1
                continue
            async with asyncio.timeout(DEADLINE + 30):
                response = await asking
            assert response.status == 200
            assert allowed(response.json, fields), response.json
            outcomes["whole" if "errors" not in response.json else "in part"] += 1

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return outcomes
