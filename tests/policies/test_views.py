"""What a class of callers sees, may do, and is told when it may not."""

import gc
import weakref
from datetime import UTC, datetime

import pytest

from catalog_sync.closed_lists import Opening, Sharing
from policies.callers import Caller, CallerKind, anonymous
from policies.errors import CodedError
from policies.items import ItemTiers
from policies.lines import PolicyVersion, parse_policy
from policies.proof import prove
from policies.tables import PolicyTables, compile_lines, compile_published
from policies.views import AccessView, Act, Entitlement, Missing
from tests.policies.sample_policy import NOW, sample_tables
from tests.policies.sample_policy import caller as sample_caller

RESIDENT, ENTERPRISE, ADDRESS = "30700503/1", "30700502/1", "30700504/2"
ITEMS = {
    f"{RESIDENT}.residentId": ItemTiers(Sharing.UNCONDITIONAL, Opening.NOT_OPEN, "keep_3_4", personal=True),
    f"{RESIDENT}.address": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, "district", personal=True),
    f"{RESIDENT}.phone": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, "last_4", personal=True),
    f"{RESIDENT}.photo": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, personal=True, verify_only=True),
    f"{RESIDENT}.sealed": ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN),
    f"{ENTERPRISE}.name": ItemTiers(Sharing.UNCONDITIONAL, Opening.OPEN),
    f"{ADDRESS}.longitude": ItemTiers(Sharing.UNCONDITIONAL, Opening.OPEN, "grid_100m"),
    f"{ADDRESS}.code": ItemTiers(Sharing.UNCONDITIONAL, Opening.ON_APPLICATION),
}
PERIOD = "2026-07-01T00:00:00Z, 2027-07-01T00:00:00Z"
POLICY = f"""
p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a3, allow
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320-a3, allow
p, Q-1, dept:welfare, z:gov, eligibility-check, {RESIDENT}.address, read, rows:own, {PERIOD}, request:1, allow
p, Q-1.photo, dept:welfare, z:gov, eligibility-check, {RESIDENT}.photo, verify, rows:own, {PERIOD}, request:1, allow
p, Q-2, dept:welfare, z:gov, eligibility-check, {RESIDENT}.phone, masked:last_4, *, {PERIOD}, request:2, allow
p, A-1, app:mapper, z:any, journey-planning, {ADDRESS}.code, read, *, {PERIOD}, application:1, allow
rows, rows:own, {RESIDENT}, {{"op": "starts_with", "item": "address", "value": "重庆市"}}
g, app:benefits-portal, dept:welfare, welfare
g, app:benefits-batch, dept:welfare, welfare
g, app:roads, dept:transport, transport
g, app:rails, dept:railways, railways
g, dept:welfare, gov, welfare
g, gov, public, welfare
g, dept:transport, gov, transport
g, gov, public, transport
g, dept:railways, gov, railways
g, gov, public, railways
g, anon, public, -
g, app:mapper, public, -
g3, intranet, z:gov
g3, intranet, z:any
g3, internet, z:any
"""
PUBLIC = anonymous("internet")
ROADS = Caller(CallerKind.APPLICATION, "app:roads", "transport", zone="intranet", purpose="eligibility-check")
PORTAL = Caller(CallerKind.APPLICATION, "app:benefits-portal", "welfare", zone="intranet", purpose="eligibility-check")


def tables(extra: str = "") -> PolicyTables:
    return compile_lines("test", parse_policy(POLICY + extra), ITEMS)


def view(caller: Caller, now: datetime = NOW, extra: str = "") -> AccessView:
    return tables(extra).view(caller, now)


def listed(access: AccessView) -> set[str]:
    return {item for item in ITEMS if access.listed(item)}


def reads(resource: str, *aliases: str, act: Act = Act.READ) -> tuple[str, frozenset[tuple[str, Act]]]:
    return resource, frozenset((f"{resource}.{alias}", act) for alias in aliases)


def entitled(access: AccessView, *asked: object) -> Entitlement:
    answer = access.entitle(*reads(*asked))  # type: ignore[arg-type]
    assert isinstance(answer, Entitlement)
    return answer


def refused(access: AccessView, *asked: str, act: Act = Act.READ) -> Missing:
    answer = access.entitle(*reads(*asked, act=act))
    assert isinstance(answer, Missing)
    return answer


