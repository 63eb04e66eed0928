"""A credential that is taken back ends what it opened, without a restart."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from gateway.app import create_app
from policies.credentials import hash_api_key
from tests.gateway import policy_stores
from tests.gateway.departments import STOP_ENTRY, STOPS, Department, Registry, on_loopback, registry_at
from tests.gateway.policy_stores import POLICY, with_policy
from tests.gateway.test_carried_subscriptions import OPENED, STOP, Stream
from tests.support.serving import serving

CALLER = (
    f'[[callers]]\nsubject = "app:planner"\nkind = "public"\nkeys = [{{ id = "1", sha256 = "{hash_api_key("k")}" }}]\n'
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with registry_at(tmp_path / "catalogue.db") as opened:
        yield opened


async def test_a_subscription_ends_at_the_first_event_after_its_key_was_taken_back(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_stores, "POLICY", POLICY + "g, app:planner, public, -\n")
    stops = Department(STOPS, {})
    async with on_loopback(stops) as at:
        registry.enter(STOP_ENTRY)
        registry.release("stops", STOPS, at)
        settings = await with_policy(tmp_path, registry, ["stops"], monitoring={"interval": 0})
        (tmp_path / "callers.toml").write_text(CALLER)
        async with serving(create_app(settings, plain=False)) as address, aiohttp.ClientSession(address) as session:
            headers = {"accept": "text/event-stream", "x-api-key": "k"}
            async with session.post("/graphql", json={"query": OPENED}, headers=headers) as response:
                stream = Stream(response)
                await stops.events.put(STOP)
                assert await stream.hear() == {"data": STOP}
                (tmp_path / "callers.toml").write_text("")
                heard = {"data": STOP}
                while heard == {"data": STOP}:
                    await stops.events.put(STOP)
                    heard = await stream.hear()
                assert [error["extensions"]["code"] for error in heard["errors"]] == ["UNAUTHENTICATED"]
                assert await stream.hear() is None
            async with session.post("/graphql", json={"query": OPENED}, headers=headers) as refused:
                assert refused.status == 401
