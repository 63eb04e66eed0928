"""What every step of the administration works with, and who takes it."""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from strawberry.types import Info as StrawberryInfo

from catalog_sync.languages import Language
from gateway.access.governance import Governance
from gateway.admin.errors import MATTER_UNKNOWN, PEOPLE_ONLY
from gateway.admin.rights import LiveRights, Rights
from gateway.errors import BAD_REQUEST, CodedError
from policies.callers import Caller, CallerKind
from policies.credentials import Issuer, RegisteredCaller
from policies.errors import DRAFT_STALE
from policies.grants import Rules
from policies.items import ItemTiers
from policies.matters import Party, day_of
from policies.ports import PolicyStore
from policies.publication import Person, PolicyOffice
from policies.wording import say

if TYPE_CHECKING:
    from gateway.admin.registry_desk import RegistryDesk

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_PEOPLE = (CallerKind.OFFICER, CallerKind.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Desk:
    """The administration of one gateway.

    ``rules`` gives the rule profile and calendar of a moment; ``person_key`` is the secret under which persons stand in
    the ledger; ``governance`` is the live one, None where nothing is served; ``callers`` gives those registered, by
    subject; ``zone`` the listener's; ``issuers`` those whose tokens count.
    """

    store: PolicyStore
    office: PolicyOffice
    rights: LiveRights
    items: Callable[[], Mapping[str, ItemTiers]]
    rules: Callable[[datetime], Rules]
    clock: Callable[[], datetime]
    person_key: bytes
    governance: Callable[[], Governance | None]
    callers: Callable[[], Mapping[str, RegisteredCaller]]
    zone: str
    issuers: Callable[[], Sequence[Issuer]] = tuple
    registry: "RegistryDesk | None" = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one person at the desk."""

    desk: Desk
    caller: Caller
    person: Person
    request_id: str
    idempotency_key: str | None = None
    language: Language = Language.ENGLISH

    @staticmethod
    def of(
        desk: Desk,
        caller: Caller,
        request_id: str,
        idempotency_key: str | None,
        language: Language = Language.ENGLISH,
    ) -> "Visit":
        """The visit of a caller. Raises CodedError PEOPLE_ONLY for applications and the public."""
        if caller.kind not in _PEOPLE or caller.department is None or not caller.subject.startswith("user:"):
            raise CodedError(PEOPLE_ONLY, say("PEOPLE_ONLY"))
        person = Person(caller.subject, caller.department, caller.roles)
        return Visit(desk, caller, person, request_id, idempotency_key, language)

    @property
    def party(self) -> Party:
        """The person as matters name it."""
        return Party(self.person.subject, self.person.department)

    @property
    def now(self) -> datetime:
        return self.desk.clock()

    async def rights(self) -> Rights:
        """The rights of the moment."""
        return await self.desk.rights.now()

    def new_name(self, content: bytes) -> str:
        """A name for something new: the year and eight digits.

        Under the same idempotency key the same content of the same person gets the same name, so that a request that
        is sent twice makes one thing; the store lets a name be taken once.
        """
        year = day_of(self.now).year
        if self.idempotency_key is None:
            return f"{year}-{secrets.token_hex(4)}"
        parts = (self.person.subject, self.person.department, self.idempotency_key)
        digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + content)
        return f"{year}-{digest.hexdigest()[:16]}"


Info = StrawberryInfo[Visit, None]


def check_name(name: str) -> str:
    """A name that a client chose. Raises CodedError BAD_REQUEST."""
    if not _NAME.fullmatch(name):
        raise CodedError(BAD_REQUEST, f"`{name[:40]}` is no name: write 1 to 40 of A-Z a-z 0-9 _ -.")
    return name


def unknown(what: str) -> CodedError:
    """There is none, or none that the person may know of: both read the same."""
    return CodedError(MATTER_UNKNOWN, say("MATTER_UNKNOWN", what=what))


def stale(what: str, stored: int, seen: int) -> CodedError:
    """Somebody was faster."""
    return CodedError(DRAFT_STALE, f"{what} has revision {stored}, not {seen}: read it again.", {"revision": stored})
