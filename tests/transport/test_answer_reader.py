"""The reader of answers, without sockets: every byte is untrusted, and where an answer ends is never in doubt."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodedError
from gateway.execution.http_message import AnswerReader, decode_content
from gateway.execution.subgraph_address import TransportLimits
from tests.transport.raw_subgraph import answer, chunked

LIMITS = TransportLimits(header_bytes=2_000, answer_bytes=10_000)
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(*pieces: bytes) -> tuple[bytes, bool]:
    """The body that the pieces make, and whether the connection may be used again."""
    reader = AnswerReader(LIMITS)
    results = [reader.feed(piece) for piece in pieces]
    assert results == [False] * (len(pieces) - 1) + [True]
    return reader.take(), reader.reusable


def refusal(*pieces: bytes) -> str:
    """The code with which the pieces are refused."""
    with pytest.raises(CodedError) as caught:
        read_to_the_end(*pieces)
    return caught.value.code.name


def read_to_the_end(*pieces: bytes) -> bytes:
    """The body that the pieces make before the peer closes the connection."""
    reader = AnswerReader(LIMITS)
    for piece in pieces:
        if reader.feed(piece):
            return reader.take()
    reader.end()
    return reader.take()


@pytest.mark.parametrize(
    "wire",
    [
        answer(b'{"data":1}'),
        CHUNKED_HEAD + chunked(b'{"data":1}'),
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer(b'{"data":1}'),
        CHUNKED_HEAD + b'a;name="x"\r\n{"data":1}\r\n0\r\nTrailer: yes\r\n\r\n',
    ],
    ids=["length", "chunked", "after informational answers", "chunk extension and trailer"],
)
def test_an_answer_reads_alike_wherever_it_is_cut(wire: bytes) -> None:
    for cut in range(1, len(wire)):
        assert read(wire[:cut], wire[cut:]) == (b'{"data":1}', True)
    assert read(*(wire[at : at + 1] for at in range(len(wire)))) == (b'{"data":1}', True)


def test_one_reader_reads_one_answer_after_another() -> None:
    reader = AnswerReader(LIMITS)
    for body in (b"1", b"22", b""):
        reader.begin()
        assert reader.feed(answer(body))
        assert reader.take() == body


@pytest.mark.parametrize(
    "extra", [b"x", answer(b"{}"), b"HTTP/1.1 200 OK\r\n", b"\x00"], ids=["a byte", "an answer", "half a head", "null"]
)
def test_bytes_after_the_answer_do_not_spoil_it_but_end_the_connection(extra: bytes) -> None:
    assert read(answer(b'{"data":1}') + extra) == (b'{"data":1}', False)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerReader(LIMITS)
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}")
    assert reader.end()
    assert (reader.take(), reader.reusable) == (b"{}", False)


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n"])
def test_a_peer_that_will_close_is_not_asked_again(head: bytes) -> None:
    assert read(head + b"Content-Length: 2\r\n\r\n{}") == (b"{}", False)


@pytest.mark.parametrize("cut", [0, 1, 10, 40, 70, 76])
def test_a_truncated_answer_is_unreachable(cut: int) -> None:
    wire = answer(b'{"data":1}')
    assert cut < len(wire)
    assert refusal(wire[:cut]) == "SUBGRAPH_UNREACHABLE"
    assert refusal((CHUNKED_HEAD + chunked(b'{"data":1}'))[:-1]) == "SUBGRAPH_UNREACHABLE"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\n folded\r\n\r\n{}",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\rY: b\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX\x00: a\r\n\r\n{}",
        CHUNKED_HEAD + b"2x\r\n{}\r\n0\r\n\r\n",
        CHUNKED_HEAD + b"-2\r\n{}\r\n0\r\n\r\n",
        CHUNKED_HEAD + b"2\n{}\n0\n\n",
        CHUNKED_HEAD + b"2\r\n{}x0\r\n\r\n",
        CHUNKED_HEAD + b"fffffffffffffffff\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + answer(b"{}"),
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)  # fmt: skip
def test_what_two_readers_could_read_differently_is_refused(wire: bytes) -> None:
    assert refusal(wire) == "SUBGRAPH_MALFORMED"
    assert refusal(*(wire[at : at + 1] for at in range(len(wire)))) == "SUBGRAPH_MALFORMED"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 3_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 500,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n",
        CHUNKED_HEAD + chunked(b"x" * 10_001, 1_000),
        CHUNKED_HEAD + b"2\r\n{}\r\n0\r\n" + b"T: a\r\n" * 500,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_001,
        CHUNKED_HEAD + b"1;" + b"x" * 200_000,
    ],
    ids=["one long header", "many headers", "length", "chunks", "trailers", "until closed", "chunk extension"],
)
def test_what_exceeds_a_limit_is_refused_before_it_is_complete(wire: bytes) -> None:
    assert refusal(wire) == "SUBGRAPH_MALFORMED"


@pytest.mark.parametrize(
    ("status", "code"),
    [("503 Busy", "SUBGRAPH_UNREACHABLE"), ("429 Slow", "SUBGRAPH_UNREACHABLE"), ("302 Found", "SUBGRAPH_MALFORMED"),
     ("404 Not Found", "SUBGRAPH_MALFORMED")],
)  # fmt: skip
def test_a_status_other_than_success_without_json_is_no_answer(status: str, code: str) -> None:
    wire = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nLocation: http://other/\r\nContent-Length: 2\r\n\r\nno"
    assert refusal(wire.encode()) == code


def test_json_under_any_status_is_left_to_the_executor() -> None:
    wire = answer(b'{"errors":[]}', status="400 Bad Request")
    assert read(wire) == (b'{"errors":[]}', True)


def test_an_empty_success_is_an_empty_body() -> None:
    assert read(b"HTTP/1.1 204 No Content\r\n\r\n") == (b"", True)


BODY = b'{"data":"' + b"x" * 5_000 + b'"}'


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("identity", BODY),
    ],
    ids=["gzip", "gzip in members", "zlib", "bare deflate", "identity"],
)
def test_compressed_answers_are_unpacked(encoding: str, packed: bytes) -> None:
    assert read(answer(packed, f"Content-Encoding: {encoding}")) == (BODY, True)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"0" * 10_000_000)),
        ("deflate", zlib.compress(b"0" * 10_000_000)),
        ("gzip", gzip.compress(b"0" * 6_000) * 2),
        ("gzip", gzip.compress(BODY)[:-4]),
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(BODY) + b"rest"),
        ("deflate", b"\xff\xff\xff"),
        ("br", BODY),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY))),
    ],
    ids=["bomb", "zlib bomb", "bomb in members", "cut", "not gzip", "rest", "not deflate", "other", "twice"],
)
def test_compressed_answers_that_cannot_be_trusted_are_refused(encoding: str, packed: bytes) -> None:
    assert refusal(answer(packed, f"Content-Encoding: {encoding}")) == "SUBGRAPH_MALFORMED"


@given(st.binary(max_size=10_000), st.integers(1, 9_999), st.sampled_from([b"gzip", b"deflate"]))
def test_unpacking_gives_the_original_or_refuses_at_the_limit(body: bytes, limit: int, encoding: bytes) -> None:
    packed = gzip.compress(body, 1) if encoding == b"gzip" else zlib.compress(body, 1)
    if len(body) <= limit:
        assert decode_content(packed, encoding, limit) == body
    else:
        with pytest.raises(CodedError):
            decode_content(packed, encoding, limit)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_end_in_an_answer_or_a_coded_error(pieces: list[bytes]) -> None:
    try:
        ended = read_to_the_end(*pieces) is not None
    except CodedError as error:
        ended = error.code.name.startswith("SUBGRAPH_")
    assert ended


_FRAGMENTS = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 C\r\n", b"\r\n", b"\n", b"Content-Length: 2\r\n", b"Content-Length: 0\r\n",
     b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"2\r\n", b"{}", b"0\r\n", b"\r\n\r\n", b" x\r\n",
     b";e\r\n"]
)  # fmt: skip


@given(st.lists(_FRAGMENTS, max_size=12), st.data())
def test_cutting_never_changes_what_is_read(fragments: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(fragments)
    cut = data.draw(st.integers(0, len(wire)))

    def outcome(*pieces: bytes) -> object:
        reader = AnswerReader(LIMITS)
        try:
            for number, piece in enumerate(pieces):
                if piece and reader.feed(piece):
                    rest = b"".join(pieces[number + 1 :])
                    return reader.take(), reader.reusable and not rest.strip(b"\r\n")
            reader.end()
            return reader.take(), False
        except CodedError as error:
            return error.code.name

    assert outcome(wire[:cut], wire[cut:]) == outcome(wire)
