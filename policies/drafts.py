"""An edit on its way to live: draft, lint, tests, what-if, second person, publication.

Everything here is a pure step from one immutable value to the next; storing is elsewhere. Invariant: what is published
was linted, tested and proved in exactly the form that its approvers saw, on top of exactly the version it was made for.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from catalog_sync.lifecycle import StateMachine, Transition
from policies.callers import Caller, CallerKind
from policies.combinations import APART
from policies.console import EVERYBODY, ConsoleAct
from policies.errors import DRAFT_REFUSED, DRAFT_STALE, POLICY_TESTS_FAILED, CodedError
from policies.items import resource_of
from policies.lines import ANY, PolicyLine, PolicyVersion, Tokens, parse_policy, rule_of, time_of, time_text
from policies.lint import is_basis
from policies.matters import Taker
from policies.tables import PolicyTables

LONGEST_FREEZE = timedelta(hours=72)
ANY_ZONE = "z:any"
STOP = "D-stop-"


class DraftState(StrEnum):
    """Where a draft stands."""

    EDITING = "editing"
    PROPOSED = "proposed"
    PUBLISHED = "published"
    DISCARDED = "discarded"


DRAFT_LIFECYCLE = StateMachine(
    "draft of a policy",
    DraftState.EDITING,
    (
        Transition("edit", DraftState.EDITING, DraftState.EDITING, Taker.AUTHOR),
        Transition("propose", DraftState.EDITING, DraftState.PROPOSED, Taker.AUTHOR),
        Transition("edit", DraftState.PROPOSED, DraftState.EDITING, Taker.AUTHOR),
        Transition("approve", DraftState.PROPOSED, DraftState.PROPOSED, Taker.SECOND_PERSON),
        Transition("publish", DraftState.PROPOSED, DraftState.PUBLISHED, Taker.STANDING),
        Transition("discard", DraftState.EDITING, DraftState.DISCARDED, Taker.AUTHOR),
        Transition("discard", DraftState.PROPOSED, DraftState.DISCARDED, Taker.AUTHOR),
    ),
)
"""What runs, what is refused and what docs/lifecycles.md draws are these rows."""


class PolicyTest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision with its expected result, kept beside the policy."""

    name: str
    subject: str
    item: str
    allowed: bool
    department: str | None = None
    zone: str = "intranet"
    purpose: str | None = None
    act: str = "read"
    rows: str = "all"
    at: str | None = None

    def passes(self, tables: PolicyTables, now: datetime) -> bool:
        """Whether the tables decide as expected, at the test's own time or else ``now``."""
        kind = CallerKind.PUBLIC if self.subject == "anon" else CallerKind.APPLICATION
        who = Caller(kind, self.subject, self.department, zone=self.zone, purpose=self.purpose)
        view = tables.view(who, time_of(self.at) if self.at else now)
        return view.allows(self.item, self.act, self.rows) is self.allowed


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed policy. ``base`` is the number of the version it was made for, ``revision`` counts its changes.

    ``approvals`` are those of the text as it stands: changing the text takes them away.
    """

    id: str
    base: int
    author: str
    note: str
    text: str
    tests: tuple[PolicyTest, ...] = ()
    state: DraftState = DraftState.EDITING
    approvals: tuple[str, ...] = ()
    revision: int = 1

    @property
    def lines(self) -> tuple[PolicyLine, ...]:
        return parse_policy(self.text)

    @property
    def tokens(self) -> tuple[Tokens, ...]:
        return tuple(line.tokens for line in self.lines)


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft whose lines compile and whose tests pass, with how many persons it needs in all."""

    draft: Draft
    tables: PolicyTables
    persons: int


def edit(draft: Draft, text: str, tests: tuple[PolicyTest, ...], person: str, revision: int) -> Draft:
    """The draft with another text. Only its author edits it, and only the revision that the author saw."""
    state = _after(draft, "edit")
    _demand(person == draft.author, f"Draft {draft.id} is {draft.author}'s; make one of your own.")
    if revision != draft.revision:
        raise CodedError(DRAFT_STALE, f"Draft {draft.id} has revision {draft.revision}, not {revision}.")
    return _next(draft, text=text, tests=tests, state=state, approvals=())


