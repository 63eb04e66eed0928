"""Following the source of the supergraph: a changed text becomes a new snapshot, a broken one changes nothing."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.background import Pause
from gateway.errors import CodedError, ErrorCode, Family
from gateway.settings import SETTINGS_INVALID, SupergraphSettings
from gateway.sources import SOURCE_UNREADABLE, read_source

if TYPE_CHECKING:
    from gateway.composition.compose import Composer

_log = logging.getLogger("watersmeet.supergraph")

COMPOSITION_FAILED = ErrorCode(
    "COMPOSITION_FAILED", Family.COMPOSITION,
    "The subgraphs that the settings name do not compose into a supergraph.",
    "Run `watersmeet compose` on the same folder: it prints every problem with its place and how to mend it.",
)  # fmt: skip

# Looking at a local file costs a system call, so it is looked at more often than an address.
FILE_INTERVAL = 0.5


def read_supergraph_text(settings: SupergraphSettings, composer: "Composer | None" = None) -> str:
    """Supergraph SDL as the settings say: read from its source, or composed, by ``composer`` where there is one.

    Raises CodedError when none is named, it cannot be read or does not compose.
    """
    if not settings.source and not settings.compose:
        raise CodedError(
            SETTINGS_INVALID,
            "Nothing to serve: give --supergraph FILE_OR_URL, or set registry.store, supergraph.compose or .source.",
        )
    if settings.compose:
        from gateway.composition.compose import Composer
        from gateway.subgraph_sources import load_sources

        composition = (composer or Composer()).compose(load_sources(Path(settings.compose)))
        if composition.supergraph_sdl is None:
            told = " ".join(f"{issue.code.name}: {issue.message}" for issue in composition.errors[:5])
            raise CodedError(COMPOSITION_FAILED, f"The subgraphs of {settings.compose} do not compose. {told}")
        return composition.supergraph_sdl
    return read_source(settings.source)


def _stamps(settings: SupergraphSettings) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of the files behind a local source: equal while nothing changed."""
    place = Path(settings.compose or settings.source)
    files = [place, *place.rglob("*")] if place.is_dir() else [*place.parent.glob("*")] if settings.compose else [place]
    with suppress(OSError):
        return tuple((str(file), status.st_mtime_ns, status.st_size) for file in files for status in [file.stat()])
    return ()


def _composer(settings: SupergraphSettings) -> "Composer | None":
    if not settings.compose:
        return None
    from gateway.composition.compose import Composer  # a gateway that composes nothing starts without

    return Composer()


async def follow(
    settings: SupergraphSettings, current: str, apply: Callable[[str], None], pause: Pause | None = None
) -> None:
    """Calls ``apply`` in a thread with every new text, for ever; cancel to stop.

    Where ``pause`` is ended everything is read again, even files that seem not to have changed. What cannot be read or
    built is logged once per change of the reason, and what is served stays as it is.
    """
    composer = _composer(settings)
    local = "://" not in (settings.source or settings.compose)
    interval = min(FILE_INTERVAL, settings.poll) if local else settings.poll
    complaint = ""
    looked_at: object = None
    pause = pause or Pause()
    while True:
        asked = await pause.wait(interval)
        if local:
            stamps = _stamps(settings)
            if stamps == looked_at and not asked:
                continue
            looked_at = stamps
        try:
            text = await asyncio.to_thread(read_supergraph_text, settings, composer)
            if text != current:
                current = text
                await asyncio.to_thread(apply, text)
                _log.info("the supergraph changed; the new one is served")
            complaint = ""
        except CodedError as error:
            if error.code is SOURCE_UNREADABLE:
                looked_at = None  # It may be readable soon with the same time of change.
            if error.message != complaint:
                complaint = error.message
                _log.warning("%s: %s The supergraph served stays as it is.", error.code.name, error.message)
