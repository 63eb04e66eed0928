"""A department asks, the provider answers item by item, and what it said becomes policy and ends by itself."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.working_days import WorkingCalendar
from policies.callers import Caller, CallerKind
from policies.context import HmacKey
from policies.errors import CodedError
from policies.grants import (
    Application,
    GrantState,
    ItemAnswer,
    Request,
    Rules,
    Verdict,
    apply,
    ask_correction,
    coordinate,
    correct,
    decide,
    grant_lines,
    negotiate,
    note_passing_of_time,
    revoke,
    rule_ids,
    settle,
    withdraw,
)
from policies.items import ItemTiers
from policies.lines import parse_policy
from policies.matters import Party
from policies.ports import StoredMatter
from policies.publication import Person, PolicyFollower, PolicyOffice
from policies.row_filters import StartsWith
from policies.views import Act, Entitlement, Missing
from tests.policies.memory_store import memory_store

RULES = Rules(profile=profile_in_force("order-320", date(2026, 9, 18)), calendar=WorkingCalendar.default())
RESIDENT = "30700503/1"
ITEMS: Mapping[str, ItemTiers] = {
    f"{RESIDENT}.name": ItemTiers(Sharing.UNCONDITIONAL, Opening.NOT_OPEN, personal=True),
    f"{RESIDENT}.address": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, "district", personal=True),
    f"{RESIDENT}.phone": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, "last_4", personal=True),
    f"{RESIDENT}.photo": ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN, sensitive=True, verify_only=True),
    f"{RESIDENT}.sealed": ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN),
}
APPLICANT = Party("user:li", "welfare")
OFFICER = Party("user:wang", "police")
COORDINATOR = Party("user:zhao", "development-and-reform")
FRIDAY = datetime(2026, 9, 18, 2, tzinfo=UTC)
WANTED = (f"{RESIDENT}.address", f"{RESIDENT}.phone", f"{RESIDENT}.photo")


def request(**changes: Any) -> Request:
    stated: dict[str, Any] = {
        "department": "welfare", "officer": "user:li", "function": "minimum living allowance", "items": WANTED,
        "legal_basis": "Interim Measures for Social Assistance, article 11", "scenario": "check of a claim",
        "purpose": "data-verification", "begins": date(2026, 10, 26), "ends": date(2027, 10, 25), "calls_per_day": 2000,
        "rows": StartsWith("address", "重庆市"), "impact_assessment": "PIA-2026-7",
    }  # fmt: skip
    return Request(**{**stated, **changes})


def applied(**changes: Any) -> Application:
    return apply("2026-0042", request(**changes), "police", APPLICANT, ITEMS, RULES, FRIDAY)


ANSWERS = (
    ItemAnswer(item=f"{RESIDENT}.address", verdict=Verdict.PLAIN),
    ItemAnswer(item=f"{RESIDENT}.phone", verdict=Verdict.REFUSED, reason="not needed", basis="PIPL article 6"),
    ItemAnswer(item=f"{RESIDENT}.photo", verdict=Verdict.VERIFY_ONLY),
)
REFUSALS = tuple(ItemAnswer(item=item, verdict=Verdict.REFUSED, reason="r", basis="b") for item in WANTED)


def refused(step: Any, *arguments: Any) -> str:
    with pytest.raises(CodedError) as caught:
        step(*arguments)
    assert caught.value.code.name in ("MATTER_REFUSED", "MATTER_INCOMPLETE")
    return caught.value.message


async def test_a_grant_from_application_over_a_holiday_to_its_end() -> None:
    clock = [FRIDAY]
    async with memory_store() as store:
        office = PolicyOffice(store, HmacKey("console", b"x" * 32), lambda: ITEMS, lambda: clock[0], samples=200)
        follower = PolicyFollower(store, {"console": HmacKey("console", b"x" * 32)}, lambda: ITEMS)
        policy = """
            p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:order-320-a3, allow
            g, app:benefits, dept:welfare, welfare
            g, dept:welfare, gov, welfare
            g3, intranet, z:gov
        """
        await office.install(tuple(line.tokens for line in parse_policy(policy)), Person("user:ann", "city"), "first")
        app = Caller(CallerKind.APPLICATION, "app:benefits", "welfare", zone="intranet", purpose="data-verification")

        async def asks(alias: str, act: Act = Act.READ) -> Entitlement | Missing:
            await follower.look()
            assert follower.tables is not None
            return follower.tables.view(app, clock[0]).entitle(RESIDENT, frozenset({(f"{RESIDENT}.{alias}", act)}))

        # The engineer's app is refused, and told what is missing; the officer of its department applies.
        answer = await asks("address")
        assert isinstance(answer, Missing)
        assert answer.reason == "GRANT_REQUIRED"
        application = applied()
        assert application.clock.deadline.date == date(2026, 10, 9), "ten working days over the National Day holiday"

        # The provider's officer asks once for a correction, after the holiday the clock runs anew.
        application = ask_correction(
            application, OFFICER, "state the legal basis more exactly", FRIDAY + timedelta(days=3)
        )
        clock[0] = datetime(2026, 9, 25, 2, tzinfo=UTC)
        application = correct(application, request(legal_basis="article 11 (2)"), APPLICANT, ITEMS, RULES, clock[0])
        assert application.clock.deadline.date == RULES.calendar.due(date(2026, 9, 25), 10).date

        # Nothing happens by silence: the application is overdue, and nobody has got anything.
        clock[0] = datetime.combine(application.clock.deadline.date + timedelta(days=1), datetime.min.time(), UTC)
        application = note_passing_of_time(application, clock[0])
        assert application.state is GrantState.OVERDUE
        assert grant_lines(application) == ()

        # The provider decides item by item; the lines go live together with the grant itself.
        application = decide(application, ANSWERS, OFFICER, ITEMS, clock[0])
        matter = StoredMatter(application.id, "application", 1, msgspec.json.encode(application))
        person = Person(OFFICER.subject, OFFICER.department)
        await office.add_lines(grant_lines(application), person, "grant decided", matter)
        assert isinstance(await asks("address"), Missing), "granted, but not begun"
        clock[0] = datetime(2026, 10, 25, 16, tzinfo=UTC)
        ground = await asks("address")
        assert isinstance(ground, Entitlement), "midnight in Chongqing"
        assert (ground.grant, ground.basis) == ("Q-2026-0042", ("request:2026-0042",))
        assert ground.row_filter == StartsWith("address", "重庆市")
        assert isinstance(await asks("photo"), Entitlement)
        assert isinstance(await asks("phone"), Missing)

        # Kept whole: what was stored is what was decided.
        stored = await store.matter("2026-0042")
        assert stored is not None
        assert msgspec.json.decode(stored.body, type=Application) == application

        # Its last day counts in full; then it ends by itself.
        clock[0] = datetime(2027, 10, 25, 15, 59, 59, tzinfo=UTC)
        assert isinstance(await asks("address"), Entitlement)
        clock[0] = datetime(2027, 10, 25, 16, tzinfo=UTC)
        ended = await asks("address")
        assert isinstance(ended, Missing)
        assert ended.reason == "GRANT_EXPIRED"
        assert not application.in_force(clock[0])


async def test_a_revocation_binds_the_next_request() -> None:
    now = datetime(2026, 11, 22, 2, tzinfo=UTC)
    async with memory_store() as store:
        office = PolicyOffice(store, HmacKey("console", b"x" * 32), lambda: ITEMS, lambda: now, samples=50)
        application = decide(applied(), ANSWERS, OFFICER, ITEMS, FRIDAY)
        lines = (
            ("g", "app:benefits", "dept:welfare", "welfare"),
            ("g3", "intranet", "z:gov"),
            *grant_lines(application),
        )
        await office.install(lines, Person("user:ann", "city"), "first")
        revoked = revoke(application, OFFICER, "used for another purpose", "grant, section 4", now)
        matter = StoredMatter(revoked.id, "application", 1, msgspec.json.encode(revoked))
        await office.add_lines(
            grant_lines(revoked), Person("user:wang", "police"), "revoked", matter, rule_ids(revoked)
        )
        live = await office.live()
        assert live is not None
        assert [line for line in live.lines if line[0] == "p"] == []


def test_everything_an_application_lacks_is_told_at_once() -> None:
    message = refused(
        lambda: applied(
            function=" ", purpose="curiosity", ends=date(2031, 1, 1), calls_per_day=0, mode="mail",
            impact_assessment=None, items=(*WANTED, f"{RESIDENT}.name", "30700504/1.x"),
        )
    )  # fmt: skip
    for word in (
        "function",
        "purpose",
        "period",
        "call",
        "mode",
        "impact",
        "unconditionally",
        "no released",
        "several",
    ):
        assert word in message


def test_only_the_providers_side_decides_and_never_the_applicant() -> None:
    for stranger in (APPLICANT, COORDINATOR, Party("user:wang", "welfare")):
        assert "police's" in refused(decide, applied(), ANSWERS, stranger, ITEMS, FRIDAY)
    own = Party("user:li", "police")
    assert "own application" in refused(decide, applied(), ANSWERS, own, ITEMS, FRIDAY)
    assert "needs no grant" in refused(apply, "1", request(), "welfare", APPLICANT, ITEMS, RULES, FRIDAY)
    assert "acts for" in refused(apply, "1", request(), "police", OFFICER, ITEMS, RULES, FRIDAY)


def test_a_refusal_gives_reason_and_basis_and_every_item_gets_an_answer() -> None:
    bare = (*ANSWERS[:1], ItemAnswer(item=WANTED[1], verdict=Verdict.REFUSED, reason="no"), ANSWERS[2])
    assert "reason and basis" in refused(decide, applied(), bare, OFFICER, ITEMS, FRIDAY)
    assert "each item" in refused(decide, applied(), ANSWERS[:2], OFFICER, ITEMS, FRIDAY)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ItemAnswer(item=WANTED[2], verdict=Verdict.PLAIN), "verified only"),
        (ItemAnswer(item=WANTED[2], verdict=Verdict.MASKED, mask="rot13"), "mask"),
        (ItemAnswer(item=WANTED[2], verdict=Verdict.VERIFY_ONLY, mask="redact"), "mask"),
    ],
)
def test_an_answer_that_the_item_does_not_bear_is_refused(answer: ItemAnswer, says: str) -> None:
    assert says in refused(decide, applied(), (*ANSWERS[:2], answer), OFFICER, ITEMS, FRIDAY)


def test_a_correction_is_asked_for_once() -> None:
    again = correct(ask_correction(applied(), OFFICER, "x", FRIDAY), request(), APPLICANT, ITEMS, RULES, FRIDAY)
    assert "once already" in refused(ask_correction, again, OFFICER, "y", FRIDAY)
    assert "one cannot correct" in refused(correct, applied(), request(), APPLICANT, ITEMS, RULES, FRIDAY)


def test_an_application_is_in_time_on_its_last_day() -> None:
    application = applied()
    last_day = datetime(2026, 10, 9, 15, 59, tzinfo=UTC)
    assert note_passing_of_time(application, last_day) is application
    assert note_passing_of_time(application, last_day + timedelta(minutes=1)).state is GrantState.OVERDUE


def test_what_the_provider_refuses_goes_through_negotiation_to_a_written_decision() -> None:
    application = decide(applied(), REFUSALS, OFFICER, ITEMS, FRIDAY)
    assert application.state is GrantState.REFUSED
    application = negotiate(application, APPLICANT, "the duty cannot be done without", FRIDAY)
    assert "police's" in refused(settle, application, ANSWERS, COORDINATOR, COORDINATOR.department, "b", ITEMS, FRIDAY)
    application = coordinate(application, APPLICANT, "no agreement", FRIDAY)
    assert "reform's" in refused(settle, application, ANSWERS, OFFICER, COORDINATOR.department, "b", ITEMS, FRIDAY)
    granted = settle(application, ANSWERS, COORDINATOR, COORDINATOR.department, "request:decision-9", ITEMS, FRIDAY)
    assert granted.state is GrantState.GRANTED
    confirmed = settle(application, REFUSALS, COORDINATOR, COORDINATOR.department, "request:decision-9", ITEMS, FRIDAY)
    assert confirmed.state is GrantState.REFUSAL_CONFIRMED
    assert [step.act for step in confirmed.steps] == [
        "applied", "refused", "negotiation asked", "coordination asked", "refused",
    ]  # fmt: skip


def test_what_is_not_shared_is_granted_by_coordination_on_a_basis_in_law_alone() -> None:
    wanted = (f"{RESIDENT}.sealed",)
    answers = (ItemAnswer(item=wanted[0], verdict=Verdict.PLAIN),)
    application = applied(items=wanted, rows=None)
    assert "not shared" in refused(decide, application, answers, OFFICER, ITEMS, FRIDAY)
    refusal = (ItemAnswer(item=wanted[0], verdict=Verdict.REFUSED, reason="sealed", basis="CPL article 286"),)
    application = negotiate(decide(application, refusal, OFFICER, ITEMS, FRIDAY), APPLICANT, "a case", FRIDAY)
    application = coordinate(application, APPLICANT, "no agreement", FRIDAY)
    decider = (COORDINATOR, COORDINATOR.department)
    assert "law:" in refused(settle, application, answers, *decider, "request:9", ITEMS, FRIDAY)
    settled = settle(application, answers, *decider, "law:criminal-procedure-a286", ITEMS, FRIDAY)
    ceiling, rule = grant_lines(settled)
    assert ceiling == ("calls", "L-2026-0042", "2000", "law:criminal-procedure-a286")
    assert rule[1] == "L-2026-0042"


def test_a_withdrawn_application_is_over() -> None:
    withdrawn = withdraw(applied(), APPLICANT, FRIDAY)
    assert "withdrawn" in refused(decide, withdrawn, ANSWERS, OFFICER, ITEMS, FRIDAY)
    assert "application, not" in refused(withdraw, applied(), OFFICER, FRIDAY)


def test_a_masked_item_is_given_masked() -> None:
    masked = (ANSWERS[0], ItemAnswer(item=WANTED[1], verdict=Verdict.MASKED, mask="last_4"), ANSWERS[2])
    lines = grant_lines(decide(applied(), masked, OFFICER, ITEMS, FRIDAY))
    assert [line[6] for line in lines if line[0] == "p"] == ["read", "masked:last_4", "verify"]


def test_a_deadline_beyond_the_published_calendar_is_marked_provisional() -> None:
    late = apply(
        "2026-0099", request(begins=date(2027, 2, 1), ends=date(2027, 12, 1)), "police", APPLICANT, ITEMS, RULES,
        datetime(2026, 12, 18, 2, tzinfo=UTC),
    )  # fmt: skip
    assert late.clock.deadline.provisional
    assert not applied().clock.deadline.provisional
