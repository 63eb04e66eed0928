"""Proof of who a caller is: API keys, client certificates and signed tokens, checked into a subject of a department.

An API key is 256 random bits, so its SHA-256 may lie in a file: nobody can try that many. A caller may have several
keys, hence one is exchanged without a gap. Tokens (RFC 7519) are believed only from issuers that the operator named,
under asymmetric algorithms that he named, and only in the shape checked here. A key or a token may be bound to a client
certificate (RFC 8705), so that it is worth nothing to who steals it. What fails is refused with one code and one text,
so that nobody learns how close a guess came.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from joserfc.jws import JWSRegistry

from policies.callers import Caller, CallerKind
from policies.certificates import CertificateRule, ClientCertificate, PresentedCertificate, read_fingerprint
from policies.errors import CREDENTIAL_OUT_OF_SCOPE, CREDENTIALS_INVALID, UNAUTHENTICATED, CodedError
from policies.wording import say

ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
MAX_TOKEN = 8192
LEEWAY = 30
KEY_PREFIX = "wsk_"

_NAME = re.compile(r"[A-Za-z0-9_.:/+-]{1,120}")
_SUBJECT = re.compile(r"(?:app|user|key):[A-Za-z0-9_./+-]{1,100}")
_HASH = re.compile(r"[0-9a-f]{64}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_PRESENTED_KEPT = 10_000
# A signature is not checked again for so long: the authority's certificate could end meanwhile.
_BELIEVED = timedelta(minutes=5)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key of a caller: its hash, never itself. ``id`` names it in logs and when it is revoked.

    With ``certificate`` (a SHA-256 fingerprint) it counts only beside that client certificate.
    """

    id: str
    sha256: str
    not_before: datetime | None = None
    expires: datetime | None = None
    zones: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    certificate: str | None = None


class RegisteredCaller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A caller that the operator knows, with its keys and certificates."""

    subject: str
    kind: CallerKind = CallerKind.APPLICATION
    department: str | None = None
    roles: tuple[str, ...] = ()
    keys: tuple[ApiKey, ...] = ()
    certificates: tuple[ClientCertificate, ...] = ()

    def caller(self, zone: str, purpose: str | None) -> Caller:
        """Who asks by any of its keys, as far as policy sees it."""
        return Caller(self.kind, self.subject, self.department, frozenset(self.roles), zone, purpose)


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens are believed, and how they are read.

    ``jwks`` is a file or an https address, whose certificate an authority in ``ca_file`` (none: the system's) must have
    issued. ``department`` acts for all tokens of the issuer, or is the claim named by
    ``department_claim``. Of the names in ``roles_claim`` only those in ``roles`` count: a list of policy names, or a
    table from the issuer's names to policy names. With ``bound`` a token counts only if it is bound to a certificate.
    """

    issuer: str
    audience: str
    jwks: str
    ca_file: str | None = None
    algorithms: tuple[str, ...] = ("ES256",)
    kind: CallerKind = CallerKind.OFFICER
    subject_prefix: str = "user:"
    department: str | None = None
    department_claim: str | None = None
    roles_claim: str | None = None
    roles: tuple[str, ...] | dict[str, str] = ()
    bound: bool = False
    zones: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


