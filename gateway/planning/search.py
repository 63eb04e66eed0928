"""Choosing where each field is fetched.

The problem: a field may be had in several subgraphs, each asks for other keys and inputs first, and what is cheapest
for one field is not for the set. The idea: plan *sets* of fields at *places* (a type in a subgraph), remember the
answer per (set, place), and count cost as the set of (level, subgraph) pairs in which requests are sent, since the
executor sends one request per subgraph and level. Such a set is a bit mask in one integer: the bit of a request is
``level * number of subgraphs + index of the subgraph``; deferring a plan by a level is a shift, joining two is an or.

Invariant: a plan either resolves everything it was asked for or lists what it could not under ``missing``; nothing
is dropped, except selections on types that cannot occur at the place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from gateway.errors import PLAN_LIMIT, CodedError
from gateway.planning.steps import LocalField, Move, Narrowed, Place, SetPlan, Step, Way
from gateway.planning.wanted import TYPENAME, Wanted, WantedField, WantedOn, WantedSet, WantedSets, arguments_text
from gateway.query_graph.graph import Entry, FieldEdge, Node, QueryGraph
from gateway.supergraph.field_set import FieldSet, FieldSetField, FieldSetFragment, merge_field_sets

MOST_STATES = 12_000
"""Sets and entries looked at for one operation."""
_MOST_COMBINATIONS = 256
_LEVELS_PREFERRED = 8
_NOT_TAINTED = 1 << 30


@dataclass(slots=True)
class Search:
    """Plans sets over one query graph. Remembers across operations only what does not grow with them."""

    graph: QueryGraph
    sets: WantedSets
    _index: dict[str, int] = field(init=False)
    _plans: dict[tuple[WantedSet, Place], SetPlan] = field(default_factory=dict)
    _found_ways: dict[Place, Mapping[Node, Way]] = field(default_factory=dict)
    _open: dict[object, int] = field(default_factory=dict)
    _taint: int = _NOT_TAINTED
    _needed: int = 0
    states: int = 0

    def __post_init__(self) -> None:
        self._index = {name: index for index, name in enumerate(self.graph.supergraph.subgraphs)}

    # Masks ---------------------------------------------------------------------------------------------------------

    def bit(self, level: int, subgraph: str) -> int:
        """The mask of one request."""
        return 1 << (level * len(self._index) + self._index[subgraph])

    def defer(self, mask: int, levels: int) -> int:
        """The mask of requests sent ``levels`` later."""
        return mask << (levels * len(self._index))

    def depth(self, mask: int) -> int:
        """The level of the last request."""
        return (mask.bit_length() - 1) // len(self._index) if mask else 0

    def prefer(self, wanted: WantedSet) -> None:
        """Let ties go to subgraphs that the operation needs anyway, because some field is to be had nowhere else."""
        names = {name for item in wanted.items for name in _names(item)}
        needed = {homes[0] for name in names if len(homes := self.graph.homes(name)) == 1}
        once = sum(self.bit(0, subgraph) for subgraph in needed)
        self._needed = sum(self.defer(once, level) for level in range(_LEVELS_PREFERRED))

    def _price(self, mask: int) -> tuple[int, int, int]:
        return mask.bit_count(), self.depth(mask), (mask & ~self._needed).bit_count()

    # Sets ----------------------------------------------------------------------------------------------------------

    def plan(self, wanted: WantedSet, place: Place) -> SetPlan:
        """The cheapest plan found for ``wanted`` at ``place``. Raises CodedError PLAN_LIMIT."""
        key = (wanted, place)
        known = self._plans.get(key)
        if known is not None:
            return known
        if key in self._open:
            self._taint = min(self._taint, self._open[key])
            return SetPlan(missing=wanted.items)
        outer, self._taint = self._taint, _NOT_TAINTED
        depth = self._open[key] = len(self._open)
        self._count()
        try:
            plan = self._combine([self._alternatives(item, place) for item in self._items(wanted, place)])
        finally:
            del self._open[key]
        if self._taint >= depth:  # nothing was cut short because of what is still open further up
            self._plans[key] = plan
            self._taint = _NOT_TAINTED
        self._taint = min(self._taint, outer)
        return plan

    def _count(self) -> None:
        self.states += 1
        if self.states > MOST_STATES:
            raise CodedError(PLAN_LIMIT, f"Planning looked at more than {MOST_STATES} states.")

    def _items(self, wanted: WantedSet, place: Place) -> Iterable[Wanted]:
        """The items as they apply at the place: at an object type, fragments hold or do not."""
        if self.graph.is_abstract(place.node.type):
            yield from wanted.items
            return
        for item in wanted.items:
            if isinstance(item, WantedField):
                yield item
            elif place.node.type in self.graph.possible(item.condition):
                yield from self._items(item.below, place)

    def _combine(self, choices: list[list[SetPlan]]) -> SetPlan:
        """One alternative per item, so that together they send the fewest requests."""
        fixed = [alternatives[0] for alternatives in choices if len(alternatives) == 1]
        open_choices = [alternatives for alternatives in choices if len(alternatives) > 1]
        mask = 0
        for alternative in fixed:
            mask |= alternative.mask
        picked: Sequence[SetPlan]
        if not open_choices:
            picked = ()
        elif prod(map(len, open_choices)) <= _MOST_COMBINATIONS:
            picked = min(product(*open_choices), key=lambda combination: self._joint_price(mask, combination))
        else:
            picked = self._greedy(mask, open_choices)
        chosen = {id(alternative) for alternative in (*fixed, *picked)}
        in_order = [a for alternatives in choices for a in alternatives if id(a) in chosen]
        for alternative in picked:
            mask |= alternative.mask
        steps = tuple(step for alternative in in_order for step in alternative.steps)
        missing = tuple(item for alternative in in_order for item in alternative.missing)
        return SetPlan(steps, mask, missing, sum(alternative.late for alternative in in_order))

    def _joint_price(self, mask: int, combination: Sequence[SetPlan]) -> tuple[int, ...]:
        for alternative in combination:
            mask |= alternative.mask
        missing = sum(item.leaves for alternative in combination for item in alternative.missing)
        return (missing, *self._price(mask), sum(alternative.late for alternative in combination))

    def _greedy(self, mask: int, choices: list[list[SetPlan]]) -> list[SetPlan]:
        """Take for each item what adds least, the subgraphs that serve most items first; then improve one by one."""
        served: dict[int, int] = {}
        for alternatives in choices:
            for alternative in alternatives:
                served[alternative.mask] = served.get(alternative.mask, 0) + 1

        def price(taken: int, alternative: SetPlan) -> tuple[int, ...]:
            missing = sum(item.leaves for item in alternative.missing)
            return (missing, *self._price(taken | alternative.mask), -served[alternative.mask], alternative.late)

        picked: list[SetPlan] = []
        taken = mask
        for alternatives in choices:
            best = min(alternatives, key=lambda alternative: price(taken, alternative))
            taken |= best.mask
            picked.append(best)
        for index, alternatives in enumerate(choices):
            others = mask
            for other, alternative in enumerate(picked):
                if other != index:
                    others |= alternative.mask
            picked[index] = min(alternatives, key=lambda alternative: price(others, alternative))
        return picked

    # Items ---------------------------------------------------------------------------------------------------------

    def _alternatives(self, item: Wanted, place: Place) -> list[SetPlan]:
        """Ways to fetch one item, none worse than another in every respect; never empty."""
        interface_object = place.node.subgraph != "" and self.graph.is_interface_object(place.node)
        abstract = self.graph.is_abstract(place.node.type) and not interface_object
        if isinstance(item, WantedOn):
            if interface_object:
                return self._told_apart(item, place)
            return [self._on(item, place)]
        if item.name == TYPENAME:
            return self._told_apart(item, place) if interface_object else [SetPlan((LocalField(item, None),))]
        found = self._sources(item, place)
        if abstract and not any(not a.mask and not a.missing for a in found):
            expanded = self._expanded(item, place)
            if not found or len(expanded.missing) == 0:
                found.append(expanded)
        complete = [alternative for alternative in found if not alternative.missing]
        if complete:
            return self._undominated(complete)
        return [self._covered(item, place, found)]

    def _undominated(self, alternatives: list[SetPlan]) -> list[SetPlan]:
        for alternative in alternatives:
            if not alternative.mask:
                return [alternative]
        by_mask: dict[int, SetPlan] = {}
        for alternative in alternatives:
            known = by_mask.get(alternative.mask)
            if known is None or alternative.late < known.late:
                by_mask[alternative.mask] = alternative
        return [a for m, a in by_mask.items() if not any(o != m and o & m == o for o in by_mask)]

    def _sources(self, item: WantedField, place: Place) -> list[SetPlan]:
        """The item at the place itself, and at every node that can be entered from there."""
        found: list[SetPlan] = []
        here = self._here(item, place)
        if here is not None:
            found.append(here)
            if not here.mask and not here.missing:
                return found
        for way in self._ways(place).values():
            if here is not None and self._serves_as_well(here, item, way):
                continue
            there = self._there(item, place, way)
            if there is not None:
                found.append(there)
        return found

    def _serves_as_well(self, here: SetPlan, item: WantedField, way: Way) -> bool:
        """Whether a field asked for here can do whatever it could after ``way``: from its own objects, as soon.

        Then nothing is gained by leaving one object earlier, and the search need not look there at all.
        """
        step = here.steps[0]
        if here.missing or not isinstance(step, LocalField) or step.place is None:
            return not here.missing
        edge = self.graph.edge(way.place.node, item.name)
        if edge is None or edge.external:
            return True
        onward = self._ways(step.place).get(Node(edge.target, way.place.node.subgraph))
        return onward is not None and onward.level <= way.level and not edge.provides

    def _here(self, item: WantedField, place: Place, inputs_given: bool = False) -> SetPlan | None:
        """The field asked for at the place itself, or None where it cannot be."""
        edge = self.graph.edge(place.node, item.name)
        if edge is None or not self._available(edge, item, place):
            return None
        if (edge.requires or edge.context_arguments) and not inputs_given:
            return None
        if not inputs_given and not self._uniform(item, place):
            return None
        wanted = item.below
        if wanted is None:
            if not self.graph.is_composite(edge.target):
                return SetPlan((LocalField(item, edge),), 0)
            wanted = self.sets.of(())  # everything below was skipped, or refused: the object itself is the answer
        below = self._below(edge, item, place)
        plan = self.plan(wanted, below)
        missing: tuple[Wanted, ...] = ()
        if plan.missing:
            if not plan.steps:
                return None
            below_missing = self.sets.of(plan.missing)
            missing = (self.sets.field(item.name, item.alias, item.arguments, item.variables, below_missing),)
        return SetPlan((LocalField(item, edge, below, plan),), plan.mask, missing, plan.late)

    def _available(self, edge: FieldEdge, item: WantedField, place: Place) -> bool:
        return not edge.external or any(_provided(place.provided, item))

    def _uniform(self, item: WantedField, place: Place) -> bool:
        """At an interface: whether one selection on it serves every type that can occur."""
        if not self.graph.is_abstract(place.node.type) or self.graph.is_interface_object(place.node):
            return True
        shapes = self.graph.shapes(item.name)
        for name in self.occurring(place):
            edge = self.graph.edge(Node(name, place.node.subgraph), item.name)
            if edge is None or edge.requires or edge.context_arguments:
                return False
            if edge.external and not any(_provided(self._narrow_provided(place.provided, name), item)):
                return False
            if shapes and shapes[name] != shapes[place.node.type]:
                return False
        return True

    def _there(self, item: WantedField, place: Place, way: Way) -> SetPlan | None:
        """The field asked for after entering by ``way``, or None."""
        edge = self.graph.edge(way.place.node, item.name)
        if edge is None or edge.external:
            return None
        if way.place.node == place.node and not edge.requires and not edge.context_arguments:
            return None  # entering where one is already serves only a field that needs inputs
        level, before = way.level, way.before
        required: SetPlan | None = None
        if edge.requires:
            required = self._required(edge, item, place, way)
            if required is None:
                return None
            level = max(level, self.depth(required.mask) + 1)
            before |= required.mask
        if edge.context_arguments:
            level = max(level, 1)
        if edge.requires or edge.context_arguments or self._uniform(item, way.place):
            found = self._here(item, way.place, inputs_given=True)
        else:
            found = self._expanded(item, way.place)
            if found.missing:
                return None
        if found is None:
            return None
        mask = before | self._sent(way, level, found)
        return SetPlan((Move(way, found, edge.requires, required),), mask, found.missing, found.late + item.leaves)

    def _sent(self, way: Way, level: int, plan: SetPlan) -> int:
        """The mask of a request sent after ``way`` at a level, and of what ``plan`` sends after it."""
        return self.bit(level, way.place.node.subgraph) | self.defer(plan.mask, level)

    def _required(self, edge: FieldEdge, item: WantedField, place: Place, way: Way) -> SetPlan | None:
        """A plan for the inputs of a field, which must not need the field itself."""
        guard = ("requires", way.place.node, item.name, place)
        if guard in self._open:
            self._taint = min(self._taint, self._open[guard])
            return None
        self._open[guard] = len(self._open)
        try:
            plan = self.plan(self.sets.of_field_set(edge.requires), place)
        finally:
            del self._open[guard]
        return None if plan.missing else plan

    def _expanded(self, item: WantedField, place: Place) -> SetPlan:
        """A field of an abstract type asked for on each concrete type that can occur."""
        if place.within is None and not self.occurring(place):
            return SetPlan((), 0, (item,))  # no type at all is known there: that must be said, not answered null
        return self._per_type(self.sets.of((item,)), place, self.occurring(place))

    def _per_type(self, wanted: WantedSet, place: Place, names: Iterable[str]) -> SetPlan:
        steps: list[Step] = []
        missing: list[Wanted] = []
        mask = late = 0
        for name in sorted(names):
            narrowed = self._narrow(place, name)
            plan = self.plan(wanted, narrowed)
            if plan.steps:
                steps.append(Narrowed(name, narrowed, plan))
            if plan.missing:
                missing.append(self.sets.on(name, self.sets.of(plan.missing)))
            mask |= plan.mask
            late += plan.late
        return SetPlan(tuple(steps), mask, tuple(missing), late)

    def _on(self, item: WantedOn, place: Place) -> SetPlan:
        """A fragment at an abstract type: asked for as it stands where that serves, else type by type."""
        names = self.occurring(place) & self.graph.possible(item.condition)
        if not names:
            return SetPlan((), 0)
        target = Node(item.condition, place.node.subgraph)
        known = self.graph.knows(target) and names <= self.graph.possible(item.condition, place.node.subgraph)
        if self.graph.is_abstract(item.condition) and known:
            provided = tuple(
                s for s in place.provided if isinstance(s, FieldSetField) or s.type_condition != item.condition
            ) + tuple(
                inner
                for s in place.provided
                if isinstance(s, FieldSetFragment) and s.type_condition == item.condition
                for inner in s.selections
            )
            narrowed = Place(target, provided, names, place.peers)
            plan = self.plan(item.below, narrowed)
            if not plan.missing:
                steps = (Narrowed(item.condition, narrowed, plan),) if plan.steps else ()
                return SetPlan(steps, plan.mask, (), plan.late)
        return self._per_type(item.below, place, names)

    def _told_apart(self, item: Wanted, place: Place) -> list[SetPlan]:
        """At an @interfaceObject, which cannot tell types apart: ask a subgraph that can."""
        found: list[SetPlan] = []
        for way in self._ways(place).values():
            if not self.graph.is_interface_object(way.place.node) and way.place.node != place.node:
                plan = self.plan(self.sets.of((item,)), way.place)
                if not plan.missing:
                    mask = way.before | self._sent(way, way.level, plan)
                    found.append(SetPlan((Move(way, plan),), mask, (), plan.late + item.leaves))
        return self._undominated(found) if found else [SetPlan((), 0, (item,))]

    def _covered(self, item: WantedField, place: Place, found: list[SetPlan]) -> SetPlan:
        """Where no source has all that is wanted below a field: the field from several sources, each with a part."""
        steps: list[Step] = []
        mask = late = 0
        remaining: tuple[Wanted, ...] = (item,)
        while found:
            best = min(found, key=lambda a: (sum(m.leaves for m in a.missing), *self._price(mask | a.mask), a.late))
            left, had = sum(m.leaves for m in best.missing), sum(m.leaves for m in remaining)
            if left >= had:
                break
            steps += best.steps
            mask |= best.mask
            late += best.late
            remaining = best.missing
            if not remaining:
                break
            plan = self.plan(self.sets.of(remaining), place) if len(remaining) > 1 else None
            if plan is not None:
                return SetPlan((*steps, *plan.steps), mask | plan.mask, plan.missing, late + plan.late)
            rest = remaining[0]
            if isinstance(rest, WantedOn):
                on = self._on(rest, place)
                return SetPlan((*steps, *on.steps), mask | on.mask, on.missing, late + on.late)
            found = self._sources(rest, place)
        return SetPlan(tuple(steps), mask, remaining, late)

    # Places --------------------------------------------------------------------------------------------------------

    def occurring(self, place: Place) -> frozenset[str]:
        """The concrete types that objects at the place can have."""
        if place.within is not None:
            return place.within
        return self.graph.possible(place.node.type, place.node.subgraph)

    def _narrow(self, place: Place, name: str) -> Place:
        provided = self._narrow_provided(place.provided, name)
        return Place(Node(name, place.node.subgraph), provided, None, place.peers)

    def _narrow_provided(self, provided: FieldSet, name: str) -> FieldSet:
        if not provided:
            return provided
        return merge_field_sets(
            (selection,)
            if isinstance(selection, FieldSetField)
            else selection.selections
            if name in self.graph.possible(selection.type_condition)
            else ()
            for selection in provided
        )

    def _below(self, edge: FieldEdge, item: WantedField, place: Place) -> Place:
        """The place that a field leads to."""
        provided = merge_field_sets((*(s.selections for s in _provided(place.provided, item)), edge.provides))
        subgraph = place.node.subgraph
        peers = self._peers(place, item.name)
        node = Node(edge.target, subgraph)
        within: frozenset[str] | None = None
        if self.graph.is_abstract(edge.target) and not self.graph.is_interface_object(node):
            own = within = self.graph.possible(edge.target, subgraph)
            for peer in peers:
                # Whichever subgraph answered, the answer must mean the same: ask only what all of them could return.
                other = Node(edge.target, peer)
                if self.graph.knows(other) and not self.graph.is_interface_object(other):
                    within &= self.graph.possible(edge.target, peer)
            if within == own:
                within = None
        else:
            provided = self._narrow_provided(provided, edge.target)
        return Place(node, provided, within, peers)

    def _peers(self, place: Place, name: str) -> frozenset[str]:
        """The subgraphs from which the same field of the same object could be had."""
        if not self.graph.has_partial_types():
            return frozenset()
        nodes = {Node(place.node.type, peer) for peer in (place.node.subgraph, *place.peers)}
        for peer in list(nodes):
            nodes |= self._ways(Place(peer)).keys()
        found = set()
        for node in nodes:
            edge = self.graph.edge(node, name)
            if edge is not None and not edge.external:
                found.add(node.subgraph)
        return frozenset(found)

    # Ways ----------------------------------------------------------------------------------------------------------

    def _ways(self, place: Place) -> Mapping[Node, Way]:
        """Every node at which objects of the place can be entered, by the fewest requests one after the other."""
        place = replace_peers(place)
        known = self._found_ways.get(place)
        if known is not None:
            return known
        if place in self._open:
            self._taint = min(self._taint, self._open[place])
            return {}
        outer, self._taint = self._taint, _NOT_TAINTED
        depth = self._open[place] = len(self._open)
        try:
            if self.graph.is_query_root(place.node.type) or place.node.subgraph == "":
                found = self._root_ways(place)
            else:
                found = self._entity_ways(place)
        finally:
            del self._open[place]
        if self._taint >= depth:
            self._found_ways[place] = found
            self._taint = _NOT_TAINTED
        self._taint = min(self._taint, outer)
        return found

    def _root_ways(self, place: Place) -> dict[Node, Way]:
        """From nowhere, every subgraph at once; from where a field leads back to the root, the others afterwards."""
        nodes = [node for name in self._index if self.graph.knows(node := Node(place.node.type, name))]
        peers = frozenset(node.subgraph for node in nodes)
        level = 0 if place.node.subgraph == "" else 1
        return {node: Way(Place(node, peers=peers), level) for node in nodes if node != place.node}

    def _entity_ways(self, place: Place) -> dict[Node, Way]:
        found: dict[Node, Way] = {}
        reached: list[Way] = [Way(place, 0)]
        waiting = [entry for entry in self.graph.entries(place.node.type) if self._covers(entry, place)]
        while waiting:
            entered = [way for entry in waiting if (way := self._enter(entry, reached, place)) is not None]
            if not entered:
                break
            level = min(way.level for way in entered)
            for way in entered:
                if way.level == level:
                    found[way.place.node] = way
                    if way.place.node != place.node:
                        reached.append(way)
            waiting = [entry for entry in waiting if entry.node not in found]
        return found

    def _covers(self, entry: Entry, place: Place) -> bool:
        """Whether every type that can occur at the place is one that the entered subgraph knows."""
        if entry.typename is not None or not self.graph.is_abstract(place.node.type):
            return True
        if self.graph.is_interface_object(place.node):
            return True
        return self.occurring(place) <= self.graph.possible(entry.node.type, entry.node.subgraph)

    def _enter(self, entry: Entry, reached: list[Way], place: Place) -> Way | None:
        self._count()
        best: Way | None = None
        for key in entry.keys:
            way = self._enter_by(entry, key.fields, reached, place)
            if way is not None and (
                best is None or (way.level, way.before.bit_count()) < (best.level, best.before.bit_count())
            ):
                best = way
        return best

    def _enter_by(self, entry: Entry, key: FieldSet, reached: list[Way], place: Place) -> Way | None:
        inputs: list[tuple[Way | None, SetPlan]] = []
        before = last = 0
        for item in self._items(self.sets.of_field_set(key), place):
            if not isinstance(item, WantedField):
                return None
            producer: tuple[tuple[int, int], Way, SetPlan] | None = None
            for way in reached:
                found = self._here(item, way.place)
                if found is None or found.missing:
                    continue
                level = way.level + self.depth(found.mask)
                price = (level, (before | way.before | self.defer(found.mask, way.level)).bit_count())
                if producer is None or price < producer[0]:
                    producer = (price, way, found)
            if producer is None:
                return None
            (level, _), way, found = producer
            last = max(last, level)
            before |= way.before | self.defer(found.mask, way.level)
            if way.entry is not None:
                before |= self.bit(way.level, way.place.node.subgraph)
            inputs.append((way if way.entry else None, found))
        within = place.within if entry.node.type == place.node.type else None
        if self.graph.is_interface_object(entry.node) or self.graph.is_interface_object(place.node):
            within = None
        target = Place(entry.node, (), within)
        return Way(target, last + 1, before, entry, key, tuple(inputs))


def _names(item: Wanted) -> Iterable[str]:
    if isinstance(item, WantedField):
        yield item.name
    for inner in item.below.items if item.below is not None else ():
        yield from _names(inner)


def replace_peers(place: Place) -> Place:
    """The place without its peers, which do not change where one can go from it."""
    return place._replace(peers=frozenset()) if place.peers else place


def _provided(provided: FieldSet, item: WantedField) -> Iterable[FieldSetField]:
    for selection in provided:
        if (
            isinstance(selection, FieldSetField)
            and selection.name == item.name
            and (not selection.arguments or arguments_text(selection) == item.arguments)
        ):
            yield selection
