"""Calls over real TLS: whom the gateway trusts, what it shows, and certificates that are exchanged while it runs."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
import uvloop

from gateway.building import Foundation
from gateway.composition.compose import SubgraphSource, compose
from gateway.errors import CodedError
from gateway.execution.transport import RoutedTransport
from gateway.server.answering import EncodableResult, GraphQLRequest
from gateway.settings import Settings, SubgraphSettings
from gateway.tls_files import TlsFiles, WatchedTls, client_context, client_tls
from tests.http.gateway_on_loopback import Scripted, on_loopback, result
from tests.transport.certificates import authority, calling, listener, stranger
from tests.transport.raw_subgraph import QUERY, always, answer, raw_subgraph, transport_to

Run = Callable[[Coroutine[Any, Any, None]], None]
both = pytest.mark.parametrize("direct", [True, False], ids=["direct", "aiohttp"])
loops = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


def outcome(server: ssl.SSLContext, tls: WatchedTls, direct: bool, run: Run) -> object:
    """The bodies of three calls and how many connections they took, or the code with which the first failed."""
    found: list[object] = []

    async def call() -> None:
        async with (
            raw_subgraph(always(answer(b"{}")), server) as served,
            transport_to(served, secure=tls, direct=direct) as transport,
        ):
            try:
                found.append(([await transport.send("a", QUERY, (), 5) for _ in range(3)], served.connections))
            except CodedError as error:
                found.append(error.code.name)

    run(call())
    return found[0]


TAKEN = ([b"{}"] * 3, 1)
REFUSED = "SUBGRAPH_UNREACHABLE"


@both
@loops
def test_calls_over_tls_share_a_connection(direct: bool, run: Run) -> None:
    assert outcome(listener(authority().issue("localhost")), calling(authority()), direct, run) == TAKEN


@both
@loops
@pytest.mark.parametrize("trusted", [None, stranger], ids=["the system's", "another of the same name"])
def test_a_certificate_of_an_unknown_authority_is_refused(trusted: Any, direct: bool, run: Run) -> None:
    tls = calling(trusted() if trusted else None)
    assert outcome(listener(authority().issue("localhost")), tls, direct, run) == REFUSED


@both
@loops
def test_a_certificate_for_another_name_is_refused(direct: bool, run: Run) -> None:
    assert outcome(listener(authority().issue("elsewhere")), calling(authority()), direct, run) == REFUSED


@both
@loops
def test_a_subgraph_that_asks_for_a_certificate_is_shown_the_gateways(direct: bool, run: Run) -> None:
    server = listener(authority().issue("localhost"), asks=authority(), required=True)
    assert outcome(server, calling(authority(), authority().issue("gateway")), direct, run) == TAKEN
    assert outcome(server, calling(authority()), direct, run) == REFUSED
    assert outcome(server, calling(authority(), stranger().issue("gateway")), direct, run) == REFUSED


@both
async def test_a_new_connection_shows_the_certificate_that_lies_there_now(direct: bool, tmp_path: Path) -> None:
    shown = tmp_path / "client.pem"
    copyfile(stranger().issue("gateway").path, shown)
    now = [0.0]
    tls = WatchedTls(TlsFiles("test", authority().path, str(shown)), client_context, clock=lambda: now[0])
    server = listener(authority().issue("localhost"), asks=authority(), required=True)
    async with (
        raw_subgraph(always(answer(b"{}")), server) as served,
        transport_to(served, secure=tls, direct=direct) as transport,
    ):
        with pytest.raises(CodedError):
            await transport.send("a", QUERY, (), 5)
        copyfile(authority().issue("gateway").path, shown)
        now[0] += 1
        assert await transport.send("a", QUERY, (), 5) == b"{}"


def test_a_file_that_is_half_written_leaves_the_last_good_one_in_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trusted = tmp_path / "ca.pem"
    copyfile(authority().path, trusted)
    now = [0.0]
    tls = WatchedTls(TlsFiles("subgraphs.police", str(trusted)), client_context, clock=lambda: now[0])
    good = tls.context()
    trusted.write_text("-----BEGIN CERTIFICATE-----\nMIIB")
    for now[0] in (1.0, 2.0, 3.0):
        assert tls.context() is good
    assert [record.message.split(":")[0] for record in caplog.records] == ["TLS_FILES_UNUSABLE"]
    copyfile(stranger().path, trusted)
    now[0] = 4.0
    assert tls.context() is not good


async def two(request: GraphQLRequest) -> AsyncGenerator[EncodableResult, None]:
    for value in (1, 2):
        yield result(value)


@pytest.mark.parametrize("streams", ["http", "websocket"])
async def test_subscriptions_show_the_certificate_too(streams: str) -> None:
    server = listener(authority().issue("localhost"), asks=authority(), required=True)
    async with on_loopback(Scripted(events=two), tls=server) as port:
        for shown, expected in ((authority().issue("gateway"), [b'{"data":1}', b'{"data":2}']), (None, REFUSED)):
            route = route_to(f"https://localhost:{port}/graphql", ca_file=authority().path,
                             client_certificate=shown.path if shown else "")  # fmt: skip
            transport = RoutedTransport({"a": replace(route, streams=streams)})  # type: ignore[arg-type]
            assert await events_of(transport) == expected
            await transport.close()


async def events_of(transport: RoutedTransport) -> object:
    try:
        async with aclosing(transport.subscribe("a", b'{"query":"subscription { a }"}', ())) as events:
            return [event async for event in events]
    except CodedError as error:
        return error.code.name


SDL = compose([SubgraphSource("a", "https://localhost/graphql", "type Query { a: Int }")]).supergraph_sdl or ""


def route_to(url: str, **chosen: Any) -> Any:
    """The route that settings make."""
    settings = Settings(subgraphs={"a": SubgraphSettings(url=url, **chosen)})
    return Foundation().build(SDL, settings).routes["a"]


def test_settings_name_the_files_and_equal_files_keep_connections() -> None:
    chosen = {"ca_file": authority().path, "client_certificate": authority().issue("gateway").path, "compressed": True}
    route = route_to("https://localhost/graphql", **chosen)
    assert route == route_to("https://localhost/graphql", **chosen)
    assert route != route_to("https://localhost/graphql", ca_file=authority().path, compressed=True)
    assert route.compressed
    assert route_to("https://localhost/graphql").tls is None


@pytest.mark.parametrize(
    ("url", "chosen", "code", "says"),
    [
        ("http://localhost/", {"ca_file": "ca.pem"}, "SETTINGS_INVALID", "its address is not https://"),
        ("https://localhost/", {"client_key": "key.pem"}, "SETTINGS_INVALID", "of no use without client_certificate"),
        ("https://localhost/", {"ca_file": "/nowhere/ca.pem"}, "TLS_FILES_UNUSABLE", "subgraphs.a: /nowhere/ca.pem"),
        ("https://localhost/", {"client_certificate": __file__}, "TLS_FILES_UNUSABLE", "no certificate with its"),
    ],
)
def test_files_that_cannot_be_used_end_the_start(url: str, chosen: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(CodedError, match=says) as caught:
        route_to(url, **chosen)
    assert caught.value.code.name == code


def test_a_key_that_needs_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    made = authority().issue("gateway")
    private = made.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "key.pem").write_bytes(private)
    with pytest.raises(CodedError, match="unencrypted key"):
        client_tls(TlsFiles("test", "", made.path, str(tmp_path / "key.pem")))
