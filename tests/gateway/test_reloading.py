"""A changed supergraph is served without a restart; a broken one changes nothing."""

import asyncio
import json
import os

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.app import create_app
from gateway.background import Pause, going_on
from gateway.reloading import follow
from gateway.settings import convert_settings
from tests.gateway.test_commands import SUPERGRAPH
from tests.support.serving import serving

CHANGED = SUPERGRAPH.replace("world: String", "world: String  added: Int")


async def fields_of(session, address):
    query = {"query": "{ __schema { queryType { fields { name } } } }"}
    async with session.post(f"{address}/graphql", json=query) as response:
        assert response.status == 200
        answer = json.loads(await response.read())
    return {field["name"] for field in answer["data"]["__schema"]["queryType"]["fields"]}


async def until(session, address, wanted):
    """Asks until the schema has a field; every answer on the way must be a whole one."""
    async with asyncio.timeout(20):
        while wanted not in await fields_of(session, address):
            pass


@pytest.fixture
async def gateway(tmp_path):
    source = tmp_path / "supergraph.graphql"
    source.write_text(SUPERGRAPH)
    settings = convert_settings({"supergraph": {"source": str(source), "poll": 0.02}, "server": {"explorer": False}})
    async with serving(create_app(settings, plain=True)) as address, aiohttp.ClientSession() as session:
        yield source, session, address


async def test_a_changed_file_is_served_while_requests_go_on(gateway):
    source, session, address = gateway
    assert await fields_of(session, address) == {"hello", "world"}
    source.write_text(CHANGED)
    await until(session, address, "added")


async def test_an_address_is_asked_at_once_where_the_gateway_is_told_to_look_now():
    told = SUPERGRAPH

    async def tell(_):
        return PlainTextResponse(told)

    async with serving(Starlette(routes=[Route("/graph", tell)])) as source:
        settings = convert_settings({"supergraph": {"source": f"{source}/graph", "poll": 3600.0}})
        application = await asyncio.to_thread(create_app, settings, plain=True)
        async with serving(application) as address, aiohttp.ClientSession() as session:
            told = CHANGED
            application.look_now()
            await until(session, address, "added")


async def test_a_file_that_seems_not_to_have_changed_is_read_again_where_the_gateway_is_told_to_look_now(tmp_path):
    source, taken = tmp_path / "supergraph.graphql", asyncio.Event()

    def write(text):
        source.write_bytes(text.ljust(len(CHANGED)).encode())
        os.utime(source, ns=(0, 0))

    write(SUPERGRAPH)
    loop, pause = asyncio.get_running_loop(), Pause()
    settings = convert_settings({"supergraph": {"source": str(source), "poll": 0.01}}).supergraph

    def take(text):
        loop.call_soon_threadsafe(taken.set)

    async with going_on("following", lambda: follow(settings, "", take, pause)):
        await taken.wait()
        taken.clear()
        write(CHANGED)
        pause.end()
        await taken.wait()


async def test_a_broken_file_leaves_the_old_supergraph_serving_until_it_is_mended(gateway, caplog):
    source, session, address = gateway
    source.write_text("type Query {")
    async with asyncio.timeout(20):
        while "SUPERGRAPH_INVALID" not in caplog.text:
            assert await fields_of(session, address) == {"hello", "world"}
    source.write_text(CHANGED)
    await until(session, address, "added")


async def test_a_file_that_could_not_be_read_is_read_again_though_its_time_and_size_stay(gateway, caplog):
    source, session, address = gateway
    text = CHANGED.encode()
    mended = source.with_suffix(".mended")
    for file, content in ((mended, text), (source, b"\xff" * len(text))):
        file.write_bytes(content)
        os.utime(file, ns=(0, 0))
    async with asyncio.timeout(20):
        while "SOURCE_UNREADABLE" not in caplog.text:
            assert await fields_of(session, address) == {"hello", "world"}
    mended.replace(source)
    await until(session, address, "added")
