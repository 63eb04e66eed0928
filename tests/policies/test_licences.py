"""A licence that has to be accepted: for each resource, by each user, and never by the public as a whole."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog_sync.closed_lists import Opening, Sharing
from policies.callers import Caller, CallerKind, anonymous
from policies.errors import CodedError
from policies.items import ItemTiers
from policies.licences import accept, acceptance_lines, end
from policies.lines import PolicyVersion, parse_policy
from policies.matters import Party
from policies.proof import prove
from policies.tables import PolicyTables, compile_lines, compile_published
from policies.views import Act, Entitlement, Missing

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
STOPS, PLANS, FREE = "30700506/2", "30700506/3", "30700506/4"
TERMS, NEWER = "terms:2020-01-01", "terms:2026-12-01"
OPEN = ItemTiers(Sharing.UNCONDITIONAL, Opening.OPEN)
ITEMS = {
    f"{STOPS}.name": replace(OPEN, licence=TERMS),
    f"{STOPS}.place": replace(OPEN, licence=TERMS, mask="grid_100m"),
    f"{STOPS}.inspector": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN),
    f"{PLANS}.title": replace(OPEN, licence=TERMS),
    f"{FREE}.title": OPEN,
}
POLICY = """
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a3, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow
g, anon, public, -
g, app:planner, public, -
g, app:mapper, public, -
g, app:roads, dept:transport, transport
g, dept:transport, gov, transport
g, gov, public, transport
g3, intranet, z:gov
g3, intranet, z:any
g3, internet, z:any
"""
PLANNER, MAPPER = (Caller(CallerKind.PUBLIC, f"app:{name}", zone="internet") for name in ("planner", "mapper"))
ROADS = Caller(CallerKind.APPLICATION, "app:roads", "transport", zone="intranet")
ACCEPTED = accept("app:planner", STOPS, TERMS, ITEMS, NOW)


def text_of(acceptance=ACCEPTED) -> str:
    return "".join(", ".join(tokens) + "\n" for tokens in acceptance_lines(acceptance) if tokens[0] == "p")


def tables(extra: str = "", items=ITEMS) -> PolicyTables:
    return compile_lines("t", parse_policy(POLICY + extra), items)


def answer(of: PolicyTables, caller: Caller, *items: str, act: Act = Act.READ) -> Entitlement | Missing:
    resource = items[0].rpartition(".")[0]
    return of.view(caller, NOW).entitle(resource, frozenset((item, act) for item in items))


@pytest.mark.parametrize("caller", [anonymous("internet"), PLANNER, MAPPER], ids=str)
def test_who_has_not_accepted_sees_that_the_items_exist_and_is_told_to_accept(caller: Caller) -> None:
    view = tables().view(caller, NOW)
    assert {item for item in ITEMS if view.listed(item)} == set(ITEMS) - {f"{STOPS}.inspector"}
    refused = answer(tables(), caller, f"{STOPS}.name")
    assert isinstance(refused, Missing)
    assert refused.reason == "LICENCE_REQUIRED"


def test_what_demands_no_acceptance_is_read_by_anybody_as_ever() -> None:
    read = answer(tables(text_of()), anonymous("internet"), f"{FREE}.title")
    assert isinstance(read, Entitlement)
    assert (read.rule_ids, read.grant) == (("T-open",), None)


def test_an_acceptance_opens_that_resource_to_that_identity_and_masked_items_masked() -> None:
    under = tables(text_of())
    read = answer(under, PLANNER, f"{STOPS}.name", f"{STOPS}.place")
    assert isinstance(read, Entitlement)
    assert (read.masks, read.grant) == ({f"{STOPS}.place": "grid_100m"}, None)
    assert read.basis == (f"licence:{TERMS}",), "every read says under which version"
    for caller, item in (
        (PLANNER, f"{PLANS}.title"),
        (MAPPER, f"{STOPS}.name"),
        (anonymous("internet"), f"{STOPS}.name"),
    ):
        refused = answer(under, caller, item)
        assert isinstance(refused, Missing)
        assert refused.reason == "LICENCE_REQUIRED"
    masked = answer(under, PLANNER, f"{STOPS}.place", act=Act.FILTER)
    assert isinstance(masked, Missing)
    assert masked.reason == "ACT_NOT_GRANTED"


def test_departments_have_what_they_share_without_any_licence() -> None:
    assert isinstance(answer(tables(), ROADS, f"{STOPS}.name", f"{STOPS}.place"), Entitlement)


def test_another_version_of_the_licence_has_to_be_accepted_anew_and_one_that_asks_for_nothing_does_not() -> None:
    live = PolicyVersion.of(1, [line.tokens for line in parse_policy(POLICY + text_of())])
    newer = {name: replace(tiers, licence=tiers.licence and NEWER) for name, tiers in ITEMS.items()}
    refused = answer(compile_published(live, newer), PLANNER, f"{STOPS}.name")
    assert isinstance(refused, Missing)
    assert refused.reason == "LICENCE_REQUIRED"
    freed = {name: replace(tiers, licence=None) for name, tiers in ITEMS.items()}
    for caller in (PLANNER, anonymous("internet")):
        assert isinstance(answer(compile_published(live, freed), caller, f"{STOPS}.name"), Entitlement)


def test_a_new_item_of_the_resource_is_covered_by_the_acceptance() -> None:
    more = {**ITEMS, f"{STOPS}.lines": replace(OPEN, licence=TERMS)}
    assert isinstance(answer(tables(text_of(), more), PLANNER, f"{STOPS}.lines"), Entitlement)


@pytest.mark.parametrize(
    ("subject", "basis"),
    [("public", "statute:x"), ("anon", f"licence:{TERMS}"), ("app:mapper", "request:1"), ("app:mapper", "licence:old")],
)
def test_no_rule_gives_it_to_the_public_or_on_another_basis(subject: str, basis: str) -> None:
    rule = f"p, A-1, {subject}, z:any, any-use, {STOPS}.name, read, *, 0000, 2027-01-01T00:00:00Z, {basis}, allow\n"
    with pytest.raises(CodedError, match="E-LICENCE"):
        tables(rule)
    live = PolicyVersion.of(1, [line.tokens for line in parse_policy(POLICY + rule)])
    left = compile_published(live, ITEMS)
    assert "E-LICENCE" in {finding.code for finding in left.findings}
    assert isinstance(answer(left, MAPPER, f"{STOPS}.name"), Missing)


def test_the_tables_of_acceptances_equal_casbins_answers() -> None:
    proof = prove(tables(text_of()), NOW, 2_000)
    assert proof.differences == ()
    assert 0 < proof.allowed < proof.asked


@pytest.mark.parametrize(
    ("subject", "resource", "licence", "says"),
    [
        ("anon", STOPS, TERMS, "only a verified identity"),
        ("user:li", STOPS, TERMS, "only a verified identity"),
        ("app:planner", FREE, TERMS, "has no licence that has to be accepted"),
        ("app:planner", STOPS, NEWER, f"the licence in force is {TERMS}"),
    ],
)
def test_an_acceptance_names_the_version_in_force_and_a_verified_identity(
    subject: str, resource: str, licence: str, says: str
) -> None:
    with pytest.raises(CodedError, match=says):
        accept(subject, resource, licence, ITEMS, NOW)


def test_an_acceptance_that_an_officer_records_names_its_document_and_one_that_ended_has_no_lines() -> None:
    officer = Party("user:sun", "transport")
    with pytest.raises(CodedError, match="name the document"):
        accept("app:planner", STOPS, TERMS, ITEMS, NOW, officer)
    recorded = accept("app:planner", STOPS, TERMS, ITEMS, NOW, officer, "letter 7")
    assert recorded.id == ACCEPTED.id, "it is the same acceptance, however it came"
    ended = end(recorded, "sold as own data")
    assert acceptance_lines(ended) == ()
    with pytest.raises(CodedError, match="ended already"):
        end(ended, "again")
