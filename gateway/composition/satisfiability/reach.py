"""Where a query can be, and where it can get from there.

A *position* is an object as one subgraph knows it, with what a @provides on the way promised there. From a position the
gateway can enter other subgraphs by their keys, if the key's fields can be had on the way. ``Reach`` answers, memoised:
which positions can be reached from one, and can a field be asked for at one. Being reachable only ever helps, so the
answers are least fixed points: a requirement that needs itself is not met.

Fields that are moving between subgraphs (@override with a label) are at one place or the other. An answer that depends
on a label of which nothing is decided yet is not given: ``UndecidedLabelError`` asks for a decision instead, so that
only labels that meet on a path are ever combined.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.merging.state import Merge
from gateway.composition.subgraph.facts import contextual, field_set_of, fields_argument
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Member, named_type
from gateway.supergraph.model import TypeKind

A = TypeVar("A")
Provided = tuple[tuple[str, "Provided"], ...]
"""A tree of promised fields; ``...Type`` stands for a fragment."""


class Position(NamedTuple):
    """An object in a subgraph; ``type`` is an interface's name where the subgraph has it as @interfaceObject."""

    subgraph: str
    type: str
    provided: Provided = ()


class BudgetExceededError(Exception):
    """The graph is too large to be walked within the budget."""


class UndecidedLabelError(Exception):
    """The answer depends on whether ``label`` is active."""

    def __init__(self, label: str) -> None:
        self.label = label


Decisions = frozenset[tuple[str, bool]]
"""Override labels with whether they are active."""


