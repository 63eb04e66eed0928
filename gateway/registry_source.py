"""Catalogue and supergraph from the registry's store instead of from files.

A release that does not go together with the others must not keep a gateway from starting: then the newest set of
releases that was served before is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog_sync.graph_history import GraphHistory
from catalog_sync.in_force import InForce, InForceReader
from catalog_sync.loading import Catalogue
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.releases import SubgraphRelease
from gateway.composition.compose import Composer, SubgraphSource
from gateway.errors import CodedError, ErrorCode, Family

RELEASES_DO_NOT_COMPOSE = ErrorCode(
    "RELEASES_DO_NOT_COMPOSE", Family.COMPOSITION,
    "The live releases of the registry do not go together, so the graph served before stays.",
    "Roll the release back that went live last, or release one that composes; the problems named say what is wrong.",
)  # fmt: skip

PROBLEMS_TOLD = 20


@dataclass(frozen=True, slots=True)
class ReleaseSet:
    """The releases of one graph, and the supergraph SDL they compose to; None where there are no releases.

    ``composer`` remembers what can be used again for the next set.
    """

    releases: tuple[SubgraphRelease, ...]
    supergraph: str | None
    composer: Composer = field(default_factory=Composer, compare=False, repr=False)

    @property
    def numbers(self) -> Mapping[str, int]:
        """The releases by subgraph, as the history keeps them."""
        return numbers_of(self.releases)


def numbers_of(releases: Iterable[SubgraphRelease]) -> dict[str, int]:
    """Release numbers by subgraph."""
    return {release.subgraph: release.number for release in releases}


def compose_releases(releases: Sequence[SubgraphRelease], composer: Composer | None = None) -> ReleaseSet:
    """The supergraph of a set of releases; ``composer`` is that of an earlier set.

    Raises CodedError RELEASES_DO_NOT_COMPOSE with the ``problems``.
    """
    composer = composer or Composer()
    if not releases:
        return ReleaseSet((), None, composer)
    composition = composer.compose(SubgraphSource(each.subgraph, each.address, each.sdl) for each in releases)
    if composition.supergraph_sdl is None:
        problems = [f"{issue.code.name}: {issue.message}" for issue in composition.errors[:PROBLEMS_TOLD]]
        message = f"The live releases do not compose. {' '.join(problems[:5])}"
        raise CodedError(RELEASES_DO_NOT_COMPOSE, message, {"problems": problems})
    return ReleaseSet(tuple(releases), composition.supergraph_sdl, composer)


def read_registry(address: str) -> tuple[InForce, list[tuple[SubgraphRelease, ...]]]:
    """What is in force, and the sets of releases to serve: the live one first, then those served before."""
    with open_platform(address) as platform:
        found = InForceReader(platform).look()
        assert found is not None
        return found, [found.releases, *_served_before(platform)]


def read_registered_catalogue(address: str) -> Catalogue:
    """The catalogue that is in force in the registry."""
    return Catalogue(read_registry(address)[0].entries)


def _served_before(platform: CataloguePlatform) -> Iterator[tuple[SubgraphRelease, ...]]:
    """The sets of releases that were served, newest first, where all of their releases are still on record."""
    for version in GraphHistory(platform).versions():
        if version.digest:
            history = {name: platform.releases.history(name) for name in version.releases}
            wanted = (
                release
                for name, number in sorted(version.releases.items())
                for release in history[name]
                if release.number == number
            )
            found = tuple(wanted)
            if len(found) == len(version.releases):
                yield found
