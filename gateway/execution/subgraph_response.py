"""A subgraph's answer, read without trust (GraphQL October 2021, section 7.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from catalog_sync.errors import GROUP_TOO_SMALL
from gateway.errors import SUBGRAPH_FAILED, SUBGRAPH_MALFORMED, CodedError, ErrorCode

Path = tuple[str | int, ...]

TOLD: Mapping[object, ErrorCode] = {GROUP_TOO_SMALL.name: GROUP_TOO_SMALL}
"""Codes that callers learn from a subgraph: each says why a value is withheld, in words that are ours."""


@dataclass(frozen=True, slots=True)
class SubgraphError:
    """One error of an answer: its path, None where it has none, and SUBGRAPH_FAILED or a code that is told."""

    path: Path | None
    code: ErrorCode = SUBGRAPH_FAILED


@dataclass(frozen=True, slots=True)
class SubgraphResponse:
    """``data`` is None if the subgraph gave none."""

    data: dict[str, object] | None
    errors: tuple[SubgraphError, ...] = ()


def read_response(body: bytes) -> SubgraphResponse:
    """Read one response. Of errors only paths, and codes in TOLD, are read: the rest may hold anything.

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
    return SubgraphResponse(data, tuple(_read_errors(errors)) if errors else ())


def _read_errors(errors: object) -> list[SubgraphError]:
    if not isinstance(errors, list):
        return [SubgraphError(None)]
    return [_read_error(error) if isinstance(error, dict) else SubgraphError(None) for error in errors]


def _read_error(error: Mapping[str, object]) -> SubgraphError:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    told = TOLD.get(code, SUBGRAPH_FAILED) if isinstance(code, str) else SUBGRAPH_FAILED
    return SubgraphError(_path(error.get("path")), told)


def _path(path: object) -> Path | None:
    if not isinstance(path, list) or not path:
        return None
    steps = tuple(step for step in path if isinstance(step, str | int) and not isinstance(step, bool))
    return steps if len(steps) == len(path) else None
