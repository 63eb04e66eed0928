"""Applications and grants in the administration's schema."""

from datetime import date
from typing import Annotated

import msgspec
import strawberry
from strawberry.scalars import JSON

from gateway.admin import grants as desk_steps
from gateway.admin.desk import Info, Visit
from gateway.admin.matter_types import Clock, Step
from gateway.admin.paging import After, Connection, First, paged, place_of
from policies import grants
from policies.grants import GrantState, Verdict
from policies.row_filters import parse_row_filter

strawberry.enum(GrantState, description="Where an application, and the grant of it, stands.")
strawberry.enum(Verdict, name="ItemVerdict", description="The answer for one item.")

Revision = Annotated[int, strawberry.argument(description="The revision that was looked at.")]


@strawberry.input(description="What an application states. Department and officer are those of the credential.")
class ApplicationInput:
    function: str = strawberry.field(description="The duty that needs the data.")
    legal_basis: str = strawberry.field(description="Where the duty is laid down.")
    scenario: str
    purpose: str = strawberry.field(description="A word of the closed list of purposes.")
    items: list[str] = strawberry.field(description="Items of one resource, such as `30700503/1.registeredAddress`.")
    begins: date
    ends: date
    calls_per_day: int
    rows: JSON | None = strawberry.field(default=None, description="Condition on the records meant; none: all.")
    mode: str = "interface"
    mode_reason: str | None = None
    impact_assessment: str | None = None

    def request(self, visit: Visit) -> grants.Request:
        """The request of the person's department. Raises CodedError ROW_FILTER_INVALID."""
        return grants.Request(
            department=visit.person.department,
            officer=visit.person.subject,
            function=self.function,
            legal_basis=self.legal_basis,
            scenario=self.scenario,
            purpose=self.purpose,
            items=tuple(self.items),
            begins=self.begins,
            ends=self.ends,
            calls_per_day=self.calls_per_day,
            rows=parse_row_filter(msgspec.json.encode(self.rows)) if self.rows is not None else None,
            mode=self.mode,
            mode_reason=self.mode_reason,
            impact_assessment=self.impact_assessment,
        )


@strawberry.input(description="The provider's answer for one item.")
class ItemAnswerInput:
    item: str
    verdict: Verdict
    mask: str | None = strawberry.field(default=None, description="With MASKED: the masking rule.")
    reason: str | None = strawberry.field(default=None, description="With REFUSED: why.")
    basis: str | None = strawberry.field(default=None, description="With REFUSED: where that is laid down.")

    def answer(self) -> grants.ItemAnswer:
        """The answer as a value."""
        return grants.ItemAnswer(
            item=self.item, verdict=self.verdict, mask=self.mask, reason=self.reason, basis=self.basis
        )


@strawberry.type(description="The provider's answer for one item.")
class ItemAnswer:
    item: str
    verdict: Verdict
    mask: str | None
    reason: str | None
    basis: str | None


@strawberry.type(description="An application of one department to another, with all that became of it.")
class Application:
    id: strawberry.ID
    revision: int
    state: GrantState
    department: str
    officer: str
    provider: str
    function: str
    legal_basis: str
    scenario: str
    purpose: str
    items: list[str]
    rows: JSON | None
    begins: date
    ends: date
    calls_per_day: int
    number: strawberry.Private[str]
    mode: str
    mode_reason: str | None
    impact_assessment: str | None
    renews: str | None
    clock: Clock
    answers: list[ItemAnswer]
    in_force: bool
    steps: list[Step]

    @strawberry.field(description="How many operations of this day have used the grant, of `callsPerDay`.")
    async def calls_today(self, info: Info) -> int:
        return (await info.context.desk.store.calls_used(info.context.now)).get(self.number, 0)

    @staticmethod
    def of(taken: desk_steps.Taken, visit: Visit) -> "Application":
        application, request = taken.value, taken.value.request
        rows = JSON(msgspec.to_builtins(request.rows)) if request.rows is not None else None
        return Application(
            id=strawberry.ID(application.id),
            revision=taken.revision,
            state=application.state,
            department=request.department,
            officer=request.officer,
            provider=application.provider,
            function=request.function,
            legal_basis=request.legal_basis,
            scenario=request.scenario,
            purpose=request.purpose,
            items=list(request.items),
            rows=rows,
            begins=request.begins,
            ends=request.ends,
            calls_per_day=request.calls_per_day,
            number=grants.number_of(application),
            mode=request.mode,
            mode_reason=request.mode_reason,
            impact_assessment=request.impact_assessment,
            renews=request.renews,
            clock=Clock.of(application.clock),
            answers=[
                ItemAnswer(item=a.item, verdict=a.verdict, mask=a.mask, reason=a.reason, basis=a.basis)
                for a in application.answers
            ],
            in_force=application.in_force(visit.now),
            steps=[Step.of(step) for step in application.steps],
        )


