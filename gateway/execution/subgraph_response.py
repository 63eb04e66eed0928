"""A subgraph's answer, read without trust (GraphQL October 2021, section 7.1)."""

from dataclasses import dataclass

import msgspec

from gateway.errors import SUBGRAPH_MALFORMED, CodedError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SubgraphResponse:
    """``data`` is None if the subgraph gave none; ``errors`` holds the path of each error, None where it has none."""

    data: dict[str, object] | None
    errors: tuple[Path | None, ...] = ()


def read_response(body: bytes) -> SubgraphResponse:
    """Read one response. Messages and extensions of errors are left behind: they may hold anything.

    Raises CodedError with SUBGRAPH_MALFORMED if it is no GraphQL response.
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CodedError(SUBGRAPH_MALFORMED, "The answer is not JSON, or nested too deeply.") from error
    if not isinstance(answer, dict):
        raise CodedError(SUBGRAPH_MALFORMED, "The answer is not a JSON object.")
    data, errors = answer.get("data"), answer.get("errors")
    if data is not None and not isinstance(data, dict):
        raise CodedError(SUBGRAPH_MALFORMED, "The answer's `data` is not an object.")
    if data is None and not errors:
        raise CodedError(SUBGRAPH_MALFORMED, "The answer has neither `data` nor `errors`.")
    return SubgraphResponse(data, tuple(_paths(errors)) if errors else ())


def _paths(errors: object) -> list[Path | None]:
    if not isinstance(errors, list):
        return [None]
    return [_path(error.get("path")) if isinstance(error, dict) else None for error in errors]


def _path(path: object) -> Path | None:
    if not isinstance(path, list) or not path:
        return None
    steps = tuple(step for step in path if isinstance(step, str | int) and not isinstance(step, bool))
    return steps if len(steps) == len(path) else None
