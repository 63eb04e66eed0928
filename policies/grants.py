"""A department asks another for conditional items, and gets an answer item by item.

applied -> (correction asked once -> applied) -> decided: granted in whole or part, or refused, each item with its
reason -> live from its first day -> ended by itself, or revoked. A clock in working days runs from the day of receipt;
when it passes, the application is overdue and escalates, and is never granted by silence. What the provider refuses
can be taken to negotiation and to the coordinating department, whose written decision ends it (R35-R43). A renewal is
a new application that names the old one. Invariant: only a decision of the provider's side, or of the coordinating
department, ever yields policy lines.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import msgspec

from catalog_sync.closed_lists import Sharing
from catalog_sync.lifecycle import StateMachine, Transition
from catalog_sync.rule_profiles import RuleProfile, RunningClock
from catalog_sync.working_days import WorkingCalendar
from policies.call_ceilings import CALLS
from policies.items import ItemTiers, alias_of, resource_of
from policies.lines import ANY, Tokens, time_text
from policies.masks import MASKS
from policies.matters import CLOCK, Party, Step, Taker, after, day_of, demand, demand_complete, step
from policies.row_filters import RowFilter, check_row_filter

PURPOSES = frozenset({"administrative-basis", "work-reference", "data-verification", "joint-work"})
MODES = frozenset({"interface", "database", "file", "mail", "media"})
LONGEST_YEARS = 3


class GrantState(StrEnum):
    """Where an application and the grant that came of it stand."""

    APPLIED = "applied"
    CORRECTION_ASKED = "correction_asked"
    OVERDUE = "overdue"
    GRANTED = "granted"
    REFUSED = "refused"
    NEGOTIATING = "negotiating"
    COORDINATING = "coordinating"
    REFUSAL_CONFIRMED = "refusal_confirmed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


GRANT_LIFECYCLE = StateMachine(
    "application for a grant",
    GrantState.APPLIED,
    (
        Transition("ask for a correction", GrantState.APPLIED, GrantState.CORRECTION_ASKED, Taker.PROVIDER),
        Transition("correct", GrantState.CORRECTION_ASKED, GrantState.APPLIED, Taker.APPLICANT),
        Transition("withdraw", GrantState.APPLIED, GrantState.WITHDRAWN, Taker.APPLICANT),
        Transition("withdraw", GrantState.CORRECTION_ASKED, GrantState.WITHDRAWN, Taker.APPLICANT),
        Transition("let the clock pass", GrantState.APPLIED, GrantState.OVERDUE, Taker.CLOCK),
        Transition("ask for a correction", GrantState.OVERDUE, GrantState.CORRECTION_ASKED, Taker.PROVIDER),
        Transition("withdraw", GrantState.OVERDUE, GrantState.WITHDRAWN, Taker.APPLICANT),
        Transition("grant", GrantState.APPLIED, GrantState.GRANTED, Taker.PROVIDER),
        Transition("refuse", GrantState.APPLIED, GrantState.REFUSED, Taker.PROVIDER),
        Transition("grant", GrantState.OVERDUE, GrantState.GRANTED, Taker.PROVIDER),
        Transition("refuse", GrantState.OVERDUE, GrantState.REFUSED, Taker.PROVIDER),
        Transition("negotiate", GrantState.REFUSED, GrantState.NEGOTIATING, Taker.APPLICANT),
        Transition("settle by granting", GrantState.NEGOTIATING, GrantState.GRANTED, Taker.PROVIDER),
        Transition("settle by refusing", GrantState.NEGOTIATING, GrantState.REFUSED, Taker.PROVIDER),
        Transition("ask for coordination", GrantState.NEGOTIATING, GrantState.COORDINATING, Taker.EITHER),
        Transition("settle by granting", GrantState.COORDINATING, GrantState.GRANTED, Taker.COORDINATOR),
        Transition("settle by refusing", GrantState.COORDINATING, GrantState.REFUSAL_CONFIRMED, Taker.COORDINATOR),
        Transition("revoke", GrantState.GRANTED, GrantState.REVOKED, Taker.PROVIDER),
    ),
)
"""What runs, what is refused and what docs/lifecycles.md draws are these rows."""


class Verdict(StrEnum):
    """The answer for one item."""

    PLAIN = "plain"
    MASKED = "masked"
    VERIFY_ONLY = "verify_only"
    REFUSED = "refused"


class ItemAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider's answer for one item: how it is given, or why it is not (reason and basis)."""

    item: str
    verdict: Verdict
    mask: str | None = None
    reason: str | None = None
    basis: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an application states (R35).

    ``function`` is the duty that needs the data and ``legal_basis`` where it is laid down; ``purpose`` is a word of
    the closed list; ``rows`` the records meant, None for all; ``calls_per_day`` the volume.
    """

    department: str
    officer: str
    function: str
    legal_basis: str
    scenario: str
    purpose: str
    items: tuple[str, ...]
    begins: date
    ends: date
    calls_per_day: int
    rows: RowFilter | None = None
    mode: str = "interface"
    mode_reason: str | None = None
    impact_assessment: str | None = None
    renews: str | None = None


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One application with all that became of it. ``provider`` is the department that decides."""

    id: str
    provider: str
    request: Request
    clock: RunningClock
    state: GrantState = GrantState.APPLIED
    answers: tuple[ItemAnswer, ...] = ()
    corrected: bool = False
    ended: str | None = None
    decision_basis: str | None = None
    steps: tuple[Step, ...] = ()
    revision: int = 1

    @property
    def granted(self) -> tuple[ItemAnswer, ...]:
        """The items that were granted in some form."""
        return tuple(answer for answer in self.answers if answer.verdict is not Verdict.REFUSED)

    def in_force(self, now: datetime) -> bool:
        """Whether the grant counts at ``now``."""
        first, last = _period(self.request)
        return self.state is GrantState.GRANTED and first <= now < last


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Under which rules matters are taken: the profile in force, the calendar, and the closed lists."""

    profile: RuleProfile
    calendar: WorkingCalendar
    purposes: frozenset[str] = PURPOSES


def apply(
    identity: str,
    request: Request,
    provider: str,
    by: Party,
    items: Mapping[str, ItemTiers],
    rules: Rules,
    now: datetime,
) -> Application:
    """A new application; its clock (C3) starts. Raises CodedError MATTER_INCOMPLETE with everything that is missing."""
    demand(by.department == request.department, f"{by.subject} acts for {by.department}, not for {request.department}.")
    demand(request.department != provider, f"{provider} needs no grant for its own items.")
    demand_complete(f"Application {identity}", _lacks(request, items, rules))
    clock = rules.profile.start("C3", day_of(now), rules.calendar)
    return Application(id=identity, provider=provider, request=request, clock=clock, steps=(step(now, by, "applied"),))


def ask_correction(application: Application, by: Party, note: str, now: datetime) -> Application:
    """The provider tells at once everything that has to be corrected; it may do so one time."""
    _demand_provider(application, by)
    state = _after(application, "ask for a correction")
    demand(not application.corrected, f"{application.id} was corrected once already; decide on it.")
    demand(bool(note.strip()), "Say what has to be corrected.")
    return _next(application, now, by, "correction asked", note, state=state)


def correct(
    application: Application, request: Request, by: Party, items: Mapping[str, ItemTiers], rules: Rules, now: datetime
) -> Application:
    """The applicant's corrected application; the clock starts anew."""
    state = _after(application, "correct")
    _demand_applicant(application, by)
    demand(request.department == application.request.department, "A correction does not change the applicant.")
    demand_complete(f"Application {application.id}", _lacks(request, items, rules))
    clock = rules.profile.start("C3", day_of(now), rules.calendar)
    changes = {"state": state, "request": request, "clock": clock, "corrected": True}
    return _next(application, now, by, "corrected", "", **changes)


