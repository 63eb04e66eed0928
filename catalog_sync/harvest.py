"""What a subgraph really serves against what it registered: drift."""

import json
from dataclasses import dataclass

import aiohttp

from catalog_sync.errors import HARVEST_FAILED, CodedError
from catalog_sync.releases import SubgraphRelease, schema_changes, sdl_digest
from catalog_sync.schema_comparison import SchemaChange

SERVICE_QUERY = "{ _service { sdl } }"
LARGEST_SDL = 8_000_000
"""Bytes of an answer that are read."""


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
    try:
        sdl = json.loads(content)["data"]["_service"]["sdl"]
    except (ValueError, KeyError, TypeError):
        raise CodedError(HARVEST_FAILED, f"The subgraph answered no schema (status {answer.status}).") from None
    if not isinstance(sdl, str):
        raise CodedError(HARVEST_FAILED, "The subgraph answered a schema that is no text.")
    return sdl


def drift_of(release: SubgraphRelease, running: str) -> Drift:
    """What changed between a release and the schema that runs; CodedError SDL_UNREADABLE for a schema that is none."""
    registered, found = release.digest, sdl_digest(running)
    changes = () if registered == found else schema_changes(release.sdl, running)
    return Drift(release.subgraph, registered, found, changes)
