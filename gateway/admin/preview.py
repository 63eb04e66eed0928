"""What an applicant would see, before the provider grants it: the decision in draft, compiled and looked through.

The officer lays the answers out as for ``decide``. The live policy with the lines that the decision would add
is compiled aside, and the applicant's department is put to it on the grant's first day: item by item, as the schema
would be, and, for an operation of the officer's choice, field by field. Nothing is kept, and nothing is executed.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import strawberry
from graphql import print_type
from strawberry.scalars import JSON

from catalog_sync.languages import Language
from gateway.access.caller_view import CallerView
from gateway.access.explain import explain as explain_operation
from gateway.admin import grants as steps
from gateway.admin.desk import Info, Visit
from gateway.admin.explaining import FieldVerdict, ItemExplanation
from gateway.admin.grant_fields import ItemAnswerInput
from gateway.errors import NOT_SUPPORTED, CodedError
from policies.callers import Caller, CallerKind
from policies.explain import Verdict, explain
from policies.grants import Application, ItemAnswer, begin_of, grant_lines
from policies.items import resource_of
from policies.lines import PolicyVersion, time_text
from policies.tables import compile_tables
from policies.views import Act


@dataclass(frozen=True, slots=True)
class Previewed:
    """The application as it would be decided, and what its department would then see."""

    application: Application
    moment: datetime
    view: CallerView
    verdicts: tuple[Verdict, ...]


async def preview(visit: Visit, name: str, answers: Sequence[ItemAnswer]) -> Previewed:
    """What the applicant would see under these answers. Raises as ``decide`` does, and CodedError NOT_SUPPORTED."""
    governance, live = visit.desk.governance(), await visit.desk.office.live()
    if governance is None or live is None:
        raise CodedError(NOT_SUPPORTED, "This gateway serves no governed data, so there is nothing to look at.")
    decided = await steps.decided(visit, name, answers)
    items, request = dict(visit.desk.items()), decided.request
    version = PolicyVersion.of(live.number + 1, (*live.lines, *grant_lines(decided)))
    tables = await asyncio.to_thread(compile_tables, version, items)
    moment = max(visit.now, begin_of(request))
    applicant = Caller(
        CallerKind.APPLICATION, f"dept:{request.department}", request.department, zone=visit.desk.zone,
        purpose=request.purpose,
    )  # fmt: skip
    verdicts = explain(tables, applicant, [(item, Act.READ) for item in request.items], moment)
    return Previewed(decided, moment, governance.with_tables(tables).view_for(applicant, moment), verdicts)


@strawberry.type(description="What an applicant would see once its application was decided so.")
class Preview:
    at: str = strawberry.field(description="The moment looked at: now, or the grant's first day.")
    purpose: str
    rows: JSON | None = strawberry.field(description="The condition on records; none: all.")
    items: list[ItemExplanation]
    schema: str = strawberry.field(description="The resource's types as the applicant's schema would hold them.")
    lines: list[str] = strawberry.field(description="The lines that the policy would gain.")
    fields: list[FieldVerdict] = strawberry.field(description="The verdicts on `operation`, if one was given.")

    @staticmethod
    def of(seen: Previewed, types: Iterable[str], operation: str | None, language: Language) -> "Preview":
        request, kinds = seen.application.request, seen.view.schema.type_map
        verdicts = explain_operation(operation, seen.view, language) if operation is not None else ()
        return Preview(
            at=time_text(seen.moment),
            purpose=request.purpose,
            rows=JSON(msgspec.to_builtins(request.rows)) if request.rows is not None else None,
            items=[ItemExplanation.of(verdict, language) for verdict in seen.verdicts],
            schema="\n\n".join(print_type(kinds[name]) for name in sorted(types) if name in kinds),
            lines=[", ".join(tokens) for tokens in grant_lines(seen.application)],
            fields=[FieldVerdict.of(verdict) for verdict in verdicts],
        )


@strawberry.type
class PreviewQueries:
    @strawberry.field(description="What the applicant would see under these answers; nothing is kept or executed.")
    async def preview_decision(
        self, info: Info, application: strawberry.ID, answers: list[ItemAnswerInput], operation: str | None = None
    ) -> Preview:
        visit = info.context
        seen = await preview(visit, application, [answer.answer() for answer in answers])
        governance = visit.desk.governance()
        assert governance is not None
        types = governance.types_by_resource().get(resource_of(seen.application.request.items[0]), frozenset())
        return Preview.of(seen, types, operation, visit.language)
