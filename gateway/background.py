"""Work that goes on beside requests, for as long as the gateway runs: it never dies unseen.

A task whose exception nobody awaits ends in silence: the policy would stay as it was, records would wait for ever, and
no log would say why. So work that is to go on is begun anew whenever it ends, by an error or by itself, and each such
end is in the log. The pause before it begins again doubles up to a minute, and is short again once work lasted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

_log = logging.getLogger("watersmeet.background")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


@asynccontextmanager
async def going_on(name: str, work: Callable[[], Awaitable[None]], pause: float = FIRST_PAUSE) -> AsyncIterator[None]:
    """While entered, ``work`` goes on, begun anew when it ends; then it is cancelled and waited for.

    ``name`` says in the log what stopped; ``pause`` are the seconds before work begins anew the first time.
    """
    running = asyncio.create_task(_for_ever(name, work, pause), name=name)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class Pause:
    """The pause of one work between two looks, which whoever wants it to look now can end."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Waits; whether it was ended before its time, be it while something else was waited for."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return False
        self._ended.clear()
        return True

    def end(self) -> None:
        """Ends the pause, or else the next one. To be called in the event loop."""
        self._ended.set()


async def _for_ever(name: str, work: Callable[[], Awaitable[None]], first: float) -> None:
    loop, pause = asyncio.get_running_loop(), first
    while True:
        began = loop.time()
        try:
            await work()
            _log.error("%s ended by itself; it begins anew in %g s", name, pause)
        except Exception:  # noqa: BLE001 - whatever ends it, be it a mistake of ours, it must not end for good, nor
            # unseen: the log has it whole. Being cancelled is no Exception and ends it.
            _log.exception("%s stopped by an error; it begins anew in %g s", name, pause)
        await asyncio.sleep(pause)
        pause = first if loop.time() - began > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
