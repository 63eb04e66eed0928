"""A bundle: catalogue changes from one level to another, as bytes that can travel by wire or by file.

    WATERSMEET-BUNDLE/1
    {"changes": [...], "number": 7, "previous": "<digest of bundle 6>", "receiver": ..., "sealed": ..., "sender": ...}
    <key id> <signature, hexadecimal>

Three lines, each ended by a line feed; the payload is canonical JSON and the signature covers the first two lines. The
bundles of one sender for one receiver are numbered from 1 and each names the digest of the one before, so a gap, a
fork and a replay show. A receipt is signed in the same way, under the first line WATERSMEET-RECEIPT/1.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog_sync.errors import BUNDLE_MALFORMED, BUNDLE_VERSION, SIGNER_UNKNOWN, CodedError
from catalog_sync.registry import canonical_json
from catalog_sync.signing import SIGNATURE_LENGTH, Peer, SigningKey

FORMAT = 1
LARGEST_BUNDLE = 64_000_000
"""Bytes; a city's whole catalogue seals into some ten bundles of about 4 MB."""
HIGHEST_NUMBER = 2**53
NO_DIGEST = "0" * 64

_BUNDLE, _RECEIPT = "WATERSMEET-BUNDLE", "WATERSMEET-RECEIPT"
_FIRST_LINE = re.compile(rb"(WATERSMEET-(?:BUNDLE|RECEIPT))/([1-9][0-9]{0,5})")
_LAST_LINE = re.compile(rb"([A-Za-z0-9._-]{1,64}) ([0-9a-f]{128})")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was opened: its signature is right and its fields have their types."""

    sender: str
    receiver: str
    number: int
    previous: str
    sealed: str
    changes: tuple[Change, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change: taken, unchanged, or refused with the reason."""

    subject: str
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's signed answer to a bundle.

    ``status``: applied, or waiting for the bundles before it; ``through``: the number up to which all are applied.
    """

    sender: str
    receiver: str
    number: int
    digest: str
    status: str
    through: int
    outcomes: tuple[Outcome, ...]


def digest_of(content: bytes) -> str:
    """SHA-256 over a bundle's bytes."""
    return hashlib.sha256(content).hexdigest()


def seal_bundle(bundle: Bundle, key: SigningKey) -> bytes:
    """The bytes of a bundle, signed; its ``digest`` is not read."""
    payload = {
        "sender": bundle.sender,
        "receiver": bundle.receiver,
        "number": bundle.number,
        "previous": bundle.previous,
        "sealed": bundle.sealed,
        "changes": list(bundle.changes),
    }
    return _signed(_BUNDLE, payload, key)


def open_bundle(content: bytes, peers: Mapping[str, Peer]) -> Bundle:
    """The bundle, after its form, its version, its signer and its signature were verified.

    CodedError BUNDLE_MALFORMED, BUNDLE_VERSION, SIGNER_UNKNOWN or SIGNATURE_WRONG.
    """
    payload = _verified(_BUNDLE, content, peers, "sender")
    number, changes = payload.get("number"), payload.get("changes")
    if type(number) is not int or not 0 < number <= HIGHEST_NUMBER or not isinstance(changes, list):
        raise _malformed("number and changes")
    if not all(isinstance(change, dict) and isinstance(change.get("kind"), str) for change in changes):
        raise _malformed("changes")
    if not _DIGEST.fullmatch(_text(payload, "previous")):
        raise _malformed("previous")
    return Bundle(
        _text(payload, "sender"), _text(payload, "receiver"), number, _text(payload, "previous"),
        _text(payload, "sealed"), tuple(changes), digest_of(content),
    )  # fmt: skip


def seal_receipt(receipt: Receipt, key: SigningKey) -> bytes:
    """The bytes of a receipt, signed by the receiver of the bundle."""
    payload = {
        "sender": receipt.sender,
        "receiver": receipt.receiver,
        "number": receipt.number,
        "digest": receipt.digest,
        "status": receipt.status,
        "through": receipt.through,
        "outcomes": [[each.subject, each.result, each.reason] for each in receipt.outcomes],
    }
    return _signed(_RECEIPT, payload, key)


def open_receipt(content: bytes, peers: Mapping[str, Peer]) -> Receipt:
    """The receipt, verified like a bundle; its signer is the bundle's receiver."""
    payload = _verified(_RECEIPT, content, peers, "receiver")
    try:
        outcomes = tuple(Outcome(str(subject), str(result), str(why)) for subject, result, why in payload["outcomes"])
        return Receipt(
            _text(payload, "sender"), _text(payload, "receiver"), int(payload["number"]), _text(payload, "digest"),
            _text(payload, "status"), int(payload["through"]), outcomes,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed("receipt") from error


def _signed(kind: str, payload: Mapping[str, object], key: SigningKey) -> bytes:
    told = f"{kind}/{FORMAT}\n".encode() + canonical_json(payload) + b"\n"
    return told + f"{key.id} {key.sign(told).hex()}\n".encode()


def _verified(kind: str, content: bytes, peers: Mapping[str, Peer], signer: str) -> dict[str, Any]:
    if len(content) > LARGEST_BUNDLE:
        raise _malformed(f"size ({len(content)} bytes; {LARGEST_BUNDLE} at most)")
    lines = content.split(b"\n")
    first = _FIRST_LINE.fullmatch(lines[0])
    if first is None or first[1].decode() != kind:
        raise _malformed(f"first line, which is not {kind}/{FORMAT}")
    if int(first[2]) != FORMAT:
        message = f"This is format {int(first[2])}; this platform reads format {FORMAT}."
        raise CodedError(BUNDLE_VERSION, message, {"format": int(first[2])})
    last = _LAST_LINE.fullmatch(lines[2]) if len(lines) == 4 and lines[3] == b"" else None
    if last is None:
        raise _malformed("end: it is cut short or damaged")
    try:
        payload = json.loads(lines[1])
    except (ValueError, RecursionError) as error:
        raise _malformed("payload, which is not JSON") from error
    if not isinstance(payload, dict) or not _is_canonical(payload, lines[1]):
        raise _malformed("payload, which is not canonical JSON")
    name = _text(payload, signer)
    peer = peers.get(name)
    if peer is None:
        raise CodedError(SIGNER_UNKNOWN, f"No level {name!r} is on file here.", {"signer": name})
    signature = bytes.fromhex(last[2].decode())
    assert len(signature) == SIGNATURE_LENGTH
    peer.verify(last[1].decode(), lines[0] + b"\n" + lines[1] + b"\n", signature)
    return payload


def _is_canonical(payload: Mapping[str, Any], written: bytes) -> bool:
    """Whether a payload is written in the one form there is: what could not be written back is refused at the door."""
    try:
        return canonical_json(payload) == written
    except (ValueError, RecursionError):
        return False


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str):
        raise _malformed(name)
    return value


def _malformed(what: str) -> CodedError:
    return CodedError(BUNDLE_MALFORMED, f"The bundle is not in order: {what}. Ask the sender for it again.")
