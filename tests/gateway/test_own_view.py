"""What a caller may learn about itself is bounded like what it may ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.app import create_app
from gateway.settings import LimitSettings, ServerSettings, Settings, SupergraphSettings
from tests.gateway.test_commands import SUPERGRAPH
from tests.support.serving import serving


@asynccontextmanager
async def session_with(folder: Path, **limits: float) -> AsyncIterator[aiohttp.ClientSession]:
    (folder / "supergraph.graphql").write_text(SUPERGRAPH)
    settings = Settings(
        server=ServerSettings(explorer=False),
        supergraph=SupergraphSettings(source=str(folder / "supergraph.graphql")),
        limits=LimitSettings(**limits),  # type: ignore[arg-type]
    )
    async with serving(create_app(settings, plain=True)) as address, aiohttp.ClientSession(address) as session:
        yield session


async def code_of(response: aiohttp.ClientResponse) -> str:
    code: str = (await response.json())["errors"][0]["extensions"]["code"]
    return code


async def test_asking_for_the_schema_counts_like_a_request(tmp_path: Path) -> None:
    async with session_with(tmp_path, anonymous_rate=0.001, anonymous_burst=2) as session:
        for _ in range(2):
            async with session.get("/schema.graphql") as response:
                assert response.status == 200
        async with session.get("/schema.graphql") as response:
            assert (response.status, await code_of(response)) == (429, "RATE_LIMITED")
            assert int(response.headers["retry-after"]) > 0
            assert response.headers["cache-control"] == "no-store"
        async with session.post("/graphql", json={"query": "{ __typename }"}) as response:
            assert response.status == 429


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{ " + "a: world " * 1_001 + "}", 400, "LIMIT_EXCEEDED"),
        ("{ world " + "#" * 100_000 + "\n}", 413, "BODY_TOO_LARGE"),
        ("{ nothing }", 400, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_is_explained_is_bounded_like_what_is_answered(
    tmp_path: Path, query: str, status: int, code: str
) -> None:
    async with session_with(tmp_path) as session, session.post("/explain", json={"query": query}) as response:
        assert (response.status, await code_of(response)) == (status, code)
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("query", ["{ a: __schema { description } b: __schema { description } }"])
async def test_introspection_many_times_over_is_refused(tmp_path: Path, query: str) -> None:
    many = "{ " + " ".join(f"a{n}: __schema {{ description }}" for n in range(6)) + " }"
    async with session_with(tmp_path) as session:
        async with session.post("/graphql", json={"query": query}) as response:
            assert (await response.json())["data"] == {"a": {"description": None}, "b": {"description": None}}
        async with session.post("/graphql", json={"query": many}) as response:
            assert await code_of(response) == "LIMIT_EXCEEDED"
