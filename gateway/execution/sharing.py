"""Identical queries under way to one subgraph are sent once."""

import asyncio
from dataclasses import dataclass, field

from gateway.execution.ports import SubgraphTransport

_Key = tuple[str, str, bytes]


@dataclass(eq=False, slots=True)
class _Shared:
    request: asyncio.Future[bytes]
    waiting: set[asyncio.Future[bytes]] = field(default_factory=set)


class SharedRequests:
    """The queries under way that other requests may join; one per server process, off unless a plan is bound to it.

    Only the answer under way is shared, nothing is kept. A request joins another only with the same key, subgraph and
    body; the first one's headers and time limit hold for all. A shared request is cancelled when nobody waits for it.
    """

    def __init__(self) -> None:
        self._under_way: dict[_Key, _Shared] = {}

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
        shared = self._under_way.get(identity)
        if shared is None:
            shared = _Shared(asyncio.ensure_future(transport.send(subgraph, body, headers, timeout)))
            self._under_way[identity] = shared
            shared.request.add_done_callback(lambda _: self._settle(identity, shared))
        waiter: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        shared.waiting.add(waiter)
        waiter.add_done_callback(lambda waiter: self._leave(identity, shared, waiter))
        return waiter

    def _settle(self, identity: _Key, shared: "_Shared") -> None:
        self._forget(identity, shared)
        request = shared.request
        error = None if request.cancelled() else request.exception()  # seen, also where nobody waits any more
        for waiter in list(shared.waiting):
            if waiter.done():
                continue
            if request.cancelled():
                waiter.cancel()
            elif error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(request.result())

    def _leave(self, identity: _Key, shared: "_Shared", waiter: asyncio.Future[bytes]) -> None:
        shared.waiting.discard(waiter)
        if not shared.waiting and not shared.request.done():
            self._forget(identity, shared)  # at once: who comes now must not join what is being cancelled
            shared.request.cancel()

    def _forget(self, identity: _Key, shared: "_Shared") -> None:
        if self._under_way.get(identity) is shared:
            del self._under_way[identity]
