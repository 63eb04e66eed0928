"""Two workers over one registry, as they run in a city: a release reaches both, and either tells what both counted."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateway.departments import STOPS, registry_at

SETTINGS = """
[server]
port = {port}
workers = 2
explorer = false
[registry]
store = "catalogue.db"
[monitoring]
interval = 0
metrics_port = {metrics}
"""
WAIT = 30.0


@contextmanager
def two_workers(folder: Path, port: int, metrics: int) -> Iterator[None]:
    (folder / "gateway.toml").write_text(SETTINGS.format(port=port, metrics=metrics))
    command = [sys.executable, "-m", "gateway", "serve", "--open", "--config", str(folder / "gateway.toml")]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            until_answered(port)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WAIT)


def until_answered(port: int) -> None:
    ends = time.monotonic() + WAIT
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            continue
    raise AssertionError("the gateway did not start")


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def fields_served(port: int) -> frozenset[str]:
    """The fields of a stop on whichever worker takes the connection."""
    body = json.dumps({"query": '{ __type(name: "BusStop") { fields { name } } }'}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json", "connection": "close"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        found = json.load(response)["data"]["__type"]["fields"]
    return frozenset(field["name"] for field in found)


def answered(metrics: int) -> int:
    """How many requests either worker says that both answered."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=30) as response:
        text = response.read().decode()
    return next((int(line.split()[1]) for line in text.splitlines() if 'total{outcome="ok"}' in line), 0)


def test_a_release_reaches_both_workers_and_either_counts_for_both(tmp_path: Path) -> None:
    port, metrics = free_ports()
    with registry_at(tmp_path / "catalogue.db") as registry:
        registry.release("stops", STOPS, "http://127.0.0.1:1/graphql")
        with two_workers(tmp_path, port, metrics):
            asked = 0
            registry.release("stops", STOPS.replace("name: String }", "title: String }"), "http://127.0.0.1:1/graphql")
            renamed = frozenset({"stopNo", "title"})
            ends = time.monotonic() + WAIT
            same = 0
            # The kernel shares connections out among the workers: forty in a row hardly all reach one.
            while same < 40:
                assert time.monotonic() < ends
                same = same + 1 if fields_served(port) == renamed else 0
                asked += 1
            while answered(metrics) < asked:
                assert time.monotonic() < ends
            assert answered(metrics) == asked
