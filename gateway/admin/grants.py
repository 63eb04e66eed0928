"""The life of a grant, step by step at the desk: who may see it, whose step it is, and what becomes policy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.admin.desk import Visit, stale, unknown
from gateway.admin.filing import Cabinet, Change, Filed
from gateway.admin.rights import Rights
from policies import grants
from policies.console import ConsoleAct
from policies.grants import Application, GrantState, ItemAnswer, Request
from policies.matters import demand

APPLICATIONS = Cabinet("application", Application)
_DISPUTED = (GrantState.NEGOTIATING, GrantState.COORDINATING, GrantState.OVERDUE)

Taken = Filed[Application]


@dataclass(frozen=True, slots=True)
class _Step:
    """A pure step with its name and grounds, for the ledger."""

    act: str
    take: Callable[[Application, datetime], Application]
    reason: str | None = None
    basis: str | None = None


async def apply(visit: Visit, request: Request) -> Taken:
    """A new application to the department that the policy appoints for the items."""
    rights = await visit.rights()
    name = visit.new_name(msgspec.json.encode(request))
    provider = rights.provider(request.items)
    made = grants.apply(name, request, provider, visit.party, visit.desk.items(), _rules(visit), visit.now)
    change = Change("applied", reason=request.scenario, basis=request.legal_basis, state=made.state)
    return await APPLICATIONS.make(visit, name, made, change)


async def renew(visit: Visit, name: str, request: Request) -> Taken:
    """A new application that names the grant which it is to follow."""
    earlier = (await visible(visit, name)).value
    demand(earlier.request.department == visit.person.department, f"{name} is not your department's.")
    demand(earlier.state in (GrantState.GRANTED, GrantState.REVOKED), f"{name} was never granted; apply anew.")
    return await apply(visit, msgspec.structs.replace(request, renews=name))


async def ask_correction(visit: Visit, name: str, revision: int, note: str) -> Taken:
    """The provider tells everything that has to be corrected."""
    step = _Step("correction asked", lambda a, now: grants.ask_correction(a, visit.party, note, now), note)
    return await _provider_takes(visit, name, revision, step)


async def correct(visit: Visit, name: str, revision: int, request: Request) -> Taken:
    """The applicant's corrected application."""
    items, rules = visit.desk.items(), _rules(visit)
    provider = (await visit.rights()).provider(request.items)

    def take(application: Application, now: datetime) -> Application:
        demand(provider == application.provider, "A correction does not change the provider; apply anew.")
        kept = msgspec.structs.replace(request, renews=application.request.renews)
        return grants.correct(application, kept, visit.party, items, rules, now)

    return await _take(visit, name, revision, _Step("corrected", take, request.scenario, request.legal_basis))


async def decide(visit: Visit, name: str, revision: int, answers: Iterable[ItemAnswer]) -> Taken:
    """The provider's answer for every item; what is granted is policy at once."""
    given = tuple(answers)

    def take(application: Application, now: datetime) -> Application:
        return _decide(visit, application, given, now)

    return await _provider_takes(visit, name, revision, _Step("decided", take, basis=_grounds(given)))


async def decided(visit: Visit, name: str, answers: Iterable[ItemAnswer]) -> Application:
    """The application as it would be decided, for who may decide it; nothing is kept."""
    before = (await visible(visit, name)).value
    after = _decide(visit, before, tuple(answers), visit.now)
    (await visit.rights()).demand(visit.person, ConsoleAct.DECIDE, before.request.items)
    return after


async def revoke(visit: Visit, name: str, revision: int, reason: str, basis: str) -> Taken:
    """The provider ends the grant."""
    step = _Step("revoked", lambda a, now: grants.revoke(a, visit.party, reason, basis, now), reason, basis)
    return await _provider_takes(visit, name, revision, step)


async def negotiate(visit: Visit, name: str, revision: int, note: str) -> Taken:
    """The applicant does not accept the refusal."""
    step = _Step("negotiation asked", lambda a, now: grants.negotiate(a, visit.party, note, now), note)
    return await _take(visit, name, revision, step)


async def coordinate(visit: Visit, name: str, revision: int, note: str) -> Taken:
    """Either side takes the disagreement to the coordinating department."""
    step = _Step("coordination asked", lambda a, now: grants.coordinate(a, visit.party, note, now), note)
    return await _take(visit, name, revision, step)


