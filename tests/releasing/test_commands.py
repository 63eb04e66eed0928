"""Journey 9: a subgraph's author publishes, from the command line."""

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog_sync.observations import Look, Observations
from catalog_sync.platform import open_platform
from gateway.policy_source import open_store
from policies.context import HmacKey
from policies.items import items_of_catalogue
from policies.ledger import Outcome, ReadFacts
from policies.lines import parse_policy
from policies.publication import Person, PolicyOffice
from tests.catalogue.offices import NOW
from tests.releasing.registry import CIVIL, DOCUMENTS, WITHOUT_DATE, go_live, release_office
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]
AUTHOR, REVIEWER = "user:author@civil-affairs", "user:reviewer@11500000XXXX00019X"
POLICY = """
p, Q-1, dept:welfare, z:gov, joint-work, 30700507/1/*, read, *, 2026-01-01T00:00:00Z, 2028-01-01T00:00:00Z, request:1, allow
p, Q-2.1, dept:housing, z:gov, joint-work, 30700507/1.registeredOn, read, *, 2026-01-01T00:00:00Z, 2028-01-01T00:00:00Z, request:2, allow
p, Q-3, dept:tax, z:gov, joint-work, 30700507/1.registeredOn, read, *, 2026-01-01T00:00:00Z, 2026-02-01T00:00:00Z, request:3, allow
p2, C-1, role:administrator, propose, policy, allow
g, user:chen, role:administrator, reform
g3, extranet, z:gov
"""  # noqa: E501 - lines of policy cannot be broken
SETTINGS = """
[registry]
store = "registry.db"
departments = "departments.yaml"
[access]
store = "policy.db"
[documents]
trusted = "documents.json"
"""
DEPARTMENTS = """
providers:
  - {name: 重庆市民政局, uscc: 11500000XXXX000519, responsible: 局长, unit: 科技处, contact: 科, classes: ["30700507"],
     department: civil-affairs}
"""


async def a_city(folder: Path) -> Path:
    """Settings of a city whose civil affairs are live, with grants, a stored document and a recorded operation."""
    (folder / "gateway.toml").write_text(SETTINGS)
    (folder / "departments.yaml").write_text(DEPARTMENTS)
    (folder / "documents.json").write_text(json.dumps(DOCUMENTS))
    with release_office(folder) as office:
        go_live(office)
        items = items_of_catalogue(office._catalogue.in_force(), NOW.date())
    async with open_store(str(folder / "policy.db")) as store:
        key = HmacKey("console", b"a-secret-of-the-console-for-tests")
        lines = tuple(line.tokens for line in parse_policy(POLICY))
        policy = PolicyOffice(store, key, lambda: items, samples=10)
        await policy.install(lines, Person("user:chen", "reform"), "first")
        read = ReadFacts(
            caller="app:benefits", department="welfare", items=("30700507/1.registeredOn",), outcome=Outcome.GRANTED,
            policy_version="1", graph_version="g",
        )  # fmt: skip
        await store.record_reads([read], datetime.now(UTC))
    return folder / "gateway.toml"


async def test_an_author_goes_from_a_red_check_to_a_live_release(tmp_path: Path, run: Run) -> None:
    config = await a_city(tmp_path)
    schema = tmp_path / "civil.graphql"

    schema.write_text(WITHOUT_DATE.replace("name: String }", "name: String nickname: String }"))
    red = run("subgraph", "check", "civil", "--schema", schema, "--config", config, "--format", "json")
    assert red.code == 1
    report = json.loads(red.out)
    assert [each["coordinate"] for each in report["problems"]] == ["SocialOrganisation.nickname"]
    assert [each["coordinate"] for each in report["changes"] if each["effect"] == "breaking"] == [
        "MarriageRegistration.registeredOn"
    ]
    assert [(each["kind"], each["name"]) for each in report["affected"]] == [
        ("grant", "Q-1"),
        ("grant", "Q-2"),
        ("stored document", "wedding-days"),
        ("recorded operations", "app:benefits"),
    ]
    annotated = run("subgraph", "check", "civil", "--schema", schema, "--config", config, "--format", "github")
    assert annotated.out.count("::error") == 5

    schema.write_text(CIVIL.replace("registeredOn: Date", 'registeredOn: Date @deprecated(reason: "until 2027-06-30")'))
    green = expect_done(run("subgraph", "check", "civil", "--schema", schema, "--config", config))
    assert "it was deprecated: until 2027-06-30" in green.out

    published = run("subgraph", "publish", "civil", "--schema", schema, "--as", AUTHOR, "--config", config,
                    "--release-note", "registeredOn goes in June")  # fmt: skip
    assert "release 2 of civil is proposed" in expect_done(published).err
    refused = run(
        "subgraph", "approve", "civil", "--as", "user:author@civil-affairs", "--reason", "x", "--config", config
    )
    assert (refused.code, refused.err.partition(":")[0]) == (1, "NOT_YOURS")
    approved = run("subgraph", "approve", "civil", "--as", REVIEWER, "--reason", "checked", "--config", config)
    assert expect_done(approved).out.startswith("civil 2 live ")
    shown = json.loads(run("subgraph", "show", "civil", "--format", "json", "--config", config).out)
    assert [(each["number"], each["state"]) for each in shown["releases"]] == [(1, "retired"), (2, "live")]
    assert shown["releases"][1]["note"] == "registeredOn goes in June"


