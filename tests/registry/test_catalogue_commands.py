"""Journey 6: a catalogue officer's update, from a workbook with three problems to a version in force."""

import getpass
import json
import socket
from pathlib import Path

import openpyxl

from tests.catalogue.entry_text import EXAMPLES
from tests.catalogue.offices import bring_into_force, office
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]
OFFICER, REVIEWER = "user:li@11500000XXXX0006X1", "user:wu@11500000XXXX00019X"


def change_cells(book: Path, changes: dict[tuple[int, str], str], **of_the_resource: str) -> None:
    """Writes values into cells, by row and heading; those of the resource into all of its rows."""
    opened = openpyxl.load_workbook(book)
    sheet = opened.active
    headings = {cell.value: cell.column for cell in sheet[1]}
    everywhere = {(row, heading): value for heading, value in of_the_resource.items() for row in (2, 3, 4)}
    for (row, heading), value in {**everywhere, **changes}.items():
        sheet.cell(row, headings[heading]).value = value
    opened.save(book)


def test_an_officers_update_is_mended_returned_corrected_and_released(tmp_path: Path, run: Run) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        [entry] = [each for each in here.in_force() if each.provider.name == "重庆市交通局"]
    at = ("--registry", tmp_path / "registry.db")
    identity = entry.id
    book = tmp_path / "own.xlsx"
    (tmp_path / "own.yaml").write_text(run("catalogue", "show", identity, "--content", *at).out)
    expect_done(run("catalogue", "export", tmp_path / "own.yaml", book))

    change_cells(book, {(3, "数据类型"): "文字", (4, "数据长度"): "很长"}, 更新周期="经常")
    drafting = (
        "catalogue",
        "draft",
        book,
        "--as",
        OFFICER,
        "--event",
        "law-amended",
        "--document",
        "渝府令〔2026〕7号",
    )
    wrong = run(*drafting, *at)
    assert wrong.code == 1
    problems = [line for line in wrong.err.splitlines() if line.startswith("own.xlsx:")]
    assert [line.partition("]")[0] for line in problems] == [
        "own.xlsx:2 [更新周期", "own.xlsx:3 [数据类型", "own.xlsx:4 [数据长度",
    ]  # fmt: skip
    assert "CATALOGUE_INVALID: 3 problems" in wrong.err

    change_cells(book, {(3, "数据类型"): "字符串型C", (4, "数据长度"): "19"}, 更新周期="每日")
    assert expect_done(run(*drafting, *at)).out == f"{identity} version 2 is draft\n"
    owed = expect_done(run("catalogue", "due", *at))
    assert f"C1 {identity} v2 重庆市交通局: 15 working days left" in owed.out
    expect_done(run("catalogue", "submit", "--all", "--as", OFFICER, *at))
    unsaid = run("catalogue", "return", identity, "--as", REVIEWER, "--reason", " ", *at)
    assert (unsaid.code, unsaid.err.partition(":")[0]) == (1, "REASON_NEEDED")
    expect_done(run("catalogue", "return", identity, "--as", REVIEWER, "--reason", "更新周期应为每月", *at))

    change_cells(book, {}, 更新周期="每月")
    expect_done(run(*drafting, *at))
    expect_done(run("catalogue", "submit", identity, "--as", OFFICER, *at))
    assert run("catalogue", "accept", identity, "--as", "user:li@11500000XXXX00019X", *at).code == 1
    expect_done(run("catalogue", "accept", identity, "--as", REVIEWER, *at))
    released = run("catalogue", "release", identity, "--as", REVIEWER, *at)
    assert expect_done(released).out == f"{identity} version 2 is released\n"
    shown = json.loads(run("catalogue", "show", identity, "--format", "json", *at).out)
    assert [(each["number"], each["state"]) for each in shown["versions"]] == [(1, "withdrawn"), (2, "released")]
    assert ("cycle", "实时", "每月") in [(each["path"], each["before"], each["after"]) for each in shown["changes"]]
    acts = run("catalogue", "history", identity, *at).out
    assert " return version 2: 更新周期应为每月\n" in acts
    assert " revise version 2" in acts


