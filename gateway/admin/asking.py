"""Asking a gateway's administration: it has graph, catalogue and policy at hand, and needs no registry here."""

import json
import urllib.error
import urllib.request
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog_sync.languages import Language, spoken_here
from gateway.admin.errors import ADMINISTRATION_UNANSWERED
from gateway.errors import CodedError
from gateway.sources import read_text

PATIENCE = 60.0
"""Seconds: a gateway that was started just now may have to read the graph first."""

_CHECK = """query($subgraph: String!, $sdl: String!, $address: String!, $file: String!) {
  checkSchema(subgraph: $subgraph, sdl: $sdl, address: $address) {
    inOrder affected { name } text json github(file: $file)
  }
}"""
_OBTAINABLE = """query($items: [String!]!, $caller: String, $purpose: String) {
  obtainable(items: $items, as: $caller, purpose: $purpose) { text sources { item { alias } } }
}"""


def ask_for_check(
    gateway: str, credential: Path | None, asked: Mapping[str, str], format_: str, acknowledged: Container[str]
) -> tuple[str, bool]:
    """The report in the format, and whether nothing stands against the schema.

    ``asked`` are subgraph, sdl, address and file; ``credential`` is a file with the header that says who asks. Raises
    CodedError ADMINISTRATION_UNANSWERED.
    """
    report = _asked(gateway, credential, _CHECK, asked, spoken_here())
    hit = [each for each in report["affected"] if each["name"] not in acknowledged]
    return report[format_], report["inOrder"] and not hit


def ask_what_is_obtainable(
    gateway: str,
    credential: Path | None,
    items: Sequence[str],
    caller: str | None,
    purpose: str | None,
    language: Language,
) -> tuple[str, bool]:
    """From whom items can be had, how they stand for ``caller`` if one is named, and whether each can be had.

    Raises CodedError ADMINISTRATION_UNANSWERED.
    """
    asked = {"items": list(items), "caller": caller, "purpose": purpose}
    answers = _asked(gateway, credential, _OBTAINABLE, asked, language)
    return "".join(each["text"] for each in answers), all(each["sources"] for each in answers)


def _asked(
    gateway: str, credential: Path | None, document: str, variables: Mapping[str, object], language: Language
) -> Any:
    """The value of the one field that the document asks for."""
    plain = {"content-type": "application/json", "accept": "application/json"}
    headers = {**plain, "accept-language": language.value, **_credential(credential)}
    there = urlsplit(gateway)
    if there.scheme != "https" and (there.scheme != "http" or there.hostname not in ("localhost", "127.0.0.1", "::1")):
        message = f"{gateway} is no https address, and a credential is not sent in the clear."
        raise CodedError(ADMINISTRATION_UNANSWERED, message)
    # Another process on this machine is reached without a proxy, which would see the credential.
    direct = [] if there.scheme == "https" else [urllib.request.ProxyHandler({})]
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(f"{gateway.rstrip('/')}/admin/graphql", body, headers)
    try:
        with urllib.request.build_opener(_Staying, *direct).open(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise CodedError(ADMINISTRATION_UNANSWERED, f"{gateway} refused: {_refusal(error.read())}") from error
    except (OSError, ValueError) as error:
        message = f"{gateway} did not answer: {getattr(error, 'reason', error)}."
        raise CodedError(ADMINISTRATION_UNANSWERED, message) from error
    data = found.get("data") if isinstance(found, dict) else None
    if not data:
        raise CodedError(ADMINISTRATION_UNANSWERED, f"{gateway} refused: {_refusal(json.dumps(found).encode())}")
    (value,) = data.values()
    return value


def _credential(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    name, colon, value = read_text(file).strip().partition(":")
    if not colon or "\n" in value:
        raise CodedError(ADMINISTRATION_UNANSWERED, f"{file} does not hold one header, which is written `Name: value`.")
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
