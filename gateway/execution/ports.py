"""The port through which subgraphs are reached."""

from collections.abc import AsyncGenerator, Awaitable
from typing import Protocol


class SubgraphTransport(Protocol):
    """Carries GraphQL requests to subgraphs and their answers back; knows addresses and connections, no plans."""

    def send(
        self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...], timeout: float
    ) -> Awaitable[bytes]:
        """Post one request and give its JSON answer, unread.

        An ``async def`` fulfils this. A plain function that returns an ``asyncio.Future`` does too, and saves the
        executor a task per request; the executor cancels what it no longer waits for. If that future has an attribute
        ``due``, the time of the event loop at which it ends by itself, it may save a timer too.

        ``body`` is a JSON object with ``query`` and perhaps ``variables``; ``headers`` are those of this request beside
        the transport's own (content type, accept, host); ``timeout`` is in seconds, connecting included.

        The answer is the body of a response with a 2xx status, or of any status whose media type says that it is a
        GraphQL response. Raises CodedError with SUBGRAPH_UNREACHABLE, SUBGRAPH_TIMED_OUT or SUBGRAPH_MALFORMED (an
        answer that is not a GraphQL response at all, or exceeds the limits).
        """
        ...

    def subscribe(
        self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> AsyncGenerator[bytes, None]:
        """Begin a subscription; each item is one event, a GraphQL response as JSON. Raises as ``send`` does.

        Closing the generator (``aclose``) ends the subscription at the subgraph.
        """
        ...

    async def close(self) -> None:
        """Close all connections; requests still under way fail as unreachable."""
        ...
