"""Certificates made for one test run."""

import datetime
import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@cache
def _pem(name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for ``name``, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def server_context(name: str = "localhost") -> ssl.SSLContext:
    """What a server called ``name`` shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate, key = _pem(name)
    with TemporaryDirectory() as folder:
        path = Path(folder, "both.pem")
        path.write_bytes(certificate + key)
        context.load_cert_chain(path)
    return context


def trusting_context(name: str = "localhost") -> ssl.SSLContext:
    """Trust in that certificate alone."""
    return ssl.create_default_context(cadata=_pem(name)[0].decode())
