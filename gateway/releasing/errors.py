"""The codes of releasing a subgraph."""

from gateway.errors import ErrorCode, Family

RELEASE_NOT_IN_ORDER = ErrorCode(
    "RELEASE_NOT_IN_ORDER", Family.COMPOSITION,
    "A release does not go together with the other live releases, or serves what the catalogue does not say. Nothing "
    "was changed.",
    "Mend what the report names; `watersmeet subgraph check` prints the same report without publishing.", 422,
)  # fmt: skip
NOTICE_RUNNING = ErrorCode(
    "NOTICE_RUNNING", Family.COMPOSITION,
    "A release takes something from somebody who uses it, and neither has the notice period passed nor have they all "
    "acknowledged it.",
    "Wait until the day that the message names, or let those who are named acknowledge the change.", 409,
)  # fmt: skip
SUBGRAPH_UNKNOWN = ErrorCode(
    "SUBGRAPH_UNKNOWN", Family.CATALOGUE,
    "The registry has no subgraph, or the subgraph no release, of the name or number asked for.",
    "`watersmeet subgraph list` names the subgraphs, `watersmeet subgraph show NAME` their releases.", 404,
)  # fmt: skip
ADDRESS_NEEDED = ErrorCode(
    "ADDRESS_NEEDED", Family.SUBGRAPH,
    "The first release of a subgraph does not say where it is served.",
    "Give the address with --url.", 422,
)  # fmt: skip
