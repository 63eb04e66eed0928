"""Asking a gateway's administration for a check: it has the graph of all others at hand, and needs no registry here."""

import json
import urllib.error
import urllib.request
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import CodedError
from gateway.releasing.errors import CHECK_UNANSWERED
from gateway.sources import read_text

PATIENCE = 60.0
"""Seconds: a gateway that was started just now may have to read the graph first."""

_CHECK = """query($subgraph: String!, $sdl: String!, $address: String!, $file: String!) {
  checkSchema(subgraph: $subgraph, sdl: $sdl, address: $address) {
    inOrder affected { name } text json github(file: $file)
  }
}"""


def ask_for_check(
    gateway: str, credential: Path | None, asked: Mapping[str, str], format_: str, acknowledged: Container[str]
) -> tuple[str, bool]:
    """The report in the format, and whether nothing stands against the schema.

    ``asked`` are subgraph, sdl, address and file; ``credential`` is a file with the header that says who asks. Raises
    CodedError CHECK_UNANSWERED.
    """
    headers = {"content-type": "application/json", "accept": "application/json", **_credential(credential)}
    there = urlsplit(gateway)
    if there.scheme != "https" and (there.scheme != "http" or there.hostname not in ("localhost", "127.0.0.1", "::1")):
        raise CodedError(CHECK_UNANSWERED, f"{gateway} is no https address, and a credential is not sent in the clear.")
    body = json.dumps({"query": _CHECK, "variables": asked}).encode()
    request = urllib.request.Request(f"{gateway.rstrip('/')}/admin/graphql", body, headers)
    try:
        with urllib.request.build_opener(_Staying).open(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise CodedError(CHECK_UNANSWERED, f"{gateway} refused: {_refusal(error.read())}") from error
    except (OSError, ValueError) as error:
        raise CodedError(CHECK_UNANSWERED, f"{gateway} did not answer: {getattr(error, 'reason', error)}.") from error
    report = (found.get("data") or {}).get("checkSchema") if isinstance(found, dict) else None
    if report is None:
        raise CodedError(CHECK_UNANSWERED, f"{gateway} refused: {_refusal(json.dumps(found).encode())}")
    hit = [each for each in report["affected"] if each["name"] not in acknowledged]
    return report[format_], report["inOrder"] and not hit


def _credential(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    name, colon, value = read_text(file).strip().partition(":")
    if not colon or "\n" in value:
        raise CodedError(CHECK_UNANSWERED, f"{file} does not hold one header, which is written `Name: value`.")
    return {name.strip(): value.strip()}


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the credential is for one address."""

    def redirect_request(self, *_: Any) -> None:
        """None."""


def _refusal(body: bytes) -> str:
    """What an answer of errors says."""
    try:
        error = json.loads(body)["errors"][0]
        return f"{error['extensions']['code']}: {error['message']}"
    except (ValueError, LookupError, TypeError):
        return "it does not answer as a gateway's administration does."
