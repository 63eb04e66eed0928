"""Records of operations, written before their data goes out, many in one transaction.

No record, no conditional data: whoever answers waits until the record is on disk. A disk does some hundred
transactions in a second and a gateway answers some thousand requests, so all records that arrive while one transaction
runs go together into the next.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from policies.errors import LEDGER_UNAVAILABLE, CodedError
from policies.ledger import ReadFacts
from policies.ports import PolicyStore
from policies.publication import utc_now

MOST_WAITING = 10_000


class ReadRecorder:
    """Writes records of operations for one process. ``close`` waits for what is under way."""

    def __init__(self, store: PolicyStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[tuple[ReadFacts, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, facts: ReadFacts) -> None:
        """Returns once the record is safe. Raises CodedError LEDGER_UNAVAILABLE when it cannot be written."""
        if len(self._waiting) >= MOST_WAITING:
            raise CodedError(LEDGER_UNAVAILABLE, "The ledger cannot keep up; ask again in a moment.")
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((facts, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        # Whoever is cancelled while waiting must not take the others' record with it.
        await asyncio.shield(written)

    async def close(self) -> None:
        """Waits until everything handed in is written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                error: CodedError | None = None
                try:
                    await self._store.record_reads([facts for facts, _ in batch], self._clock())
                except OSError as problem:
                    error = CodedError(LEDGER_UNAVAILABLE, f"The ledger cannot be written: {type(problem).__name__}.")
                for _, written in batch:
                    if not written.done():
                        if error is None:
                            written.set_result(None)
                        else:
                            written.set_exception(error)
        finally:
            self._writing = None
