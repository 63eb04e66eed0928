"""What is collected for the assessment: the same for a past period whenever it is asked for."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from catalog_sync.assessment import AssessedEvent, EventKind, Period
from catalog_sync.assessment_reports import figure_text
from catalog_sync.closed_lists import Cycle
from catalog_sync.freshness import Freshness
from catalog_sync.identifiers import CreditCode
from catalog_sync.loading import Register
from catalog_sync.observations import Look, Observations
from catalog_sync.registry import Trigger, TriggerKind
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.rules import RegisteredProvider
from catalog_sync.working_days import WorkingCalendar
from gateway.assessing import assess_departments, collect
from policies import doubts, grants
from policies.doubts import DoubtReport, DoubtState
from policies.grants import Application, ItemAnswer, Request, Rules, Verdict
from policies.items import ItemTiers, items_of_catalogue
from policies.ledger import ActFacts, Outcome, ReadFacts
from policies.matters import Party, day_of
from policies.ports import StoredMatter
from tests.catalogue.entry_text import varied
from tests.catalogue.offices import REVIEWER, bring_into_force, office, officer, review
from tests.catalogue.test_office import nodes
from tests.policies.memory_store import memory_store

POLICE, TRANSPORT = CreditCode.parse("11500000XXXX00019X"), officer("11500000XXXX0006X1")
REGISTER = Register((RegisteredProvider("重庆市公安局", POLICE, "局长", "处", "科", ("30700503",), "police"),))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
BEGAN = datetime(2026, 11, 2, 2, tzinfo=UTC)
LI, WANG, ZHAO = Party("user:li", "welfare"), Party("user:wang", "police"), Party("user:zhao", "reform")
ADDRESS, PHOTO = "30700503/1.registeredAddress", "30700503/1.photo"


def rules(now: datetime) -> Rules:
    return Rules(profile=profile_in_force("order-320", day_of(now)), calendar=WorkingCalendar.default())


def applied(name: str, items: Mapping[str, ItemTiers]) -> Application:
    request = Request(
        department="welfare", officer="user:li", function="核对", legal_basis="社会救助暂行办法", scenario="低保核对",
        purpose="data-verification", items=(ADDRESS,), begins=date(2026, 11, 2), ends=date(2027, 5, 1), calls_per_day=9,
    )  # fmt: skip
    return grants.apply(name, request, "police", LI, items, rules(BEGAN), BEGAN)


def answer(verdict: Verdict) -> ItemAnswer:
    refused = verdict is Verdict.REFUSED
    return ItemAnswer(
        item=ADDRESS, verdict=verdict, reason="无关" if refused else None, basis="法" if refused else None
    )


async def test_requests_doubts_and_calls_are_counted_as_they_stood_at_the_periods_end(tmp_path: Path) -> None:
    with office(tmp_path) as whole:
        bring_into_force(whole)
    with office(tmp_path, REGISTER) as here:
        items = items_of_catalogue(here.in_force(), BEGAN.date())
        late, in_time = BEGAN + timedelta(days=20), BEGAN + timedelta(days=3)
        granted = grants.decide(applied("A-1", items), [answer(Verdict.PLAIN)], WANG, items, late)
        refused = grants.decide(applied("A-2", items), [answer(Verdict.REFUSED)], WANG, items, in_time)
        disputed = grants.negotiate(refused, LI, "需要", in_time)
        overturned = grants.settle(disputed, [answer(Verdict.PLAIN)], WANG, "reform", "law:x", items, in_time)
        report = DoubtReport(
            resource="30700503/1", item=ADDRESS, record="x", request_id="r", what_is_wrong="w", evidence="e"
        )
        doubt = doubts.route(doubts.raise_doubt("D-1", report, LI, BEGAN), "police", ZHAO, rules(BEGAN), BEGAN)
        corrected = doubts.answer(doubt, DoubtState.CORRECTED, WANG, "已更正", in_time, "v2")
        async with memory_store() as store:
            act = ActFacts(person="user:li", act="x", about="y")
            kept = [("application", a.id, a) for a in (granted, overturned, applied("A-3", items))]
            for kind, name, matter in [*kept, ("doubt", "D-1", corrected)]:
                await store.save_matter(StoredMatter(name, kind, 1, msgspec.json.encode(matter)), act, BEGAN)
            reads = [
                ReadFacts(
                    caller="app:b", outcome=outcome, policy_version="1", graph_version="g", items=(ADDRESS, PHOTO)
                )
                for outcome in (Outcome.GRANTED, Outcome.GRANTED, Outcome.FAILED, Outcome.REFUSED)
            ]
            await store.record_reads(reads, in_time)
            first = await collect(here, store, NOVEMBER)
            of_police = [each for each in first.events if each.department == POLICE and each.kind in _MATTERS]
            assert [(e.kind, e.day, e.subject, e.in_time, e.count) for e in of_police] == [
                (EventKind.CALLS_FAILED, date(2026, 11, 5), "30700503/1", True, 1),
                (EventKind.CALLS_SERVED, date(2026, 11, 5), "30700503/1", True, 2),
                (EventKind.DOUBT_UPHELD, date(2026, 11, 5), "D-1", True, 1),
                (EventKind.REFUSAL_OVERTURNED, date(2026, 11, 5), "A-2", True, 1),
                (EventKind.REQUEST_REFUSED, date(2026, 11, 5), "A-2", True, 1),
                (EventKind.REQUEST_OVERDUE, date(2026, 11, 17), "A-3", False, 1),
                (EventKind.REQUEST_ANSWERED, date(2026, 11, 22), "A-1", False, 1),
            ]
            after = grants.decide(
                applied("A-3", items), [answer(Verdict.PLAIN)], WANG, items, BEGAN + timedelta(days=40)
            )
            await store.save_matter(StoredMatter("A-3", "application", 2, msgspec.json.encode(after)), act, BEGAN)
            assert await collect(here, store, NOVEMBER) == first, "what came later changes nothing of November"


_MATTERS = frozenset(EventKind) - {EventKind.CATALOGUE_SUBMITTED, EventKind.CATALOGUE_UPDATED}


async def test_versions_count_on_the_day_they_are_handed_in_or_are_overdue(tmp_path: Path) -> None:
    early = datetime(2026, 9, 1, 2, tzinfo=UTC)
    law = Trigger(TriggerKind.LAW_AMENDED, date(2026, 8, 31), "令")
    with office(tmp_path, now=early) as here:
        here.draft(nodes(varied()), law, TRANSPORT)
    with office(tmp_path, now=early + timedelta(days=60)) as here:
        here.submit(["cq-tr-bus-stop"], TRANSPORT)
        autumn = await collect(here, None, Period(date(2026, 9, 1), date(2026, 9, 30)))
        whole = await collect(here, None, Period(date(2026, 1, 1), date(2026, 12, 31)))
    subject = "cq-tr-bus-stop version 1"
    assert list(autumn.events) == [
        AssessedEvent(EventKind.CATALOGUE_UPDATED, TRANSPORT.department, date(2026, 9, 21), subject, in_time=False)
    ]
    assert list(whole.events) == [
        AssessedEvent(EventKind.CATALOGUE_UPDATED, TRANSPORT.department, date(2026, 10, 31), subject, in_time=False)
    ]


async def test_a_past_period_keeps_the_versions_that_were_in_force_then(tmp_path: Path) -> None:
    at = datetime(2026, 10, 20, 2, tzinfo=UTC)
    october, year = Period(date(2026, 10, 1), date(2026, 10, 31)), Period(date(2026, 1, 1), date(2026, 12, 31))
    updated = Trigger(TriggerKind.UPDATED, date(2026, 10, 19), "函")
    with office(tmp_path, now=at) as here:
        here.draft(nodes(varied()), updated, TRANSPORT)
        here.submit(["cq-tr-bus-stop"], TRANSPORT)
        here.accept("cq-tr-bus-stop", REVIEWER)
        review(here, ["cq-tr-bus-stop"])
        here.release(["cq-tr-bus-stop"], REVIEWER)
        before = assess_departments(october, await collect(here, None, october))
    with office(tmp_path, now=at + timedelta(days=30)) as here:
        here.withdraw("cq-tr-bus-stop", "职能划转", TRANSPORT)
        assert assess_departments(october, await collect(here, None, october))[0].figures[0].value == 1
        assert [each.figures[:6] for each in before] == [
            each.figures[:6] for each in assess_departments(october, await collect(here, None, october))
        ]
        assert assess_departments(year, await collect(here, None, year))[0].figure("resources catalogued").value == 0


async def test_a_past_period_keeps_what_was_fresh_and_as_released_at_its_end(tmp_path: Path) -> None:
    began = datetime(2026, 10, 20, 2, tzinfo=UTC)
    october = Period(date(2026, 10, 1), date(2026, 10, 31))
    with office(tmp_path, now=began) as here:
        bring_into_force(here)
        daily = next(each for each in here.in_force() if each.cycle is Cycle.DAILY)
        code = str(daily.code)
        observations = Observations(here.platform)

        def look(days: int, data: int) -> None:
            assert observations.claim("civil", began + timedelta(days=days), timedelta(hours=1))
            observations.keep(Look("civil", "a", "a"), {code: began + timedelta(days=data)})

        look(days=0, data=0)
        look(days=5, data=0)
    with office(tmp_path, now=began + timedelta(days=20)) as here:
        first = await collect(here, None, october)
        assert first.freshness == {code: Freshness.STALE}
        own = [each for each in first.events if each.subject == code and october.covers(each.day)]
        assert [(each.kind, each.day) for each in own] == [
            (EventKind.DATA_RENEWED, date(2026, 10, 20)), (EventKind.DATA_STALE, date(2026, 10, 22)),
        ]  # fmt: skip
        provider = daily.provider.credit_code
        [told] = [each for each in assess_departments(october, first) if each.department == provider]
        figure = told.figure("resources fresh")
        assert (figure.value, figure.out_of) == (0, 1)
        assert f"2026-10-22 data stale {code}, late" in figure_text(figure)
        observations = Observations(here.platform)
        look(days=15, data=15)
        assert (await collect(here, None, october)).freshness == first.freshness
