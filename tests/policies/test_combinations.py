"""Combinations of items that one operation may not use: as lines, in tables, before Casbin, and in an edit."""

from dataclasses import replace
from itertools import chain
from itertools import combinations as choose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decisions import Judge
from policies.drafts import persons_needed
from policies.explain import explain
from policies.ledger import Outcome, ReadFacts, RecordKind, next_record
from policies.lines import parse_policy, with_catalogue
from policies.lint import lint
from policies.proof import Together, combinations_exceeded, prove
from policies.simulation import recorded_operations, what_if
from policies.views import Act
from tests.policies.sample_policy import NOW, SAMPLE, caller, sample_tables

NAME, ADDRESS, STOP = "person.profile.name", "person.profile.address", "transport.stop.name"
WHO = "".join(f"g2, {item}, set:who\n" for item in (NAME, ADDRESS, STOP))
APART = "apart, X-1, dept:welfare, set:who, 2, risk:R-21\n"
LINE = len((SAMPLE + WHO).splitlines()) + 1


def codes(lines: str) -> set[tuple[str, str]]:
    return {(found.code, found.place) for found in lint(with_catalogue(parse_policy(SAMPLE + WHO + lines), {}), NOW)}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (APART.replace(", 2,", ", 0,"), "E-APART"),
        (APART.replace(", 2,", ", two,"), "E-APART"),
        (APART.replace("set:who", NAME), "E-APART"),
        (APART.replace("X-1", "R-1"), "E-CHARS"),
        (APART.replace("risk:R-21", "because"), "E-NOBASIS"),
        (APART.replace(", risk:R-21", ""), "E-WIDTH"),
        (APART.replace("dept:welfare", "dept:typo"), "W-NOBODY"),
        (APART.replace("set:who", "set:none"), "W-NOITEM"),
        (APART.replace(", 2,", ", 3,"), "W-DEAD"),
    ],
)
def test_each_fault_of_a_combination_is_found_at_its_line(line: str, code: str) -> None:
    assert codes(line) == {(code, f"line {LINE}")}


def test_of_two_combinations_where_one_refuses_all_that_the_other_does_the_other_is_redundant() -> None:
    weaker = "g2, person.profile.name, set:two\ng2, person.profile.address, set:two\n"
    weaker += "apart, X-2, dept:welfare, set:two, 1, risk:r\n"
    assert codes(APART + weaker) == {("W-REDUNDANT", f"line {LINE}")}, (
        "one of the two at most is two of the three at most"
    )
    assert codes(APART + weaker.replace(", 1,", ", 2,")) == {("W-DEAD", f"line {LINE + 3}")}
    assert codes(APART + APART.replace("X-1", "X-2")) == {("W-REDUNDANT", f"line {LINE + 1}")}
    assert codes(APART + APART) == {("E-DUPID", f"line {LINE + 1}"), ("W-REDUNDANT", f"line {LINE + 1}")}
    assert codes(APART.replace(", 2,", ", 1,") + APART.replace("X-1", "X-2")) == {("W-REDUNDANT", f"line {LINE + 1}")}


