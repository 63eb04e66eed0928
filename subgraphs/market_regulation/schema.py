"""What market regulation publishes: enterprises (30700502/1) and their electronic licences (30700502/2)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Self

import strawberry
from strawberry.scalars import Base64

from subgraphs.kit.alignment import aligned, grouped, page_size
from subgraphs.kit.binding import entity, related
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request
from subgraphs.market_regulation.store import EnterpriseRegister, EnterpriseRow, LicenceRow

ENTERPRISE = "30700502/1"
LICENCE = "30700502/2"

Asked = Request[EnterpriseRegister]


async def licences_of(enterprises: Sequence["EnterpriseRegistration"], request: Asked) -> "list[ElectronicBusinessLicence | None]":  # fmt: skip  # noqa: E501
    """The licence of each enterprise."""
    keys = [str(enterprise.credit_code) for enterprise in enterprises]
    rows = await request.store.licences("credit_code", keys, request.row_filter(LICENCE))
    return aligned(keys, map(ElectronicBusinessLicence.of, rows), lambda licence: str(licence.credit_code))


async def holders_of(licences: Sequence["ElectronicBusinessLicence"], request: Asked) -> "list[EnterpriseRegistration | None]":  # fmt: skip  # noqa: E501
    """The enterprise that holds each licence."""
    return await EnterpriseRegistration.by_code([str(licence.credit_code) for licence in licences], request)


async def represented_by(residents: Sequence["ResidentBasic"], request: Asked) -> "list[list[EnterpriseRegistration]]":
    """The enterprises that each resident is the legal representative of."""
    keys = [str(resident.id) for resident in residents]
    rows = await request.store.enterprises("representative", keys, request.row_filter(ENTERPRISE))
    enterprises = map(EnterpriseRegistration.of, rows)
    return grouped(keys, enterprises, lambda enterprise: enterprise.representative_key)


@entity("creditCode", code=ENTERPRISE)
class EnterpriseRegistration:
    """An enterprise. ``riskNote`` is the inspectors' own; no catalogue entry covers it, so no gateway serves it."""

    credit_code: strawberry.ID
    name: str | None
    legal_representative: str | None
    registered_capital: Decimal | None
    address: str | None
    division_code: str | None
    status: str | None
    legal_representative_id: str | None
    phone: str | None
    risk_note: str | None
    representative: "ResidentBasic | None"
    representative_key: strawberry.Private[str]
    licence: "ElectronicBusinessLicence | None" = related(licences_of)

    @classmethod
    def of(cls, row: EnterpriseRow) -> Self:
        """The enterprise a row describes."""
        return cls(
            credit_code=strawberry.ID(row.credit_code),
            name=row.name,
            legal_representative=row.legal_representative,
            registered_capital=Decimal(row.registered_capital),
            address=row.address,
            division_code=row.division_code,
            status=row.status,
            legal_representative_id=row.legal_representative_id,
            phone=row.phone,
            risk_note=row.risk_note,
            representative_key=row.representative,
            representative=ResidentBasic(id=strawberry.ID(row.representative)),
        )

    @classmethod
    async def by_code(cls, codes: Sequence[str], request: Asked) -> list[Self | None]:
        """The enterprise of each credit code."""
        rows = await request.store.enterprises("credit_code", codes, request.row_filter(ENTERPRISE))
        return aligned(codes, map(cls.of, rows), lambda enterprise: str(enterprise.credit_code))

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        return await cls.by_code([reference["credit_code"] for reference in references], request)


@entity("licenceNo", code=LICENCE)
class ElectronicBusinessLicence:
    """The electronic licence of an enterprise."""

    licence_no: strawberry.ID
    credit_code: str | None
    valid_until: date | None
    file: Base64 | None
    enterprise: EnterpriseRegistration | None = related(holders_of)

    @classmethod
    def of(cls, row: LicenceRow) -> Self:
        """The licence a row describes."""
        return cls(
            licence_no=strawberry.ID(row.licence_no),
            credit_code=row.credit_code,
            valid_until=date.fromisoformat(row.valid_until),
            file=Base64(row.file),
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        keys = [reference["licence_no"] for reference in references]
        rows = await request.store.licences("licence_no", keys, request.row_filter(LICENCE))
        return aligned(keys, map(cls.of, rows), lambda licence: str(licence.licence_no))


@entity("id")
class ResidentBasic:
    """A resident, of whom public security is the home; here the enterprises that the resident represents."""

    id: strawberry.ID
    represented_enterprises: list[EnterpriseRegistration | None] | None = related(represented_by)


@strawberry.type
class Query:
    """Market regulation's root fields."""

    @strawberry.field
    async def enterprise(self, info: strawberry.Info[Asked, None], credit_code: str) -> EnterpriseRegistration | None:
        """An enterprise by its unified social credit code."""
        return (await EnterpriseRegistration.by_code([credit_code], info.context))[0]

    @strawberry.field
    async def enterprises(
        self,
        info: strawberry.Info[Asked, None],
        name: str | None = strawberry.UNSET,
        division_code: str | None = strawberry.UNSET,
        status: str | None = strawberry.UNSET,
        first: int = 20,
    ) -> list[EnterpriseRegistration | None] | None:
        """Enterprises by part of the name, division or status, at most `first` of them."""
        rows = info.context.row_filter(ENTERPRISE)
        found = await info.context.store.enterprises_matching(
            name or None, division_code or None, status or None, page_size(first), rows
        )
        return [EnterpriseRegistration.of(row) for row in found]
