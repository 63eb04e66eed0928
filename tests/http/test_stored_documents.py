"""Documents asked for by id: trusted ones from a file, persisted ones by their hash."""

import hashlib
import json
from pathlib import Path

import pytest

from gateway.errors import CodedError
from gateway.server.answering import Answer
from gateway.server.application import Application, build_application
from gateway.server.health import Readiness
from gateway.server.stored_documents import StoredDocuments, read_trusted
from tests.http.gateway_on_loopback import Scripted, call, post, result


def application(documents: StoredDocuments) -> Application:
    echo = Scripted(reply=lambda request: Answer(result=result(request.document)))
    return build_application(echo, Readiness(), documents=documents)


def persisted(text: str, **more: object) -> dict[str, object]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, **more}


async def test_a_hash_is_not_found_until_its_document_was_sent_once() -> None:
    endpoint = application(StoredDocuments())
    first = await post(endpoint, persisted("{ a }"))
    assert (first.status, first.code) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert (await post(endpoint, persisted("{ a }", query="{ a }"))).json == {"data": "{ a }"}
    assert (await post(endpoint, persisted("{ a }"))).json == {"data": "{ a }"}
    by_id = {"documentId": "sha256:" + hashlib.sha256(b"{ a }").hexdigest()}
    assert (await post(endpoint, by_id)).json == {"data": "{ a }"}
    address = f"/graphql?documentId={by_id['documentId']}"
    assert (await call(endpoint, "GET", address)).json == {"data": "{ a }"}


async def test_a_document_under_a_foreign_hash_is_refused_and_not_kept() -> None:
    endpoint = application(StoredDocuments())
    assert (await post(endpoint, persisted("{ a }", query="{ evil }"))).code == "PERSISTED_QUERY_MISMATCH"
    assert (await post(endpoint, persisted("{ a }"))).code == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "extension", [1, {}, {"version": 2, "sha256Hash": "a" * 64}, {"version": 1, "sha256Hash": "a"}]
)
async def test_a_malformed_hash_is_a_bad_request(extension: object) -> None:
    response = await post(application(StoredDocuments()), {"extensions": {"persistedQuery": extension}})
    assert (response.status, response.code) == (400, "BAD_REQUEST")


async def test_what_was_not_asked_for_lately_is_forgotten_first() -> None:
    endpoint = application(StoredDocuments(persisted_bytes=15))
    for text in ("{ a }", "{ b }", "{ c }"):
        await post(endpoint, persisted(text, query=text))
    await post(endpoint, persisted("{ a }"))
    await post(endpoint, persisted("{ d }", query="{ d }"))
    found = [(await post(endpoint, persisted(text))).body for text in ("{ a }", "{ b }", "{ c }", "{ d }")]
    assert [b"NOT_FOUND" in body for body in found] == [False, True, False, False]
    large = "{ a_name_longer_than_the_room }"
    assert (await post(endpoint, persisted(large, query=large))).json == {"data": large}
    assert (await post(endpoint, persisted(large))).code == "PERSISTED_QUERY_NOT_FOUND"


async def test_trusted_documents_are_known_by_id_and_can_be_the_only_ones() -> None:
    endpoint = application(StoredDocuments({"list": "{ a }"}, only_trusted=True))
    assert (await post(endpoint, {"documentId": "list"})).json == {"data": "{ a }"}
    for request in ({"query": "{ a }"}, {"documentId": "other"}, persisted("{ b }", query="{ b }"), persisted("{ b }")):
        assert (await post(endpoint, request)).code == "DOCUMENT_NOT_STORED"
    assert (await post(endpoint, {"documentId": "list", "query": "{ b }"})).code == "PERSISTED_QUERY_MISMATCH"
    both = application(StoredDocuments({"list": "{ a }"}))
    assert (await post(both, {"query": "{ b }"})).json == {"data": "{ b }"}


@pytest.mark.parametrize(
    "content",
    [{"list": "{ a }"}, {"format": "manifest", "version": 1, "operations": [{"id": "list", "body": "{ a }"}]}],
)
def test_trusted_documents_are_read_from_either_form(tmp_path: Path, content: object) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps(content))
    assert read_trusted(path) == {"list": "{ a }"}


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"operations": [{"id": 1}]}', None])
def test_a_file_that_holds_no_documents_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "documents.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CodedError, match=r"documents\.json") as caught:
        read_trusted(path)
    assert caught.value.code.name == "DOCUMENTS_UNREADABLE"
