"""The gateway's error codes and the report that travels inside a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog_sync.errors import CodedError, ErrorCode, Family
from catalog_sync.languages import Language, Sentence

__all__ = ["CodedError", "ErrorCode", "ErrorReport", "Family", "RequestError"]


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One entry of a response's ``errors`` (GraphQL October 2021, section 7.1.2).

    ``path`` holds response keys and list indices; ``extensions`` always holds ``code``. ``said`` is the message in
    every language, where it is for people of any; ``message`` is then its English.
    """

    message: str
    code: str
    path: tuple[str | int, ...] | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)
    said: Sentence | None = None

    def within(self, language: Language) -> "ErrorReport":
        """The error with its message in a language."""
        return self if self.said is None else replace(self, message=self.said.within(language))

    def as_json(self) -> dict[str, object]:
        """The error as the specification writes it; keys without a value are left out."""
        report: dict[str, object] = {"message": self.message}
        if self.locations:
            report["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        if self.path is not None:
            report["path"] = list(self.path)
        report["extensions"] = {"code": self.code, **self.extensions}
        return report


class RequestError(Exception):
    """Nothing was executed, for several reasons at once (a single reason is a plain CodedError).

    ``status`` holds under ``application/graphql-response+json``; under ``application/json`` the status is 200.
    """

    def __init__(self, errors: Sequence[ErrorReport], status: int = 400) -> None:
        super().__init__(errors[0].message if errors else "")
        self.errors = tuple(errors)
        self.status = status


PARSE_FAILED = ErrorCode(
    "GRAPHQL_PARSING_FAILED", Family.REQUEST,
    "The document is not GraphQL.", "Mend the syntax at the line and column given.", 400,
)  # fmt: skip
VALIDATION_FAILED = ErrorCode(
    "GRAPHQL_VALIDATION_FAILED", Family.REQUEST,
    "The operation does not fit the schema that this caller sees.",
    "Compare the operation with the schema: introspection and the explorer show the same one.", 400,
)  # fmt: skip
BAD_REQUEST = ErrorCode(
    "BAD_REQUEST", Family.REQUEST,
    "The request is not a GraphQL request: a body, a parameter or a variable has the wrong form.",
    "Send JSON with a `query`, and `variables` that fit their declared types.", 400,
)  # fmt: skip
METHOD_NOT_ALLOWED = ErrorCode(
    "METHOD_NOT_ALLOWED", Family.REQUEST,
    "The address does not answer this HTTP method, or the operation may not come by it: GET carries queries only.",
    "Send mutations and subscriptions by POST; the header `Allow` lists the methods.", 405,
)  # fmt: skip
STREAM_NEEDED = ErrorCode(
    "STREAM_NEEDED", Family.REQUEST,
    "A subscription is answered as a stream of events, and the request accepts a single answer only.",
    "Accept `text/event-stream`, or connect by WebSocket with the protocol graphql-transport-ws.", 400,
)  # fmt: skip
PLAN_LIMIT = ErrorCode(
    "PLAN_LIMIT", Family.REQUEST,
    "Planning the operation would take more time or memory than the gateway grants to one operation.",
    "Ask for less in one operation: fewer levels, or fewer abstract types within one another.", 400,
)  # fmt: skip
NO_PLAN = ErrorCode(
    "NO_PLAN", Family.COMPOSITION,
    "No sequence of subgraph requests can answer a selected field, although the supergraph lists it.",
    "Give the type a resolvable key in a subgraph that holds the field, or make the path to it shareable.", 400,
)  # fmt: skip
NOT_SUPPORTED = ErrorCode(
    "NOT_SUPPORTED", Family.GATEWAY,
    "The operation or the schema uses a feature that this version does not support.",
    "Leave the feature out; the message names it.", 400,
)  # fmt: skip
SUBGRAPH_UNREACHABLE = ErrorCode(
    "SUBGRAPH_UNREACHABLE", Family.SUBGRAPH,
    "A department's subgraph could not be reached or broke off its answer; its part of the data is null.",
    "Ask again later; the department named must bring its service back.",
)  # fmt: skip
SUBGRAPH_TIMED_OUT = ErrorCode(
    "SUBGRAPH_TIMED_OUT", Family.SUBGRAPH,
    "A department's subgraph did not answer within the time the request had left.",
    "Ask again later, or ask for less at once.",
)  # fmt: skip
SUBGRAPH_MALFORMED = ErrorCode(
    "SUBGRAPH_MALFORMED", Family.SUBGRAPH,
    "A department's subgraph answered something that does not fit its own schema.",
    "The department named must mend its service; its part of the data is null.",
)  # fmt: skip
SUBGRAPH_FAILED = ErrorCode(
    "SUBGRAPH_FAILED", Family.SUBGRAPH,
    "A department's subgraph reported an error of its own for a part of the answer.",
    "Ask the department named; its message is in its own log under the request's id.",
)  # fmt: skip
NOTHING_RELEASED = ErrorCode(
    "NOTHING_RELEASED", Family.GATEWAY,
    "The registry holds no live release of any subgraph, so there is nothing to ask for yet.",
    "Release a subgraph; it is served within seconds, without a restart.", 503,
)  # fmt: skip
GRAPH_CHANGED = ErrorCode(
    "GRAPH_CHANGED", Family.REQUEST,
    "The schema changed while a subscription ran, and what it asks for is not served any more.",
    "Compare the subscription with the schema as it is now, and subscribe anew; the errors beside it name the fields.",
)  # fmt: skip
INTERNAL = ErrorCode(
    "INTERNAL", Family.GATEWAY,
    "The gateway failed; nothing about the cause is shown.",
    "Report the request's id to the operator.", 500,
)  # fmt: skip
