"""A draft's faults are found before anybody is hurt, each named by line and with the way to mend it."""
# ruff: noqa: E501 - a policy line is one line

import re
from pathlib import Path

import pytest

import policies.lint
from catalog_sync.closed_lists import Opening, Sharing
from policies.callers import Caller, CallerKind
from policies.errors import CodedError
from policies.items import ItemTiers
from policies.lines import parse_policy, with_catalogue
from policies.lint import Finding, lint
from policies.tables import compile_lines
from tests.policies.sample_policy import NOW, SAMPLE

SAMPLE_LENGTH = len(SAMPLE.splitlines())
GRANT = "p, Q-1, dept:welfare, z:gov, audit, tax.income.amount, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:1, allow\n"
DENY = "p, D-1, dept:welfare, z:gov, *, tax.income.amount, *, *, 0000, 9999, risk:r, deny\n"


def findings(extra: str, text: str = SAMPLE) -> list[Finding]:
    return list(lint(with_catalogue(parse_policy(text + extra), {}), NOW))


def test_the_sample_policy_is_clean() -> None:
    assert findings("") == []


PLANTED = {
    "E-WIDTH": GRANT.replace("request:1, ", ""),
    "E-PTYPE": "pp" + GRANT[1:],
    "E-EFT": GRANT.replace("allow", "Allow"),
    "E-ACT": GRANT.replace("read", "look"),
    "E-CHARS": GRANT.replace("request:1", "request 1"),
    "E-TIME": GRANT.replace("2027-01-01T00:00:00Z", "2027-01-01"),
    "E-EMPTYTIME": GRANT.replace("2027-01-01", "2026-01-01"),
    "E-DUPID": GRANT.replace("Q-1,", "Q-0042,"),
    "E-TIER": "g2, tax.income.amount, share:unconditional\n",
    "E-DEPTH": "".join(f"g, n:{i}, n:{i + 1}, a\n" for i in range(8)),
    "E-PUBLIC": GRANT.replace("dept:welfare", "public"),
    "E-NOBASIS": GRANT.replace("request:1", "because"),
    "E-NOEXPIRY": GRANT.replace("2027-01-01T00:00:00Z", "9999"),
    "E-NOPURPOSE": GRANT.replace("audit", "*"),
    "E-NARROWDENY": DENY.replace("*, *, 0000", "read, *, 0000"),
    "E-WIDEALLOW": GRANT.replace("tax.income.amount", "share:conditional"),
    "E-ROWS": GRANT.replace("read, *", "read, rows:deceased"),
    "E-APART": "apart, X-1, dept:welfare, tax.income/*, none, risk:r\n",
    "E-CALLS": "calls, Q-1, many, risk:r\n",
    "E-DUTIES": "p2, C-3, user:ada, audit, ledger, allow\np2, C-4, user:ada, approve, policy, allow\n",
    "E-LICENCE": GRANT.replace("dept:welfare", "app:trip-planner").replace("tax.income.amount", "lib.book.title")
    + "g2, lib.book.title, share:unconditional\ng2, lib.book.title, open:open+licence/lib.book/terms:2026-01-01\n",
    "W-NOBODY": GRANT.replace("dept:welfare", "dept:typo"),
    "W-NOITEM": GRANT.replace("tax.income.amount", "tax.income.typo"),
    "W-NOZONE": GRANT.replace("z:gov", "z:moon"),
    "W-DEAD": GRANT + DENY,
    "W-REDUNDANT": GRANT + GRANT.replace("Q-1,", "Q-2,"),
    "W-EXPIRED": GRANT.replace("2027-01-01", "2026-02-01"),
    "I-PARTLY-DENIED": GRANT.replace("tax.income.amount", "tax.income/*") + DENY,
}


# Faults of several lines together, which rightly show on another line, or on two.
ELSEWHERE = ("E-TIER", "E-DEPTH", "E-DUTIES", "W-REDUNDANT", "W-DEAD", "I-PARTLY-DENIED")


def test_every_code_of_the_lint_is_planted_here_and_told_to_administrators() -> None:
    source = Path(policies.lint.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'"([EWI]-[A-Z-]+)"', source))
    page = (Path(__file__).parents[2] / "docs" / "policy-administrators.md").read_text(encoding="utf-8")
    assert codes == set(PLANTED)
    assert codes <= set(re.findall(r"`([EWI]-[A-Z-]+)`", page))


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_fault_is_found(code: str) -> None:
    found = findings(PLANTED[code])
    assert code in {finding.code for finding in found}
    assert all(finding.message.strip() for finding in found)


