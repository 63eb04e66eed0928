"""交通局: JSON documents of bus routes, and live arrivals, as a subgraph."""

from datetime import UTC, datetime
from pathlib import Path

from subgraphs.kit.department import Department
from subgraphs.transport.schema import BusArrival, Query
from subgraphs.transport.store import open_store

department = Department(
    name="transport",
    title="重庆市交通局",
    query=Query,
    types=(BusArrival,),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
    # Arrivals are predicted when they are asked for.
    data_time=lambda _: datetime.now(UTC),
)
