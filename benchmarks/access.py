"""What policy costs: the check of a request, compiling, proving, and how long publishing holds up the event loop.

    python -m benchmarks.access [--lines 10000] [--items 5000] [--json]

The figures that matter are printed with the bound that the design sets for them; the exit code says whether all hold.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, wait
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import msgspec

from catalog_sync.closed_lists import Opening, Sharing
from gateway import garbage
from gateway.changing import POLL_SECONDS
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.callers import Caller, CallerKind
from policies.context import ContextSigner, ContextVerifier, HmacKey, RequestContext, ResourceScope
from policies.items import ItemTiers
from policies.ledger import START, ActFacts
from policies.lines import PolicyVersion, Tokens, parse_policy
from policies.publication import (
    Candidate,
    Person,
    PolicyFollower,
    PolicyOffice,
    be_ready_to_prove,
    compile_and_prove,
)
from policies.tables import PolicyTables, compile_tables
from policies.versions import sign_version
from policies.views import Act

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEPARTMENTS, APPLICATIONS, PURPOSES = 70, 1000, 6
KEY = HmacKey("console", b"a-secret-of-the-console-for-benchmarks")

Items = dict[str, ItemTiers]


def catalogue(count: int, chance: random.Random) -> Items:
    """Items in resources of ten, of all tiers."""
    items = {}
    for number in range(count):
        sharing = chance.choice([Sharing.UNCONDITIONAL] * 4 + [Sharing.CONDITIONAL] * 5 + [Sharing.NOT_SHARED])
        opening = chance.choice(list(Opening)) if sharing is Sharing.UNCONDITIONAL else Opening.NOT_OPEN
        name = f"3070050{number // 500 % 9 + 1}/{number // 10 + 1}.item{number % 10}"
        items[name] = ItemTiers(sharing, opening, personal=chance.random() < 0.3)
    return items


def policy(count: int, items: Items, chance: random.Random) -> tuple[Tokens, ...]:
    """So many lines: seventy departments, a thousand applications, and grants for the rest."""
    lines = [
        "p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a3, allow",
        "p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow",
        "g, anon, public, -", "g3, intranet, z:gov", "g3, intranet, z:any", "g3, internet, z:any",
    ]  # fmt: skip
    for department in range(DEPARTMENTS):
        lines += [f"g, dept:{department}, gov, {department}", f"g, gov, public, {department}"]
    lines += [f"g, app:{app}, dept:{app % DEPARTMENTS}, {app % DEPARTMENTS}" for app in range(APPLICATIONS)]
    conditional = [name for name, tiers in items.items() if tiers.sharing is Sharing.CONDITIONAL]
    number = 0
    while len(lines) < count:
        number += 1
        who = chance.choice([f"dept:{chance.randrange(DEPARTMENTS)}", f"app:{chance.randrange(APPLICATIONS)}"])
        year, month, day = chance.randint(2024, 2026), chance.randint(1, 12), chance.randint(1, 28)
        period = f"{year}-{month:02}-{day:02}T00:00:00Z, {year + chance.randint(1, 2)}-{month:02}-{day:02}T00:00:00Z"
        act = chance.choice(["read", "read", "filter", "masked:redact", "verify"])
        purpose = f"purpose-{chance.randrange(PURPOSES)}"
        what = f"{purpose}, {chance.choice(conditional)}, {act}, *, {period}"
        lines.append(f"p, Q-{number}, {who}, z:gov, {what}, request:{number}, allow")
    return tuple(line.tokens for line in parse_policy("\n".join(lines)))


def check_cost(tables: PolicyTables, items: Items, chance: random.Random) -> tuple[float, float]:
    """Microseconds for what a request asks of policy: of a class and operation seen before, and of new ones."""
    callers = [
        Caller(CallerKind.APPLICATION, f"app:{app}", str(app % DEPARTMENTS), zone="intranet", purpose="purpose-1")
        for app in chance.sample(range(APPLICATIONS), 200)
    ]
    by_resource: dict[str, list[str]] = {}
    for name in items:
        by_resource.setdefault(name.rpartition(".")[0], []).append(name)
    operations = [
        (resource, frozenset((name, Act.READ) for name in chance.sample(names, min(5, len(names)))))
        for resource, names in chance.sample(sorted(by_resource.items()), 100)
    ]
    pairs = [(caller, *operation) for caller in callers for operation in operations]
    started = time.perf_counter()
    for caller in callers:
        tables.view(caller, NOW)
    for caller, resource, needs in pairs:
        tables.view(caller, NOW).entitle(resource, needs)
    first = (time.perf_counter() - started) / len(pairs) * 1e6
    costs = []
    for _ in range(5):
        started = time.perf_counter()
        for caller, resource, needs in pairs:
            tables.view(caller, NOW).entitle(resource, needs)
        costs.append((time.perf_counter() - started) / len(pairs) * 1e6)
    return statistics.median(costs), first


def signing_cost() -> tuple[float, float]:
    """Microseconds to sign and to verify the context of one sub-query."""
    scope = ResourceScope(
        resource="30700503/1", rules=("T-gov", "Q-1"), grant="Q-1", masks={"30700503/1.name": "surname"}
    )
    context = RequestContext(
        audience="police", subject="app:1", department="1", zone="intranet", policy_version="7", resources=(scope,)
    )
    signer, verifier, body = ContextSigner("police", KEY), ContextVerifier("police", [KEY]), b"x" * 500
    count = 20_000
    started = time.perf_counter()
    signed = [dict(signer.headers("POST", "/graphql", body, context)) for _ in range(count)]
    sign = (time.perf_counter() - started) / count * 1e6
    now = time.time()
    started = time.perf_counter()
    for headers in signed:
        verifier.verify("POST", "/graphql", headers, body, now)
    return sign, (time.perf_counter() - started) / count * 1e6


async def publication(lines: tuple[Tokens, ...], items: Items) -> dict[str, float]:
    """Seconds to publish an edit of one line, until a worker has it, and the longest pause of the event loop."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor,
    ):
        # As the administration has it: the processes are there before somebody publishes.
        wait([executor.submit(be_ready_to_prove) for _ in range(2)])
        database = SqliteDatabase(Path(folder) / "policy.db")
        await migrate(database)
        store = SqlPolicyStore(database)
        office = PolicyOffice(store, KEY, lambda: items, lambda: NOW, executor, processes=2)
        garbage.search_often()  # as a gateway has it once it serves
        idle: list[float] = []
        watching = asyncio.create_task(_watch(idle))
        await asyncio.sleep(2)
        watching.cancel()
        stalls: list[float] = []
        watching = asyncio.create_task(_watch(stalls))
        started = time.perf_counter()
        await office.install(lines, Person("user:ann", "city"), "first")
        install = time.perf_counter() - started
        publishing = max(stalls)
        stalls.clear()
        follower = PolicyFollower(store, {KEY.id: KEY}, lambda: items)
        await follower.look()
        following = asyncio.create_task(_next_version(follower))
        extra = ("p", "Q-new", "dept:1", "z:gov", "purpose-1", lines[-1][5], "read", "*", "2026-01-01T00:00:00Z",
                 "2027-01-01T00:00:00Z", "request:new", "allow")  # fmt: skip
        edited = PolicyVersion.of(2, (*lines, extra))
        started = time.perf_counter()
        signed = sign_version(edited, START, ("user:ann", "user:ben"), "edit", "2026-11-22T12:00:00Z", KEY)
        await store.publish(signed, 1, ActFacts(person="user:ann", act="publish", about="policy 2"), NOW)
        await following
        worker = time.perf_counter() - started
        watching.cancel()
        await database.close()
    return {
        "publish_s": install,
        "worker_s": worker,
        "publish_stall_ms": publishing * 1000,
        "worker_stall_ms": max(stalls) * 1000,
        "idle_stall_ms": max(idle) * 1000,
    }


