"""Somebody who uses a value doubts it (R46-R50).

raised -> routed to the provider -> in check -> corrected | confirmed right | not ours (routed on) -> answered ->
closed, or reopened once. Clock C5 runs from the routing. Meanwhile the value is served with a flag: not withheld, not
altered, and business goes on. The platform never edits a value: a correction is a new version at the source, of which
everybody who fetched the record is told.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from catalog_sync.languages import Language
from catalog_sync.lifecycle import StateMachine, Transition
from catalog_sync.rule_profiles import RunningClock
from policies.grants import Rules
from policies.ledger import LedgerRecord, Outcome, ReadFacts, RecordKind
from policies.matters import CLOCK, Party, Step, Taker, after, day_of, demand, demand_complete, step
from policies.wording import TEXTS

NOTICE = TEXTS["under check"]


class DoubtState(StrEnum):
    """Where a doubt stands."""

    RAISED = "raised"
    IN_CHECK = "in_check"
    CORRECTED = "corrected"
    CONFIRMED = "confirmed"
    NOT_OURS = "not_ours"
    CLOSED = "closed"


DOUBT_LIFECYCLE = StateMachine(
    "doubt about a value",
    DoubtState.RAISED,
    (
        Transition("route", DoubtState.RAISED, DoubtState.IN_CHECK, Taker.COORDINATOR),
        Transition("answer corrected", DoubtState.IN_CHECK, DoubtState.CORRECTED, Taker.PROVIDER),
        Transition("answer confirmed", DoubtState.IN_CHECK, DoubtState.CONFIRMED, Taker.PROVIDER),
        Transition("answer not_ours", DoubtState.IN_CHECK, DoubtState.NOT_OURS, Taker.PROVIDER),
        Transition("route", DoubtState.NOT_OURS, DoubtState.IN_CHECK, Taker.COORDINATOR),
        *(
            Transition(event, answered, target, Taker.RAISER)
            for answered in (DoubtState.CORRECTED, DoubtState.CONFIRMED)
            for event, target in (("close", DoubtState.CLOSED), ("reopen", DoubtState.IN_CHECK))
        ),
    ),
)
"""What runs, what is refused and what docs/lifecycles.md draws are these rows."""


class DoubtReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is doubted: the item, the record (keyed hash of its key), the answer it came with, and why."""

    resource: str
    item: str
    record: str
    request_id: str
    what_is_wrong: str
    evidence: str


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """One doubt with all that became of it."""

    id: str
    report: DoubtReport
    raised_by: Party
    state: DoubtState = DoubtState.RAISED
    provider: str | None = None
    clock: RunningClock | None = None
    reopened: bool = False
    data_version: str | None = None
    steps: tuple[Step, ...] = ()
    revision: int = 1

    @property
    def upheld(self) -> bool:
        """Whether the provider corrected the value."""
        return self.data_version is not None

    def flag(self, language: Language = Language.ENGLISH) -> dict[str, object] | None:
        """What goes with the value while it is in check; None otherwise."""
        if self.state is not DoubtState.IN_CHECK:
            return None
        since = next(taken.at for taken in self.steps if taken.act == "routed")
        return {"underCheck": True, "since": since, "notice": NOTICE.within(language)}

    def late(self, now: datetime) -> bool:
        """Whether the provider has let its clock pass."""
        return self.state is DoubtState.IN_CHECK and self.clock is not None and self.clock.deadline.passed(day_of(now))


def note_passing_of_time(doubt: Doubt, now: datetime) -> Doubt:
    """The doubt, with the record that its clock has passed, made once; it stays in check until it is answered."""
    since = next((place for place, taken in enumerate(reversed(doubt.steps)) if taken.act == "routed"), 0)
    noted = any(taken.by == CLOCK for taken in doubt.steps[len(doubt.steps) - since :])
    if doubt.clock is None or not doubt.late(now) or noted:
        return doubt
    told = step(now, CLOCK, "overdue", f"due {doubt.clock.deadline.date}")
    return msgspec.structs.replace(doubt, steps=(*doubt.steps, told), revision=doubt.revision + 1)


