"""What one class of callers may do: compiled once, asked by every request.

Items are bits of an integer, so that "may these forty items be read together?" is one ``&``. A view holds one *right*
for the tiers alone and one for each (grant, row condition); a right of a grant includes the tiers' items, since those
need no grant. Per resource an operation uses exactly one right: the columns of one grant joined with the rows of
another would show what neither allows. Invariant: no bit is set in any right that a deny in force covers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from catalog_sync.languages import Sentence
from policies.combinations import Combination
from policies.lines import FOR_EVER, time_text
from policies.row_filters import RowFilter
from policies.wording import TEXTS, say


class Act(StrEnum):
    """What a caller does with an item. Filtering stands for filtering, sorting and grouping by it; following for being
    led to the other record that it references, which tells who that is.
    """

    READ = "read"
    FILTER = "filter"
    AGGREGATE = "aggregate"
    VERIFY = "verify"
    FOLLOW = "follow"


MASKED = "masked:"
Need = tuple[str, Act]


class Reason(StrEnum):
    """Why an item is refused; the first that applies, in this order. ``policies.wording`` says each to people."""

    FROZEN = "FROZEN"
    NOT_SHARED = "NOT_SHARED"
    PURPOSE_REQUIRED = "PURPOSE_REQUIRED"
    GRANT_EXPIRED = "GRANT_EXPIRED"
    GRANT_NOT_BEGUN = "GRANT_NOT_BEGUN"
    ACT_NOT_GRANTED = "ACT_NOT_GRANTED"
    WRONG_ZONE = "WRONG_ZONE"
    LICENCE_REQUIRED = "LICENCE_REQUIRED"
    NOT_TOGETHER = "NOT_TOGETHER"
    GRANTS_NOT_MIXED = "GRANTS_NOT_MIXED"
    GRANT_REQUIRED = "GRANT_REQUIRED"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The one ground on which an operation reads one resource.

    ``rows`` names the row condition (``all``: none), ``row_filter`` is that condition, the caller's values not yet put
    in. ``masks`` maps items to the mask under which they are given; ``verify_only`` items answer yes or no. ``grant``
    is None where the tiers alone suffice; else ``purpose`` and ``granted_until`` are those it is for, and
    ``calls_per_day`` its ceiling, if it has one. ``statement_required`` asks for purpose, case number and officer.
    """

    resource: str
    rule_ids: tuple[str, ...]
    rows: str
    row_filter: RowFilter | None
    masks: Mapping[str, str]
    verify_only: frozenset[str]
    grant: str | None
    basis: tuple[str, ...]
    valid_until: datetime
    statement_required: bool = False
    purpose: str | None = None
    granted_until: datetime | None = None
    calls_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class RightRule:
    """A rule within a right: its items as bits, its act, its end; ``purpose`` is None for a tier's own."""

    id: str
    bits: int
    act: str
    basis: str
    ends: datetime
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a resource cannot be read as asked: the items no single right covers, each with its reason.

    ``reason`` and what is ``said`` are those of the gravest. ``rule`` is the line that forbids, where one does: then no
    application helps: it keeps items apart (``together`` are those of them that were asked for), or it stops access,
    on ``basis``, ``until`` a moment (None: it has no end).
    """

    resource: str
    items: frozenset[str]
    reasons: Mapping[str, Reason]
    reason: str
    said: Sentence
    rule: str | None = None
    together: tuple[str, ...] = ()
    basis: str | None = None
    until: datetime | None = None

    @property
    def explanation(self) -> str:
        """What is said, in English."""
        return self.said.english

    @staticmethod
    def not_together(
        resource: str, items: frozenset[str], combination: Combination, together: tuple[str, ...]
    ) -> "Missing":
        """Items that are one too many, of those of a combination that an operation asks for."""
        reason, most = Reason.NOT_TOGETHER, combination.most
        said = say(
            "too many together", rule=combination.id, basis=combination.basis, most=most, items=together,
            number=len(together) - most, example=sorted(items),
        )  # fmt: skip
        reasons = dict.fromkeys(items, reason)
        return Missing(resource, items, reasons, reason.value, said, combination.id, together)

    @staticmethod
    def stopped(resource: str, reasons: Mapping[str, Reason], stop: RightRule) -> "Missing":
        """Items some of which ``stop`` denies: what it is and until when, since nothing else brings them back."""
        until = stop.ends if stop.ends < FOR_EVER else None
        end = say("stopped until", moment=time_text(until)) if until else say("stopped for ever")
        said = say("stopped", frozen=TEXTS[Reason.FROZEN], rule=stop.id, basis=stop.basis, end=end)
        items = frozenset(reasons)
        return Missing(resource, items, reasons, Reason.FROZEN.value, said, stop.id, (), stop.basis, until)


@dataclass(frozen=True, slots=True)
class Right:
    """Everything that may be used together: the tiers (``grant`` None) or one grant under one row condition.

    ``bits`` maps acts, ``masked:...`` among them, to items.
    """

    grant: str | None
    rows: str
    bits: Mapping[str, int]
    rules: tuple[RightRule, ...]

    def covers(self, act: Act, verify_only: int) -> int:
        """The items that satisfy ``act``. ``verify_only`` are the items that are never read, only compared."""
        plain = self.bits.get(Act.READ, 0)
        if act == Act.READ:
            masked = 0
            for name, bits in self.bits.items():
                if name.startswith(MASKED):
                    masked |= bits
            return plain | masked | (self.bits.get(Act.VERIFY, 0) & verify_only)
        if act == Act.VERIFY:
            return plain | self.bits.get(Act.VERIFY, 0)
        # Whoever sees the plain value may also filter by it and follow it; what is masked or verified must not leak so.
        return (plain | self.bits.get(act, 0)) & ~verify_only


@dataclass(frozen=True, slots=True)
class ItemIndex:
    """Items as bits, and what is the same for every class. All sets are bits.

    ``ceilings`` says for a grant how many operations of a day may use it.
    """

    names: tuple[str, ...]
    positions: Mapping[str, int]
    verify_only: int
    personal: int
    conditional: int
    not_shared: int
    licensed: int
    row_filters: Mapping[tuple[str, str], RowFilter]
    ceilings: Mapping[str, int] = field(default_factory=dict)

    def bit(self, item: str) -> int:
        """The item's bit; 0 for an item that no catalogue entry holds."""
        position = self.positions.get(item)
        return 0 if position is None else 1 << position

    def items(self, bits: int) -> list[str]:
        """The names behind ``bits``."""
        names = []
        while bits:
            low = bits & -bits
            names.append(self.names[low.bit_length() - 1])
            bits ^= low
        return names


