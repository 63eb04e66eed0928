"""What one call to a subgraph costs, in CPU time, by either form of transport.

    python -m benchmarks.transport [--calls N] [--bytes N]

The subgraph runs in a process of its own and answers from memory, so the figure is the caller's alone. Both forms take
turns in one run; compare only figures of one run.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

import uvloop

from gateway.execution.subgraph_address import SubgraphRoute, parse_address
from gateway.execution.transport import RoutedTransport

BODY = b'{"query":"query($r0:[_Any!]!){e0:_entities(representations:$r0){...on A{b c}}}","variables":{"r0":[]}}'
AT_ONCE = 8
ROUNDS = 5


class Answering(asyncio.Protocol):
    """Answers every request that ends with BODY; requests come one at a time on a connection."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        assert hasattr(transport, "write")
        self.write = transport.write

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        if data.endswith(BODY):
            self.write(self.answer)


def serve(size: int, told: Connection) -> None:
    """The subgraph's process."""
    body = b'{"data":{"e0":"' + b"x" * size + b'"}}'
    Answering.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


async def measure(port: int, calls: int) -> dict[str, list[float]]:
    """Microseconds of CPU a call, by form, one value a round."""
    address = parse_address("a", f"http://127.0.0.1:{port}/graphql")
    forms = {
        name: RoutedTransport({"a": SubgraphRoute(address, direct=name == "direct")}) for name in ("direct", "aiohttp")
    }
    found: dict[str, list[float]] = {name: [] for name in forms}

    async def many(transport: RoutedTransport, count: int) -> None:
        for _ in range(count):
            await transport.send("a", BODY, (), 10.0)

    for transport in forms.values():
        await asyncio.gather(*(many(transport, 50) for _ in range(AT_ONCE)))
    for _ in range(ROUNDS):
        for name, transport in forms.items():
            start = time.process_time()
            await asyncio.gather(*(many(transport, calls // AT_ONCE) for _ in range(AT_ONCE)))
            found[name].append((time.process_time() - start) / (calls // AT_ONCE * AT_ONCE) * 1e6)
    for transport in forms.values():
        await transport.close()
    return found


def main() -> None:
    """Prints one line a form, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--bytes", type=int, default=4_000, help="size of an answer")
    arguments = parser.parse_args()
    hearing, told = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(arguments.bytes, told), daemon=True)
    process.start()
    try:
        found = uvloop.run(measure(hearing.recv(), arguments.calls))
    finally:
        process.terminate()
        process.join()
    for name, values in found.items():
        print(f"{name:8} {min(values):7.1f} us of CPU a call (median {statistics.median(values):.1f})")
    print(f"aiohttp / direct: {min(found['aiohttp']) / min(found['direct']):.1f}")


if __name__ == "__main__":
    main()
