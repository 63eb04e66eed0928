"""What a gateway starts with: read from files, or from the registry's store."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.building import Build, Foundation
from gateway.errors import CodedError
from gateway.reloading import read_supergraph_text
from gateway.settings import Settings

if TYPE_CHECKING:
    from catalog_sync.in_force import InForce
    from catalog_sync.releases import SubgraphRelease
    from gateway.registry_source import ReleaseSet

_log = logging.getLogger("watersmeet")


@dataclass(frozen=True, slots=True)
class Start:
    """The first build with what it was made of. ``build`` is None where the registry holds no release yet.

    ``text`` is the supergraph's SDL from files; ``in_force`` and ``served`` are the registry's, None without one.
    """

    foundation: Foundation
    build: Build | None
    text: str = ""
    in_force: "InForce | None" = None
    served: "ReleaseSet | None" = None


def read_start(settings: Settings, *, plain: bool) -> Start:
    """Reads all that the settings name and builds it. Raises CodedError naming what is missing or wrong."""
    if settings.registry.store:
        return _from_registry(settings, plain=plain)
    foundation = Foundation.read(settings, plain=plain)
    text = read_supergraph_text(settings.supergraph)
    return Start(foundation, foundation.build(text, settings), text)


def _from_registry(settings: Settings, *, plain: bool) -> Start:
    from catalog_sync.loading import Catalogue
    from gateway.registry_source import read_registry

    in_force, candidates = read_registry(settings.registry.store)
    foundation = Foundation.read(settings, plain=plain, registered=Catalogue(in_force.entries))
    served, build = _first_that_builds(candidates, foundation, settings)
    return Start(foundation, build, in_force=in_force, served=served)


def _first_that_builds(
    candidates: "Sequence[tuple[SubgraphRelease, ...]]", foundation: Foundation, settings: Settings
) -> "tuple[ReleaseSet, Build | None]":
    """The live releases, or if they cannot be served the newest set that can. Raises the first CodedError if none."""
    from gateway.registry_source import compose_releases

    first: CodedError | None = None
    for releases in candidates:
        try:
            composed = compose_releases(releases)
            build = None if composed.supergraph is None else foundation.build(composed.supergraph, settings)
        except CodedError as error:
            first = first or error
            _log.warning("%s: %s An earlier set of releases is tried.", error.code.name, error.message)
        else:
            return composed, build
    assert first is not None
    raise first
