"""Tables against the judge: a version goes live only when both say the same.

The compiler could be wrong, and would then be wrong for everybody at once. So before a version goes live, questions
are put to Casbin and to the tables: at random, and at every moment at which a rule begins or ends, one second before,
at it and one second after. One difference stops the publication.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from policies.callers import NO_DEPARTMENT, NO_PURPOSE, Caller, CallerKind
from policies.decisions import Judge, Question
from policies.errors import PROOF_FAILED, CodedError
from policies.lines import ALL_ROWS, ALWAYS, ANY, NEVER, SENTINEL, Tokens, time_of, time_text
from policies.tables import CompiledRule, PolicyTables
from policies.views import Act

_SECOND = timedelta(seconds=1)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Together:
    """Whether one operation of a subject may use these items: asked of both, about the combinations it exceeds."""

    subject: str
    department: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A question on which tables and judge disagree."""

    question: Question | Together
    tables: bool
    judge: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What was asked of both, how often the answer was yes, and where they disagreed."""

    asked: int
    allowed: int
    differences: tuple[Difference, ...]

    def demand(self) -> None:
        """Raises CodedError PROOF_FAILED when there is a difference."""
        if self.differences:
            first = self.differences[0]
            raise CodedError(
                PROOF_FAILED,
                f"Tables and Casbin differ in {len(self.differences)} of {self.asked} decisions; first: "
                f"{first.question} is {first.tables} by the tables and {first.judge} by Casbin.",
            )


def prove(
    tables: PolicyTables,
    now: datetime,
    samples: int = 10_000,
    seed: int = 0,
    known: frozenset[Tokens] = frozenset(),
    part: tuple[int, int] = (0, 1),
) -> Proof:
    """Puts random questions, and some at every moment at which a rule begins or ends, to tables and judge.

    Rules whose lines are ``known`` were proved before, so their moments are left out. ``part`` (number, of how many)
    is for several processes that share the work: each takes its share of the moments and samples of its own.
    """
    judge = Judge(line.tokens for line in tables.lines)
    number, parts = part
    questioner = _Questioner(tables, now, random.Random(seed * parts + number))
    asked = allowed = 0
    differences = []
    moments = [*questioner.at_boundaries(known)][number::parts]
    questions = [*moments, *islice(questioner.at_random(), samples // parts)]
    for question in questions:
        by_tables = answer_of(tables, question)
        by_judge = judge.decide(question).allowed
        asked += 1
        allowed += by_judge
        if by_tables is not by_judge:
            differences.append(Difference(question, by_tables, by_judge))
    for together in [*questioner.together()][number::parts]:
        by_tables = not combinations_exceeded(tables, together, now)
        by_judge = not judge.too_many(together.subject, together.department, together.items)
        asked += 1
        allowed += by_judge
        if by_tables is not by_judge:
            differences.append(Difference(together, by_tables, by_judge))
    return Proof(asked, allowed, tuple(differences))


def answer_of(tables: PolicyTables, question: Question) -> bool:
    """The tables' answer to a question of the judge."""
    department = None if question.department == NO_DEPARTMENT else question.department
    purpose = None if question.purpose == NO_PURPOSE else question.purpose
    who = Caller(CallerKind.APPLICATION, question.subject, department, zone=question.zone, purpose=purpose)
    return tables.view(who, time_of(question.now)).allows(question.item, question.act, question.rows)


def combinations_exceeded(tables: PolicyTables, together: Together, now: datetime) -> frozenset[str]:
    """The combinations of which the items are too many, by the tables."""
    department = None if together.department == NO_DEPARTMENT else together.department
    kind = CallerKind.PUBLIC if department is None else CallerKind.APPLICATION
    view = tables.view(Caller(kind, together.subject, department, zone="unknown"), now)
    return frozenset(each.id for each in view.combinations if each.exceeded_by(together.items))


