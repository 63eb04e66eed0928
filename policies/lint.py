"""What is wrong with a draft, line by line, before anybody can be hurt by it.

Casbin forgives silently what an administrator would want to hear: a mistyped ``deny`` is no rule, an unknown first
token is dropped, a short line breaks every decision. So every draft is read here first. Codes: ``E-`` stops
publication, ``W-`` warns, ``I-`` tells. The checks of form come first; sense is looked at only in lines of good form.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from policies.call_ceilings import CALLS
from policies.callers import NO_DEPARTMENT
from policies.combinations import APART, Combination
from policies.console import EVERYBODY, ConsoleAct, Duties
from policies.errors import CodedError
from policies.items import OPEN, licence_in, mask_in
from policies.lines import ALWAYS, ANY, NEVER, SENTINEL, WIDTHS, PolicyLine, Rule, Tokens, rule_of, time_of, time_text
from policies.masks import MASKS
from policies.memberships import Memberships
from policies.row_filters import items_of, parse_row_filter
from policies.views import MASKED, Act

_TOKEN = re.compile(r"[A-Za-z0-9_.:*/+-]{1,200}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_RULE_ID = re.compile(r"[A-Z]+-[A-Za-z0-9_.:/+-]+")
E_DUTIES = "E-DUTIES"
_WIDE_SETS = frozenset({"share:conditional", "share:not_shared", "open:on_application", "open:not_open"})
_BASES = ("statute:", "law:", "request:", "application:", "incident:", "embargo:", "risk:", "mask:", "licence:")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: where, what, and how to mend it."""

    code: str
    place: str
    message: str

    @property
    def is_error(self) -> bool:
        return self.code.startswith("E-")

    def __str__(self) -> str:
        return f"{self.place}: {self.code}: {self.message}"


def is_basis(text: str) -> bool:
    """Whether a text can stand as the basis of a rule."""
    return text.startswith(_BASES) and _TOKEN.fullmatch(text) is not None


def lint(lines: Iterable[PolicyLine], now: datetime | None = None) -> tuple[Finding, ...]:
    """All findings, errors first. ``lines`` are complete (``lines.with_catalogue``); ``now`` lets W-EXPIRED speak."""
    complete = tuple(lines)
    findings = list(_form(complete))
    broken = {finding.place for finding in findings}
    sound = [line for line in complete if line.place not in broken or not line.number]
    findings += _Sense([line for line in sound if _well_formed(line)], now).findings()
    order = {"E": 0, "W": 1, "I": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.code[0]]))


def _well_formed(line: PolicyLine) -> bool:
    return len(line.tokens) == WIDTHS.get(line.tokens[0])


def _form(lines: Iterable[PolicyLine]) -> Iterator[Finding]:
    for line in lines:
        for code, message in _form_of(line.tokens):
            yield Finding(code, line.place, message)


def _form_of(tokens: Tokens) -> Iterator[tuple[str, str]]:
    kind = tokens[0]
    if kind not in WIDTHS:
        yield "E-PTYPE", f"no line begins with `{kind[:30]}`; begin with one of {', '.join(WIDTHS)}."
        return
    if len(tokens) != WIDTHS[kind]:
        yield "E-WIDTH", f"a `{kind}` line has {WIDTHS[kind] - 1} values after it, this one has {len(tokens) - 1}."
        return
    for token in tokens[:3] if kind == "rows" else tokens:
        if not _TOKEN.fullmatch(token):
            yield "E-CHARS", f"`{token[:40]}`: write 1 to 200 of A-Z a-z 0-9 _ . : * / + - and nothing else."
            return
    if kind in ("p", "p2") and tokens[-1] not in ("allow", "deny"):
        yield "E-EFT", f"the last value is `{tokens[-1]}`; write allow or deny, in small letters."
    if kind == "p2" and tokens[3] not in list(ConsoleAct):
        yield "E-ACT", f"`{tokens[3]}` is nothing one does in the console; write {', '.join(ConsoleAct)}."
    if kind == APART:
        yield from _combination_form(tokens)
    if kind == CALLS:
        yield from _ceiling_form(tokens)
    if kind == "p":
        yield from _rule_form(rule_of(tokens))
    if kind == "rows":
        try:
            parse_row_filter(tokens[3])
        except CodedError as error:
            yield "E-ROWS", error.message


