"""A city's administration on loopback: six persons with keys, a store in a file, a clock that a story can move."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp
from starlette.applications import Starlette

from catalog_sync.loading import Catalogue, load_catalogue
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from gateway.access.governance import Governance
from gateway.admin.api import PATH, routes
from gateway.admin.desk import Desk
from gateway.admin.rights import LiveRights
from gateway.server.authentication import RegisteredAuthenticator
from gateway.server.issuer_keys import KeySource
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from gateway.supergraph.join_sdl import read_supergraph
from gateway.supergraph.model import Supergraph
from policies.call_ceilings import CountedRead
from policies.callers import Caller, CallerKind
from policies.context import HmacKey
from policies.credentials import ApiKey, CallerRegister, RegisteredCaller, hash_api_key
from policies.grants import Rules
from policies.items import items_of_catalogue
from policies.ledger import Outcome, ReadFacts, person_hash
from policies.lines import parse_policy
from policies.matters import day_of
from policies.publication import Person, PolicyFollower, PolicyOffice
from policies.views import AccessView
from tests.access.city import SUPERGRAPH
from tests.support.serving import serving

FRIDAY = datetime(2026, 9, 18, 2, tzinfo=UTC)
ADDRESS, PHOTO = "30700503/1.registeredAddress", "30700503/1.photo"
KEY = HmacKey("console", b"a-secret-of-the-console-for-tests")
PERSON_KEY = b"a-secret-for-persons-in-the-ledger-for-tests"
POLICY = """
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a9, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow
g, app:benefits, dept:welfare, welfare
g, dept:welfare, gov, welfare
g, gov, public, welfare
g, anon, public, -
g, app:planner, public, -
g3, extranet, z:gov
g3, extranet, z:any
g3, internet, z:any
g, user:wang, dept:police, police
g, user:sun, dept:land, land
g, user:chen, role:administrator, reform
g, user:zhou, role:administrator, reform
g, user:zhao, role:coordinator, reform
g, user:qian, role:auditor, audit
p2, C-1, role:administrator, propose, policy, allow
p2, C-2, role:administrator, approve, policy, allow
p2, C-3, role:administrator, freeze, policy, allow
p2, C-4, role:administrator, propose, share:conditional, allow
p2, C-5, role:administrator, approve, share:conditional, allow
p2, C-6, dept:police, decide, 30700503/1/*, allow
p2, C-7, dept:land, decide, 30700504/2/*, allow
p2, C-8, role:coordinator, coordinate, share:conditional, allow
p2, C-9, role:auditor, audit, ledger, allow
g, user:deng, role:operator, centre
p2, C-10, role:operator, operate, system, allow
"""
PEOPLE = {
    "li": ("user:li", CallerKind.OFFICER, "welfare"),
    "wang": ("user:wang", CallerKind.OFFICER, "police"),
    "hu": ("user:hu", CallerKind.OFFICER, "police"),
    "he": ("user:he", CallerKind.OFFICER, "land"),
    "sun": ("user:sun", CallerKind.OFFICER, "land"),
    "chen": ("user:chen", CallerKind.ADMINISTRATOR, "reform"),
    "zhou": ("user:zhou", CallerKind.ADMINISTRATOR, "reform"),
    "zhao": ("user:zhao", CallerKind.OFFICER, "reform"),
    "qian": ("user:qian", CallerKind.OFFICER, "audit"),
    "deng": ("user:deng", CallerKind.OFFICER, "centre"),
    "benefits": ("app:benefits", CallerKind.APPLICATION, "welfare"),
    "planner": ("app:planner", CallerKind.PUBLIC, None),
}


@dataclass(slots=True)
class City:
    """The administration with what a story needs to look at it from outside."""

    store: SqlPolicyStore
    follower: PolicyFollower
    governance: Governance
    moment: list[datetime]
    session: aiohttp.ClientSession
    desk: Desk
    address: str = ""

    @property
    def now(self) -> datetime:
        return self.moment[0]

    def move_to(self, moment: datetime) -> None:
        """Moves the clock of everybody."""
        self.moment[0] = moment

    async def post(self, who: str, document: str, headers: Mapping[str, str] | None = None, **variables: Any) -> Any:
        """The whole answer to one request of a person."""
        sent = {"X-API-Key": key_of(who), **(headers or {})} if who else dict(headers or {})
        body = {"query": document, "variables": variables}
        async with self.session.post(self.address + PATH, json=body, headers=sent) as response:
            return await response.json()

    async def ask(self, who: str, document: str, headers: Mapping[str, str] | None = None, **variables: Any) -> Any:
        """The value of the only field asked for; it must have no error."""
        answer = await self.post(who, document, headers, **variables)
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    async def refused(self, who: str, document: str, **variables: Any) -> tuple[str, str]:
        """Code and message of the one error."""
        answer = await self.post(who, document, **variables)
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["message"]

    async def app_view(self) -> AccessView:
        """What the benefits application may read now, as a worker that follows the store has it."""
        tables = await self.follower.look()
        if tables is not None:
            self.governance = self.governance.with_tables(tables)
        app = Caller(CallerKind.APPLICATION, "app:benefits", "welfare", zone="extranet", purpose="data-verification")
        return self.governance.tables.view(app, self.now)

    async def read_record(self, item: str, resident: str, grant: str | None = None) -> None:
        """The record that the data endpoint writes when the benefits application reads about a resident."""
        facts = ReadFacts(
            caller="app:benefits", department="welfare", zone="extranet", purpose="data-verification", items=(item,),
            outcome=Outcome.GRANTED, policy_version=self.governance.tables.version, graph_version="g1",
            case_number="2026-MZ-7", officer="li", persons=(person_hash(PERSON_KEY, resident),),
        )  # fmt: skip
        ceilings = self.governance.tables.index.ceilings
        limited = ((grant, ceilings[grant]),) if grant is not None else ()
        await self.store.record_calls([CountedRead(facts, limited)], self.now)


def key_of(who: str) -> str:
    """A person's API key in these stories."""
    return f"wsk_{who}"


@asynccontextmanager
async def city(folder: Path) -> AsyncIterator[City]:
    """The city at work, its first policy live."""
    catalogue, supergraph = examples()
    items = items_of_catalogue(catalogue.entries, day_of(FRIDAY))
    database = SqliteDatabase(folder / "policy.db")
    await migrate(database)
    store = SqlPolicyStore(database)
    follower = PolicyFollower(store, {KEY.id: KEY}, lambda: items)
    moment = [FRIDAY]
    office = PolicyOffice(store, KEY, lambda: items, lambda: moment[0], samples=50)
    await office.install(tuple(line.tokens for line in parse_policy(POLICY)), Person("user:chen", "reform"), "first")
    tables = await follower.look()
    assert tables is not None
    governance = Governance(supergraph, catalogue, tables, "https://apply.example/{resource}")
    register = CallerRegister(callers=tuple(_registered(name) for name in PEOPLE))
    desk = Desk(
        store=store,
        office=office,
        rights=LiveRights(store, office, lambda: items),
        items=lambda: items,
        rules=_rules,
        clock=lambda: moment[0],
        person_key=PERSON_KEY,
        governance=lambda: here.governance,
        callers=lambda: {caller.subject: caller for caller in register.callers},
        zone="extranet",
    )
    async with aiohttp.ClientSession() as session:
        here = City(store, follower, governance, moment, session, desk)
        authenticator = RegisteredAuthenticator(register, "extranet", KeySource(folder))
        async with serving(Starlette(routes=routes(lambda: desk, authenticator, body=200_000))) as address:
            here.address = address
            yield here
    await database.close()


@lru_cache(maxsize=1)
def examples() -> tuple[Catalogue, Supergraph]:
    """The example catalogue and the city's supergraph."""
    catalogue = load_catalogue(Path(__file__).parent.parent / "catalogue" / "examples")
    return catalogue, read_supergraph(SUPERGRAPH)


def _rules(now: datetime) -> Rules:
    return Rules(profile=profile_in_force("order-320", day_of(now)), calendar=WorkingCalendar.default())


def _registered(name: str) -> RegisteredCaller:
    subject, kind, department = PEOPLE[name]
    key = ApiKey(id=name, sha256=hash_api_key(key_of(name)))
    return RegisteredCaller(subject=subject, kind=kind, department=department, keys=(key,))