class _Questioner:
    """Makes questions that have a fair chance to be answered with yes: half of them start from a rule."""

    def __init__(self, tables: PolicyTables, now: datetime, chance: random.Random) -> None:
        self._tables = tables
        self._now = now
        self._chance = chance
        links = [line.tokens for line in tables.lines if line.tokens[0] == "g"]
        self._members = sorted({(tokens[1], tokens[3]) for tokens in links}) or [("anon", NO_DEPARTMENT)]
        self._departments = sorted({tokens[3] for tokens in links}) or [NO_DEPARTMENT]
        self._zones = [*sorted({line.tokens[1] for line in tables.lines if line.tokens[0] == "g3"}), "unknown"]
        self._rules = [compiled for compiled in tables.rules if compiled.rule.id != SENTINEL[1]]
        self._purposes = [*sorted({c.rule.purpose for c in self._rules} - {ANY}), NO_PURPOSE]
        self._rows = [*sorted({c.rule.rows for c in self._rules} - {ANY}), ALL_ROWS]
        self._acts = sorted({c.rule.act for c in self._rules} - {ANY} | set(Act))
        self._below: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for pair in self._members:
            for name in tables.names_of(*pair):
                self._below[name].append(pair)

    def at_random(self) -> Iterator[Question]:
        """Questions without end."""
        while True:
            moment = self._now + _YEAR * self._chance.uniform(-1.5, 1.5)
            if self._rules and self._chance.random() < 0.5:
                yield self._near(self._chance.choice(self._rules), moment)
            else:
                yield self._anything(moment)

    def at_boundaries(self, known: frozenset[Tokens]) -> Iterator[Question]:
        """For every moment at which a rule begins or ends: what that rule answers a second before, at it and after.

        Where several rules share a moment, one of them is taken.
        """
        settled = {tokens[1] for tokens in known if tokens[0] == "p"}
        by_moment: dict[str, list[CompiledRule]] = defaultdict(list)
        for compiled in self._rules:
            if compiled.rule.id not in settled:
                for text in {compiled.rule.begins, compiled.rule.ends} - {ALWAYS, NEVER}:
                    by_moment[text].append(compiled)
        for text, rules in sorted(by_moment.items()):
            compiled = self._chance.choice(rules)
            for moment in (time_of(text) - _SECOND, time_of(text), time_of(text) + _SECOND):
                yield self._exactly(compiled, moment)

    def together(self) -> Iterator[Together]:
        """For each combination: as many of its items as it allows, and one more, among others; by who it concerns, and
        by anybody."""
        for combination in self._tables.combinations:
            held = sorted(combination.items)
            self._chance.shuffle(held)
            others = [self._item(self._tables.items) for _ in range(3)]
            for who in (
                self._chance.choice(self._who_reaches(combination.subject)),
                self._chance.choice(self._members),
            ):
                for count in (combination.most, combination.most + 1):
                    yield Together(*who, tuple(dict.fromkeys((*held[:count], *others))))

    def _anything(self, moment: datetime) -> Question:
        subject, department = self._chance.choice(self._members)
        if self._chance.random() < 0.1:
            department = self._chance.choice(self._departments)
        return Question(
            subject, department, self._chance.choice(self._zones), self._chance.choice(self._purposes),
            self._item(self._tables.items), self._chance.choice(self._acts), self._chance.choice(self._rows),
            time_text(moment),
        )  # fmt: skip

    def _exactly(self, compiled: CompiledRule, moment: datetime) -> Question:
        rule = compiled.rule
        subject, department = self._chance.choice(self._who_reaches(rule.subject))
        zones = [zone for zone in self._zones if rule.zone in self._tables.zones_of(zone)] or self._zones
        return Question(
            subject, department, self._chance.choice(zones),
            NO_PURPOSE if rule.purpose == ANY else rule.purpose,
            self._item(self._tables.index.items(compiled.bits)),
            self._chance.choice(self._acts) if rule.act == ANY else rule.act,
            ALL_ROWS if rule.rows == ANY else rule.rows,
            time_text(moment.astimezone(UTC)),
        )  # fmt: skip

    def _near(self, compiled: CompiledRule, moment: datetime) -> Question:
        """A question that the rule answers, with one part of it changed at random half of the time."""
        begins, ends = max(compiled.begins, self._now - _YEAR), min(compiled.ends, self._now + _YEAR)
        inside = begins + (ends - begins) * self._chance.random() if begins < ends else moment
        exact, other = self._exactly(compiled, inside), self._anything(moment)
        part = self._chance.choice(
            ("subject", "department", "zone", "purpose", "item", "act", "rows", "now", *[""] * 8)
        )
        fields = {name: getattr(other if name == part else exact, name) for name in Question.__dataclass_fields__}
        return Question(**fields)

    def _item(self, items: Sequence[str]) -> str:
        return self._chance.choice(items) if items else "unknown.item"

    def _who_reaches(self, name: str) -> list[tuple[str, str]]:
        return self._below.get(name) or [(name, self._chance.choice(self._departments))]