def _combination_form(tokens: Tokens) -> Iterator[tuple[str, str]]:
    _, identity, _, group, most, basis = tokens
    if not re.fullmatch(r"X-[A-Za-z0-9_.:/+-]+", identity):
        yield "E-CHARS", f"the id `{identity}` of an `{APART}` line is X-, and a number, as in X-2026-1."
    if not re.fullmatch(r"[1-9][0-9]{0,3}", most):
        yield "E-APART", f"`{most}`: say how many of them may be used together, 1 at least; who may have none, deny it."
    if not group.startswith("set:") and not group.endswith("/*"):
        yield "E-APART", f"`{group}` is no set: name one of your own, set:NAME, or all of a resource, CODE/*."
    if not basis.startswith(_BASES):
        yield "E-NOBASIS", f"the basis `{basis}` names nothing; begin with one of {', '.join(_BASES)}."


def _ceiling_form(tokens: Tokens) -> Iterator[tuple[str, str]]:
    _, grant, most, basis = tokens
    if not _RULE_ID.fullmatch(grant) or "." in grant:
        yield "E-CALLS", f"`{grant}` is no number of a grant: the id of its lines up to the first point."
    if not re.fullmatch(r"[1-9][0-9]{0,9}", most):
        yield "E-CALLS", f"`{most}`: say how many operations of a day may use {grant}, 1 at least."
    if not basis.startswith(_BASES):
        yield "E-NOBASIS", f"the basis `{basis}` names nothing; begin with one of {', '.join(_BASES)}."


def _rule_form(rule: Rule) -> Iterator[tuple[str, str]]:
    if not _RULE_ID.fullmatch(rule.id):
        yield "E-CHARS", f"the id `{rule.id}` must be capital letters, a hyphen and a number, as in Q-2026-0042."
    if not _is_act(rule.act):
        yield "E-ACT", f"`{rule.act}` is no act; write {', '.join(Act)}, {MASKED}NAME with a known mask, or * to deny."
    for name, text in (("beginning", rule.begins), ("end", rule.ends)):
        if not _is_time(text):
            yield "E-TIME", f"the {name} `{text}` is no time; write YYYY-MM-DDTHH:MM:SSZ, {ALWAYS} or {NEVER}."
            return
    if rule.begins >= rule.ends and ("p", rule.id) != SENTINEL[:2]:
        yield "E-EMPTYTIME", f"it ends at {rule.ends}, which is not after its beginning {rule.begins}."
    if rule.effect == "deny" and (rule.purpose, rule.act, rule.rows) != (ANY, ANY, ANY):
        yield (
            "E-NARROWDENY",
            "a deny has purpose, act and rows `*`: a narrower one leaves other ways to the same value open.",
        )
    if not rule.basis.startswith(_BASES) and ("p", rule.id) != SENTINEL[:2]:
        yield "E-NOBASIS", f"the basis `{rule.basis}` names nothing; begin with one of {', '.join(_BASES)}."


def _is_act(act: str) -> bool:
    return act == ANY or act in list(Act) or (act.startswith(MASKED) and act.removeprefix(MASKED) in MASKS)


def _is_time(text: str) -> bool:
    if text in (ALWAYS, NEVER):
        return True
    try:
        return _TIME.fullmatch(text) is not None and time_of(text).tzinfo is not None
    except ValueError:
        return False


