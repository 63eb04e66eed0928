"""Two ways in which an HTTP answer can be a stream of GraphQL results, read without any socket.

Server-sent events (graphql-sse, distinct connections) and ``multipart/mixed`` with ``subscriptionSpec=1.0``. A decoder
takes bytes as they come and gives the results that they complete; ``ended`` says that the stream said so itself.
"""

import re
from collections.abc import Iterator

import msgspec

from gateway.execution.transport_errors import malformed, too_large

_LINE_END = re.compile(rb"\r\n|\n|\r")


class ServerSentEvents:
    """Reads ``text/event-stream``; the data of events ``next`` (or unnamed) are results, ``complete`` ends."""

    def __init__(self, limit: int) -> None:
        self.ended = False
        self._limit = limit
        self._rest = b""
        self._size = 0
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Gives the results that ``piece`` completes. Raises CodedError where an event is larger than the limit."""
        buffer = self._rest + piece
        start = 0
        for end in _LINE_END.finditer(buffer):
            if end[0] == b"\r" and end.end() == len(buffer):  # its line feed may still come
                break
            line = buffer[start : end.start()]
            start = end.end()
            if line:
                self._take(line)
            elif (result := self._dispatch()) is not None:
                yield result
        self._rest = buffer[start:]
        if len(self._rest) + self._size > self._limit:
            raise too_large(self._limit)

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value
        elif field == b"data":
            self._data.append(value)
            self._size += len(value)
            if self._size > self._limit:
                raise too_large(self._limit)

    def _dispatch(self) -> bytes | None:
        name, data = self._name, b"\n".join(self._data)
        self._name, self._data, self._size = b"", [], 0
        if name == b"complete":
            self.ended = True
        return data if data and name in (b"", b"next", b"message") and not self.ended else None


_NULL = msgspec.Raw(b"null")


class _Part(msgspec.Struct):
    payload: msgspec.Raw = _NULL
    errors: msgspec.Raw = _NULL


class MultipartResults:
    """Reads ``multipart/mixed``: each part is ``{"payload": result}``, or ``{}`` to keep the line alive.

    A part without payload but with ``errors`` is the last one: the subscription itself failed.
    """

    def __init__(self, boundary: str, limit: int) -> None:
        self.ended = False
        self._mark = b"\r\n--" + boundary.encode("latin-1")
        self._limit = limit
        self._rest = b"\r\n"  # the first mark has no line before it

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Gives the results that ``piece`` completes. Raises CodedError for a part that is too large or no JSON."""
        self._rest += piece
        while not self.ended and (at := self._rest.find(self._mark)) >= 0:
            part, self._rest = self._rest[:at], self._rest[at + len(self._mark) :]
            result = self._result(part)
            if result is not None:
                yield result
        if self._rest.startswith(b"--"):
            self.ended = True
        if len(self._rest) > self._limit:
            raise too_large(self._limit)

    def _result(self, part: bytes) -> bytes | None:
        _, blank, body = part.partition(b"\r\n\r\n")
        if not blank or not body.strip():
            return None
        try:
            read = msgspec.json.decode(body, type=_Part)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise malformed("sent a part of a stream that is not a GraphQL result") from None
        if bytes(read.payload) != b"null":
            return bytes(read.payload)
        if bytes(read.errors) != b"null":
            self.ended = True
            return b'{"data":null,"errors":' + bytes(read.errors) + b"}"
        return None
