"""A person or firm of the public asks for items that are open on application.

submitted -> accepted | correction asked once -> (third party asked: the clock stands still) -> granted in whole or
part, or refused with reasons; used against its terms, it ends. Clocks: one notice of corrections within C7, the answer
within C6, which can be extended once; while a third party is asked (C8) C6 stands still. Silence grants nothing; what a
third party does not answer in time the agency decides (Government Information Disclosure Regulation, arts. 30-33).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import msgspec

from catalog_sync.closed_lists import Opening
from catalog_sync.lifecycle import StateMachine, Transition
from catalog_sync.rule_profiles import RunningClock
from catalog_sync.working_days import Pause
from policies.grants import Rules
from policies.items import ItemTiers, resource_of
from policies.lines import ANY, Tokens, time_text
from policies.matters import CLOCK, Party, Step, Taker, after, day_of, demand, demand_complete, step


class OpeningState(StrEnum):
    """Where an application to open stands."""

    SUBMITTED = "submitted"
    CORRECTION_ASKED = "correction_asked"
    ACCEPTED = "accepted"
    THIRD_PARTY_ASKED = "third_party_asked"
    OVERDUE = "overdue"
    GRANTED = "granted"
    REFUSED = "refused"
    ENDED = "ended"


class OpeningRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the applicant states. ``applicant`` is the verified identity's subject (``app:...`` or ``key:...``)."""

    applicant: str
    use: str
    purpose: str
    items: tuple[str, ...]
    begins: date
    ends: date
    terms_accepted: bool


class OpeningApplication(msgspec.Struct, frozen=True, kw_only=True):
    """One application to open, with all that became of it."""

    id: str
    provider: str
    request: OpeningRequest
    clock: RunningClock
    received: date
    state: OpeningState = OpeningState.SUBMITTED
    corrected: bool = False
    extended: bool = False
    pauses: tuple[Pause, ...] = ()
    opinion_clock: RunningClock | None = None
    granted: tuple[str, ...] = ()
    reason: str | None = None
    steps: tuple[Step, ...] = ()
    revision: int = 1


_IN_HAND = (OpeningState.SUBMITTED, OpeningState.ACCEPTED)
OPENING_LIFECYCLE = StateMachine(
    "application to open",
    OpeningState.SUBMITTED,
    (
        Transition("ask for a correction", OpeningState.SUBMITTED, OpeningState.CORRECTION_ASKED, Taker.PROVIDER),
        Transition("correct", OpeningState.CORRECTION_ASKED, OpeningState.SUBMITTED, Taker.APPLICANT),
        Transition("accept", OpeningState.SUBMITTED, OpeningState.ACCEPTED, Taker.PROVIDER),
        *(Transition("extend", state, state, Taker.PROVIDER) for state in _IN_HAND),
        *(Transition("ask a third party", state, OpeningState.THIRD_PARTY_ASKED, Taker.PROVIDER) for state in _IN_HAND),
        Transition("hear the third party", OpeningState.THIRD_PARTY_ASKED, OpeningState.ACCEPTED, Taker.PROVIDER),
        *(Transition("let the clock pass", state, OpeningState.OVERDUE, Taker.CLOCK) for state in _IN_HAND),
        *(
            Transition(event, state, target, Taker.PROVIDER)
            for state in (*_IN_HAND, OpeningState.OVERDUE)
            for event, target in (("grant", OpeningState.GRANTED), ("refuse", OpeningState.REFUSED))
        ),
        Transition("end for misuse", OpeningState.GRANTED, OpeningState.ENDED, Taker.PROVIDER),
    ),
)
"""What runs, what is refused and what docs/lifecycles.md draws are these rows."""


def submit(
    identity: str, request: OpeningRequest, provider: str, items: Mapping[str, ItemTiers], rules: Rules, now: datetime
) -> OpeningApplication:
    """A new application; C6 starts with its receipt. Raises CodedError MATTER_INCOMPLETE with all that is missing."""
    demand_complete(f"Application {identity}", _lacks(request, items))
    clock = rules.profile.start("C6", day_of(now), rules.calendar)
    by = Party(request.applicant, "-")
    return OpeningApplication(
        id=identity,
        provider=provider,
        request=request,
        clock=clock,
        received=day_of(now),
        steps=(step(now, by, "submitted"),),
    )


