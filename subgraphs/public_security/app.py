"""公安局: the population register as a subgraph."""

from pathlib import Path

from subgraphs.kit.department import Department
from subgraphs.public_security.schema import Household, Query, ResidentBasic
from subgraphs.public_security.store import open_store

department = Department(
    name="public_security",
    title="重庆市公安局",
    query=Query,
    types=(ResidentBasic, Household),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
)
