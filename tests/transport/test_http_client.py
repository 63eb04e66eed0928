"""The direct client against real sockets: keeping, closing, waiting, repeating, giving up."""

import asyncio
import gc
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import CodedError
from gateway.execution.subgraph_address import SubgraphRoute, TransportLimits, parse_address
from gateway.execution.transport import RoutedTransport
from tests.transport.raw_subgraph import MUTATION, QUERY, Peer, always, answer, once, raw_subgraph, transport_to

OK = answer(b'{"data":1}')


async def failure(awaitable: object) -> str:
    with pytest.raises(CodedError) as caught:
        await awaitable  # type: ignore[misc]
    assert "127.0.0.1" not in caught.value.message
    assert "localhost" not in caught.value.message
    return caught.value.code.name


async def test_calls_one_after_another_share_a_connection() -> None:
    async with raw_subgraph(always(OK)) as served, transport_to(served) as transport:
        for _ in range(5):
            assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert served.connections == 1
        assert served.bodies == [QUERY] * 5


async def test_a_request_holds_the_headers_given_and_its_own() -> None:
    async with raw_subgraph(always(OK)) as served, transport_to(served) as transport:
        await transport.send("a", QUERY, (("X-Request-Id", "r-1"), ("X-Purpose", "é")), 5)
    assert served.heads == [
        (
            f"POST /graphql HTTP/1.1\r\nHost: localhost:{served.port}\r\nUser-Agent: watersmeet\r\n"
            "Accept: application/graphql-response+json, application/json;q=0.9\r\nAccept-Encoding: identity\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(QUERY)}\r\n"
            "X-Request-Id: r-1\r\nX-Purpose: é\r\n\r\n"
        ).encode("latin-1")
    ]


@pytest.mark.parametrize(
    "header",
    [
        ("X", "a\r\nY: b"),
        ("X", "a\r\n"),
        ("X", "\0"),
        ("X", "中"),
        ("X y", "a"),
        ("", "a"),
        ("Host", "b"),
        ("content-length", "1"),
    ],
)
async def test_a_header_that_would_change_the_message_is_never_sent(header: tuple[str, str]) -> None:
    async with raw_subgraph(always(OK)) as served, transport_to(served) as transport:
        with pytest.raises(ValueError, match=r"cannot be sent|latin-1"):
            await transport.send("a", QUERY, (header,), 5)
        assert served.connections == 0


async def test_calls_at_once_wait_in_order_for_as_many_connections_as_allowed() -> None:
    both = asyncio.Barrier(2)

    async def in_step(peer: Peer) -> None:
        while True:
            await peer.request()
            await both.wait()
            await peer.send(OK)

    async with raw_subgraph(in_step) as served, transport_to(served, connections=2) as transport:
        bodies = [b'{"query":"{a%d}"}' % number for number in range(20)]
        answers = await asyncio.gather(*(transport.send("a", body, (), 5) for body in bodies))
        assert answers == [b'{"data":1}'] * 20
        assert served.connections == 2
        order = [bodies.index(body) for body in served.bodies]
        assert all(abs(place - number) < 2 for place, number in enumerate(order))


async def test_a_call_that_waits_for_a_connection_times_out_by_its_own_deadline() -> None:
    async def never(peer: Peer) -> None:
        await peer.request()
        await peer.until_closed()

    async with raw_subgraph(never) as served, transport_to(served, connections=1) as transport:
        first = asyncio.ensure_future(transport.send("a", QUERY, (), 30))
        assert await failure(transport.send("a", QUERY, (), 0.02)) == "SUBGRAPH_TIMED_OUT"
        first.cancel()