@strawberry.type
class GrantQueries:
    @strawberry.field(description="One application that concerns the person.")
    async def application(self, info: Info, id: strawberry.ID) -> Application:
        return Application.of(await desk_steps.visible(info.context, id), info.context)

    @strawberry.field(description="The applications that concern the person, as they stand now.")
    async def applications(
        self, info: Info, state: GrantState | None = None, first: First = 50, after: After = None
    ) -> Connection[Application]:
        return _page(info.context, await desk_steps.listed(info.context, state), first, after)

    @strawberry.field(description="What was granted and is in force now.")
    async def grants(self, info: Info, first: First = 50, after: After = None) -> Connection[Application]:
        granted, now = await desk_steps.listed(info.context, GrantState.GRANTED), info.context.now
        return _page(info.context, [taken for taken in granted if taken.value.in_force(now)], first, after)


def _page(visit: Visit, found: list[desk_steps.Taken], first: int, after: str | None) -> Connection[Application]:
    return paged(
        found, lambda held: place_of(held.id, held.steps), lambda taken: Application.of(taken, visit), first, after
    )


@strawberry.type
class GrantMutations:
    @strawberry.mutation(description="Apply for conditional items to the department that answers for them.")
    async def apply(self, info: Info, input: ApplicationInput) -> Application:
        visit = info.context
        return Application.of(await desk_steps.apply(visit, input.request(visit)), visit)

    @strawberry.mutation(description="Apply anew for what a grant gave.")
    async def renew(self, info: Info, application: strawberry.ID, input: ApplicationInput) -> Application:
        visit = info.context
        return Application.of(await desk_steps.renew(visit, application, input.request(visit)), visit)

    @strawberry.mutation(description="The provider tells, once, everything that has to be corrected.")
    async def ask_correction(
        self, info: Info, application: strawberry.ID, revision: Revision, note: str
    ) -> Application:
        visit = info.context
        return Application.of(await desk_steps.ask_correction(visit, application, revision, note), visit)

    @strawberry.mutation(description="The applicant's corrected application; the clock starts anew.")
    async def correct(
        self, info: Info, application: strawberry.ID, revision: Revision, input: ApplicationInput
    ) -> Application:
        visit = info.context
        return Application.of(await desk_steps.correct(visit, application, revision, input.request(visit)), visit)

    @strawberry.mutation(description="The provider's answer, for each item applied for; policy at once.")
    async def decide(
        self, info: Info, application: strawberry.ID, revision: Revision, answers: list[ItemAnswerInput]
    ) -> Application:
        visit, given = info.context, [answer.answer() for answer in answers]
        return Application.of(await desk_steps.decide(visit, application, revision, given), visit)

    @strawberry.mutation(description="The provider ends a grant before its time.")
    async def revoke(
        self, info: Info, application: strawberry.ID, revision: Revision, reason: str, basis: str
    ) -> Application:
        visit = info.context
        return Application.of(await desk_steps.revoke(visit, application, revision, reason, basis), visit)

    @strawberry.mutation(description="The applicant takes back what is not decided yet.")
    async def withdraw(self, info: Info, application: strawberry.ID, revision: Revision) -> Application:
        visit = info.context
        return Application.of(await desk_steps.withdraw(visit, application, revision), visit)

    @strawberry.mutation(description="The applicant does not accept a refusal and asks the provider to talk.")
    async def negotiate(self, info: Info, application: strawberry.ID, revision: Revision, note: str) -> Application:
        visit = info.context
        return Application.of(await desk_steps.negotiate(visit, application, revision, note), visit)

    @strawberry.mutation(description="Either side takes a disagreement to the coordinating department.")
    async def coordinate(self, info: Info, application: strawberry.ID, revision: Revision, note: str) -> Application:
        visit = info.context
        return Application.of(await desk_steps.coordinate(visit, application, revision, note), visit)

    @strawberry.mutation(description="The written decision that ends a disagreement.")
    async def settle(
        self, info: Info, application: strawberry.ID, revision: Revision, answers: list[ItemAnswerInput], basis: str
    ) -> Application:
        visit, given = info.context, [answer.answer() for answer in answers]
        return Application.of(await desk_steps.settle(visit, application, revision, given, basis), visit)
