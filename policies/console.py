"""What a person may do in the console, and which of these duties no account joins (R61).

Whoever runs the system neither decides who reads what nor audits it, whoever gives rights does not audit them, and
operators read no data beside what is open to everybody. Invariant: no name of the policy, be it a person's or a role's,
reaches acts of two duties; and a person whose credential brings further roles is refused every act while it does.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum

from policies.lines import Rule, Tokens, rule_of
from policies.memberships import Memberships

EVERYBODY = frozenset({"public", "anon"})


class ConsoleAct(StrEnum):
    """What a ``p2`` line can allow."""

    PROPOSE = "propose"
    APPROVE = "approve"
    FREEZE = "freeze"
    DECIDE = "decide"
    COORDINATE = "coordinate"
    AUDIT = "audit"
    OPERATE = "operate"


class Duty(StrEnum):
    """A duty that excludes the others. To stop access belongs to none: it can only take away."""

    OPERATING = "operating"
    POLICY = "policy"
    AUDIT = "audit"


_DUTIES = {
    ConsoleAct.OPERATE: Duty.OPERATING,
    ConsoleAct.PROPOSE: Duty.POLICY,
    ConsoleAct.APPROVE: Duty.POLICY,
    ConsoleAct.DECIDE: Duty.POLICY,
    ConsoleAct.COORDINATE: Duty.POLICY,
    ConsoleAct.AUDIT: Duty.AUDIT,
}


def duties_of(acts: Iterable[str]) -> frozenset[Duty]:
    """The duties that acts of the console belong to."""
    return frozenset(_DUTIES[ConsoleAct(act)] for act in acts if act in _DUTIES)


class Duties:
    """The duties that policy lines give, by name: to persons, and to the roles and departments they belong to."""

    def __init__(self, lines: Iterable[Tokens]) -> None:
        given: dict[str, set[Duty]] = defaultdict(set)
        links: list[Tokens] = []
        self._reading: list[Rule] = []
        for tokens in lines:
            if tokens[0] == "p2" and tokens[5] == "allow":
                given[tokens[2]] |= duties_of((tokens[3],))
            elif tokens[0] == "g":
                links.append(tokens)
            elif tokens[0] == "p" and (rule := rule_of(tokens)).effect == "allow" and rule.subject not in EVERYBODY:
                self._reading.append(rule)
        self._given = given
        self._subjects = Memberships.by_department(links)
        self._departments: dict[str, set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        for _, member, group, department in links:
            self._departments[member].add(department)
            self._groups[member].add(group)

    def of(self, name: str) -> frozenset[Duty]:
        """All duties that a name has, in whichever of its departments."""
        return frozenset(duty for reached in self._reached(name) for duty in self._given.get(reached, ()))

    def held(self, subject: str, department: str, roles: frozenset[str]) -> frozenset[Duty]:
        """The duties of a person who acts for a department, those of the roles that the credential asserts included."""
        asserted = self._subjects.reached(tuple(sorted(roles)), department)
        return self.of(subject) | {duty for name in asserted for duty in self._given.get(name, ())}

    def faults(self) -> Iterator[tuple[str, str]]:
        """Names that join what is to be kept apart, each with what is wrong; only where it begins, not all below."""
        for name in sorted(self._given.keys() | self._departments.keys()):
            wrong = self._fault(name)
            if wrong is not None and all(self._fault(group) is None for group in self._groups[name]):
                yield name, wrong

    def _fault(self, name: str) -> str | None:
        held = self.of(name)
        if len(held) > 1:
            return f"{name} joins the duties of {' and '.join(sorted(held))}; one account has one of them."
        if Duty.OPERATING in held:
            reached = self._reached(name)
            given = next((rule.id for rule in self._reading if rule.subject in reached), None)
            if given is not None:
                return f"{name} operates the system, and {given} lets it read data; operators read none."
        return None

    def _reached(self, name: str) -> frozenset[str]:
        departments = self._departments.get(name, ())
        return frozenset({name}).union(*(self._subjects.reached((name,), department) for department in departments))
