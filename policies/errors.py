"""The access codes: every way in which a caller, a context, a policy, a grant or a ledger is refused."""

from catalog_sync.errors import CodedError, ErrorCode, Family

__all__ = ["CodedError", "ErrorCode", "Family"]

UNAUTHENTICATED = ErrorCode(
    "UNAUTHENTICATED", Family.ACCESS,
    "The request carries a credential that is unknown, expired, revoked or malformed; nothing says which.",
    "Send a valid API key in `X-API-Key`, a token as `Authorization: Bearer`, or show a registered client certificate, "
    "together with what it is bound to; or none at all for open data.", 401,
)  # fmt: skip
CALLER_HEADER_INVALID = ErrorCode(
    "CALLER_HEADER_INVALID", Family.REQUEST,
    "`X-Purpose`, `X-Case-Number` or `X-Officer` holds characters that no purpose, case or officer has.",
    "Send letters, digits and `_ . : / + -`, at most 100 of them; other letters percent-encoded.", 400,
)  # fmt: skip
STATEMENT_REQUIRED = ErrorCode(
    "STATEMENT_REQUIRED", Family.ACCESS,
    "Conditional and personal items are given only for a stated purpose, case and officer.",
    "Send `X-Purpose`, `X-Case-Number` and `X-Officer` with the request.", 403,
)  # fmt: skip
CREDENTIALS_INVALID = ErrorCode(
    "CREDENTIALS_INVALID", Family.SETTINGS,
    "The file of callers and their keys, or the list of token issuers, cannot be used.",
    "Mend the entry that the message names.",
)  # fmt: skip

CONTEXT_MISSING = ErrorCode(
    "CONTEXT_MISSING", Family.SUBGRAPH,
    "The subgraph received a request without the gateway's signed context.",
    "Ask through the gateway; subgraphs answer nobody else.", 401,
)  # fmt: skip
CONTEXT_MALFORMED = ErrorCode(
    "CONTEXT_MALFORMED", Family.SUBGRAPH,
    "The context or its signature headers do not have the form that RFC 9421 and the gateway give them.",
    "Run the same version of the kit and the gateway, and let no proxy change the headers.", 401,
)  # fmt: skip
CONTEXT_KEY_UNKNOWN = ErrorCode(
    "CONTEXT_KEY_UNKNOWN", Family.SUBGRAPH,
    "The signature names a key that the subgraph does not hold, or another algorithm than the key's.",
    "Give the subgraph the gateway's new key before the gateway signs with it; remove the old one afterwards.", 401,
)  # fmt: skip
CONTEXT_FORGED = ErrorCode(
    "CONTEXT_FORGED", Family.SUBGRAPH,
    "The signature does not belong to this method, path, body and context.",
    "Compare the keys on both sides; if they agree, somebody changed the request on its way.", 401,
)  # fmt: skip
CONTEXT_EXPIRED = ErrorCode(
    "CONTEXT_EXPIRED", Family.SUBGRAPH,
    "The signed context is older than it may be, lasts longer than it may, or comes from the future.",
    "Bring the clocks of gateway and subgraph together; a context lives at most 60 seconds.", 401,
)  # fmt: skip
CONTEXT_REPLAYED = ErrorCode(
    "CONTEXT_REPLAYED", Family.SUBGRAPH,
    "A request with the same nonce was received before, or more nonces are alive than the subgraph can remember.",
    "Send every request once; raise the memory of nonces if the load is genuine.", 401,
)  # fmt: skip
CONTEXT_MISDIRECTED = ErrorCode(
    "CONTEXT_MISDIRECTED", Family.SUBGRAPH,
    "The signed context is meant for another subgraph.",
    "Compare the subgraph's name in the gateway's registry with the one the service was started with.", 401,
)  # fmt: skip
SIGNING_KEY_INVALID = ErrorCode(
    "SIGNING_KEY_INVALID", Family.SETTINGS,
    "A key that signs or verifies context is malformed or too short.",
    "Write `key-id:secret` with a secret of at least 32 characters, or `key-id:ed25519:` and 32 bytes in base64.",
)  # fmt: skip

