"""From a request's headers to a caller: an API key, a bearer token, or nobody in particular.

The zone is the listener's, from the settings; no header can change it. Purpose, case number and officer are what the
request states about itself; policy judges the purpose, the ledger keeps all three.
"""

import asyncio
import hashlib
import logging
import re
import time
import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

import aiohttp
import yaml
from joserfc.jwk import KeySet

from gateway.server.answering import Credentials
from policies.callers import Caller, anonymous
from policies.credentials import (
    ApiKeys,
    CallerRegister,
    Identity,
    Issuer,
    TokenVerifier,
    peek,
    read_key_set,
    read_register,
    unauthenticated,
)
from policies.errors import CALLER_HEADER_INVALID, CREDENTIALS_INVALID, CodedError

_log = logging.getLogger("watersmeet.authentication")

_PURPOSE = re.compile(r"[A-Za-z0-9_.:/+-]{1,100}")
_STATEMENT = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_TOKENS_KEPT = 10_000
# A verified token is believed for so long without looking again, so that a key its issuer took back stops counting.
_BELIEVED = 300.0
_REFRESH_EVERY = 60.0
_KEYS_AGE = 600.0


class Authenticator(Protocol):
    """Says who a request comes from."""

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller. Raises CodedError: UNAUTHENTICATED, CREDENTIAL_OUT_OF_SCOPE or CALLER_HEADER_INVALID."""


class AnonymousAuthenticator:
    """Everybody is the public: an opening endpoint without keys. A credential is refused rather than ignored."""

    def __init__(self, zone: str) -> None:
        self._zone = zone

    async def authenticate(self, credentials: Credentials) -> Caller:
        """See Authenticator."""
        if credentials.api_key is not None or credentials.authorization is not None:
            raise unauthenticated()
        return anonymous(self._zone, _purpose(credentials))


class RegisteredAuthenticator:
    """API keys and tokens from the file of callers, and the anonymous public."""

    def __init__(
        self, register: CallerRegister, zone: str, keys: "KeySource", clock: Callable[[], float] = time.time
    ) -> None:
        self._zone = zone
        self._clock = clock
        self._api_keys = ApiKeys(register.callers)
        self._issuers = {issuer.issuer: TokenVerifier(issuer) for issuer in register.issuers}
        self._keys = keys
        self._tokens: dict[bytes, tuple[Identity, float]] = {}

    async def authenticate(self, credentials: Credentials) -> Caller:
        """See Authenticator."""
        purpose = _purpose(credentials)
        case_number = _statement(credentials.case_number, "X-Case-Number")
        officer = _statement(credentials.officer, "X-Officer")
        identity = await self._identify(credentials)
        if identity is None:
            return anonymous(self._zone, purpose)
        return identity.caller(self._zone, purpose, case_number, officer)

    async def _identify(self, credentials: Credentials) -> Identity | None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if credentials.authorization is None:
            return self._api_keys.identify(credentials.api_key, now) if credentials.api_key is not None else None
        scheme, _, token = credentials.authorization.partition(" ")
        # Two credentials could name two callers; which of them is meant must not be guessed.
        if scheme.lower() != "bearer" or credentials.api_key is not None:
            raise unauthenticated()
        return await self._verify(token.strip(), now)

    async def _verify(self, token: str, now: datetime) -> Identity:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._tokens.get(digest)
        if known is not None and now.timestamp() < known[1]:
            return known[0]
        unverified = peek(token)
        verifier = self._issuers.get(unverified.issuer)
        if verifier is None:
            raise unauthenticated()
        keys = await self._keys.keys_of(verifier.issuer, unverified.key_id)
        identity = verifier.verify(token, keys, now)
        if len(self._tokens) >= _TOKENS_KEPT:
            self._tokens.clear()
        ends = identity.expires.timestamp() if identity.expires is not None else 0.0
        self._tokens[digest] = identity, min(ends, now.timestamp() + _BELIEVED)
        return identity


class KeySource:
    """The issuers' current keys, from files or https addresses.

    They are read again every ten minutes, so that a key that was taken back stops counting; and when a token names an
    unknown key, at most once a minute however many such tokens come, so that keys are exchanged without a restart and
    nobody can make the gateway hammer an issuer. While an issuer cannot be asked, its last keys stay.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._sets: dict[str, KeySet] = {}
        self._read_at: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def check(self, issuers: Iterable[Issuer]) -> None:
        """Reads the keys that lie in files, so that a wrong file fails the start. Raises CodedError."""
        for issuer in issuers:
            if issuer.jwks.startswith("http://"):
                raise CodedError(CREDENTIALS_INVALID, f"Issuer {issuer.issuer}: keys come by https, not by http.")
            if not issuer.jwks.startswith("https://"):
                self._sets[issuer.issuer] = self._from_file(issuer)
                self._read_at[issuer.issuer] = self._clock()

    async def keys_of(self, issuer: Issuer, key_id: str | None) -> KeySet:
        """The issuer's keys, read again when ``key_id`` is not among them. Raises CodedError UNAUTHENTICATED."""
        if self._holds(issuer, key_id) and self._age(issuer) < _KEYS_AGE:
            return self._sets[issuer.issuer]
        # Who asks for an unknown key waits for whoever reads already.
        async with self._locks.setdefault(issuer.issuer, asyncio.Lock()):
            if self._age(issuer) >= (_KEYS_AGE if self._holds(issuer, key_id) else _REFRESH_EVERY):
                self._read_at[issuer.issuer] = self._clock()
                try:
                    self._sets[issuer.issuer] = await self._read(issuer)
                except CodedError as error:
                    _log.warning("the keys of %s cannot be read now: %s", issuer.issuer, error.message)
        if issuer.issuer not in self._sets:
            raise unauthenticated()
        return self._sets[issuer.issuer]

    def _holds(self, issuer: Issuer, key_id: str | None) -> bool:
        known = self._sets.get(issuer.issuer)
        return known is not None and (key_id is None or any(key.kid == key_id for key in known.keys))

    def _age(self, issuer: Issuer) -> float:
        return self._clock() - self._read_at.get(issuer.issuer, float("-inf"))

    async def _read(self, issuer: Issuer) -> KeySet:
        if not issuer.jwks.startswith("https://"):
            return await asyncio.to_thread(self._from_file, issuer)
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(issuer.jwks, allow_redirects=False, headers={"accept": "application/json"}) as response,
            ):
                text = (await response.content.read(262_144)).decode()
                response.raise_for_status()
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
            raise CodedError(CREDENTIALS_INVALID, f"{issuer.jwks}: {type(error).__name__}.") from None
        return read_key_set(text, f"The key set of {issuer.issuer}")

    def _from_file(self, issuer: Issuer) -> KeySet:
        path = self._folder / issuer.jwks
        try:
            return read_key_set(path.read_text(encoding="utf-8"), str(path))
        except OSError:
            raise CodedError(CREDENTIALS_INVALID, f"Issuer {issuer.issuer}: there is no file {path}.") from None


def read_authenticator(path: Path, zone: str) -> RegisteredAuthenticator:
    """The authenticator of one listener, from the file of callers. Raises as ``read_register_file`` does."""
    register = read_register_file(path)
    keys = KeySource(path.parent)
    keys.check(register.issuers)
    return RegisteredAuthenticator(register, zone, keys)


def read_register_file(path: Path) -> CallerRegister:
    """The file of callers (TOML, or YAML). Raises CodedError CREDENTIALS_INVALID naming the file and the entry."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.load(text, yaml.BaseLoader) if path.suffix in (".yaml", ".yml") else tomllib.loads(text)
    except FileNotFoundError:
        raise CodedError(CREDENTIALS_INVALID, f"There is no file of callers {path}.") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise CodedError(CREDENTIALS_INVALID, f"{path} cannot be read: {error}.") from None
    return read_register(raw, str(path))


def _purpose(credentials: Credentials) -> str | None:
    if credentials.purpose is None or not credentials.purpose.strip():
        return None
    if not _PURPOSE.fullmatch(credentials.purpose.strip()):
        raise CodedError(CALLER_HEADER_INVALID, "X-Purpose holds letters, digits and _ . : / + - alone, at most 100.")
    return credentials.purpose.strip()


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
