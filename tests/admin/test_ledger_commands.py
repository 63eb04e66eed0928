"""An auditor at the command line: what a caller read, who read a person's record, and the chain verified offline."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog_sync.chongqing_days import date_in_chongqing
from policies.records import all_records
from tests.admin.office import City, city
from tests.admin.test_evidence import settings_over
from tests.catalogue.entry_text import EXAMPLES
from tests.support.command_line import Run, Said, expect_done, run

__all__ = ["run"]
NAME, RESIDENT, OTHER = "30700503/1.name", "500101199001010011", "500101198502020022"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as made:
        await made.read_record(NAME, RESIDENT)
        await made.read_record(NAME, OTHER)
        yield made


def read_in(said: Said) -> list[tuple[str, list[str]]]:
    return [(row["caller"], row["items"]) for row in map(json.loads, expect_done(said).out.splitlines())]


async def test_who_read_a_persons_record_is_found_and_not_who_looked_that_up(
    here: City, run: Run, tmp_path: Path
) -> None:
    reads = "query ($person: String!, $why: String!) { personReads(identity: $person, why: $why) { facts } }"
    assert len(await here.ask("qian", reads, person=RESIDENT, why="a citizen asked")) == 1
    config = settings_over(tmp_path)
    search = ("ledger", "search", "--config", config)
    assert read_in(run(*search, "--subject", RESIDENT)) == [("app:benefits", [NAME])]
    assert len(read_in(run(*search, "--caller", "app:benefits"))) == 2
    assert read_in(run(*search, "--caller", "user:qian")) == [("user:qian", ["ledger"])]
    assert read_in(run(*search, "--resource", "30700504/2")) == []
    assert RESIDENT not in expect_done(run(*search)).out


async def test_who_operates_writes_tests_of_backups_down_and_nobody_else_does(
    here: City, run: Run, tmp_path: Path
) -> None:
    config = settings_over(tmp_path, catalogue=EXAMPLES)
    record = ("ledger", "record-test", "--config", config, "--step", "restore", "--store", "registry")
    told = run(*record, "--document", "渝数备〔2026〕5号", "--as", "user:deng@centre")
    assert expect_done(told).out.endswith("passed on " + str(date_in_chongqing()) + "\n")
    vague = run(*record, "--document", "x", "--as", "user:deng@centre", "--failed")
    assert (vague.code, "says in `note` what was wrong" in vague.err) == (1, True)
    other = run(*record, "--document", "x", "--as", "user:chen@reform")
    assert (other.code, other.err.partition(":")[0]) == (1, "ACT_FORBIDDEN")
    (kept,) = await here.store.matters("backup-test")
    assert json.loads(kept.body)["document"] == "渝数备〔2026〕5号"
    last = [record async for record in all_records(here.store)][-1].facts()
    assert (last["act"], last["person"], last["after"]) == ("restore test", "user:deng", "passed")


async def test_an_export_is_verified_without_the_store_and_every_change_is_found(
    here: City, run: Run, tmp_path: Path
) -> None:
    export, config = tmp_path / "ledger.jsonl", settings_over(tmp_path)
    expect_done(run("ledger", "export", "--config", config, "-o", export))
    told = expect_done(run("ledger", "verify", "--file", export)).out
    assert told.startswith("3 records intact; anchor 3:")
    anchor = told.strip().rpartition(" ")[2]
    lines = export.read_text(encoding="utf-8").splitlines(keepends=True)
    assert expect_done(run("ledger", "verify", "--file", export, "--anchor", anchor)).out == told
    for forged, says in (
        ([lines[0], lines[1].replace("benefits", "planners"), lines[2]], "altered at record 2"),
        ([lines[0], lines[2]], "altered at record 2"),
        (lines[:2], "ends before record 3, which was anchored"),
    ):
        export.write_text("".join(forged), encoding="utf-8")
        said = run("ledger", "verify", "--file", export, "--anchor", anchor)
        assert (said.code, says in said.err) == (1, True), said.err