async def _next_version(follower: PolicyFollower) -> None:
    """Looks as often as a gateway does, until there is another version."""
    while True:
        if await follower.look() is not None:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _watch(stalls: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        stalls.append(time.perf_counter() - before - 0.001)


def main() -> int:
    parser = argparse.ArgumentParser(description="What policy costs.")
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chance = random.Random(320)
    items = catalogue(options.items, chance)
    lines = policy(options.lines, items, chance)
    started = time.perf_counter()
    tables = compile_tables(PolicyVersion.of(1, lines), items)
    compiled = time.perf_counter() - started
    warm, cold = check_cost(tables, items, chance)
    sign, verify = signing_cost()
    candidate = msgspec.msgpack.encode(Candidate(PolicyVersion.of(1, lines), items, NOW, 10_000, frozenset()))
    started = time.process_time()
    compile_and_prove(candidate)
    proved = time.process_time() - started
    figures = {
        "check_us": warm, "first_check_us": cold, "compile_s": compiled, "prove_cpu_s": proved,
        "sign_us": sign, "verify_us": verify,
        **asyncio.run(publication(lines, items)),
    }  # fmt: skip
    bounds = {"check_us": 5.0, "publish_s": 5.0, "worker_s": 1.0, "publish_stall_ms": 50.0, "worker_stall_ms": 50.0}
    if options.json:
        print(json.dumps({"version": 1, "lines": options.lines, "items": options.items, **figures}))
    else:
        for name, value in figures.items():
            bound = f"   (bound {bounds[name]:g})" if name in bounds else ""
            print(f"{name:16} {value:10.3f}{bound}")
    return int(any(figures[name] >= bound for name, bound in bounds.items()))


if __name__ == "__main__":
    sys.exit(main())
