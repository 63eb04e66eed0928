"""人力资源和社会保障局: the social insurance file as a subgraph."""

from pathlib import Path

from subgraphs.human_resources.schema import (
    EnterpriseRegistration,
    InsuranceStatistics,
    Query,
    ResidentBasic,
    SocialInsuranceEnrolment,
)
from subgraphs.human_resources.store import open_store
from subgraphs.kit.department import Department

department = Department(
    name="human_resources",
    title="重庆市人力资源和社会保障局",
    query=Query,
    types=(SocialInsuranceEnrolment, InsuranceStatistics, ResidentBasic, EnterpriseRegistration),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
)
