"""Policies, callers and operations made at random, dense enough that many questions get a yes."""
# ruff: noqa: E501 - a policy line is one line

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from catalog_sync.closed_lists import Opening, Sharing
from policies.callers import Caller, CallerKind, anonymous
from policies.items import ItemTiers
from policies.lines import parse_policy
from policies.tables import PolicyTables, compile_lines
from policies.views import Act, Need

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEPARTMENTS = ("welfare", "tax", "health")
PURPOSES = ("eligibility-check", "audit", "research")
TERMS = "terms:2020-01-01"
ZONES = ("intranet", "extranet", "internet")
GROUPS = ("dept:welfare", "dept:tax", "dept:health", "role:auditor", "app:portal", "app:planner", "user:li")


@dataclass(frozen=True, slots=True)
class RandomPolicy:
    """A policy as text over a catalogue, with what tables make of it."""

    text: str
    items: dict[str, ItemTiers]
    tables: PolicyTables


def random_policy(chance: random.Random) -> RandomPolicy:
    items = {f"3070050{r}/1.item{i}": _tiers(chance) for r in range(1, 4) for i in range(chance.randint(2, 6))}
    licensed = {resource for resource in _resources(items) if chance.random() < 0.3}
    items = {name: _licensed(tiers) if name.rpartition(".")[0] in licensed else tiers for name, tiers in items.items()}
    lines = [
        "p, T-gov, gov, z:gov, *, share:unconditional, read, *, 0000, 9999, statute:s, allow",
        "p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:s, allow",
        "g, anon, public, -", "g, app:planner, public, -", "g, user:li, role:auditor, tax", "g, app:portal, dept:welfare, welfare",
        "g, user:li, dept:health, health", "g, app:portal, dept:tax, tax",
        *(f"g, dept:{d}, gov, {d}" for d in DEPARTMENTS), *(f"g, gov, public, {d}" for d in DEPARTMENTS),
        "g3, intranet, z:gov", "g3, intranet, z:in", "g3, intranet, z:any", "g3, extranet, z:gov", "g3, extranet, z:any",
        "g3, internet, z:any",
    ]  # fmt: skip
    lines += [
        f'rows, rows:{n}, {r}, {{"op":"equals","item":"item0","value":"{n}"}}' for n in "ab" for r in _resources(items)
    ]
    for number in range(chance.randint(8, 24)):
        lines += _grant(chance, number, items)
    for number, resource in enumerate(_resources(items)):
        for who in ("app:planner", "app:portal", "user:li"):
            if chance.random() < 0.4:
                opened = f"open:open+licence/{resource}/{chance.choice([TERMS, TERMS, 'terms:2019-01-01'])}"
                lines.append(
                    f"p, A-{number}{who[-2:]}, {who}, z:any, *, {opened}, read, *, 0000, 9999, licence:{opened.rpartition('/')[2]}, allow"
                )
    for number in range(chance.randint(0, 3)):
        who, target = chance.choice(["gov", "public", *GROUPS]), _target(chance, items)
        begins, ends = _period(chance)
        lines.append(
            f"p, D-{number}, {who}, {chance.choice(['z:any', 'z:gov'])}, *, {target}, *, *, {begins}, {ends}, risk:r, deny"
        )
    chance.shuffle(lines)
    lines += _kept_apart(random.Random("\n".join(lines)), items)
    text = "\n".join(lines)
    return RandomPolicy(text, items, compile_lines("random", parse_policy(text), items))


def _kept_apart(chance: random.Random, items: dict[str, ItemTiers]) -> list[str]:
    lines = []
    for number in range(chance.randint(0, 3)):
        held = chance.sample(sorted(items), chance.randint(1, min(5, len(items))))
        lines += [f"g2, {item}, set:n{number}" for item in held]
        group = chance.choice([f"set:n{number}", f"{chance.choice(_resources(items))}/*"])
        who = chance.choice(["public", "anon", "gov", *GROUPS])
        lines.append(f"apart, X-{number}, {who}, {group}, {chance.randint(1, 4)}, risk:r")
    return lines


def random_caller(chance: random.Random) -> Caller:
    zone, purpose = chance.choice(["intranet", *ZONES]), chance.choice([None, *PURPOSES, *PURPOSES])
    subject = chance.choice(["anon", "app:planner", "app:portal", "app:portal", "user:li", "app:stranger"])
    if subject == "anon":
        return anonymous(zone, purpose)
    department = {"app:planner": None, "app:portal": "welfare", "user:li": "tax"}.get(subject, "health")
    if chance.random() < 0.2:
        department = chance.choice([None, *DEPARTMENTS])
    roles = frozenset({"role:auditor"}) if chance.random() < 0.1 else frozenset()
    return Caller(CallerKind.APPLICATION, subject, department, roles, zone, purpose)


def random_needs(chance: random.Random, policy: RandomPolicy) -> tuple[str, frozenset[Need]]:
    resource = chance.choice(_resources(policy.items))
    names = [name for name in policy.items if name.startswith(resource + ".")]
    picked = chance.sample(names, min(len(names), chance.choice([1, 1, 1, 2, 3])))
    acts = [Act.READ, Act.READ, Act.READ, Act.FILTER, Act.AGGREGATE, Act.VERIFY]
    return resource, frozenset((name, chance.choice(acts)) for name in picked)


