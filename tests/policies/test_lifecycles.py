"""Drafts, grants, openings and doubts move as the rows say that docs/lifecycles.md is drawn from.

Every step is tried from every state: those that have an arrow lead where it leads, all others are refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from catalog_sync.lifecycle import StateMachine
from catalog_sync.working_days import Pause
from policies import doubts, drafts, grants, openings
from policies.doubts import DOUBT_LIFECYCLE, DoubtState
from policies.drafts import DRAFT_LIFECYCLE, Checked, Draft
from policies.errors import CodedError
from policies.grants import GRANT_LIFECYCLE, GrantState, ItemAnswer, Verdict
from policies.openings import OPENING_LIFECYCLE
from tests.policies import test_doubts, test_grants, test_openings
from tests.policies.sample_policy import SAMPLE, sample_tables
from tests.policies.test_grants import APPLICANT, COORDINATOR, FRIDAY, ITEMS, OFFICER, REFUSALS, RULES, WANTED

LATER = FRIDAY + timedelta(days=60)
PLAIN = tuple(ItemAnswer(item=item, verdict=Verdict.PLAIN) for item in WANTED[:2])
GIVEN = (*PLAIN, ItemAnswer(item=WANTED[2], verdict=Verdict.VERIFY_ONLY))
PLANNING = test_openings.PROVIDER
OPENED = test_openings.REQUEST.items


@dataclass(frozen=True)
class Life:
    """One kind of matter: its rows, one that stands in a state, and what brings each event about."""

    machine: StateMachine
    standing: Callable[[Any], Any]
    events: Mapping[str, Callable[[Any], Any]]


def settled(application: grants.Application, answers: tuple[ItemAnswer, ...]) -> grants.Application:
    by = OFFICER if application.state is GrantState.NEGOTIATING else COORDINATOR
    return grants.settle(application, answers, by, COORDINATOR.department, "law:x", ITEMS, FRIDAY)


def opening_in(state: openings.OpeningState) -> openings.OpeningApplication:
    made = test_openings.submitted()
    if state is not openings.OpeningState.THIRD_PARTY_ASKED:
        return msgspec.structs.replace(made, state=state)
    pauses = (Pause(date(2026, 9, 19)),)
    return msgspec.structs.replace(made, state=state, opinion_clock=made.clock, pauses=pauses)


def doubt_in(state: DoubtState) -> doubts.Doubt:
    provider = None if state is DoubtState.RAISED else "police"
    return msgspec.structs.replace(test_doubts.in_check(), state=state, provider=provider)


def answered(state: DoubtState, doubt: doubts.Doubt) -> doubts.Doubt:
    version = "v2" if state is DoubtState.CORRECTED else None
    return doubts.answer(doubt, state, test_doubts.PROVIDER, "looked at", FRIDAY, version)


def draft_in(state: drafts.DraftState) -> Draft:
    return Draft(id="d", base=1, author="user:ada", note="n", text=SAMPLE, state=state, approvals=("user:tom",))


def published(draft: Draft) -> Draft:
    drafts.ready(Checked(draft, sample_tables(), 2), 1)
    return drafts.published(draft)


LIVES = {
    "grant": Life(
        GRANT_LIFECYCLE,
        lambda state: msgspec.structs.replace(test_grants.applied(), state=state),
        {
            "ask for a correction": lambda a: grants.ask_correction(a, OFFICER, "more", FRIDAY),
            "correct": lambda a: grants.correct(a, test_grants.request(), APPLICANT, ITEMS, RULES, FRIDAY),
            "withdraw": lambda a: grants.withdraw(a, APPLICANT, FRIDAY),
            "let the clock pass": lambda a: grants.note_passing_of_time(a, LATER),
            "grant": lambda a: grants.decide(a, GIVEN, OFFICER, ITEMS, FRIDAY),
            "refuse": lambda a: grants.decide(a, REFUSALS, OFFICER, ITEMS, FRIDAY),
            "negotiate": lambda a: grants.negotiate(a, APPLICANT, "we need it", FRIDAY),
            "ask for coordination": lambda a: grants.coordinate(a, APPLICANT, "no agreement", FRIDAY),
            "settle by granting": lambda a: settled(a, GIVEN),
            "settle by refusing": lambda a: settled(a, REFUSALS),
            "revoke": lambda a: grants.revoke(a, OFFICER, "misuse", "law:x", FRIDAY),
        },
    ),
    "opening": Life(
        OPENING_LIFECYCLE,
        opening_in,
        {
            "ask for a correction": lambda o: openings.ask_correction(o, PLANNING, "more", RULES, FRIDAY),
            "correct": lambda o: openings.correct(o, test_openings.REQUEST, test_openings.ITEMS, RULES, FRIDAY),
            "accept": lambda o: openings.accept(o, PLANNING, FRIDAY),
            "extend": lambda o: openings.extend(o, PLANNING, "many asked", RULES, FRIDAY),
            "ask a third party": lambda o: openings.ask_third_party(o, PLANNING, "a firm", RULES, FRIDAY),
            "hear the third party": lambda o: openings.hear_third_party(o, PLANNING, "no objection", RULES, FRIDAY),
            "let the clock pass": lambda o: openings.note_passing_of_time(o, LATER),
            "grant": lambda o: openings.decide(o, OPENED, None, PLANNING, FRIDAY),
            "refuse": lambda o: openings.decide(o, (), "secrets", PLANNING, FRIDAY),
            "end for misuse": lambda o: openings.end(o, PLANNING, "sold on", FRIDAY),
        },
    ),
    "doubt": Life(
        DOUBT_LIFECYCLE,
        doubt_in,
        {
            "route": lambda d: doubts.route(d, "civil", test_doubts.DESK, RULES, FRIDAY),
            "answer corrected": partial(answered, DoubtState.CORRECTED),
            "answer confirmed": partial(answered, DoubtState.CONFIRMED),
            "answer not_ours": partial(answered, DoubtState.NOT_OURS),
            "close": lambda d: doubts.close(d, test_doubts.RAISER, FRIDAY),
            "reopen": lambda d: doubts.reopen(d, test_doubts.RAISER, "still wrong", RULES, FRIDAY),
        },
    ),
    "draft": Life(
        DRAFT_LIFECYCLE,
        draft_in,
        {
            "edit": lambda d: drafts.edit(d, d.text, (), "user:ada", d.revision),
            "propose": lambda d: drafts.propose(Checked(d, sample_tables(), 2)),
            "approve": lambda d: drafts.approve(d, "user:eve", d.revision),
            "publish": published,
            "discard": lambda d: drafts.discard(d, "user:ada"),
        },
    ),
}  # fmt: skip


def every_step() -> Iterator[Any]:
    for name, life in LIVES.items():
        for state in type(life.machine.initial):
            for event in life.events:
                yield pytest.param(name, state, event, id=f"{name}: {event} when {state}")


@pytest.mark.parametrize(("name", "state", "event"), list(every_step()))
def test_a_step_leads_where_its_arrow_leads_and_without_one_is_refused(name: str, state: Any, event: str) -> None:
    life = LIVES[name]
    before, target = life.standing(state), life.machine.target(state, event)
    if target is not None:
        after = life.events[event](before)
        assert (after.state, after.revision) == (target, before.revision + 1)
    elif event == "let the clock pass":
        assert life.events[event](before) is before
    else:
        with pytest.raises(CodedError) as refused:
            life.events[event](before)
        assert refused.value.code.name in ("MATTER_REFUSED", "DRAFT_REFUSED")
        assert f"is {state}" in refused.value.message
        assert life.machine.possible(state) in refused.value.message, "what is possible instead is said"


@pytest.mark.parametrize("name", LIVES)
def test_every_arrow_has_its_step_and_every_state_is_reached(name: str) -> None:
    life = LIVES[name]
    assert {arrow.event for arrow in life.machine.transitions} == set(life.events)
    assert set(life.machine.states()) == set(type(life.machine.initial))
