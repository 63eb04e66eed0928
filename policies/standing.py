"""The grants that stand under a policy: who holds which items of which resource, by the grant's number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from catalog_sync.comparison import LiveGrant
from policies.items import ItemTiers, alias_of, item_lines, resource_of
from policies.lines import WIDTHS, Rule, Tokens, time_text
from policies.memberships import Memberships


def live_grants(lines: Iterable[Tokens], items: Mapping[str, ItemTiers], now: datetime) -> tuple[LiveGrant, ...]:
    """Every grant of a version's ``lines`` in force at ``now``, one value for each resource it names items of.

    What tiers allow everybody is no grant.
    """
    kept = [tokens for tokens in lines if len(tokens) == WIDTHS.get(tokens[0], 0)]
    sets = Memberships.plain([*(tokens for tokens in kept if tokens[0] == "g2"), *item_lines(items)])
    members: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for name in sets.reached((item,), None):
            members[name].add(item)
    held: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    moment = time_text(now)
    for tokens in kept:
        if tokens[0] != "p":
            continue
        rule = Rule(*tokens[1:])
        if not rule.standing and not rule.denies and rule.begins <= moment < rule.ends:
            for item in members.get(rule.object, ()):
                held[rule.grant, rule.subject.removeprefix("dept:"), resource_of(item)].add(alias_of(item))
    return tuple(LiveGrant(*key, frozenset(aliases)) for key, aliases in sorted(held.items()))
