"""Satisfiability: every field that clients can ask for can be fetched, whatever the path to it.

Problem: subgraphs that merge well may still leave fields nobody can get to, because a key is missing or cannot be had.
Idea: walk the supergraph from its root types, holding at each type the set of *all* subgraph positions the object can
be at (see ``reach``), not one path after the other. Invariant: having more positions never loses a field, so a type is
looked at again only with a set that contains none seen before. A field that no position can answer is reported with an
operation that asks for it and a reason for each subgraph.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from gateway.composition import codes, hints
from gateway.composition.issues import IssueLog
from gateway.composition.merging.state import Merge, named
from gateway.composition.satisfiability.reach import BudgetExceededError, Position, Reach
from gateway.composition.satisfiability.witness import Step, operation
from gateway.composition.subgraph.facts import context_of
from gateway.supergraph.elements import Member, Type, named_type

BUDGET = 1_000_000
BUDGET_PER_FIELD = 30
"""Steps granted to one composition, in all and for each field of the supergraph: about a second's worth for a small
one. A step is one look at a field from one position; real graphs need a few for each field."""
MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class _State:
    """An object of type ``runtime``, at ``positions``, after ``path``; ``contexts`` were set on the way."""

    runtime: str
    positions: frozenset[Position]
    path: tuple[Step, ...]
    contexts: frozenset[str] = frozenset()


def check_satisfiability(merge: Merge, hidden: frozenset[str], log: IssueLog) -> None:
    """Log an error for every field that cannot be fetched on some path; ``hidden`` coordinates are not asked for."""
    reported: set[tuple[str, str]] = set()
    fields = sum(len(definition.fields) for definition in merge.types.values())
    granted = budget = BUDGET + BUDGET_PER_FIELD * fields
    for labels in _assignments(merge):
        reach = Reach(merge, labels, budget)
        try:
            _Walk(reach, hidden, log, reported).run()
        except (BudgetExceededError, RecursionError):
            # A chain of requirements that is longer than Python's stack is as good as endless.
            log.report(
                codes.MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED,
                f"Checking that every field can be fetched needs more than {granted:,} steps.",
            )
            return
        budget = reach.budget


def _assignments(merge: Merge) -> Iterator[frozenset[str]]:
    """Sets of active override labels to check: all of them while there are few, else all, none, and each alone."""
    labels = sorted({o.label for o in merge.overrides.values() if o.label is not None})
    if len(labels) <= 4:
        for choice in product((False, True), repeat=len(labels)):
            yield frozenset(label for label, active in zip(labels, choice, strict=True) if active)
        return
    yield frozenset()
    yield frozenset(labels)
    for label in labels:
        yield frozenset((label,))
        yield frozenset(labels) - {label}


@dataclass(slots=True)
class _Walk:
    reach: Reach
    hidden: frozenset[str]
    log: IssueLog
    reported: set[tuple[str, str]]
    waiting: deque[_State] = field(default_factory=deque)
    seen: dict[tuple[str, frozenset[str]], dict[frozenset[Position], None]] = field(default_factory=dict)
    has_contexts: bool = False

    @property
    def merge(self) -> Merge:
        return self.reach.merge

    def __post_init__(self) -> None:
        self.has_contexts = any(t.has("context") for s in self.merge.subgraphs for t in s.types.values())

    def run(self) -> None:
        for operation_type, name in self.merge.roots.items():
            positions = [Position(s.name, name) for s in self.merge.subgraphs if name in s.types]
            root = _State(name, frozenset(positions), (Step(operation_type),))
            if operation_type == "mutation":
                # A mutation runs in one subgraph, so one subgraph that has it must do alone.
                self._alone(root)
            else:
                self._add(root)
        self._drain()

    def _drain(self) -> None:
        while self.waiting and len(self.log.errors) < MAX_ERRORS:
            self._expand(self.waiting.popleft())

    def _alone(self, root: _State) -> None:
        for name, merged in self.merge.types[root.runtime].fields.items():
            if f"{root.runtime}.{name}" in self.hidden:
                continue
            able = [p for p in sorted(root.positions) if self.reach.can_ask(p, root.runtime, name)]
            trials = [self._trial(root, merged, position) for position in able]
            if trials and all(trial.errors for trial in trials):
                best = min(trials, key=lambda trial: len(trial.errors))
                self.log.errors.extend(best.errors)
            for trial in trials[:1]:
                self.log.hints.extend(trial.hints)

    def _trial(self, root: _State, merged: Member, position: Position) -> IssueLog:
        walk = _Walk(self.reach, self.hidden, IssueLog(), set())
        walk._follow(root, merged, [position])
        walk._drain()
        return walk.log

    def _add(self, state: _State) -> None:
        known = self.seen.setdefault((state.runtime, state.contexts), {})
        if state.positions in known or any(smaller < state.positions for smaller in known):
            return
        known[state.positions] = None
        self.waiting.append(state)

    def _expand(self, state: _State) -> None:
        fields = self.merge.types[state.runtime].fields
        self.reach.spend(len(fields) * len(state.positions))
        holders = self.reach.holders(state.positions)
        for name, merged in fields.items():
            if f"{state.runtime}.{name}" in self.hidden:
                continue
            able = [p for p in holders.get(name, ()) if self.reach.can_ask(p, state.runtime, name)]
            able = [p for p in able if self._has_contexts(p, name, state)]
            if able:
                self._follow(state, merged, able)
            elif (state.runtime, name) not in self.reported:
                self.reported.add((state.runtime, name))
                self._report(state, merged)

    def _has_contexts(self, position: Position, name: str, state: _State) -> bool:
        if not self.has_contexts:
            return True
        member = self.reach.member(position, name)
        return member is None or all(context in state.contexts for context in _contexts(position.subgraph, member))

    def _follow(self, state: _State, merged: Member, able: list[Position]) -> None:
        target = self.merge.types.get(named_type(merged.type))
        if target is None or not target.is_composite or target.name in self.hidden:
            return
        children = [child for position in able for child in self.reach.children(position, merged.name)]
        if target.is_abstract and len(children) > 1:
            self._check_runtime_types(state, merged, children)
        contexts = state.contexts | self._set_contexts(children)
        for runtime, places in self.reach.narrowings(target.name, children):
            if runtime in self.hidden:
                continue
            step = Step(merged.name, merged, None if runtime == target.name else runtime)
            closure = self.reach.closure(places, runtime)
            self._add(_State(runtime, closure, (*state.path, step), contexts | self._set_contexts(list(closure))))

    def _set_contexts(self, places: list[Position]) -> frozenset[str]:
        found: set[str] = set()
        for place in places if self.has_contexts else ():
            subgraph = self.reach.subgraphs[place.subgraph]
            definition = subgraph.types[place.type]
            unions = (t for t in subgraph.types.values() if place.type in t.members)
            for holder in (definition, *(subgraph.types[i] for i in definition.interfaces), *unions):
                found.update(f"{place.subgraph}__{c.value('name')}" for c in holder.applied("context"))
        return frozenset(found)

    def _check_runtime_types(self, state: _State, merged: Member, children: list[Position]) -> None:
        """A shared field must be able to return the same thing everywhere."""
        coordinate = f"{state.runtime}.{merged.name}"
        if (coordinate, "types") in self.reported:
            return
        possible = {}
        for child in sorted(children):
            subgraph = self.reach.subgraphs[child.subgraph]
            if not subgraph.types[child.type].is_abstract:
                continue
            possible[child.subgraph] = frozenset(subgraph.possible_types(child.type))
        if len(set(possible.values())) < 2:
            return
        self.reported.add((coordinate, "types"))
        told = tuple(f"in {name} it is {' or '.join(sorted(types)) or 'nothing'}" for name, types in possible.items())
        at = [(name, None) for name in possible]
        if not frozenset.intersection(*possible.values()):
            self.log.report(
                codes.SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
                f"{coordinate} is shared, but its subgraphs can return no common type: {'; '.join(told)}.",
                coordinate,
                at=at,
                witness=operation((*state.path, Step(merged.name, merged))),
                reasons=told,
            )
        else:
            self.log.report(
                hints.INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
                f"{coordinate} is shared, but its subgraphs return different types: {'; '.join(told)}.",
                coordinate,
                at=at,
            )

    def _report(self, state: _State, merged: Member) -> None:
        coordinate = f"{state.runtime}.{merged.name}"
        reasons = tuple(self._reasons(state, merged))
        witness = operation((*state.path, Step(merged.name, merged)), leaf=self._is_leaf(merged))
        self.log.report(
            codes.SATISFIABILITY_ERROR,
            f"{coordinate} cannot be fetched on every path: {'; '.join(reasons)}.",
            coordinate,
            at=[
                (s.name, t.fields[merged.name].line)
                for s, t in self.merge.sources(state.runtime)
                if merged.name in t.fields
            ],
            witness=witness,
            reasons=reasons,
        )

    def _is_leaf(self, merged: Member) -> bool:
        target = self.merge.types.get(named_type(merged.type))
        return target is None or not target.is_composite

    def _reasons(self, state: _State, merged: Member) -> Iterator[str]:
        here = {position.subgraph for position in state.positions}
        for position in sorted(state.positions):
            why = self.reach.refusal(position, state.runtime, merged.name)
            if why is None:
                why = f"{state.runtime}.{merged.name} needs a context that no ancestor sets there"
            yield f"from {named([position.subgraph])}: {why}"
        for subgraph, source in self.merge.sources(state.runtime):
            if subgraph.name not in here and merged.name in source.fields:
                yield f"{named([subgraph])} has it, but {self._no_entry(state, source)}"

    def _no_entry(self, state: _State, source: Type) -> str:
        keys = [key for key in source.applied("key") if key.value("resolvable", True) is not False]
        if not keys:
            return f"{state.runtime} has no resolvable @key there to enter by"
        told = " or ".join(f'@key(fields: "{key.value("fields")}")' for key in keys)
        holders = named(sorted({position.subgraph for position in state.positions}))
        return f"the fields of {told} cannot be had from {holders}"


def _contexts(subgraph: str, member: Member) -> Iterator[str]:
    for argument in member.arguments.values():
        for applied in argument.applied("fromContext"):
            context = context_of(applied)
            if context is not None:
                yield f"{subgraph}__{context[0]}"
