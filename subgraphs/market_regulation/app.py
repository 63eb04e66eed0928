"""市场监督管理局: the register of enterprises as a subgraph."""

from pathlib import Path

from subgraphs.kit.department import Department
from subgraphs.market_regulation.schema import ElectronicBusinessLicence, EnterpriseRegistration, Query, ResidentBasic
from subgraphs.market_regulation.store import open_store

department = Department(
    name="market_regulation",
    title="重庆市市场监督管理局",
    query=Query,
    types=(EnterpriseRegistration, ElectronicBusinessLicence, ResidentBasic),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
)