def note_passing_of_time(application: Application, now: datetime) -> Application:
    """The application, overdue once its clock has passed. Silence grants nothing."""
    if application.state is GrantState.APPLIED and application.clock.deadline.passed(day_of(now)):
        state = _after(application, "let the clock pass")
        return _next(application, now, CLOCK, "overdue", f"due {application.clock.deadline.date}", state=state)
    return application


def decide(
    application: Application, answers: Iterable[ItemAnswer], by: Party, items: Mapping[str, ItemTiers], now: datetime
) -> Application:
    """The provider's answer for every item. Raises CodedError when it is not the provider's, or not complete."""
    _after(application, "grant")
    _demand_provider(application, by)
    words = ("grant", "refuse")
    return _decided(application, tuple(answers), by, items, now, f"request:{application.id}", words)


def negotiate(application: Application, by: Party, note: str, now: datetime) -> Application:
    """The applicant does not accept a refusal and asks the provider to talk (R42, first step)."""
    state = _after(application, "negotiate")
    _demand_applicant(application, by)
    return _next(application, now, by, "negotiation asked", note, state=state)


def coordinate(application: Application, by: Party, note: str, now: datetime) -> Application:
    """Negotiation failed: either side takes it to the coordinating department (R42, second step)."""
    state = _after(application, "ask for coordination")
    sides = (application.request.department, application.provider)
    demand(by.department in sides, f"{by.department} is on neither side of {application.id}.")
    return _next(application, now, by, "coordination asked", note, state=state)


