"""An operator goes back to an earlier graph from the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path

from catalog_sync.graph_history import GraphHistory
from tests.gateway.departments import STOPS, WEATHER, registry_at
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]
ADDRESS, PERSON = "http://127.0.0.1:1/graphql", "user:chen@11500000XXXX00094N"


def test_an_operator_lists_graphs_and_returns_to_one(tmp_path: Path, run: Run) -> None:
    now = datetime.now(UTC)
    with registry_at(tmp_path / "catalogue.db") as registry:
        history = GraphHistory(registry.platform)
        registry.release("stops", STOPS, ADDRESS)
        history.served("a1" * 32, {"stops": 1}, now, keep=10)
        registry.release("weather", WEATHER, ADDRESS)
        registry.release("stops", STOPS.replace("name: String }", "title: String }"), ADDRESS)
        history.served("b2" * 32, {"stops": 2, "weather": 1}, now, keep=10)
        history.refused({"stops": 2, "weather": 2}, ["NO_QUERIES: nothing to ask for"], now, keep=10)
    registry_at_path = ("--registry", tmp_path / "catalogue.db")
    listed = expect_done(run("graph", "list", *registry_at_path)).out
    assert [line.split()[0] for line in listed.splitlines()] == ["refused", "NO_QUERIES:", "b2" * 6, "a1" * 6]
    newest = expect_done(run("graph", "list", "--count", "1", "--format", "json", *registry_at_path)).out
    assert json.loads(newest)["digest"] is None
    told = expect_done(run("graph", "rollback", "a1a1", "--as", PERSON, *registry_at_path)).out
    assert told.split()[0] == "a1" * 6
    with registry_at(tmp_path / "catalogue.db") as registry:
        assert {each.subgraph: each.number for each in registry.platform.releases.live()} == {"stops": 1}


def test_a_digest_that_names_no_single_graph_is_refused_with_those_that_are_kept(tmp_path: Path, run: Run) -> None:
    with registry_at(tmp_path / "catalogue.db") as registry:
        for digest in ("a1", "a2"):
            GraphHistory(registry.platform).served(digest * 32, {"stops": 1}, datetime.now(UTC), keep=10)
    for digest in ("a", "c"):
        said = run("graph", "rollback", digest, "--as", PERSON, "--registry", tmp_path / "catalogue.db")
        assert said.code == 1
        assert "a2a2a2a2a2a2, a1a1a1a1a1a1" in said.err


def test_only_the_last_graphs_are_kept_and_the_same_graph_is_noted_once(tmp_path: Path) -> None:
    with registry_at(tmp_path / "catalogue.db") as registry:
        history = GraphHistory(registry.platform)
        for number in (1, 1, 2, 3, 4):
            history.served(f"{number}" * 64, {"stops": number}, datetime.now(UTC), keep=3)
        assert [dict(version.releases)["stops"] for version in history.versions()] == [4, 3, 2]