ROW_FILTER_INVALID = ErrorCode(
    "ROW_FILTER_INVALID", Family.POLICY,
    "A row condition is malformed, too large, or looks at an item that the store does not have.",
    "Write the condition in the JSON form of `docs/policy-administrators.md`, over items of the resource itself.",
)  # fmt: skip
MASK_UNKNOWN = ErrorCode(
    "MASK_UNKNOWN", Family.POLICY,
    "A mask has a name that no masking rule has.",
    "Use one of the masks listed in `docs/policy-administrators.md`.",
)  # fmt: skip
POLICY_INVALID = ErrorCode(
    "POLICY_INVALID", Family.POLICY,
    "The policy has errors, so nothing of it goes live; the last good version stays.",
    "Mend the lines that the findings name: each finding says how.",
)  # fmt: skip
MODEL_ALTERED = ErrorCode(
    "MODEL_ALTERED", Family.POLICY,
    "The Casbin model in use is not the one whose hash is pinned.",
    "Restore `policies/decisions.py`; a new model needs three persons and a new pin.",
)  # fmt: skip
CREDENTIAL_OUT_OF_SCOPE = ErrorCode(
    "CREDENTIAL_OUT_OF_SCOPE", Family.ACCESS,
    "The credential is valid, but not at this listener or not for the stated purpose.",
    "Use the listener and the purposes that the credential was issued for, or have its scope widened.", 403,
)  # fmt: skip
PROOF_FAILED = ErrorCode(
    "PROOF_FAILED", Family.GATEWAY,
    "The compiled tables and Casbin disagree about a decision, so the version does not go live.",
    "Report the question in the message: it is a fault of the compiler, not of the policy.", 500,
)  # fmt: skip
DRAFT_REFUSED = ErrorCode(
    "DRAFT_REFUSED", Family.POLICY,
    "A draft cannot take this step now, or not by this person.",
    "The message says which step comes first, or who has to take it.", 409,
)  # fmt: skip
DRAFT_STALE = ErrorCode(
    "DRAFT_STALE", Family.POLICY,
    "Something changed since it was read: another version is live, or another person saved first.",
    "Read it again, compare, and repeat the step on what stands now.", 412,
)  # fmt: skip
ROLLBACK_UNLAWFUL = ErrorCode(
    "ROLLBACK_UNLAWFUL", Family.POLICY,
    "The catalogue, or what is checked of a policy, became stricter since the old version was live; it stays as it is.",
    "Take what still stands as a draft (`watersmeet policy rollback VERSION --draft ID`, or `rollBackAsDraft`): what "
    "gave too much is left out of it, in comments with the reasons; mend it, propose it, have it approved, publish it.",
    409,
)  # fmt: skip
GRANT_USED_UP = ErrorCode(
    "GRANT_USED_UP", Family.ACCESS,
    "As many operations of this day as the grant allows have used it; nothing is answered under it until the next day.",
    "Wait until the day ends in Chongqing (`retryAfter`, in seconds); for more, apply anew with a larger volume.", 429,
)  # fmt: skip
POLICY_TESTS_FAILED = ErrorCode(
    "POLICY_TESTS_FAILED", Family.POLICY,
    "The draft decides otherwise than a policy test expects.",
    "Mend the draft, or change the test in the same draft so that the second person sees it.", 409,
)  # fmt: skip
VERSION_UNVERIFIED = ErrorCode(
    "VERSION_UNVERIFIED", Family.POLICY,
    "A stored policy version does not match its digest or its signature; the last good version stays live.",
    "Look for who changed the store, and publish again from a version that verifies.", 500,
)  # fmt: skip
LEDGER_ALTERED = ErrorCode(
    "LEDGER_ALTERED", Family.POLICY,
    "A record of the ledger was changed, removed or put in after it was written.",
    "Compare with the exported copies and anchors; the number in the message is the first that does not fit.", 500,
)  # fmt: skip
MATTER_REFUSED = ErrorCode(
    "MATTER_REFUSED", Family.ACCESS,
    "An application, a grant or a doubt cannot take this step now, or not by this person.",
    "The message says which step comes first, or whose decision it is.", 409,
)  # fmt: skip
MATTER_INCOMPLETE = ErrorCode(
    "MATTER_INCOMPLETE", Family.ACCESS,
    "An application, a decision or a doubt lacks something the rules ask for.",
    "Fill in everything that the message lists; all of it is listed at once.", 400,
)  # fmt: skip
