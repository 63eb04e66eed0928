"""The judge and the tables agree with what the policy's authors wrote down, decision by decision."""
# ruff: noqa: E501 - a decision is one line

import random

import casbin
import pytest

from policies.decisions import MODEL, Judge, Question
from policies.lines import Tokens, time_of, time_text
from tests.policies.random_policies import random_caller, random_moment, random_needs, random_policy
from tests.policies.sample_policy import caller, sample_tables

TABLES = sample_tables()
JUDGE = Judge(line.tokens for line in TABLES.lines)
NOON = "2026-11-22T12:00:00Z"

# subject, department, zone, purpose, item, act, rows, now, result, rule
DECISIONS = [
    ("app:benefits-portal", "welfare", "intranet", None, "person.profile.name", "read", "all", NOON, True, "T-gov"),
    ("app:benefits-portal", "welfare", "extranet", None, "person.profile.name", "read", "all", NOON, True, "T-gov"),
    ("app:benefits-portal", "welfare", "internet", None, "person.profile.name", "read", "all", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", None, "person.profile.address", "read", "all", NOON, True, "T-gov"),
    ("app:benefits-portal", "welfare", "extranet", None, "person.profile.address", "read", "all", NOON, False, "D-0003"),
    ("app:benefits-portal", None, "intranet", None, "person.profile.name", "read", "all", NOON, False, None),
    ("app:benefits-portal", "lottery", "intranet", None, "person.profile.name", "read", "all", NOON, False, None),
    ("app:lottery-crm", "lottery", "intranet", None, "person.profile.name", "read", "all", NOON, False, "D-0001"),
    ("app:lottery-crm", "lottery", "intranet", None, "person.profile.name", "filter", "all", NOON, False, "D-0001"),
    ("app:lottery-crm", "lottery", "intranet", None, "person.profile.name", "read", "all", "2026-11-03T07:59:59Z", True, "T-gov"),
    ("app:lottery-crm", "lottery", "intranet", None, "person.profile.name", "read", "all", "2026-11-03T08:00:00Z", False, "D-0001"),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", NOON, True, "Q-0042"),
    ("app:benefits-portal", "welfare", "extranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", NOON, True, "Q-0042"),
    ("app:benefits-portal", "welfare", "internet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "all", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:deceased", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", None, "tax.income.band", "read", "rows:own-claimants", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", "research", "tax.income.band", "read", "rows:own-claimants", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", "2027-07-01T00:00:00Z", False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", "2027-06-30T23:59:59Z", True, "Q-0042"),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", "2026-06-30T23:59:59Z", False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.band", "read", "rows:own-claimants", "2026-07-01T00:00:00Z", True, "Q-0042"),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.amount", "read", "rows:own-claimants", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.amount", "filter", "rows:own-claimants", NOON, True, "Q-0060"),
    ("app:benefits-portal", "welfare", "intranet", "eligibility-check", "tax.income.amount", "filter", "all", NOON, False, None),
    ("user:ada", "audit", "intranet", "statutory-audit", "tax.income.amount", "read", "all", NOON, True, "Q-0051"),
    ("user:ada", "audit", "intranet", "statutory-audit", "tax.income.amount", "read", "rows:own-claimants", NOON, True, "Q-0051"),
    ("user:ada", "audit", "extranet", "statutory-audit", "tax.income.amount", "read", "all", NOON, False, None),
    ("user:ada", "welfare", "intranet", "statutory-audit", "tax.income.amount", "read", "all", NOON, False, None),
    ("app:trip-planner", None, "internet", "journey-planning", "transport.stop.delay", "read", "all", NOON, True, "A-0007"),
    ("app:trip-planner", None, "internet", None, "transport.stop.delay", "read", "all", NOON, False, None),
    ("anon", None, "internet", "journey-planning", "transport.stop.delay", "read", "all", NOON, False, None),
    ("anon", None, "internet", None, "transport.stop.name", "read", "all", NOON, True, "T-open"),
    ("anon", None, "internet", None, "econ.cpi.index", "read", "all", "2026-12-15T09:29:59Z", False, "D-0002"),
    ("anon", None, "internet", None, "econ.cpi.index", "read", "all", "2026-12-15T09:30:00Z", True, "T-open"),
    ("app:morgue", "coroner", "intranet", "inquest", "health.visit.diagnosis", "read", "rows:deceased", NOON, True, "L-0003"),
    ("app:morgue", "coroner", "intranet", "inquest", "health.visit.diagnosis", "read", "all", NOON, False, None),
    ("app:cohort-study", "stats", "intranet", "official-statistics", "health.visit.diagnosis", "aggregate", "all", NOON, True, "Q-0061"),
    ("app:cohort-study", "stats", "intranet", "official-statistics", "health.visit.diagnosis", "read", "all", NOON, False, None),
    ("app:benefits-portal", "welfare", "intranet", None, "person.profile.unlisted", "read", "all", NOON, False, None),
    ("anon", None, "internet", None, "person.profile.unlisted", "read", "all", NOON, False, None),
    ("app:benefits-portal", "welfare", "basement", None, "person.profile.name", "read", "all", NOON, False, None),
]  # fmt: skip


