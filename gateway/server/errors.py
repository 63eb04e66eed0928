"""The codes of what is refused before GraphQL begins."""

from gateway.errors import ErrorCode, Family

NOT_FOUND = ErrorCode(
    "NOT_FOUND", Family.REQUEST,
    "There is nothing at this address.",
    "GraphQL is answered at /graphql; the documentation lists the other addresses.", 404,
)  # fmt: skip
FOREIGN_PAGE = ErrorCode(
    "FOREIGN_PAGE", Family.REQUEST,
    "A page of another web site made the browser ask with the client certificate of whoever sits before it.",
    "Send the request by POST from a page of this site, or of one that `server.origins` names.", 403,
)  # fmt: skip
NOT_ACCEPTABLE = ErrorCode(
    "NOT_ACCEPTABLE", Family.REQUEST,
    "The header `Accept` names no media type in which the gateway can answer.",
    "Accept `application/graphql-response+json`, `application/json` or, for a stream, `text/event-stream`.", 406,
)  # fmt: skip
REQUEST_TIMED_OUT = ErrorCode(
    "REQUEST_TIMED_OUT", Family.REQUEST,
    "The body of the request did not arrive in time.",
    "Send the request again over a better connection.", 408,
)  # fmt: skip
BODY_TOO_LARGE = ErrorCode(
    "BODY_TOO_LARGE", Family.REQUEST,
    "The body of the request is larger than the gateway reads.",
    "Send less at once: shorter lists in variables, or several requests.", 413,
)  # fmt: skip
UNSUPPORTED_MEDIA_TYPE = ErrorCode(
    "UNSUPPORTED_MEDIA_TYPE", Family.REQUEST,
    "The body of the request is not declared as JSON in UTF-8.",
    "Send JSON with `Content-Type: application/json`, without a content encoding.", 415,
)  # fmt: skip
RATE_LIMITED = ErrorCode(
    "RATE_LIMITED", Family.REQUEST,
    "The caller sent more requests than its rate allows.",
    "Wait for the seconds in `Retry-After`, then send more slowly; `RateLimit` says how much is left.", 429,
)  # fmt: skip
TOO_MANY_STREAMS = ErrorCode(
    "TOO_MANY_STREAMS", Family.REQUEST,
    "The caller keeps as many subscriptions open as one caller may.",
    "End one first, or carry several over one WebSocket; the operator sets `limits.streams_of_one`.", 429,
)  # fmt: skip
OVERLOADED = ErrorCode(
    "OVERLOADED", Family.GATEWAY,
    "The gateway is working on as many requests as it takes at once, or is about to stop.",
    "Send the request again after the seconds in `Retry-After`.", 503,
)  # fmt: skip
PERSISTED_QUERY_NOT_FOUND = ErrorCode(
    "PERSISTED_QUERY_NOT_FOUND", Family.REQUEST,
    "The gateway does not hold a document with this hash.",
    "Send the document together with its hash once; clients with automatic persisted queries do so by themselves.", 400,
)  # fmt: skip
PERSISTED_QUERY_MISMATCH = ErrorCode(
    "PERSISTED_QUERY_MISMATCH", Family.REQUEST,
    "The hash sent with a document is not the SHA-256 of its text.",
    "Hash exactly the bytes of the document that is sent.", 400,
)  # fmt: skip
DOCUMENT_NOT_STORED = ErrorCode(
    "DOCUMENT_NOT_STORED", Family.REQUEST,
    "There is no stored document with this id, or only stored documents are accepted here.",
    "Send the `documentId` of a document that the operator has stored.", 400,
)  # fmt: skip
DOCUMENTS_UNREADABLE = ErrorCode(
    "DOCUMENTS_UNREADABLE", Family.SETTINGS,
    "The file of stored documents cannot be read, or is not a JSON object from ids to documents.",
    "Mend the file that the message names.",
)  # fmt: skip
ADDRESS_UNAVAILABLE = ErrorCode(
    "ADDRESS_UNAVAILABLE", Family.SETTINGS,
    "The gateway cannot listen where it is told to: the port is taken, or the address is not this machine's.",
    "Choose another port with `--port`, or stop what listens there.",
)  # fmt: skip
WORKERS_FAILED = ErrorCode(
    "WORKERS_FAILED", Family.GATEWAY,
    "A worker process ended again and again before it could serve.",
    "Read what the worker wrote before it ended; the same settings with `--workers 1` show it directly.",
)  # fmt: skip
