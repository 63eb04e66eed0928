"""Reading the headers of a request into values, once."""

import os
import re
from collections.abc import Iterable, Mapping
from itertools import count
from secrets import token_hex
from typing import Any

from catalog_sync.languages import Language, language_of
from gateway.errors import BAD_REQUEST, CodedError
from gateway.server.answering import ANONYMOUS, Credentials
from gateway.server.errors import FOREIGN_PAGE

CLIENT_CERTIFICATE = "watersmeet.client_certificate"
"""Key in a scope's ``state``: the certificate (DER) by which whoever sent the request is known; empty if malformed."""

_NOTHING: Mapping[str, Any] = {}
_LISTS = frozenset((b"accept", b"accept-language", b"prefer", b"if-none-match"))
_SINGLE = {
    b"content-type": "Content-Type",
    b"content-length": "Content-Length",
    b"content-encoding": "Content-Encoding",
    b"x-request-id": "X-Request-Id",
    b"traceparent": "traceparent",
    b"authorization": "Authorization",
    b"x-api-key": "X-API-Key",
    b"x-purpose": "X-Purpose",
    b"x-case-number": "X-Case-Number",
    b"x-officer": "X-Officer",
    b"sec-fetch-site": "Sec-Fetch-Site",
}
_WANTED = _LISTS | _SINGLE.keys()
_CREDENTIALS = {
    b"authorization": "authorization",
    b"x-api-key": "api_key",
    b"x-purpose": "purpose",
    b"x-case-number": "case_number",
    b"x-officer": "officer",
}
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(-[!-~]*)?").fullmatch
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}").fullmatch

_process = token_hex(6)
_numbers = count(1)


def _after_fork() -> None:
    """Two workers forked from one process must not number alike."""
    global _process
    _process = token_hex(6)


os.register_at_fork(after_in_child=_after_fork)


def pick_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that the data endpoint reads, by lower-case name; repeated list headers are joined.

    Raises CodedError BAD_REQUEST where a header that may stand once is repeated: which one counts would be a guess.
    """
    picked: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _WANTED:
            if name not in picked:
                picked[name] = value
            elif name in _LISTS:
                picked[name] += b"," + value
            else:
                raise CodedError(BAD_REQUEST, f"The header {_SINGLE[name]} is sent more than once.")
    return picked


def request_id_of(picked: dict[bytes, bytes]) -> str:
    """The client's request id if it is 1 to 64 of letters, digits, ``.``, ``_``, ``-``; else a new one."""
    given = picked.get(b"x-request-id")
    if given is not None and _REQUEST_ID(given):
        return given.decode("ascii")
    return new_request_id()


def new_request_id() -> str:
    """An id that no other request of any process has."""
    return f"{_process}-{next(_numbers):x}"


def trace_parent_of(picked: dict[bytes, bytes]) -> str | None:
    """``traceparent`` if it has the form of W3C Trace Context; anything else is as if it had not been sent."""
    value = picked.get(b"traceparent")
    if value is None:
        return None
    text = value.decode("latin-1").strip()
    return text if len(text) <= 256 and _TRACE_PARENT(text) else None


def text_of(picked: dict[bytes, bytes], name: bytes) -> str | None:
    """A header as text, None if absent or empty. Raises CodedError BAD_REQUEST where it is not UTF-8."""
    value = picked.get(name)
    if not value:
        return None
    try:
        return value.decode("utf-8").strip() or None
    except UnicodeDecodeError:
        raise CodedError(BAD_REQUEST, f"The header {_SINGLE[name]} is not UTF-8.") from None


def language_told(picked: Mapping[bytes, bytes]) -> Language:
    """The language in which whoever sent the request is told of what is refused."""
    return language_of(picked.get(b"accept-language", b"").decode("latin-1"))


def credentials_of(picked: dict[bytes, bytes], scope: Mapping[str, Any]) -> Credentials:
    """What headers and connection say about the caller. Raises CodedError BAD_REQUEST where one is not UTF-8."""
    certificate = scope.get("state", _NOTHING).get(CLIENT_CERTIFICATE)
    said = {_CREDENTIALS[name]: text_of(picked, name) for name in picked if name in _CREDENTIALS}
    if certificate is None and not said:
        return ANONYMOUS
    return Credentials(**said, certificate=certificate)


def refuse_foreign_page(picked: dict[bytes, bytes], scope: Mapping[str, Any]) -> None:
    """Raises CodedError FOREIGN_PAGE where a page of another site makes a browser ask by GET with its certificate.

    Browsers show a certificate for whatever page asks. The page could not read the answer, but the person would stand
    in the ledger as having read the record. Every other credential is a header, which a page sends only if CORS allows.
    """
    shown = scope.get("state", _NOTHING).get(CLIENT_CERTIFICATE)
    if shown is not None and picked.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
        raise CodedError(FOREIGN_PAGE, "A page of another site may not ask by GET with a client certificate.")


def prefers_partial(prefer: bytes) -> bool:
    """Whether ``Prefer`` (RFC 7240) holds ``partial-data``."""
    return any(part.partition(b";")[0].strip().lower() == b"partial-data" for part in prefer.split(b","))
