"""Identical queries under way to one subgraph are sent once."""

import asyncio

from gateway.execution.ports import SubgraphTransport

_Key = tuple[str, str, bytes]


class SharedRequests:
    """The queries under way that other requests may join; one per server process, off unless a plan is bound to it.

    Only the answer under way is shared, nothing is kept. A request joins another only with the same key, subgraph and
    body; the first one's headers and time limit hold for all. A shared request is cancelled when nobody waits for it.
    """

    def __init__(self) -> None:
        self._under_way: dict[_Key, tuple[asyncio.Future[bytes], set[asyncio.Future[bytes]]]] = {}

    def send(
        self,
        transport: SubgraphTransport,
        key: str,
        subgraph: str,
        body: bytes,
        headers: tuple[tuple[str, str], ...],
        timeout: float,
    ) -> asyncio.Future[bytes]:
        """Send or join a query; the future is the caller's own, and may be cancelled without harm to others."""
        identity = (key, subgraph, body)
        request: asyncio.Future[bytes]
        if identity not in self._under_way:
            request = asyncio.ensure_future(transport.send(subgraph, body, headers, timeout))
            self._under_way[identity] = (request, set())
            request.add_done_callback(lambda _: self._settle(identity))
        else:
            request = self._under_way[identity][0]
        waiting = self._under_way[identity][1]
        waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        waiting.add(waiter)
        waiter.add_done_callback(lambda waiter: self._leave(identity, request, waiter))
        return waiter

    def _settle(self, identity: _Key) -> None:
        request, waiting = self._under_way.pop(identity)
        for waiter in list(waiting):
            if waiter.done():
                continue
            if request.cancelled():
                waiter.cancel()
            elif (error := request.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(request.result())

    def _leave(self, identity: _Key, request: asyncio.Future[bytes], waiter: asyncio.Future[bytes]) -> None:
        entry = self._under_way.get(identity)
        if entry is not None and entry[0] is request:
            entry[1].discard(waiter)
            if not entry[1]:
                request.cancel()
