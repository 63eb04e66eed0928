"""From a request's credentials to a caller: an API key, a bearer token, a client certificate, or nobody in particular.

The zone is the listener's, from the settings; no header can change it. Purpose, case number and officer are what the
request states about itself; policy judges the purpose, the ledger keeps all three.

A key or a token names the caller, and a certificate beside it is a second lock: either the key or token is bound to it,
or it must be the same caller's. Otherwise two credentials name two callers, and which is meant must not be guessed.
"""

import asyncio
import hashlib
import logging
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

import yaml

from gateway.memo import Memo
from gateway.plain_yaml import read_yaml
from gateway.server.answering import Credentials
from gateway.server.issuer_keys import KeySource
from gateway.tls_files import stamp_of
from policies.callers import Caller, anonymous
from policies.credentials import (
    ApiKeys,
    CallerRegister,
    Certificates,
    Identity,
    Issuer,
    RegisteredCaller,
    TokenVerifier,
    peek,
    read_register,
    unauthenticated,
)
from policies.errors import CALLER_HEADER_INVALID, CREDENTIALS_INVALID, CodedError

_log = logging.getLogger("watersmeet.authentication")

_Stated = tuple[Identity | None, str | None, str | None, str | None]

_PURPOSE = re.compile(r"[A-Za-z0-9_.:/+-]{1,100}")
_STATEMENT = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_TOKENS_KEPT = 10_000
_CALLERS_KEPT = 10_000
# A verified token is believed for so long without looking again, so that a key its issuer took back stops counting.
_BELIEVED = 300.0
_LOOK_EVERY = 0.5


class Authenticator(Protocol):
    """Says who a request comes from."""

    @property
    def callers(self) -> Mapping[str, RegisteredCaller]:
        """The callers that are registered now, by subject."""

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """Those whose tokens count now."""

    def look_now(self) -> None:
        """Has everything read again with the next request. To be called in the event loop."""

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller. Raises CodedError: UNAUTHENTICATED, CREDENTIAL_OUT_OF_SCOPE or CALLER_HEADER_INVALID."""


class RegisteredAuthenticator:
    """The callers of one register, and the anonymous public. ``folder`` is where files lie that the register names."""

    def __init__(
        self,
        register: CallerRegister,
        zone: str,
        keys: KeySource,
        folder: Path = Path(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.callers: Mapping[str, RegisteredCaller] = {one.subject: one for one in register.callers}
        self.issuers: tuple[Issuer, ...] = register.issuers
        self._zone = zone
        self._clock = clock
        self._api_keys = ApiKeys(register.callers)
        self._certificates = Certificates(register.callers, folder)
        self._issuers = {issuer.issuer: TokenVerifier(issuer) for issuer in register.issuers}
        self._keys = keys
        self._tokens: dict[bytes, tuple[Identity, float]] = {}
        # Equal statements of one identity make one value, by which others remember what they made of it.
        self._stating: Memo[_Stated, Caller] = Memo(_CALLERS_KEPT)

    def look_now(self) -> None:
        """See Authenticator; the register itself never changes."""
        self._tokens.clear()
        self._keys.look_now()

    async def authenticate(self, credentials: Credentials) -> Caller:
        """See Authenticator."""
        caller = self.recognise(credentials)
        if caller is None:
            now, token = self._now(), _token_of(credentials)
            assert token is not None
            caller = self._caller(await self._verify(token, now), credentials, now)
        return caller

    def recognise(self, credentials: Credentials) -> Caller | None:
        """The caller, where that takes no waiting: None for a token that was not verified lately.

        Raises as ``authenticate``.
        """
        now, token = self._now(), _token_of(credentials)
        if token is not None:
            named = self._believed(_digest(token), now)
            return None if named is None else self._caller(named, credentials, now)
        key = credentials.api_key
        return self._caller(None if key is None else self._api_keys.identify(key, now), credentials, now)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _caller(self, named: Identity | None, credentials: Credentials, now: datetime) -> Caller:
        """Whom key or token name (None: neither), with the certificate that was shown and what the request states."""
        shown, identity = credentials.certificate, named
        if shown is not None or (named is not None and named.certificate is not None):
            identity = self._certified(named, shown, now)
        stated = (identity, credentials.purpose, credentials.case_number, credentials.officer)
        return (
            self._stating.young.get(stated)
            or self._stating.get(stated)
            or self._stating.put(stated, self._state(*stated))
        )

    def _certified(self, named: Identity | None, shown: bytes | None, now: datetime) -> Identity:
        """The certificate's caller, or the one that was named if the certificate may stand beside that."""
        if named is None:
            assert shown is not None
            return self._certificates.identify(shown, now)
        if named.certificate is not None:
            if shown is None or self._certificates.presented(shown, now).fingerprint != named.certificate:
                raise unauthenticated()
        elif shown is not None:
            owner = self._certificates.identify(shown, now)
            if (owner.subject, owner.department) != (named.subject, named.department):
                raise unauthenticated()
        return named

    def _state(
        self, identity: Identity | None, purpose: str | None, case_number: str | None, officer: str | None
    ) -> Caller:
        purpose = _purpose(purpose)
        case_number, officer = _statement(case_number, "X-Case-Number"), _statement(officer, "X-Officer")
        if identity is None:
            return anonymous(self._zone, purpose)
        return identity.caller(self._zone, purpose, case_number, officer)

    def _believed(self, digest: bytes, now: datetime) -> Identity | None:
        known = self._tokens.get(digest)
        return known[0] if known is not None and now.timestamp() < known[1] else None

    async def _verify(self, token: str, now: datetime) -> Identity:
        unverified = peek(token)
        verifier = self._issuers.get(unverified.issuer)
        if verifier is None:
            raise unauthenticated()
        keys = await self._keys.keys_of(verifier.issuer, unverified.key_id)
        identity = verifier.verify(token, keys, now)
        if len(self._tokens) >= _TOKENS_KEPT:
            self._tokens.clear()
        ends = identity.expires.timestamp() if identity.expires is not None else 0.0
        self._tokens[_digest(token)] = identity, min(ends, now.timestamp() + _BELIEVED)
        return identity


