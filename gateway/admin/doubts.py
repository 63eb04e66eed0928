"""Doubts about values at the desk, and their place in the administration's schema."""

from collections.abc import Callable
from datetime import datetime

import strawberry

from gateway.admin.desk import Info, Visit, stale, unknown
from gateway.admin.filing import Cabinet, Change, Filed
from gateway.admin.grant_fields import Revision
from gateway.admin.ledger_fields import moment
from gateway.admin.matter_types import Clock, Step
from gateway.admin.paging import After, Connection, First, paged, place_of
from gateway.admin.rights import Rights
from policies import doubts
from policies.console import ConsoleAct
from policies.doubts import DoubtState
from policies.items import resource_of
from policies.ledger import person_hash
from policies.matters import demand
from policies.records import all_records

DOUBTS = Cabinet("doubt", doubts.Doubt)
strawberry.enum(DoubtState, description="Where a doubt stands.")


@strawberry.input(description="What is doubted. The record's key is hashed at once and kept nowhere.")
class DoubtInput:
    item: str
    record_key: str = strawberry.field(description="The key of the record, such as the resident's number.")
    request_id: str = strawberry.field(description="`X-Request-Id` of the answer that held the value.")
    what_is_wrong: str
    evidence: str


@strawberry.type(description="A doubt about a value, with all that became of it.")
class Doubt:
    id: strawberry.ID
    revision: int
    state: DoubtState
    item: str
    request_id: str
    what_is_wrong: str
    evidence: str
    raised_by: str
    department: str
    provider: str | None
    clock: Clock | None
    late: bool
    data_version: str | None
    steps: list[Step]

    @staticmethod
    def of(filed: Filed[doubts.Doubt], visit: Visit) -> "Doubt":
        doubt, report = filed.value, filed.value.report
        return Doubt(
            id=strawberry.ID(doubt.id), revision=filed.revision, state=doubt.state, item=report.item,
            request_id=report.request_id, what_is_wrong=report.what_is_wrong, evidence=report.evidence,
            raised_by=doubt.raised_by.subject, department=doubt.raised_by.department, provider=doubt.provider,
            clock=Clock.of(doubt.clock) if doubt.clock is not None else None, late=doubt.late(visit.now),
            data_version=doubt.data_version, steps=[Step.of(step) for step in doubt.steps],
        )  # fmt: skip


@strawberry.type
class DoubtQueries:
    @strawberry.field(description="One doubt that concerns the person.")
    async def doubt(self, info: Info, id: strawberry.ID) -> Doubt:
        return Doubt.of(await _visible(info.context, id), info.context)

    @strawberry.field(description="The doubts that concern the person.")
    async def doubts(
        self, info: Info, state: DoubtState | None = None, first: First = 50, after: After = None
    ) -> Connection[Doubt]:
        visit, rights = info.context, await info.context.rights()
        found = [filed for filed in await DOUBTS.all(visit) if _concerns(filed.value, visit, rights)]
        wanted = [filed for filed in found if state in (None, filed.value.state)]
        return paged(
            wanted, lambda held: place_of(held.id, held.steps), lambda filed: Doubt.of(filed, visit), first, after
        )

    @strawberry.field(description="The departments that were given a record which was corrected, and are to be told.")
    async def doubt_audience(self, info: Info, id: strawberry.ID, since: datetime) -> list[str]:
        visit = info.context
        doubt = (await _visible(visit, id)).value
        demand(visit.person.department == doubt.provider, f"Those to be told are known to {doubt.provider}.")
        records = [record async for record in all_records(visit.desk.store)]
        return sorted(doubts.to_be_told(doubt, records, moment(since) or ""))


@strawberry.type
class DoubtMutations:
    @strawberry.mutation(description="Say that a value seems wrong; it is served on, flagged, while it is checked.")
    async def raise_doubt(self, info: Info, input: DoubtInput) -> Doubt:
        visit = info.context
        if input.item not in visit.desk.items():
            raise unknown(f"item {input.item}")
        report = doubts.DoubtReport(
            resource=resource_of(input.item), item=input.item, request_id=input.request_id,
            record=person_hash(visit.desk.person_key, input.record_key) if input.record_key.strip() else "",
            what_is_wrong=input.what_is_wrong, evidence=input.evidence,
        )  # fmt: skip
        name = visit.new_name(repr(report).encode())
        made = doubts.raise_doubt(name, report, visit.party, visit.now)
        return Doubt.of(await DOUBTS.make(visit, name, made, Change("doubt raised", state=made.state)), visit)

    @strawberry.mutation(description="To the provider: the one appointed for the item, or another that is named.")
    async def route_doubt(
        self, info: Info, id: strawberry.ID, revision: Revision, provider: str | None = None
    ) -> Doubt:
        visit, rights = info.context, await info.context.rights()
        item = (await _visible(visit, id)).value.report.item
        rights.demand(visit.person, ConsoleAct.COORDINATE, (item,))
        to = provider if provider is not None else rights.provider((item,))
        rules = visit.desk.rules(visit.now)
        return await _take(
            visit, id, revision, "doubt routed", lambda d, now: doubts.route(d, to, visit.party, rules, now)
        )

    @strawberry.mutation(
        description="The provider's answer: CORRECTED, with the new data version, CONFIRMED, NOT_OURS."
    )
    async def answer_doubt(
        self, info: Info, id: strawberry.ID, revision: Revision, state: DoubtState, note: str,
        data_version: str | None = None,
    ) -> Doubt:  # fmt: skip
        visit = info.context

        def take(doubt: doubts.Doubt, now: datetime) -> doubts.Doubt:
            return doubts.answer(doubt, state, visit.party, note, now, data_version)

        return await _take(visit, id, revision, "doubt answered", take)

    @strawberry.mutation(description="Whoever raised it is content.")
    async def close_doubt(self, info: Info, id: strawberry.ID, revision: Revision) -> Doubt:
        visit = info.context
        return await _take(visit, id, revision, "doubt closed", lambda d, now: doubts.close(d, visit.party, now))

    @strawberry.mutation(description="Whoever raised it is not content, and says why; once.")
    async def reopen_doubt(self, info: Info, id: strawberry.ID, revision: Revision, note: str) -> Doubt:
        visit = info.context
        rules = visit.desk.rules(visit.now)
        return await _take(
            visit, id, revision, "doubt reopened", lambda d, now: doubts.reopen(d, visit.party, note, rules, now)
        )


async def _visible(visit: Visit, name: str) -> Filed[doubts.Doubt]:
    filed = await DOUBTS.get(visit, name)
    if not _concerns(filed.value, visit, await visit.rights()):
        raise unknown(f"doubt {name}")
    return filed


def _concerns(doubt: doubts.Doubt, visit: Visit, rights: Rights) -> bool:
    person = visit.person
    if person.department in (doubt.raised_by.department, doubt.provider) or rights.audits(person):
        return True
    return rights.may(person, ConsoleAct.COORDINATE, doubt.report.item)


async def _take(
    visit: Visit, name: str, revision: int, act: str, step: Callable[[doubts.Doubt, datetime], doubts.Doubt]
) -> Doubt:
    filed = await _visible(visit, name)
    if filed.revision != revision:
        raise stale(f"doubt {name}", filed.revision, revision)
    taken = step(filed.value, visit.now)
    return Doubt.of(await DOUBTS.keep(visit, name, taken, revision, Change(act, state=taken.state)), visit)
