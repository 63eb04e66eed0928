"""The calling end of an exchange over HTTP: sends what waits for the level above and fetches what it has decided.

``synchronise`` may be cut or killed anywhere and called again: what is confirmed stays, what is not is done again, and
the other end counts nothing twice.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from catalog_sync.bundles import LARGEST_BUNDLE, digest_of
from catalog_sync.endpoint import DIGEST, LENGTH, OFFSET, refusal_of, signed_headers
from catalog_sync.errors import BUNDLE_MALFORMED, CATALOGUE_UNREADABLE, EXCHANGE_UNREACHABLE, CodedError
from catalog_sync.exchange import Exchange

PART = 1_000_000
"""Bytes sent in one request."""

Progress = Callable[[int, int], None]
"""Called with the bundles done and their number."""


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What one run did: bundles sent and applied, bundles taken, and the changes refused with their reasons."""

    sent: int
    taken: int
    refused: tuple[tuple[str, str], ...]


class Upstream:
    """The level above, at an address such as ``https://catalogue.example``."""

    def __init__(
        self,
        exchange: Exchange,
        peer: str,
        address: str,
        session: aiohttp.ClientSession,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        part: int = PART,
    ) -> None:
        self._exchange = exchange
        self._peer = peer
        self._address = address.rstrip("/")
        self._session = session
        self._now = now
        self._part = part

    async def synchronise(self, progress: Progress = lambda done, total: None) -> Synchronised:
        """Seals and sends everything that waits, then takes and confirms everything that came down.

        CodedError EXCHANGE_UNREACHABLE when the line breaks; the other end's refusal, by its code, when it refuses.
        """
        self._exchange.seal(self._peer, self._now())
        numbers = self._exchange.outstanding(self._peer)
        refused: list[tuple[str, str]] = []
        for done, number in enumerate(numbers):
            progress(done, len(numbers))
            receipt = self._exchange.acknowledge(await self._send(number), self._now())
            refused += [(each.subject, each.reason) for each in receipt.outcomes if each.result == "refused"]
        progress(len(numbers), len(numbers))
        return Synchronised(len(numbers), await self.fetch(), tuple(refused))

    async def _send(self, number: int) -> bytes:
        """One bundle, from the byte where the other end stands; its receipt."""
        content = self._exchange.bundle(self._peer, number)
        assert content is not None
        digest = digest_of(content)
        path = f"/exchange/{self._exchange.name}/bundles/{number}"
        _, told = await self._request("GET", f"{path}?digest={digest}", {})
        start = min(_received(told), len(content) - 1)
        while True:
            part = content[start : start + self._part]
            headers = {OFFSET: str(start), LENGTH: str(len(content)), DIGEST: digest}
            status, body = await self._request("PATCH", path, headers, part)
            if status == 200:
                return body
            start = min(_received(body), len(content) - 1)

    async def fetch(self, progress: Progress = lambda done, total: None) -> int:
        """Takes and confirms what the level above has sealed for this one; how many bundles. Raises as above."""
        path = f"/exchange/{self._exchange.name}/outbox"
        _, body = await self._request("GET", path, {})
        try:
            numbers = [int(number) for number in json.loads(body)["numbers"]]
        except (ValueError, KeyError, TypeError):
            raise _not_understood() from None
        for done, number in enumerate(numbers):
            progress(done, len(numbers))
            _, content = await self._request("GET", f"{path}/{number}", {})
            receipt = self._exchange.receive(content, self._now())
            await self._request("POST", f"/exchange/{self._exchange.name}/receipts", {}, receipt)
        progress(len(numbers), len(numbers))
        return len(numbers)

    async def _request(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        signed = signed_headers(self._exchange.key, method, target, headers, self._now())
        try:
            async with self._session.request(method, self._address + target, headers=signed, data=body) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            message = f"{self._peer} cannot be reached ({type(error).__name__})."
            raise CodedError(EXCHANGE_UNREACHABLE, message) from error
        if answer.status >= 400:
            raise refusal_of(self._peer, content)
        return answer.status, content


def _received(body: bytes) -> int:
    try:
        return int(json.loads(body)["received"])
    except (ValueError, KeyError, TypeError):
        raise _not_understood() from None


def _not_understood() -> CodedError:
    return CodedError(EXCHANGE_UNREACHABLE, "The other end's answer was not understood; it may be another program.")


def write_bundles(
    exchange: Exchange, receiver: str, directory: Path, at: datetime, since: int | None = None
) -> tuple[Path, ...]:
    """Seals what waits for a level and writes every bundle without a receipt into a directory, to be carried over.

    ``since`` names the first bundle to be written, receipt or not, for a level that lost what it had taken. A file
    appears whole or not at all.
    """
    exchange.seal(receiver, at)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for number in exchange.outstanding(receiver) if since is None else exchange.sent_since(receiver, since):
        content = exchange.bundle(receiver, number)
        assert content is not None
        path = directory / f"{exchange.name}-{receiver}-{number:08d}.bundle"
        _write_whole(path, content)
        written.append(path)
    return tuple(written)


def take_files(exchange: Exchange, directory: Path, at: datetime) -> tuple[tuple[str, str], ...]:
    """Takes every bundle and receipt found in a directory, in any order; what became of each file.

    Receipts are written beside the bundles, to be carried back. A file that is refused changes nothing and stops none
    of the others.
    """
    if not directory.is_dir():
        raise CodedError(CATALOGUE_UNREADABLE, f"{str(directory)!r} is no directory.")
    told: list[tuple[str, str]] = []
    for path in sorted([*directory.glob("*.bundle"), *directory.glob("*.receipt")]):
        try:
            content = _limited(path)
            sent_from_here = path.name.startswith(f"{exchange.name}-")
            if path.suffix == ".receipt" and sent_from_here:
                told.append((path.name, exchange.acknowledge(content, at).status))
            elif path.suffix == ".bundle" and not sent_from_here:
                receipt = exchange.receive(content, at)
                _write_whole(path.with_suffix(".receipt"), receipt)
                told.append((path.name, exchange.status_of(receipt)))
        except CodedError as error:
            told.append((path.name, f"refused, {error.code.name}: {error.message}"))
    return tuple(told)


def _limited(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_BUNDLE:
        raise CodedError(BUNDLE_MALFORMED, f"A bundle has {LARGEST_BUNDLE} bytes at most.")
    return path.read_bytes()


def _write_whole(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
