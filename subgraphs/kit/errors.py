"""The codes of a department's own errors. What stands in no code is a fault, and a fault tells the caller nothing."""

from catalog_sync.errors import CodedError, ErrorCode, Family

__all__ = ["CodedError", "ErrorCode", "Family"]

REPRESENTATION_INVALID = ErrorCode(
    "REPRESENTATION_INVALID", Family.SUBGRAPH,
    "A representation sent to `_entities` names no type of this subgraph, or lacks the fields of every key.",
    "Compose the supergraph again from the subgraphs' present schemas; the message names the type and the key.",
)  # fmt: skip
RESOURCE_WITHHELD = ErrorCode(
    "RESOURCE_WITHHELD", Family.SUBGRAPH,
    "The signed context grants nothing of the resource whose items are asked for.",
    "Ask through the gateway, which signs what policy allows; if it did, compare the @resource codes on both sides.",
)  # fmt: skip
VERIFY_ONLY = ErrorCode(
    "VERIFY_ONLY", Family.SUBGRAPH,
    "The signed context allows the item to be verified, not to be read.",
    "Offer a value and ask whether it is right, or apply for the right to read the item.",
)  # fmt: skip
DEPARTMENT_FAULT = ErrorCode(
    "DEPARTMENT_FAULT", Family.SUBGRAPH,
    "The department could not answer for this part; the reason stands in its own log and nowhere else.",
    "Ask again later; if it stays, tell the department the time and the request id.",
)  # fmt: skip
REQUEST_MALFORMED = ErrorCode(
    "REQUEST_MALFORMED", Family.SUBGRAPH,
    "The request to the subgraph is not JSON with a `query`, is too large, or is not valid against its schema.",
    "Send `query`, and `variables` that fit it; compose again if the subgraph's schema has changed.", 400,
)  # fmt: skip
SCHEMA_INVALID = ErrorCode(
    "SCHEMA_INVALID", Family.SUBGRAPH,
    "The department's classes do not make a schema that the kit can serve.",
    "Mend the class that the message names; `docs/subgraph-author.md` shows the form.",
)  # fmt: skip
STORE_UNREADABLE = ErrorCode(
    "STORE_UNREADABLE", Family.SETTINGS,
    "The department's store is missing, of another version, or cannot be reached.",
    "Generate the data with `python -m subgraphs.seed DIR`, and name the same folder in `--data`.",
)  # fmt: skip
KEY_FILE_UNREADABLE = ErrorCode(
    "KEY_FILE_UNREADABLE", Family.SETTINGS,
    "The file of verifying keys cannot be read or holds none.",
    "Write one `key-id:secret` a line, the secret at least 32 characters; `--key-file` names the file.",
)  # fmt: skip
ADDRESS_TAKEN = ErrorCode(
    "ADDRESS_TAKEN", Family.SETTINGS,
    "The address and port that the department should listen on cannot be had.",
    "Choose another `--port`, or 0 for any free one.",
)  # fmt: skip
