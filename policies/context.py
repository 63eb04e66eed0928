"""What the gateway tells a subgraph about a request, signed so that a subgraph can believe it.

A subgraph must know for whom it answers, which rows it may show and which values it must mask, and must answer nobody
but the gateway. So each request carries a context header and an HTTP message signature (RFC 9421) over the method, the
path, the digest of the body (RFC 9530) and that header. The key is the subgraph's own, hence a leak is confined to it;
every key has an id, hence it can be exchanged without a gap: the verifier accepts several, the signer uses one.

Invariant: ``ContextVerifier.verify`` returns only what the holder of a known key signed for this very body, for this
subgraph, within the last minute, and returns it once.
"""

import base64
import binascii
import hashlib
import hmac
import itertools
import re
import secrets
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from policies.errors import (
    CONTEXT_EXPIRED,
    CONTEXT_FORGED,
    CONTEXT_KEY_UNKNOWN,
    CONTEXT_MALFORMED,
    CONTEXT_MISDIRECTED,
    CONTEXT_MISSING,
    CONTEXT_REPLAYED,
    SIGNING_KEY_INVALID,
    CodedError,
)
from policies.row_filters import RowFilter

CONTEXT_HEADER = "watersmeet-context"
LIFETIME = 60
CLOCK_SKEW = 5
COMPONENTS = ("@method", "@path", "content-digest", CONTEXT_HEADER)

_LABEL = "watersmeet"
_COVERED = "(" + " ".join(f'"{component}"' for component in COMPONENTS) + ")"
_PARAMETER = r';[a-z]+=(?:"[!#-\[\]-~ ]*"|\d{1,15})'
_INPUT = re.compile(rf"(?:^|,\s*){_LABEL}=(\(([^()]*)\)((?:{_PARAMETER})*))\s*(?:,|$)")
_SIGNATURE = re.compile(rf"(?:^|,\s*){_LABEL}=:([A-Za-z0-9+/=]+):\s*(?:,|$)")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class ResourceScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request may see of one resource.

    ``rows`` names the row condition, ``all`` when there is none; ``row_filter`` is that condition with the caller's
    values put in. ``masks`` and ``verify_only`` name items (``resource code.alias``). ``rules`` are the ids of the
    policy lines that allow it, ``grant`` that of the grant.
    """

    resource: str
    rows: str = "all"
    row_filter: RowFilter | None = None
    masks: dict[str, str] = {}
    verify_only: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    grant: str | None = None


class RequestContext(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For whom and for what a subgraph answers one request. ``audience`` is the subgraph's name."""

    audience: str
    subject: str
    zone: str
    policy_version: str
    department: str | None = None
    purpose: str | None = None
    case_number: str | None = None
    officer: str | None = None
    request_id: str | None = None
    resources: tuple[ResourceScope, ...] = ()

    def scope(self, resource: str) -> ResourceScope | None:
        """The scope of ``resource``; None when the request may see nothing of it."""
        return next((scope for scope in self.resources if scope.resource == resource), None)


