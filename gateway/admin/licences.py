"""Licences of open resources at the desk: accepted by callers for themselves, or recorded by the provider for them."""

import msgspec
import strawberry
from starlette.requests import Request

from gateway.admin.desk import Desk, Info, Visit, stale
from gateway.admin.filing import Cabinet, Change, Filed
from gateway.admin.grant_fields import Revision
from gateway.errors import BAD_REQUEST, CodedError
from gateway.server.request_body import read_body
from policies import licences
from policies.callers import Caller
from policies.console import ConsoleAct
from policies.items import resource_of
from policies.licences import Acceptance
from policies.matters import demand
from policies.publication import Person

ACCEPTANCES = Cabinet(licences.KIND, Acceptance)
_LARGEST = 2_000
_PATIENCE = 15.0
_NOBODY = "-"


class Accepted(msgspec.Struct, forbid_unknown_fields=True):
    """What a caller sends to accept a licence: ``licence`` is the version that it has read."""

    resource: str
    licence: str


@strawberry.type(name="LicenceAcceptance", description="Who accepted which version of the licence of which resource.")
class AcceptanceView:
    id: strawberry.ID
    revision: int
    subject: str
    resource: str
    licence: str
    at: str
    taken_in_by: str | None = strawberry.field(description="The officer who recorded it; null: the identity itself.")
    document: str
    ended: str | None = strawberry.field(description="Why the provider took it back.")

    @staticmethod
    def of(filed: Filed[Acceptance]) -> "AcceptanceView":
        made = filed.value
        return AcceptanceView(
            id=strawberry.ID(made.id), revision=filed.revision, subject=made.subject, resource=made.resource,
            licence=made.licence, at=made.at, document=made.document, ended=made.ended,
            taken_in_by=made.taken_in_by.subject if made.taken_in_by is not None else None,
        )  # fmt: skip


@strawberry.type
class LicenceQueries:
    @strawberry.field(description="Acceptances of a resource's licence: for its provider's deciders, and for auditors.")
    async def licence_acceptances(self, info: Info, resource: str) -> list[AcceptanceView]:
        visit, rights = info.context, await info.context.rights()
        if not rights.audits(visit.person):
            rights.demand(visit.person, ConsoleAct.DECIDE, _items(visit, resource))
        held = await ACCEPTANCES.all(visit)
        return [AcceptanceView.of(filed) for filed in held if filed.value.resource == resource]


@strawberry.type
class LicenceMutations:
    @strawberry.mutation(
        description="The provider records that a verified identity accepted the licence; `document` shows it."
    )
    async def record_licence_acceptance(
        self, info: Info, subject: str, resource: str, licence: str, document: str
    ) -> AcceptanceView:
        visit = info.context
        (await visit.rights()).demand(visit.person, ConsoleAct.DECIDE, _items(visit, resource))
        given = (subject, resource, licence, visit.desk.items(), visit.now)
        return AcceptanceView.of(await _kept(visit, licences.accept(*given, visit.party, document)))

    @strawberry.mutation(description="The provider ends an acceptance: the data were used against the conditions.")
    async def end_licence_acceptance(
        self, info: Info, id: strawberry.ID, revision: Revision, reason: str
    ) -> AcceptanceView:
        visit = info.context
        filed = await ACCEPTANCES.get(visit, id)
        (await visit.rights()).demand(visit.person, ConsoleAct.DECIDE, _items(visit, filed.value.resource))
        if filed.revision != revision:
            raise stale(f"licence {id}", filed.revision, revision)
        ended = licences.end(filed.value, reason)
        change = Change("licence acceptance ended", reason, gone=frozenset({licences.rule_id(ended)}))
        return AcceptanceView.of(await ACCEPTANCES.keep(visit, id, ended, revision, change))


async def accept_own(desk: Desk, caller: Caller, request: Request, request_id: str) -> Filed[Acceptance]:
    """A caller accepts a licence for itself. Raises CodedError BAD_REQUEST, MATTER_INCOMPLETE."""
    length = request.headers.get("content-length")
    declared = None if length is None else length.encode()
    try:
        sent = msgspec.json.decode(await read_body(request.receive, declared, _LARGEST, _PATIENCE), type=Accepted)
    except msgspec.DecodeError as error:
        raise CodedError(BAD_REQUEST, f'Send JSON such as {{"resource": "...", "licence": "..."}}: {error}.') from None
    visit = Visit(desk, caller, Person(caller.subject, caller.department or _NOBODY, caller.roles), request_id)
    made = licences.accept(caller.subject, sent.resource, sent.licence, desk.items(), desk.clock())
    return await _kept(visit, made)


async def _kept(visit: Visit, made: Acceptance) -> Filed[Acceptance]:
    """The acceptance, live with its line; the earlier one where the same was accepted before.

    Raises CodedError MATTER_REFUSED where the provider ended that.
    """
    earlier = await ACCEPTANCES.find(visit, made.id)
    if earlier is not None:
        ended = earlier.value.ended
        demand(
            ended is None,
            f"The provider ended this acceptance ({ended}); whether it may be had again is theirs to say.",
        )
        return earlier
    change = Change("licence accepted", basis=f"{made.resource}: {made.licence}", lines=licences.acceptance_lines(made))
    return await ACCEPTANCES.keep(visit, made.id, made, 0, change)


def _items(visit: Visit, resource: str) -> tuple[str, ...]:
    """The items of a resource, for asking after rights on it; of none, an object that nobody has rights on."""
    return tuple(item for item in visit.desk.items() if resource_of(item) == resource) or (f"{resource}/*",)
