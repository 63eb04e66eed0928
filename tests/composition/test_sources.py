import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from catalog_sync.errors import CodedError
from gateway.subgraph_sources import fetch_sdl, load_sources, schema_files


class _Service(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = {"data": {"_service": {"sdl": "type Query { a: Int }"}}} if self.path == "/graphql" else {"data": None}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_of_graphql_files_names_subgraphs_by_file_and_address_by_first_line(tmp_path: Path) -> None:
    (tmp_path / "books.graphql").write_text("# url: http://books/graphql\ntype Query { a: Int }")
    (tmp_path / "prices.graphql").write_text("type Query { b: Int }")
    books, prices = load_sources(tmp_path)
    assert (books.name, books.url) == ("books", "http://books/graphql")
    assert (prices.name, prices.url) == ("prices", "")
    assert schema_files(tmp_path) == {name: tmp_path / f"{name}.graphql" for name in ("books", "prices")}


def test_a_supergraph_yaml_is_read_as_rover_reads_it(tmp_path: Path, service: str) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "books.graphql").write_text("type Query { books: Int }")
    (tmp_path / "supergraph.yaml").write_text(
        f"""
federation_version: =2.9.0
subgraphs:
  books: {{routing_url: "http://books", schema: {{file: ./schemas/books.graphql}}}}
  inline: {{routing_url: "http://inline", schema: {{sdl: "type Query {{ x: Int }}"}}}}
  running: {{schema: {{subgraph_url: "{service}/graphql"}}}}
"""
    )
    found = load_sources(tmp_path)
    assert [(source.name, source.url, source.sdl) for source in found] == [
        ("books", "http://books", "type Query { books: Int }"),
        ("inline", "http://inline", "type Query { x: Int }"),
        ("running", f"{service}/graphql", "type Query { a: Int }"),
    ]
    assert load_sources(tmp_path / "supergraph.yaml") == found
    assert schema_files(tmp_path) == {"books": tmp_path / "schemas" / "books.graphql"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "holds neither supergraph.yaml"),
        ({"a.graphql": b"\xff\xfe"}, "is not UTF-8: byte 0"),
        ({"supergraph.yaml": b"subgraphs: ["}, "cannot be read as YAML"),
        ({"supergraph.yaml": b"subgraphs:\n a: {}\n a: {}"}, "as YAML (line 3): 'a' is given twice."),
        ({"supergraph.yaml": b"subgraphs: 3"}, "lists no `subgraphs`"),
        ({"supergraph.yaml": b"subgraphs: {a: {routing_url: x}}"}, "has no `schema` with `file`, `sdl` or"),
        ({"supergraph.yaml": b"subgraphs: {a: {schema: {file: b.graphql}}}"}, "b.graphql cannot be read"),
        ({"supergraph.yaml": b"subgraphs: {a: {schema: {graphref: x}}}"}, "needs `file`, `sdl` or `subgraph_url`"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CodedError) as raised:
        load_sources(tmp_path)
    assert raised.value.code.name == "SOURCES_UNREADABLE"
    assert told in raised.value.message


def test_a_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(CodedError, match="does not exist"):
        load_sources(tmp_path / "missing")


def test_who_names_one_file_of_several_is_told_to_name_their_folder(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("type Query { a: Int }")
    with pytest.raises(CodedError, match=r"a\.graphql is one subgraph; name the folder"):
        load_sources(tmp_path / "a.graphql")


@pytest.mark.parametrize("address", ["file:///etc/hosts", "http://127.0.0.1:1/graphql"])
def test_an_address_that_does_not_answer_is_told(address: str) -> None:
    with pytest.raises(CodedError) as raised:
        fetch_sdl(address)
    assert raised.value.code.name == "SUBGRAPH_SDL_UNREACHABLE"


def test_a_service_that_is_not_federated_is_told(service: str) -> None:
    with pytest.raises(CodedError, match="without `data"):
        fetch_sdl(f"{service}/other")
