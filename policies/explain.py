"""Why: the verdict on an item for a caller, with the rules behind it, or what is missing and how to get it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog_sync.languages import Sentence
from policies.callers import Caller
from policies.items import resource_of
from policies.tables import PolicyTables
from policies.views import MASKED, AccessView, Act, Missing, Need, Reason, Right
from policies.wording import say


@dataclass(frozen=True, slots=True)
class Way:
    """One ground on which the item may be had: the tiers (``grant`` None) or a grant, for which rows, and how."""

    grant: str | None
    rows: str
    how: str
    rules: tuple[str, ...]
    basis: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an item is to a caller. ``ways`` is empty when it is refused; then ``reason`` says why.

    ``said`` explains it to people. ``listed`` is whether the caller's schema holds the item; ``apply`` whether applying
    for it could help. ``apart`` says with which others it may not be read together.
    """

    item: str
    act: Act
    listed: bool
    ways: tuple[Way, ...]
    reason: Reason | None
    said: Sentence
    apply: bool
    policy_version: str
    apart: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return bool(self.ways)

    @property
    def explanation(self) -> str:
        """What is said, in English."""
        return self.said.english


_CURED_BY_APPLYING = frozenset({Reason.GRANT_REQUIRED, Reason.GRANT_EXPIRED, Reason.ACT_NOT_GRANTED})


def explain(tables: PolicyTables, caller: Caller, needs: Iterable[Need], now: datetime) -> tuple[Verdict, ...]:
    """The verdict on each item and act for ``caller`` at ``now``; nothing is executed, nothing is recorded."""
    view = tables.view(caller, now)
    return tuple(_verdict(view, item, Act(act)) for item, act in needs)


def _verdict(view: AccessView, item: str, act: Act) -> Verdict:
    bit = view.index.bit(item)
    ways = tuple(
        _way(view, right, item, act) for right in view.rights if right.covers(act, view.index.verify_only) & bit
    )
    if ways:
        grounds = dict.fromkeys(say("way", how=_manner(way.how), rules=" + ".join(way.rules)) for way in ways)
        said = say("had", resource=resource_of(item), ways=grounds)
        apart = tuple(str(each) for each in view.combinations if item in each.items)
        return Verdict(item, act, view.listed(item), ways, None, said, False, view.version, apart)
    missing = view.entitle(resource_of(item), frozenset({(item, act)}))
    assert isinstance(missing, Missing)
    reason = missing.reasons[item]
    cured = reason in _CURED_BY_APPLYING and view.listed(item)
    return Verdict(item, act, view.listed(item), (), reason, missing.said, cured, view.version)


def _manner(how: str) -> Sentence:
    """How an item is had, in words."""
    if how.startswith(MASKED):
        return say("masked", mask=how.removeprefix(MASKED))
    return say(how) if how in ("plain", "verified") else say("used", act=how)


def _way(view: AccessView, right: Right, item: str, act: Act) -> Way:
    bit = view.index.bit(item)
    if bit & view.index.verify_only and act in (Act.READ, Act.VERIFY):
        how, acts = "verified", {Act.READ.value, Act.VERIFY.value}
    elif right.bits.get(Act.READ, 0) & bit:
        how, acts = "plain", {Act.READ.value}
    elif act is Act.READ:
        how = min(name for name, bits in right.bits.items() if name.startswith(MASKED) and bits & bit)
        acts = {how}
    else:
        how, acts = act.value, {act.value}
    rules = [rule for rule in right.rules if rule.bits & bit and rule.act in acts]
    return Way(
        grant=right.grant,
        rows=right.rows,
        how=how,
        rules=tuple(rule.id for rule in rules),
        basis=tuple(dict.fromkeys(rule.basis for rule in rules)),
        until=min((rule.ends for rule in rules), default=view.valid_until),
    )
