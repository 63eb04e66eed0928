"""TLS from PEM files that are exchanged while the process runs.

Certificates live for weeks and processes for months, so the files are looked at again when a connection is made, and a
context is made anew where they changed. A file that is half written or does not fit its key changes nothing: the last
good context stays, and the log says so once.
"""

import logging
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import CodedError, ErrorCode, Family

TLS_FILES_UNUSABLE = ErrorCode(
    "TLS_FILES_UNUSABLE", Family.SETTINGS,
    "A file with certificates or a private key is missing, is not PEM, is encrypted, or does not fit the other.",
    "Mend the file that the message names; certificate and private key belong together, the whole chain in one file.",
)  # fmt: skip

_log = logging.getLogger("watersmeet.tls")
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: whom to trust, and what to show. Empty: none.

    ``place`` says in messages whose files these are. With ``required`` a server takes no client without a certificate.
    """

    place: str
    authorities: str = ""
    certificate: str = ""
    private_key: str = ""
    required: bool = False


class WatchedTls:
    """The context made from ``files`` by ``make``; two of the same files are equal. Raises CodedError as ``make``."""

    def __init__(
        self,
        files: TlsFiles,
        make: Callable[[TlsFiles], ssl.SSLContext],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.files = files
        self._make = make
        self._clock = clock
        self._stamps = self._look()
        self._context = make(files)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WatchedTls) and (self.files, self._make) == (other.files, other._make)

    def __hash__(self) -> int:
        return hash(self.files)

    def context(self) -> ssl.SSLContext:
        """The context for a connection that begins now."""
        if self._clock() - self._looked_at >= _LOOK_EVERY and (stamps := self._look()) != self._stamps:
            self._stamps = stamps
            try:
                self._context = self._make(self.files)
                _log.info("%s: the files of TLS changed; new connections use them", self.files.place)
            except CodedError as error:
                _log.warning("%s: %s The files read before stay in use.", error.code.name, error.message)
        return self._context

    def _look(self) -> tuple[object, ...]:
        self._looked_at = self._clock()
        names = (self.files.authorities, self.files.certificate, self.files.private_key)
        return tuple(stamp_of(name) for name in names if name)


def stamp_of(path: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """What changes with a file: its number, its size and the moment it was written; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def client_tls(files: TlsFiles) -> WatchedTls:
    """How a client calls: trusts ``authorities`` alone (none: the system's), and shows ``certificate`` if asked."""
    return WatchedTls(files, client_context)


def server_tls(files: TlsFiles) -> WatchedTls:
    """How a server answers: shows ``certificate``; with ``authorities``, asks clients for one of theirs."""
    return WatchedTls(files, server_context)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for calls, with names checked. Raises CodedError TLS_FILES_UNUSABLE."""
    context = ssl.create_default_context()
    if files.authorities:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, files)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _show(context, files)
    return context


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for a listener. Raises CodedError TLS_FILES_UNUSABLE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _show(context, files)
    if files.authorities:
        context.verify_mode = ssl.CERT_REQUIRED if files.required else ssl.CERT_OPTIONAL
        _trust(context, files)
    return context


def _trust(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        context.load_verify_locations(files.authorities)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(files, f"{files.authorities} holds no certificates of authorities", error) from None


def _show(context: ssl.SSLContext, files: TlsFiles) -> None:
    if not files.certificate:
        return
    try:
        # A password of its own keeps OpenSSL from asking for one at the terminal.
        context.load_cert_chain(files.certificate, files.private_key or None, password="")
    except (OSError, ssl.SSLError) as error:
        where = " and ".join(name for name in (files.certificate, files.private_key) if name)
        raise _unusable(files, f"{where} are no certificate with its unencrypted key", error) from None


def _unusable(files: TlsFiles, what: str, error: OSError) -> CodedError:
    reason = error.strerror if not isinstance(error, ssl.SSLError) else error.reason
    return CodedError(TLS_FILES_UNUSABLE, f"{files.place}: {what} ({reason or type(error).__name__}).")