class CallerRegister(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of callers: who has keys, and whose tokens count."""

    callers: tuple[RegisteredCaller, ...] = ()
    issuers: tuple[Issuer, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Who a credential proves, and where and what for it may be used (empty: anywhere, anything).

    Each is equal to itself alone, so that it can be looked up without comparing.

    ``certificate`` is the fingerprint of the client certificate that it counts with; None: with or without one.
    """

    kind: CallerKind
    subject: str
    department: str | None
    roles: frozenset[str]
    zones: tuple[str, ...]
    purposes: tuple[str, ...]
    expires: datetime | None
    not_before: datetime | None = None
    certificate: str | None = None

    def caller(
        self, zone: str, purpose: str | None = None, case_number: str | None = None, officer: str | None = None
    ) -> Caller:
        """The caller at the listener of ``zone``, stating these.

        Raises CodedError CREDENTIAL_OUT_OF_SCOPE.
        """
        if self.zones and zone not in self.zones:
            raise CodedError(CREDENTIAL_OUT_OF_SCOPE, say("other listener", subject=self.subject, zone=zone))
        if self.purposes and purpose not in self.purposes:
            raise CodedError(
                CREDENTIAL_OUT_OF_SCOPE, say("other purposes", subject=self.subject, purposes=self.purposes)
            )
        return Caller(self.kind, self.subject, self.department, self.roles, zone, purpose, case_number, officer)


def unauthenticated() -> CodedError:
    """The one error for everything wrong with a credential."""
    return CodedError(UNAUTHENTICATED, say("UNAUTHENTICATED"))


def new_api_key() -> str:
    """A fresh key; shown to its owner once, kept as ``hash_api_key`` of it."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    """What is stored of a key: SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeys:
    """The keys of all registered callers, by hash."""

    def __init__(self, callers: Iterable[RegisteredCaller]) -> None:
        self._identities: dict[str, Identity] = {}
        for registered in callers:
            _check_caller(registered)
            for key in registered.keys:
                if not _HASH.fullmatch(key.sha256):
                    raise CodedError(
                        CREDENTIALS_INVALID,
                        f"Key {key.id} of {registered.subject}: sha256 is 64 small hexadecimal digits.",
                    )
                if key.sha256 in self._identities:
                    raise CodedError(CREDENTIALS_INVALID, f"Key {key.id} of {registered.subject} is another's key too.")
                self._identities[key.sha256] = Identity(
                    registered.kind,
                    registered.subject,
                    registered.department,
                    frozenset(registered.roles),
                    key.zones,
                    key.purposes,
                    utc(key.expires),
                    utc(key.not_before),
                    None if key.certificate is None else read_fingerprint(key.certificate, f"Key {key.id}"),
                )

    def identify(self, key: str, now: datetime) -> Identity:
        """Whose key this is. Raises CodedError UNAUTHENTICATED."""
        identity = self._identities.get(hash_api_key(key)) if len(key) <= 512 else None
        if identity is None:
            raise unauthenticated()
        if identity.expires is not None and now >= identity.expires:
            raise unauthenticated()
        if identity.not_before is not None and now < identity.not_before:
            raise unauthenticated()
        return identity


class Certificates:
    """The certificates of all registered callers. ``folder`` is where the files of authorities lie."""

    def __init__(self, callers: Iterable[RegisteredCaller], folder: Path) -> None:
        self._rules: list[tuple[CertificateRule, RegisteredCaller]] = []
        self._presented: dict[bytes, PresentedCertificate] = {}
        self._known: dict[bytes, tuple[Identity, datetime]] = {}
        for registered in callers:
            for entry in registered.certificates:
                self._rules.append((CertificateRule(entry, folder, registered.subject), registered))
        named = [rule.fingerprint for rule, _ in self._rules if rule.fingerprint is not None]
        if len(set(named)) != len(named):
            raise CodedError(CREDENTIALS_INVALID, "One fingerprint stands under two certificates of callers.")

    def identify(self, der: bytes, now: datetime) -> Identity:
        """Whose certificate this is. Raises CodedError UNAUTHENTICATED, also where it could be that of two callers."""
        presented = self.presented(der, now)
        known = self._known.get(der)
        if known is not None and now < known[1]:
            return known[0]
        fitting = [found for found in self._rules if found[0].fits(presented, now)]
        if len(fitting) != 1:
            raise unauthenticated()
        ((rule, registered),) = fitting
        ends = utc(rule.entry.expires)
        if ends is not None and now >= ends:
            raise unauthenticated()
        identity = Identity(
            registered.kind,
            registered.subject,
            registered.department,
            frozenset(registered.roles),
            rule.entry.zones,
            rule.entry.purposes,
            presented.ends if ends is None else min(ends, presented.ends),
        )
        assert identity.expires is not None
        self._known[der] = identity, min(identity.expires, now + _BELIEVED)
        return identity

    def presented(self, der: bytes, now: datetime) -> PresentedCertificate:
        """The certificate, read once. Raises CodedError UNAUTHENTICATED where it is none, or not valid now."""
        presented = self._presented.get(der)
        if presented is None:
            try:
                presented = PresentedCertificate(der)
            except ValueError:
                raise unauthenticated() from None
            if len(self._presented) >= _PRESENTED_KEPT:
                self._presented.clear()
                self._known.clear()
            self._presented[der] = presented
        if not presented.valid_at(now):
            raise unauthenticated()
        return presented


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says before anything is verified: enough to find issuer and key, and for nothing else."""

    issuer: str
    key_id: str | None


def peek(token: str) -> UnverifiedToken:
    """Reads a token's header and issuer without believing them. Raises CodedError UNAUTHENTICATED."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        raise unauthenticated()
    try:
        header = msgspec.json.decode(_unpadded(parts[0]), type=dict[str, object])
        claims = msgspec.json.decode(_unpadded(parts[1]), type=dict[str, object])
    except (ValueError, msgspec.MsgspecError):
        raise unauthenticated() from None
    issuer, key_id = claims.get("iss"), header.get("kid")
    if not isinstance(issuer, str) or not isinstance(key_id, str | None) or "crit" in header:
        raise unauthenticated()
    if header.get("typ", "JWT") not in ("JWT", "at+jwt"):
        raise unauthenticated()
    return UnverifiedToken(issuer, key_id)


class TokenVerifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, issuer: Issuer) -> None:
        wrong = [name for name in issuer.algorithms if name not in ASYMMETRIC]
        if wrong or not issuer.algorithms:
            raise CodedError(
                CREDENTIALS_INVALID,
                f"Issuer {issuer.issuer}: {', '.join(wrong) or 'no algorithm'} is not accepted; "
                f"use some of {', '.join(sorted(ASYMMETRIC))}.",
            )
        self.issuer = issuer
        self._meaning = issuer.roles if isinstance(issuer.roles, dict) else {name: name for name in issuer.roles}
        for name in self._meaning.values():
            if not _NAME.fullmatch(name):
                raise CodedError(CREDENTIALS_INVALID, f"Issuer {issuer.issuer}: {name[:60]!r} is no name of a role.")
        self._registry = JWSRegistry(algorithms=list(issuer.algorithms))

    def verify(self, token: str, keys: KeySet, now: datetime) -> Identity:
        """Who the token proves. ``keys`` are the issuer's current ones.

        Raises CodedError UNAUTHENTICATED.
        """
        key_id = peek(token).key_id
        candidates = [key for key in keys.keys if key_id is None or key.kid == key_id]
        if len(candidates) != 1 or candidates[0].get("use", "sig") != "sig":
            raise unauthenticated()
        claims_rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer.issuer},
            aud={"essential": True, "value": self.issuer.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            decoded = jwt.decode(token, candidates[0], registry=self._registry)
            claims_rules.validate(decoded.claims)
        except (JoseError, ValueError, TypeError):
            raise unauthenticated() from None
        if candidates[0].get("alg", decoded.header["alg"]) != decoded.header["alg"]:
            raise unauthenticated()
        return self._identity(decoded.claims)

    def _identity(self, claims: Mapping[str, object]) -> Identity:
        issuer = self.issuer
        subject = f"{issuer.subject_prefix}{claims['sub']}"
        department: object = issuer.department
        if issuer.department_claim:
            department = claims.get(issuer.department_claim)
        valid_department = department is None or (isinstance(department, str) and _NAME.fullmatch(department))
        if not _SUBJECT.fullmatch(subject) or not valid_department:
            raise unauthenticated()
        assert isinstance(department, str | None)
        expires = datetime.fromtimestamp(float(str(claims["exp"])), UTC)
        return Identity(
            issuer.kind,
            subject,
            department,
            self._roles(claims),
            issuer.zones,
            issuer.purposes,
            expires,
            certificate=self._certificate(claims),
        )

    def _roles(self, claims: Mapping[str, object]) -> frozenset[str]:
        """The policy names that the token's roles mean here; every other role of the issuer means nothing."""
        stated = claims.get(self.issuer.roles_claim, ()) if self.issuer.roles_claim else ()
        if not isinstance(stated, list):
            return frozenset()
        return frozenset(self._meaning[name] for name in stated if isinstance(name, str) and name in self._meaning)

    def _certificate(self, claims: Mapping[str, object]) -> str | None:
        """The fingerprint in ``cnf`` (RFC 8705 section 3.1). A binding that cannot be checked makes a token worthless:
        to take it for an unbound one would let whoever stole it in."""
        binding = claims.get("cnf")
        if binding is None:
            if self.issuer.bound:
                raise unauthenticated()
            return None
        thumbprint = binding.get("x5t#S256") if isinstance(binding, dict) and len(binding) == 1 else None
        if not isinstance(thumbprint, str) or not _THUMBPRINT.fullmatch(thumbprint):
            raise unauthenticated()
        return _unpadded(thumbprint).hex()


def read_key_set(text: str, place: str) -> KeySet:
    """A JSON Web Key Set (RFC 7517). Raises CodedError CREDENTIALS_INVALID naming ``place``."""
    try:
        raw: KeySetSerialization = msgspec.json.decode(text)
        key_set = KeySet.import_key_set(raw)
    except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise CodedError(CREDENTIALS_INVALID, f"{place} is not a JSON Web Key Set: {type(error).__name__}.") from None
    return key_set


def read_register(raw: object, place: str) -> CallerRegister:
    """Checks a tree of plain values (from TOML or YAML). Raises CodedError CREDENTIALS_INVALID naming the place."""
    try:
        return msgspec.convert(raw, CallerRegister, strict=False)
    except msgspec.ValidationError as error:
        raise CodedError(CREDENTIALS_INVALID, f"{place}: {error}.") from None


def _check_caller(registered: RegisteredCaller) -> None:
    if not _SUBJECT.fullmatch(registered.subject):
        raise CodedError(
            CREDENTIALS_INVALID,
            f"The subject {registered.subject[:60]!r} must be app:, user: or key: and letters, digits or _ . / + -.",
        )
    for name in (registered.department, *registered.roles):
        if name is not None and not _NAME.fullmatch(name):
            raise CodedError(
                CREDENTIALS_INVALID, f"{registered.subject}: {name[:60]!r} is no name of a department or role."
            )


def utc(moment: datetime | None) -> datetime | None:
    """The moment with its zone; without one it was written as UTC."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
