"""What the public security bureau publishes: residents (30700503/1) and households (30700503/3)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date
from typing import Self

import strawberry
from strawberry.scalars import Base64

from subgraphs.kit.alignment import aligned, grouped, page_size
from subgraphs.kit.binding import entity, related
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request
from subgraphs.public_security.store import HouseholdRow, PopulationRegister, ResidentRow

RESIDENT = "30700503/1"
HOUSEHOLD = "30700503/3"

Asked = Request[PopulationRegister]


async def households_of(residents: Sequence["ResidentBasic"], request: Asked) -> "list[Household | None]":
    """The household of each resident."""
    return await Household.by_id([resident.household_key for resident in residents], request)


async def heads_of(households: Sequence["Household"], request: Asked) -> "list[ResidentBasic | None]":
    """The head of each household."""
    return await ResidentBasic.by_id([household.head_key for household in households], request)


async def members_of(households: Sequence["Household"], request: Asked) -> "list[list[ResidentBasic]]":
    """The residents of each household."""
    keys = [str(household.id) for household in households]
    rows = request.store.residents("household", keys, request.row_filter(RESIDENT))
    return grouped(keys, map(ResidentBasic.of, rows), lambda resident: resident.household_key)


@entity("id", code=RESIDENT)
class ResidentBasic:
    """A resident. ``remarks`` is the bureau's own note; no catalogue entry covers it, so no gateway serves it."""

    id: strawberry.ID
    resident_id: str | None
    name: str | None
    sex: str | None
    birth_date: date | None
    registered_address: str | None
    division_code: str | None
    remarks: str | None
    household_key: strawberry.Private[str]
    photo_digest: strawberry.Private[bytes]
    household: "Household | None" = related(households_of)

    @strawberry.field
    def photo(self, matches: Base64) -> bool | None:
        """Whether the photograph offered is the one on file; the photograph itself is never given."""
        return hmac.compare_digest(hashlib.sha256(matches).digest(), self.photo_digest)

    @classmethod
    def of(cls, row: ResidentRow) -> Self:
        """The resident a row describes."""
        return cls(
            id=strawberry.ID(row.id),
            resident_id=row.resident_id,
            name=row.name,
            sex=row.sex,
            birth_date=date.fromisoformat(row.birth_date),
            registered_address=row.registered_address,
            division_code=row.division_code,
            remarks=row.remarks,
            household_key=row.household,
            photo_digest=row.photo_digest,
        )

    @classmethod
    async def by_id(cls, keys: Sequence[str], request: Asked) -> list[Self | None]:
        """The resident of each surrogate."""
        rows = request.store.residents("id", keys, request.row_filter(RESIDENT))
        return aligned(keys, map(cls.of, rows), lambda resident: str(resident.id))

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        return await cls.by_id([reference["id"] for reference in references], request)


@entity("addressCode", resolvable=False)
class StandardAddress:
    """A standard address, of which planning and natural resources is the home."""

    address_code: strawberry.ID


@entity("id", code=HOUSEHOLD)
class Household:
    """A household and who belongs to it."""

    id: strawberry.ID
    household_no: str | None
    head_resident_id: str | None
    address: str | None
    address_code: str | None
    member_count: int | None
    head_key: strawberry.Private[str]
    standard_address: StandardAddress | None
    head: ResidentBasic | None = related(heads_of)
    members: list[ResidentBasic | None] | None = related(members_of)

    @classmethod
    def of(cls, row: HouseholdRow) -> Self:
        """The household a row describes."""
        return cls(
            id=strawberry.ID(row.id),
            household_no=row.household_no,
            head_resident_id=row.head_resident_id,
            address=row.address,
            address_code=row.address_code,
            member_count=row.member_count,
            head_key=row.head,
            standard_address=StandardAddress(address_code=strawberry.ID(row.address_code)),
        )

    @classmethod
    async def by_id(cls, keys: Sequence[str], request: Asked) -> list[Self | None]:
        """The household of each surrogate."""
        rows = request.store.households(keys, request.row_filter(HOUSEHOLD))
        return aligned(keys, map(cls.of, rows), lambda household: str(household.id))

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        return await cls.by_id([reference["id"] for reference in references], request)


@strawberry.type
class Query:
    """The bureau's root fields."""

    @strawberry.field
    async def resident(self, info: strawberry.Info[Asked, None], resident_id: str) -> ResidentBasic | None:
        """A resident by number."""
        rows = info.context.store.residents("resident_id", [resident_id], info.context.row_filter(RESIDENT))
        return ResidentBasic.of(rows[0]) if rows else None

    @strawberry.field
    async def residents(
        self,
        info: strawberry.Info[Asked, None],
        name: str | None = strawberry.UNSET,
        division_code: str | None = strawberry.UNSET,
        first: int = 20,
    ) -> list[ResidentBasic | None] | None:
        """Residents by name or division, at most `first` of them."""
        store, rows = info.context.store, info.context.row_filter(RESIDENT)
        found = store.residents_matching(name or None, division_code or None, page_size(first), rows)
        return [ResidentBasic.of(row) for row in found]
