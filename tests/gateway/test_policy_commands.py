"""An edit of the policy by commands, from a draft to live and back, as a pipeline and two people would take it."""

import getpass
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from tests.catalogue.entry_text import EXAMPLES
from tests.support.command_line import Run, expect_done, run

__all__ = ["run"]
NAME, ADDRESS = "30700503/1.name", "30700503/1.registeredAddress"
POLICY = """
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a9, allow
g, app:benefits, dept:welfare, welfare
g, dept:welfare, gov, welfare
g3, extranet, z:gov
g3, extranet, z:any
g, user:chen, role:administrator, reform
g, user:zhou, role:administrator, reform
p2, C-1, role:administrator, propose, policy, allow
p2, C-2, role:administrator, approve, policy, allow
p2, C-3, role:administrator, freeze, policy, allow
p2, C-4, role:administrator, propose, share:conditional, allow
p2, C-5, role:administrator, approve, share:conditional, allow
"""
GRANT = (
    f"p, Q-1, dept:welfare, z:gov, joint-work, {ADDRESS}, read, *, "
    "2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:1, allow\n"
)
TESTS = f"""
- {{name: benefits reads addresses, subject: app:benefits, department: welfare, zone: extranet, purpose: joint-work,
   item: {ADDRESS}, allowed: true}}
- {{name: not without the purpose, subject: app:benefits, department: welfare, zone: extranet, item: {ADDRESS},
   allowed: false}}
"""
CHEN, ZHOU = ("--as", "user:chen@reform"), ("--as", "user:zhou@reform")
APP = ("--as", "app:benefits@welfare", "--purpose", "joint-work")


