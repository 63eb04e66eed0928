"""Satisfiability: every field that clients can ask for can be fetched, whatever the path to it.

Problem: subgraphs that merge well may still leave fields nobody can get to, because a key is missing or cannot be had.
Idea: walk the supergraph from its root types, holding at each type the set of *all* subgraph positions the object can
be at (see ``reach``), not one path after the other. Invariant: having more positions never loses a field, so a type is
looked at again only with a set that contains none seen before. A field that no position can answer is reported with an
operation that asks for it and a reason for each subgraph.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

from gateway.composition import codes, hints
from gateway.composition.issues import IssueLog, SourceLine
from gateway.composition.merging.state import Merge, named
from gateway.composition.satisfiability.reach import (
    BudgetExceededError,
    Decisions,
    Position,
    Reach,
    UndecidedLabelError,
)
from gateway.composition.satisfiability.witness import Step, operation
from gateway.composition.subgraph.facts import context_of, contextual
from gateway.supergraph.elements import Member, Type, named_type

BUDGET = 1_000_000
BUDGET_PER_FIELD = 30
"""Steps granted to one composition, in all and for each field of the supergraph: about a second's worth for a small
one. A step is one look at a field from one position; real graphs need a few for each field."""
MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class _State:
    """An object of type ``runtime``, at ``positions``, after ``path``; ``contexts`` were set above it.

    It is there where the override labels are as ``decided``.
    """

    runtime: str
    positions: frozenset[Position]
    path: tuple[Step, ...]
    contexts: frozenset[str] = frozenset()
    decided: Decisions = frozenset()


def check_satisfiability(merge: Merge, hidden: frozenset[str], log: IssueLog) -> None:
    """Log an error for every field that cannot be fetched on some path; ``hidden`` coordinates are not asked for."""
    fields = sum(len(definition.fields) for definition in merge.types.values())
    granted = BUDGET + BUDGET_PER_FIELD * fields
    try:
        _Walk(Reach(merge, granted), hidden, log).run()
    except (BudgetExceededError, RecursionError):
        # A chain of requirements that is longer than Python's stack is as good as endless.
        told = f"Checking that every field can be fetched needs more than {granted:,} steps."
        log.report(codes.MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED, told)


def _agree(decisions: Iterable[Decisions]) -> bool:
    """Whether there is a state of the labels that all of the decisions allow."""
    together = frozenset[tuple[str, bool]]().union(*decisions)
    return not any((label, not active) in together for label, active in together)


@dataclass(slots=True)
class _Walk:
    """``failures`` are the decisions under which something could not be fetched.

    ``causes`` says which of the errors tells of a path and reasons, for all fields that are missing there alike.
    """

    reach: Reach
    hidden: frozenset[str]
    log: IssueLog
    reported: set[tuple[str, str]] = field(default_factory=set)
    failures: set[Decisions] = field(default_factory=set)
    causes: dict[tuple[str, ...], int] = field(default_factory=dict)
    waiting: deque[_State] = field(default_factory=deque)
    seen: dict[tuple[str, frozenset[str]], set[tuple[frozenset[Position], Decisions]]] = field(default_factory=dict)

    def run(self) -> None:
        for operation_type, name in self.reach.merge.roots.items():
            positions = [Position(s.name, name) for s in self.reach.merge.subgraphs if name in s.types]
            root = _State(name, frozenset(positions), (Step(operation_type),))
            if operation_type == "mutation":
                for merged in self._visible(name):
                    self._decide(root.decided, partial(self._mutate, root, merged))
            else:
                self._add(root)
        self._drain()

    def _visible(self, runtime: str) -> list[Member]:
        fields = self.reach.merge.types[runtime].fields
        return [merged for name, merged in fields.items() if f"{runtime}.{name}" not in self.hidden]

    def _decide(self, decided: Decisions, act: Callable[[], None]) -> None:
        """Do ``act`` under what is decided of the labels; where it depends on one more, once for each state of it."""
        undone = [decided]
        while undone:
            known = undone.pop()
            self.reach.decide(known)
            try:
                act()
            except UndecidedLabelError as asked:
                undone += [known | {(asked.label, active)} for active in (True, False)]

    def _drain(self) -> None:
        while self.waiting and len(self.log.errors) < MAX_ERRORS:
            self._expand(self.waiting.popleft())

    def _mutate(self, root: _State, merged: Member) -> None:
        """A mutation runs in one subgraph, so in every state of the labels one subgraph that has it must do alone."""
        able = [p for p in sorted(root.positions) if self.reach.can_ask(p, root.runtime, merged.name)]
        trials = [_Walk(self.reach, self.hidden, IssueLog()) for _ in able]
        for trial, position in zip(trials, able, strict=True):
            trial._follow(root, merged, [position])
        for trial in trials:
            trial._drain()
        if trials and any(map(_agree, product(*(sorted(trial.failures, key=len) for trial in trials)))):
            self.log.errors.extend(min(trials, key=lambda trial: len(trial.log.errors)).log.errors)
        for trial in trials[:1]:
            self.log.hints.extend(trial.log.hints)

    def _add(self, state: _State) -> None:
        known = self.seen.setdefault((state.runtime, state.contexts), set())
        if (state.positions, state.decided) in known:
            return
        if any(positions <= state.positions and decided <= state.decided for positions, decided in known):
            return
        known.add((state.positions, state.decided))
        self.waiting.append(state)

    def _expand(self, state: _State) -> None:
        fields = self._visible(state.runtime)
        self.reach.spend(len(fields) * len(state.positions))
        answered, holders = self.reach.answered(state.positions), self.reach.holders(state.positions)
        for merged in [each for each in fields if each.name not in answered]:
            self._decide(state.decided, partial(self._ask, state, merged, holders.get(merged.name, [])))

    def _ask(self, state: _State, merged: Member, holders: list[Position]) -> None:
        able = [p for p in holders if self.reach.can_ask(p, state.runtime, merged.name)]
        if self.reach.contexts:
            able = [p for p in able if self._has_contexts(p, merged.name, state)]
        if able:
            self._follow(state, merged, able)
        elif (state.runtime, merged.name) not in self.reported:
            self._report(state, merged)
        if not able:
            self.reported.add((state.runtime, merged.name))
            self.failures.add(self.reach.decided)

    def _has_contexts(self, position: Position, name: str, state: _State) -> bool:
        member = self.reach.member(position, name)
        wanted = (context_of(applied)[0] for _, applied in contextual(member)) if member is not None else ()
        return all(f"{position.subgraph}__{context}" in state.contexts for context in wanted)

    def _follow(self, state: _State, merged: Member, able: list[Position]) -> None:
        target = self.reach.merge.types.get(named_type(merged.type))
        if target is None or not target.is_composite or target.name in self.hidden:
            return
        children = [child for position in able for child in self.reach.children(position, merged.name)]
        if target.is_abstract and len(children) > 1:
            self._check_runtime_types(state, merged, children)
        here = state.positions if self.reach.contexts else ()
        contexts = state.contexts.union(*(self.reach.contexts.get(place[:2], ()) for place in here))
        decided = self.reach.decided
        for runtime, places in self.reach.narrowings(target.name, children):
            if runtime in self.hidden:
                continue
            step = Step(merged.name, merged, None if runtime == target.name else runtime)
            closure = self.reach.closure(places, runtime)
            self._add(_State(runtime, closure, (*state.path, step), contexts, decided))

    def _check_runtime_types(self, state: _State, merged: Member, children: list[Position]) -> None:
        """A shared field must be able to return the same thing everywhere."""
        coordinate = f"{state.runtime}.{merged.name}"
        if (coordinate, "types") in self.reported:
            return
        possible = {}
        for child in sorted(children):
            subgraph = self.reach.subgraphs[child.subgraph]
            if subgraph.types[child.type].is_abstract:
                possible[child.subgraph] = frozenset(subgraph.possible_types(child.type))
        if len(set(possible.values())) < 2:
            return
        self.reported.add((coordinate, "types"))
        told = tuple(f"in {name} it is {' or '.join(sorted(types)) or 'nothing'}" for name, types in possible.items())
        at = [(name, None) for name in possible]
        common = frozenset.intersection(*possible.values())
        what = "return different types" if common else "can return no common type"
        message = f"{coordinate} is shared, but its subgraphs {what}: {'; '.join(told)}."
        if common:
            self.log.report(hints.INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN, message, coordinate, at=at)
        else:
            code = codes.SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES
            witness = operation((*state.path, Step(merged.name, merged)))
            self.log.report(code, message, coordinate, at=at, witness=witness, reasons=told)

    def _report(self, state: _State, merged: Member) -> None:
        coordinate = f"{state.runtime}.{merged.name}"
        reasons = tuple(self._reasons(state, merged))
        sources = [(s.name, t.fields.get(merged.name)) for s, t in self.reach.merge.sources(state.runtime)]
        at = [SourceLine(name, source.line) for name, source in sources if source is not None]
        cause = (operation(state.path), *(reason.replace(coordinate, state.runtime) for reason in reasons))
        if cause in self.causes:
            told = self.log.errors[self.causes[cause]]
            among, nodes = (*told.coordinates, coordinate), (*told.nodes, *at)
            told = replace(told, message=_message(among, told.reasons), coordinates=among, nodes=nodes)
            self.log.errors[self.causes[cause]] = told
            return
        self.causes[cause] = len(self.log.errors)
        target = self.reach.merge.types.get(named_type(merged.type))
        is_leaf = target is None or not target.is_composite
        witness = operation((*state.path, Step(merged.name, merged)), is_leaf)
        code, message = codes.SATISFIABILITY_ERROR, _message((coordinate,), reasons)
        self.log.report(code, message, coordinate, at=at, witness=witness, reasons=reasons)

    def _reasons(self, state: _State, merged: Member) -> Iterator[str]:
        here = {position.subgraph for position in state.positions}
        for position in sorted(state.positions):
            why = self.reach.refusal(position, state.runtime, merged.name)
            if why is None:
                why = f"{state.runtime}.{merged.name} needs a context that no ancestor sets there"
            yield f"from {named([position.subgraph])}: {why}"
        for subgraph, source in self.reach.merge.sources(state.runtime):
            if subgraph.name not in here and merged.name in source.fields:
                yield f"{named([subgraph])} has it, but {self._no_entry(state, source)}"

    def _no_entry(self, state: _State, source: Type) -> str:
        if not source.resolvable_keys:
            return f"{state.runtime} has no resolvable @key there to enter by"
        told = " or ".join(f'@key(fields: "{key.value("fields")}")' for key in source.resolvable_keys)
        holders = named(sorted({position.subgraph for position in state.positions}))
        return f"the fields of {told} cannot be had from {holders}"


def _message(coordinates: tuple[str, ...], reasons: tuple[str, ...]) -> str:
    """The reasons are those of the first field; they are the others' too, for their own names."""
    alike = f", and likewise {', '.join(coordinates[1:])}," if coordinates[1:] else ""
    return f"{coordinates[0]}{alike} cannot be fetched on every path: {'; '.join(reasons)}."
