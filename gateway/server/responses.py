"""A response to be sent in one piece, in the two forms in which servers take it: bytes, and the list of ASGI."""

from functools import lru_cache
from http import HTTPStatus

import msgspec

Headers = list[tuple[bytes, bytes]]
FixedHeaders = tuple[tuple[bytes, bytes], ...]


@lru_cache(maxsize=256)
def _start(status: int, fixed: FixedHeaders) -> bytes:
    line = b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    return line + b"".join([b"%b: %b\r\n" % header for header in fixed])


class WholeResponse(msgspec.Struct, frozen=True):
    """``fixed`` are headers of which a server has a few sets in all, so that their bytes are made once; ``more`` the
    others but Content-Length."""

    status: int
    fixed: FixedHeaders
    more: Headers
    body: bytes

    def head(self) -> bytes:
        """Status line and headers, each ended by CRLF, without the blank line.

        Raises ValueError for a header that would be taken for two.
        """
        more = b"".join([b"%b: %b\r\n" % header for header in self.more])
        if more.count(b"\n") != len(self.more):
            raise ValueError("a header holds a line feed")
        start = _start(self.status, self.fixed)
        return start + more if self.status == 304 else b"%b%bcontent-length: %d\r\n" % (start, more, len(self.body))

    def headers(self) -> Headers:
        """All headers as ASGI has them."""
        length = [(b"content-length", b"%d" % len(self.body))] if self.status != 304 else []
        return [*self.fixed, *self.more, *length]
