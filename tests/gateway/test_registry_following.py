"""What the registry puts into force is taken over, if not at once then as soon as it can be."""

from pathlib import Path

import pytest

from catalog_sync.loading import Catalogue
from gateway.building import Build
from gateway.registry_following import RegistryFollower
from gateway.registry_source import compose_releases, read_registry
from gateway.settings import RegistrySettings
from tests.gateway.departments import STOP_ENTRY, registry_at


class PolicyStoreAway:
    """Takes catalogues over once the store of policies can be asked, which fails ``times`` times before."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.taken: list[list[str]] = []

    async def __call__(self, text: str | None, catalogue: Catalogue | None = None) -> Build | None:
        if self.times:
            self.times -= 1
            raise OSError("the policy store does not answer")
        self.taken.append([] if catalogue is None else [entry.id for entry in catalogue.entries])
        return None


async def test_a_withdrawn_entry_leaves_though_the_policy_store_was_away_when_it_was_withdrawn(tmp_path: Path) -> None:
    with registry_at(tmp_path / "registry.db") as registry:
        registry.enter(STOP_ENTRY)
        in_force, candidates = read_registry(str(registry.path))
        away = PolicyStoreAway(times=2)
        settings = RegistrySettings(store=str(registry.path))
        with RegistryFollower(settings, in_force, compose_releases(candidates[0]), "", away) as follower:
            await follower.look()
            registry.withdraw("cq-tr-bus-stop")
            for _ in range(2):
                with pytest.raises(OSError, match="does not answer"):
                    await follower.look()
            assert away.taken == []

            await follower.look()
            assert away.taken == [[]]

            await follower.look()
            assert away.taken == [[]]