def test_the_public_sees_open_items_alone() -> None:
    assert listed(view(PUBLIC)) == {f"{ENTERPRISE}.name", f"{ADDRESS}.longitude"}


def test_a_developer_sees_what_an_application_opened_as_well() -> None:
    mapper = Caller(CallerKind.PUBLIC, "app:mapper", zone="internet")
    assert listed(view(mapper)) == {f"{ENTERPRISE}.name", f"{ADDRESS}.longitude", f"{ADDRESS}.code"}


def test_a_department_sees_all_it_can_read_or_apply_for_and_nothing_that_is_not_shared() -> None:
    assert listed(view(ROADS)) == set(ITEMS) - {f"{RESIDENT}.sealed"}


def test_a_department_at_the_public_listener_sees_what_the_public_sees() -> None:
    outside = Caller(CallerKind.APPLICATION, "app:roads", "transport", zone="internet")
    assert listed(view(outside)) == listed(view(PUBLIC))


def test_an_item_of_no_entry_is_not_listed_nor_readable() -> None:
    for caller in (PUBLIC, ROADS, PORTAL):
        assert not view(caller).listed(f"{RESIDENT}.unknown")
        assert not view(caller).readable(f"{RESIDENT}.unknown")
        assert refused(view(caller), RESIDENT, "unknown").items == {f"{RESIDENT}.unknown"}


def test_the_tiers_alone_suffice_for_unconditional_items_and_bring_no_row_condition() -> None:
    ground = entitled(view(PORTAL), RESIDENT, "residentId")
    assert (ground.grant, ground.rows, ground.row_filter, ground.rule_ids) == (None, "all", None, ("T-gov",))
    assert ground.statement_required, "unconditional, but about a person"


def test_a_grant_includes_the_tiers_items_and_its_rows_hold_for_all_of_them() -> None:
    ground = entitled(view(PORTAL), RESIDENT, "residentId", "address", "photo")
    assert (ground.grant, ground.rows) == ("Q-1", "rows:own")
    assert ground.row_filter is not None
    assert ground.rule_ids == ("T-gov", "Q-1", "Q-1.photo")
    assert ground.basis == ("statute:order-320-a3", "request:1")
    assert ground.verify_only == {f"{RESIDENT}.photo"}
    assert ground.valid_until == datetime(2027, 7, 1, tzinfo=UTC)


def test_what_a_grant_gives_for_all_rows_it_gives_under_each_of_its_row_conditions_too() -> None:
    more = (
        f"p, Q-1.phone, dept:welfare, z:gov, eligibility-check, {RESIDENT}.phone, read, *, {PERIOD}, request:1, allow\n"
    )
    ground = entitled(view(PORTAL, extra=more), RESIDENT, "address", "phone")
    assert (ground.grant, ground.rows, ground.rule_ids) == ("Q-1", "rows:own", ("Q-1.phone", "Q-1"))
    alone = entitled(view(PORTAL, extra=more), RESIDENT, "phone")
    assert alone.rows == "all"


def test_two_grants_are_never_mixed_within_one_resource() -> None:
    missing = refused(view(PORTAL), RESIDENT, "address", "phone")
    assert missing.reason == "GRANTS_NOT_MIXED"
    assert len(missing.items) == 1
    assert isinstance(view(PORTAL).entitle(*reads(RESIDENT, "phone")), Entitlement)


def test_an_open_item_with_a_mask_is_masked_for_the_public_and_plain_for_departments() -> None:
    assert entitled(view(PUBLIC), ADDRESS, "longitude").masks == {f"{ADDRESS}.longitude": "grid_100m"}
    assert entitled(view(ROADS), ADDRESS, "longitude").masks == {}


def test_what_is_masked_or_only_verified_may_not_be_filtered_by() -> None:
    assert entitled(view(PORTAL), RESIDENT, "phone").masks == {f"{RESIDENT}.phone": "last_4"}
    for alias in ("phone", "photo"):
        assert refused(view(PORTAL), RESIDENT, alias, act=Act.FILTER).reason == "ACT_NOT_GRANTED"
    assert isinstance(view(PORTAL).entitle(*reads(RESIDENT, "address", act=Act.FILTER)), Entitlement)


