"""Processes: workers on one port, signals, bounds on what a connection may hold."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.errors import CodedError
from gateway.server import http_protocol
from gateway.server.admission import Admission
from gateway.server.answering import Answer
from gateway.server.http_protocol import BoundedHttpProtocol
from gateway.server.serving import open_sockets
from tests.http.gateway_on_loopback import Scripted, on_loopback, result

PROGRAM = """
import os, sys
from contextlib import asynccontextmanager
from gateway.errors import CodedError
from gateway.server.application import build_application
from gateway.server.health import Readiness
from gateway.server.serving import Conduct
from gateway.server.workers import run_server
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.http.gateway_on_loopback import Scripted

async def who(request):
    return PlainTextResponse(str(os.getpid()))

@asynccontextmanager
async def lifespan(app):
    if {failing}:
        raise RuntimeError("cannot begin")
    yield

def make():
    return build_application(
        Scripted(), Readiness(), routes=[Route("/who", who)], lifespan=lifespan,
        look_now=lambda: os.write(1, f"looks again {{os.getpid()}}\\n".encode()),
    )

try:
    run_server(make, "127.0.0.1", {port}, {workers}, announce=lambda address: print(address, flush=True),
               conduct=Conduct(drain={drain}))
except CodedError as error:
    sys.exit(f"{{error.code.name}}: {{error.message}}")
print("ended", flush=True)
"""


@contextmanager
def program(
    workers: int = 1, port: int = 0, failing: bool = False, drain: float = 0.0
) -> Iterator[subprocess.Popen[str]]:
    text = PROGRAM.format(workers=workers, port=port, failing=failing, drain=drain)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def get_for_ever(url: str) -> None:
    while True:
        get(url)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_server_answers_until_it_is_told_to_end(workers: int, asked: signal.Signals) -> None:
    with program(workers) as process:
        address = address_of(process)
        assert get(f"{address}/healthz") == '{"status":"ok"}'
        process.send_signal(asked)
        out, err = process.communicate(timeout=20)
        assert (out, err, process.returncode) == ("ended\n", "", 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_hanging_up_has_every_worker_look_again_and_ends_none(workers: int) -> None:
    with program(workers) as process:
        address, looked = address_of(process), set()
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            looked |= {address_of(process) for _ in range(workers)}
        assert len(looked) == workers
        assert f"looks again {get(f'{address}/who')}" in looked
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == ("ended\n", "")


def test_a_dead_worker_is_replaced_and_no_connection_refused() -> None:
    with program(workers=2) as process:
        address = address_of(process)
        first = {int(get(f"{address}/who")) for _ in range(20)}
        assert process.pid not in first
        os.kill(min(first), signal.SIGKILL)
        after = {int(get(f"{address}/who")) for _ in range(40)}
        assert min(first) not in after
        assert len(first | after) <= 3


def test_workers_that_never_begin_end_the_server_with_a_reason() -> None:
    with program(workers=2, failing=True) as process:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "WORKERS_FAILED: 3 workers in a row ended before they could answer." in err
        assert "ended" not in out


def test_draining_fails_readiness_while_requests_are_still_answered() -> None:
    with program(drain=5.0) as process:
        address = address_of(process)
        assert '"status":"ok"' in get(f"{address}/readyz")
        process.send_signal(signal.SIGTERM)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get_for_ever(f"{address}/readyz")
        assert get(f"{address}/healthz") == '{"status":"ok"}'
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert (out, process.returncode) == ("ended\n", 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_taken_port_is_one_clear_error(workers: int) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(CodedError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: ") as caught:
            open_sockets("127.0.0.1", port, workers)
    assert caught.value.code.name == "ADDRESS_UNAVAILABLE"


def test_a_port_that_other_workers_share_is_taken_too() -> None:
    opened = open_sockets("127.0.0.1", 0, 2)
    try:
        ports = {one.getsockname()[1] for one in opened}
        assert len(ports) == 1
        with pytest.raises(CodedError, match="Cannot listen"):
            open_sockets("127.0.0.1", ports.pop(), 2)
    finally:
        for one in opened:
            one.close()


async def exchange(port: int, *pieces: bytes) -> bytes:
    """Sends bytes on one connection; gives what comes back until the server closes (nothing where it resets)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer), suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    return b""


async def test_a_request_head_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_PATIENCE", 1_000.0)
    async with on_loopback(Scripted()) as port:
        answer = await exchange(port, b"GET / HTTP/1.1\r\nX: ", *[b"a" * 100_000] * 5)
        # The rest of the head is thrown away, so the connection may be reset before the refusal is read.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_a_request_head_that_does_not_come_in_time_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_PATIENCE", 0.02)
    async with on_loopback(Scripted()) as port:
        assert await exchange(port) == b""
        assert await exchange(port, b"GET / HT") == b""


REQUEST = (
    b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 14\r\n%b\r\n"
    + b'{"query":"{a}"}'
).replace(b"14", b"15")


