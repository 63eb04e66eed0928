"""The certificate by which a caller is known: over real TLS, or told by a proxy that is believed."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import aiohttp
import pytest

from gateway.errors import CodedError
from gateway.server.application import build_application
from gateway.server.health import Readiness
from gateway.server.proxies import TrustedProxies
from gateway.server.serving import _context
from gateway.tls_files import TlsFiles, WatchedTls, server_context
from tests.http.gateway_on_loopback import Scripted, call, on_loopback
from tests.transport.certificates import Certificate, authority, calling, listener, stranger

QUERY = {"query": "{ a }"}
GRAPHQL = "application/graphql-response+json"
NAMED = authority().issue("benefits.welfare")


@asynccontextmanager
async def connected(port: int, shown: Certificate | None) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=calling(authority(), shown).context())
    async with aiohttp.ClientSession(f"https://localhost:{port}", connector=connector) as session:
        yield session


def tls(*, required: bool = False) -> ssl.SSLContext:
    return listener(authority().issue("localhost"), asks=authority(), required=required)


async def test_the_certificate_of_the_connection_reaches_every_request_on_it() -> None:
    answering = Scripted()
    async with on_loopback(answering, tls=tls()) as port:
        async with connected(port, NAMED) as session:
            for _ in range(2):
                async with session.post("/graphql", json=QUERY) as response:
                    assert response.status == 200
        async with connected(port, None) as session, session.post("/graphql", json=QUERY) as response:
            assert response.status == 200
    assert [credentials.certificate for _, credentials in answering.asked] == [NAMED.der, NAMED.der, None]


async def test_a_websocket_is_known_by_its_certificate_too() -> None:
    answering = Scripted()
    async with (
        on_loopback(answering, tls=tls()) as port,
        connected(port, NAMED) as session,
        session.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert await socket.receive_json() == {"type": "connection_ack"}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": QUERY})
        assert (await socket.receive_json())["type"] == "next"
    assert {credentials.certificate for _, credentials in answering.asked} == {NAMED.der}


@pytest.mark.parametrize("shown", [stranger().issue("benefits.welfare"), None], ids=["a stranger's", "none"])
async def test_a_connection_without_a_trusted_certificate_is_refused_where_one_is_required(
    shown: Certificate | None,
) -> None:
    answering = Scripted()
    async with on_loopback(answering, tls=tls(required=True)) as port, connected(port, shown) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post("/graphql", json=QUERY)
    assert not answering.asked


async def test_a_certificate_that_has_ended_opens_no_connection() -> None:
    from tests.transport.certificates import DAY

    ended = authority().issue("benefits.welfare", begins=-2 * DAY, ends=-DAY)
    async with on_loopback(Scripted(), tls=tls()) as port, connected(port, ended) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post("/graphql", json=QUERY)


async def test_certificates_of_the_listener_and_its_authorities_are_exchanged_while_it_runs(tmp_path: Path) -> None:
    shown, asked = tmp_path / "server.pem", tmp_path / "clients.pem"
    copyfile(authority().issue("localhost").path, shown)
    copyfile(stranger().path, asked)
    now = [0.0]
    watched = WatchedTls(
        TlsFiles("server", str(asked), str(shown), required=True), server_context, clock=lambda: now[0]
    )
    async with on_loopback(Scripted(), tls=_context(watched)) as port:
        async with connected(port, NAMED) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.post("/graphql", json=QUERY)
        before = await shown_at(port)
        copyfile(authority().path, asked)
        copyfile(authority().issue("localhost").path, shown)
        now[0] = 1.0
        async with connected(port, NAMED) as session, session.post("/graphql", json=QUERY) as response:
            assert response.status == 200
        assert await shown_at(port) != before


async def shown_at(port: int) -> bytes | None:
    """The certificate that the listener shows to a client that names no server."""
    context = calling(authority()).context()
    context.check_hostname = False
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
async def test_a_page_of_another_site_cannot_ask_with_the_browsers_certificate(site: str, status: int) -> None:
    answering = Scripted()
    async with on_loopback(answering, tls=tls()) as port, connected(port, NAMED) as session:
        asked = "/graphql?query=%7Ba%7D"
        async with session.get(asked, headers={"Sec-Fetch-Site": site, "Accept": GRAPHQL}) as response:
            assert response.status == status
    assert len(answering.asked) == (status == 200)


def told(certificate: Certificate) -> str:
    return f":{base64.b64encode(certificate.der).decode()}:"


def behind(*proxies: str, header: str = "x-forwarded", certificates: bool = True) -> Any:
    return partial(TrustedProxies, proxies=proxies, header=header, certificates=certificates)


async def certificate_known(headers: list[tuple[str, str]], **options: Any) -> bytes | None:
    """The certificate that the pipeline is given for a request with these headers from 127.0.0.1."""
    answering = Scripted()
    application = build_application(answering, Readiness(), **options)
    given = [("content-type", "application/json"), *headers]
    await call(application, "POST", "/graphql", given, json.dumps(QUERY).encode())
    ((_, credentials),) = answering.asked
    return credentials.certificate


async def test_a_certificate_told_by_a_trusted_proxy_is_the_callers() -> None:
    assert await certificate_known([("Client-Cert", told(NAMED))], behind=behind("127.0.0.0/8")) == NAMED.der


async def test_a_certificate_told_by_anybody_else_is_not_read() -> None:
    headers = [("Client-Cert", told(NAMED))]
    assert await certificate_known(headers) is None
    assert await certificate_known(headers, behind=behind("10.0.0.1")) is None
    assert await certificate_known(headers, behind=behind("127.0.0.1", certificates=False)) is None


@pytest.mark.parametrize(
    "values",
    [[told(NAMED)[1:]], [told(NAMED)[:-1]], ["::"], [":?:"], [""], [told(NAMED), told(NAMED)]],
    ids=["no colon", "cut off", "empty", "no base64", "nothing", "twice"],
)
async def test_a_malformed_certificate_is_a_wrong_credential_and_never_none(values: list[str]) -> None:
    headers = [("Client-Cert", value) for value in values]
    assert await certificate_known(headers, behind=behind("127.0.0.1")) == b""


async def test_a_trusted_proxys_own_certificate_never_names_the_caller() -> None:
    answering = Scripted()
    for certificates in (True, False):
        proxied = behind("127.0.0.1", certificates=certificates)
        async with on_loopback(answering, tls=tls(), behind=proxied) as port, connected(port, NAMED) as session:
            await session.post("/graphql", json=QUERY)
    other = authority().issue("someone.else")
    async with (
        on_loopback(answering, tls=tls(), behind=behind("127.0.0.1")) as port,
        connected(port, NAMED) as session,
    ):
        await session.post("/graphql", json=QUERY, headers={"Client-Cert": told(other)})
    assert [credentials.certificate for _, credentials in answering.asked] == [None, None, other.der]


async def seen(headers: list[tuple[str, str]], *proxies: str, header: str = "x-forwarded") -> tuple[str, str]:
    """The address and scheme that an application sees behind ``proxies``, for a request from 127.0.0.1."""
    found: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "client": ("127.0.0.1", 5), "scheme": "http", "headers": encoded}
    unused: Any = None
    await TrustedProxies(application, proxies, header, certificates=False)(scope, unused, unused)
    return found[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("203.0.113.9:1234", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_client_is_the_last_address_that_no_trusted_proxy_has(chain: str, address: str) -> None:
    assert (await seen([("X-Forwarded-For", chain)], "127.0.0.1", "10.0.0.0/8"))[0] == address
    elements = ", ".join(f'for="{part.strip()}"' for part in chain.split(",")) if chain else ""
    assert (await seen([("Forwarded", elements)], "127.0.0.1", "10.0.0.0/8", header="forwarded"))[0] == address


async def test_only_the_header_that_the_settings_name_is_read() -> None:
    both = [("X-Forwarded-For", "1.1.1.1"), ("Forwarded", "for=2.2.2.2;proto=https")]
    assert await seen(both, "127.0.0.1") == ("1.1.1.1", "http")
    assert await seen(both, "127.0.0.1", header="forwarded") == ("2.2.2.2", "https")
    assert await seen(both, "10.0.0.1") == ("127.0.0.1", "http")


@pytest.mark.parametrize("value", ["for=1.1.1.1;;,", "=,for=", 'for="1.1.1.1', "for=1.1.1.1 garbage", ";" * 9_000])
async def test_a_forwarded_header_that_cannot_be_read_hides_and_never_stalls(value: str) -> None:
    assert (await seen([("Forwarded", value)], "127.0.0.1", header="forwarded"))[0] in ("127.0.0.1", "1.1.1.1")


def test_a_proxy_that_is_no_address_is_named() -> None:
    with pytest.raises(CodedError, match="'balancer' is no address"):
        behind("balancer")(None)
