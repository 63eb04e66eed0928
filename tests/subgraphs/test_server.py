"""A department answers the gateway and nobody else."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from policies.context import ContextSigner, HmacKey, RequestContext, ResourceScope
from subgraphs.kit.server import MAX_BODY, PATH
from tests.subgraphs.conftest import KEY, Client, served
from tests.subgraphs.library import LIBRARY, department

BODY = json.dumps({"query": "{ _service { sdl } }"}).encode()
FOR_ANOTHER = RequestContext(audience="other", subject="anon", zone="internet", policy_version="1")
CONTEXT = RequestContext(audience="library", subject="app:test", zone="intranet", policy_version="1")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(department, tmp_path, signed=True) as client:
        yield client


def signed(body: bytes, key: HmacKey = KEY, context: RequestContext = CONTEXT) -> dict[str, str]:
    return dict(ContextSigner(context.audience, key).headers("POST", PATH, body, context))


async def test_an_unsigned_request_is_refused_even_for_the_schema(client: Client) -> None:
    status, answer = await client.post(BODY, {})
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "CONTEXT_MISSING")


async def test_a_signed_request_is_answered_once(client: Client) -> None:
    headers = signed(BODY)
    status, answer = await client.post(BODY, headers)
    assert status == 200
    assert answer["data"]["_service"]["sdl"].startswith("directive @resource")
    status, answer = await client.post(BODY, headers)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "CONTEXT_REPLAYED")


@pytest.mark.parametrize(
    ("body", "key", "context", "code"),
    [
        (b"another body", KEY, CONTEXT, "CONTEXT_FORGED"),
        (BODY, HmacKey("test-1", b"x" * 40), CONTEXT, "CONTEXT_FORGED"),
        (BODY, HmacKey("test-9", KEY.secret), CONTEXT, "CONTEXT_KEY_UNKNOWN"),
        (BODY, KEY, FOR_ANOTHER, "CONTEXT_MISDIRECTED"),
    ],
)
async def test_a_signature_that_is_not_for_this_request_is_refused(
    client: Client, body: bytes, key: HmacKey, context: RequestContext, code: str
) -> None:
    status, answer = await client.post(BODY, signed(body, key, context))
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, code)


async def test_what_the_context_grants_arrives_at_the_gate(client: Client) -> None:
    query = '{ library(libraryNo: "2") { displayName } }'
    granted = await client.ask(query, ResourceScope(resource=LIBRARY))
    assert granted == {"data": {"library": {"displayName": "第2图书馆"}}}
    withheld = await client.ask(query, ResourceScope(resource="30700599/1"))
    assert withheld["data"] == {"library": None}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "`query`"),
        (b'{"query": 1}', "`query`"),
        (b'{"query": "{"}', "not GraphQL"),
        (b'{"query": "{ nothing }"}', "does not fit the schema"),
        (b'{"query": "{ broken }", "variables": [1]}', "`variables`"),
    ],
)  # fmt: skip
async def test_a_malformed_request_gets_one_coded_answer(client: Client, body: bytes, words: str) -> None:
    status, answer = await client.post(body, signed(body))
    (error,) = answer["errors"]
    assert (status, error["extensions"]["code"]) == (400, "REQUEST_MALFORMED")
    assert words in error["message"]


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read_whole(client: Client) -> None:
    async with client._session.post(client.url, data=io.BytesIO(b" " * (MAX_BODY + 1))) as response:
        answer = await response.json()
        assert (response.status, answer["errors"][0]["extensions"]["code"]) == (400, "REQUEST_MALFORMED")


async def test_health_needs_no_signature_and_tells_what_it_runs_on(client: Client) -> None:
    async with client._session.get(client.url.replace(PATH, "/healthz")) as response:
        assert (response.status, await response.json()) == (200, {"status": "ok", "department": "memory"})


async def test_the_media_type_is_the_one_the_gateway_prefers(client: Client) -> None:
    headers = {**signed(BODY), "accept": "application/graphql-response+json, application/json;q=0.9"}
    async with client._session.post(client.url, data=BODY, headers=headers) as response:
        assert response.content_type == "application/graphql-response+json"