def test_a_whole_catalogue_is_brought_over_in_the_names_of_its_providers(tmp_path: Path, run: Run) -> None:
    at = ("--registry", tmp_path / "registry.db")
    everybody = ("--as", "user:migration@*")
    drafted = run("catalogue", "draft", EXAMPLES, *everybody, "--event", "created", "--document", "迁移方案", *at)
    assert len(expect_done(drafted).out.splitlines()) == 12
    expect_done(run("catalogue", "submit", "--all", *everybody, *at))
    listed = json.loads(run("catalogue", "list", "--state", "submitted", "--format", "json", *at).out)
    ids = [each["id"] for each in listed["entries"]]
    expect_done(run("catalogue", "accept", *ids, "--as", REVIEWER, *at))
    lacking = run("catalogue", "release", *ids, "--as", REVIEWER, *at)
    assert lacking.code == 1
    assert "is to be opened and has no secrecy review as it is written" in lacking.err
    by = ("--result", "fit", "--basis", "保守国家秘密法", "--document", "审1", *at)
    opened = [identity for identity in ids if run("catalogue", "reviews", identity, *at).code == 1]
    for kind in ("secrecy", "deidentification"):
        expect_done(run("catalogue", "review", *opened, "--as", f"user:{kind}@*", "--kind", kind, *by))
    assert run("catalogue", "reviews", opened[0], *at).code == 0
    again = ("catalogue", "review", opened[0], "--as", "user:deidentification@*", "--kind", "deidentification")
    expect_done(run(*again, "--result", "unfit", *by[2:]))
    told = run("catalogue", "reviews", opened[0], *at)
    assert (told.code, told.out.splitlines()[-1].partition(":")[2]) == (1, " deidentification")
    expect_done(run(*again, *by))
    expect_done(run("catalogue", "release", *ids, "--as", REVIEWER, *at))
    assert len(run("catalogue", "list", "--state", "released", *at).out.splitlines()) == 12
    again = run("catalogue", "draft", EXAMPLES, *everybody, "--event", "created", "--document", "迁移方案", *at)
    assert (again.out, "12 say the same as before" in again.err) == ("", True)
    bus = "cq-tr-bus-arrival"
    foreign = run("catalogue", "withdraw", bus, "--as", REVIEWER, "--reason", "职能划转", *at)
    assert (foreign.code, foreign.err.partition(":")[0]) == (1, "NOT_YOURS")
    expect_done(run("catalogue", "withdraw", bus, "--as", OFFICER, "--reason", "职能划转", *at))
    assert run("catalogue", "history", bus, *at).out.splitlines()[-1].endswith("withdraw version 1: 职能划转")


def test_a_report_of_the_year_drills_down_to_its_events(tmp_path: Path, run: Run) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
    at = ("--registry", tmp_path / "registry.db", "--from", "2026-01-01", "--until", "2026-12-31")
    told = expect_done(
        run("catalogue", "assess", "11500000XXXX000519", *at, "--figure", "catalogue submissions in time")
    )
    assert told.out.splitlines() == [
        "catalogue submissions in time: 2 of 2 (100.0 %)",
        "    2026-11-23 catalogue submitted cq-ca-marriage version 1",
        "    2026-11-23 catalogue submitted cq-ca-social-organisation version 1",
    ]
    for name in ("report.csv", "report.xlsx", "report.md"):
        expect_done(run("catalogue", "assess", *at, "-o", tmp_path / name))
    assert "| resources catalogued | 2 |" in (tmp_path / "report.md").read_text()
    assert run("catalogue", "assess", "nobody", *at).code == 2
    assert run("catalogue", "assess", *at, "--weight", "luck=1").code == 2


def test_a_registry_is_searched_and_says_who_has_what_at_which_tier(tmp_path: Path, run: Run) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
    at = ("--registry", tmp_path / "registry.db")
    assert "艾滋病病例个案信息" in expect_done(run("catalogue", "search", "艾滋病", "病例", *at)).out
    found = expect_done(run("catalogue", "obtainable", "residentId", "婚姻状态", *at)).out
    assert "公民身份号码 (30700503/1.residentId) of 重庆市公安局: unconditional" in found
    assert "婚姻状态 (30700507/1.maritalStatus) of 重庆市民政局: conditional" in found
    assert run("catalogue", "obtainable", "血型", *at).code == 1
    assert expect_done(run("catalogue", "search", EXAMPLES, "艾滋病", "病例")).out.startswith("30700512/1")
    assert run("catalogue", "search", "艾滋病").code == 2


def test_the_ledger_says_by_whose_hand_a_person_who_is_only_named_acted(tmp_path: Path, run: Run) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
    at, bus = ("--registry", tmp_path / "registry.db"), "cq-tr-bus-arrival"
    expect_done(run("catalogue", "withdraw", bus, "--as", OFFICER, "--reason", "职能划转", *at))
    last = run("catalogue", "history", bus, *at).out.splitlines()[-1]
    assert f"), unproved: by {getpass.getuser()} on {socket.gethostname()} withdraw version 1" in last
