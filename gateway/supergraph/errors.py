"""Error codes about supergraph schemas."""

from catalog_sync.errors import ErrorCode, Family

SUPERGRAPH_INVALID = ErrorCode(
    "SUPERGRAPH_INVALID", Family.COMPOSITION,
    "The text is not a supergraph schema that this version reads (join specification v0.1 to v0.5).",
    "Compose the supergraph again with `watersmeet compose` or another Federation 2 tool.", 400,
)  # fmt: skip
