"""All subgraphs behind one port, each reached by the form of transport that suits it.

The direct client speaks HTTP/1.1 over kept connections and nothing else, at a fraction of the cost of a general one;
aiohttp does what departments may need beside it, such as proxies.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from gateway.execution.http_client import ConnectionPool
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.execution.transport_errors import unreachable

if TYPE_CHECKING:
    from gateway.execution.aiohttp_transport import AiohttpClient

Headers = tuple[tuple[str, str], ...]


class RoutedTransport:
    """The SubgraphTransport of a gateway, by subgraph name. To be made, used and closed within one event loop."""

    def __init__(self, routes: Mapping[str, SubgraphRoute]) -> None:
        self._loop = asyncio.get_running_loop()
        self._routes: Mapping[str, SubgraphRoute] = {}
        self._direct: dict[str, ConnectionPool] = {}
        self._general: dict[str, AiohttpClient] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self.replace(routes)

    def replace(self, routes: Mapping[str, SubgraphRoute]) -> None:
        """Takes new routes, as a new supergraph brings them.

        Connections of subgraphs whose route did not change are kept; calls under way end as they began.
        """
        direct, general = self._direct, self._general
        self._routes, self._direct, self._general = routes, {}, {}
        for name, route in routes.items():
            if route.direct and route.proxy is None:
                pool = direct.get(name)
                if pool is None or pool.route != route:
                    pool = ConnectionPool(route, self._loop)
                self._direct[name] = pool
            else:
                client = general.get(name)
                self._general[name] = client if client is not None and client.route == route else _general_client(route)
        for name, pool in direct.items():
            if self._direct.get(name) is not pool:
                pool.retire()
        for name, client in general.items():
            if self._general.get(name) is not client:
                task = self._loop.create_task(client.retire())
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)

    def send(self, subgraph: str, body: bytes, headers: Headers, timeout: float) -> Awaitable[bytes]:
        """See SubgraphTransport.send."""
        pool = self._direct.get(subgraph)
        if pool is not None:
            return pool.call(body, headers, timeout)
        return self._send_otherwise(subgraph, body, headers, timeout)

    async def subscribe(self, subgraph: str, body: bytes, headers: Headers) -> AsyncGenerator[bytes, None]:
        """See SubgraphTransport.subscribe."""
        from gateway.execution.subgraph_subscriptions import subscribe_at  # aiohttp is slow to import

        route = self._routes.get(subgraph)
        if route is None:
            raise unreachable("is not part of the supergraph any more")
        async with aclosing(subscribe_at(route, body, headers)) as events:
            async for event in events:
                yield event

    async def _send_otherwise(self, subgraph: str, body: bytes, headers: Headers, seconds: float) -> bytes:
        client = self._general.get(subgraph)
        if client is None:
            raise unreachable("is not part of the supergraph any more")
        return await client.call(body, headers, seconds)

    async def close(self) -> None:
        """See SubgraphTransport.close."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        pools, clients = self._direct.values(), self._general.values()
        await asyncio.gather(*(pool.close() for pool in pools), *(client.close() for client in clients))


def _general_client(route: SubgraphRoute) -> "AiohttpClient":
    from gateway.execution.aiohttp_transport import AiohttpClient  # slow to import, and seldom wanted

    return AiohttpClient(route)
