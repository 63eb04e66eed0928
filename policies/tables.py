"""A policy version compiled: look-ups instead of judgements.

Casbin scans its lines on each question (120 ms at 10,000 lines), so nothing asks it while a request runs. Instead the
lines are turned into bits once, and callers into classes: what matters about a caller is which policy names it reaches
in its department, which zones, and its purpose if any rule names it. Two applications with the same rights are one
class and share a view. A view holds between two moments at which something of it begins or ends. Invariant: for every
caller, item, act, row condition and time, ``AccessView.allows`` equals Casbin's answer; ``policies.proof`` checks it
before a version goes live.
"""

import hashlib
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from policies.call_ceilings import ceilings_of
from policies.callers import Caller
from policies.combinations import APART, Combination
from policies.errors import POLICY_INVALID, CodedError
from policies.items import OPEN, UNKNOWN, ItemTiers
from policies.lines import (
    ALL_ROWS,
    ANY,
    PolicyLine,
    PolicyVersion,
    Rule,
    digest_of,
    rule_of,
    time_of,
    time_text,
    with_catalogue,
)
from policies.lint import E_DUTIES, Finding, lint
from policies.memberships import Memberships
from policies.row_filters import RowFilter, parse_row_filter
from policies.views import MASKED, AccessView, Act, ItemIndex, Reason, Right, RightRule

VIEWS_KEPT = 20_000
_FAR = "9999-12-31T23:59:59Z"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its items as bits."""

    rule: Rule
    bits: int
    begins: datetime
    ends: datetime
    denies: bool


@dataclass(frozen=True, slots=True)
class _Concern:
    """The rules that concern whoever reaches certain names, and what of them holds whenever and wherever it is asked.

    ``times`` are the moments at which one of them begins or ends, in order.
    """

    rules: tuple[CompiledRule, ...]
    purposes: frozenset[str]
    zones: frozenset[str]
    times: tuple[datetime, ...]

    @staticmethod
    def of(rules: tuple[CompiledRule, ...]) -> "_Concern":
        times = {time for compiled in rules for time in (compiled.begins, compiled.ends)}
        return _Concern(
            rules,
            frozenset(compiled.rule.purpose for compiled in rules),
            frozenset(compiled.rule.zone for compiled in rules),
            tuple(sorted(times)),
        )


class PolicyTables:
    """One policy version over one catalogue. Made by ``compile_tables``; safe to ask from several threads."""

    def __init__(
        self, version: str, lines: tuple[PolicyLine, ...], findings: tuple[Finding, ...], items: Mapping[str, ItemTiers]
    ) -> None:
        self.version = version
        self.lines = lines
        self.findings = findings
        self._subjects = Memberships.by_department(line.tokens for line in lines if line.tokens[0] == "g")
        self._zones = Memberships.plain(line.tokens for line in lines if line.tokens[0] == "g3")
        groups = Memberships.plain(line.tokens for line in lines if line.tokens[0] == "g2")
        self.index, self._sets = _index(groups, items, lines)
        self.rules = _compile_rules(lines, self.index, self._sets)
        self.combinations: tuple[Combination, ...] = tuple(
            Combination.of(line.tokens, lambda group: self.index.items(self.items_of(group)))
            for line in lines
            if line.tokens[0] == APART
        )
        self._by_subject: Mapping[str, tuple[CompiledRule, ...]] = _grouped(self.rules)
        # Equal rights must be equal in everything that decides, and the same version means another thing under another
        # catalogue.
        flags = "".join(
            f"{name}{tiers.personal}{tiers.verify_only}{tiers.licence or ''}" for name, tiers in sorted(items.items())
        )
        self._content = digest_of((*(line.tokens for line in lines), (flags,)))
        self.boundaries: tuple[str, ...] = tuple(
            sorted({time for compiled in self.rules for time in (compiled.rule.begins, compiled.rule.ends)})
        )
        self._concerns: dict[frozenset[str], _Concern] = {}
        self._views: dict[tuple[object, ...], AccessView] = {}
        self._known: dict[tuple[object, ...], AccessView] = {}
        self._lock = threading.Lock()

    @property
    def items(self) -> tuple[str, ...]:
        """The names of all items."""
        return self.index.names

    def knows(self, name: str) -> bool:
        """Whether any line says something of that subject, role or department."""
        return name in self._subjects.members or name in self._subjects.groups or name in self._by_subject

    def names_of(self, subject: str, department: str) -> frozenset[str]:
        """The policy names that a subject reaches when it acts for a department (``-``: for none)."""
        return self._subjects.reached((subject,), department)

    @property
    def listener_zones(self) -> frozenset[str]:
        """The zones that listeners may be in."""
        return self._zones.members

    def zones_of(self, zone: str) -> frozenset[str]:
        """The zones of rules that a listener's zone belongs to."""
        return self._zones.reached((zone,), None)

    def items_of(self, group: str) -> int:
        """The items within a set (or the item of that name), as bits."""
        return self._sets.get(group, 0)

    def view(self, caller: Caller, now: datetime) -> AccessView:
        """What ``caller`` may do at ``now`` (with a zone); the same value for all callers of its class."""
        key = (caller.subject, caller.department, caller.roles, caller.zone, caller.purpose)
        view = self._known.get(key)
        if view is not None and view.valid_from <= now < view.valid_until:
            return view
        with self._lock:
            view = self._class_view(caller, now)
            if len(self._known) >= VIEWS_KEPT:
                self._known.clear()
            self._known[key] = view
            return view

    def _class_view(self, caller: Caller, now: datetime) -> AccessView:
        reached = self._subjects.reached((caller.subject, *sorted(caller.roles)), caller.domain)
        names = frozenset(name for name in reached if name in self._by_subject)
        concern = self._concerns.get(names)
        if concern is None:
            if len(self._concerns) >= VIEWS_KEPT:
                self._concerns.clear()
            rules = tuple(compiled for name in sorted(names) for compiled in self._by_subject[name])
            concern = self._concerns[names] = _Concern.of(rules)
        purpose = caller.stated_purpose if caller.stated_purpose in concern.purposes else ""
        zones = self._zones.reached((caller.zone,), None) & concern.zones
        combinations = tuple(each for each in self.combinations if each.concerns(reached, caller.domain))
        key = (names, zones, purpose, combinations)
        view = self._views.get(key)
        if view is None or not view.valid_from <= now < view.valid_until:
            if len(self._views) >= VIEWS_KEPT:
                self._views.clear()
            compiler = _ClassCompiler((self.version, self._content), self.index, concern, zones, purpose, now)
            view = self._views[key] = compiler.view(combinations)
        return view