class FollowedAuthenticator:
    """The callers in a file, as it is now: a changed file is read within half a second, in every worker.

    A file that cannot be used changes nothing, and the log says once why. Raises as ``read_register_file`` does, and
    CodedError CREDENTIALS_INVALID where a file that the register names cannot be used.
    """

    def __init__(self, path: Path, zone: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._zone = zone
        self._clock = clock
        self._looked_at = clock()
        self._stamps = self._look((path,))
        self._reading: asyncio.Task[None] | None = None
        self._keys = KeySource(path.parent)
        self._current = self._read()

    @property
    def callers(self) -> Mapping[str, RegisteredCaller]:
        """See Authenticator."""
        return self._current.callers

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """See Authenticator."""
        return self._current.issuers

    def look_now(self) -> None:
        """See Authenticator."""
        self._looked_at, self._stamps = float("-inf"), {self._path: None}
        self._current.look_now()

    async def authenticate(self, credentials: Credentials) -> Caller:
        """See Authenticator."""
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            stamps = self._look(self._stamps)
            if stamps != self._stamps:
                self._stamps = stamps
                self._reading = asyncio.ensure_future(self._read_again())
        if self._reading is not None:
            await asyncio.shield(self._reading)
        current = self._current
        return current.recognise(credentials) or await current.authenticate(credentials)

    async def _read_again(self) -> None:
        try:
            self._current = await asyncio.to_thread(self._read)
            _log.info("the callers changed; the new ones count")
        except CodedError as error:
            _log.warning("%s: %s The callers read before still count.", error.code.name, error.message)
        finally:
            self._reading = None

    def _read(self) -> RegisteredAuthenticator:
        # Each file is looked at before it is read: a change in between is then seen at the next look.
        stamps = self._look((self._path,))
        register = read_register_file(self._path)
        named = {entry.authority for caller in register.callers for entry in caller.certificates if entry.authority}
        self._stamps = {**stamps, **self._look(self._path.parent / name for name in named)}
        self._keys.check(register.issuers)
        return RegisteredAuthenticator(register, self._zone, self._keys, self._path.parent)

    @staticmethod
    def _look(paths: Iterable[Path]) -> Mapping[Path, object]:
        return {path: stamp_of(path) for path in paths}


def read_register_file(path: Path) -> CallerRegister:
    """The file of callers (TOML, or YAML). Raises CodedError CREDENTIALS_INVALID naming the file and the entry."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = read_yaml(text) if path.suffix in (".yaml", ".yml") else tomllib.loads(text)
    except FileNotFoundError:
        raise CodedError(CREDENTIALS_INVALID, f"There is no file of callers {path}.") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise CodedError(CREDENTIALS_INVALID, f"{path} cannot be read: {error}.") from None
    return read_register(raw, str(path))


def _token_of(credentials: Credentials) -> str | None:
    """The bearer token, if any. Raises CodedError UNAUTHENTICATED for what is none."""
    if credentials.authorization is None:
        return None
    scheme, _, token = credentials.authorization.partition(" ")
    # Two credentials could name two callers; which of them is meant must not be guessed.
    if scheme.lower() != "bearer" or credentials.api_key is not None:
        raise unauthenticated()
    return token.strip()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _purpose(value: str | None) -> str | None:
    if value is None or not value.strip():
        return None
    if not _PURPOSE.fullmatch(value.strip()):
        raise CodedError(CALLER_HEADER_INVALID, "X-Purpose holds letters, digits and _ . : / + - alone, at most 100.")
    return value.strip()


def _statement(value: str | None, header: str) -> str | None:
    """A header that people fill in: other than ASCII letters come percent-encoded."""
    if value is None or not value.strip():
        return None
    try:
        text = unquote(value.strip(), errors="strict")
    except UnicodeDecodeError:
        text = ""
    if not _STATEMENT.fullmatch(text):
        raise CodedError(CALLER_HEADER_INVALID, f"{header} has 1 to 100 characters, percent-encoded where not ASCII.")
    return text
