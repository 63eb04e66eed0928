"""The keys of token issuers, from files or https addresses."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import aiohttp
from joserfc.jwk import KeySet

from gateway.tls_files import TlsFiles, client_context
from policies.credentials import Issuer, read_key_set, unauthenticated
from policies.errors import CREDENTIALS_INVALID, CodedError

_log = logging.getLogger("watersmeet.authentication")
_REFRESH_EVERY = 60.0
_KEYS_AGE = 600.0


class KeySource:
    """The issuers' current keys.

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

    def look_now(self) -> None:
        """Has all keys read again when they are next needed."""
        self._read_at.clear()

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
        authorities = "" if issuer.ca_file is None else str(self._folder / issuer.ca_file)
        trust = await asyncio.to_thread(client_context, TlsFiles(f"Issuer {issuer.issuer}", authorities))
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(
                    issuer.jwks, allow_redirects=False, headers={"accept": "application/json"}, ssl=trust
                ) as response,
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