@dataclass(frozen=True, slots=True)
class HmacKey:
    """A secret shared by the gateway and one subgraph; signs and verifies (``hmac-sha256``)."""

    id: str
    secret: bytes = field(repr=False)
    algorithm: str = "hmac-sha256"
    _keyed: HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keyed", HMAC(self.secret, SHA256()))

    def sign(self, base: bytes) -> bytes:
        """The signature of a signature base."""
        signing = self._keyed.copy()
        signing.update(base)
        return signing.finalize()

    def verifies(self, base: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's for ``base``; takes equal time for equal lengths."""
        return hmac.compare_digest(self.sign(base), signature)


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """A key pair: the gateway keeps ``private``, the subgraph has ``public`` alone and can sign nothing."""

    id: str
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None = None
    algorithm: str = "ed25519"

    def sign(self, base: bytes) -> bytes:
        """The signature of a signature base. Raises CodedError SIGNING_KEY_INVALID without the private half."""
        if self.private is None:
            raise CodedError(SIGNING_KEY_INVALID, f"The key {self.id} is a public key: it verifies, it cannot sign.")
        return self.private.sign(base)

    def verifies(self, base: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's for ``base``."""
        try:
            self.public.verify(signature, base)
        except InvalidSignature:
            return False
        return True


SigningKey = HmacKey | Ed25519Key


def parse_signing_key(text: str) -> SigningKey:
    """Reads ``key-id:secret``, ``key-id:ed25519:BASE64`` (private) or ``key-id:ed25519-public:BASE64``.

    Raises CodedError SIGNING_KEY_INVALID; the message never holds the secret.
    """
    key_id, _, secret = text.strip().partition(":")
    if not _KEY_ID.fullmatch(key_id) or not secret:
        raise CodedError(SIGNING_KEY_INVALID, "A signing key is written `key-id:secret`; the id has no odd characters.")
    kind, _, encoded = secret.partition(":")
    if kind in ("ed25519", "ed25519-public"):
        try:
            raw = base64.b64decode(encoded, validate=True)
            if kind == "ed25519-public":
                return Ed25519Key(key_id, Ed25519PublicKey.from_public_bytes(raw))
            private = Ed25519PrivateKey.from_private_bytes(raw)
        except (binascii.Error, ValueError):
            raise CodedError(SIGNING_KEY_INVALID, f"The key {key_id} is not 32 bytes in base64.") from None
        return Ed25519Key(key_id, private.public_key(), private)
    if len(secret) < 32:
        raise CodedError(SIGNING_KEY_INVALID, f"The secret of key {key_id} is shorter than 32 characters.")
    return HmacKey(key_id, secret.encode())


def content_digest(body: bytes) -> str:
    """The value of ``Content-Digest`` (RFC 9530) for ``body``."""
    return f"sha-256=:{_text(hashlib.sha256(body).digest())}:"


def encoded_members(members: Mapping[str, object]) -> str:
    """Some members of a context's JSON, encoded so that ``joined_context`` can put them together with others.

    Base64 of texts one after the other is that of the whole if each has a multiple of three bytes; JSON takes as many
    spaces after a comma as that needs.
    """
    text = msgspec.json.encode({name: value for name, value in members.items() if value is not None})[1:-1] + b","
    return _text(text + b" " * (-len(text) % 3))


def joined_context(members: Iterable[str], request_id: str) -> str:
    """The value of the context header of one request, from what ``encoded_members`` gave."""
    last = b'"request_id":%b}' % msgspec.json.encode(request_id)
    return f"{_OPENED}{''.join(members)}{_text(last)}"


def _text(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


_OPENED = _text(b"{  ")


def signature_base(components: Iterable[tuple[str, str]], parameters: str) -> bytes:
    """The text that is signed (RFC 9421 section 2.5); ``parameters`` is the covered list with its parameters."""
    lines = [f'"{name}": {value}' for name, value in components]
    lines.append(f'"@signature-params": {parameters}')
    return "\n".join(lines).encode("utf-8")


class ContextSigner:
    """Signs requests to one subgraph. ``headers`` is on the path of every sub-query and allocates little."""

    __slots__ = ("_clock", "_encode", "_key", "_nonce_prefix", "_numbers", "_suffix", "subgraph")

    def __init__(self, subgraph: str, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        self.subgraph = subgraph
        self._key = key
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        # A nonce must be new, not secret: a random start per signer and a count from there.
        self._nonce_prefix = secrets.token_urlsafe(12)
        self._numbers = itertools.count()
        self._suffix = f'";keyid="{key.id}";alg="{key.algorithm}"'

    def headers(self, method: str, path: str, body: bytes, context: RequestContext) -> tuple[tuple[str, str], ...]:
        """The four headers that make the request believable.

        ``path`` is the request's path without its query. ``context.audience`` must be this signer's subgraph.
        """
        if context.audience != self.subgraph:
            raise CodedError(
                CONTEXT_MISDIRECTED, f"A context for {context.audience} cannot be signed for {self.subgraph}."
            )
        return self.sign(method, path, body, _text(self._encode(context)))

    def sign(self, method: str, path: str, body: bytes, encoded: str) -> tuple[tuple[str, str], ...]:
        """As ``headers``, for a context that is this subgraph's and encoded already."""
        created = int(self._clock())
        digest = content_digest(body)
        parameters = (
            f"{_COVERED};created={created};expires={created + LIFETIME};"
            f'nonce="{self._nonce_prefix}{next(self._numbers)}{self._suffix}'
        )
        base = (
            f'"@method": {method}\n"@path": {path}\n"content-digest": {digest}\n'
            f'"{CONTEXT_HEADER}": {encoded}\n"@signature-params": {parameters}'
        )
        signature = _text(self._key.sign(base.encode()))
        return (
            ("content-digest", digest),
            (CONTEXT_HEADER, encoded),
            ("signature-input", f"{_LABEL}={parameters}"),
            ("signature", f"{_LABEL}=:{signature}:"),
        )


class NonceMemory:
    """Nonces of the last minutes, so that a request is accepted once.

    Two generations: a nonce is remembered for at least ``window`` seconds and at most twice that. When one generation
    holds ``capacity`` nonces, further requests are refused until it ends, because forgetting would admit a replay.
    """

    __slots__ = ("_capacity", "_old", "_started", "_window", "_young")

    def __init__(self, window: float = LIFETIME + 2 * CLOCK_SKEW, capacity: int = 500_000) -> None:
        self._window = window
        self._capacity = capacity
        self._young: set[str] = set()
        self._old: set[str] = set()
        self._started = float("-inf")

    def admit(self, nonce: str, now: float) -> bool:
        """Remembers ``nonce``; False when it is known or no room is left."""
        if now - self._started >= self._window:
            gap = now - self._started >= 2 * self._window
            self._old = set() if gap else self._young
            self._young = set()
            self._started = now
        if nonce in self._young or nonce in self._old or len(self._young) >= self._capacity:
            return False
        self._young.add(nonce)
        return True


class ContextVerifier:
    """The subgraph's side: verifies or refuses. Nonces are remembered per verifier, so one process needs one."""

    __slots__ = ("_decode", "_keys", "_nonces", "subgraph")

    def __init__(self, subgraph: str, keys: Iterable[SigningKey], nonces: NonceMemory | None = None) -> None:
        self.subgraph = subgraph
        self._keys: Mapping[str, SigningKey] = {key.id: key for key in keys}
        self._nonces = nonces or NonceMemory()
        self._decode = msgspec.json.Decoder(RequestContext).decode
        if not self._keys:
            raise CodedError(SIGNING_KEY_INVALID, f"The subgraph {subgraph} has no key to verify requests with.")

    def verify(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: float) -> RequestContext:
        """The context that the gateway signed for this request.

        ``headers`` has lower-case names; ``now`` is in seconds since 1970. Raises CodedError: CONTEXT_MISSING,
        CONTEXT_MALFORMED, CONTEXT_KEY_UNKNOWN, CONTEXT_FORGED, CONTEXT_EXPIRED, CONTEXT_REPLAYED, CONTEXT_MISDIRECTED.
        """
        for name in ("signature-input", "signature", "content-digest", CONTEXT_HEADER):
            if not headers.get(name):
                raise CodedError(
                    CONTEXT_MISSING, f"The request has no {name} header: it did not come from the gateway."
                )
        presented = _INPUT.search(headers["signature-input"])
        signature = _SIGNATURE.search(headers["signature"])
        if presented is None or signature is None:
            raise CodedError(CONTEXT_MALFORMED, "The signature headers hold no well-formed `watersmeet` signature.")
        parameters = _parameters(presented[3])
        self._check_signature(method, path, headers, presented, parameters, _base64(signature[1]))
        if not hmac.compare_digest(headers["content-digest"].encode(), content_digest(body).encode()):
            raise CodedError(CONTEXT_FORGED, "The body is not the one that was signed.")
        _check_times(parameters, now)
        try:
            context = self._decode(_base64(headers[CONTEXT_HEADER]))
        except msgspec.MsgspecError as error:
            raise CodedError(CONTEXT_MALFORMED, f"The context cannot be read: {error}.") from None
        if context.audience != self.subgraph:
            raise CodedError(CONTEXT_MISDIRECTED, f"The context is for {context.audience}, this is {self.subgraph}.")
        # Last, so that only what the gateway signed takes room in the memory.
        if not self._nonces.admit(parameters["keyid"] + " " + parameters["nonce"], now):
            raise CodedError(CONTEXT_REPLAYED, "The nonce was seen before, or too many are alive.")
        return context

    def _check_signature(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        presented: re.Match[str],
        parameters: Mapping[str, str],
        signature: bytes,
    ) -> None:
        covered = presented[2].split(" ")
        if sorted(covered) != sorted(f'"{component}"' for component in COMPONENTS):
            raise CodedError(CONTEXT_MALFORMED, f"The signature must cover exactly {', '.join(COMPONENTS)}.")
        key = self._keys.get(parameters["keyid"])
        if key is None or parameters["alg"] != key.algorithm:
            raise CodedError(
                CONTEXT_KEY_UNKNOWN, f"No key {parameters['keyid']} for {parameters['alg']} is known here."
            )
        values = {"@method": method, "@path": path, **{name: headers[name] for name in COMPONENTS[2:]}}
        names = [name.strip('"') for name in covered]
        if not key.verifies(signature_base([(name, values[name]) for name in names], presented[1]), signature):
            raise CodedError(CONTEXT_FORGED, "The signature does not belong to this request.")


def _parameters(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in re.findall(_PARAMETER, text)]
    parameters = {name.lstrip(";"): value.strip('"') for name, _, value in pairs}
    if len(parameters) != len(pairs) or not {"created", "expires", "nonce", "keyid", "alg"} <= parameters.keys():
        raise CodedError(
            CONTEXT_MALFORMED, "The signature must state created, expires, nonce, keyid and alg, each once."
        )
    return parameters


def _check_times(parameters: Mapping[str, str], now: float) -> None:
    try:
        created, expires = int(parameters["created"]), int(parameters["expires"])
    except ValueError:
        raise CodedError(CONTEXT_MALFORMED, "created and expires are whole seconds since 1970.") from None
    if not created - CLOCK_SKEW <= now < expires or not 0 < expires - created <= LIFETIME:
        raise CodedError(
            CONTEXT_EXPIRED, f"The context was made at {created} for {expires - created} s; it is {now:.0f}."
        )


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CodedError(CONTEXT_MALFORMED, "A signature header is not base64.") from None
