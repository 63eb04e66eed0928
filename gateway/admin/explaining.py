"""Why, in the administration's schema: an operation field by field today, an item on any day."""

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from catalog_sync.languages import Language
from gateway.access import explain as explaining
from gateway.admin.desk import Info, Visit, unknown
from gateway.admin.ledger_fields import moment
from gateway.admin.policy_steps import tables_on
from gateway.errors import NOT_SUPPORTED, CodedError
from policies.callers import Caller, anonymous
from policies.explain import Verdict
from policies.explain import explain as explain_items
from policies.lines import time_of
from policies.views import Act

Subject = Annotated[
    str | None, strawberry.argument(name="as", description="Such as `app:benefits` or `anon`; none: the person itself.")
]
strawberry.enum(Act, name="ItemAct", description="What is done with an item.")


@strawberry.type(description="The verdict on one selected field.")
class FieldVerdict:
    path: str
    coordinate: str
    items: list[str]
    verdict: str = strawberry.field(description="`allowed`, `refused`, or `structure`: it discloses nothing.")
    rules: list[str]
    grant: str | None
    basis: list[str]
    masked: str | None
    provider: str
    reason: str
    apply: str

    @staticmethod
    def of(verdict: explaining.FieldVerdict) -> "FieldVerdict":
        return FieldVerdict(
            path=verdict.path, coordinate=verdict.coordinate, items=list(verdict.items), verdict=verdict.verdict,
            rules=list(verdict.rules), grant=verdict.grant, basis=list(verdict.basis), masked=verdict.masked,
            provider=verdict.provider, reason=verdict.reason, apply=verdict.apply,
        )  # fmt: skip


@strawberry.type(description="One ground on which an item may be had.")
class Way:
    grant: str | None
    rows: str
    how: str
    rules: list[str]
    basis: list[str]


@strawberry.type(description="What an item is, or was, to a caller.")
class ItemExplanation:
    item: str
    allowed: bool
    listed: bool
    ways: list[Way]
    reason: str | None
    explanation: str
    apply: bool = strawberry.field(description="Whether applying for it could help.")
    policy_version: str
    apart: list[str] = strawberry.field(description="With which others one operation may not read it.")

    @staticmethod
    def of(found: Verdict, language: Language) -> "ItemExplanation":
        ways = [
            Way(grant=way.grant, rows=way.rows, how=way.how, rules=list(way.rules), basis=list(way.basis))
            for way in found.ways
        ]
        return ItemExplanation(
            item=found.item, allowed=found.allowed, listed=found.listed, ways=ways,
            reason=found.reason.value if found.reason is not None else None, explanation=found.said.within(language),
            apply=found.apply, policy_version=found.policy_version, apart=list(found.apart),
        )  # fmt: skip


@strawberry.type
class ExplainQueries:
    @strawberry.field(description="Who may read each field of an operation, by which rule; nothing is executed.")
    async def explain(
        self,
        info: Info,
        operation: str,
        as_: Subject = None,
        purpose: str | None = None,
    ) -> list[FieldVerdict]:
        visit = info.context
        governance = visit.desk.governance()
        if governance is None:
            raise CodedError(NOT_SUPPORTED, "This gateway serves no governed data, so there is nothing to explain.")
        caller = await caller_named(visit, as_, purpose)
        verdicts = explaining.explain(operation, governance.view_for(caller, visit.now), visit.language)
        return [FieldVerdict.of(verdict) for verdict in verdicts]

    @strawberry.field(description="Could X have done this with an item at that time; as the policy live then says.")
    async def explain_item(
        self,
        info: Info,
        item: str,
        as_: Subject = None,
        purpose: str | None = None,
        act: Act = Act.READ,
        at: datetime | None = None,
    ) -> ItemExplanation:
        visit = info.context
        when = time_of(text).astimezone(UTC) if (text := moment(at)) is not None else visit.now
        caller = await caller_named(visit, as_, purpose)
        tables = await tables_on(visit, when)
        if item not in tables.items:
            raise unknown(f"item {item}")
        (found,) = explain_items(tables, caller, [(item, act)], when)
        return ItemExplanation.of(found, visit.language)


async def caller_named(visit: Visit, subject: str | None, purpose: str | None) -> Caller:
    """In whose name it is explained: the person itself, callers of its department, and for the console anybody.

    Raises CodedError MATTER_UNKNOWN.
    """
    zone, own = visit.desk.zone, visit.caller
    if subject is None or subject == own.subject:
        return Caller(own.kind, own.subject, own.department, own.roles, zone, purpose)
    if subject == "anon":
        return anonymous(zone, purpose)
    registered = visit.desk.callers().get(subject)
    rights = await visit.rights()
    console = rights.reads_policy(visit.person)
    if registered is None or not (console or registered.department == visit.person.department):
        raise unknown(f"caller {subject}")
    return registered.caller(zone, purpose)
