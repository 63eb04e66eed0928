"""What Casbin does silently, and the fence before each: first the trap as it is, then how it is kept out."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import casbin
import pytest
from casbin.rbac.default_role_manager import RoleManager
from casbin.util import key_match2_func, key_match_func, regex_match_func

from policies import decisions
from policies.decisions import MODEL, Judge, Question
from policies.errors import MODEL_ALTERED, CodedError
from policies.explain import explain
from policies.lines import parse_policy, with_catalogue
from policies.lint import lint
from policies.proof import prove
from policies.tables import compile_lines
from policies.views import Act
from tests.policies.sample_policy import NOW, SAMPLE, caller, sample_tables

LINKS = [["app:x", "dept:a", "a"], ["dept:a", "gov", "a"]]


def bare_casbin(rules: list[list[str]], model: str = MODEL) -> casbin.Enforcer:
    """Casbin without our fences."""
    parsed = casbin.Model()
    parsed.load_model_from_text(model)
    enforcer = casbin.Enforcer(parsed)
    enforcer.model["p"]["p"].policy = rules
    enforcer.model["g"]["g"].policy = LINKS
    enforcer.model["g"]["g2"].policy = [["r.i", "share:unconditional"]]
    enforcer.model["g"]["g3"].policy = [["intranet", "z:any"]]
    enforcer.build_role_links()
    return enforcer


def asks(enforcer: casbin.Enforcer) -> bool:
    return bool(enforcer.enforce("app:x", "a", "intranet", "none", "r.i", "read", "all", "2026-11-22T12:00:00Z"))


def codes(text: str) -> set[str]:
    return {finding.code for finding in lint(with_catalogue(parse_policy(text), {}))}


ALLOW = ["T-1", "gov", "z:any", "*", "share:unconditional", "read", "*", "0000", "9999", "statute:x", "allow"]
DENY = ["D-1", "gov", "z:any", "*", "share:unconditional", "*", "*", "0000", "9999", "risk:x", "deny"]


def test_a_mistyped_deny_is_no_rule_to_casbin_so_the_lint_refuses_it() -> None:
    assert not asks(bare_casbin([ALLOW, DENY]))
    assert asks(bare_casbin([ALLOW, [*DENY[:-1], "Deny"]])), "the trap: the deny is gone"
    assert "E-EFT" in codes(SAMPLE.replace("risk:R-17, deny", "risk:R-17, Deny"))


def test_a_short_line_breaks_every_decision_of_casbin_so_the_lint_refuses_it() -> None:
    with pytest.raises(RuntimeError):
        asks(bare_casbin([ALLOW[:-1]]))
    assert "E-WIDTH" in codes(SAMPLE.replace(", risk:R-17, deny", ", deny"))


def test_an_unknown_kind_of_line_is_dropped_by_casbins_loader_so_the_lint_refuses_it(tmp_path: Path) -> None:
    file = tmp_path / "policy.csv"
    file.write_text("p9, D-1, gov, z:any, *, x, *, *, 0000, 9999, r, deny\n", encoding="utf-8")
    (tmp_path / "model.conf").write_text(MODEL, encoding="utf-8")
    enforcer = casbin.Enforcer(str(tmp_path / "model.conf"), str(file))
    assert enforcer.get_policy() == [], "the trap: nothing said"
    assert "E-PTYPE" in codes(SAMPLE + "p9, D-1, gov, z:any, *, x, *, *, 0000, 9999, risk:r, deny\n")


def test_an_empty_policy_can_allow_so_a_sentinel_stands_in_every_slice() -> None:
    always = MODEL.replace("m  = ", "m  = r.sub == r.sub || ")
    assert asks(bare_casbin([], always)), "the trap: no rule, and yes"
    judge = Judge([])
    question = Question("app:x", "a", "intranet", "none", "r.i", "read", "all", "2026-11-22T12:00:00Z")
    assert not judge.decide(question).allowed
    assert not judge.may("app:x", "a", "approve", "r.i")
    assert any(line.tokens[1] == "D-9999" for line in compile_lines("x", (), {}).lines)


def test_commas_and_brackets_never_reach_casbin() -> None:
    for odd in ("risk:a(b", "risk:a)b", 'risk:"a"', "risk:a b", "risk:a'b", "risk:é"):
        assert "E-CHARS" in codes(SAMPLE.replace("risk:R-17", odd))
    assert "E-WIDTH" in codes(SAMPLE.replace("risk:R-17", "risk:a,b")), "a comma adds a column, and that is seen"


def test_the_matcher_is_fixed_and_a_changed_model_stops_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "eval(" not in MODEL
    monkeypatch.setattr(decisions, "MODEL", MODEL.replace("r.now < p.exp", "r.now <= p.exp"))
    with pytest.raises(CodedError) as caught:
        Judge([])
    assert caught.value.code.name == "MODEL_ALTERED"


def test_an_eval_in_a_matcher_would_open_every_item() -> None:
    with_eval = MODEL.replace("m  = ", "m  = eval(p.basis) && ")
    injected = [*ALLOW[:4], "nothing", *ALLOW[5:9], "True) or (True", "allow"]
    assert asks(bare_casbin([injected], with_eval)), "the trap: a value of a rule became code"
    assert "E-CHARS" in codes(SAMPLE.replace("statute:sharing-act-s5", "True) or (True"))


def test_pattern_functions_match_more_than_they_seem_to_so_names_are_exact() -> None:
    assert key_match_func("land/parcel/owner", "land/*/name"), "the trap: everything after the star is ignored"
    assert key_match2_func("incomeXamount", "income.amount"), "the trap: a point stands for anything"
    assert regex_match_func("income.amounts", "income.amount"), "the trap: a prefix is enough"
    assert not any(function in MODEL for function in ("keyMatch", "regexMatch", "globMatch"))
    tables = sample_tables()
    view = tables.view(caller("app:benefits-portal", "welfare"), NOW)
    assert view.readable("person.profile.name")
    assert not view.readable("person.profile.names")


def test_a_deny_behind_a_long_chain_is_lost_so_chains_have_at_most_six_links() -> None:
    def chained(length: int) -> str:
        links = "".join(f"g, n:{i}, n:{i + 1}, a\n" for i in range(length))
        deny = f"p, D-7, n:{length}, z:any, *, person.profile/*, *, *, 0000, 9999, risk:r, deny\n"
        return f"g, app:deep, n:0, a\n{links}{deny}"

    lines = [line.tokens for line in parse_policy(SAMPLE + "g, app:deep, gov, a\n" + chained(12))]
    question = Question(
        "app:deep", "a", "intranet", "none", "person.profile.name", "read", "all", "2026-11-22T12:00:00Z"
    )
    assert Judge(lines).decide(question).allowed, "the trap: Casbin stopped following the chain"
    assert "E-DEPTH" in codes(SAMPLE + chained(12))
    assert "E-DEPTH" in codes(SAMPLE + "g, n:1, n:2, a\ng, n:2, n:1, a\n"), "a ring is a chain without end"
    assert "E-DEPTH" not in codes(SAMPLE + chained(5))


SMALL = """
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (g(r.sub, p.sub) || p.sub == "*") && r.obj == p.obj
"""


def casbin_of_files(folder: Path, model: str, policy: str) -> casbin.Enforcer:
    (folder / "model.conf").write_text(model, encoding="utf-8")
    (folder / "policy.csv").write_text(policy, encoding="utf-8")
    return casbin.Enforcer(str(folder / "model.conf"), str(folder / "policy.csv"))


def test_an_expired_conditional_role_is_valid_without_a_function_and_after_each_reload(
    tmp_path: Path,
) -> None:
    conditional = SMALL.replace("g = _, _", "g = _, _, (_, _)")
    enforcer = casbin_of_files(
        tmp_path, conditional, "p, dept, x, allow\ng, ada, dept, 2000-01-01 00:00:00, 2001-01-01 00:00:00\n"
    )
    assert enforcer.enforce("ada", "x"), "the trap: it ended in 2001"
    enforcer.add_named_link_condition_func("g", "ada", "dept", lambda *times: False)
    assert not enforcer.enforce("ada", "x")
    enforcer.load_policy()
    assert enforcer.enforce("ada", "x"), "the trap again"


def test_validity_is_a_pair_of_columns_and_no_conditional_role_is_defined() -> None:
    assert "(_" not in MODEL, "conditional roles would be written g = _, _, (_, _)"
    tables = sample_tables()
    who = caller("app:benefits-portal", "welfare", purpose="eligibility-check")
    last = datetime(2027, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)
    assert tables.view(who, last).readable("tax.income.band")
    assert not tables.view(who, datetime(2027, 7, 1, tzinfo=UTC)).readable("tax.income.band")


def test_a_reload_lets_a_suspended_caller_in_while_it_runs(tmp_path: Path) -> None:
    enforcer = casbin_of_files(tmp_path, SMALL, "p, *, x, allow\np, suspended, x, deny\ng, ada, suspended\n")
    seen: list[bool] = []

    class Looking(RoleManager):  # type: ignore[misc]  # Casbin has no types
        """Links at which somebody looks whenever they were cleared, as another thread would."""

        def clear(self) -> None:
            super().clear()
            seen.append(enforcer.enforce("ada", "x"))

    enforcer.set_role_manager(Looking(10))
    enforcer.build_role_links()
    assert not enforcer.enforce("ada", "x")
    seen.clear()
    enforcer.load_policy()
    assert seen == [True], "the trap: for a moment nobody belonged to anything"
    assert not enforcer.enforce("ada", "x")


def test_the_fast_enforcer_fails_at_the_question_that_names_the_rule(tmp_path: Path) -> None:
    (tmp_path / "model.conf").write_text(MODEL, encoding="utf-8")
    (tmp_path / "policy.csv").write_text(f"p, {', '.join(ALLOW)}\n", encoding="utf-8")
    fast = casbin.FastEnforcer(str(tmp_path / "model.conf"), str(tmp_path / "policy.csv"), cache_key_order=[0])
    with pytest.raises(AttributeError):
        fast.enforce_ex("app:x", "a", "intranet", "none", "r.i", "read", "all", "2026-11-22T12:00:00Z")


def test_switched_off_casbin_allows_everything(tmp_path: Path) -> None:
    enforcer = bare_casbin([ALLOW, DENY])
    assert not asks(enforcer)
    enforcer.enable_enforce(False)
    assert asks(enforcer), "the trap: no module but one knows Casbin, and that one never calls it"


def test_the_lock_holds_one_distribution_of_the_module_casbin() -> None:
    """The one named ``casbin`` stopped, installs the same module, and gives no rule for what it allows."""
    locks = [Path(__file__).parents[2] / name for name in ("requirements.lock", "requirements-dev.lock")]
    for lock in locks:
        pinned = {line.partition("==")[0] for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line}
        assert "casbin" not in pinned
    assert "pycasbin" in {line.partition("==")[0] for line in locks[0].read_text(encoding="utf-8").splitlines()}


def test_nothing_is_reloaded_in_place_so_a_reader_never_sees_half_a_policy() -> None:
    """A suspended caller is asked about without pause while versions are exchanged."""
    suspended = "p, D-8, app:benefits-portal, z:any, *, person.profile/*, *, *, 0000, 9999, incident:i, deny\n"
    current = [sample_tables(suspended)]
    who = caller("app:benefits-portal", "welfare")
    let_in: list[bool] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            let_in.append(current[0].view(who, NOW).readable("person.profile.name"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        current[0] = sample_tables(suspended)
    stop.set()
    reader.join()
    assert let_in
    assert not any(let_in)


def test_subjects_carry_a_prefix_because_every_name_belongs_to_itself() -> None:
    rules = [["T-1", "gov", *ALLOW[2:]]]
    enforcer = bare_casbin(rules)
    assert enforcer.enforce("gov", "z", "intranet", "none", "r.i", "read", "all", "2026-11-22T12:00:00Z"), "the trap"
    from policies.credentials import ApiKeys, read_register

    with pytest.raises(CodedError):
        ApiKeys(read_register({"callers": [{"subject": "gov"}]}, "test").callers)


def test_the_judge_names_one_rule_and_the_tables_name_all() -> None:
    who = caller("app:benefits-portal", "welfare")
    twice = sample_tables(
        "p, Q-77, gov, z:gov, *, person.profile.name, read, *, 0000, 2030-01-01T00:00:00Z, request:1, allow\n".replace(
            "z:gov, *,", "z:gov, none,"
        )
    )
    (verdict,) = explain(twice, who, [("person.profile.name", Act.READ)], NOW)
    rules = {rule for way in verdict.ways for rule in way.rules}
    assert rules == {"T-gov", "Q-77"}
    judge = Judge(line.tokens for line in twice.lines)
    assert judge.decide(Question.of(who, "person.profile.name", "read", "all", "2026-11-22T12:00:00Z")).rule in rules


def test_only_one_module_knows_casbin_and_it_never_switches_judging_off() -> None:
    folder = Path(decisions.__file__).parent
    importing = [
        path.name for path in sorted(folder.glob("*.py")) if "import casbin" in path.read_text(encoding="utf-8")
    ]
    assert importing == ["decisions.py"]
    text = Path(decisions.__file__).read_text(encoding="utf-8")
    for fenced in ("enable_enforce", "FastEnforcer", "AsyncEnforcer", "load_policy", "Adapter", "Watcher"):
        assert fenced not in text


def test_the_compiled_matcher_says_what_casbin_s_own_evaluation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "SPOT_CHECK", 1)  # every single evaluation is made by both
    proof = prove(sample_tables(), NOW, samples=400)
    assert proof.asked > 400
    assert proof.allowed > 50
    assert proof.differences == ()


def test_a_compiled_matcher_that_disagrees_with_casbin_ends_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "SPOT_CHECK", 1)
    names = {"r_now": "1", "p_exp": "2"}
    interpreter = casbin.Enforcer._get_expression("r_now < p_exp", {})
    matcher = decisions._Matcher(interpreter)
    assert matcher.eval(names) is True
    monkeypatch.setattr(interpreter, "eval", lambda names: False)
    with pytest.raises(CodedError) as refused:
        matcher.eval(names)
    assert refused.value.code is MODEL_ALTERED
