"""规划和自然资源局: an older register service, wrapped as a subgraph."""

from pathlib import Path

from subgraphs.kit.department import Department
from subgraphs.natural_resources.schema import Query, RealEstateRegistration, ResidentBasic, StandardAddress
from subgraphs.natural_resources.store import open_store

department = Department(
    name="natural_resources",
    title="重庆市规划和自然资源局",
    query=Query,
    types=(RealEstateRegistration, StandardAddress, ResidentBasic),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
)