@pytest.mark.parametrize(
    ("caller", "now", "reason"),
    [
        (ROADS, NOW, "GRANT_REQUIRED"),
        (Caller(CallerKind.APPLICATION, "app:benefits-portal", "welfare", zone="intranet"), NOW, "PURPOSE_REQUIRED"),
        (PORTAL, datetime(2027, 7, 1, tzinfo=UTC), "GRANT_EXPIRED"),
        (PORTAL, datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC), "GRANT_NOT_BEGUN"),
        (Caller(CallerKind.APPLICATION, "app:benefits-portal", "welfare", zone="internet"), NOW, "WRONG_ZONE"),
    ],
)
def test_a_refusal_says_what_is_missing(caller: Caller, now: datetime, reason: str) -> None:
    missing = refused(view(caller, now), RESIDENT, "address")
    assert missing.reason == reason
    assert missing.explanation


def test_what_is_frozen_stays_listed_and_says_so() -> None:
    frozen = f"p, D-1, dept:welfare, z:any, *, {RESIDENT}/*, *, *, 0000, 9999, incident:1, deny\n"
    access = view(PORTAL, extra=frozen)
    assert access.listed(f"{RESIDENT}.address")
    assert refused(access, RESIDENT, "address").reason == "FROZEN"
    assert not access.readable(f"{RESIDENT}.residentId")
    assert isinstance(view(ROADS, extra=frozen).entitle(*reads(RESIDENT, "residentId")), Entitlement)


def test_a_stop_is_named_with_its_basis_and_the_moment_at_which_the_last_of_several_ends() -> None:
    stops = "".join(
        f"p, D-{number}, dept:welfare, z:any, *, {RESIDENT}/*, *, *, 0000, {end}, incident:{number}, deny\n"
        for number, end in ((1, "2026-12-01T00:00:00Z"), (2, "2026-12-24T09:30:00Z"), (3, "2026-11-23T00:00:00Z"))
    )
    missing = refused(view(PORTAL, extra=stops), RESIDENT, "address", "residentId")
    assert (missing.rule, missing.basis) == ("D-2", "incident:2")
    assert missing.until == datetime(2026, 12, 24, 9, 30, tzinfo=UTC)
    assert "stopped by D-2 (incident:2) until 2026-12-24T09:30:00Z" in missing.explanation


def test_a_stop_without_an_end_says_that_it_has_none() -> None:
    stop = f"p, D-1, dept:welfare, z:any, *, {RESIDENT}/*, *, *, 0000, 9999, risk:1, deny\n"
    missing = refused(view(PORTAL, extra=stop), RESIDENT, "address")
    assert (missing.rule, missing.until) == ("D-1", None)
    assert "without an end" in missing.explanation


def test_what_is_not_shared_is_refused_as_such() -> None:
    assert refused(view(ROADS), RESIDENT, "sealed").reason == "NOT_SHARED"


def test_callers_with_equal_rights_share_one_view_and_others_do_not() -> None:
    policy = tables()
    batch = Caller(
        CallerKind.APPLICATION, "app:benefits-batch", "welfare", zone="intranet", purpose="eligibility-check"
    )
    rails = Caller(CallerKind.APPLICATION, "app:rails", "railways", zone="intranet")
    assert policy.view(batch, NOW) is policy.view(PORTAL, NOW)
    assert policy.view(rails, NOW).digest == policy.view(ROADS, NOW).digest
    assert policy.view(rails, NOW).digest != policy.view(PORTAL, NOW).digest


def test_a_view_holds_exactly_until_something_of_it_begins_or_ends() -> None:
    policy = tables()
    before, after = policy.view(PORTAL, NOW), policy.view(PORTAL, datetime(2027, 7, 1, tzinfo=UTC))
    assert before.valid_until == after.valid_from == datetime(2027, 7, 1, tzinfo=UTC)
    assert before.digest != after.digest
    assert policy.view(PORTAL, NOW).digest == before.digest, "an earlier moment is answered as of that moment"
    assert view(ROADS).valid_until == datetime.max.replace(tzinfo=UTC)


def test_a_purpose_that_no_rule_names_makes_no_class_of_its_own() -> None:
    policy = tables()
    first = Caller(CallerKind.APPLICATION, "app:roads", "transport", zone="intranet", purpose="curiosity-1")
    second = Caller(CallerKind.APPLICATION, "app:roads", "transport", zone="intranet", purpose="curiosity-2")
    assert policy.view(first, NOW) is policy.view(second, NOW)


