"""What a request costs the whole gateway: CPU, latency, memory, and how long it takes to be ready.

    python -m benchmarks.gateway [--seconds 4] [--connections 32] [--workers 1] [--against 'COMMAND']

Three subgraphs answer from memory in a process of their own, so the figures are the gateway's alone: user and system
time of its process tree per request, from ``/proc``. ``--against`` is another gateway's command with ``{supergraph}``
and ``{port}`` in it, an earlier commit for instance; both take turns in one run, and only ratios of one run mean
anything on a machine that others use too.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from gateway.composition.compose import SubgraphSource, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key" "@shareable" "@external" '
    '"@requires"])\n'
)
SDL = {
    "people": LINK
    + 'type Query { me: Person people: [Person!] } type Person @key(fields: "id") { id: ID! name: String }',
    "firms": LINK + 'type Firm @key(fields: "code") { code: ID! name: String staff: Int city: String }',
    "work": LINK + 'type Person @key(fields: "id") { id: ID! jobs: [Job!] } '
    'type Job { title: String since: Int firm: Firm } type Firm @key(fields: "code", resolvable: false) { code: ID! }',
}  # fmt: skip
OPERATIONS = {
    "small": "{ me { id name } }",
    "joined": "{ people { id name jobs { title since firm { code name staff city } } } }",
}
PEOPLE, JOBS = 100, 5


@dataclass(frozen=True, slots=True)
class Figures:
    """One gateway under one operation: CPU and latencies in milliseconds, memory in MB."""

    requests: int
    seconds: float
    cpu: float
    p50: float
    p99: float
    memory: float


def answer_of(name: str, body: Mapping[str, object]) -> object:
    """A subgraph's answer, made of what was asked and nothing else."""
    query, variables = str(body["query"]), body.get("variables") or {}
    if name == "people":
        people = [{"__typename": "Person", "id": str(n), "name": f"person {n}"} for n in range(PEOPLE)]
        return {"me": people[0]} if "me" in query.split("people")[0] else {"people": people}
    assert isinstance(variables, dict)
    keys = next(iter(variables.values()))
    alias = next(name for name in re.findall(r"(?:(\w+)\s*:\s*)?_entities", query)) or "_entities"
    if name == "firms":
        return {alias: [{"__typename": "Firm", "name": "firm", "staff": 7, "city": "Chongqing"} for _ in keys]}
    return {alias: [{"__typename": "Person", "jobs": _jobs(int(key["id"]))} for key in keys]}


def _jobs(person: int) -> list[dict[str, object]]:
    firms = [{"__typename": "Firm", "code": f"f{(person * JOBS + n) % 60}"} for n in range(JOBS)]
    return [{"title": "clerk", "since": 2019, "firm": firm} for firm in firms]


Answers = Callable[[str, Mapping[str, object]], object]


