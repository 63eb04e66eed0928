"""What a draft would change, before it does: who gains or loses which items, and which operations would flip.

Exact, because tables are finite: every subject the policy knows is put, in each listener's zone and with each purpose
a rule names, to the tables of today and to those of the draft. Subjects with equal rights before and after are one
class and are compared once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import product

import msgspec

from policies.callers import NO_DEPARTMENT, Caller, CallerKind
from policies.items import resource_of
from policies.ledger import ItemUse, LedgerRecord, ReadFacts, RecordKind
from policies.lines import ALL_ROWS, ANY
from policies.tables import PolicyTables
from policies.views import AccessView, Act, Entitlement, Need

_ACTS = {ItemUse.READ: Act.READ, ItemUse.VERIFY: Act.READ, ItemUse.FOLLOW: Act.FOLLOW}


@dataclass(frozen=True, slots=True)
class RecordedOperation:
    """What some operation needed of one resource, and who asked it: from the ledger's last weeks.

    ``together`` are all the items of the operation, those of other resources too.
    """

    caller: Caller
    resource: str
    needs: frozenset[Need]
    name: str
    together: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """A class of callers for whom an act on items becomes possible, or no longer is, for these rows.

    ``subjects`` are ``subject (department)``; ``zone`` and ``purpose`` are where and for what it holds. For the act
    ``together`` what is gained or lost is not an item but a combination of them.
    """

    subjects: tuple[str, ...]
    zone: str
    purpose: str | None
    act: str
    rows: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """A recorded operation that would be decided otherwise."""

    operation: str
    resource: str
    allowed_now: bool


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Everything that the draft changes at that moment."""

    changes: tuple[Change, ...]
    flips: tuple[Flip, ...]

    @property
    def widens(self) -> bool:
        """Whether anybody gains anything."""
        return any(change.gained for change in self.changes)


def what_if(
    before: PolicyTables, after: PolicyTables, now: datetime, recorded: Iterable[RecordedOperation] = ()
) -> WhatIf:
    """Compares two policies at a moment; ``recorded`` are operations to decide under both."""
    classes: dict[tuple[str, str], tuple[AccessView, AccessView, Caller, list[str]]] = {}
    for caller in _callers(before, after):
        views = before.view(caller, now), after.view(caller, now)
        key = (views[0].digest + caller.zone, views[1].digest + (caller.purpose or ""))
        label = f"{caller.subject} ({caller.domain})"
        _, _, _, labels = classes.setdefault(key, (*views, caller, []))
        if label not in labels:
            labels.append(label)
    changes: list[Change] = []
    for old, new, caller, labels in classes.values():
        changes += _changes(old, new, caller, tuple(sorted(labels)))
    changes += _combinations_changed(before, after, now)
    flips = [flip for operation in recorded if (flip := _flip(before, after, operation, now)) is not None]
    return WhatIf(
        tuple(sorted(changes, key=lambda c: (c.subjects, c.zone, c.purpose or "", c.act, c.rows))), tuple(flips)
    )


def recorded_operations(
    records: Iterable[LedgerRecord], known: frozenset[str] | None = None
) -> tuple[RecordedOperation, ...]:
    """The operations that the ledger holds, each once: who did what with which items of one resource together.

    Items that are not ``known`` (None: all are) are left aside: what the catalogue no longer holds cannot be compared.
    """
    found: dict[tuple[Caller, str, frozenset[Need], frozenset[str]], RecordedOperation] = {}
    for record in records:
        if record.kind is not RecordKind.READ:
            continue
        facts = msgspec.json.decode(record.body, type=ReadFacts)
        kind = CallerKind.PUBLIC if facts.department is None else CallerKind.APPLICATION
        who = Caller(kind, facts.caller, facts.department, zone=facts.zone or "internet", purpose=facts.purpose)
        by_resource: dict[str, set[Need]] = defaultdict(set)
        for item, uses in facts.item_uses():
            if known is None or item in known:
                acts = {_ACTS.get(use, Act.FILTER) for use in uses}
                by_resource[resource_of(item)].update((item, act) for act in acts)
        together = frozenset(item for needed in by_resource.values() for item, _ in needed)
        for resource, needed in sorted(by_resource.items()):
            needs = frozenset(needed)
            name = facts.operation or f"record {record.number}: {facts.caller}"
            asked = RecordedOperation(who, resource, needs, name, together)
            found.setdefault((who, resource, needs, together), asked)
    return tuple(found.values())


def _callers(before: PolicyTables, after: PolicyTables) -> Iterable[Caller]:
    """One caller for each subject with a department, zone and purpose that either policy knows."""
    members: set[tuple[str, str]] = set()
    purposes: set[str | None] = {None}
    for tables in (before, after):
        for line in tables.lines:
            if line.tokens[0] == "g" and line.tokens[1].startswith(("app:", "user:", "key:", "anon")):
                members.add((line.tokens[1], line.tokens[3]))
        purposes |= {compiled.rule.purpose for compiled in tables.rules} - {ANY}
    zones = sorted(before.listener_zones | after.listener_zones)
    for (subject, department), zone, purpose in product(sorted(members), zones, sorted(purposes, key=str)):
        kind = CallerKind.PUBLIC if department == NO_DEPARTMENT else CallerKind.APPLICATION
        acting = None if department == NO_DEPARTMENT else department
        yield Caller(kind, subject, acting, zone=zone, purpose=purpose)


def _changes(old: AccessView, new: AccessView, caller: Caller, labels: tuple[str, ...]) -> Iterable[Change]:
    acts = sorted({act for view in (old, new) for right in view.rights for act in right.bits})
    scopes = sorted({right.rows for view in (old, new) for right in view.rights})
    for act in acts:
        whole_before, whole_after = (_allowed(view, act, ALL_ROWS) for view in (old, new))
        for rows in scopes:
            then, now = _allowed(old, act, rows), _allowed(new, act, rows)
            if rows != ALL_ROWS:
                # What is had for all rows is told once, there.
                then, now = then - whole_before - whole_after, now - whole_before - whole_after
            if then != now:
                gained, lost = tuple(sorted(now - then)), tuple(sorted(then - now))
                yield Change(labels, caller.zone, caller.purpose, act, rows, gained, lost)


def _combinations_changed(before: PolicyTables, after: PolicyTables, now: datetime) -> Iterable[Change]:
    """For whom combinations come, go or become others; they hold in every zone, for every purpose."""
    concerned: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, None]] = defaultdict(dict)
    for caller in _callers(before, after):
        old, new = ({str(each) for each in tables.view(caller, now).combinations} for tables in (before, after))
        if old != new:
            label = f"{caller.subject} ({caller.domain})"
            concerned[tuple(sorted(old - new)), tuple(sorted(new - old))][label] = None
    for (lifted, laid), labels in concerned.items():
        yield Change(tuple(sorted(labels)), ANY, None, "together", ALL_ROWS, lifted, laid)


def _allowed(view: AccessView, act: str, rows: str) -> frozenset[str]:
    bits = 0
    for right in view.rights:
        if right.rows in (rows, ALL_ROWS):
            bits |= right.bits.get(act, 0)
    return frozenset(view.index.items(bits))


def _flip(before: PolicyTables, after: PolicyTables, operation: RecordedOperation, now: datetime) -> Flip | None:
    allowed = []
    for view in (before.view(operation.caller, now), after.view(operation.caller, now)):
        granted = isinstance(view.entitle(operation.resource, operation.needs), Entitlement)
        allowed.append(granted and view.too_many(operation.together) is None)
    return Flip(operation.name, operation.resource, allowed[0]) if allowed[0] is not allowed[1] else None
