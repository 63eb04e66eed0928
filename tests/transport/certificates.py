"""An authority that lives for one test run, and certificates of it as the files that settings name."""

import atexit
import datetime
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.tls_files import TlsFiles, WatchedTls, client_tls, server_context

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key; ``path`` is a PEM file of both."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    path: str

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class Authority:
    """Signs certificates. ``path`` is the PEM file that trusts it."""

    def __init__(self, name: str = "Test Authority") -> None:
        self.folder = Path(mkdtemp(prefix="watersmeet-tls-"))
        atexit.register(rmtree, self.folder, ignore_errors=True)
        self._own = self._sign(name, None, x509.BasicConstraints(ca=True, path_length=None))
        self.path = str(self.folder / "authority.pem")
        Path(self.path).write_bytes(self._own.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str,
        *,
        uri: str | None = None,
        begins: datetime.timedelta = -DAY,
        ends: datetime.timedelta = DAY,
        usage: x509.ObjectIdentifier | None = None,
    ) -> Certificate:
        """A certificate for ``name``, valid from ``begins`` to ``ends`` counted from now."""
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if uri is not None:
            names.append(x509.UniformResourceIdentifier(uri))
        extensions: list[x509.ExtensionType] = [x509.SubjectAlternativeName(names)]
        if usage is not None:
            extensions.append(x509.ExtendedKeyUsage([usage]))
        return self._sign(name, self._own, *extensions, begins=begins, ends=ends)

    def _sign(
        self,
        name: str,
        signer: Certificate | None,
        *extensions: x509.ExtensionType,
        begins: datetime.timedelta = -DAY,
        ends: datetime.timedelta = DAY,
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.certificate.subject if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        certificate = builder.sign(signer.key if signer else key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{certificate.serial_number:x}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        return Certificate(certificate, key, str(path))


@cache
def authority() -> Authority:
    """The one that most tests trust."""
    return Authority()


@cache
def stranger() -> Authority:
    """One that nobody trusts, under the same name."""
    return Authority()


def listener(shown: Certificate, *, asks: Authority | None = None, required: bool = False) -> ssl.SSLContext:
    """How a server answers that shows a certificate, and may ask clients for one."""
    return server_context(TlsFiles("test", asks.path if asks else "", shown.path, required=required))


def calling(trusted: Authority | None, shown: Certificate | None = None) -> WatchedTls:
    """How a client calls that trusts an authority (None: the system's), and may show a certificate."""
    return client_tls(TlsFiles("test", trusted.path if trusted else "", shown.path if shown else ""))


__all__ = ["Authority", "Certificate", "ExtendedKeyUsageOID", "authority", "calling", "listener", "stranger"]