def check(draft: Draft, tables: PolicyTables, before: tuple[Tokens, ...], now: datetime) -> Checked:
    """The draft with its compiled tables, once its tests pass. Raises CodedError POLICY_TESTS_FAILED."""
    failed = [test.name for test in draft.tests if not test.passes(tables, now)]
    if failed:
        raise CodedError(POLICY_TESTS_FAILED, f"{len(failed)} policy tests fail: {'; '.join(failed[:5])}.")
    return Checked(draft, tables, persons_needed(before, draft.tokens, tables))


def propose(checked: Checked) -> Draft:
    """The draft laid before the second person."""
    return _next(checked.draft, state=_after(checked.draft, "propose"))


def approve(draft: Draft, person: str, revision: int) -> Draft:
    """One more person stands for the draft as it is. Nobody approves the own draft, nobody twice."""
    state = _after(draft, "approve")
    _demand(person != draft.author, f"{person} wrote draft {draft.id}; somebody else has to approve it.")
    _demand(person not in draft.approvals, f"{person} approved draft {draft.id} already.")
    if revision != draft.revision:
        raise CodedError(DRAFT_STALE, f"Draft {draft.id} changed: it has revision {draft.revision}, not {revision}.")
    return _next(draft, state=state, approvals=(*draft.approvals, person))


def ready(checked: Checked, head: int) -> PolicyVersion:
    """The version to publish. Raises CodedError while a person is missing, or when another version went live."""
    draft = checked.draft
    _after(draft, "publish")
    missing = checked.persons - 1 - len(draft.approvals)
    _demand(missing <= 0, f"Draft {draft.id} needs {missing} more approval{'s' if missing > 1 else ''}.")
    if draft.base != head:
        raise CodedError(DRAFT_STALE, f"Draft {draft.id} was made for version {draft.base}; version {head} is live.")
    return PolicyVersion.of(head + 1, draft.tokens)


def published(draft: Draft) -> Draft:
    """The draft after its publication."""
    return _next(draft, state=_after(draft, "publish"))


def discard(draft: Draft, person: str) -> Draft:
    """The draft given up by its author."""
    state = _after(draft, "discard")
    _demand(person == draft.author, f"Draft {draft.id} is {draft.author}'s to give up.")
    return _next(draft, state=state)


def persons_needed(before: tuple[Tokens, ...], after: tuple[Tokens, ...], tables: PolicyTables) -> int:
    """Two, or three where the change touches what is not shared, what everybody may read (together too), or a zone."""
    kept_apart = {each.group for each in tables.combinations if each.subject in EVERYBODY}
    for tokens in set(before) ^ set(after):
        if tokens[0] == "p" and len(tokens) == 12:
            rule = rule_of(tokens)
            grave = rule.subject in EVERYBODY or bool(tables.items_of(rule.object) & tables.index.not_shared)
        elif tokens[0] == APART:
            grave = tokens[2] in EVERYBODY
        elif tokens[0] == "g2":
            grave = tokens[2] in kept_apart
        else:
            grave = tokens[0] == "g3" or (tokens[0] == "g" and bool(EVERYBODY & set(tokens)))
        if grave:
            return 3
    return 2


class FreezeOf(StrEnum):
    """What an emergency stop stops."""

    CALLER = "caller"
    RESOURCE = "resource"
    PROVIDER = "provider"
    ZONE = "zone"