def ask_correction(
    application: OpeningApplication, by: Party, note: str, rules: Rules, now: datetime
) -> OpeningApplication:
    """Everything to correct, told once and within C7 of the receipt."""
    _demand_provider(application, by)
    state = _after(application, "ask for a correction")
    demand(not application.corrected, f"{application.id} was corrected once already; decide on it.")
    limit = rules.profile.start("C7", application.received, rules.calendar).deadline
    demand(not limit.passed(day_of(now)), f"Corrections of {application.id} had to be asked for by {limit.date}.")
    demand(bool(note.strip()), "Say what has to be corrected.")
    return _next(application, now, by, "correction asked", note, state=state)


def correct(
    application: OpeningApplication,
    request: OpeningRequest,
    items: Mapping[str, ItemTiers],
    rules: Rules,
    now: datetime,
) -> OpeningApplication:
    """The corrected application; C6 starts anew."""
    state = _after(application, "correct")
    demand(request.applicant == application.request.applicant, "A correction does not change the applicant.")
    demand_complete(f"Application {application.id}", _lacks(request, items))
    clock = rules.profile.start("C6", day_of(now), rules.calendar)
    changes = {"request": request, "clock": clock, "received": day_of(now), "corrected": True}
    by = Party(request.applicant, "-")
    return _next(application, now, by, "corrected", "", state=state, **changes)


def accept(application: OpeningApplication, by: Party, now: datetime) -> OpeningApplication:
    """The provider takes the application as complete."""
    _demand_provider(application, by)
    return _next(application, now, by, "accepted", "", state=_after(application, "accept"))


def extend(application: OpeningApplication, by: Party, reason: str, rules: Rules, now: datetime) -> OpeningApplication:
    """The answer is put off once, by what the profile allows, with a reason."""
    _demand_provider(application, by)
    _after(application, "extend")
    demand(not application.extended, f"{application.id} was extended already.")
    demand(bool(reason.strip()), "An extension has a reason.")
    extended = msgspec.structs.replace(application, extended=True)
    return _next(extended, now, by, "extended", reason, clock=_clock(extended, rules))


def ask_third_party(
    application: OpeningApplication, by: Party, whom: str, rules: Rules, now: datetime
) -> OpeningApplication:
    """Somebody whose secrets or privacy could be touched is asked; C8 runs, C6 stands still."""
    _demand_provider(application, by)
    state = _after(application, "ask a third party")
    changes = {
        "pauses": (*application.pauses, Pause(day_of(now) + timedelta(days=1))),
        "opinion_clock": rules.profile.start("C8", day_of(now), rules.calendar),
    }
    return _next(application, now, by, "third party asked", whom, state=state, **changes)


def hear_third_party(
    application: OpeningApplication, by: Party, opinion: str | None, rules: Rules, now: datetime
) -> OpeningApplication:
    """The opinion came, or (None) C8 passed without one: C6 runs on, and the provider decides."""
    _demand_provider(application, by)
    state = _after(application, "hear the third party")
    assert application.opinion_clock is not None
    waited = application.opinion_clock.deadline.passed(day_of(now))
    demand(
        opinion is not None or waited, f"The third party may answer until {application.opinion_clock.deadline.date}."
    )
    *before, running = application.pauses
    ended = Pause(running.first, max(running.first, day_of(now)))
    heard = msgspec.structs.replace(application, pauses=(*before, ended))
    changes = {"clock": _clock(heard, rules), "state": state, "opinion_clock": None}
    return _next(heard, now, by, "third party heard", opinion or "no answer in time", **changes)


def note_passing_of_time(application: OpeningApplication, now: datetime) -> OpeningApplication:
    """The application, overdue once C6 has passed."""
    if application.state in _IN_HAND and application.clock.deadline.passed(day_of(now)):
        note = f"due {application.clock.deadline.date}"
        return _next(application, now, CLOCK, "overdue", note, state=_after(application, "let the clock pass"))
    return application


