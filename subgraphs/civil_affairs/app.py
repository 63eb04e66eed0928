"""民政局: a folder of XML documents as a subgraph."""

from pathlib import Path

from subgraphs.civil_affairs.schema import (
    LivingAllowance,
    MarriageRegistration,
    Query,
    ResidentBasic,
    SocialOrganisation,
)
from subgraphs.civil_affairs.store import open_store
from subgraphs.kit.department import Department

department = Department(
    name="civil_affairs",
    title="重庆市民政局",
    query=Query,
    types=(MarriageRegistration, SocialOrganisation, LivingAllowance, ResidentBasic),
    open_store=open_store,
    catalogue=Path(__file__).parent / "catalogue",
)
