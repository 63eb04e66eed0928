"""How a failed call to a subgraph is told. No message holds an address, a header or a byte of an answer."""

from gateway.errors import SUBGRAPH_MALFORMED, SUBGRAPH_TIMED_OUT, SUBGRAPH_UNREACHABLE, CodedError


def unreachable(what: str = "could not be reached") -> CodedError:
    """The connection failed, or the subgraph itself said that it cannot answer now."""
    return CodedError(SUBGRAPH_UNREACHABLE, f"The subgraph {what}.", {"retryable": True})


def timed_out() -> CodedError:
    """The time of the call is over."""
    return CodedError(SUBGRAPH_TIMED_OUT, "The subgraph did not answer in time.", {"retryable": True})


def malformed(what: str) -> CodedError:
    """What came is not an answer that may be used."""
    return CodedError(SUBGRAPH_MALFORMED, f"The subgraph {what}.", {"retryable": False})


def too_large(limit: int) -> CodedError:
    """The answer, decoded, is longer than ``limit`` bytes."""
    return malformed(f"sent an answer of more than {limit} bytes")


def wrong_status(status: int) -> CodedError:
    """A status that says there is no GraphQL answer. Redirects are not followed: the registered address is meant."""
    if status in (429, 500, 502, 503, 504):
        return unreachable(f"refused the call with HTTP status {status}")
    return malformed(f"answered with HTTP status {status}")
