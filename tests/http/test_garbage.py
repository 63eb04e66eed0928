"""What a request leaves behind: nothing that only the garbage collector could clear away."""

import asyncio
import gc
import json

import uvicorn

from gateway.app import create_app
from gateway.server.http_protocol import BoundedHttpProtocol
from gateway.settings import convert_settings
from tests.gateway.test_commands import SUPERGRAPH
from tests.support.serving import _Server


async def test_an_answered_request_leaves_no_ring_of_references(tmp_path):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    given = {"supergraph": {"source": str(tmp_path / "supergraph.graphql")}, "server": {"explorer": False}}
    app = create_app(convert_settings(given), plain=True)
    server = _Server(uvicorn.Config(app, port=0, log_level="critical", http=BoundedHttpProtocol, lifespan="on"))
    running = asyncio.create_task(server.serve())
    await server.listening.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    body = json.dumps({"query": "{ __typename }"}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"

    async def ask():
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))

    for _ in range(5):
        await ask()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(50):
            await ask()
        gc.collect()
        left = [thing for thing in gc.garbage if type(thing).__module__.startswith(("uvicorn", "gateway"))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        writer.close()
        server.should_exit = True
        await running
    assert left == []