@dataclass(slots=True)
class Reach:
    """Answers under what is ``decided`` of the labels, with as many ``steps`` as are left."""

    merge: Merge
    steps: int
    decided: Decisions = frozenset()
    subgraphs: dict[str, Subgraph] = field(default_factory=dict)
    contexts: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _answers: dict[Decisions, dict[Hashable, Any]] = field(default_factory=dict)
    _known: dict[Hashable, Any] = field(default_factory=dict)
    _children: dict[tuple[Position, str], tuple[Position, ...]] = field(default_factory=dict)
    _open: set[Hashable] = field(default_factory=set)
    _entries: dict[str, list[tuple[Subgraph, str, SelectionSetNode | None]]] = field(default_factory=dict)
    _leaves: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _cut: bool = False

    def __post_init__(self) -> None:
        for subgraph, leaves in self.merge.of_each("leaves", _bare_leaves):
            self.subgraphs[subgraph.name], self._leaves[subgraph.name] = subgraph, leaves
            for definition in subgraph.types.values():
                for applied in definition.applied("context"):
                    for runtime in subgraph.possible_types(definition.name):
                        found = self.contexts.setdefault((subgraph.name, runtime), set())
                        found.add(f"{subgraph.name}__{applied.value('name')}")

    def decide(self, decided: Decisions) -> None:
        """Answer under these decisions from now on."""
        self.decided, self._known = decided, self._answers.setdefault(decided, {})

    def spend(self, steps: int = 1) -> None:
        """Count steps. Raises BudgetExceededError when none are left."""
        self.steps -= steps
        if self.steps < 0:
            raise BudgetExceededError

    def closure(self, positions: Iterable[Position], runtime: str) -> frozenset[Position]:
        """All positions of the same object, of type ``runtime``, that can be reached from any of ``positions``."""
        reached: set[Position] = set()
        for position in positions:
            if position not in reached:
                reached |= self._closure_of(position, runtime)
        return frozenset(reached)

    def _closure_of(self, start: Position, runtime: str) -> frozenset[Position]:
        return self._least(self._grown, frozenset((start,)), (start, runtime))

    def _grown(self, start: Position, runtime: str) -> frozenset[Position]:
        reached = {start}
        growing = True
        while growing:
            growing = False
            for subgraph, type_name, key in self.entries(runtime):
                target = Position(subgraph.name, type_name)
                if target in reached or not self._may_enter(reached, subgraph, type_name, runtime):
                    continue
                self.spend()
                if key is None or self.can_select(reached, runtime, key, excluding=subgraph.name):
                    reached.add(target)
                    growing = True
        return frozenset(reached)

    def _least(self, find: Callable[..., A], least: Any, question: tuple[Hashable, ...]) -> A:
        """What ``find`` answers, remembered; ``least`` where the question is asked on the way to its own answer.

        An answer that rests on such a one may grow, so it is remembered only if nobody else waits, or if it is None:
        what nothing refuses will not be.
        """
        answer: A
        if question in self._known:
            answer = self._known[question]
        elif question in self._open:
            answer, self._cut = least, True
        else:
            self._open.add(question)
            outer, self._cut = self._cut, False
            try:
                answer = find(*question)
            finally:
                self._open.discard(question)
            if answer is None or not self._cut or not self._open:
                self._known[question] = answer
            self._cut = self._cut or outer
        return answer

    def _may_enter(self, reached: set[Position], target: Subgraph, type_name: str, runtime: str) -> bool:
        """An @interfaceObject does not know the object's type, so it leads only to where the interface is entered."""
        types = self.merge.types
        is_known = any(types[name].kind is not TypeKind.INTERFACE for _, name, _ in reached)
        if is_known or types[type_name].kind is TypeKind.INTERFACE:
            return True
        known = (target.types.get(name) for _, name, _ in reached if name in types[runtime].interfaces)
        return any(t is not None and t.kind is TypeKind.INTERFACE and t.resolvable_keys for t in known)

    def entries(self, runtime: str) -> list[tuple[Subgraph, str, SelectionSetNode | None]]:
        """Every way into a subgraph for an object: the subgraph, the type it goes by there, the key (None: a root)."""
        if runtime not in self._entries:
            self._entries[runtime] = list(self._find_entries(runtime))
        return self._entries[runtime]

    def _find_entries(self, runtime: str) -> Iterator[tuple[Subgraph, str, SelectionSetNode | None]]:
        if runtime == "Query":
            yield from ((s, runtime, None) for s in self.merge.subgraphs)
            return
        names = (runtime, *self.merge.types[runtime].interfaces)
        for subgraph, definition in (pair for name in names for pair in self.merge.sources(name)):
            if definition.kind is TypeKind.OBJECT:
                yield from ((subgraph, definition.name, field_set_of(key)) for key in definition.resolvable_keys)

    def can_select(
        self, positions: Iterable[Position], runtime: str, node: SelectionSetNode, excluding: str | None = None
    ) -> bool:
        """Whether a field set can be answered for an object from these positions."""
        places = [p for p in positions if p.subgraph != excluding] or list(positions)
        for selection in node.selections:
            if isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition.name.value if selection.type_condition else runtime
                applies = condition == runtime or condition in self.merge.types[runtime].interfaces
                if applies and not self.can_select(places, runtime, selection.selection_set):
                    return False
            elif isinstance(selection, FieldNode) and not self._can_select_field(places, runtime, selection):
                return False
        return True

    def _can_select_field(self, positions: Iterable[Position], runtime: str, node: FieldNode) -> bool:
        name = node.name.value
        if name == "__typename":
            return True
        merged = self.merge.field(runtime, name)
        if merged is None:
            return False
        holders = [p for p in positions if self.can_ask(p, runtime, name)]
        if node.selection_set is None or not holders:
            return bool(holders)
        children = [child for holder in holders for child in self.children(holder, name)]
        for narrowed, places in self.narrowings(named_type(merged.type), children):
            if not self.can_select(self.closure(places, narrowed), narrowed, node.selection_set):
                return False
        return bool(children)

    def member(self, position: Position, name: str) -> Member | None:
        """The field as the position's subgraph declares it."""
        return self.subgraphs[position.subgraph].field(position.type, name)

    def answered(self, positions: Iterable[Position]) -> set[str]:
        """Fields that one of the positions answers without further ado, and that lead to nothing else."""
        found: set[str] = set()
        for position in positions:
            own = (position.subgraph, position.type)
            leaves = self._leaves[position.subgraph].get(position.type, ())
            found |= {name for name in leaves if (*own, name) not in self.merge.overrides}
        return found

    def holders(self, positions: Iterable[Position]) -> dict[str, list[Position]]:
        """By the name of a field, those of the positions whose subgraph declares it."""
        found: dict[str, list[Position]] = {}
        for position in positions:
            definition = self.subgraphs[position.subgraph].types.get(position.type)
            for name in definition.fields if definition is not None else ():
                found.setdefault(name, []).append(position)
        return found

    def can_ask(self, position: Position, runtime: str, name: str) -> bool:
        """Whether the field can be asked for at the position, its requirements met."""
        return self._least(self.refusal, "it needs itself", (position, runtime, name)) is None

    def refusal(self, position: Position, runtime: str, name: str) -> str | None:
        """Why the field cannot be asked for at the position; None if it can."""
        self.spend()
        member = self.member(position, name)
        coordinate = f"{runtime}.{name}"
        if member is None:
            return f"it does not have {coordinate}"
        if _is_bare(member) and (position.subgraph, position.type, name) not in self.merge.overrides:
            return None
        provided = any(promised == name for promised, _ in position.provided)
        if member.external and not provided:
            return f"{coordinate} is @external there"
        if not provided and self._is_overridden(position, name):
            return f"{coordinate} is overridden there by another subgraph"
        for applied in member.applied("requires"):
            needed = field_set_of(applied)
            if self.can_select([position], runtime, needed):
                continue
            told = f'{coordinate} needs @requires(fields: "{fields_argument(applied)}")'
            if not self._can_return(position, runtime):
                told = f"{told}, but {runtime} has no resolvable @key there"
                return f"{told} to come back by with what was fetched elsewhere"
            if not self.can_select(self._closure_of(position, runtime), runtime, needed):
                return f"{told}, which cannot be had from there"
        if any(contextual(member)) and not self._can_return(position, runtime):
            return f"{coordinate} is filled from a context, but its type has no resolvable key there"
        return None

    def _is_overridden(self, position: Position, name: str) -> bool:
        override = self.merge.overrides.get((position.subgraph, position.type, name))
        if override is None:
            return False
        is_active = override.label is None or self._is_active(override.label)
        return is_active if override.taken_over else not is_active

    def _is_active(self, label: str) -> bool:
        for known, active in self.decided:
            if known == label:
                return active
        raise UndecidedLabelError(label)

    def _can_return(self, position: Position, runtime: str) -> bool:
        """Whether the subgraph can be entered again once something was fetched elsewhere."""
        around = self._closure_of(position, runtime)
        return any(
            subgraph.name == position.subgraph and (key is None or self.can_select(around, runtime, key))
            for subgraph, _, key in self.entries(runtime)
        )

    def children(self, position: Position, name: str) -> tuple[Position, ...]:
        """Where following the field leads within its subgraph."""
        memo = (position, name)
        known = self._children.get(memo)
        if known is None:
            known = self._children[memo] = self._find_children(position, name)
        return known

    def _find_children(self, position: Position, name: str) -> tuple[Position, ...]:
        member = self.member(position, name)
        if member is None:
            return ()
        target = named_type(member.type)
        definition = self.subgraphs[position.subgraph].types.get(target)
        if definition is None or not definition.is_composite:
            return ()
        promised = [inner for known, inner in position.provided if known == name]
        promised += [_tree(field_set_of(applied)) for applied in member.applied("provides")]
        return (Position(position.subgraph, target, _united(promised)),)

    def narrowings(self, type_name: str, places: Sequence[Position]) -> Iterator[tuple[str, list[Position]]]:
        """For each object type that the value can have, the positions where it has it.

        A value that several subgraphs share has only types that all of them can return.
        """
        for runtime in self.merge.possible_types(type_name):
            narrowed = [p for place in places if (p := self._narrow(place, runtime)) is not None]
            if narrowed and len(narrowed) == len(places):
                yield runtime, narrowed

    def _narrow(self, place: Position, runtime: str) -> Position | None:
        subgraph = self.subgraphs[place.subgraph]
        definition = subgraph.types[place.type]
        if definition.kind is TypeKind.OBJECT:
            if definition.name == runtime:
                return place
            interface_object = definition.has("interfaceObject") and place.type in self.merge.types[runtime].interfaces
            return place if interface_object else None
        if runtime not in subgraph.possible_types(place.type):
            return None
        interfaces = self.merge.types[runtime].interfaces
        provided: list[Provided] = []
        for name, inner in place.provided:
            if not name.startswith("..."):
                provided.append(((name, inner),))
            elif name[3:] == runtime or name[3:] in interfaces:
                provided.append(inner)
        return Position(place.subgraph, runtime, _united(provided))


def _bare_leaves(subgraph: Subgraph) -> dict[str, list[str]]:
    """By type, the fields of which nothing is said and whose values have no fields."""
    composite = {name for name, definition in subgraph.types.items() if definition.is_composite}
    return {
        name: [m.name for m in t.fields.values() if _is_bare(m) and named_type(m.type) not in composite]
        for name, t in subgraph.types.items()
    }


def _is_bare(member: Member) -> bool:
    return not (member.directives or member.arguments or member.external)


def _tree(node: SelectionSetNode) -> Provided:
    found: list[tuple[str, Provided]] = []
    for selection in node.selections:
        if isinstance(selection, FieldNode):
            inner = _tree(selection.selection_set) if selection.selection_set else ()
            found.append((selection.name.value, inner))
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition.name.value if selection.type_condition else ""
            found.append((f"...{condition}", _tree(selection.selection_set)))
    return tuple(found)


def _united(trees: list[Provided]) -> Provided:
    merged: dict[str, list[Provided]] = {}
    for tree in trees:
        for name, inner in tree:
            merged.setdefault(name, []).append(inner)
    return tuple(sorted((name, _united(inner)) for name, inner in merged.items()))