def decide(
    application: OpeningApplication, granted: Iterable[str], reason: str | None, by: Party, now: datetime
) -> OpeningApplication:
    """The answer: all items, some, or none; whatever is refused has a reason."""
    _demand_provider(application, by)
    _after(application, "grant")
    given = tuple(sorted(set(granted)))
    demand(set(given) <= set(application.request.items), "Only what was applied for can be granted.")
    whole = set(given) == set(application.request.items)
    demand_complete("The decision", [] if whole or (reason or "").strip() else ["what is refused needs a reason"])
    state = _after(application, "grant" if given else "refuse")
    return _next(application, now, by, f"{state}", reason or "", state=state, granted=given, reason=reason)


def end(application: OpeningApplication, by: Party, reason: str, now: datetime) -> OpeningApplication:
    """Use against the terms ends the grant."""
    _demand_provider(application, by)
    state = _after(application, "end for misuse")
    demand(bool(reason.strip()), "Say how it was used against the terms.")
    return _next(application, now, by, "ended", reason, state=state)


def opening_lines(application: OpeningApplication, items: Mapping[str, ItemTiers]) -> tuple[Tokens, ...]:
    """The policy lines of a grant: items with a masking rule are given masked by it."""
    if application.state is not OpeningState.GRANTED:
        return ()
    request = application.request
    first = datetime.combine(request.begins, time(), UTC) - timedelta(hours=8)
    last = datetime.combine(request.ends, time(), UTC) + timedelta(hours=16)
    lines: list[Tokens] = [("g", request.applicant, "public", "-")]
    for place, item in enumerate(application.granted):
        mask = items[item].mask if item in items else None
        act = f"masked:{mask}" if mask else "read"
        identity = f"A-{application.id}" + (f".{place + 1}" if place else "")
        period = (time_text(first), time_text(last))
        rule = ("p", identity, request.applicant, "z:any", request.purpose, item, act, ANY, *period)
        lines.append((*rule, f"application:{application.id}", "allow"))
    return tuple(lines)


def opening_rule_ids(application: OpeningApplication) -> frozenset[str]:
    """The ids of the lines that the grant has, or had before it ended."""
    granted = msgspec.structs.replace(application, state=OpeningState.GRANTED)
    return frozenset(line[1] for line in opening_lines(granted, {}) if line[0] == "p")


def _after(application: OpeningApplication, event: str) -> OpeningState:
    return after(OPENING_LIFECYCLE, application.state, event, application.id)


def _clock(application: OpeningApplication, rules: Rules) -> RunningClock:
    return rules.profile.start(
        "C6", application.received, rules.calendar, extended=application.extended, pauses=application.pauses
    )


def _lacks(request: OpeningRequest, items: Mapping[str, ItemTiers]) -> Iterable[str]:
    if not request.applicant.startswith(("app:", "key:")):
        yield "the applicant has no verified identity"
    yield from (f"{name} is empty" for name in ("use", "purpose") if not getattr(request, name).strip())
    if not request.terms_accepted:
        yield "the terms of use are not accepted"
    if not request.items or len({resource_of(item) for item in request.items}) > 1:
        yield "name the items wanted, all of one resource"
    for item in request.items:
        if item not in items or items[item].opening is not Opening.ON_APPLICATION:
            yield f"{item} is not open on application"
    if request.begins >= request.ends:
        yield "the period ends after its beginning"


def _demand_provider(application: OpeningApplication, by: Party) -> None:
    demand(
        by.department == application.provider,
        f"The decision on {application.id} is {application.provider}'s, not {by.department}'s.",
    )


def _next(
    application: OpeningApplication, now: datetime, by: Party, act: str, note: str, **changes: object
) -> OpeningApplication:
    steps = (*application.steps, step(now, by, act, note))
    return msgspec.structs.replace(application, revision=application.revision + 1, steps=steps, **changes)
