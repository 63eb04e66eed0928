"""What planning and natural resources publishes: real estate (30700504/1) and standard addresses (30700504/2).

The register service cannot filter by conditions, so row conditions are applied to what it returns.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

import strawberry

from subgraphs.kit.alignment import aligned, grouped, page_size
from subgraphs.kit.binding import entity, related
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request
from subgraphs.natural_resources.store import AddressRow, Parcel, RegisterClient

REAL_ESTATE = "30700504/1"
ADDRESS = "30700504/2"

Asked = Request[RegisterClient]


async def real_estate_of(residents: Sequence["ResidentBasic"], request: Asked) -> "list[list[RealEstateRegistration]]":
    """The units that each resident holds."""
    keys = [str(resident.id) for resident in residents]
    parcels = await request.store.parcels_held(keys)
    return grouped(keys, map(RealEstateRegistration.of, parcels), lambda parcel: parcel.holder_key)


async def addresses_of(parcels: Sequence["RealEstateRegistration"], request: Asked) -> "list[StandardAddress | None]":
    """The standard address of each unit."""
    return await StandardAddress.by_code([parcel.address_key for parcel in parcels], request)


@entity("id", code=REAL_ESTATE)
class RealEstateRegistration:
    """A registered unit of real estate. Whether it is sealed is verified, never told."""

    id: strawberry.ID
    unit_no: str | None
    location: str | None
    holder_id: str | None
    address_code: str | None
    floor_area: Decimal | None
    held_sealed: strawberry.Private[bool]
    holder_key: strawberry.Private[str]
    address_key: strawberry.Private[str]
    holder: "ResidentBasic | None"
    standard_address: "StandardAddress | None" = related(addresses_of)

    @strawberry.field
    def sealed(self, equals: bool) -> bool | None:
        """Whether what is supposed of the seal is so."""
        return self.held_sealed == equals

    @classmethod
    def of(cls, parcel: Parcel) -> Self:
        """The registration of a unit."""
        return cls(
            id=strawberry.ID(parcel.id),
            unit_no=parcel.row.unit_no,
            location=parcel.row.location,
            holder_id=parcel.row.holder_id,
            address_code=parcel.row.address_code,
            floor_area=Decimal(parcel.row.floor_area),
            held_sealed=parcel.row.sealed == "1",
            holder_key=parcel.holder or "",
            address_key=parcel.row.address_code,
            holder=ResidentBasic(id=strawberry.ID(parcel.holder)) if parcel.holder else None,
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        keys = [reference["id"] for reference in references]
        parcels = await request.store.parcels(keys)
        return aligned(keys, map(cls.of, parcels), lambda parcel: str(parcel.id))


@entity("addressCode", code=ADDRESS)
class StandardAddress:
    """A standard address with its position."""

    address_code: strawberry.ID
    full_address: str | None
    division_code: str | None
    longitude: float | None
    latitude: float | None

    @classmethod
    def of(cls, row: AddressRow) -> Self:
        """The address a row describes."""
        return cls(
            address_code=strawberry.ID(row.address_code),
            full_address=row.full_address,
            division_code=row.division_code,
            longitude=float(row.longitude),
            latitude=float(row.latitude),
        )

    @classmethod
    async def by_code(cls, codes: Sequence[str], request: Asked) -> list[Self | None]:
        """The address of each code."""
        rows = await request.store.addresses(codes)
        return aligned(codes, map(cls.of, rows), lambda address: str(address.address_code))

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        return await cls.by_code([reference["address_code"] for reference in references], request)


@entity("id")
class ResidentBasic:
    """A resident, of whom public security is the home; here the real estate that the resident holds."""

    id: strawberry.ID
    real_estate: list[RealEstateRegistration | None] | None = related(real_estate_of)


@strawberry.type
class Query:
    """The bureau's root fields."""

    @strawberry.field
    async def standard_address(self, info: strawberry.Info[Asked, None], address_code: str) -> StandardAddress | None:
        """A standard address by its code."""
        return (await StandardAddress.by_code([address_code], info.context))[0]

    @strawberry.field
    async def standard_addresses(
        self, info: strawberry.Info[Asked, None], division_code: str, first: int = 20
    ) -> list[StandardAddress | None] | None:
        """Standard addresses of a division, at most `first` of them."""
        rows = await info.context.store.addresses_in(division_code, page_size(first))
        return [StandardAddress.of(row) for row in rows]
