"""Operating, policy and audit are kept apart: by the lint, and at the console for the roles of a credential."""

import pytest

from gateway.admin.errors import ACT_FORBIDDEN
from gateway.admin.rights import LEDGER, Rights
from policies.console import ConsoleAct
from policies.errors import CodedError
from policies.lines import PolicyVersion, parse_policy, with_catalogue
from policies.lint import lint
from policies.publication import Person
from policies.tables import compile_published

CONSOLE = """
p2, C-1, role:administrator, propose, policy, allow
p2, C-2, role:auditor, audit, ledger, allow
p2, C-3, role:operator, operate, system, allow
p2, C-4, dept:police, decide, share:conditional, allow
g, user:chen, role:administrator, reform
g, user:qian, role:auditor, audit
g, user:deng, role:operator, centre
"""


def found(extra: str) -> list[tuple[str, str]]:
    """Where the lint finds duties joined, and whose, in these lines after the console's."""
    first = len(CONSOLE.splitlines()) + 1
    findings = lint(with_catalogue(parse_policy(CONSOLE + extra), {}))
    return [
        (
            f"+{int(finding.place.removeprefix('line ')) - first}",
            finding.message.split(" joins ")[0].split(" operates ")[0],
        )
        for finding in findings
        if finding.code == "E-DUTIES"
    ]


@pytest.mark.parametrize(
    ("lines", "where", "who"),
    [
        ("g, user:chen, role:auditor, reform\n", "+0", "user:chen"),
        ("g, user:chen, role:auditor, audit\n", "+0", "user:chen"),
        ("g, user:deng, role:auditor, centre\n", "+0", "user:deng"),
        ("g, user:deng, role:administrator, centre\n", "+0", "user:deng"),
        ("g, user:qian, dept:police, police\n", "+0", "user:qian"),
        ("p2, C-9, user:qian, approve, policy, allow\n", "+0", "user:qian"),
        ("p2, C-9, role:auditor, operate, system, allow\n", "+0", "role:auditor"),
        ("g, role:all, role:auditor, x\ng, role:all, role:operator, x\ng, user:li, role:all, x\n", "+1", "role:all"),
        ("g, user:li, role:a, x\ng, role:a, role:auditor, x\ng, user:li, role:operator, x\n", "+2", "user:li"),
    ],
    ids=[
        "policy and audit", "in two departments", "operating and audit", "operating and policy", "audit and answers",
        "by a line of the own", "of a whole role", "where it begins and not all below it", "behind a role",
    ],
)  # fmt: skip
def test_no_account_joins_two_of_operating_policy_and_audit(lines: str, where: str, who: str) -> None:
    assert found(lines) == [(where, who)]


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "p2, C-9, role:administrator, approve, policy, allow\np2, C-8, role:administrator, freeze, policy, allow\n",
        "p2, C-9, role:auditor, freeze, policy, allow\n",
        "p2, C-9, role:auditor, operate, system, deny\n",
        "g, user:deng, public, -\np, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:x, allow\n",
    ],
    ids=[
        "as they are",
        "within one duty",
        "a stop is nobody's alone",
        "a deny gives none",
        "what is open to everybody",
    ],
)
def test_what_one_account_may_join(lines: str) -> None:
    assert found(lines) == []


def test_who_operates_the_system_reads_no_data() -> None:
    shared = "p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:x, allow\n"
    assert found(f"{shared}g, user:deng, dept:centre, centre\ng, dept:centre, gov, centre\n") == [("+1", "user:deng")]


def test_a_role_that_the_credential_asserts_beside_counts_too() -> None:
    rights = Rights(tuple(line.tokens for line in parse_policy(CONSOLE)), {})
    assert rights.audits(Person("user:qian", "audit"))
    asserting = Person("user:qian", "audit", frozenset({"role:operator"}))
    assert not rights.audits(asserting)
    assert rights.of(asserting) == ()
    with pytest.raises(CodedError, match="joins the duties of audit, operating") as caught:
        rights.demand(asserting, ConsoleAct.AUDIT, (LEDGER,))
    assert caught.value.code is ACT_FORBIDDEN


def test_a_version_published_before_that_was_refused_still_serves_its_data() -> None:
    lines = tuple(line.tokens for line in parse_policy(CONSOLE + "g, user:chen, role:auditor, reform\n"))
    tables = compile_published(PolicyVersion.of(1, lines), {})
    assert [finding.code for finding in tables.findings if finding.is_error] == ["E-DUTIES"]
    assert Rights(lines, {}).of(Person("user:chen", "reform")) == (), "and the console refuses who joins them"


def test_a_console_line_published_before_its_act_was_checked_gives_nothing_and_stops_nothing() -> None:
    lines = tuple(line.tokens for line in parse_policy(CONSOLE + "p2, C-9, role:auditor, adit, ledger, allow\n"))
    tables = compile_published(PolicyVersion.of(1, lines), {})
    assert [finding.code for finding in tables.findings if finding.is_error] == ["E-ACT"]
    assert ("p2", "C-9", "role:auditor", "adit", "ledger", "allow") not in {line.tokens for line in tables.lines}