async def test_a_breaking_release_waits_and_is_let_pass_by_name(tmp_path: Path, run: Run) -> None:
    config = await a_city(tmp_path)
    schema = tmp_path / "civil.graphql"
    schema.write_text(WITHOUT_DATE)
    at = ("--config", config)
    expect_done(run("subgraph", "publish", "civil", "--schema", schema, "--as", AUTHOR, *at))
    waiting = expect_done(run("subgraph", "approve", "civil", "--as", REVIEWER, "--reason", "agreed", *at))
    assert "notice until" in waiting.out
    assert "acknowledged by: nobody" in waiting.out
    held = run("subgraph", "go-live", "civil", "--as", REVIEWER, *at)
    assert (held.code, held.err.partition(":")[0]) == (1, "NOTICE_RUNNING")
    who = ("Q-1", "Q-2", "wedding-days", "app:benefits")
    expect_done(run("subgraph", "acknowledge", "civil", *who, "--as", AUTHOR, *at))
    assert expect_done(run("subgraph", "go-live", "civil", "--as", REVIEWER, *at)).out.startswith("civil 2 live")
    first = json.loads(run("subgraph", "show", "civil", "--format", "json", *at).out)["releases"][0]
    back = run("subgraph", "rollback", "civil", first["digest"][:10], "--as", REVIEWER, "--reason", "too early", *at)
    assert "civil 1 live" in expect_done(back).out


async def test_an_operator_sees_drift_checks_what_runs_and_switches_its_address(tmp_path: Path, run: Run) -> None:
    config = await a_city(tmp_path)
    at = ("--config", config)
    assert "runs another" not in expect_done(run("subgraph", "list", *at)).out
    with open_platform(str(tmp_path / "registry.db")) as platform:
        seen = Observations(platform)
        seen.claim("civil", NOW, timedelta())
        seen.keep(Look("civil", "a", "b", ("SocialOrganisation.name: the field was removed.",)), {})
    drifted = "runs another schema than was released: SocialOrganisation.name: the field was removed."
    assert drifted in run("subgraph", "list", *at).out
    assert drifted in run("subgraph", "show", "civil", *at).out
    schema = tmp_path / "civil.graphql"
    schema.write_text(CIVIL)
    expect_done(run("subgraph", "check", "civil", "--schema", schema, *at))
    moved = "http://new.example/graphql"
    expect_done(run("subgraph", "publish", "civil", "--schema", schema, "--url", moved, "--as", AUTHOR, *at))
    switched = expect_done(run("subgraph", "approve", "civil", "--as", REVIEWER, "--reason", "moved", *at))
    assert switched.out.splitlines()[0].endswith(moved)


async def test_what_cannot_be_published_is_reported_as_the_check_would(tmp_path: Path, run: Run) -> None:
    config = await a_city(tmp_path)
    schema = tmp_path / "civil.graphql"
    schema.write_text(CIVIL.replace("30700507/2", "30700507/9"))
    refused = run("subgraph", "publish", "civil", "--schema", schema, "--as", AUTHOR, "--config", config)
    assert refused.code == 1
    assert "No released entry of the catalogue has the code 30700507/9" in refused.out


def test_wrong_usage_is_told_apart_from_problems(tmp_path: Path, run: Run) -> None:
    assert run("subgraph", "check", "civil").code == 2
    unset = run("subgraph", "list")
    assert (unset.code, "registry.store is not set" in unset.err) == (1, True)
    stranger = run("subgraph", "publish", "x", "--schema", "-", "--as", "li", "--registry", tmp_path / "r.db")
    assert "a person is written user:NAME@DEPARTMENT" in stranger.err


def test_a_new_department_keeps_its_own_test(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "culture"
    written = expect_done(run("subgraph", "new", "culture", "--code", "30700513/1", "--directory", folder))
    assert [Path(line).name for line in written.out.splitlines()] == ["culture.py", "test_culture.py", "culture.yaml"]
    monkeypatch.syspath_prepend(folder)
    importlib.import_module("test_culture").test_the_schema_says_which_resource_it_serves()
    for module in ("culture", "test_culture"):
        del sys.modules[module]
    again = run("subgraph", "new", "culture", "--code", "30700513/1", "--directory", folder)
    assert (again.code, again.err.partition(":")[0]) == (1, "START_REFUSED")
