"""What civil affairs publishes: marriages (30700507/1), social organisations (/2), living allowances (/3)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Self

import strawberry

from subgraphs.civil_affairs.store import AllowanceRecord, CivilFiles, MarriageRecord, OrganisationRecord
from subgraphs.kit.alignment import page_size
from subgraphs.kit.binding import entity, related
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request

MARRIAGE = "30700507/1"
ORGANISATION = "30700507/2"
ALLOWANCE = "30700507/3"

Asked = Request[CivilFiles]


async def marriages_of(residents: Sequence["ResidentBasic"], request: Asked) -> "list[MarriageRegistration | None]":
    """The latest marriage record of each resident."""
    held = request.store.marriages.by_other
    latest = [max(held.get(resident.id, ()), key=lambda record: record.registered_on, default=None) for resident in residents]  # fmt: skip  # noqa: E501
    return [MarriageRegistration.of(record) if record else None for record in latest]


async def allowances_of(residents: Sequence["ResidentBasic"], request: Asked) -> "list[LivingAllowance | None]":
    """The allowance that each resident applied for."""
    held = request.store.allowances.by_other
    found = [held.get(resident.id, ()) for resident in residents]
    return [LivingAllowance.of(records[0]) if records else None for records in found]


@entity("id", code=MARRIAGE)
class MarriageRegistration:
    """One party of a registered marriage or divorce. The status is verified, never told."""

    id: strawberry.ID
    resident_id: str | None
    registered_on: date | None
    held_status: strawberry.Private[str]
    resident: "ResidentBasic | None"

    @strawberry.field
    def marital_status(self, equals: str) -> bool | None:
        """Whether the party has the marital status offered."""
        return self.held_status == equals

    @classmethod
    def of(cls, record: MarriageRecord) -> Self:
        """The registration a record describes."""
        return cls(
            id=strawberry.ID(record.id),
            resident_id=record.resident_id,
            registered_on=date.fromisoformat(record.registered_on),
            held_status=record.marital_status,
            resident=ResidentBasic(id=strawberry.ID(record.resident)),
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        records = [request.store.marriages.by_identity.get(reference["id"]) for reference in references]
        return [cls.of(record) if record else None for record in records]


@entity("id", code=ALLOWANCE)
class LivingAllowance:
    """A household's minimum living allowance."""

    id: strawberry.ID
    resident_id: str | None
    case_no: str | None
    monthly_amount: Decimal | None
    approved_on: date | None
    member_count: int | None
    resident: "ResidentBasic | None"

    @classmethod
    def of(cls, record: AllowanceRecord) -> Self:
        """The allowance a record describes."""
        return cls(
            id=strawberry.ID(record.id),
            resident_id=record.resident_id,
            case_no=record.case_no,
            monthly_amount=Decimal(record.monthly_amount),
            approved_on=date.fromisoformat(record.approved_on),
            member_count=int(record.member_count),
            resident=ResidentBasic(id=strawberry.ID(record.resident)),
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        records = [request.store.allowances.by_identity.get(reference["id"]) for reference in references]
        return [cls.of(record) if record else None for record in records]


@entity("creditCode", code=ORGANISATION)
class SocialOrganisation:
    """A social group, foundation or private non-enterprise body."""

    credit_code: strawberry.ID
    name: str | None
    kind: str | None
    division_code: str | None
    annual_review: str | None

    @classmethod
    def of(cls, record: OrganisationRecord) -> Self:
        """The organisation a record describes."""
        return cls(
            credit_code=strawberry.ID(record.credit_code),
            name=record.name,
            kind=record.kind,
            division_code=record.division_code,
            annual_review=record.annual_review,
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        records = [request.store.organisations.by_identity.get(reference["credit_code"]) for reference in references]
        return [cls.of(record) if record else None for record in records]


@entity("id")
class ResidentBasic:
    """A resident, of whom public security is the home; here the resident's marriage and allowance."""

    id: strawberry.ID
    marriage: MarriageRegistration | None = related(marriages_of)
    living_allowance: LivingAllowance | None = related(allowances_of)


@strawberry.type
class Query:
    """Civil affairs' root fields."""

    @strawberry.field
    async def social_organisation(
        self, info: strawberry.Info[Asked, None], credit_code: str
    ) -> SocialOrganisation | None:
        """A social organisation by its unified social credit code."""
        record = info.context.store.organisations.by_identity.get(credit_code)
        return SocialOrganisation.of(record) if record else None

    @strawberry.field
    async def social_organisations(
        self,
        info: strawberry.Info[Asked, None],
        name: str | None = strawberry.UNSET,
        division_code: str | None = strawberry.UNSET,
        first: int = 20,
    ) -> list[SocialOrganisation | None] | None:
        """Social organisations by part of the name or by division, at most `first` of them."""
        files = info.context.store.organisations
        records = files.by_other.get(division_code, ()) if division_code else files.records
        matching = (record for record in records if not name or name in record.name)
        return [SocialOrganisation.of(record) for record in islice(matching, page_size(first))]
