"""The evidence of a period: what the administration shows to an auditor, and what a command writes of it again."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl

from policies.context import HmacKey
from policies.credentials import hash_api_key
from tests.admin.office import ADDRESS, FRIDAY, KEY, PEOPLE, PERSON_KEY, City, key_of
from tests.admin.test_journeys import ANSWERS, APPLY, APPROVE, DECIDE, EDIT, PROPOSE, PUBLISH, START, WANTED
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]
EVIDENCE = """query ($why: String!, $first: Date! = "2026-09-18", $last: Date! = "2026-09-20") {
  evidence(first: $first, last: $last, why: $why) { digest markdown sections { name headings rows } } }"""
RECORD = "mutation ($input: BackupTestInput!) { recordBackupTest(input: $input) { id passed person } }"
RESTORED: dict[str, Any] = {
    "step": "RESTORE", "store": "policy store", "day": "2026-09-18", "passed": True, "document": "渝数备〔2026〕4号",
}  # fmt: skip
WHY = "yearly classified protection check"


async def a_busy_day(here: City) -> None:
    """A version by two persons, a grant, a stop, a read and a test of a backup, all on one Friday."""
    draft = await here.ask("chen", START, note="statistics may count", id="stats")
    await here.ask("chen", EDIT, id="stats", revision=1, text=draft["text"] + "g, app:stats, gov, stats\n")
    await here.ask("chen", PROPOSE, id="stats", revision=2)
    await here.ask("zhou", APPROVE, id="stats", revision=3)
    await here.ask("chen", PUBLISH, id="stats")
    application = await here.ask("li", APPLY, input=WANTED)
    await here.ask("wang", DECIDE, id=application["id"], revision=1, answers=ANSWERS)
    await here.ask(
        "zhou", 'mutation { freeze(of: CALLER, names: ["app:planner"], reason: "incident:2026-7") { number } }'
    )
    await here.read_record("30700503/1.name", "500101199001010011")
    await here.ask("deng", RECORD, input=RESTORED)


def sections_of(evidence: dict[str, Any]) -> dict[str, list[dict[str, str | None]]]:
    return {
        each["name"]: [dict(zip(each["headings"], row, strict=True)) for row in each["rows"]]
        for each in evidence["sections"]
    }


async def test_an_auditor_sees_accounts_roles_versions_grants_stops_ledger_and_backups_of_a_period(here: City) -> None:
    await a_busy_day(here)
    found = sections_of(await here.ask("qian", EVIDENCE, why=WHY))
    (chen,) = [row for row in found["accounts"] if row["account"] == "user:chen"]
    assert (chen["department"], chen["credential"], chen["state"]) == ("reform", "key chen", "valid")
    (approving,) = [row for row in found["roles"] if row["rule"] == "C-2"]
    assert approving["held by"] == "user:chen (reform) user:zhou (reform)"
    duties = {row["account"]: (row["duties"], row["fault"]) for row in found["separation of duties"]}
    assert duties["user:qian"] == ("audit", None)
    assert duties["user:deng"] == ("operating", None)
    versions = [(row["version"], row["author"], row["approvers"]) for row in found["policy versions"]]
    assert versions[:2] == [("1", "user:chen", ""), ("2", "user:chen", "user:zhou")]
    assert {(row["signature"], row["chain"]) for row in found["policy versions"]} == {("verified", "whole")}
    assert {(row["who"], row["reason"], row["by"]) for row in found["emergency stops"]} == {
        ("app:planner", "incident:2026-7", "user:zhou"),
    }  # fmt: skip
    (grant,) = found["grants"]
    assert (grant["applicant"], grant["provider"], ADDRESS in str(grant["items"])) == ("welfare", "police", True)
    assert "granted by user:wang" in str(grant["steps"])
    (ledger,) = found["ledgers"]
    assert (ledger["verified"], "reads granted 2" in str(ledger["of them"])) == ("intact", True), (
        "her own look included"
    )
    (test,) = found["backup tests"]
    assert (test["step"], test["passed"], test["by"], test["document"]) == (
        "restore", "yes", "user:deng", "渝数备〔2026〕4号",
    )  # fmt: skip


async def test_a_past_period_s_report_is_the_same_whenever_it_is_made_and_by_command(
    here: City, run: Run, tmp_path: Path
) -> None:
    await a_busy_day(here)
    here.move_to(FRIDAY + timedelta(days=5))
    first = await here.ask("qian", EVIDENCE, why=WHY)
    assert "500101199001010011" not in json.dumps(first)
    here.move_to(FRIDAY + timedelta(days=50))
    await here.ask("deng", RECORD, input={**RESTORED, "day": "2026-11-01"})
    assert (await here.ask("qian", EVIDENCE, why=WHY))["digest"] == first["digest"]

    config = settings_over(tmp_path)
    period = ("--config", config, "--from", "2026-09-18", "--to", "2026-09-20")
    told = expect_done(run("evidence", *period, "--format", "json"))
    assert json.loads(told.out)["digest"] == first["digest"]
    assert expect_done(run("evidence", *period)).out == first["markdown"]
    csv = expect_done(run("evidence", *period, "--format", "csv")).out
    assert f"report,1,digest,{first['digest']}\n" in csv
    assert "backup tests,1,document,渝数备〔2026〕4号\n" in csv
    expect_done(run("evidence", *period, "--format", "xlsx", "--output", tmp_path / "evidence.xlsx"))
    book = openpyxl.load_workbook(tmp_path / "evidence.xlsx")
    assert book.sheetnames == [each["name"] for each in first["sections"]]
    assert [cell.value for cell in book["backup tests"][2]][1:5] == ["restore", "policy store", "2026-09-18", "yes"]
    assert run("evidence", *period, "--format", "xlsx").code == 2


async def test_what_does_not_verify_is_a_fault_of_the_report(here: City, run: Run, tmp_path: Path) -> None:
    await a_busy_day(here)
    here.move_to(FRIDAY + timedelta(days=5))
    async with here.store._database.write() as transaction:
        await transaction.execute(
            "UPDATE policy_ledger SET body = replace(body, 'user:chen', 'user:zhou') WHERE number = 2"
        )
        await transaction.execute("UPDATE policy_version SET note = 'another' WHERE number = 2")
    config = settings_over(tmp_path)
    told = run(
        "evidence", "--config", config, "--from", "2026-09-18", "--to", "2026-09-20", "--output", tmp_path / "e.md"
    )
    assert told.code == 1
    assert "policy versions, 2: signature: VERSION_UNVERIFIED" in told.err
    assert "ledgers, policy and access: verified: LEDGER_ALTERED: The ledger was altered at record 2." in told.err


async def test_a_role_of_a_credential_that_joins_duties_is_a_fault_of_the_report(
    here: City, run: Run, tmp_path: Path
) -> None:
    config = settings_over(tmp_path)
    callers = tmp_path / "callers.toml"
    asserting = 'subject = "user:qian"\nroles = ["role:operator"]\n'
    callers.write_text(callers.read_text().replace('subject = "user:qian"\n', asserting))
    here.move_to(FRIDAY + timedelta(days=5))
    said = run("evidence", "--config", config, "--from", "2026-09-18", "--to", "2026-09-20")
    assert said.code == 1
    assert "user:qian: fault: roles of its credential make it join audit and operating" in said.err


async def test_an_opening_stands_in_later_periods_where_it_was_granted_and_not_where_it_was_refused(here: City) -> None:
    item = "30700504/2.fullAddress"
    wanted = {
        "applicant": "app:planner", "use": "route planning", "purpose": "research", "items": [item],
        "begins": "2026-10-08", "ends": "2027-10-07", "termsAccepted": True,
    }  # fmt: skip
    take_in = "mutation ($i: OpeningInput!) { takeInOpening(input: $i) { id } }"
    decide = """mutation ($id: ID!, $granted: [String!]!, $reason: String) {
      decideOpening(id: $id, revision: 1, granted: $granted, reason: $reason) { state } }"""
    granted = await here.ask("he", take_in, i=wanted)
    refused = await here.ask("he", take_in, i={**wanted, "use": "another route"})
    await here.ask("sun", decide, id=granted["id"], granted=[item])
    await here.ask("sun", decide, id=refused["id"], granted=[], reason="the route is not planned")
    here.move_to(FRIDAY + timedelta(days=50))

    async def shown(**period: str) -> set[str | None]:
        found = sections_of(await here.ask("qian", EVIDENCE, why=WHY, **period))
        return {row["application"] for row in found["openings"]}

    assert await shown() == {granted["id"], refused["id"]}
    assert await shown(first="2026-10-10", last="2026-10-31") == {granted["id"]}


async def test_only_auditors_see_it_and_only_operators_write_tests_down(here: City) -> None:
    for who in ("chen", "deng", "li"):
        assert (await here.refused(who, EVIDENCE, why=WHY))[0] == "ACT_FORBIDDEN"
    assert (await here.refused("qian", EVIDENCE, why=" "))[0] == "BAD_REQUEST"
    backwards = {"why": WHY, "first": "2026-09-20", "last": "2026-09-18"}
    assert (await here.refused("qian", EVIDENCE, **backwards))[0] == "BAD_REQUEST"
    for who in ("chen", "qian", "li"):
        assert (await here.refused(who, RECORD, input=RESTORED))[0] == "ACT_FORBIDDEN"
    for wrong in ({"document": " "}, {"store": ""}, {"day": "2026-10-01"}, {"passed": False}):
        assert (await here.refused("deng", RECORD, input={**RESTORED, **wrong}))[0] == "MATTER_INCOMPLETE"


def settings_over(folder: Path, catalogue: Path | None = None) -> Path:
    """The settings of a gateway over the city's store."""
    assert isinstance(KEY, HmacKey)
    (folder / "key").write_text(f"{KEY.id}:{KEY.secret.decode()}")
    (folder / "persons").write_text(PERSON_KEY.decode())
    callers = [
        f'[[callers]]\nsubject = "{subject}"\nkind = "{kind}"\n'
        + (f'department = "{department}"\n' if department else "")
        + f'[[callers.keys]]\nid = "{name}"\nsha256 = "{hash_api_key(key_of(name))}"\n'
        for name, (subject, kind, department) in PEOPLE.items()
    ]
    (folder / "callers.toml").write_text("".join(callers))
    config = folder / "watersmeet.toml"
    config.write_text(
        '[access]\nstore = "policy.db"\nstore_key = "key"\nperson_key = "persons"\ncallers = "callers.toml"\n'
        'zone = "extranet"\n' + (f'catalogue = "{catalogue}"\n' if catalogue is not None else "")
    )
    return config
