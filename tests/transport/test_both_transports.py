"""What both forms of transport promise alike, on both event loops; over TLS: see ``test_tls``."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from gateway.errors import CodedError
from tests.transport.raw_subgraph import QUERY, Behaviour, Peer, always, answer, once, raw_subgraph, transport_to

Run = Callable[[Coroutine[Any, Any, None]], None]
pytestmark = [
    pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"]),
    pytest.mark.parametrize("direct", [True, False], ids=["direct", "aiohttp"]),
]


def outcome(behave: Behaviour, direct: bool, run: Run, seconds: float = 5.0, **limits: object) -> object:
    """The body that one call gives, or the code with which it fails."""
    found: list[object] = []

    async def call() -> None:
        async with raw_subgraph(behave) as served, transport_to(served, direct=direct, **limits) as transport:
            try:
                found.append(await transport.send("a", QUERY, (), seconds))
            except CodedError as error:
                found.append(error.code.name)

    run(call())
    return found[0]


async def never(peer: Peer) -> None:
    await peer.request()
    await peer.until_closed()


HTML = b"HTTP/1.1 %b\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        (always(answer(b"{}")), b"{}"),
        (always(answer(b"x" * 900_000)), b"x" * 900_000),
        (always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), b"{}"),
        (always(answer(gzip.compress(b"{}"), "Content-Encoding: gzip")), b"{}"),
        (always(answer(b"{}", status="400 Bad Request")), b"{}"),
        (always(HTML % b"503 Busy"), "SUBGRAPH_UNREACHABLE"),
        (always(HTML % b"404 Not Found"), "SUBGRAPH_MALFORMED"),
        (always(HTML % b"307 Temporary Redirect\r\nLocation: http://localhost/"), "SUBGRAPH_MALFORMED"),
        (once(answer(b"{}")[:-1]), "SUBGRAPH_UNREACHABLE"),
        (once(b""), "SUBGRAPH_UNREACHABLE"),
        (once(b"no http at all\r\n\r\n"), "SUBGRAPH_MALFORMED"),
        (always(answer(b"x" * 1_000_001)), "SUBGRAPH_MALFORMED"),
        (always(answer(gzip.compress(b"x" * 5_000_000), "Content-Encoding: gzip")), "SUBGRAPH_MALFORMED"),
        (always(answer(b"{}", "X: " + "a" * 40_000)), "SUBGRAPH_MALFORMED"),
    ],
    ids=["small", "large", "chunked", "gzip", "json error", "busy", "html", "redirect", "truncated", "closed",
         "no http", "too large", "bomb", "head too large"],
)  # fmt: skip
def test_an_answer_is_taken_or_refused_alike(behave: Behaviour, expected: object, direct: bool, run: Run) -> None:
    assert outcome(behave, direct, run, answer_bytes=1_000_000) == expected


def test_a_silent_subgraph_is_timed_out(direct: bool, run: Run) -> None:
    assert outcome(never, direct, run, 0.05) == "SUBGRAPH_TIMED_OUT"
    assert outcome(never, direct, run, 30.0, timeout=0.05) == "SUBGRAPH_TIMED_OUT"
