from datetime import UTC, datetime

from catalog_sync.closed_lists import Opening, Sharing
from policies.items import ItemTiers
from policies.lines import parse_policy
from policies.standing import live_grants

ITEMS = {
    name: ItemTiers(Sharing.CONDITIONAL, Opening.NOT_OPEN) for name in ("r/1.name", "r/1.address", "r/2.area")
}  # fmt: skip
POLICY = """
p, T-gov, gov, z:gov, *, share:conditional, verify, *, 0000, 9999, statute:x, allow
p, Q-1.1, dept:welfare, z:gov, joint-work, r/1.name, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:1, allow
p, Q-1.2, dept:welfare, z:gov, joint-work, set:land, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:1, allow
p, Q-2, dept:tax, z:gov, joint-work, r/1/*, read, *, 2026-01-01T00:00:00Z, 2026-06-01T00:00:00Z, request:2, allow
p, Q-3, dept:police, z:gov, joint-work, r/1/*, read, *, 2026-01-01T00:00:00Z, 9999, request:3, allow
p, F-1, dept:welfare, z:gov, *, r/1.name, read, *, 2026-01-01T00:00:00Z, 9999, incident:1, deny
g2, r/2.area, set:land
"""  # noqa: E501 - lines of policy cannot be broken


def test_grants_are_named_with_the_items_they_hold_now() -> None:
    lines = [line.tokens for line in parse_policy(POLICY)]
    found = live_grants(lines, ITEMS, datetime(2026, 7, 1, tzinfo=UTC))
    assert [(g.number, g.department, g.resource, sorted(g.items)) for g in found] == [
        ("Q-1", "welfare", "r/1", ["name"]),
        ("Q-1", "welfare", "r/2", ["area"]),
        ("Q-3", "police", "r/1", ["address", "name"]),
    ]
