"""A subgraph behind an HTTP proxy is called through it, by the form of transport that can."""

import asyncio

from gateway.execution.subgraph_address import SubgraphRoute, parse_address
from gateway.execution.transport import RoutedTransport
from tests.transport.raw_subgraph import QUERY, Peer, always, answer, raw_subgraph


async def test_a_subgraph_behind_a_proxy_is_called_through_it() -> None:
    async with raw_subgraph(always(answer(b'{"data":1}'))) as proxy:
        address = parse_address("a", "http://department.invalid/graphql")
        route = SubgraphRoute(address, proxy=f"http://127.0.0.1:{proxy.port}")
        transport = RoutedTransport({"a": route})
        assert await transport.send("a", QUERY, (("X-Request-Id", "r"),), 5) == b'{"data":1}'
        await transport.close()
    (head,) = proxy.heads
    assert head.startswith(b"POST http://department.invalid/graphql HTTP/1.1\r\nHost: department.invalid\r\n")
    assert b"X-Request-Id: r\r\n" in head


async def test_a_route_may_change_its_form_while_a_call_is_under_way() -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def held(peer: Peer) -> None:
        while True:
            await peer.request()
            arrived.set()
            await release.wait()
            await peer.send(answer(b'{"data":1}'))

    async with raw_subgraph(held) as served:
        transport = RoutedTransport({"a": served.route(direct=False)})
        under_way = asyncio.ensure_future(transport.send("a", QUERY, (), 5))
        await arrived.wait()
        transport.replace({"a": served.route(direct=True)})
        release.set()
        assert await transport.send("a", QUERY, (), 5) == await under_way == b'{"data":1}'
        await transport.close()
