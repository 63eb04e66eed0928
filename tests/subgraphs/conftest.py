"""Small data for the departments, generated once, and departments served over loopback HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from policies.context import ContextSigner, ContextVerifier, HmacKey, RequestContext, ResourceScope
from subgraphs.kit.department import Department, StoreLocation
from subgraphs.kit.loopback import serving
from subgraphs.kit.server import PATH, make_app
from subgraphs.seed.generate import generate

KEY = HmacKey("test-1", b"a secret of more than thirty-two bytes")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of all departments at a fiftieth of its size."""
    directory = tmp_path_factory.mktemp("departments")
    generate(directory, scale=0.02, surrogate_key=b"k" * 32)
    return directory


class Client:
    """Asks one department as the gateway would, signing what ``scopes`` allow; unsigned when there are none."""

    def __init__(self, session: aiohttp.ClientSession, url: str, name: str) -> None:
        self._session = session
        self._signer = ContextSigner(name, KEY)
        self.name = name
        self.url = url

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        async with self._session.post(self.url, data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def ask(self, query: str, *scopes: ResourceScope, **variables: object) -> dict[str, Any]:
        import json

        body = json.dumps({"query": query, "variables": variables}).encode()
        context = RequestContext(
            audience=self.name, subject="app:test", zone="intranet", policy_version="1", resources=scopes
        )
        headers = dict(self._signer.headers("POST", PATH, body, context)) if scopes else {}
        status, answer = await self.post(body, {"content-type": "application/json", **headers})
        assert status == 200, answer
        return answer


@asynccontextmanager
async def served(
    department: Department, data: Path, *, signed: bool = False, address: str | None = None
) -> AsyncIterator[Client]:
    """A client of ``department`` over its part of ``data``; everybody is answered unless ``signed``."""
    async with department.open_store(StoreLocation(data / department.name, address)) as store:
        verifier = ContextVerifier(department.name, [KEY]) if signed else None
        app = make_app(department.schema(), store, store.describe(), verifier)
        async with serving(app) as base, aiohttp.ClientSession() as session:
            yield Client(session, base + PATH, department.name)