async def test_a_call_out_of_time_closes_its_connection_and_frees_its_place() -> None:
    async def slow_then_quick(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.until_closed()
        else:
            await peer.send(OK)

    async with raw_subgraph(slow_then_quick) as served, transport_to(served, connections=1) as transport:
        assert await failure(transport.send("a", QUERY, (), 0.5)) == "SUBGRAPH_TIMED_OUT"
        await asyncio.wait_for(served.closed.wait(), 5)
        assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'


async def test_a_cancelled_call_closes_its_connection_so_its_answer_reaches_nobody_else() -> None:
    arrived = asyncio.Event()

    async def late(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            arrived.set()
            await peer.until_closed()
        await peer.send(answer(b"%d" % peer.number))

    async with raw_subgraph(late) as served, transport_to(served, connections=1) as transport:
        call = asyncio.ensure_future(transport.send("a", QUERY, (), 30))
        await arrived.wait()
        call.cancel()
        await asyncio.wait_for(served.closed.wait(), 5)
        assert await transport.send("a", QUERY, (), 5) == b"2"
        assert served.connections == 2


async def test_a_call_cancelled_while_it_waits_is_never_sent() -> None:
    release = asyncio.Event()

    async def held(peer: Peer) -> None:
        while True:
            await peer.request()
            await release.wait()
            await peer.send(OK)

    async with raw_subgraph(held) as served, transport_to(served, connections=1) as transport:
        first = asyncio.ensure_future(transport.send("a", QUERY, (), 30))
        waiting = asyncio.ensure_future(transport.send("a", b'{"query":"{no}"}', (), 30))
        last = asyncio.ensure_future(transport.send("a", QUERY, (), 30))
        waiting.cancel()
        release.set()
        assert await first == await last == b'{"data":1}'
        assert served.bodies == [QUERY, QUERY]


async def closes_second_request_unanswered(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK)
    if peer.number == 1:
        await peer.request()
    else:
        await peer.request()
        await peer.send(OK)


async def test_a_query_on_a_connection_that_the_subgraph_just_closed_is_repeated_once() -> None:
    async with raw_subgraph(closes_second_request_unanswered) as served, transport_to(served) as transport:
        assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert served.connections == 2
        assert len(served.bodies) == 3


async def test_a_mutation_is_never_repeated() -> None:
    async with raw_subgraph(closes_second_request_unanswered) as served, transport_to(served) as transport:
        assert await transport.send("a", MUTATION, (), 5) == b'{"data":1}'
        assert await failure(transport.send("a", MUTATION, (), 5)) == "SUBGRAPH_UNREACHABLE"
        assert served.bodies == [MUTATION] * 2


async def test_a_query_is_not_repeated_where_part_of_an_answer_came() -> None:
    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(OK[:20])

    async with raw_subgraph(half) as served, transport_to(served) as transport:
        await transport.send("a", QUERY, (), 5)
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"
        assert len(served.bodies) == 2


async def test_a_query_is_repeated_once_and_not_for_ever() -> None:
    async def answers_first_only(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(OK)
            await peer.request()

    async with raw_subgraph(answers_first_only) as served, transport_to(served) as transport:
        await transport.send("a", QUERY, (), 5)
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"
        assert len(served.bodies) == 3


async def test_an_idle_connection_that_speaks_unasked_is_dropped() -> None:
    spoken = asyncio.Event()

    async def chatty(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"%d" % peer.number))
        if peer.number == 1:
            await peer.send(answer(b"poison"))
            await peer.until_closed()
            spoken.set()
        else:
            await peer.until_closed()

    async with raw_subgraph(chatty) as served, transport_to(served) as transport:
        assert await transport.send("a", QUERY, (), 5) == b"1"
        await asyncio.wait_for(spoken.wait(), 5)
        assert await transport.send("a", QUERY, (), 5) == b"2"


async def test_an_idle_connection_is_closed_in_time_and_by_the_peers_own_hint() -> None:
    async with raw_subgraph(always(OK)) as served, transport_to(served, idle=0.02) as transport:
        await transport.send("a", QUERY, (), 5)
        await asyncio.wait_for(served.closed.wait(), 5)
    async with (
        raw_subgraph(always(answer(b"{}", "Keep-Alive: timeout=1"))) as served,
        transport_to(served, idle=60) as transport,
    ):
        await transport.send("a", QUERY, (), 5)
        await transport.send("a", QUERY, (), 5)
        assert served.connections == 2


async def test_a_connection_is_not_kept_for_ever() -> None:
    async with raw_subgraph(always(OK)) as served, transport_to(served, age=0.0) as transport:
        for _ in range(3):
            assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert served.connections == 3


async def test_an_answer_before_the_request_was_read_is_the_last_of_its_connection() -> None:
    async def hasty(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(answer(b"%d" % peer.number))
        await peer.until_closed()

    async with raw_subgraph(hasty) as served, transport_to(served) as transport:
        large = b'{"query":"{' + b"a" * 20_000_000 + b'}"}'
        assert await transport.send("a", large, (), 5) == b"1"
        assert await transport.send("a", large, (), 5) == b"2"


@pytest.mark.parametrize("reply", [b"", OK[:30], b"HTTP/1.1 200 OK\r\n"])
async def test_a_subgraph_that_closes_early_is_unreachable(reply: bytes) -> None:
    async with raw_subgraph(once(reply)) as served, transport_to(served) as transport:
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"


async def test_an_answer_that_lasts_until_the_connection_closes_is_taken() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"data":1}'
    async with raw_subgraph(once(reply)) as served, transport_to(served) as transport:
        assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert await transport.send("a", QUERY, (), 5) == b'{"data":1}'
        assert served.connections == 2


async def test_something_else_than_http_is_malformed() -> None:
    async with raw_subgraph(once(b"SSH-2.0-server\r\n")) as served, transport_to(served) as transport:
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_MALFORMED"


async def test_a_port_where_nobody_listens_is_unreachable_for_every_call() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        route = SubgraphRoute(parse_address("a", f"http://127.0.0.1:{port}/"), limits=TransportLimits(connections=2))
        transport = RoutedTransport({"a": route})
        calls = [failure(transport.send("a", QUERY, (), 5)) for _ in range(6)]
        assert await asyncio.gather(*calls) == ["SUBGRAPH_UNREACHABLE"] * 6
        await transport.close()


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    transport = RoutedTransport({"a": SubgraphRoute(parse_address("a", "http://nowhere.invalid/graphql"))})
    assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"
    await transport.close()


async def test_closing_fails_what_is_under_way_and_leaves_nothing_behind() -> None:
    arrived = asyncio.Event()

    async def never(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.until_closed()

    async with raw_subgraph(never) as served:
        transport = RoutedTransport({"a": served.route(connections=1)})
        calls = [asyncio.ensure_future(transport.send("a", QUERY, (), 30)) for _ in range(3)]
        await arrived.wait()
        await transport.close()
        assert [await failure(call) for call in calls] == ["SUBGRAPH_UNREACHABLE"] * 3
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"
        await asyncio.wait_for(served.closed.wait(), 5)
    gc.collect()


async def test_new_routes_keep_what_did_not_change_and_let_calls_end() -> None:
    release = asyncio.Event()

    async def held(peer: Peer) -> None:
        await peer.request()
        await release.wait()
        await peer.send(OK)
        await peer.until_closed()

    async with raw_subgraph(held) as old, raw_subgraph(always(OK)) as kept, raw_subgraph(always(answer(b"new"))) as new:
        transport = RoutedTransport({"a": old.route(), "b": kept.route()})
        await transport.send("b", QUERY, (), 5)
        under_way = asyncio.ensure_future(transport.send("a", QUERY, (), 5))
        transport.replace({"a": new.route(), "b": kept.route()})
        assert await transport.send("a", QUERY, (), 5) == b"new"
        release.set()
        assert await under_way == b'{"data":1}'
        await asyncio.wait_for(old.closed.wait(), 5)
        await transport.send("b", QUERY, (), 5)
        assert kept.connections == 1
        transport.replace({"b": kept.route()})
        assert await failure(transport.send("a", QUERY, (), 5)) == "SUBGRAPH_UNREACHABLE"
        await transport.close()


_STEPS = st.lists(st.sampled_from(["call", "cancel", "mutate"]), min_size=1, max_size=12)
_PEER = st.lists(st.sampled_from(["answer", "drop", "half", "extra", "garbage"]), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, habits=_PEER, connections=st.integers(1, 3))
def test_however_a_subgraph_behaves_each_call_gets_its_own_answer_or_an_error(
    steps: list[str], habits: list[str], connections: int
) -> None:
    asyncio.run(_assert_each_call_ends_well(steps, habits, connections))


async def _assert_each_call_ends_well(steps: list[str], habits: list[str], connections: int) -> None:
    turns = iter(habits * 50)

    async def behave(peer: Peer) -> None:
        while True:
            body = await peer.request()
            match next(turns):
                case "answer":
                    await peer.send(answer(body))
                case "drop":
                    return
                case "half":
                    await peer.send(answer(body)[:50])
                    return
                case "extra":
                    await peer.send(answer(body) + answer(b"poison"))
                case "garbage":
                    await peer.send(b"\x00\x01garbage\r\n\r\n")

    async def call(number: int, step: str) -> None:
        kind = "mutation" if step == "mutate" else ""
        body = b'{"query":"%b{a%d}"}' % (kind.encode(), number)
        future = asyncio.ensure_future(transport.send("a", body, (), 5))
        if step == "cancel":
            await asyncio.sleep(0)
            future.cancel()
        try:
            assert await future == body
        except CodedError as error:
            assert error.code.name in ("SUBGRAPH_UNREACHABLE", "SUBGRAPH_MALFORMED")  # noqa: PT017 - both may be
        except asyncio.CancelledError:
            assert step == "cancel"

    async with raw_subgraph(behave) as served, transport_to(served, connections=connections) as transport:
        await asyncio.gather(*(call(number, step) for number, step in enumerate(steps)))
        assert not [body for body in set(served.bodies) if b"mutation" in body and served.bodies.count(body) > 1]
