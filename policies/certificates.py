"""Client certificates in the file of callers: which certificate proves which caller.

An entry names one certificate by its SHA-256 fingerprint, or every certificate of a name (its subject, or a URI among
its alternative names) that one authority issued. A name alone proves nothing, since any authority can write any name:
so the entry pins the issuing authority, and its signature is checked here, whoever terminated TLS and whatever that one
trusts. Validity is checked here too: a connection may outlive the certificate that opened it.
"""

import hashlib
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from policies.errors import CREDENTIALS_INVALID, CodedError

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class ClientCertificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What proves a caller: exactly one of ``sha256``, ``subject`` (RFC 4514) and ``uri``.

    ``authority`` is the PEM file of the authority that issues the certificates of a subject or URI. ``id`` names the
    entry in messages.
    """

    id: str
    sha256: str | None = None
    subject: str | None = None
    uri: str | None = None
    authority: str | None = None
    expires: datetime | None = None
    zones: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


class PresentedCertificate:
    """A certificate as it came with a request. Raises ValueError where the bytes (DER) are none."""

    def __init__(self, der: bytes) -> None:
        self.fingerprint = hashlib.sha256(der).hexdigest()
        self.x509 = x509.load_der_x509_certificate(der)

    def valid_at(self, now: datetime) -> bool:
        """Whether it has begun and not ended."""
        return self.x509.not_valid_before_utc <= now < self.x509.not_valid_after_utc

    @property
    def ends(self) -> datetime:
        """The moment from which it proves nothing."""
        return self.x509.not_valid_after_utc

    @cached_property
    def uris(self) -> frozenset[str]:
        """The URIs among its alternative names."""
        try:
            names = self.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, ValueError):
            return frozenset()
        return frozenset(names.get_values_for_type(x509.UniformResourceIdentifier))


class CertificateRule:
    """One entry of the register, ready to be asked. Raises CodedError CREDENTIALS_INVALID naming ``whose`` it is."""

    def __init__(self, entry: ClientCertificate, folder: Path, whose: str) -> None:
        self.entry = entry
        where = f"Certificate {entry.id} of {whose}"
        if sum(value is not None for value in (entry.sha256, entry.subject, entry.uri)) != 1:
            raise CodedError(CREDENTIALS_INVALID, f"{where}: give one of sha256, subject and uri.")
        if (entry.authority is None) != (entry.sha256 is not None):
            raise CodedError(
                CREDENTIALS_INVALID, f"{where}: subject and uri need the file of their `authority`; sha256 needs none."
            )
        self.fingerprint = None if entry.sha256 is None else read_fingerprint(entry.sha256, where)
        self._subject = None if entry.subject is None else _read_subject(entry.subject, where)
        self._authority = None if entry.authority is None else _read_authority(folder / entry.authority, where)

    def fits(self, presented: PresentedCertificate, now: datetime) -> bool:
        """Whether the certificate is one that the entry means."""
        if self.fingerprint is not None:
            return presented.fingerprint == self.fingerprint
        if self._subject is not None and presented.x509.subject != self._subject:
            return False
        if self.entry.uri is not None and self.entry.uri not in presented.uris:
            return False
        assert self._authority is not None
        return _issued_by(presented.x509, self._authority, now)


def read_fingerprint(text: str, where: str) -> str:
    """A SHA-256 fingerprint in either usual form as plain hexadecimal. Raises CodedError CREDENTIALS_INVALID."""
    plain = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise CodedError(CREDENTIALS_INVALID, f"{where}: a fingerprint is 64 hexadecimal digits, with colons or not.")
    return plain


def _read_subject(text: str, where: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(text)
    except ValueError:
        raise CodedError(
            CREDENTIALS_INVALID, f"{where}: write the subject as RFC 4514 has it, such as `CN=portal,O=Welfare,C=CN`."
        ) from None


def _read_authority(path: Path, where: str) -> x509.Certificate:
    try:
        (authority,) = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise CodedError(CREDENTIALS_INVALID, f"{where}: {path} is no PEM file of one certificate.") from None
    return authority


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    verifier = (
        PolicyBuilder()
        .store(Store([authority]))
        .time(now)
        .max_chain_depth(0)
        .extension_policies(ca_policy=_AUTHORITIES, ee_policy=_CLIENTS)
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [])
    except VerificationError:
        return False
    return True


def _check_authority(policy: Policy, certificate: x509.Certificate, extension: x509.BasicConstraints) -> None:
    if not extension.ca:
        raise ValueError("not an authority")


def _check_usage(policy: Policy, certificate: x509.Certificate, extension: x509.ExtendedKeyUsage | None) -> None:
    if extension is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in extension:
        raise ValueError("not for clients")


# Departments' authorities seldom write all that the web's rules ask for; what bears on security is demanded.
_AUTHORITIES = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.AGNOSTIC, _check_authority
)
_CLIENTS = ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _check_usage)
