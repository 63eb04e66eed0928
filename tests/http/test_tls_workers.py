"""The server as it is run: workers over TLS, and what they do with open subscriptions when they are told to stop."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.commands.serve import _listener_tls
from gateway.errors import CodedError
from gateway.settings import ServerSettings
from tests.transport.certificates import Certificate, authority, calling

PROGRAM = """
import asyncio, hashlib, sys
from gateway.server.application import build_application
from gateway.server.health import Readiness
from gateway.server.serving import Conduct
from gateway.server.workers import run_server
from gateway.tls_files import TlsFiles, server_tls
from tests.http.gateway_on_loopback import Scripted, result

class Known(Scripted):
    async def subscribe(self, request, credentials):
        shown = credentials.certificate
        yield result(shown and hashlib.sha256(shown).hexdigest())
        await asyncio.Event().wait()

def make():
    return build_application(Known(), Readiness())

tls = server_tls(TlsFiles("server", sys.argv[1], sys.argv[2]))
run_server(make, "localhost", 0, int(sys.argv[3]), announce=lambda address: print(address, flush=True),
           conduct=Conduct(tls=tls))
print("ended", flush=True)
"""


@contextmanager
def program(workers: int) -> Iterator[subprocess.Popen[str]]:
    shown = authority().issue("localhost").path
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, authority().path, shown, str(workers)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def session(address: str, shown: Certificate | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(ssl=calling(authority(), shown).context()))


@pytest.mark.parametrize("workers", [1, 2])
async def test_subscriptions_over_tls_know_their_caller_and_end_when_the_server_is_told_to(workers: int) -> None:
    named = authority().issue("benefits.welfare")
    with program(workers) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("https://localhost:")
        async with session(address, named) as known, session(address, None) as unknown:
            headers = {"Accept": "text/event-stream"}
            async with (
                known.post("/graphql", json={"query": "{a}"}, headers=headers) as stream,
                unknown.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as socket,
            ):
                await socket.send_json({"type": "connection_init"})
                await socket.receive_json()
                await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{a}"}})
                assert (await socket.receive_json())["payload"] == {"data": None}
                assert await stream.content.readline() == b"event: next\n"
                data = (await stream.content.readline()).removeprefix(b"data: ")
                assert json.loads(data) == {"data": named.fingerprint}
                process.send_signal(signal.SIGTERM)
                assert b"complete" not in await stream.content.read()
                assert ((closed := await socket.receive()).type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1012)
        out, err = process.communicate(timeout=20)
        assert (out, err, process.returncode) == ("ended\n", "", 0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"private_key": "key.pem"}, "server.private_key is of no use"),
        ({"client_authorities": "ca.pem"}, "server.client_authorities is of no use"),
        ({"certificate": "c.pem", "client_certificate_required": True}, "needs server.client_authorities"),
        ({"certificate": "/nowhere/c.pem"}, "server: /nowhere/c.pem"),
    ],
)
def test_settings_that_do_not_fit_together_end_the_start(settings: dict[str, object], says: str) -> None:
    with pytest.raises(CodedError, match=says):
        _listener_tls(ServerSettings(**settings))  # type: ignore[arg-type]


def test_without_a_certificate_the_listener_speaks_no_tls() -> None:
    assert _listener_tls(ServerSettings()) is None