@pytest.mark.parametrize("row", DECISIONS, ids=lambda row: f"{row[0]} {row[5]} {row[4]} {row[3]} {row[2]} {row[7]}")
def test_casbin_and_tables_decide_as_written(
    row: tuple[str, str | None, str, str | None, str, str, str, str, bool, str],
) -> None:
    subject, department, zone, purpose, item, act, rows, now, allowed, rule = row
    who = caller(subject, department, zone, purpose)
    decision = JUDGE.decide(Question.of(who, item, act, rows, now))
    assert decision.allowed is allowed
    if rule is not None:
        assert decision.rule == rule
    assert TABLES.view(who, time_of(now)).allows(item, act, rows) is allowed


def test_nobody_approves_the_own_draft() -> None:
    assert JUDGE.may("user:tom", "tax", "approve", "tax.income.band", author="user:sue")
    assert not JUDGE.may("user:tom", "tax", "approve", "tax.income.band", author="user:tom")
    assert not JUDGE.may("user:sue", "tax", "approve", "tax.income.band", author="user:tom")
    assert JUDGE.may("user:sue", "tax", "propose", "tax.income.band", author="user:sue")
    assert not JUDGE.may("user:tom", "audit", "approve", "tax.income.band", author="user:sue")


def test_roles_of_the_credential_count_for_its_question_alone() -> None:
    steward, approver = frozenset({"role:steward"}), frozenset({"role:approver"})
    asked = ("user:new", "tax", "propose", "tax.income.band")
    assert not JUDGE.may(*asked)
    assert JUDGE.may(*asked, roles=steward)
    assert not JUDGE.may(*asked, roles=approver)
    assert not JUDGE.may(*asked), "nothing of the question before is left"
    assert JUDGE.may("user:new", "tax", "approve", "tax.income.band", "user:sue", steward | approver)


def test_a_role_of_the_credential_does_not_let_anybody_approve_the_own_draft() -> None:
    roles = frozenset({"role:approver"})
    assert not JUDGE.may("user:new", "tax", "approve", "tax.income.band", "user:new", roles)


def test_a_deny_beats_what_a_role_of_the_credential_allows() -> None:
    judge = Judge(
        [*(line.tokens for line in TABLES.lines), ("p2", "C-3", "user:new", "propose", "tax.income/*", "deny")]
    )
    assert not judge.may("user:new", "tax", "propose", "tax.income.band", roles=frozenset({"role:steward"}))


def whole_casbin(lines: list[Tokens]) -> casbin.Enforcer:
    """Casbin over all lines at once, its own role managers, nothing of ours between."""
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    for section, kind in (("p", "p"), ("g", "g"), ("g", "g2"), ("g", "g3")):
        enforcer.model[section][kind].policy = [list(line[1:]) for line in lines if line[0] == kind]
    enforcer.build_role_links()
    return enforcer


def test_the_judge_on_slices_says_what_casbin_says_on_everything() -> None:
    chance, allowed = random.Random("slices"), 0
    for _ in range(9):
        policy = random_policy(chance)
        lines = [line.tokens for line in policy.tables.lines]
        judge, whole = Judge(lines), whole_casbin(lines)
        for _ in range(40):
            who, moment = random_caller(chance), time_text(random_moment(chance, policy))
            _, needs = random_needs(chance, policy)
            for item, act in needs:
                question = Question.of(who, item, act, chance.choice(["all", "rows:a"]), moment)
                values = [getattr(question, name) for name in Question.__dataclass_fields__]
                said = bool(whole.enforce(*values))
                assert judge.decide(question).allowed is said, question
                allowed += said
    assert allowed > 20
