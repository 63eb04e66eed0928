"""Releases one after another under load: a real gateway, a real registry, real subgraphs, every answer looked at.

    python -m benchmarks.releases [--releases 100] [--city] [--rate REQUESTS_PER_SECOND]

The gateway follows a registry in a file. It is first driven as fast as it goes; then at half that speed while one
release after another adds a field, each waited for until the gateway answers it. An answer that differs from the
expected one in a byte is wrong. ``--city`` adds the 71 subgraphs of ``benchmarks.city`` to the graph, one of which the
releases change. Load and subgraphs run in processes of their own.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.city import RELEASED, catalogue
from benchmarks.city import subgraphs as city_subgraphs
from benchmarks.gateway import OPERATIONS, SDL, cpu_of, gateway, load, memory_of, post, subgraphs
from gateway.composition.compose import SubgraphSource
from tests.gateway.departments import Registry, registry_at

CONNECTIONS = 32
QUERY = OPERATIONS["small"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the clients saw: latencies in milliseconds with their moments, requests that failed, answers that differ."""

    latencies: list[tuple[float, float]]
    failed: int
    wrong: int


async def paced(port: int, rate: float, expected: bytes, over: Connection) -> Answers:
    """Asks ``rate`` times a second over all connections until told to stop, never waiting for one to ask another."""
    body = json.dumps({"query": QUERY}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    message = f"{head}\r\n\r\n".encode() + body
    latencies: list[tuple[float, float]] = []
    counts = {"failed": 0, "wrong": 0}
    stopped = asyncio.Event()

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if number == 0:
            over.send("begun")
        due = time.perf_counter() + number / rate
        while not stopped.is_set():
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            try:
                writer.write(message)
                start = await reader.readuntil(b"\r\n\r\n")
                length = int(start.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                answer = await reader.readexactly(length)
                counts["failed"] += not start.startswith(b"HTTP/1.1 200")
                counts["wrong"] += answer != expected
            except (OSError, asyncio.IncompleteReadError):
                counts["failed"] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            latencies.append((began, (time.perf_counter() - began) * 1000))
            due += CONNECTIONS / rate
        writer.close()

    asyncio.get_running_loop().add_reader(over.fileno(), stopped.set)
    await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))
    return Answers(latencies, counts["failed"], counts["wrong"])


def drive(port: int, rate: float, expected: bytes, over: Connection) -> None:
    """The load's process: asks until anything is said on ``over``, then tells what it saw."""
    over.send(asyncio.run(paced(port, rate, expected, over)))


def registered(registry: Registry, ports: list[int], *, city: bool) -> SubgraphSource:
    """Puts the first releases live; gives the subgraph that changes."""
    sources = [
        SubgraphSource(name, f"http://127.0.0.1:{port}/graphql", sdl)
        for (name, sdl), port in zip(SDL.items(), ports, strict=True)
    ]
    changing = sources[0]
    if city:
        more = city_subgraphs(catalogue())
        sources += more
        changing = more[RELEASED]
    for source in sources:
        registry.release(source.name, source.sdl, source.url)
    return changing


def widened(source: SubgraphSource, number: int) -> str:
    """The subgraph's SDL with one field more, the only one of its kind."""
    return source.sdl.replace("type Query {", f"type Query {{\n  released{number}: Int", 1)


def go_live(registry: Registry, source: SubgraphSource, number: int, port: int) -> float:
    """Releases and waits until the gateway knows the new field; seconds from the release to then."""
    registry.release(source.name, widened(source, number), source.url)
    began = time.perf_counter()
    asked = f'{{ __type(name: "Query") {{ name }} ... on Query @skip(if: true) {{ released{number} }} }}'
    while b'"errors"' in post(port, asked):
        time.sleep(0.2)  # what is asked before its time is refused with suggestions, which costs the gateway a while
    return time.perf_counter() - began


def main() -> None:
    """Prints the figures; the exit code says whether every answer was right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=100)
    parser.add_argument("--city", action="store_true")
    parser.add_argument("--rate", type=float, help="requests a second instead of half the fastest")
    options = parser.parse_args()
    port = 25_000 + os.getpid() % 1000
    with tempfile.TemporaryDirectory() as folder, subgraphs() as ports:
        store, settings = Path(folder) / "registry.db", Path(folder) / "settings.toml"
        settings.write_text(f'[registry]\nstore = "{store}"\n[monitoring]\ninterval = 0\n', encoding="utf-8")
        command = f"{sys.executable} -m gateway serve --config {settings} --open --port {{port}}"
        with registry_at(store) as registry:
            changing = registered(registry, ports, city=options.city)
            with gateway(command, store, port) as (pid, ready):
                print(f"ready after {ready:.2f} s, {cpu_of(pid):.2f} s of the processor, {memory_of(pid):.0f} MB")
                idle = cpu_of(pid)
                time.sleep(4)
                print(f"asked nothing: {(cpu_of(pid) - idle) / 4 * 1000:.0f} ms of the processor a second")
                fastest = len(asyncio.run(load(port, QUERY, CONNECTIONS, 5))) / 5
                rate = options.rate or fastest / 2
                print(f"as fast as it goes: {fastest:,.0f} requests a second; now {rate:,.0f}")
                sys.exit(under_load(registry, changing, port, pid, rate, options.releases))


def under_load(registry: Registry, changing: SubgraphSource, port: int, pid: int, rate: float, releases: int) -> int:
    """Releases while asking; 1 if an answer was not as it had to be."""
    ours, theirs = get_context("spawn").Pipe()
    client = get_context("spawn").Process(target=drive, args=(port, rate, post(port, QUERY), theirs), daemon=True)
    client.start()
    assert ours.recv() == "begun"
    time.sleep(5)
    memory, cpu, began = memory_of(pid), cpu_of(pid), time.perf_counter()
    took = [go_live(registry, changing, number, port) for number in range(releases)]
    spent, ended = cpu_of(pid) - cpu, time.perf_counter()
    ours.send("over")
    seen: Answers = ours.recv()
    client.join()
    quiet = [latency for at, latency in seen.latencies if at < began]
    busy = [latency for at, latency in seen.latencies if began <= at <= ended]
    print(f"{releases} releases in {ended - began:.1f} s; each live after {statistics.median(took):.2f} s, "
          f"at most {max(took):.2f} s")  # fmt: skip
    print(f"processor {spent:.1f} s, memory at most {memory:.0f} MB before, {memory_of(pid):.0f} MB after")
    for name, values in (("before", quiet), ("during the releases", busy)):
        cuts = statistics.quantiles(values, n=1000)
        shares = (
            f"p50 {cuts[499]:.2f} ms, p99 {cuts[989]:.1f} ms, p99.9 {cuts[998]:.1f} ms, slowest {max(values):.0f} ms"
        )
        print(f"{name}: {len(values)} answers, {shares}")
    print(f"failed: {seen.failed}, wrong: {seen.wrong}, of {len(seen.latencies)}")
    return 1 if seen.failed or seen.wrong else 0


if __name__ == "__main__":
    main()
