"""Accepting the licence of an open resource, where the licence demands it (R53).

The open items of such a resource stand in a set of their own, named by resource and licence version, which the line
that opens ``open:open`` to the public does not reach. An acceptance is one line that opens that set to one verified
identity, on the basis ``licence:VERSION``. So it is compiled, proved and recorded like every other right, costs a
request nothing, and holds for new items of the resource; when another version of the licence comes into force, the set
has another name and the acceptance opens nothing any more.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from policies.items import LICENSED_OPEN, ItemTiers, resource_of
from policies.lines import ALWAYS, ANY, NEVER, Tokens, time_text
from policies.matters import Party, demand, demand_complete

KIND = "licence"


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """Who accepted which version of the licence of which resource, and when.

    ``taken_in_by`` is the officer who recorded it, with the ``document`` that shows it; None: the identity itself did.
    ``ended`` is why the provider took it back.
    """

    id: str
    subject: str
    resource: str
    licence: str
    at: str
    taken_in_by: Party | None = None
    document: str = ""
    ended: str | None = None


def licence_to_accept(resource: str, items: Mapping[str, ItemTiers]) -> str | None:
    """The version of the licence that a resource's users have to accept; None where none has to be."""
    return next(
        (tiers.licence for item, tiers in items.items() if tiers.licence and resource_of(item) == resource), None
    )


def acceptance_id(subject: str, resource: str, licence: str) -> str:
    """The same for the same acceptance, so that what is sent twice is accepted once."""
    return hashlib.sha256("\n".join((subject, resource, licence)).encode()).hexdigest()[:16]


def accept(
    subject: str,
    resource: str,
    licence: str,
    items: Mapping[str, ItemTiers],
    now: datetime,
    taken_in_by: Party | None = None,
    document: str = "",
) -> Acceptance:
    """An acceptance of the version that is in force. Raises CodedError MATTER_INCOMPLETE with all that is wrong."""
    demand_complete(f"The acceptance for {resource}", _lacks(subject, resource, licence, items, taken_in_by, document))
    return Acceptance(
        id=acceptance_id(subject, resource, licence), subject=subject, resource=resource, licence=licence,
        at=time_text(now), taken_in_by=taken_in_by, document=document,
    )  # fmt: skip


def end(acceptance: Acceptance, reason: str) -> Acceptance:
    """The provider takes it back, for use against the conditions. Raises CodedError MATTER_REFUSED."""
    demand(acceptance.ended is None, f"The acceptance {acceptance.id} has ended already.")
    demand(bool(reason.strip()), "Say how it was used against the conditions.")
    return msgspec.structs.replace(acceptance, ended=reason)


def acceptance_lines(acceptance: Acceptance) -> tuple[Tokens, ...]:
    """The policy lines of an acceptance; none once it has ended."""
    if acceptance.ended is not None:
        return ()
    opened = f"{LICENSED_OPEN}{acceptance.resource}/{acceptance.licence}"
    rule = ("p", rule_id(acceptance), acceptance.subject, "z:any", ANY, opened, "read", ANY, ALWAYS, NEVER)
    return (("g", acceptance.subject, "public", "-"), (*rule, f"licence:{acceptance.licence}", "allow"))


def rule_id(acceptance: Acceptance) -> str:
    """The id of its line."""
    return f"A-licence-{acceptance.id}"


def _lacks(
    subject: str,
    resource: str,
    licence: str,
    items: Mapping[str, ItemTiers],
    taken_in_by: Party | None,
    document: str,
) -> Iterable[str]:
    if not subject.startswith(("app:", "key:")):
        yield "only a verified identity (app:... or key:...) can accept a licence"
    demanded = licence_to_accept(resource, items)
    if demanded is None:
        yield f"{resource} has no licence that has to be accepted"
    elif demanded != licence:
        yield f"the licence in force is {demanded}, not {licence}: read it, and accept that"
    if taken_in_by is not None and not document.strip():
        yield "name the document that shows the acceptance"