def raise_doubt(identity: str, report: DoubtReport, by: Party, now: datetime) -> Doubt:
    """A doubt of any department that uses the data; a citizen's comes through one. The provider need not consent."""
    missing = [f"{name} is empty" for name in report.__struct_fields__ if not getattr(report, name).strip()]
    demand_complete(f"Doubt {identity}", missing)
    demand(by.department != "-", "A citizen's doubt is raised by the department that serves them.")
    return Doubt(id=identity, report=report, raised_by=by, steps=(step(now, by, "raised"),))


def route(doubt: Doubt, provider: str, by: Party, rules: Rules, now: datetime) -> Doubt:
    """To the provider that answers for the item; its clock starts, anew when an earlier one was the wrong one."""
    state = _after(doubt, "route")
    demand(provider != doubt.provider, f"{provider} said already that it is not theirs.")
    clock = rules.profile.start("C5", day_of(now), rules.calendar)
    return _next(doubt, now, by, "routed", provider, state=state, provider=provider, clock=clock)


def answer(
    doubt: Doubt, state: DoubtState, by: Party, note: str, now: datetime, data_version: str | None = None
) -> Doubt:
    """The provider's answer: CORRECTED (with the new data version), CONFIRMED right, or NOT_OURS."""
    demand(state in (DoubtState.CORRECTED, DoubtState.CONFIRMED, DoubtState.NOT_OURS), f"{state} is no answer.")
    _after(doubt, f"answer {state}")
    demand(by.department == doubt.provider, f"The answer to doubt {doubt.id} is {doubt.provider}'s.")
    problems = [] if note.strip() else ["say what the check found"]
    if (state is DoubtState.CORRECTED) != bool(data_version):
        problems.append("a correction, and nothing else, names the new data version")
    demand_complete("The answer", problems)
    return _next(doubt, now, by, state.value, note, state=state, data_version=data_version)


def close(doubt: Doubt, by: Party, now: datetime) -> Doubt:
    """Whoever raised it is content."""
    return _next(doubt, now, by, "closed", "", state=_answered(doubt, by, "close"))


def reopen(doubt: Doubt, by: Party, note: str, rules: Rules, now: datetime) -> Doubt:
    """Whoever raised it is not content, and says why; once."""
    state = _answered(doubt, by, "reopen")
    demand(not doubt.reopened, f"Doubt {doubt.id} was reopened once already.")
    demand(bool(note.strip()), "Say what the answer leaves open.")
    clock = rules.profile.start("C5", day_of(now), rules.calendar)
    changes = {"state": state, "clock": clock, "reopened": True, "data_version": None}
    return _next(doubt, now, by, "reopened", note, **changes)


def to_be_told(doubt: Doubt, records: Iterable[LedgerRecord], since: str) -> frozenset[str]:
    """The departments that were given the corrected record from ``since`` on, and have to be told (R49)."""
    demand(
        doubt.state in (DoubtState.CORRECTED, DoubtState.CLOSED) and doubt.upheld, f"Doubt {doubt.id} is {doubt.state}."
    )
    told = set()
    for record in records:
        if record.kind is RecordKind.READ and record.at >= since:
            facts = msgspec.json.decode(record.body, type=ReadFacts)
            given = facts.outcome is Outcome.GRANTED and doubt.report.item in facts.items
            if given and doubt.report.record in facts.persons and facts.department:
                told.add(facts.department)
    return frozenset(told)


def _after(doubt: Doubt, event: str) -> DoubtState:
    return after(DOUBT_LIFECYCLE, doubt.state, event, f"Doubt {doubt.id}")


def _answered(doubt: Doubt, by: Party, event: str) -> DoubtState:
    state = _after(doubt, event)
    demand(by.department == doubt.raised_by.department, f"Doubt {doubt.id} was raised by {doubt.raised_by.department}.")
    return state


def _next(doubt: Doubt, now: datetime, by: Party, act: str, note: str, **changes: object) -> Doubt:
    steps = (*doubt.steps, step(now, by, act, note))
    return msgspec.structs.replace(doubt, revision=doubt.revision + 1, steps=steps, **changes)
