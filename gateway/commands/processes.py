"""Child processes of the demo: started, waited for, and stopped all together."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import CodedError, ErrorCode, Family

PROCESS_FAILED = ErrorCode(
    "PROCESS_FAILED", Family.SETTINGS,
    "A process that a command started ended early, or was not ready in time.",
    "Read the end of its log, which the message quotes.",
)  # fmt: skip

READY_WITHIN = 60.0
STOP_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running process, its log, and the address that says whether it is ready."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    health: str


@dataclass(slots=True)
class Children:
    """Processes that live as long as this value is entered."""

    logs: Path
    running: list[Child] = field(default_factory=list)

    def __enter__(self) -> "Children":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.running):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN
        for child in self.running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def start(self, name: str, command: Sequence[str], health: str) -> Child:
        """Starts ``command``; what it prints goes to a log of its own."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as output:
            # A group of its own, so that Ctrl-C reaches this process alone, which then stops the others in order.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_environment(),
            )
        child = Child(name, process, log, health)
        self.running.append(child)
        return child

    def wait_ready(self, child: Child) -> None:
        """Returns when the child's address answers 200. Raises CodedError PROCESS_FAILED."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if child.process.poll() is not None:
                raise CodedError(
                    PROCESS_FAILED, f"{child.name} ended with code {child.process.returncode}: {_end(child.log)}"
                )
            if _answers(child.health):
                return
            time.sleep(0.05)
        raise CodedError(PROCESS_FAILED, f"{child.name} was not ready within {READY_WITHIN:.0f} s: {_end(child.log)}")


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int:
    """``wanted`` if nobody listens there, else the next free port above it; any free port for 0."""
    if wanted == 0:
        with socket.socket() as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    for port in range(wanted, min(wanted + 200, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise CodedError(PROCESS_FAILED, f"No port from {wanted} to {wanted + 199} is free on {host}.")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " | ".join(lines[-3:]) or "it wrote nothing"
