"""Applications of the public to open items, at the desk and in the administration's schema.

An officer takes the application in for a verified applicant (``app:...``, ``key:...``); the provider's side answers it.
Invariant: whoever took it in does not decide it, so that two persons stand behind every grant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
import strawberry

from gateway.admin.desk import Info, Visit, stale, unknown
from gateway.admin.filing import Cabinet, Change, Filed
from gateway.admin.grant_fields import Revision
from gateway.admin.matter_types import Clock, Step
from gateway.admin.paging import After, Connection, First, paged, place_of
from policies import openings
from policies.console import ConsoleAct
from policies.matters import demand, step
from policies.openings import OpeningApplication, OpeningRequest, OpeningState

OPENINGS = Cabinet("opening", OpeningApplication)
strawberry.enum(OpeningState, description="Where an application to open stands.")
_TAKEN_IN = "taken in"

Take = Callable[[OpeningApplication, datetime], OpeningApplication]


@strawberry.input(description="What somebody of the public applies for.")
class OpeningInput:
    applicant: str = strawberry.field(description="The verified identity's subject: `app:...` or `key:...`.")
    use: str
    purpose: str
    items: list[str]
    begins: date
    ends: date
    terms_accepted: bool

    def request(self) -> OpeningRequest:
        """The request as a value."""
        return OpeningRequest(
            applicant=self.applicant, use=self.use, purpose=self.purpose, items=tuple(self.items), begins=self.begins,
            ends=self.ends, terms_accepted=self.terms_accepted,
        )  # fmt: skip


@strawberry.type(description="An application of the public to open items, with all that became of it.")
class Opening:
    id: strawberry.ID
    revision: int
    state: OpeningState
    provider: str
    applicant: str
    use: str
    purpose: str
    items: list[str]
    granted: list[str]
    begins: date
    ends: date
    clock: Clock
    opinion_clock: Clock | None
    reason: str | None
    steps: list[Step]

    @staticmethod
    def of(filed: Filed[OpeningApplication]) -> "Opening":
        opening, request = filed.value, filed.value.request
        asked = opening.opinion_clock
        return Opening(
            id=strawberry.ID(opening.id), revision=filed.revision, state=opening.state, provider=opening.provider,
            applicant=request.applicant, use=request.use, purpose=request.purpose, items=list(request.items),
            granted=list(opening.granted), begins=request.begins, ends=request.ends, clock=Clock.of(opening.clock),
            opinion_clock=Clock.of(asked) if asked is not None else None, reason=opening.reason,
            steps=[Step.of(taken) for taken in opening.steps],
        )  # fmt: skip


@strawberry.type
class OpeningQueries:
    @strawberry.field(description="One application to open that concerns the person's department.")
    async def opening(self, info: Info, id: strawberry.ID) -> Opening:
        return Opening.of(await _visible(info.context, id))

    @strawberry.field(description="The applications to open that concern the person's department.")
    async def openings(
        self, info: Info, state: OpeningState | None = None, first: First = 50, after: After = None
    ) -> Connection[Opening]:
        visit, rights = info.context, await info.context.rights()
        audits = rights.audits(visit.person)
        found = [_today(filed, visit) for filed in await OPENINGS.all(visit) if audits or _ours(filed.value, visit)]
        wanted = [filed for filed in found if state in (None, filed.value.state)]
        return paged(wanted, lambda held: place_of(held.id, held.steps), Opening.of, first, after)


@strawberry.type
class OpeningMutations:
    @strawberry.mutation(description="Take in the application of somebody of the public.")
    async def take_in_opening(self, info: Info, input: OpeningInput) -> Opening:
        visit, request = info.context, input.request()
        name = visit.new_name(msgspec.json.encode(request))
        provider = (await visit.rights()).provider(request.items)
        made = openings.submit(name, request, provider, visit.desk.items(), visit.desk.rules(visit.now), visit.now)
        made = msgspec.structs.replace(made, steps=(*made.steps, step(visit.now, visit.party, _TAKEN_IN)))
        return Opening.of(await OPENINGS.make(visit, name, made, Change("opening taken in", state=made.state)))

    @strawberry.mutation(description="The provider tells everything that has to be corrected, once and in time.")
    async def ask_opening_correction(self, info: Info, id: strawberry.ID, revision: Revision, note: str) -> Opening:
        visit, rules = info.context, info.context.desk.rules(info.context.now)
        take = _Step("correction asked", lambda o, now: openings.ask_correction(o, visit.party, note, rules, now))
        return await _decider_takes(visit, id, revision, take)

    @strawberry.mutation(description="Take in the corrected application.")
    async def correct_opening(self, info: Info, id: strawberry.ID, revision: Revision, input: OpeningInput) -> Opening:
        visit, rules = info.context, info.context.desk.rules(info.context.now)
        items, request = visit.desk.items(), input.request()
        provider = (await visit.rights()).provider(request.items)

        def take(opening: OpeningApplication, now: datetime) -> OpeningApplication:
            demand(provider == opening.provider, "A correction does not change the provider; apply anew.")
            corrected = openings.correct(opening, request, items, rules, now)
            return msgspec.structs.replace(corrected, steps=(*corrected.steps, step(now, visit.party, _TAKEN_IN)))

        return await _take(visit, id, revision, _Step("opening corrected", take))

    @strawberry.mutation(description="The provider takes the application as complete.")
    async def accept_opening(self, info: Info, id: strawberry.ID, revision: Revision) -> Opening:
        visit = info.context
        return await _decider_takes(
            visit, id, revision, _Step("opening accepted", lambda o, now: openings.accept(o, visit.party, now))
        )

    @strawberry.mutation(description="The answer is put off, once, by what the rule profile allows.")
    async def extend_opening(self, info: Info, id: strawberry.ID, revision: Revision, reason: str) -> Opening:
        visit, rules = info.context, info.context.desk.rules(info.context.now)
        take = _Step("opening extended", lambda o, now: openings.extend(o, visit.party, reason, rules, now), reason)
        return await _decider_takes(visit, id, revision, take)

    @strawberry.mutation(description="Somebody whose secrets could be touched is asked; the clock stands still.")
    async def ask_third_party(self, info: Info, id: strawberry.ID, revision: Revision, whom: str) -> Opening:
        visit, rules = info.context, info.context.desk.rules(info.context.now)
        take = _Step("third party asked", lambda o, now: openings.ask_third_party(o, visit.party, whom, rules, now))
        return await _decider_takes(visit, id, revision, take)

    @strawberry.mutation(description="The third party's opinion; none when its time has passed without one.")
    async def hear_third_party(
        self, info: Info, id: strawberry.ID, revision: Revision, opinion: str | None = None
    ) -> Opening:
        visit, rules = info.context, info.context.desk.rules(info.context.now)
        take = _Step("third party heard", lambda o, now: openings.hear_third_party(o, visit.party, opinion, rules, now))
        return await _decider_takes(visit, id, revision, take)

    @strawberry.mutation(description="The provider's answer: all items, some or none; what is refused has a reason.")
    async def decide_opening(
        self, info: Info, id: strawberry.ID, revision: Revision, granted: list[str], reason: str | None = None
    ) -> Opening:
        visit = info.context

        def take(opening: OpeningApplication, now: datetime) -> OpeningApplication:
            took_in = {taken.by.subject for taken in opening.steps if taken.act == _TAKEN_IN}
            demand(visit.person.subject not in took_in, "Whoever took the application in does not decide it.")
            return openings.decide(opening, granted, reason, visit.party, now)

        return await _decider_takes(visit, id, revision, _Step("opening decided", take, reason))

    @strawberry.mutation(description="Use against the terms ends what was opened.")
    async def end_opening(self, info: Info, id: strawberry.ID, revision: Revision, reason: str) -> Opening:
        visit = info.context
        take = _Step("opening ended", lambda o, now: openings.end(o, visit.party, reason, now), reason)
        return await _decider_takes(visit, id, revision, take)


@dataclass(frozen=True, slots=True)
class _Step:
    """A pure step with its name and reason, for the ledger."""

    act: str
    take: Take
    reason: str | None = None


async def _decider_takes(visit: Visit, name: str, revision: int, taking: _Step) -> Opening:
    filed = await _visible(visit, name)
    demand(visit.person.department == filed.value.provider, f"The decision on {name} is {filed.value.provider}'s.")
    (await visit.rights()).demand(visit.person, ConsoleAct.DECIDE, filed.value.request.items)
    return await _take(visit, name, revision, taking)


async def _take(visit: Visit, name: str, revision: int, taking: _Step) -> Opening:
    filed = await _visible(visit, name)
    if filed.revision != revision:
        raise stale(f"opening {name}", filed.revision, revision)
    before, items = filed.value, visit.desk.items()
    taken = taking.take(before, visit.now)
    lines = openings.opening_lines(taken, items) if before.state is not taken.state else ()
    ended = before.state is OpeningState.GRANTED and taken.state is OpeningState.ENDED
    was = openings.opening_lines(before, items) if ended else ()
    gone = frozenset(line[1] for line in was if line[0] == "p")
    change = Change(taking.act, taking.reason, state=taken.state, lines=lines, gone=gone)
    return Opening.of(await OPENINGS.keep(visit, name, taken, revision, change))


async def _visible(visit: Visit, name: str) -> Filed[OpeningApplication]:
    """The opening as it stands now. Raises CodedError MATTER_UNKNOWN for whom it does not concern."""
    filed = await OPENINGS.get(visit, name)
    if not _ours(filed.value, visit) and not (await visit.rights()).audits(visit.person):
        raise unknown(f"opening {name}")
    return _today(filed, visit)


def _today(filed: Filed[OpeningApplication], visit: Visit) -> Filed[OpeningApplication]:
    return Filed(openings.note_passing_of_time(filed.value, visit.now), filed.revision)


def _ours(opening: OpeningApplication, visit: Visit) -> bool:
    took_part = {taken.by.department for taken in opening.steps} | {opening.provider}
    return visit.person.department in took_part