@dataclass(frozen=True, slots=True)
class AccessView:
    """One class of callers under one policy version, at a stretch of time in which nothing begins or ends.

    ``digest`` is equal for equal rights. ``valid_from`` is included, ``valid_until`` is not. ``combinations`` are the
    sets of items of which one operation may not use too many. ``stop_of`` gives the deny that keeps items of reason
    FROZEN back for longest.
    """

    digest: str
    version: str
    valid_from: datetime
    valid_until: datetime
    index: ItemIndex
    rights: tuple[Right, ...]
    listed_items: int
    explain_refusal: Callable[[str, Act], Reason]
    stop_of: Callable[[Iterable[str]], RightRule]
    combinations: tuple[Combination, ...] = ()
    _answers: dict[tuple[str, frozenset[Need]], Entitlement | Missing] = field(default_factory=dict)

    def listed(self, item: str) -> bool:
        """Whether the item exists in the schema that this class sees: it may read it, or apply for it."""
        return bool(self.listed_items & self.index.bit(item))

    def readable(self, item: str, act: Act = Act.READ) -> bool:
        """Whether some right allows ``act`` on the item, be it for certain rows or masked."""
        bit = self.index.bit(item)
        return any(right.covers(act, self.index.verify_only) & bit for right in self.rights)

    def allows(self, item: str, act: str, rows: str) -> bool:
        """The judge's own question, for comparing tables with Casbin: exactly this act, for exactly these rows."""
        bit = self.index.bit(item)
        return any(right.bits.get(act, 0) & bit for right in self.rights if right.rows in (rows, "all"))

    def too_many(self, items: Iterable[str]) -> Combination | None:
        """The combination of which an operation with these items would use too many; None if of none."""
        used = frozenset(items)
        return next((each for each in self.combinations if each.exceeded_by(used)), None)

    def entitle(self, resource: str, needs: frozenset[Need]) -> Entitlement | Missing:
        """The one right under which ``needs`` (items of ``resource``, with acts) are met, or what is missing."""
        key = (resource, needs)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._decide(resource, needs)
            if len(self._answers) > 10_000:
                self._answers.clear()
            self._answers[key] = answer
        return answer

    def _decide(self, resource: str, needs: frozenset[Need]) -> Entitlement | Missing:
        wanted: dict[Act, int] = {}
        unknown = set()
        for item, act in needs:
            if not (bit := self.index.bit(item)):
                unknown.add(item)
            wanted[act] = wanted.get(act, 0) | bit
        if unknown:
            return self._missing(resource, dict.fromkeys(unknown, Reason.NOT_SHARED))
        lacks = [(self._lacking(right, wanted), right) for right in self.rights]
        fitting = [right for lack, right in lacks if not lack]
        if fitting:
            return min((self._entitlement(resource, right, wanted) for right in fitting), key=_preference)
        return self._refuse(resource, needs, lacks)

    def _lacking(self, right: Right, wanted: Mapping[Act, int]) -> int:
        lacking = 0
        for act, bits in wanted.items():
            lacking |= bits & ~right.covers(act, self.index.verify_only)
        return lacking

    def _entitlement(self, resource: str, right: Right, wanted: Mapping[Act, int]) -> Entitlement:
        plain = right.bits.get(Act.READ, 0)
        wants = 0
        for bits in wanted.values():
            wants |= bits
        reading = wanted.get(Act.READ, 0)
        verify = (reading & self.index.verify_only) | (wanted.get(Act.VERIFY, 0) & ~reading)
        masks: dict[str, str] = {}
        unmasked = plain | verify
        for act in sorted(right.bits):
            if act.startswith(MASKED):
                for item in self.index.items(reading & right.bits[act] & ~unmasked):
                    masks[item] = act.removeprefix(MASKED)
                unmasked |= right.bits[act]
        given = {act for act in right.bits if act == Act.READ or act.removeprefix(MASKED) in masks.values()}
        used = [
            rule
            for rule in right.rules
            if rule.bits & wants and (rule.act in given or rule.act in wanted or rule.bits & verify)
        ]
        rows = right.rows
        granted = [rule for rule in used if rule.purpose is not None]
        return Entitlement(
            resource=resource,
            rule_ids=tuple(rule.id for rule in used),
            rows=rows,
            row_filter=self.index.row_filters.get((rows, resource)),
            masks=masks,
            verify_only=frozenset(self.index.items(verify)),
            grant=right.grant,
            basis=tuple(dict.fromkeys(rule.basis for rule in used)),
            valid_until=min([self.valid_until, *(rule.ends for rule in used)]),
            statement_required=bool(wants & (self.index.conditional | self.index.not_shared | self.index.personal)),
            purpose=granted[0].purpose if granted else None,
            granted_until=min((rule.ends for rule in granted), default=None),
            calls_per_day=self.index.ceilings.get(right.grant or ""),
        )

    def _refuse(self, resource: str, needs: frozenset[Need], lacks: list[tuple[int, Right]]) -> Missing:
        reasons: dict[str, Reason] = {}
        for item, act in sorted(needs):
            bit = self.index.bit(item)
            if not any(right.covers(act, self.index.verify_only) & bit for right in self.rights):
                reason = self.explain_refusal(item, act)
                reasons[item] = min(reason, reasons.get(item, reason), key=_RANK.__getitem__)
        if not reasons:
            lack, _ = min(lacks, key=lambda pair: (pair[0].bit_count(), pair[1].grant or "", pair[1].rows))
            reasons = dict.fromkeys(self.index.items(lack), Reason.GRANTS_NOT_MIXED)
        return self._missing(resource, reasons)

    def _missing(self, resource: str, reasons: Mapping[str, Reason]) -> Missing:
        gravest = min(reasons.values(), key=_RANK.__getitem__)
        if gravest is Reason.FROZEN:
            stop = self.stop_of(item for item, reason in reasons.items() if reason is Reason.FROZEN)
            return Missing.stopped(resource, reasons, stop)
        return Missing(resource, frozenset(reasons), reasons, gravest.value, TEXTS[gravest])


_RANK = {reason: rank for rank, reason in enumerate(Reason)}


def _preference(entitlement: Entitlement) -> tuple[int, bool, str, str]:
    """Fewest masks, then all rows, then the grant's number: which of several fitting rights is used."""
    return len(entitlement.masks), entitlement.rows != "all", entitlement.grant or "", entitlement.rows