async def test_requests_one_after_another_and_pipelined_are_each_answered() -> None:
    async with on_loopback(Scripted()) as port:
        answer = await exchange(port, REQUEST % b"" * 3 + REQUEST % b"Connection: close\r\n")
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
        assert answer.count(b'\r\n\r\n{"data":{"a":1}}') == 4
        for header in (b"date", b"x-request-id", b"content-type", b"x-content-type-options", b"cache-control"):
            assert answer.count(b"\r\n" + header + b": ") == 4
        assert b"server:" not in answer


async def test_a_head_that_follows_a_large_body_at_once_is_not_taken_for_large() -> None:
    large = b'{"query":"{a}","extensions":{"x":"' + b"x" * 200_000 + b'"}}'
    head = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    first = head + b"Content-Length: %d\r\n\r\n%b" % (len(large), large)
    second = REQUEST % b"Connection: close\r\n"
    async with on_loopback(Scripted()) as port:
        answer = await exchange(port, first + second[:30], second[30:])
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_large_answers_to_a_client_that_reads_slowly_arrive_whole() -> None:
    large = result("x" * 3_000_000)
    async with on_loopback(Scripted(reply=lambda request: Answer(result=large))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        with closing(writer):
            writer.write(REQUEST % b"" * 3 + REQUEST % b"Connection: close\r\n")
            received = bytearray()
            while piece := await asyncio.wait_for(reader.read(10_000), 10):
                received += piece
        assert bytes(received).count(large.body) == 4


@pytest.mark.parametrize(
    "wire",
    [
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET /graphql HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /graphql HTTP/1.1\r\n\r\n",
        b"GET /graphql HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /graphql HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n12345",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n12345",
        b"POST /graphql HTTP/1.1\nHost: a\nContent-Length: 5\n\n12345",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf;a\nb\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000f\r\n",
    ],
)
async def test_requests_that_two_readers_could_read_differently_are_refused(wire: bytes) -> None:
    answering = Scripted()
    async with on_loopback(answering) as port:
        assert (await exchange(port, wire)).startswith(b"HTTP/1.1 400 ")
    assert not answering.asked


CHUNKED = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


async def test_a_trailer_is_never_taken_for_a_header() -> None:
    answering = Scripted()
    wire = CHUNKED + b'Connection: close\r\n\r\nf\r\n{"query":"{a}"}\r\n0\r\nX-API-Key: stolen\r\n\r\n'
    async with on_loopback(answering) as port:
        assert (await exchange(port, wire)).startswith(b"HTTP/1.1 200 ")
    assert [credentials.api_key for _, credentials in answering.asked] == [None]


async def test_trailers_without_end_are_cut_off() -> None:
    endless = [b"X: " + b"a" * 60_000 + b"\r\n"] * 3
    async with on_loopback(Scripted()) as port:
        answer = await exchange(port, CHUNKED + b"\r\n0\r\n", *endless)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_does_not_come_in_time_lets_the_next_request_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "BODY_PATIENCE", 0.05)
    answering = Scripted()
    head = REQUEST.partition(b"\r\n%b")[0] + b"\r\n\r\n"
    async with on_loopback(answering, admission=Admission(at_once=1)) as port:
        for begun in (head, head + b'{"que'):
            assert (await exchange(port, begun)).startswith(b"HTTP/1.1 408 ")
        explained = head.replace(b"/graphql", b"/nowhere")
        assert (await exchange(port, explained)).startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 408 "))
        assert (await exchange(port, REQUEST % b"Connection: close\r\n")).startswith(b"HTTP/1.1 200 ")
    assert len(answering.asked) == 1


async def test_a_body_that_comes_slowly_takes_nobodys_place() -> None:
    head = REQUEST.partition(b"\r\n%b")[0] + b"\r\n\r\n"
    async with on_loopback(Scripted(), admission=Admission(at_once=1)) as port:
        _, slow = await asyncio.open_connection("127.0.0.1", port)
        with closing(slow):
            slow.write(head + b'{"que')
            await slow.drain()
            for _ in range(2):
                assert (await exchange(port, REQUEST % b"Connection: close\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_who_does_not_read_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "STALL_PATIENCE", 0.05)
    large = result("x" * 20_000_000)
    lost = asyncio.Event()
    lose = BoundedHttpProtocol.connection_lost

    def lose_and_tell(self: BoundedHttpProtocol, error: Exception | None) -> None:
        lose(self, error)
        lost.set()

    monkeypatch.setattr(BoundedHttpProtocol, "connection_lost", lose_and_tell)
    async with on_loopback(Scripted(reply=lambda request: Answer(result=large))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
        with closing(writer):
            writer.write(REQUEST % b"" * 2)
            await reader.readexactly(1)
            assert await asyncio.wait_for(lost.wait(), 10)


async def test_nothing_is_written_into_the_midst_of_an_answer_for_a_request_that_is_wrong() -> None:
    release = asyncio.Event()
    async with on_loopback(Scripted(wait=release.wait)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer), suppress(ConnectionError):
            writer.write(REQUEST % b"" + b"nonsense\r\n\r\n")
            assert await asyncio.wait_for(reader.read(), 10) == b""
        release.set()