MEMBERS = {
    "dept:welfare": ("app:portal", "welfare"),
    "dept:tax": ("app:portal", "tax"),
    "dept:health": ("user:li", "health"),
    "role:auditor": ("user:li", "tax"),
    "app:portal": ("app:portal", "welfare"),
    "app:planner": ("app:planner", None),
    "user:li": ("user:li", "tax"),
    "gov": ("app:portal", "welfare"),
    "public": ("anon", None),
}


def aimed_pair(chance: random.Random, policy: RandomPolicy) -> tuple[Caller, datetime, str, frozenset[Need]]:
    """A caller and an operation that some rule was made for; whether they are allowed depends on all the others."""
    rules = [compiled for compiled in policy.tables.rules if not compiled.rule.denies and compiled.bits]
    compiled = chance.choice(rules)
    rule = compiled.rule
    subject, department = MEMBERS[rule.subject]
    purpose = chance.choice([None, *PURPOSES]) if rule.purpose == "*" else rule.purpose
    kind = CallerKind.PUBLIC if subject == "anon" else CallerKind.APPLICATION
    caller = Caller(
        kind, subject, department, zone=chance.choice(["intranet", "intranet", "extranet"]), purpose=purpose
    )
    resource = chance.choice(policy.tables.index.items(compiled.bits)).rpartition(".")[0]
    # What all rules of the same grant give of this resource, so that an operation needs several of them together.
    given = sorted(
        {
            (name, Act(other.rule.act) if other.rule.act in list(Act) else Act.READ)
            for other in rules
            if other.rule.grant == rule.grant
            for name in policy.tables.index.items(other.bits)
            if name.startswith(resource + ".")
        }
    )
    picked = chance.sample(given, min(len(given), chance.choice([1, 1, 2, 3])))
    begins, ends = max(compiled.begins, START - timedelta(days=300)), min(compiled.ends, START + timedelta(days=300))
    moment = begins + (ends - begins) * chance.random() if begins < ends else START
    return caller, moment, resource, frozenset(picked)


def random_moment(chance: random.Random, policy: RandomPolicy) -> datetime:
    """Somewhere in the years around, or within a second of a moment at which a rule begins or ends."""
    times = [text for text in policy.tables.boundaries if len(text) > 4]
    if times and chance.random() < 0.5:
        boundary = datetime.fromisoformat(chance.choice(times))
        return boundary + timedelta(seconds=chance.choice([-1, 0, 1]))
    return START + timedelta(days=chance.uniform(-200, 300))


def _tiers(chance: random.Random) -> ItemTiers:
    sharing = chance.choice([Sharing.UNCONDITIONAL, Sharing.CONDITIONAL, Sharing.CONDITIONAL, Sharing.NOT_SHARED])
    opening = Opening.NOT_OPEN
    if sharing is Sharing.UNCONDITIONAL:
        opening = chance.choice([Opening.OPEN, Opening.ON_APPLICATION, Opening.NOT_OPEN])
    mask = chance.choice([None, None, "redact", "year"])
    return ItemTiers(sharing, opening, mask, personal=chance.random() < 0.3, verify_only=chance.random() < 0.15)


def _licensed(tiers: ItemTiers) -> ItemTiers:
    return replace(tiers, licence=TERMS) if tiers.opening is Opening.OPEN else tiers


def _grant(chance: random.Random, number: int, items: dict[str, ItemTiers]) -> list[str]:
    """One grant: one to three lines for one receiver, purpose and period, under one or two row conditions."""
    who, purpose, zone = chance.choice(GROUPS), chance.choice(PURPOSES), chance.choice(["z:any", "z:gov", "z:in"])
    begins, ends = _period(chance)
    lines = []
    for part in range(chance.choice([1, 1, 2, 3])):
        act = chance.choice(["read", "read", "read", "filter", "aggregate", "verify", "masked:redact", "masked:year"])
        rows = chance.choice(["*", "rows:a", "rows:a", "rows:b"])
        lines.append(
            f"p, Q-{number}.{part}, {who}, {zone}, {purpose}, {_target(chance, items, outside=who == 'app:planner')}, {act}, {rows}, {begins}, {ends}, law:l, allow"
        )
    return lines


def _target(chance: random.Random, items: dict[str, ItemTiers], *, outside: bool = False) -> str:
    """An item or a resource; for who acts for no department, an item that is open on application."""
    if outside:
        on_application = [name for name, tiers in items.items() if tiers.opening is Opening.ON_APPLICATION]
        return chance.choice(on_application or ["30700509/1.none"])
    name = chance.choice(list(items))
    return name if chance.random() < 0.7 else name.rpartition(".")[0] + "/*"


def _period(chance: random.Random) -> tuple[str, str]:
    begins = START + timedelta(days=chance.randint(-400, 60))
    ends = begins + timedelta(days=chance.randint(100, 900))
    return f"{begins:%Y-%m-%dT%H:%M:%SZ}", f"{ends:%Y-%m-%dT%H:%M:%SZ}"


def _resources(items: dict[str, ItemTiers]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in items})
