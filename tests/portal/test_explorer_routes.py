"""The explorer's addresses: what they answer, with which headers, and what a wrong configuration is told."""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from gateway.errors import CodedError
from gateway.portal.explorer import BUILD, explorer_routes, routes
from gateway.portal.explorer_config import ExplorerConfig, ReadyCaller, ReadyQuery, read_explorer_config
from gateway.settings import convert_settings
from tests.support.serving import serving

ENTRY = json.loads((BUILD / "manifest.json").read_bytes())["entry"]


@asynccontextmanager
async def client_of(addresses: Sequence[BaseRoute]) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serving(Starlette(routes=list(addresses))) as base,
        aiohttp.ClientSession(base, auto_decompress=False) as session,
    ):
        yield session


async def test_the_page_allows_scripts_and_requests_of_its_own_origin_alone() -> None:
    async with client_of(explorer_routes(ExplorerConfig())) as client, client.get("/explorer") as page:
        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        html = await page.text()
    assert policy["default-src"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "worker-src", "connect-src")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert "<script>" not in html
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("", "fr, en;q=0.5", "en"), ("", "", "en"), ("?lang=zh", "en", "zh-CN")],
)
async def test_the_page_speaks_the_language_asked_for_else_the_browsers(
    query: str, accepted: str, language: str
) -> None:
    async with (
        client_of(explorer_routes(ExplorerConfig())) as client,
        client.get(f"/explorer{query}", headers={"Accept-Language": accepted}) as page,
    ):
        assert f'<html lang="{language}">' in await page.text()


async def test_who_opens_the_bare_address_comes_to_the_explorer() -> None:
    async with client_of(explorer_routes(ExplorerConfig())) as client, client.get("/") as page:
        assert page.status == 200
        assert page.url.path == "/explorer"


async def test_without_scripts_the_first_query_stands_in_a_form_escaped() -> None:
    query = ReadyQuery(label="One", query='{ a(b: "<&") }', variables={"n": 1})
    async with client_of(explorer_routes(ExplorerConfig(queries=(query,)))) as client:
        html = await (await client.get("/explorer")).text()
    assert "{ a(b: &#34;&lt;&amp;&#34;) }</textarea>" in html
    assert "{&#34;n&#34;:1}</textarea>" in html


async def test_files_may_be_kept_for_ever_and_are_packed_where_the_browser_takes_it() -> None:
    async with client_of(explorer_routes(ExplorerConfig())) as client:
        plain = await client.get(f"/explorer/static/{ENTRY}", headers={"Accept-Encoding": "identity"})
        packed = await client.get(f"/explorer/static/{ENTRY}", headers={"Accept-Encoding": "gzip, br"})
        known = await client.get(f"/explorer/static/{ENTRY}", headers={"If-None-Match": plain.headers["ETag"]})
        content, small, nothing = await plain.read(), await packed.read(), await known.read()
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small) == content == (BUILD / ENTRY).read_bytes()
    assert (known.status, nothing) == (304, b"")


@pytest.mark.parametrize("name", ["manifest.json", "..%2Fexplorer.py", "nothing.js", "%2Fetc%2Fpasswd"])
async def test_only_files_of_the_build_are_served(name: str) -> None:
    async with client_of(explorer_routes(ExplorerConfig())) as client:
        assert (await client.get(f"/explorer/static/{name}")).status == 404


async def test_ready_made_callers_and_queries_are_handed_out_and_never_kept() -> None:
    config = ExplorerConfig(callers=(ReadyCaller(label="App", headers={"X-API-Key": "k"}),))
    async with client_of(explorer_routes(config)) as client, client.get("/explorer/config.json") as answer:
        ready = await answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert ready["callers"][0]["headers"] == {"X-API-Key": "k"}
    assert ready["queries"] == []


def test_settings_turn_the_explorer_off() -> None:
    assert routes(convert_settings({"server": {"explorer": False}})) == []
    assert [route.path for route in routes(convert_settings({})) if hasattr(route, "path")] == [
        "/",
        "/explorer",
        "/explorer/config.json",
        "/explorer/static/{name}",
        "/apply",
    ]


@pytest.mark.parametrize(("language", "days"), [("en", "within 10 working days"), ("zh", "10 个工作日内")])
async def test_the_page_a_refusal_points_to_says_what_an_application_states_and_who_decides(
    language: str, days: str
) -> None:
    async with (
        client_of(explorer_routes(ExplorerConfig())) as client,
        client.get(f"/apply?resource=307020301/000012&lang={language}") as answer,
    ):
        html = await answer.text()
    assert "<code>307020301/000012</code>" in html
    assert days in html
    assert "数据校核" in html
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]


async def test_only_what_looks_like_a_resource_code_is_repeated() -> None:
    async with client_of(explorer_routes(ExplorerConfig())) as client:
        html = await (await client.get("/apply?resource=%3Cb%3Epay+here%3C/b%3E")).text()
    assert "pay here" not in html


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"callers": [{"label": 1}]}', r"Expected `str`, got `int` - at `\$.callers\[0\].label`"),
        ('{"query": []}', "unknown field `query`"),
        ('{"callers": [{"label": "A", "headers": {"Cookie": "x"}}]}', "caller 'A' has the header Cookie"),
        ("{", "truncated"),
    ],
)
def test_a_wrong_configuration_is_told_with_file_and_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "explorer.json"
    file.write_text(text)
    with pytest.raises(CodedError, match=told) as raised:
        read_explorer_config(str(file))
    assert str(file) in raised.value.message
    assert raised.value.code.name == "SETTINGS_INVALID"


def test_a_missing_configuration_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CodedError, match=r"none\.json: No such file"):
        read_explorer_config(str(tmp_path / "none.json"))