def settle(
    application: Application,
    answers: Iterable[ItemAnswer],
    by: Party,
    coordinator: str,
    basis: str,
    items: Mapping[str, ItemTiers],
    now: datetime,
) -> Application:
    """The written decision that ends a disagreement: of the coordinating department, or of the provider giving in."""
    words = ("settle by granting", "settle by refusing")
    _after(application, words[0])
    decides = application.provider if application.state is GrantState.NEGOTIATING else coordinator
    demand(by.department == decides, f"The decision on {application.id} is {decides}'s, not {by.department}'s.")
    return _decided(application, tuple(answers), by, items, now, basis, words)


def withdraw(application: Application, by: Party, now: datetime) -> Application:
    """The applicant takes the application back before it is decided."""
    _demand_applicant(application, by)
    return _next(application, now, by, "withdrawn", "", state=_after(application, "withdraw"))


def revoke(application: Application, by: Party, reason: str, basis: str, now: datetime) -> Application:
    """The provider ends a grant before its time; it binds the next request (R39)."""
    _demand_provider(application, by)
    state = _after(application, "revoke")
    demand_complete("The revocation", [f"no {n}" for n, v in (("reason", reason), ("basis", basis)) if not v.strip()])
    return _next(application, now, by, "revoked", f"{reason} ({basis})", state=state, ended=time_text(now))


def grant_lines(application: Application) -> tuple[Tokens, ...]:
    """The policy lines of a grant; none for anything else."""
    if application.state is not GrantState.GRANTED:
        return ()
    request = application.request
    lines: list[Tokens] = []
    first, last = _period(request)
    rows = ANY
    if request.rows is not None:
        rows = f"rows:{application.id}"
        resource = resource_of(application.granted[0].item)
        lines.append(("rows", rows, resource, msgspec.json.encode(request.rows).decode()))
    basis = application.decision_basis or f"request:{application.id}"
    lines.append((CALLS, number_of(application), str(request.calls_per_day), basis))
    for place, answer in enumerate(application.granted):
        act = {
            Verdict.PLAIN: "read",
            Verdict.VERIFY_ONLY: "verify",
            Verdict.MASKED: f"masked:{answer.mask}",
        }[answer.verdict]
        identity = number_of(application) + (f".{place + 1}" if place else "")
        subject = f"dept:{request.department}"
        period = (time_text(first), time_text(last))
        lines.append(
            ("p", identity, subject, "z:gov", request.purpose, answer.item, act, rows, *period, basis, "allow")
        )
    return tuple(lines)


def number_of(application: Application) -> str:
    """The number of the grant, as its lines and the ledger have it."""
    in_law = (application.decision_basis or "").startswith("law:")
    return f"{'L' if in_law else 'Q'}-{application.id}"


def begin_of(request: Request) -> datetime:
    """The moment from which a grant of the request counts."""
    return _period(request)[0]


def rule_ids(application: Application) -> frozenset[str]:
    """The ids of the lines that the grant has, or had before it was revoked."""
    granted = msgspec.structs.replace(application, state=GrantState.GRANTED)
    return frozenset(line[1] for line in grant_lines(granted) if line[0] == "p")


