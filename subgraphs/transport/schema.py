"""What the transport bureau publishes: bus routes, stops and expected arrivals (30700506/1)."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Self

import strawberry

from subgraphs.kit.alignment import page_size
from subgraphs.kit.binding import entity
from subgraphs.kit.entities import Reference
from subgraphs.kit.request import Request
from subgraphs.transport.store import BusArrivals
from subgraphs.transport.timetable import Arrival

ARRIVAL = "30700506/1"

Asked = Request[BusArrivals]


@entity("routeNo stopNo", code=ARRIVAL)
class BusArrival:
    """A route's next bus at one of its stops."""

    route_no: strawberry.ID
    stop_no: strawberry.ID
    route_name: str | None
    stop_name: str | None
    division_code: str | None
    expected_at: datetime | None

    @classmethod
    def of(cls, arrival: Arrival) -> Self:
        """The arrival as published."""
        return cls(
            route_no=strawberry.ID(arrival.route.route_no),
            stop_no=strawberry.ID(arrival.call.stop_no),
            route_name=arrival.route.name,
            stop_name=arrival.call.stop_name,
            division_code=arrival.route.division_code,
            expected_at=arrival.expected_at,
        )

    @classmethod
    async def resolve_references(cls, references: Sequence[Reference], request: Asked) -> list[Self | None]:
        """See entity."""
        keys = [(reference["route_no"], reference["stop_no"]) for reference in references]
        return [cls.of(arrival) if arrival else None for arrival in request.store.arrivals(keys)]


@strawberry.type
class Query:
    """The bureau's root field."""

    @strawberry.field
    async def bus_arrivals(
        self,
        info: strawberry.Info[Asked, None],
        route_no: str | None = strawberry.UNSET,
        stop_no: str | None = strawberry.UNSET,
        first: int = 20,
    ) -> list[BusArrival | None] | None:
        """Next arrivals of a route, at a stop, or both, at most `first` of them."""
        found = info.context.store.matching(route_no or None, stop_no or None)
        return [BusArrival.of(arrival) for arrival in islice(found, page_size(first))]