async def settle(visit: Visit, name: str, revision: int, answers: Iterable[ItemAnswer], basis: str) -> Taken:
    """The decision that ends the disagreement: the provider's that gives in, or the coordinating department's."""
    given, items = tuple(answers), visit.desk.items()
    before = (await visible(visit, name)).value

    def take(application: Application, now: datetime) -> Application:
        _demand_uninvolved(application, visit)
        coordinator = visit.person.department
        if application.state is GrantState.COORDINATING:
            sides = (application.provider, application.request.department)
            demand(coordinator not in sides, f"{coordinator} is a side of {application.id}; it cannot coordinate.")
        return grants.settle(application, given, visit.party, coordinator, basis, items, now)

    act = ConsoleAct.COORDINATE if before.state is GrantState.COORDINATING else ConsoleAct.DECIDE
    return await _take(visit, name, revision, _Step("settled", take, basis=basis), act)


async def withdraw(visit: Visit, name: str, revision: int) -> Taken:
    """The applicant takes it back."""
    step = _Step("withdrawn", lambda a, now: grants.withdraw(a, visit.party, now))
    return await _take(visit, name, revision, step)


async def visible(visit: Visit, name: str, revision: int | None = None) -> Taken:
    """The application as it stands now. Raises CodedError MATTER_UNKNOWN for whom it does not concern."""
    filed = await APPLICATIONS.get(visit, name)
    if not _concerns(filed.value, visit, await visit.rights()):
        raise unknown(f"application {name}")
    if revision is not None and filed.revision != revision:
        raise stale(f"application {name}", filed.revision, revision)
    return Filed(grants.note_passing_of_time(filed.value, visit.now), filed.revision)


async def listed(visit: Visit, state: GrantState | None) -> list[Taken]:
    """The applications that concern the person, as they stand now."""
    rights = await visit.rights()
    found = []
    for filed in await APPLICATIONS.all(visit):
        now = Filed(grants.note_passing_of_time(filed.value, visit.now), filed.revision)
        if state in (None, now.value.state) and _concerns(now.value, visit, rights):
            found.append(now)
    return found


def _concerns(application: Application, visit: Visit, rights: Rights) -> bool:
    """Both sides, the auditors, and the coordinating department once there is something to coordinate."""
    person = visit.person
    if person.department in (application.provider, application.request.department) or rights.audits(person):
        return True
    disputed = grants.note_passing_of_time(application, visit.now).state in _DISPUTED
    settled = any(step.act == "coordination asked" for step in application.steps)
    items = application.request.items
    return (disputed or settled) and all(rights.may(person, ConsoleAct.COORDINATE, item) for item in items)


async def _provider_takes(visit: Visit, name: str, revision: int, step: _Step) -> Taken:
    return await _take(visit, name, revision, step, ConsoleAct.DECIDE)


async def _take(visit: Visit, name: str, revision: int, step: _Step, right: ConsoleAct | None = None) -> Taken:
    """Takes a step on the revision that the person saw, and keeps it with its record and its lines."""
    filed = await visible(visit, name, revision)
    taken = step.take(filed.value, visit.now)
    if right is not None:
        (await visit.rights()).demand(visit.person, right, filed.value.request.items)
    gone = grants.rule_ids(filed.value) if taken.state is GrantState.REVOKED else frozenset()
    change = Change(step.act, step.reason, step.basis, taken.state, grants.grant_lines(taken), gone)
    return await APPLICATIONS.keep(visit, name, taken, filed.revision, change)


def _decide(visit: Visit, application: Application, answers: tuple[ItemAnswer, ...], now: datetime) -> Application:
    made = grants.decide(application, answers, visit.party, visit.desk.items(), now)
    _demand_uninvolved(application, visit)
    return made


def _demand_uninvolved(application: Application, visit: Visit) -> None:
    """Whoever took a step for the applicant's side decides nothing, under whatever credential."""
    side = application.request.department
    acted = {step.by.subject for step in application.steps if step.by.department == side}
    demand(visit.person.subject not in acted, "Nobody decides on the own application.")


def _grounds(answers: Iterable[ItemAnswer]) -> str | None:
    return "; ".join(dict.fromkeys(answer.basis for answer in answers if answer.basis)) or None


def _rules(visit: Visit) -> grants.Rules:
    return visit.desk.rules(visit.now)
