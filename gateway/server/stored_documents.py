"""Documents that the gateway holds: trusted ones by id from a file, and persisted ones by their hash.

Trusted documents are what an operator has reviewed; where only they are accepted, a stolen key cannot ask anything new.
Persisted documents (the protocol of "automatic persisted queries") only save bytes: a client sends a hash, and the text
once when the gateway does not know it. Beyond this module a request is its text; nothing else knows ids.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.errors import CodedError
from gateway.server.answering import GraphQLRequest
from gateway.server.errors import (
    DOCUMENT_NOT_STORED,
    DOCUMENTS_UNREADABLE,
    PERSISTED_QUERY_MISMATCH,
    PERSISTED_QUERY_NOT_FOUND,
)

_SHA256 = "sha256:"


class StoredDocuments:
    """Gives every request its text.

    ``trusted`` maps ids to documents; with ``only_trusted`` nothing else is accepted. ``persisted_bytes`` bounds the
    text kept for persisted documents, the least lately used going first; 0 turns them off.
    """

    def __init__(
        self, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False, persisted_bytes: int = 32_000_000
    ) -> None:
        self._trusted = trusted or {}
        self._only_trusted = only_trusted
        self._room = persisted_bytes
        self._persisted: dict[str, str] = {}
        self._size = 0

    def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """The request with its ``document``.

        Raises CodedError DOCUMENT_NOT_STORED, PERSISTED_QUERY_NOT_FOUND or PERSISTED_QUERY_MISMATCH.
        """
        name, text = request.document_id, request.document
        if name is None:
            if self._only_trusted:
                raise CodedError(DOCUMENT_NOT_STORED, "Only stored documents are accepted here; send a `documentId`.")
            return request
        stored = self._trusted.get(name) or self._trusted.get(name.removeprefix(_SHA256))
        if stored is None:
            stored = self._persist(name, text) if text is not None else self._recall(name)
        elif text is not None and text != stored:
            raise CodedError(PERSISTED_QUERY_MISMATCH, "The document sent is not the one stored under its id.")
        return msgspec.structs.replace(request, document=stored)

    def _recall(self, name: str) -> str:
        if not name.startswith(_SHA256) or self._only_trusted:
            raise CodedError(DOCUMENT_NOT_STORED, "There is no stored document with this id.")
        text = self._persisted.pop(name, None)
        if text is None:
            raise CodedError(PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        self._persisted[name] = text
        return text

    def _persist(self, name: str, text: str) -> str:
        if self._only_trusted:
            raise CodedError(DOCUMENT_NOT_STORED, "Only stored documents are accepted here; this id is not stored.")
        encoded = text.encode()
        if name != _SHA256 + hashlib.sha256(encoded).hexdigest():
            raise CodedError(PERSISTED_QUERY_MISMATCH, "The hash sent is not the SHA-256 of the document sent.")
        if name not in self._persisted and len(encoded) <= self._room:
            self._persisted[name] = text
            self._size += len(encoded)
            while self._size > self._room:
                forgotten = self._persisted.pop(next(iter(self._persisted)))
                self._size -= len(forgotten.encode())
        return text


class _ManifestEntry(msgspec.Struct):
    id: str
    body: str


class _Manifest(msgspec.Struct):
    operations: list[_ManifestEntry]


def read_trusted(path: Path) -> Mapping[str, str]:
    """Documents by id, from a JSON object of both, or a manifest whose ``operations`` hold ``id`` and ``body``.

    Raises CodedError DOCUMENTS_UNREADABLE.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        if isinstance(found.get("operations"), list):
            return {entry.id: entry.body for entry in msgspec.convert(found, _Manifest).operations}
        return msgspec.convert(found, dict[str, str])
    except OSError as error:
        raise CodedError(DOCUMENTS_UNREADABLE, f"{path} cannot be read: {error.strerror}.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CodedError(DOCUMENTS_UNREADABLE, f"{path} is not a JSON object from ids to documents: {error}.") from None
