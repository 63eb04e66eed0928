"""Errors as the bytes of a response without ``data``."""

from collections.abc import Sequence

import msgspec

from catalog_sync.languages import Language
from gateway.errors import INTERNAL, CodedError, ErrorReport, RequestError

INTERNAL_REPORT = ErrorReport("The gateway failed; the request's id finds the cause in its log.", INTERNAL.name)


def report_of(error: CodedError) -> ErrorReport:
    """A coded error as an entry of ``errors``."""
    return ErrorReport(error.message, error.code.name, extensions=error.details, said=error.said)


def reports_of(error: CodedError | RequestError) -> tuple[ErrorReport, ...]:
    """What ended a request before execution, as entries of ``errors``."""
    return error.errors if isinstance(error, RequestError) else (report_of(error),)


def entries_of(
    errors: Sequence[ErrorReport], request_id: str, language: Language = Language.ENGLISH
) -> list[dict[str, object]]:
    """The entries as plain values; every one carries the request's id, so that a report of it can be followed."""
    entries = []
    for error in errors:
        entry = error.within(language).as_json()
        entry["extensions"] = {"code": error.code, **error.extensions, "requestId": request_id}
        entries.append(entry)
    return entries


def encode_errors(errors: Sequence[ErrorReport], request_id: str, language: Language = Language.ENGLISH) -> bytes:
    """The whole response body."""
    return msgspec.json.encode({"errors": entries_of(errors, request_id, language)})