class _Sense:
    """What well-formed lines mean together."""

    def __init__(self, lines: list[PolicyLine], now: datetime | None) -> None:
        self._lines = lines
        self._now = time_text(now) if now is not None else None
        self._subjects = Memberships.by_department(line.tokens for line in lines if line.tokens[0] == "g")
        self._groups = Memberships.plain(line.tokens for line in lines if line.tokens[0] == "g2")
        self._zones = Memberships.plain(line.tokens for line in lines if line.tokens[0] == "g3")
        self._rules = [(line, rule_of(line.tokens)) for line in lines if line.tokens[0] == "p"]
        self._sets = {name: self._groups.reached((name,), None) for name in self._groups.members - self._groups.groups}
        self._within: dict[str, set[str]] = defaultdict(set)
        for name, sets in self._sets.items():
            for group in sets:
                self._within[group].add(name)
        links = [line.tokens for line in lines if line.tokens[0] == "g" and line.tokens[3] == NO_DEPARTMENT]
        reached = [self._subjects.reached((member,), NO_DEPARTMENT) for _, member, _, _ in links]
        self._outside = EVERYBODY.union(*reached)

    def findings(self) -> Iterator[Finding]:
        checks: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._unique_ids, self._tiers, self._depth, self._public_side, self._duties, self._row_conditions,
            self._allows, self._combinations, self._ceilings, self._reach, self._deny_cover, self._redundant,
        )  # fmt: skip
        for check in checks:
            yield from check()

    def _unique_ids(self) -> Iterator[Finding]:
        first: dict[str, str] = {}
        for line in self._lines:
            if line.tokens[0] in ("p", "p2", APART):
                identity = line.tokens[1]
                if identity in first:
                    yield Finding(
                        "E-DUPID",
                        line.place,
                        f"{identity} is the id of {first[identity]} already; give each rule its own.",
                    )
                first.setdefault(identity, line.place)

    def _tiers(self) -> Iterator[Finding]:
        catalogued = any(line.tokens[0] == "g2" and not line.number for line in self._lines)
        for line in self._lines:
            if catalogued and line.number and line.tokens[0] == "g2" and not line.tokens[2].startswith("set:"):
                message = f"{line.tokens[2]} is the catalogue's to fill; a set of your own begins with `set:`."
                yield Finding("E-TIER", line.place, message)
        for name, sets in sorted(self._sets.items()):
            sharing = [group for group in sets if group.startswith("share:")]
            opening = [group for group in sets if group.startswith("open:")]
            opened = [group.removeprefix("open:").partition("+")[0] for group in opening]
            if not sharing and not opening:
                place = next(line.place for line in self._lines if line.tokens[:2] == ("g2", name))
                yield Finding("W-NOITEM", place, f"{name} is in no released entry, so nobody reads it.")
            elif len(sharing) != 1 or len(opening) != 1:
                message = (
                    f"{name} is in {len(sharing)} sharing and {len(opening)} opening sets; an item is in one of each."
                )
                yield Finding("E-TIER", "the catalogue", message)
            elif opened == ["open"] and sharing != ["share:unconditional"]:
                yield Finding("E-TIER", "the catalogue", f"{name} is open, so its sharing must be unconditional.")

    def _depth(self) -> Iterator[Finding]:
        for memberships, kind in ((self._subjects, "g"), (self._groups, "g2"), (self._zones, "g3")):
            for start, _ in memberships.chains_too_long():
                place = next(
                    (line.place for line in self._lines if line.tokens[0] == kind and line.tokens[1] == start),
                    "the policy",
                )
                message = f"a chain of more than 6 `{kind}` links, or a ring, begins at {start}; link it more directly."
                yield Finding("E-DEPTH", place, message)

    def _public_side(self) -> Iterator[Finding]:
        """The public belongs to nothing but the public: else a membership would give it what departments share."""
        shared = {rule.subject for _, rule in self._rules if rule.object.startswith("share:") and not rule.denies}
        for line in self._lines:
            if line.tokens[0] != "g":
                continue
            _, member, group, department = line.tokens
            reached = self._subjects.reached((member,), department)
            if member in EVERYBODY and group not in EVERYBODY:
                yield Finding("E-PUBLIC", line.place, f"{member} is the public itself; it cannot belong to {group}.")
            elif department == NO_DEPARTMENT and (wrong := sorted(reached & shared)):
                message = f"{member} acts for no department, yet belongs to {wrong[0]}, to which departments share."
                yield Finding("E-PUBLIC", line.place, message)

    def _duties(self) -> Iterator[Finding]:
        for name, wrong in Duties(line.tokens for line in self._lines).faults():
            about = [line for line in self._lines if line.tokens[0] == "g" and line.tokens[1] == name]
            about += [line for line in self._lines if line.tokens[0] == "p2" and line.tokens[2] == name]
            yield Finding(E_DUTIES, max(about, key=lambda line: line.number).place, wrong)

    def _row_conditions(self) -> Iterator[Finding]:
        defined: dict[tuple[str, str], str] = {}
        for line in self._lines:
            if line.tokens[0] == "rows":
                _, name, resource, condition = line.tokens
                if (name, resource) in defined:
                    yield Finding(
                        "E-ROWS", line.place, f"{name} is defined for {resource} on {defined[name, resource]} already."
                    )
                defined[name, resource] = line.place
                if not name.startswith("rows:"):
                    yield Finding(
                        "E-ROWS", line.place, f"the name of a row condition begins with `rows:`, unlike {name}."
                    )
                unknown = [
                    a for a in sorted(items_of(parse_row_filter(condition))) if f"{resource}.{a}" not in self._sets
                ]
                if unknown:
                    yield Finding("E-ROWS", line.place, f"{resource} has no item {', '.join(unknown)}.")
        for line, rule in self._rules:
            if rule.rows != ANY:
                resources = {name.rpartition(".")[0] for name in self._within.get(rule.object, ())}
                for resource in sorted(resources):
                    if (rule.rows, resource) not in defined:
                        message = f"{rule.rows} is not defined for {resource}; add a `rows` line, or write *."
                        yield Finding("E-ROWS", line.place, message)

    def _allows(self) -> Iterator[Finding]:
        for line, rule in self._rules:
            if not rule.denies:
                for code, message in self._allow(rule):
                    yield Finding(code, line.place, message)

    def _allow(self, rule: Rule) -> Iterator[tuple[str, str]]:
        covered = self._within.get(rule.object, set())
        if rule.object in _WIDE_SETS:
            yield "E-WIDEALLOW", f"allowing all of {rule.object} at once is refused: name the items or the resource."
        if rule.act == ANY:
            yield "E-WIDEALLOW", "an allow names its act: what is not named is not allowed."
        closed = sorted(name for name in covered if not self._in(name, "open:open"))
        if rule.subject in EVERYBODY and closed:
            yield (
                "E-PUBLIC",
                f"{closed[0]} is not open, so nothing can allow it to {rule.subject}; open it in the catalogue.",
            )
        if rule.subject in self._outside:
            yield from self._allow_outside(rule, covered)
        if rule.id.startswith("A-"):
            held = sorted(name for name in covered if self._in(name, "open:not_open"))
            if held:
                yield "E-PUBLIC", f"{held[0]} is not open on application, so no application can be granted for it."
        sealed = sorted(name for name in covered if self._in(name, "share:not_shared"))
        if sealed and not rule.basis.startswith("law:"):
            yield "E-NOBASIS", f"{sealed[0]} is not shared: only a basis that begins with `law:` can allow it."
        if rule.standing:
            return
        if rule.ends == NEVER:
            yield "E-NOEXPIRY", f"a grant ends by itself: give {rule.id} an end."
        if rule.purpose == ANY:
            yield "E-NOPURPOSE", f"a grant is for a purpose: give {rule.id} one instead of `*`."

    def _allow_outside(self, rule: Rule, covered: set[str]) -> Iterator[tuple[str, str]]:
        """What those who act for no department may never have: what is not open, or what is open masked, unmasked."""
        held = sorted(name for name in covered if self._in(name, "open:not_open"))
        if held and rule.subject not in EVERYBODY:
            yield "E-PUBLIC", f"{rule.subject} acts for no department, and {held[0]} is not open."
        for name in sorted(covered):
            opened = next((group for group in self._sets[name] if group.startswith(OPEN)), OPEN)
            licence, mask = licence_in(opened), mask_in(opened)
            if licence is not None and (rule.subject in EVERYBODY or rule.basis != f"licence:{licence}"):
                yield (
                    "E-LICENCE",
                    f"{name} is open to who has accepted its licence {licence}, each for itself: an acceptance is "
                    f"recorded (`policy accept-licence`), not given to {rule.subject} on the basis {rule.basis}.",
                )
                return
            if mask is not None and rule.act != f"{MASKED}{mask}":
                yield "E-PUBLIC", f"{name} is open only as {MASKED}{mask}, not as {rule.act}."
                return

    def _in(self, name: str, group: str) -> bool:
        return any(held == group or held.startswith(group + "+") for held in self._sets[name])

    def _ceilings(self) -> Iterator[Finding]:
        grants = {rule.grant for _, rule in self._rules if not rule.standing and not rule.denies}
        first: dict[str, str] = {}
        for line in self._lines:
            if line.tokens[0] == CALLS:
                grant = line.tokens[1]
                if grant in first:
                    yield Finding("E-CALLS", line.place, f"{grant} has a ceiling on {first[grant]} already.")
                elif grant not in grants:
                    yield Finding("W-DEAD", line.place, f"no rule is of grant {grant}, so nothing is counted.")
                first.setdefault(grant, line.place)

    def _combinations(self) -> Iterator[Finding]:
        known = self._subjects.members | self._subjects.groups
        lines = [line for line in self._lines if line.tokens[0] == APART]
        read = [(line, Combination.of(line.tokens, lambda group: self._within.get(group, ()))) for line in lines]
        for place, (line, each) in enumerate(read):
            if each.subject not in known:
                yield Finding("W-NOBODY", line.place, f"nobody is or belongs to {each.subject}.")
            if not each.items:
                yield Finding("W-NOITEM", line.place, f"no released item is or belongs to {each.group}.")
            elif len(each.items) <= each.most:
                message = f"{each.id} never refuses anything: {each.group} has {len(each.items)} released items."
                yield Finding("W-DEAD", line.place, message)
            else:
                others = [(at, other) for at, (_, other) in enumerate(read) if at != place and other.covers(each)]
                wider = next((other for at, other in others if not each.covers(other) or at < place), None)
                if wider is not None:
                    yield Finding("W-REDUNDANT", line.place, f"{wider.id} refuses all that {each.id} refuses.")

    def _reach(self) -> Iterator[Finding]:
        reachable = self._subjects.members | self._subjects.groups
        zones = self._zones.members | self._zones.groups
        for line, rule in self._rules:
            if rule.id == SENTINEL[1]:
                continue
            if rule.subject not in reachable:
                yield Finding("W-NOBODY", line.place, f"nobody is or belongs to {rule.subject}.")
            if rule.object not in self._within:
                yield Finding("W-NOITEM", line.place, f"no released item is or belongs to {rule.object}.")
            if rule.zone not in zones:
                yield Finding("W-NOZONE", line.place, f"no listener's zone belongs to {rule.zone}.")
            if self._now is not None and rule.ends <= self._now:
                yield Finding("W-EXPIRED", line.place, f"{rule.id} ended at {rule.ends}.")

    def _deny_cover(self) -> Iterator[Finding]:
        denies = [rule for _, rule in self._rules if rule.denies and rule.id != SENTINEL[1]]
        by_subject: dict[str, list[Rule]] = defaultdict(list)
        for deny in denies:
            by_subject[deny.subject].append(deny)
        above = self._everything_above(rule.subject for _, rule in self._rules)
        for line, rule in self._rules:
            items = self._within.get(rule.object, set())
            if rule.denies or not items:
                continue
            hit: set[str] = set()
            for name in above[rule.subject] & by_subject.keys():
                for deny in by_subject[name]:
                    if (
                        deny.begins <= rule.begins
                        and rule.ends <= deny.ends
                        and self._zone_within(rule.zone, deny.zone)
                    ):
                        hit |= items & self._within.get(deny.object, set())
            if hit == items:
                yield Finding("W-DEAD", line.place, f"{rule.id} never allows anything: denies cover all of it.")
            elif hit:
                message = f"{len(hit)} of the {len(items)} items that {rule.id} allows are denied throughout."
                yield Finding("I-PARTLY-DENIED", line.place, message)

    def _everything_above(self, subjects: Iterable[str]) -> dict[str, frozenset[str]]:
        """Per subject, the names that whoever reaches it reaches too, in every department in which it stands."""
        departments: dict[str, set[str]] = defaultdict(set)
        for line in self._lines:
            if line.tokens[0] == "g":
                for name in line.tokens[1:3]:
                    departments[name].add(line.tokens[3])
        above: dict[str, frozenset[str]] = {}
        for subject in set(subjects):
            reached = [self._subjects.reached((subject,), department) for department in departments[subject]]
            above[subject] = frozenset.intersection(*reached) if reached else frozenset({subject})
        return above

    def _zone_within(self, inner: str, outer: str) -> bool:
        """Whether every listener's zone that belongs to ``inner`` belongs to ``outer``."""
        members = [zone for zone in self._zones.members if inner in self._zones.reached((zone,), None)]
        return all(outer in self._zones.reached((zone,), None) for zone in members)

    def _redundant(self) -> Iterator[Finding]:
        same: Counter[Tokens] = Counter()
        for line in self._lines:
            if line.tokens[0] in ("g", "g2", "g3"):
                same[line.tokens] += 1
                if same[line.tokens] > 1 and line.number:
                    yield Finding("W-REDUNDANT", line.place, "the same line stands above.")
        groups: dict[tuple[str, ...], list[tuple[PolicyLine, Rule]]] = defaultdict(list)
        for line, rule in self._rules:
            groups[rule.subject, rule.act, rule.effect].append((line, rule))
        for group in groups.values():
            for line, rule in group:
                wider = next((other for _, other in group if other is not rule and self._implies(other, rule)), None)
                if wider is not None:
                    yield Finding("W-REDUNDANT", line.place, f"{wider.id} says all that {rule.id} says.")

    def _implies(self, wider: Rule, rule: Rule) -> bool:
        if not (wider.begins <= rule.begins and rule.ends <= wider.ends):
            return False
        if wider.purpose not in (ANY, rule.purpose) or wider.rows not in (ANY, rule.rows):
            return False
        items = self._within.get(rule.object, set())
        held = self._within.get(wider.object, set())
        if not items or not items <= held or not self._zone_within(rule.zone, wider.zone):
            return False
        return not (items == held and wider.zone == rule.zone and self._equal(wider, rule) and wider.id > rule.id)

    @staticmethod
    def _equal(left: Rule, right: Rule) -> bool:
        """Whether two rules cover the same, so that only one of them is called redundant."""
        return (left.purpose, left.rows, left.begins, left.ends) == (
            right.purpose,
            right.rows,
            right.begins,
            right.ends,
        )