def test_tables_and_casbin_count_alike_whatever_is_asked_together() -> None:
    tables = sample_tables(
        f"{WHO}{APART}apart, X-2, public, set:who, 1, risk:r\napart, X-3, gov, person.profile/*, 1, risk:r\n"
    )
    judge = Judge(line.tokens for line in tables.lines)
    everything = (NAME, ADDRESS, STOP, "tax.income.band", "no.such.item")
    sets = list(chain.from_iterable(choose(everything, count) for count in range(len(everything) + 1)))
    seen = set()
    for who in (
        ("app:benefits-portal", "welfare"),
        ("app:lottery-crm", "lottery"),
        ("anon", "-"),
        ("user:ada", "audit"),
    ):
        for items in sets:
            by_tables = combinations_exceeded(tables, Together(*who, items), NOW)
            assert by_tables == judge.too_many(*who, items), (who, items)
            seen |= {(who[0], rule) for rule in by_tables}
    assert seen == {
        ("app:benefits-portal", "X-1"), ("app:benefits-portal", "X-3"), ("app:lottery-crm", "X-3"), ("anon", "X-2"),
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_combinations_over_any_sets_are_counted_alike(data: st.DataObject) -> None:
    items = [NAME, ADDRESS, STOP, "tax.income.band", "econ.cpi.index"]
    lines = ""
    for number in range(data.draw(st.integers(1, 4))):
        held = data.draw(st.sets(st.sampled_from(items), min_size=1))
        who = data.draw(
            st.sampled_from(["public", "anon", "gov", "dept:welfare", "app:benefits-portal", "app:trip-planner"])
        )
        lines += "".join(f"g2, {item}, set:n{number}\n" for item in sorted(held))
        lines += f"apart, X-{number}, {who}, set:n{number}, {data.draw(st.integers(1, 3))}, risk:r\n"
    tables = sample_tables(lines)
    judge = Judge(line.tokens for line in tables.lines)
    asked = tuple(data.draw(st.sets(st.sampled_from(items))))
    for who, department in (("app:benefits-portal", "welfare"), ("anon", "-"), ("app:trip-planner", "-")):
        together = Together(who, department, asked)
        assert combinations_exceeded(tables, together, NOW) == judge.too_many(who, department, asked)


def test_the_proof_asks_about_each_combination_and_finds_tables_that_forgot_one() -> None:
    tables = sample_tables(WHO + APART)
    assert prove(sample_tables(WHO + APART), NOW, samples=0).differences == ()
    tables.combinations = tuple(replace(each, most=3) for each in tables.combinations)
    differences = prove(tables, NOW, samples=0).differences
    assert differences
    assert all(isinstance(found.question, Together) for found in differences)


def test_what_if_says_who_may_no_longer_read_what_together_and_which_operations_flip() -> None:
    before, after = sample_tables(WHO), sample_tables(WHO + APART)
    facts = ReadFacts(
        caller="app:benefits-portal", department="welfare", zone="intranet", outcome=Outcome.GRANTED,
        policy_version="1", graph_version="1", items=(NAME, ADDRESS, STOP), operation="Everything",
    )  # fmt: skip
    recorded = recorded_operations([next_record(None, NOW, RecordKind.READ, facts)])
    found = what_if(before, after, NOW, recorded)
    (change,) = found.changes
    assert change.subjects == ("app:benefits-portal (welfare)",)
    assert (change.act, change.gained) == ("together", ())
    assert change.lost == (f"X-1: at most 2 of {ADDRESS}, {NAME}, {STOP} in one operation (risk:R-21)",)
    assert {(flip.operation, flip.allowed_now) for flip in found.flips} == {("Everything", True)}
    assert not found.widens
    back = what_if(after, before, NOW, recorded)
    assert back.widens
    assert {flip.allowed_now for flip in back.flips} == {False}


def test_letting_the_public_read_more_together_takes_three_persons() -> None:
    def needed(before: str, after: str) -> int:
        lines = [tuple(line.tokens for line in parse_policy(SAMPLE + text)) for text in (before, after)]
        return persons_needed(lines[0], lines[1], sample_tables(after))

    public = APART.replace("dept:welfare", "public")
    assert needed(WHO + public, WHO) == 3
    assert needed(WHO + public, WHO.replace(f"g2, {STOP}, set:who\n", "") + public) == 3
    assert needed(WHO + APART, WHO) == 2


def test_an_item_tells_with_which_others_it_is_not_read() -> None:
    (verdict,) = explain(sample_tables(WHO + APART), caller("app:benefits-portal", "welfare"), [(NAME, Act.READ)], NOW)
    assert verdict.allowed
    assert verdict.apart == (f"X-1: at most 2 of {ADDRESS}, {NAME}, {STOP} in one operation (risk:R-21)",)
