"""The administration's schema: everything a person can ask and do, executed with coded errors alone."""

import logging
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter
from strawberry.types import ExecutionContext, ExecutionResult

from gateway.admin.assessment_fields import AssessmentQueries
from gateway.admin.catalogue_fields import CatalogueMutations, CatalogueQueries
from gateway.admin.desk import Info, Visit
from gateway.admin.doubts import DoubtMutations, DoubtQueries
from gateway.admin.evidence_fields import EvidenceMutations, EvidenceQueries
from gateway.admin.explaining import ExplainQueries
from gateway.admin.grant_fields import GrantMutations, GrantQueries
from gateway.admin.ledger_fields import LedgerQueries
from gateway.admin.licences import LicenceMutations, LicenceQueries
from gateway.admin.openings import OpeningMutations, OpeningQueries
from gateway.admin.policy_fields import PolicyMutations, PolicyQueries
from gateway.admin.preview import PreviewQueries
from gateway.admin.release_fields import ReleaseMutations, ReleaseQueries
from gateway.errors import PARSE_FAILED, VALIDATION_FAILED, CodedError, ErrorReport
from gateway.server.error_bodies import INTERNAL_REPORT

TOKENS = 5_000
ALIASES = 50

_log = logging.getLogger("watersmeet.admin")


@strawberry.type(description="A right that the live policy's console rules give.")
class Right:
    act: str
    on: str


@strawberry.type(description="The person whose credential this is.")
class Me:
    subject: str
    department: str
    kind: str
    rights: list[Right]


@strawberry.type
class Query(
    PolicyQueries,
    GrantQueries,
    OpeningQueries,
    DoubtQueries,
    LicenceQueries,
    LedgerQueries,
    EvidenceQueries,
    ExplainQueries,
    PreviewQueries,
    CatalogueQueries,
    ReleaseQueries,
    AssessmentQueries,
):
    @strawberry.field(description="Who asks, and with which rights in the console.")
    async def me(self, info: Info) -> Me:
        visit = info.context
        rights = (await visit.rights()).of(visit.person)
        return Me(
            subject=visit.person.subject, department=visit.person.department, kind=visit.caller.kind.value,
            rights=[Right(act=act, on=on) for act, on in rights],
        )  # fmt: skip


@strawberry.type
class Mutation(
    PolicyMutations,
    GrantMutations,
    OpeningMutations,
    DoubtMutations,
    LicenceMutations,
    EvidenceMutations,
    CatalogueMutations,
    ReleaseMutations,
):
    """All steps."""


class _QuietSchema(strawberry.Schema):
    """Strawberry logs every error with the document it occurred in; here documents can name persons."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: ``reports_of`` logs what nobody expected, and nothing else."""


SCHEMA = _QuietSchema(
    Query,
    Mutation,
    extensions=[lambda: MaxTokensLimiter(TOKENS), lambda: MaxAliasesLimiter(ALIASES)],
)


async def execute(visit: Visit, document: str, variables: dict[str, Any] | None, name: str | None) -> ExecutionResult:
    """Executes one operation of a person."""
    result: ExecutionResult = await SCHEMA.execute(document, variables, visit, None, name)
    return result


def reports_of(errors: list[GraphQLError] | None, request_id: str) -> tuple[ErrorReport, ...]:
    """The errors as the gateway writes them: coded ones with their details, whatever else went wrong masked."""
    return tuple(_report(error, request_id) for error in errors or ())


def _report(error: GraphQLError, request_id: str) -> ErrorReport:
    path = tuple(error.path) if error.path is not None else None
    locations = tuple((place.line, place.column) for place in error.locations or ())
    cause = error.original_error
    if isinstance(cause, CodedError):
        return ErrorReport(cause.message, cause.code.name, path, locations, cause.details, cause.said)
    if path is None:
        code = PARSE_FAILED if isinstance(error, GraphQLSyntaxError) else VALIDATION_FAILED
        return ErrorReport(error.message, code.name, None, locations)
    _log.error("request %s failed at %s", request_id, ".".join(map(str, path)), exc_info=cause or error)
    return ErrorReport(INTERNAL_REPORT.message, INTERNAL_REPORT.code, path, locations)