def freeze(
    live: PolicyVersion,
    tables: PolicyTables,
    of: FreezeOf,
    names: tuple[str, ...],
    reason: str,
    now: datetime,
    until: datetime,
) -> PolicyVersion:
    """The live version with denies added: what one person alone may publish, since it only takes rights away.

    ``names`` are callers (policy names), resource codes, departments (of which every resource is stopped that ``p2``
    lines appoint them to decide on) or zones of listeners. It ends by itself, after 72 hours at the latest. Raises
    CodedError DRAFT_REFUSED, for a name too that would stop nobody.
    """
    _demand(now < until <= now + LONGEST_FREEZE, "An emergency stop ends within 72 hours; lengthen it by a draft.")
    _demand(bool(names), "Name what to stop.")
    _demand(
        is_basis(reason),
        f"The reason `{reason[:60]}` becomes the basis of the stop's lines: write incident:2026-7 or risk:R-17, "
        "without spaces.",
    )
    covered = all(ANY_ZONE in tables.zones_of(zone) for zone in tables.listener_zones)
    _demand(covered, f"Every listener's zone must belong to {ANY_ZONE}; add `g3` lines, or the stop would miss some.")
    number = live.number + 1
    allowing = sorted({c.rule.subject for c in tables.rules if not c.rule.denies})
    sets = ("share:unconditional", "share:conditional", "share:not_shared")
    targets: list[tuple[str, str, str]] = []
    if of is FreezeOf.PROVIDER:
        of, names = FreezeOf.RESOURCE, tuple(dict.fromkeys(code for name in names for code in _provided(tables, name)))
    for name in names:
        if of is FreezeOf.CALLER:
            known = tables.knows(name)
            _demand(known, f"The policy knows no {name}, so this would stop nobody; write app:NAME or dept:NAME.")
            targets += [(name, ANY_ZONE, group) for group in sets]
        elif of is FreezeOf.RESOURCE:
            bits = tables.items_of(f"{name}/*")
            _demand(bits != 0, f"No item of {name} is in the catalogue.")
            subjects = sorted({c.rule.subject for c in tables.rules if c.bits & bits and not c.rule.denies})
            targets += [(subject, ANY_ZONE, f"{name}/*") for subject in subjects]
        else:
            _demand(bool(tables.zones_of(name) - {name}), f"No listener's zone is called {name}.")
            targets += [(subject, name, group) for subject in allowing for group in sets]
    period = (time_text(now), time_text(until))
    denies = tuple(
        ("p", f"{STOP}{number}.{place}", subject, zone, ANY, target, ANY, ANY, *period, reason, "deny")
        for place, (subject, zone, target) in enumerate(targets, 1)
    )
    return PolicyVersion.of(number, (*live.lines, *denies))


def _provided(tables: PolicyTables, department: str) -> list[str]:
    """The resources that the policy's console lines appoint a department to decide on."""
    name = f"dept:{department.removeprefix('dept:')}"
    bits = 0
    for line in (line.tokens for line in tables.lines):
        if line[0] == "p2" and line[2] == name and line[3] == ConsoleAct.DECIDE and line[5] == "allow":
            bits |= tables.items_of(line[4])
    codes = sorted({resource_of(item) for item in tables.index.items(bits)})
    _demand(bool(codes), f"No `p2` line appoints {name} to decide on a resource, so it provides none; name resources.")
    return codes


def demand_stops_hold(tables: PolicyTables, now: datetime) -> None:
    """Raises CodedError DRAFT_REFUSED when a rule would give somebody a resource that is stopped for all others.

    A stop denies those who had access when it was made; who is granted access meanwhile must not slip past it.
    """
    moment = time_text(now)
    stopped: dict[str, tuple[set[str], str]] = {}
    for compiled in tables.rules:
        rule = compiled.rule
        if rule.id.startswith(STOP) and rule.object.endswith("/*") and moment < rule.ends:
            denied, until = stopped.get(rule.object, (set(), ""))
            stopped[rule.object] = ({*denied, rule.subject}, max(until, rule.ends))
    for target, (denied, until) in stopped.items():
        bits = tables.items_of(target)
        past = [c.rule.id for c in tables.rules if c.bits & bits and not c.rule.denies and c.rule.subject not in denied]
        who = ", ".join(past[:3])
        _demand(not past, f"{target} is stopped until {until}, and {who} would give it out; take the step after that.")


def _next(draft: Draft, **changes: object) -> Draft:
    return msgspec.structs.replace(draft, revision=draft.revision + 1, **changes)


def _after(draft: Draft, event: str) -> DraftState:
    target = DRAFT_LIFECYCLE.target(draft.state, event)
    possible = DRAFT_LIFECYCLE.possible(draft.state)
    _demand(target is not None, f"Draft {draft.id} is {draft.state}, so one cannot {event} it. Possible: {possible}.")
    assert isinstance(target, DraftState)
    return target


def _demand(condition: bool, message: str) -> None:
    if not condition:
        raise CodedError(DRAFT_REFUSED, message)
