"""What a subgraph really serves against what it registered: drift."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from catalog_sync.errors import HARVEST_FAILED, CodedError
from catalog_sync.releases import SubgraphRelease, schema_changes, sdl_digest
from catalog_sync.schema_comparison import SchemaChange

SERVICE_QUERY = "{ _service { sdl } }"
LARGEST_SDL = 8_000_000
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a running subgraph says of itself: its schema, and when the data of its resources last really changed."""

    sdl: str
    data_times: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Drift:
    """A running schema compared with its release; ``changes`` is empty where only directives differ."""

    subgraph: str
    registered: str
    running: str
    changes: tuple[SchemaChange, ...]

    @property
    def drifted(self) -> bool:
        """Whether the running schema is another than the registered one."""
        return self.registered != self.running


async def harvest(session: aiohttp.ClientSession, address: str, *, timeout_seconds: float = 10) -> str:
    """The SDL that a running subgraph answers with (Federation's ``_service``); CodedError HARVEST_FAILED."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    try:
        async with session.post(address, json={"query": SERVICE_QUERY}, timeout=timeout) as answer:
            content = await answer.content.read(LARGEST_SDL)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CodedError(HARVEST_FAILED, f"The subgraph did not answer ({type(error).__name__}).") from error
    return read_harvest(content).sdl


def read_harvest(content: bytes) -> Harvest:
    """A subgraph's answer to ``SERVICE_QUERY``; CodedError HARVEST_FAILED if it holds no schema.

    Data times stand in ``extensions.dataTimes`` as ISO 8601 with offset, by resource code; what is none is left out.
    """
    try:
        answer = json.loads(content)
        sdl = answer["data"]["_service"]["sdl"]
    except (ValueError, KeyError, TypeError):
        raise CodedError(HARVEST_FAILED, "The subgraph answered no schema.") from None
    if not isinstance(sdl, str):
        raise CodedError(HARVEST_FAILED, "The subgraph answered a schema that is no text.")
    extensions = answer.get("extensions")
    told = extensions.get("dataTimes") if isinstance(extensions, dict) else None
    pairs = told.items() if isinstance(told, dict) else ()
    return Harvest(sdl, {str(code): at for code, text in pairs if (at := _moment(text)) is not None})


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def drift_of(release: SubgraphRelease, running: str) -> Drift:
    """What changed between a release and the schema that runs; CodedError SDL_UNREADABLE for a schema that is none."""
    registered, found = release.digest, sdl_digest(running)
    changes = () if registered == found else schema_changes(release.sdl, running)
    return Drift(release.subgraph, registered, found, changes)
