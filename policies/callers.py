"""Who asks: a value made from verified credentials, never from what a request says about itself."""

from dataclasses import dataclass
from enum import StrEnum

NO_DEPARTMENT = "-"
NO_PURPOSE = "none"
ANONYMOUS_SUBJECT = "anon"


class CallerKind(StrEnum):
    """The side on which a caller stands."""

    PUBLIC = "public"
    APPLICATION = "application"
    OFFICER = "officer"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of one request.

    ``subject`` carries its kind as a prefix (``app:``, ``user:``, ``key:``) or is ``anon``. ``department`` is the one
    the subject acts for, taken from its credential (Order 320 art. 2: a person acts for exactly one); None for the
    public. ``roles`` are policy names that the credential itself carries, valid within that department. ``zone`` is the
    listener's network. ``purpose``, ``case_number`` and ``officer`` are what the request states; policy judges the
    purpose, and the ledger keeps all three.
    """

    kind: CallerKind
    subject: str
    department: str | None = None
    roles: frozenset[str] = frozenset()
    zone: str = "internet"
    purpose: str | None = None
    case_number: str | None = None
    officer: str | None = None

    def __hash__(self) -> int:
        """Of what tells callers apart; a hash of all is a microsecond, and each request looks up its caller."""
        return hash((self.subject, self.purpose, self.case_number))

    @property
    def domain(self) -> str:
        """The department as policy lines write it."""
        return self.department or NO_DEPARTMENT

    @property
    def stated_purpose(self) -> str:
        """The purpose as policy lines write it."""
        return self.purpose or NO_PURPOSE


def anonymous(zone: str, purpose: str | None = None) -> Caller:
    """Somebody of the public without a credential, at the listener of ``zone``."""
    return Caller(CallerKind.PUBLIC, ANONYMOUS_SUBJECT, zone=zone, purpose=purpose)
