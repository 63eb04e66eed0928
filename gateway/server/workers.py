"""Several processes on one port, and a parent that keeps them alive.

The parent opens one listening socket for each worker and keeps it open: when a worker dies, connections wait in its
socket until its successor takes them, instead of being refused. The parent makes the application before it forks, so
that a wrong start is told once and memory is shared, but it never runs an event loop; it only waits for signals.
"""

import asyncio
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import CodedError
from gateway.server.application import Application
from gateway.server.errors import WORKERS_FAILED
from gateway.server.serving import Conduct, open_sockets, serve

_SIGNALS = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP))
_FAILED_STARTS = 3

Mask = set[signal.Signals] | set[int]


def run_server(
    make: Callable[[], Application],
    host: str,
    port: int,
    workers: int = 1,
    *,
    announce: Callable[[str], None] = lambda address: None,
    conduct: Conduct | None = None,
) -> None:
    """Serves what ``make`` makes until SIGTERM or SIGINT; on SIGHUP every worker looks again at what it was made of.

    ``make`` is called before any event loop runs; what needs one belongs into the application's lifespan. ``announce``
    is told the address (such as ``http://host:port``) once it is answered. Raises what ``make`` raises, CodedError
    ADDRESS_UNAVAILABLE before anything is started, and WORKERS_FAILED where workers end before they answer.
    """
    # Until an event loop handles it: what is being read now need not be read again, and nothing is to end by it.
    signal.signal(signal.SIGHUP, lambda *_: None)
    sockets = open_sockets(host, port, workers)
    conduct = conduct or Conduct()
    shown = f"[{host}]" if ":" in host else host
    address = f"{'http' if conduct.tls is None else 'https'}://{shown}:{sockets[0].getsockname()[1]}"
    try:
        application = make()
        if workers == 1:
            serve(application, conduct, sockets[0], lambda: announce(address))
        else:
            _Supervisor(make, application, conduct, sockets, lambda: announce(address)).run()
    finally:
        for one in sockets:
            one.close()


@dataclass(frozen=True, slots=True)
class _Worker:
    """A child process, the number of its socket, and the pipe by which it says that it answers."""

    pid: int
    number: int
    pipe: int


class _Supervisor:
    """Starts the workers, starts anew those that die, and ends when told to."""

    def __init__(
        self,
        make: Callable[[], Application],
        application: Application,
        conduct: Conduct,
        sockets: list[socket.socket],
        started: Callable[[], None],
    ) -> None:
        self._make = make
        self._application = application
        self._conduct = conduct
        self._sockets = sockets
        self._started = started
        self._workers: dict[int, _Worker] = {}
        self._failed_starts = 0
        # Nothing is ever written: the parent alone holds the writing end, so its reading ends when the parent dies.
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Returns when all workers have ended after SIGTERM or SIGINT. Raises CodedError WORKERS_FAILED."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.collect()
        gc.freeze()
        try:
            for number in range(len(self._sockets)):
                self._start(number, before, first=True)
            for worker in self._workers.values():
                _wait_until_ready_or_dead(worker)
            self._started()
            while (received := signal.sigwait(_SIGNALS)) in (signal.SIGCHLD, signal.SIGHUP):
                if received == signal.SIGCHLD:
                    self._replace_the_dead(before)
                else:
                    self._tell_all(received)
            self._stop(received)
        finally:
            self._stop(signal.SIGTERM)
            os.close(self._lifeline)
            os.close(self._held)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _start(self, number: int, mask: Mask, *, first: bool) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._be_worker(number, writing, mask, first=first)
        os.close(writing)
        self._workers[pid] = _Worker(pid, number, reading)

    def _be_worker(self, number: int, writing: int, mask: Mask, *, first: bool) -> None:
        """The child's whole life; it leaves without the parent's clean-up, which is not its own."""
        status = 1
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            application = self._application if first else self._make_again()
            os.close(self._held)
            serve(application, self._conduct, self._sockets[number], lambda: self._on_started(writing))
            status = 0
        finally:  # and nothing past here: whatever was raised is told, and ends a forked child
            if status:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _on_started(self, writing: int) -> None:
        """Tells the parent that this worker answers, and ends with it if it is killed. Runs inside the event loop."""
        os.write(writing, b"1")
        os.close(writing)
        asyncio.get_running_loop().add_reader(self._lifeline, os.kill, os.getpid(), signal.SIGTERM)

    def _make_again(self) -> Application:
        """The application as it would be made now; where that is not possible any more, as it was at the start."""
        try:
            return self._make()
        except CodedError as error:
            sys.stderr.write(f"{error.code.name}: {error.message} A new worker serves what was read at the start.\n")
            return self._application

    def _replace_the_dead(self, mask: Mask) -> None:
        for pid in list(self._workers):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
            worker = self._workers.pop(pid)
            self._failed_starts = 0 if _was_ready(worker) else self._failed_starts + 1
            os.close(worker.pipe)
            if self._failed_starts == _FAILED_STARTS:
                raise CodedError(WORKERS_FAILED, f"{_FAILED_STARTS} workers in a row ended before they could answer.")
            self._start(worker.number, mask, first=False)

    def _tell_all(self, received: int) -> None:
        for pid in self._workers:
            os.kill(pid, received)

    def _stop(self, how: int) -> None:
        """Sends every worker the signal ``how`` and waits until it has ended; each bounds its own grace."""
        self._tell_all(how)
        for pid, worker in self._workers.items():
            os.waitpid(pid, 0)
            os.close(worker.pipe)
        self._workers.clear()


def _wait_until_ready_or_dead(worker: _Worker) -> None:
    """Waits without reading, so that the byte stays for ``_was_ready``."""
    select.select([worker.pipe], [], [])


def _was_ready(worker: _Worker) -> bool:
    """Whether a dead worker had ever answered: its pipe holds a byte, or only the end."""
    return os.read(worker.pipe, 1) == b"1"
