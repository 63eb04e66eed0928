"""What a gateway starts with is what its settings name, and nothing that happens to lie around."""

from pathlib import Path

import pytest

from gateway.app import create_app
from tests.catalogue.test_loading import __file__ as beside_examples
from tests.gateway.departments import registry_at
from tests.gateway.policy_stores import with_policy


async def test_a_registry_without_entries_is_not_replaced_by_entries_in_the_folder_it_is_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(beside_examples).parent / "examples")
    with registry_at(tmp_path / "catalogue.db") as registry:
        registry.release("stops", "type Query { busStop: Int }", "http://127.0.0.1:1/graphql")
        application = create_app(await with_policy(tmp_path, registry, ["stops"]), plain=False)
    assert application.readiness.checks["supergraph"]()