def test_roles_of_the_credential_count_in_its_department_alone() -> None:
    policy = sample_tables()
    auditor = Caller(
        CallerKind.OFFICER, "user:new", "audit", frozenset({"role:auditor"}), "intranet", "statutory-audit"
    )
    assert policy.view(auditor, NOW).readable("tax.income.amount")
    assert not policy.view(sample_caller("user:new", "audit", purpose="statutory-audit"), NOW).readable(
        "tax.income.amount"
    )


def published(items: dict[str, ItemTiers], extra: str = "") -> PolicyTables:
    return compile_published(PolicyVersion.of(7, [line.tokens for line in parse_policy(POLICY + extra)]), items)


def test_a_stricter_catalogue_binds_a_published_policy_and_leaves_its_other_rules_standing() -> None:
    for change in (
        {f"{RESIDENT}.address": ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN)},
        {f"{RESIDENT}.address": None},
    ):
        stricter = {name: tiers for name, tiers in (ITEMS | change).items() if tiers is not None}
        policy = published(stricter)
        now_refused = policy.view(PORTAL, NOW).entitle(*reads(RESIDENT, "address"))
        assert isinstance(now_refused, Missing)
        assert now_refused.reason == "NOT_SHARED"
        assert isinstance(policy.view(PORTAL, NOW).entitle(*reads(RESIDENT, "phone")), Entitlement)
        assert isinstance(policy.view(PUBLIC, NOW).entitle(*reads(ENTERPRISE, "name")), Entitlement)


def test_what_a_stricter_catalogue_leaves_out_is_told_and_never_a_deny() -> None:
    closed = ITEMS | {f"{ADDRESS}.code": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN)}
    policy = published(closed)
    assert {finding.code for finding in policy.findings if finding.is_error} == {"E-PUBLIC"}
    mapper = Caller(CallerKind.PUBLIC, "app:mapper", zone="internet", purpose="journey-planning")
    assert not policy.view(mapper, NOW).readable(f"{ADDRESS}.code")
    broken = f"p, D-1, dept:welfare, z:any, *, {RESIDENT}/*, read, *, 0000, 9999, incident:1, deny\n"
    with pytest.raises(CodedError):
        published(ITEMS, broken)


def test_one_version_under_two_catalogues_makes_two_classes() -> None:
    stricter = ITEMS | {f"{ENTERPRISE}.name": ItemTiers(Sharing.UNCONDITIONAL, Opening.NOT_OPEN)}
    flagged = ITEMS | {f"{ENTERPRISE}.name": ItemTiers(Sharing.UNCONDITIONAL, Opening.OPEN, personal=True)}
    digests = {published(items).view(PUBLIC, NOW).digest for items in (ITEMS, stricter, flagged)}
    assert len(digests) == 3
    assert published(ITEMS).view(PUBLIC, NOW).digest in digests


def test_an_old_version_is_gone_once_nobody_uses_it_without_a_collection() -> None:
    policy = tables()
    policy.view(PORTAL, NOW).entitle(*reads(RESIDENT, "address"))
    policy.view(PUBLIC, NOW).entitle(*reads(RESIDENT, "address"))
    remembered = weakref.ref(policy)
    gc.disable()
    try:
        del policy
        assert remembered() is None
    finally:
        gc.enable()


def test_a_proof_in_parts_asks_about_every_moment_once() -> None:
    policy = sample_tables()
    whole = prove(policy, NOW, samples=0)
    halves = [prove(policy, NOW, samples=0, part=(number, 2)) for number in range(2)]
    assert whole.asked == sum(half.asked for half in halves) == 3 * sum(len(time) > 4 for time in policy.boundaries)


def test_a_wrong_table_is_caught_by_the_proof() -> None:
    policy = sample_tables()
    policy._zones._links["internet", None] = frozenset({"z:gov", "z:any"})  # type: ignore[index]
    proof = prove(policy, NOW, samples=1000)
    assert proof.differences
    with pytest.raises(Exception, match="by the tables") as caught:
        proof.demand()
    assert caught.value.code.name == "PROOF_FAILED"  # type: ignore[attr-defined]
