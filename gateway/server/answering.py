"""The seam between HTTP and the pipeline: what a request is once it has left the wire, and who answers it.

The server knows media types, status codes and connections; it knows nothing of schemas, plans or policy. Everything it
hands on is one of the immutable values below, and everything it gets back is bytes with a few facts about them.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.errors import ErrorReport, RequestError

__all__ = ["ANONYMOUS", "Answer", "Answering", "Credentials", "EncodableResult", "GraphQLRequest", "RequestError"]

_NOTHING: Mapping[str, object] = {}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about its caller, unverified. Equal headers make equal (and hashable) credentials.

    ``authorization`` is the whole header with its scheme. Header values are text as sent, stripped of outer space.
    ``certificate`` is the client certificate (DER), from TLS or from a proxy that is believed; empty if malformed.
    """

    authorization: str | None = None
    api_key: str | None = None
    purpose: str | None = None
    case_number: str | None = None
    officer: str | None = None
    certificate: bytes | None = None


ANONYMOUS = Credentials()


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One GraphQL request, well-formed but not yet parsed.

    At least one of ``document`` and ``document_id`` is set: the id is that of a stored document, or ``sha256:`` and the
    hash of a persisted query. Where ``queries_only`` is true (the request came by GET) anything but a query must be
    refused with METHOD_NOT_ALLOWED. ``prefer_partial`` asks for the permitted part of an operation that holds something
    forbidden. ``traceparent`` is the W3C header as sent; ``request_id`` is checked, or made here.
    """

    document: str | None
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, object] = _NOTHING
    extensions: Mapping[str, object] = _NOTHING
    queries_only: bool = False
    prefer_partial: bool = False
    request_id: str = ""
    traceparent: str | None = None
    language: str | None = None


class EncodableResult(Protocol):
    """A GraphQL response with data; ``gateway.execution.result.Result`` is one."""

    @property
    def errors(self) -> Sequence[ErrorReport]:
        """The errors beside the data."""

    def encode(self) -> bytes:
        """The response as JSON, in one piece."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the pipeline made of a request that was executed.

    ``max_age`` is how many seconds a shared cache may keep the answer: set only where everything in it is open to
    everyone. None means that nobody may keep it. ``partial`` says that ``prefer_partial`` made a difference.
    """

    result: EncodableResult
    max_age: int | None = None
    partial: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Answering(Protocol):
    """The gateway behind the server. Its methods raise CodedError or RequestError where nothing is executed.

    A CodedError with status 401, 405, 429 or 503 answers with that status under every media type, since it is about
    the HTTP request rather than the operation; every other status holds under ``application/graphql-response+json``.
    """

    async def admit(self, credentials: Credentials) -> str | None:
        """The name under which a caller's requests are counted, None for the public.

        Raises CodedError with status 401 or 403 where the caller cannot be recognised at all.
        """

    async def answer(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """Answers a query or a mutation."""

    def subscribe(self, request: GraphQLRequest, credentials: Credentials) -> AsyncGenerator[EncodableResult, None]:
        """Executes any operation as a stream: a subscription gives its events, a query or mutation one result.

        Closing the generator ends the subscription at the subgraph too.
        """
