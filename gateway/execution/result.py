"""What goes into an execution, and what comes out of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from gateway.errors import SUBGRAPH_MALFORMED, ErrorReport
from gateway.execution.compiled import CompiledPlan
from gateway.execution.sharing import SharedRequests

_NOTHING: Mapping[str, object] = MappingProxyType({})


class RequestSigner(Protocol):
    """Proves to a subgraph on whose behalf it is asked."""

    def headers_for(self, subgraph: str, body: bytes) -> tuple[tuple[str, str], ...]:
        """The headers to send with ``body``; made for each request, since they may cover its digest and the time."""
        ...


class BoundPlan(msgspec.Struct, frozen=True):
    """A compiled plan with all that one request adds to it.

    ``variables`` holds values by canonical name; one without a value is absent. ``timeout`` is in seconds and covers
    the whole execution (of a subscription: that of each event). ``show_subgraphs`` says whether the caller may learn
    which department failed. With ``sharing``, requests of equal ``sharing_key`` share identical queries under way: the
    key must name everything in the signer's headers that a subgraph answers by.
    """

    compiled: CompiledPlan
    variables: Mapping[str, object] = _NOTHING
    signer: RequestSigner | None = None
    timeout: float = 30.0
    show_subgraphs: bool = False
    sharing: SharedRequests | None = None
    sharing_key: str = ""


class Result(msgspec.Struct, frozen=True):
    """An answer: ``data`` as plain values, or ``encoded`` already as JSON with no other member; and its ``errors``."""

    data: object
    errors: tuple[ErrorReport, ...] = ()
    extensions: Mapping[str, object] = _NOTHING
    encoded: bytes | None = None

    def encode(self) -> bytes:
        """The answer as JSON (GraphQL October 2021, section 7.1); ``errors`` and ``extensions`` only if any."""
        errors = self.errors
        if self.encoded is not None and not errors and not self.extensions:
            return self.encoded
        if self.encoded is not None:
            body = self.encoded[:-1]
        else:
            try:
                body = b'{"data":' + msgspec.json.encode(self.data)
            except RecursionError:
                message = "A custom scalar's value is nested too deeply to be answered."
                body, errors = b'{"data":null', (ErrorReport(message, SUBGRAPH_MALFORMED.name),)
        if errors:
            body += b',"errors":' + msgspec.json.encode([error.as_json() for error in errors])
        if self.extensions:
            body += b',"extensions":' + msgspec.json.encode(self.extensions)
        return body + b"}"