def compile_tables(version: PolicyVersion, items: Mapping[str, ItemTiers]) -> PolicyTables:
    """Compiles a version over the catalogue's items.

    Raises CodedError POLICY_INVALID with the first findings when the lint finds errors: nothing of it goes live.
    """
    numbered = (PolicyLine(number, tokens) for number, tokens in enumerate(version.lines, 1))
    return compile_lines(version.name, numbered, items)


def compile_lines(version: str, lines: Iterable[PolicyLine], items: Mapping[str, ItemTiers]) -> PolicyTables:
    """As ``compile_tables``, for lines as ``parse_policy`` reads them from a file."""
    complete = with_catalogue(lines, items)
    findings = lint(complete)
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        raise _invalid(errors)
    return PolicyTables(version, complete, findings, items)


def compile_published(version: PolicyVersion, items: Mapping[str, ItemTiers]) -> PolicyTables:
    """Compiles a version that was good when it was published, over the catalogue of today.

    The catalogue may have become stricter since: an item closed, no longer shared, withdrawn. What a rule may no longer
    allow it then does not allow, and the findings say so; the other rules stand. Only what gives rights is left out,
    never a deny or a membership. Duties that one person joins (published before that was refused) concern the console,
    which refuses that person; data is served. Raises CodedError POLICY_INVALID where that does not mend it.
    """
    part = lawful_part(version, items, excused=frozenset({E_DUTIES}))
    if part.faults:
        raise _invalid(part.faults)
    return PolicyTables(version.name, part.complete, (*part.findings, *part.left_out), items)