def _decided(
    application: Application,
    answers: tuple[ItemAnswer, ...],
    by: Party,
    items: Mapping[str, ItemTiers],
    now: datetime,
    basis: str,
    words: tuple[str, str],
) -> Application:
    """The application as answered; ``words`` are the events of granting some of it and of refusing all."""
    coordinated = application.state is GrantState.COORDINATING
    demand(by.subject != application.request.officer, "Nobody decides on the own application.")
    demand_complete("The decision", _answers_lack(application, answers, items, basis, coordinated=coordinated))
    granted = any(answer.verdict is not Verdict.REFUSED for answer in answers)
    state = _after(application, words[0] if granted else words[1])
    told = GrantState.GRANTED if granted else GrantState.REFUSED
    return _next(application, now, by, f"{told}", "", state=state, answers=answers, decision_basis=basis)


def _lacks(request: Request, items: Mapping[str, ItemTiers], rules: Rules) -> Iterable[str]:
    texts = ("department", "officer", "function", "legal_basis", "scenario")
    yield from (f"{name} is empty" for name in texts if not getattr(request, name).strip())
    if request.purpose not in rules.purposes:
        yield f"the purpose is none of {', '.join(sorted(rules.purposes))}"
    if not request.items or len(set(request.items)) != len(request.items):
        yield "name the items wanted, each once"
    if len({resource_of(item) for item in request.items}) > 1:
        yield "the items are of several resources; apply for each"
    for item in request.items:
        if item not in items:
            yield f"{item} is in no released entry"
        elif items[item].sharing is Sharing.UNCONDITIONAL:
            yield f"{item} is shared unconditionally and needs no grant"
    if any(items[item].sensitive for item in request.items if item in items) and not request.impact_assessment:
        yield "sensitive personal items need an impact assessment"
    if request.mode not in MODES or (request.mode != "interface" and not request.mode_reason):
        yield f"the mode is one of {', '.join(sorted(MODES))}, and any but interface has a reason"
    if request.begins >= request.ends or request.ends > _years_after(request.begins, LONGEST_YEARS):
        yield f"the period ends after its beginning, within {LONGEST_YEARS} years"
    if request.calls_per_day < 1:
        yield "the volume is at least one call a day"
    if request.rows is not None:
        check_row_filter(request.rows)


def _answers_lack(
    application: Application,
    answers: tuple[ItemAnswer, ...],
    items: Mapping[str, ItemTiers],
    basis: str,
    *,
    coordinated: bool,
) -> Iterable[str]:
    if sorted(answer.item for answer in answers) != sorted(application.request.items):
        yield "answer for each item applied for, once"
    for answer in answers:
        tiers, name = items.get(answer.item), alias_of(answer.item)
        if answer.verdict is Verdict.REFUSED:
            if not (answer.reason or "").strip() or not (answer.basis or "").strip():
                yield f"{name} is refused: give reason and basis"
            continue
        if tiers is None:
            yield f"{name} is in no released entry any more"
            continue
        if tiers.verify_only and answer.verdict is not Verdict.VERIFY_ONLY:
            yield f"{name} is verified only; it cannot be given"
        if (answer.verdict is Verdict.MASKED) != (answer.mask in MASKS):
            yield f"{name}: name a mask if and only if it is granted masked, one of {', '.join(sorted(MASKS))}"
        if tiers.sharing is Sharing.NOT_SHARED and not (coordinated and basis.startswith("law:")):
            yield f"{name} is not shared; only coordination can grant it, on a basis that begins with law:"


def _period(request: Request) -> tuple[datetime, datetime]:
    """From the first day's beginning to the end of the last, in Chongqing time (UTC+8 all year)."""
    offset = timedelta(hours=8)
    first = datetime.combine(request.begins, time(), UTC) - offset
    last = datetime.combine(request.ends, time(), UTC) - offset + timedelta(days=1)
    return first, last


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _after(application: Application, event: str) -> GrantState:
    return after(GRANT_LIFECYCLE, application.state, event, application.id)


def _demand_provider(application: Application, by: Party) -> None:
    demand(
        by.department == application.provider,
        f"The decision on {application.id} is {application.provider}'s, not {by.department}'s.",
    )


def _demand_applicant(application: Application, by: Party) -> None:
    department = application.request.department
    demand(by.department == department, f"{application.id} is {department}'s application, not {by.department}'s.")


def _next(application: Application, now: datetime, by: Party, act: str, note: str, **changes: object) -> Application:
    steps = (*application.steps, step(now, by, act, note))
    return msgspec.structs.replace(application, revision=application.revision + 1, steps=steps, **changes)