@pytest.mark.parametrize("code", [code for code in PLANTED if code not in ELSEWHERE])
def test_a_finding_names_its_line_and_no_other_fault_is_invented(code: str) -> None:
    found = [finding for finding in findings(PLANTED[code]) if finding.is_error == code.startswith("E-")]
    assert {finding.code for finding in found} == {code}
    assert {finding.place for finding in found} == {f"line {SAMPLE_LENGTH + 1}"}


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (GRANT.replace("2027-01-01T00:00:00Z", "2027-02-30T00:00:00Z"), "E-TIME"),
        (GRANT.replace("read", "masked:nothing"), "E-ACT"),
        ("p2, C-3, user:ada, aprove, policy, allow\n", "E-ACT"),
        (GRANT.replace("read", "*"), "E-WIDEALLOW"),
        (GRANT.replace("tax.income.amount", "health.visit.diagnosis"), "E-NOBASIS"),
        (GRANT.replace("Q-1,", "A-1,"), "E-PUBLIC"),
        (DENY.replace("z:gov, *", "z:gov, audit"), "E-NARROWDENY"),
        (DENY.replace("*, *, 0000", "*, rows:own-claimants, 0000"), "E-NARROWDENY"),
        ("rows, rows:broken, tax.income, {\n", "E-ROWS"),
        ('rows, rows:other, tax.income, {"op": "absent", "item": "typo"}\n', "E-ROWS"),
        ('rows, rows:own-claimants, tax.income, {"op": "absent", "item": "band"}\n', "E-ROWS"),
        ('rows, other, tax.income, {"op": "absent", "item": "band"}\n', "E-ROWS"),
        ("g2, new.item.x, share:conditional\n", "E-TIER"),
        ("g2, new.item.x, share:conditional\ng2, new.item.x, open:open\n", "E-TIER"),
        ("g2, a, b\ng2, b, a\n", "E-DEPTH"),
        ("g, public, gov, -\n", "E-PUBLIC"),
        (GRANT.replace("dept:welfare", "app:trip-planner"), "E-PUBLIC"),
        ("g, anon, dept:welfare, welfare\n", "E-PUBLIC"),
        ("g, app:trip-planner, gov, -\n", "E-PUBLIC"),
        ("g, app:trip-planner, dept:x, -\ng, dept:x, gov, -\n", "E-PUBLIC"),
    ],
)
def test_each_fault_has_several_faces(extra: str, code: str) -> None:
    assert code in {finding.code for finding in findings(extra)}


def test_a_deny_in_one_zone_does_not_kill_a_grant_in_two() -> None:
    found = findings(GRANT + DENY.replace("z:gov", "z:extranet"))
    assert "W-DEAD" not in {finding.code for finding in found}


def test_of_two_equal_rules_one_is_called_redundant() -> None:
    found = [finding for finding in findings(GRANT + GRANT.replace("Q-1,", "Q-2,")) if finding.code == "W-REDUNDANT"]
    assert [finding.place for finding in found] == [f"line {SAMPLE_LENGTH + 2}"]


def test_errors_come_first() -> None:
    found = findings(GRANT.replace("dept:welfare", "dept:typo") + GRANT.replace("allow", "Allow"))
    assert [finding.code[0] for finding in found] == ["E", "W"]


def test_a_policy_with_errors_is_not_compiled_and_all_of_them_are_told() -> None:
    with pytest.raises(CodedError) as caught:
        compile_lines("x", parse_policy(SAMPLE + PLANTED["E-EFT"] + PLANTED["E-ACT"]), {})
    assert caught.value.code.name == "POLICY_INVALID"
    assert f"line {SAMPLE_LENGTH + 1}: E-EFT" in caught.value.message
    assert f"line {SAMPLE_LENGTH + 2}: E-ACT" in caught.value.message


def test_an_item_that_was_withdrawn_warns_and_takes_nothing_else_down() -> None:
    items = {"30700503/1.name": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)}
    lines = "".join(f"g2, 30700503/1.{alias}, set:eligibility\n" for alias in ("name", "withdrawn"))
    grant = GRANT.replace("tax.income.amount", "set:eligibility").replace("z:gov", "z:any")
    policy = parse_policy(f"{lines}{grant}g3, intranet, z:any\ng, app:x, dept:welfare, welfare\n")
    findings = lint(with_catalogue(policy, items))
    assert [(finding.code, finding.place) for finding in findings] == [("W-NOITEM", "line 2")]
    tables = compile_lines("x", policy, items)
    view = tables.view(Caller(CallerKind.APPLICATION, "app:x", "welfare", zone="intranet", purpose="audit"), NOW)
    assert view.readable("30700503/1.name")
    assert not view.readable("30700503/1.withdrawn")


@pytest.mark.parametrize("group", ["30700502/1/*", "share:unconditional", "open:open", "own"])
def test_the_catalogues_sets_are_not_a_policys_to_fill(group: str) -> None:
    items = {"30700503/1.name": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)}
    for item in ("30700503/1.name", "30700503/2.sealed"):
        findings = lint(with_catalogue(parse_policy(f"g2, {item}, {group}\n"), items))
        assert ("E-TIER", "line 1") in [(finding.code, finding.place) for finding in findings]


def test_what_is_open_masked_is_never_given_to_the_public_unmasked() -> None:
    items = {"30700504/2.longitude": ItemTiers(Sharing.UNCONDITIONAL, Opening.OPEN, "grid_100m")}
    zone, when = "g3, internet, z:any\n", "0000, 2030-01-01T00:00:00Z, request:1, allow\n"
    for who, what, act, found in (
        ("public", "30700504/2.longitude", "read", True),
        ("app:mapper", "30700504/2/*", "filter", True),
        ("public", "open:open+grid_100m", "read", True),
        ("app:mapper", "30700504/2.longitude", "masked:grid_100m", False),
        ("dept:welfare", "30700504/2.longitude", "read", False),
    ):
        text = f"{zone}g, app:mapper, public, -\np, Q-1, {who}, z:any, maps, {what}, {act}, *, {when}"
        codes = {finding.code for finding in lint(with_catalogue(parse_policy(text), items))}
        assert ("E-PUBLIC" in codes) is found, (who, what, act)


def test_a_file_cannot_move_an_item_to_another_tier_than_the_catalogues() -> None:
    items = {"30700503/1.address": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)}
    lines = parse_policy("g2, 30700503/1.address, share:unconditional\n")
    assert "E-TIER" in {finding.code for finding in lint(with_catalogue(lines, items))}
