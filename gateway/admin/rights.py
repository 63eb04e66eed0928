"""Who may do what in the administration, by the live policy's own ``p2`` lines, as Casbin judges them.

| act | on | allows to |
|---|---|---|
| ``propose``, ``approve`` | items, sets, ``policy`` | write drafts, and stand for another's |
| ``freeze`` | ``policy`` | stop callers, resources, providers or zones |
| ``decide`` | items, sets | answer applications; given to ``dept:NAME`` it appoints the provider's department |
| ``coordinate`` | items, sets | settle disagreements, route doubts |
| ``audit`` | ``ledger`` | read and verify the ledger, and every matter |
| ``operate`` | ``system`` | record tests of backups; reads no data |

Who joins the duties of operating, policy and audit, be it by roles of the credential, may do nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from catalog_sync.chongqing_days import date_in_chongqing
from gateway.admin.errors import ACT_FORBIDDEN, NO_PROVIDER
from gateway.errors import CodedError
from policies.console import ConsoleAct, Duties
from policies.decisions import Judge
from policies.items import ItemTiers
from policies.lines import PolicyLine, Tokens, with_catalogue
from policies.memberships import Memberships
from policies.ports import PolicyStore
from policies.publication import Person, PolicyOffice
from policies.wording import say

LEDGER = "ledger"
SYSTEM = "system"

_EDITING = frozenset({ConsoleAct.PROPOSE.value, ConsoleAct.APPROVE.value, ConsoleAct.FREEZE.value})


class Rights:
    """The rights that one policy version gives."""

    def __init__(self, lines: Iterable[Tokens], items: Mapping[str, ItemTiers]) -> None:
        written = (PolicyLine(0, tokens) for tokens in lines if tokens[0] in ("p2", "g", "g2"))
        tokens = [line.tokens for line in with_catalogue(written, items)]
        self._judge = Judge(tokens)
        self._duties = Duties(tokens)
        self._sets = Memberships.plain(line for line in tokens if line[0] == "g2")
        self._console = [line for line in tokens if line[0] == "p2" and line[5] == "allow"]

    def may(self, person: Person, act: ConsoleAct, object_: str) -> bool:
        """Whether the person, acting for the department, may do this."""
        return self._asked(person, act.value, object_)

    def _asked(self, person: Person, act: str, object_: str) -> bool:
        if len(self._duties.held(person.subject, person.department, person.roles)) > 1:
            return False
        return self._judge.may(person.subject, person.department, act, object_, roles=person.roles)

    def demand(self, person: Person, act: ConsoleAct, objects: Iterable[str]) -> None:
        """Raises CodedError ACT_FORBIDDEN naming the first object on which the person may not act."""
        held = self._duties.held(person.subject, person.department, person.roles)
        if len(held) > 1:
            raise CodedError(ACT_FORBIDDEN, say("joins duties", subject=person.subject, duties=sorted(held)))
        for object_ in objects:
            if not self.may(person, act, object_):
                whose = {"subject": person.subject, "department": person.department}
                raise CodedError(ACT_FORBIDDEN, say("may not act", **whose, act=act, object=object_))

    def audits(self, person: Person) -> bool:
        """Whether the person may read everything that happened."""
        return self.may(person, ConsoleAct.AUDIT, LEDGER)

    def of(self, person: Person) -> tuple[tuple[str, str], ...]:
        """Every act with its object that the person has a right to."""
        known = sorted({(line[3], line[4]) for line in self._console})
        return tuple((act, on) for act, on in known if self._asked(person, act, on))

    def reads_policy(self, person: Person) -> bool:
        """Whether the person may read drafts and versions: whoever edits some part of the policy, or audits."""
        return self.audits(person) or any(act in _EDITING for act, _ in self.of(person))

    def demand_reader(self, person: Person) -> None:
        """Raises CodedError ACT_FORBIDDEN for whoever neither edits nor audits the policy."""
        if not self.reads_policy(person):
            whose = {"subject": person.subject, "department": person.department}
            raise CodedError(ACT_FORBIDDEN, say("may not read the policy", **whose))

    def provider(self, items: Iterable[str]) -> str:
        """The one department appointed to decide on all these items. Raises CodedError NO_PROVIDER."""
        wanted = tuple(items)
        appointed: set[str] | None = None
        for item in wanted:
            sets = self._sets.reached((item,), None) | {item}
            here = {
                line[2].removeprefix("dept:")
                for line in self._console
                if line[3] == ConsoleAct.DECIDE and line[2].startswith("dept:") and line[4] in sets
            }
            appointed = here if appointed is None else appointed & here
        if appointed is None or len(appointed) != 1:
            raise CodedError(NO_PROVIDER, f"Not one department, but {len(appointed or ())}, decides on "
                             f"{', '.join(wanted)[:200] or 'nothing'}.")  # fmt: skip
        return appointed.pop()


class LiveRights:
    """The rights under the live version, made anew when another goes live."""

    def __init__(self, store: PolicyStore, office: PolicyOffice, items: Callable[[], Mapping[str, ItemTiers]]) -> None:
        self._store = store
        self._office = office
        self._items = items
        self._known: tuple[tuple[int | None, date], Rights] | None = None

    async def now(self) -> Rights:
        """Those of this moment. Raises CodedError DRAFT_REFUSED or VERSION_UNVERIFIED from the store."""
        # The catalogue's entries begin and end by the day.
        current = await self._store.head(), date_in_chongqing()
        if self._known is None or self._known[0] != current:
            live = await self._office.live()
            lines = live.lines if live is not None else ()
            number = live.number if live is not None else None
            self._known = (number, current[1]), await asyncio.to_thread(Rights, lines, dict(self._items()))
        return self._known[1]