def serve_subgraphs(ports: Connection, names: Sequence[str], answers: Answers) -> None:
    """Answers POSTs for all subgraphs; what was asked before is answered from memory."""

    async def connection(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known: dict[bytes, bytes] = {}
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                if body not in known:
                    data = json.dumps({"data": answers(name, json.loads(body))}).encode()
                    start = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
                    known[body] = start + str(len(data)).encode() + b"\r\n\r\n" + data
                writer.write(known[body])
        writer.close()

    async def run() -> None:
        servers = [
            await asyncio.start_server(lambda r, w, name=name: connection(name, r, w), "127.0.0.1", 0) for name in names
        ]
        ports.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.Event().wait()

    asyncio.run(run())


@contextlib.contextmanager
def subgraphs(names: Sequence[str] = tuple(SDL), answers: Answers = answer_of) -> Iterator[list[int]]:
    """The subgraphs' ports, while they run; ``answers`` gives the data for a subgraph's name and a request."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_subgraphs, args=(theirs, names, answers), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def supergraph_file() -> Iterator[Path]:
    """The supergraph of the three subgraphs, while they run."""
    with subgraphs() as ports, tempfile.TemporaryDirectory() as folder:
        sources = [
            SubgraphSource(name, f"http://127.0.0.1:{port}/graphql", sdl)
            for (name, sdl), port in zip(SDL.items(), ports, strict=True)
        ]
        supergraph = Path(folder) / "supergraph.graphql"
        supergraph.write_text(compose(sources).supergraph_sdl or "")
        yield supergraph


@contextlib.contextmanager
def gateway(command: str, supergraph: Path, port: int) -> Iterator[tuple[int, float]]:
    """A gateway's process id and the seconds until it was ready."""
    words = shlex.split(command.format(supergraph=supergraph, port=port))
    began = time.perf_counter()
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                post(port, "{__typename}")
                break
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def post(port: int, query: str) -> bytes:
    """One request by the plainest client there is."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return bytes(response.read())


async def load(port: int, query: str, connections: int, seconds: float) -> list[float]:
    """Latencies in milliseconds of as many requests as ``connections`` clients get answered in ``seconds``."""
    body = json.dumps({"query": query}).encode()
    message = (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        while (began := time.perf_counter()) < end:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
            latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return latencies


def tree_of(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in tree_of(int(child)))]


def cpu_of(pid: int) -> float:
    """User and system seconds of a process tree."""
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in tree_of(pid)]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """Peak resident MB of a process tree."""
    status = [Path(f"/proc/{one}/status").read_text() for one in tree_of(pid)]
    return sum(int(text.partition("VmHWM:")[2].split()[0]) for text in status) / 1024


def measure(pid: int, port: int, query: str, connections: int, seconds: float) -> Figures:
    """Drives one operation; the first quarter of a second warms up and does not count."""
    asyncio.run(load(port, query, connections, 0.25))
    before, began = cpu_of(pid), time.perf_counter()
    latencies = sorted(asyncio.run(load(port, query, connections, seconds)))
    took = time.perf_counter() - began
    return Figures(
        requests=len(latencies),
        seconds=took,
        cpu=(cpu_of(pid) - before) * 1000 / len(latencies),
        p50=statistics.median(latencies),
        p99=latencies[int(len(latencies) * 0.99)],
        memory=memory_of(pid),
    )


def main() -> None:
    """Prints a table; with ``--against`` also the ratios of CPU time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--against", metavar="COMMAND", help="another gateway, with {supergraph} and {port}")
    options = parser.parse_args()
    ours = f"{sys.executable} -m gateway serve --supergraph {{supergraph}} --open --port {{port}}"
    ours += f" --workers {options.workers}"
    commands = {"watersmeet": ours, **({"against": options.against} if options.against else {})}
    print("| gateway | operation | req/s | CPU ms/req | p50 ms | p99 ms | peak MB | ready after s |")
    print("|---|---|---|---|---|---|---|---|")
    costs: dict[tuple[str, str], float] = {}
    with supergraph_file() as supergraph:
        for number, (name, command) in enumerate(commands.items()):
            with gateway(command, supergraph, 24_000 + number + os.getpid() % 1000) as (pid, ready):
                port = 24_000 + number + os.getpid() % 1000
                for operation, query in OPERATIONS.items():
                    answer = json.loads(post(port, query))
                    assert "errors" not in answer, answer
                    found = measure(pid, port, query, options.connections, options.seconds)
                    costs[name, operation] = found.cpu
                    print(
                        f"| {name} | {operation} | {found.requests / found.seconds:,.0f} | {found.cpu:.3f} | "
                        f"{found.p50:.1f} | {found.p99:.1f} | {found.memory:.0f} | {ready:.2f} |"
                    )
    for operation in OPERATIONS if options.against else ():
        print(f"\n{operation}: {costs['watersmeet', operation] / costs['against', operation]:.2f} x the other's CPU")


if __name__ == "__main__":
    main()