class Console:
    """The folder of an operator, and ``watersmeet policy`` in it."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.run = run
        self.folder = folder
        self.config = self.write(
            "watersmeet.toml",
            f'[access]\nstore = "policy.db"\nstore_key = "key"\nperson_key = "persons"\ncatalogue = "{EXAMPLES}"\n',
        )
        self.write("key", "console:a-secret-of-the-console-for-tests")
        self.write("persons", "a-secret-for-persons-in-the-ledger-for-tests")

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def __call__(self, command: str, *arguments: object):
        return self.run("policy", command, *arguments, "--config", self.config)

    def done(self, command: str, *arguments: object) -> str:
        return expect_done(self(command, *arguments)).out


@pytest.fixture
def policy(tmp_path: Path, run: Run) -> Console:
    console = Console(tmp_path, run)
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC)):
        assert "1-" in console.done("install", console.write("first.csv", POLICY), *CHEN)
    return console


def test_an_edit_goes_from_a_draft_to_live_by_two_persons_and_back(policy: Console) -> None:
    edited, tests = policy.write("edited.csv", POLICY + GRANT), policy.write("tests.yaml", TESTS)
    assert policy("preview", ADDRESS, *APP).code == 1
    assert policy.done("lint", edited) == ""
    assert "passed  benefits reads addresses\npassed  not without the purpose\n" in policy.done(
        "test", edited, "--tests", tests
    )
    assert f"  + {ADDRESS}\n" in policy.done("what-if", edited)
    assert policy("what-if", edited, "--refuse-widening").code == 1

    started = policy.done("draft", edited, *CHEN, "--id", "addresses", "--note", "claims", "--tests", tests)
    assert started == "draft addresses, revision 2, needs 2 persons\n"
    assert policy("preview", ADDRESS, *APP).code == 1, "nothing is live yet"
    seen = policy.done("preview", ADDRESS, *APP, "--draft", "addresses")
    assert seen.startswith(f"allowed  {ADDRESS}  read: 30700503/1: plain by Q-1")
    assert policy("publish", "addresses", *CHEN).code == 1
    policy.done("propose", "addresses", *CHEN)
    assert policy("approve", "addresses", *CHEN, "--revision", "3").code == 1, "not one's own"
    assert policy("approve", "addresses", *ZHOU, "--revision", "2").code == 1, "not what was looked at"
    approved = policy.done("approve", "addresses", *ZHOU, "--revision", "3")
    assert approved == "draft addresses has 1 approvals; it can be published\n"
    assert "2-" in policy.done("publish", "addresses", *CHEN)
    assert policy.done("preview", NAME, ADDRESS, *APP).count("allowed") == 2

    assert policy("rollback", "1", *CHEN, "--approver", "user:chen@reform", "--note", "back").code == 1
    assert "3-" in policy.done("rollback", "1", *CHEN, "--approver", "user:zhou@reform", "--note", "claims are closed")
    assert policy("preview", ADDRESS, *APP).code == 1
    listed = json.loads(policy.done("list", "--format", "json"))
    assert [(each["id"], each["state"]) for each in listed["drafts"]] == [("addresses", "published")]
    assert [each["number"] for each in listed["versions"]] == [3, 2, 1]
    assert listed["versions"][1]["persons"] == ["user:chen", "user:zhou"]


def test_the_ledger_says_of_every_act_by_command_that_nobody_proved_who_acted(policy: Console) -> None:
    policy.done("draft", policy.write("edited.csv", POLICY + GRANT), *CHEN, "--id", "addresses", "--note", "claims")
    policy.done("propose", "addresses", *CHEN)
    policy.done("discard", "addresses", *CHEN)
    policy.done("freeze", "caller", "app:benefits", *ZHOU, "--note", "incident:2026-7")
    exported = policy.folder / "ledger.jsonl"
    expect_done(policy.run("ledger", "export", "-o", exported, "--config", policy.config))
    acts = [json.loads(line)["body"] for line in exported.read_text(encoding="utf-8").splitlines()]
    assert [act["act"] for act in acts] == [
        "install", "draft started", "draft edited", "draft proposed", "draft discarded", "freeze",
    ]  # fmt: skip
    assert [act["person"] for act in acts] == ["user:chen"] * 5 + ["user:zhou"]
    assert {act["unproved"] for act in acts} == {f"by {getpass.getuser()} on {socket.gethostname()}"}
    assert "6 records intact" in expect_done(policy.run("ledger", "verify", "--file", exported)).out


def test_an_acceptance_of_a_licence_is_recorded_by_command_and_opens_the_resource_to_who_accepted(
    tmp_path: Path, run: Run
) -> None:
    console = Console(tmp_path, run)
    entries = (EXAMPLES / "twelve_entries.yaml").read_text(encoding="utf-8")
    named = entries.replace("open: {value: true}", "open: {value: true, licence: open-government-registered}", 1)
    (tmp_path / "licensed").mkdir()
    (tmp_path / "licensed" / "entries.yaml").write_text(named, encoding="utf-8")
    settings = console.config.read_text(encoding="utf-8")
    console.write("watersmeet.toml", settings.replace(str(EXAMPLES), str(tmp_path / "licensed")))
    public = "p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow\n"
    console.done("install", console.write("first.csv", POLICY + public + "g, anon, public, -\n"), *CHEN)

    name, planner = "30700502/1.name", ("--as", "app:planner", "--zone", "extranet")
    assert "LICENCE_REQUIRED" in console("preview", name, "--as", "anon").out
    accepted = ("accept-licence", "app:planner", "30700502/1", *CHEN, "--document", "letter 7", "--licence")
    older = console(*accepted, "open-government-registered:2017-01-01")
    assert (older.code, older.err.partition(":")[0]) == (1, "MATTER_INCOMPLETE")
    assert "the licence in force is open-government-registered:2018-05-05" in older.err
    assert "is live: app:planner accepted" in console.done(*accepted, "open-government-registered:2018-05-05")
    assert "before" in console.done(*accepted, "open-government-registered:2018-05-05")
    assert console.done("preview", name, *planner).startswith(f"allowed  {name}  read: 30700502/1: plain by A-licence-")
    assert "LICENCE_REQUIRED" in console("preview", name, "--as", "anon").out
    exported = tmp_path / "ledger.jsonl"
    expect_done(run("ledger", "export", "-o", exported, "--config", console.config))
    told = json.loads(exported.read_text(encoding="utf-8").splitlines()[-1])["body"]
    assert (told["person"], told["unproved"][:3], "letter 7" in told["reason"]) == ("user:chen", "by ", True)


def test_a_preview_speaks_the_language_asked_for_or_that_of_the_locale_and_says_the_same_codes(policy: Console) -> None:
    chinese = policy("preview", ADDRESS, *APP, "--language", "zh")
    assert chinese.out == f"refused  {ADDRESS}  read: GRANT_REQUIRED: 须取得提供部门的授权。\n"
    arguments = ("policy", "preview", ADDRESS, *APP, "--config", policy.config)
    assert policy.run(*arguments, language="zh_CN.UTF-8").out == chinese.out
    assert "It needs a grant of the provider." in policy.run(*arguments, "--language", "en", language="zh_CN.UTF-8").out
    (told,) = json.loads(policy("preview", NAME, *APP, "--language", "zh", "--format", "json").out)["verdicts"]
    assert (told["allowed"], told["explanation"]) == (True, "30700503/1：依 T-gov 提供原值")


def test_a_rollback_that_the_catalogue_no_longer_allows_names_its_lines_and_leaves_a_draft_to_mend(
    policy: Console,
) -> None:
    policy.done("draft", policy.write("edited.csv", POLICY + GRANT), *CHEN, "--id", "addresses", "--note", "claims")
    policy.done("propose", "addresses", *CHEN)
    policy.done("approve", "addresses", *ZHOU, "--revision", "3")
    policy.done("publish", "addresses", *CHEN)
    back = ("--approver", "user:zhou@reform")
    policy.done("rollback", "1", *CHEN, *back, "--note", "claims are closed")
    closed = "basis: {document: 某法, article: 第九条, quote: 不得提供, review: 2027-06-01}"
    entries = (EXAMPLES / "twelve_entries.yaml").read_text(encoding="utf-8")
    shared = "share: conditional, condition: 限行政依据、业务协同用途, flag: personal, mask: district"
    assert f"en: registeredAddress, t: C, len: 200, {shared}" in entries
    stricter = policy.folder / "stricter"
    stricter.mkdir()
    shut = entries.replace(f"len: 200, {shared}", f"len: 200, share: not_shared, {closed}, flag: personal")
    (stricter / "entries.yaml").write_text(shut, encoding="utf-8")
    policy.write("watersmeet.toml", policy.config.read_text(encoding="utf-8").replace(str(EXAMPLES), str(stricter)))

    refused = policy("rollback", "2", *CHEN, *back, "--note", "claims are open again")
    assert refused.code == 1
    assert refused.err.startswith("ROLLBACK_UNLAWFUL: Version 2 cannot be live as it was")
    assert f"line 13: E-NOBASIS: {ADDRESS} is not shared" in refused.err
    assert "[p, Q-1, dept:welfare]" in refused.err
    assert policy("rollback", "2", *CHEN, "--note", "one way or the other").err.startswith("SETTINGS_INVALID: Give")
    drafted = expect_done(policy("rollback", "2", *CHEN, "--draft", "again", "--note", "claims are open again"))
    assert drafted.out == "draft again, revision 1, has what is still lawful of version 2\n"
    assert drafted.err.startswith(f"# left out: E-NOBASIS: {ADDRESS} is not shared")
    assert "Q-1" in policy.done("show", "--draft", "again")
    policy.done("propose", "again", *CHEN)
    assert policy("preview", ADDRESS, *APP).code == 1


def test_a_stop_needs_one_person_and_a_decision_of_a_past_day_is_judged_by_what_was_live_then(policy: Console) -> None:
    stop = ("freeze", "caller", "app:benefits", *ZHOU, "--note", "incident:2026-7", "--hours")
    too_long = policy(*stop, "73")
    assert (too_long.code, "ends within 72 hours" in too_long.err) == (1, True)
    policy.done(*stop, "1")
    now = policy("preview", NAME, *APP)
    assert (now.code, "FROZEN" in now.out) == (1, True)
    assert policy.done("preview", NAME, *APP, "--at", "2026-11-21T00:00:00Z").startswith("allowed")
    before = policy("preview", NAME, *APP, "--at", "2026-11-19T00:00:00Z")
    assert (before.code, before.err) == (1, "DRAFT_REFUSED: No policy was live at 2026-11-19T00:00:00Z.\n")


def test_what_is_wrong_stops_a_pipeline_with_its_line(policy: Console) -> None:
    mistyped = policy.write("mistyped.csv", POLICY + GRANT.replace("allow\n", "alow\n"))
    found = policy("lint", mistyped)
    assert (found.code, found.out.partition(": ")[0]) == (1, "line 14")
    told = json.loads(policy("lint", mistyped, "--format", "json").out)
    assert (told["errors"], told["findings"][0]["code"]) == (1, "E-EFT")
    failing = policy("test", policy.write("same.csv", POLICY), "--tests", policy.write("tests.yaml", TESTS))
    assert (failing.code, failing.out.splitlines()[0]) == (
        1,
        "failed  benefits reads addresses (expected it to be allowed)",
    )
    kept_apart = f"g2, {NAME}, set:w\ng2, 30700503/1.sex, set:w\napart, X-1, dept:welfare, set:w, 1, risk:r\n"
    apart = policy.write("apart.csv", POLICY + kept_apart)
    both = policy("preview", NAME, "30700503/1.sex", *APP, "--file", apart)
    assert (both.code, "refused  together: X-1: at most 1 of" in both.out) == (1, True)


def test_tests_stay_with_a_draft_that_is_written_again(policy: Console) -> None:
    tests = policy.write("tests.yaml", TESTS)
    edited = policy.write("edited.csv", POLICY + GRANT)
    policy.done("draft", edited, *CHEN, "--id", "a", "--note", "claims", "--tests", tests)
    dropped = policy("draft", policy.write("again.csv", POLICY), *CHEN, "--id", "a")
    assert (dropped.code, dropped.err.partition(":")[0]) == (1, "POLICY_TESTS_FAILED")
    assert policy.done("draft", edited, *CHEN, "--id", "a") == "draft a, revision 4, needs 2 persons\n"
    assert policy.done("discard", "a", *CHEN) == "draft a is given up\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("preview", "30700503/1.typo", *APP), 2, "No released entry holds 30700503/1.typo"),
        (("preview", NAME, "--as", "benefits"), 1, "a caller is written app:NAME@DEPARTMENT"),
        (("preview", NAME, *APP, "--at", "yesterday"), 2, "2026-10-01T00:00:00Z"),
        (("lint",), 2, "Name a file of policy lines, or --draft ID"),
        (("what-if", "--draft", "none"), 1, "There is no draft none; there are: none."),
        (("propose", "none", *CHEN), 1, "There is no draft none"),
        (("propose", "none", "--as", "user:chen"), 1, "user:NAME@DEPARTMENT"),
        (("show", "--version", "9"), 1, "There is no policy version 9"),
    ],
)
def test_wrong_usage_is_one_message_that_says_how_it_is_written(
    policy: Console, arguments: tuple[str, ...], code: int, says: str
) -> None:
    said = policy(*arguments)
    assert (said.code, says in " ".join(said.err.replace("│", " ").split())) == (code, True), said.err


def test_a_malformed_test_is_named_with_its_form(policy: Console) -> None:
    tests = policy.write("tests.yaml", "- {name: x, subject: app:benefits, item: i}\n")
    said = policy("test", policy.write("p.csv", POLICY), "--tests", tests)
    assert said.code == 1
    assert "missing required field `allowed`" in said.err
    assert "A test is written {name:" in said.err
