"""What human resources and social security publishes: enrolments in social insurance (30700511/1), figures (/2)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

import strawberry

from subgraphs.human_resources.store import EnrolmentRow, InsuranceFile, InsuredGroup
from subgraphs.kit.aggregates import withhold_together
from subgraphs.kit.alignment import aligned, grouped, page_size
from subgraphs.kit.binding import aggregate, entity, related
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request

ENROLMENT = "30700511/1"
STATISTICS = "30700511/2"

Asked = Request[InsuranceFile]


async def enrolments_of(
    residents: Sequence["ResidentBasic"], request: Asked, insurance_type: str | None = strawberry.UNSET
) -> "list[list[SocialInsuranceEnrolment]]":
    """The enrolments of each resident, of one kind where one is asked for."""
    keys = [str(resident.id) for resident in residents]
    rows = await request.store.enrolments("resident", keys, request.row_filter(ENROLMENT), insurance_type or None)
    return grouped(keys, map(SocialInsuranceEnrolment.of, rows), lambda enrolment: enrolment.resident_key)


async def staff_of(
    enterprises: Sequence["EnterpriseRegistration"], request: Asked, first: int = 20
) -> "list[list[SocialInsuranceEnrolment]]":
    """The first enrolments that each enterprise pays for."""
    size = page_size(first)
    keys = [str(enterprise.credit_code) for enterprise in enterprises]
    rows = await request.store.enrolments("credit_code", keys, request.row_filter(ENROLMENT))
    groups = grouped(keys, map(SocialInsuranceEnrolment.of, rows), lambda enrolment: str(enrolment.credit_code))
    return [group[:size] for group in groups]


@entity("id", code=ENROLMENT)
class SocialInsuranceEnrolment:
    """One person's enrolment in one kind of insurance. The status is verified, never told."""

    id: strawberry.ID
    resident_id: str | None
    credit_code: str | None
    insurance_type: str | None
    paid_months: int | None
    contribution_base: Decimal | None
    held_status: strawberry.Private[str]
    resident_key: strawberry.Private[str]
    resident: "ResidentBasic | None"
    employer: "EnterpriseRegistration | None"

    @strawberry.field
    def status(self, equals: str) -> bool | None:
        """Whether the enrolment has the status offered."""
        return self.held_status == equals

    @classmethod
    def of(cls, row: EnrolmentRow) -> Self:
        """The enrolment a row describes."""
        return cls(
            id=strawberry.ID(row.id),
            resident_id=row.resident_id,
            credit_code=row.credit_code,
            insurance_type=row.insurance_type,
            paid_months=row.paid_months,
            contribution_base=Decimal(row.contribution_base),
            held_status=row.status,
            resident_key=row.resident,
            resident=ResidentBasic(id=strawberry.ID(row.resident)),
            employer=EnterpriseRegistration(credit_code=strawberry.ID(row.credit_code)) if row.credit_code else None,
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        keys = [reference["id"] for reference in references]
        rows = await request.store.enrolments("id", keys, request.row_filter(ENROLMENT))
        return aligned(keys, map(cls.of, rows), lambda enrolment: str(enrolment.id))


@aggregate(STATISTICS, by=("insuranceType", "paidYears"), size="enrolledCount")
class InsuranceStatistics:
    """How many persons have paid into one kind of insurance for so many full years."""

    insurance_type: str | None
    paid_years: int | None
    enrolled_count: int | None
    average_paid_months: int | None

    @classmethod
    def of(cls, group: InsuredGroup) -> Self:
        """The figures of one group."""
        return cls(
            insurance_type=group.insurance_type,
            paid_years=group.paid_years,
            enrolled_count=group.enrolled,
            average_paid_months=round(group.average_paid_months),
        )


@entity("id")
class ResidentBasic:
    """A resident, of whom public security is the home; here the resident's enrolments."""

    id: strawberry.ID
    social_insurance: list[SocialInsuranceEnrolment | None] | None = related(enrolments_of)


@entity("creditCode")
class EnterpriseRegistration:
    """An enterprise, of which market regulation is the home; here those it pays insurance for."""

    credit_code: strawberry.ID
    insured_staff: list[SocialInsuranceEnrolment | None] | None = related(staff_of)


@strawberry.type
class Query:
    """The bureau's root field."""

    @strawberry.field
    async def enrolments(
        self, info: strawberry.Info[Asked, None], credit_code: str, first: int = 20
    ) -> list[SocialInsuranceEnrolment | None] | None:
        """The enrolments that an enterprise pays for, at most `first` of them."""
        rows = info.context.row_filter(ENROLMENT)
        found = await info.context.store.enrolments("credit_code", [credit_code], rows)
        return [SocialInsuranceEnrolment.of(row) for row in found[: page_size(first)]]

    @strawberry.field
    async def insurance_statistics(
        self, info: strawberry.Info[Asked, None], insurance_type: str, paid_years: int | None = strawberry.UNSET
    ) -> list[InsuranceStatistics | None] | None:
        """How many persons have paid for how many years; nothing of groups of fewer than ten."""
        groups = await info.context.store.insured_groups(insurance_type)
        # Decided over all years, for how many are insured altogether is known; chosen from afterwards.
        figures = withhold_together(
            [InsuranceStatistics.of(group) for group in groups], [group.enrolled for group in groups]
        )
        return [one for one in figures if not isinstance(paid_years, int) or one.paid_years == paid_years]
