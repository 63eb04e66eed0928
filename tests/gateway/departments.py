"""Two departments on loopback and their registry: subgraphs that answer over HTTP, entries and releases in a store."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from graphql import build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from catalog_sync.documents import ListNode, parse_yaml
from catalog_sync.entries import CatalogueEntry
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.office import CatalogueOffice
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.registry import Actor, Trigger, TriggerKind
from catalog_sync.releases import SubgraphRelease
from tests.catalogue.offices import review
from tests.support.serving import serving

TRANSPORT = CreditCode.parse("11500000XXXX0006X1")
REVIEWER = Actor("reviewer", CreditCode.parse("11500000XXXX00019X"), Side.COMPETENT)
TRIGGER = Trigger(TriggerKind.CREATED, date(2026, 11, 2), "渝交函〔2026〕1号")

STOPS = """
extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])
  @link(url: "https://watersmeet.dev/resource/v1.0", import: ["@resource"])
  @composeDirective(name: "@resource")
directive @composeDirective(name: String!) repeatable on SCHEMA
directive @resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION
type Query { busStop(stopNo: String): BusStop }
type BusStop @key(fields: "stopNo") @resource(code: "30700506/2") { stopNo: String name: String }
type Subscription { opened: BusStop }
"""
WEATHER = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])
type Query { weather: String }
"""
STOP_ENTRY = """\
- id: cq-tr-bus-stop
  title: 公交站点
  alias: BusStop
  codes: ["30700506/2"]
  provider: {name: 重庆市交通局, uscc: 11500000XXXX0006X1, unit: 城市交通管理处}
  abstract: 公交站点的编号与名称。
  format: {class: 数据库, type: mysql}
  share: {type: unconditional, condition: 无条件, category: 共享平台方式, mode: 接口}
  open: {value: true}
  cycle: 每日
  issued: 2026-05-06
  items:
    - {n: 站点编号, en: stopNo, t: C, len: 12, share: unconditional, open: all, key: true}
    - {n: 站点名称, en: name, t: C, len: 50, share: unconditional, open: all}
"""
WITH_LINES = STOP_ENTRY + "    - {n: 线路数, en: lines, t: I, len: 3, share: unconditional, open: all}\n"


class Department:
    """A subgraph over HTTP: answers by its schema over ``data``; the events of a subscription come from the test.

    ``said`` are the extensions beside an answer to ``_service``, ``asked`` the bodies that came.
    """

    def __init__(self, sdl: str, data: Mapping[str, object]) -> None:
        self.sdl = sdl
        self._schema = build_schema(sdl, assume_valid_sdl=True)
        self.data = data
        self.said: dict[str, object] = {}
        self.asked: list[str] = []
        self.events: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.streams = 0

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/graphql", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.asked.append(body["query"])
        if "_service" in body["query"]:
            return _json({"data": {"_service": {"sdl": self.sdl}}, "extensions": self.said})
        if body["query"].startswith("subscription"):
            self.streams += 1
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        answered = graphql_sync(self._schema, body["query"], self.data, variable_values=body.get("variables"))
        return _json({"data": answered.data})

    async def _stream(self) -> AsyncIterator[str]:
        while True:
            event = await self.events.get()
            yield f"event: next\ndata: {json.dumps({'data': event})}\n\n"


def _json(value: object) -> Response:
    return Response(json.dumps(value), media_type="application/json")


@asynccontextmanager
async def on_loopback(department: Department) -> AsyncIterator[str]:
    """The department's address."""
    async with serving(department.application()) as address:
        yield f"{address}/graphql"


class Registry:
    """The departments' registry as its officers use it, each step at once."""

    def __init__(self, path: Path, platform: CataloguePlatform) -> None:
        self.path = path
        self.platform = platform
        self.office = CatalogueOffice(platform)

    def enter(self, text: str) -> None:
        """Entries written in YAML come into force."""
        root = parse_yaml(text, "entries.yaml")
        assert isinstance(root, ListNode)
        drafted = self.office.draft(root.items, TRIGGER, _provider)
        ids = [record.id for record in drafted.records]
        self.office.submit(ids, _provider)
        review(self.office, ids)
        for identity in ids:
            self.office.accept(identity, REVIEWER)
        self.office.release(ids, REVIEWER)

    def withdraw(self, identity: str) -> None:
        """The entry is out of force."""
        self.office.withdraw(identity, "replaced", _provider(self.office.record(identity).current.entry))

    def release(self, subgraph: str, sdl: str, address: str) -> SubgraphRelease:
        """A release goes live."""
        now, author = datetime.now(UTC), Actor("author", TRANSPORT, Side.PROVIDER)
        releases = self.platform.releases
        release = releases.propose(subgraph, TRANSPORT, sdl, address, author, now)
        releases.move(subgraph, release.number, "approve", REVIEWER, now)
        return releases.move(subgraph, release.number, "go live", Actor("", TRANSPORT, Side.PLATFORM), now)

    def roll_back(self, release: SubgraphRelease) -> None:
        """An earlier release goes live again."""
        self.platform.releases.roll_back(release.subgraph, release.digest, REVIEWER, datetime.now(UTC))


def _provider(entry: CatalogueEntry) -> Actor:
    return Actor("officer", entry.provider.credit_code, Side.PROVIDER)


@contextmanager
def registry_at(path: Path) -> Iterator[Registry]:
    """A registry in a file."""
    with open_platform(str(path)) as platform:
        yield Registry(path, platform)
