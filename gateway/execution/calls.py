"""The subgraph requests of one execution: sent, remembered, and all ended with it."""

import asyncio

from gateway.errors import CodedError
from gateway.execution.ports import SubgraphTransport
from gateway.execution.result import BoundPlan
from gateway.planning.operation import OperationKind


class Calls:
    """Owns every request under way, and the deadline of all.

    When the compiled form hands over to the general path, that path asks again for all there was (``replay``): what was
    sent already is answered from memory, so that no subgraph is asked twice and no mutation happens twice.
    """

    __slots__ = ("_bound", "_fetches", "_replaying", "_sent", "_sharing", "_transport", "deadline", "loop")

    def __init__(self, bound: BoundPlan, transport: SubgraphTransport) -> None:
        # Asked for once in a request: asyncio asks the kernel for the process's number each time.
        self.loop = asyncio.get_running_loop()
        self.deadline = self.loop.time() + bound.timeout
        self._bound = bound
        self._fetches = bound.compiled.plan.fetches
        self._sharing = bound.sharing if bound.compiled.plan.kind is not OperationKind.MUTATION else None
        self._transport = transport
        self._sent: list[tuple[int, bytes, asyncio.Future[bytes]]] = []
        self._replaying = False

    def begin(self, number: int, body: bytes) -> asyncio.Future[bytes]:
        """Send one request of fetch ``number``; the future will hold its answer or a CodedError."""
        future: asyncio.Future[bytes]
        if self._replaying:
            for sent_number, sent_body, future in self._sent:
                if sent_number == number and sent_body == body:
                    return future
        bound, subgraph = self._bound, self._fetches[number].subgraph
        headers = bound.signer.headers_for(subgraph, body) if bound.signer is not None else ()
        left = max(self.deadline - self.loop.time(), 0.001)
        try:
            if self._sharing is not None:
                future = self._sharing.send(self._transport, bound.sharing_key, subgraph, body, headers, left)
            else:
                sent = self._transport.send(subgraph, body, headers, left)
                future = sent if isinstance(sent, asyncio.Future) else asyncio.ensure_future(sent)
        except CodedError as error:
            future = self.loop.create_future()
            future.set_exception(error)
        self._sent.append((number, body, future))
        return future

    def replay(self) -> None:
        """From now on, answer from memory what was sent before."""
        self._replaying = True

    def end(self) -> list[asyncio.Future[bytes]]:
        """Cancel what is still under way: the futures to wait for until it has ended (``ended``)."""
        under_way = []
        for _, _, future in self._sent:
            if not future.done():
                future.cancel()
                under_way.append(future)
            elif not future.cancelled():
                future.exception()  # seen, so that asyncio does not report it as lost
        return under_way


async def ended(futures: list[asyncio.Future[bytes]]) -> None:
    """Wait for cancelled requests to end."""
    await asyncio.gather(*futures, return_exceptions=True)
