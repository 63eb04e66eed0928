"""The registry at the desk: the catalogue's office and the levels around it, and who may take whose steps.

Roles are those of a person's credential, from the register of callers or the token:

| role | allows to |
|---|---|
| ``catalogue-officer`` | change the own department's entries, publish its subgraphs |
| ``opening-reviewer`` | review what the own department opens, for secrets or for persons behind it |
| ``competent-department`` | review, release, approve; see every department's |
| ``auditor`` | see every department's |
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from catalog_sync.errors import CodedError
from catalog_sync.exchange import Exchange
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.office import CatalogueOffice
from catalog_sync.registry import Actor
from catalog_sync.search import PlatformSearch
from gateway.admin.desk import Visit
from gateway.admin.errors import REGISTRY_UNSET, ROLE_NEEDED
from gateway.releasing.checking import GraphMemory
from gateway.releasing.office import ReleaseOffice
from gateway.releasing.users import Users, find_users
from policies.wording import say

OFFICER, COMPETENT, AUDITOR = "catalogue-officer", "competent-department", "auditor"
OPENING_REVIEWER = "opening-reviewer"

T = TypeVar("T")


class RegistryDesk:
    """The registry of one gateway. ``exchange`` is None where it is no level among others.

    ``documents`` are those the gateway stores, by id; None where it stores none. ``memory`` is of the graph served.
    """

    def __init__(
        self,
        office: CatalogueOffice,
        exchange: Exchange | None = None,
        documents: Mapping[str, str] | None = None,
        memory: GraphMemory | None = None,
    ) -> None:
        self.office = office
        self.exchange = exchange
        self._documents = documents
        self._memory = memory or GraphMemory()
        self.search = PlatformSearch(office.platform)

    async def releases(self, visit: Visit) -> ReleaseOffice:
        """The office of releases, with everybody who uses the graph now; to be asked in other threads alone."""
        loop = asyncio.get_running_loop()

        def users() -> Users:
            finding = find_users(visit.desk.store, self._documents, visit.desk.items(), visit.now)
            return asyncio.run_coroutine_threadsafe(finding, loop).result()

        return ReleaseOffice(self.office, users, self._memory)

    def records(self) -> ReleaseOffice:
        """The office of releases for looking only: it asks nobody."""
        return ReleaseOffice(self.office, Users)


def registry_of(visit: Visit) -> RegistryDesk:
    """The gateway's registry. Raises CodedError REGISTRY_UNSET where it has none."""
    if visit.desk.registry is None:
        raise CodedError(REGISTRY_UNSET, "This gateway reads catalogue and schemas from files: it has no registry.")
    return visit.desk.registry


def officer(visit: Visit) -> Actor:
    """The person on the provider's side. Raises CodedError ROLE_NEEDED."""
    return _acting(visit, OFFICER, Side.PROVIDER)


def opening_reviewer(visit: Visit) -> Actor:
    """The person who reviews what the department opens. Raises CodedError ROLE_NEEDED."""
    return _acting(visit, OPENING_REVIEWER, Side.PROVIDER)


def reviewer(visit: Visit) -> Actor:
    """The person on the competent department's side. Raises CodedError ROLE_NEEDED."""
    return _acting(visit, COMPETENT, Side.COMPETENT)


def sees_all(visit: Visit) -> bool:
    """Whether the person sees what every department has under way."""
    return bool({COMPETENT, AUDITOR} & visit.caller.roles)


def own_code(visit: Visit) -> CreditCode | None:
    """The credit code of the person's department; None for one that is not on file."""
    return registry_of(visit).office.register.credit_code(visit.person.department)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs what reads or writes the registry beside the event loop."""
    return await asyncio.to_thread(work)


def _acting(visit: Visit, role: str, side: Side) -> Actor:
    if role not in visit.caller.roles:
        raise CodedError(ROLE_NEEDED, say("lacks role", subject=visit.person.subject, role=role), {"role": role})
    code = own_code(visit)
    if code is None:
        message = f"The department {visit.person.department} has no credit code on file (registry.departments)."
        raise CodedError(ROLE_NEEDED, message, {"role": role})
    return Actor(visit.person.subject, code, side)
