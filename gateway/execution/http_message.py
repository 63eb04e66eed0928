"""HTTP/1.1 messages between the gateway and a subgraph: requests as bytes, and a reader of answers without any socket.

The reader stands between an untrusted peer and everything else. llhttp (in httptools, strict as shipped) refuses what
makes two parties disagree about where a message ends: both Content-Length and Transfer-Encoding, repeated or signed
lengths, folded headers, bare line feeds, bad chunk sizes. The reader adds what a parser of single messages cannot know:
limits, informational answers, an encoding that is not exactly ``chunked``, and bytes after the answer.
"""

import re
import zlib
from functools import lru_cache

import httptools

from gateway.errors import CodedError
from gateway.execution.subgraph_address import SubgraphRoute, TransportLimits
from gateway.execution.transport_errors import malformed, too_large, unreachable, wrong_status

USER_AGENT = "watersmeet"
ACCEPT = "application/graphql-response+json, application/json;q=0.9"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_FIELD_BYTES = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_OWN = frozenset(("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "trailer"))
_SINGLE = frozenset((b"content-length", b"transfer-encoding", b"content-encoding", b"content-type", b"keep-alive"))
_INFORMATIONAL = 8


def request_head(route: SubgraphRoute) -> bytes:
    """The constant part of every request to a subgraph, up to the value of Content-Length."""
    encoding = "gzip, deflate" if route.compressed else "identity"
    return (
        f"POST {route.address.target} HTTP/1.1\r\nHost: {route.address.authority}\r\nUser-Agent: {USER_AGENT}\r\n"
        f"Accept: {ACCEPT}\r\nAccept-Encoding: {encoding}\r\nContent-Type: application/json\r\nContent-Length: "
    ).encode("ascii")


def header_lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Further headers of a request. Raises ValueError for one that would change where the message ends."""
    lines = []
    for name, value in headers:
        if not _can_be_sent(name):
            raise ValueError(f"the header {name!r} cannot be sent to a subgraph")
        lines.append(f"{name}: {value}\r\n")
    encoded = "".join(lines).encode("latin-1")
    # Two calls of bytes for all headers, since signatures are long: matching each took a quarter of signing them.
    if encoded.translate(None, _FIELD_BYTES) != b"\r\n" * len(lines):
        raise ValueError("a header whose value holds a control character cannot be sent to a subgraph")
    return encoded


@lru_cache(maxsize=256)
def _can_be_sent(name: str) -> bool:
    return _TOKEN(name) is not None and name.lower() not in _OWN


def is_json(content_type: bytes) -> bool:
    """Whether a media type says JSON, of GraphQL or in general."""
    name = content_type.partition(b";")[0].strip().lower()
    return name in (b"application/json", b"application/graphql-response+json")


class AnswerReader:
    """Reads the answers on one connection, one at a time: ``begin``, then ``feed`` until it says true, then ``take``.

    Invariant: after ``feed`` or ``end`` raised, or where ``reusable`` is false, the connection must not carry another
    request, because it is unknown to which request its next byte belongs.
    """

    __slots__ = (
        "_body_limit",
        "_complete",
        "_fault",
        "_head_limit",
        "_head_size",
        "_headers",
        "_in_head",
        "_informational",
        "_parser",
        "_parts",
        "_size",
        "_status",
        "_wire",
        "reusable",
        "touched",
    )  # fmt: skip

    def __init__(self, limits: TransportLimits) -> None:
        self._head_limit, self._body_limit = limits.header_bytes, limits.answer_bytes
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Makes ready for the answer to the next request."""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = self._wire = self._head_size = self._status = self._informational = 0
        self._in_head, self._complete = True, False
        self._fault: CodedError | None = None
        self.reusable, self.touched = False, False

    def feed(self, data: bytes) -> bool:
        """Takes bytes as they come; True when the answer is complete. Raises CodedError."""
        self.touched = True
        self._wire += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            # Bytes after a complete answer do not spoil it, but nothing more may be asked on this connection.
            self.reusable = False
            if self._fault is None and self._complete:
                return True
            raise self._fault or malformed("sent something that is not a proper HTTP/1.1 answer") from None
        except httptools.HttpParserUpgrade:
            raise malformed("changed the protocol") from None
        if self._in_head and self._wire > self._head_limit and not self._complete:
            raise malformed(f"sent headers of more than {self._head_limit} bytes")
        if self._wire > self._head_limit + 8 * self._body_limit:
            raise too_large(self._body_limit)
        return self._complete

    def end(self) -> bool:
        """The peer closed its side: True if that completes an answer without a declared length. Raises CodedError."""
        self.reusable = False
        declared = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        if self._complete or (not self._in_head and not declared):
            return True
        raise unreachable("broke off its answer" if self.touched else "closed the connection without an answer")

    def take(self) -> bytes:
        """The body of the complete answer, decoded. Raises CodedError for a status or a body that cannot be used."""
        if not 200 <= self._status < 300 and not is_json(self._headers.get(b"content-type", b"")):
            raise wrong_status(self._status)
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        encoding = self._headers.get(b"content-encoding")
        return body if encoding is None else decode_content(body, encoding, self._body_limit)

    def idle_hint(self) -> float | None:
        """How many seconds the peer says it keeps an idle connection (``Keep-Alive: timeout=5``), if it does."""
        if b"keep-alive" not in self._headers:
            return None
        found = re.search(rb"timeout=(\d{1,6})", self._headers[b"keep-alive"])
        return float(found[1]) if found else None

    def release(self) -> None:
        """Breaks the cycle between reader and parser when the connection is over."""
        del self._parser

    # What httptools calls while it parses; raising ends the parsing.
    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("bytes after the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._head_limit:
            self._stop(malformed(f"sent headers of more than {self._head_limit} bytes"))
        name = name.lower()
        if name in _SINGLE and self._in_head:
            if name in self._headers:
                self._stop(malformed(f"repeated the header {name.decode()}"))
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < 200:
            return
        self._in_head = False
        headers = self._headers
        if headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
            self._stop(malformed("used a transfer encoding other than chunked"))
        if int(headers.get(b"content-length", b"0")) > self._body_limit:
            self._stop(too_large(self._body_limit))

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._body_limit:
            self._stop(too_large(self._body_limit))

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._complete = True
            self.reusable = self._parser.should_keep_alive()
            return
        self._informational += 1
        self._headers = {}
        if self._status == 101:
            self._stop(malformed("changed the protocol"))
        if self._informational > _INFORMATIONAL:
            self._stop(malformed(f"sent more than {_INFORMATIONAL} informational answers"))

    def _stop(self, fault: CodedError) -> None:
        self._fault = fault
        raise fault


def decode_content(body: bytes, encoding: bytes, limit: int) -> bytes:
    """``body`` without its content encoding, never unpacked beyond ``limit`` bytes. Raises CodedError."""
    encoding = encoding.strip().lower()
    if encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise malformed("used a content encoding that it was not asked for")
    parts: list[bytes] = []
    room = limit + 1
    try:
        while body:
            decoder = zlib.decompressobj(_window(body, encoding))
            part = decoder.decompress(body, room)
            parts.append(part)
            room -= len(part)
            if room <= 0:
                raise too_large(limit)
            if not decoder.eof:
                raise malformed("sent a compressed answer that breaks off")
            body = decoder.unused_data
    except zlib.error:
        raise malformed("sent a compressed answer that cannot be unpacked") from None
    return b"".join(parts)


def _window(body: bytes, encoding: bytes) -> int:
    """zlib's parameter: a gzip header, a zlib header, or for ``deflate`` the bare stream that some servers send."""
    if encoding != b"deflate":
        return 31
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
    return 15 if zlib_header else -15