@dataclass(frozen=True, slots=True)
class LawfulPart:
    """What of a version may stand over a catalogue: ``complete`` lines and the lint's ``findings`` on them.

    ``left_out`` says what gave rights unlawfully and was taken away for it; ``faults`` are errors that remain, of what
    is never taken away.
    """

    complete: tuple[PolicyLine, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[Finding, ...]
    faults: tuple[Finding, ...]


def lawful_part(
    version: PolicyVersion, items: Mapping[str, ItemTiers], excused: frozenset[str] = frozenset()
) -> LawfulPart:
    """A version without the lines that give what the catalogue does not allow; errors of ``excused`` codes count not.

    Leaving a line out can make another meaningless (a row condition's rule), so it is linted until nothing goes.
    """
    lines = [PolicyLine(number, tokens) for number, tokens in enumerate(version.lines, 1)]
    giving = {line.place for line in lines if line.tokens[0] == "rows" or _allows(line)}
    left_out: list[Finding] = []
    while True:
        complete = with_catalogue(lines, items)
        findings = lint(complete)
        errors = [finding for finding in findings if finding.is_error and finding.code not in excused]
        gone = [finding for finding in errors if finding.place in giving]
        if not gone:
            return LawfulPart(complete, findings, tuple(left_out), tuple(errors))
        places = {finding.place for finding in gone}
        lines = [line for line in lines if line.place not in places]
        left_out += gone


def _invalid(errors: Sequence[Finding]) -> CodedError:
    shown = " ".join(str(finding) for finding in errors[:5])
    more = f" And {len(errors) - 5} more." if len(errors) > 5 else ""
    return CodedError(
        POLICY_INVALID,
        f"The policy has {len(errors)} error{'s' if len(errors) > 1 else ''}. {shown}{more}",
        {"findings": [str(finding) for finding in errors[:50]]},
    )


def _allows(line: PolicyLine) -> bool:
    return line.tokens[0] in ("p", "p2") and line.tokens[-1] == "allow"


class _ClassCompiler:
    """Turns the rules that concern a class into its view at one moment."""

    def __init__(
        self,
        version: tuple[str, str],
        index: ItemIndex,
        concern: _Concern,
        zones: frozenset[str],
        purpose: str,
        now: datetime,
    ) -> None:
        # Not the tables themselves: views refer to this, and a ring would keep an old version until a collection.
        self._version, self._content = version
        self._index = index
        self._times = concern.times
        self._purpose = purpose
        self._elsewhere: list[CompiledRule] = []
        self._live: list[CompiledRule] = []
        self._ended: list[CompiledRule] = []
        self._later: list[CompiledRule] = []
        text = time_text(now)
        for compiled in concern.rules:
            rule = compiled.rule
            if rule.zone not in zones:
                self._elsewhere.append(compiled)
            elif rule.ends <= text:
                self._ended.append(compiled)
            elif rule.begins <= text:
                self._live.append(compiled)
            elif rule.begins < rule.ends:
                self._later.append(compiled)
        self._denied = 0
        for compiled in self._live:
            if compiled.denies and self._fits(compiled):
                self._denied |= compiled.bits
        self._now = now

    def _fits(self, compiled: CompiledRule) -> bool:
        return compiled.rule.purpose in (ANY, self._purpose)

    def view(self, combinations: tuple[Combination, ...]) -> AccessView:
        valid_from, valid_until = self._stretch()
        allowing = [c for c in self._live if not c.denies and self._fits(c)]
        rights = tuple(self._rights(allowing))
        return AccessView(
            digest=self._digest(combinations),
            version=self._version,
            valid_from=valid_from,
            valid_until=valid_until,
            index=self._index,
            rights=rights,
            listed_items=self._listed(),
            explain_refusal=self._reason,
            stop_of=self._stop,
            combinations=combinations,
        )

    def _stretch(self) -> tuple[datetime, datetime]:
        """The last and the next moment at which a rule of the class begins or ends."""
        times = self._times
        after = bisect_right(times, self._now)
        first = times[after - 1] if after else datetime.min.replace(tzinfo=UTC)
        last = times[after] if after < len(times) else datetime.max.replace(tzinfo=UTC)
        return first, last

    def _rights(self, allowing: list[CompiledRule]) -> Iterable[Right]:
        standing = [c for c in allowing if c.rule.standing and c.rule.rows == ANY and c.rule.purpose == ANY]
        granted: dict[str, dict[str, list[CompiledRule]]] = defaultdict(lambda: defaultdict(list))
        for compiled in allowing:
            if compiled not in standing:
                granted[compiled.rule.grant][compiled.rule.rows].append(compiled)
        tiers = self._right(None, ALL_ROWS, standing)
        yield tiers
        for grant, by_rows in sorted(granted.items()):
            for rows, rules in sorted(by_rows.items()):
                for_all = by_rows.get(ANY, []) if rows != ANY else []
                yield self._right(grant, ALL_ROWS if rows == ANY else rows, for_all + rules, tiers)

    def _right(self, grant: str | None, rows: str, rules: list[CompiledRule], upon: Right | None = None) -> Right:
        """What ``rules`` give together, beside what the right ``upon`` gives already."""
        bits: dict[str, int] = dict(upon.bits) if upon is not None else {}
        used = []
        for compiled in rules:
            rule, allowed = compiled.rule, compiled.bits
            if allowed & self._denied:
                allowed &= ~self._denied
            bits[rule.act] = bits.get(rule.act, 0) | allowed
            purpose = None if rule.standing else rule.purpose
            used.append(RightRule(rule.id, allowed, rule.act, rule.basis, compiled.ends, purpose))
        return Right(grant, rows, bits, (*(upon.rules if upon is not None else ()), *used))

    def _listed(self) -> int:
        """What the class sees: all that a rule in force names for it, whatever its purpose, frozen or not.

        A class that may read the unconditional tier stands on the departments' side, and sees what it can apply for;
        one that may read what is open sees that for which it has yet to accept a licence.
        """
        listed = 0
        for compiled in self._live:
            if not compiled.denies:
                listed |= compiled.bits
                if compiled.rule.object == "share:unconditional":
                    listed |= self._index.conditional
                elif compiled.rule.object == OPEN:
                    listed |= self._index.licensed
        return listed

    def _digest(self, combinations: tuple[Combination, ...]) -> str:
        parts = [self._version, self._content, self._purpose, ",".join(each.id for each in combinations)]
        for group in (self._live, self._ended, self._later, self._elsewhere):
            parts.append(",".join([c.rule.id for c in group]))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _reason(self, item: str, act: Act) -> Reason:
        bit = self._index.bit(item)
        if bit & self._denied:
            return Reason.FROZEN
        served = [c for c in self._live if c.bits & bit and not c.denies]
        for compiled in served:
            if _serves(compiled, act) and not self._fits(compiled):
                return Reason.PURPOSE_REQUIRED
        if not served and bit & self._index.licensed and any(c.rule.object == OPEN for c in self._live):
            return Reason.LICENCE_REQUIRED
        for rules, reason in (
            (self._later, Reason.GRANT_NOT_BEGUN),
            (self._ended, Reason.GRANT_EXPIRED),
            (served, Reason.ACT_NOT_GRANTED),
            (self._elsewhere, Reason.WRONG_ZONE),
        ):
            if any(c.bits & bit and not c.denies for c in rules):
                return reason
        return Reason.NOT_SHARED if bit & self._index.not_shared or not bit else Reason.GRANT_REQUIRED

    def _stop(self, items: Iterable[str]) -> RightRule:
        bits = 0
        for item in items:
            bits |= self._index.bit(item)
        stopping = (c for c in self._live if c.denies and c.bits & bits and self._fits(c))
        last = max(stopping, key=lambda compiled: (compiled.ends, compiled.rule.id))
        return RightRule(last.rule.id, last.bits, last.rule.act, last.rule.basis, last.ends)


def _serves(compiled: CompiledRule, act: Act) -> bool:
    held = compiled.rule.act
    return held in (act, Act.READ) or (act is Act.READ and (held.startswith(MASKED) or held == Act.VERIFY))


def _index(
    groups: Memberships, items: Mapping[str, ItemTiers], lines: Iterable[PolicyLine]
) -> tuple[ItemIndex, dict[str, int]]:
    """Items as bits, and per set (items themselves included) the items within."""
    # What has no tiers is in no released entry, and nobody reads it, whatever sets a policy puts it into.
    members = groups.members - groups.groups
    names = tuple(
        sorted(name for name in members if any(g.startswith("share:") for g in groups.reached((name,), None)))
    )
    positions = {name: position for position, name in enumerate(names)}
    within: dict[str, list[int]] = defaultdict(list)
    for name, position in positions.items():
        for group in groups.reached((name,), None):
            within[group].append(position)
    sets = {group: _bits(members) for group, members in within.items()}
    row_filters: dict[tuple[str, str], RowFilter] = {}
    for line in lines:
        if line.tokens[0] == "rows":
            _, name, resource, condition = line.tokens
            row_filters[name, resource] = parse_row_filter(condition)
    index = ItemIndex(
        names=names,
        positions=positions,
        verify_only=_bits(positions[name] for name in names if items.get(name, UNKNOWN).verify_only),
        personal=_bits(positions[name] for name in names if items.get(name, UNKNOWN).personal),
        conditional=sets.get("share:conditional", 0),
        not_shared=sets.get("share:not_shared", 0),
        licensed=_bits(positions[name] for name in names if items.get(name, UNKNOWN).licence),
        row_filters=row_filters,
        ceilings=ceilings_of(line.tokens for line in lines),
    )
    return index, sets


def _bits(positions: Iterable[int]) -> int:
    """An integer with these bits set, built in one pass over bytes rather than by repeated shifts."""
    listed = list(positions)
    if not listed:
        return 0
    raw = bytearray(max(listed) // 8 + 1)
    for position in listed:
        raw[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(raw, "little")


def _compile_rules(lines: Iterable[PolicyLine], index: ItemIndex, sets: Mapping[str, int]) -> tuple[CompiledRule, ...]:
    rules = []
    for line in lines:
        if line.tokens[0] == "p":
            rule = rule_of(line.tokens)
            rules.append(
                CompiledRule(rule, sets.get(rule.object, 0), time_of(rule.begins), time_of(rule.ends), rule.denies)
            )
    return tuple(rules)


def _grouped(rules: Iterable[CompiledRule]) -> dict[str, tuple[CompiledRule, ...]]:
    by_subject: dict[str, list[CompiledRule]] = defaultdict(list)
    for compiled in rules:
        by_subject[compiled.rule.subject].append(compiled)
    return {subject: tuple(group) for subject, group in by_subject.items()}
