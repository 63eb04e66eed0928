"""From chosen steps to requests: groups of selections per subgraph, level and path, with what each depends on.

A *group* is one future ``_entities`` selection (or one root request). Because a group is looked up by (subgraph,
level, path), everything that can share a request does, without any search for mergers afterwards. A group's level is
one more than the highest level it depends on, so dependencies always point to lower levels and cannot form a cycle.

A *scope* stands for the objects at one path of the response tree and hands out slots: one per field and arguments, and
per shape where subgraphs disagree on nullability under one name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphql import GraphQLOutputType, get_named_type

from gateway.errors import NO_PLAN, PLAN_LIMIT, CodedError
from gateway.planning.operation import OperationKind
from gateway.planning.plan import ContextValue, PathStep, RepresentationField
from gateway.planning.search import Search
from gateway.planning.steps import LocalField, Move, Narrowed, Place, SetPlan, Step, Way
from gateway.planning.wanted import TYPENAME, WantedField, arguments_text
from gateway.query_graph.graph import FieldEdge, Node, QueryGraph
from gateway.supergraph.elements import named_type
from gateway.supergraph.field_set import FieldSet, FieldSetFragment
from gateway.supergraph.model import ContextArgument

MOST_GROUPS = 2_000
MOST_FIELDS = 100_000


@dataclass(slots=True, eq=False)
class Scope:
    """The slots of the objects at one path."""

    graph: QueryGraph
    slots: dict[tuple[str, str, tuple[str, ...], str], str] = field(default_factory=dict)
    below: dict[str, "Scope"] = field(default_factory=dict)

    def slot(self, type_name: str, name: str, arguments: str, alias: str = "") -> str:
        """The slot for a field of ``type_name``; a new one at first mention."""
        shape = self.graph.shapes(name).get(type_name, ())
        key = (name, arguments, shape, alias)
        known = self.slots.get(key)
        if known is None:
            taken, known, count = set(self.slots.values()), name, 0
            while known in taken:
                count += 1
                known = f"{name}_{count}"
            self.slots[key] = known
        return known

    def known_slot(self, type_name: str, name: str, arguments: str, alias: str) -> str | None:
        """The slot of a field, or None where nothing fetches it."""
        return self.slots.get((name, arguments, self.graph.shapes(name).get(type_name, ()), alias))

    def at(self, slot: str) -> "Scope":
        """The scope of the objects in a slot."""
        return self.below.setdefault(slot, Scope(self.graph))


@dataclass(slots=True, eq=False)
class SelectedField:
    """A field in a request under construction."""

    slot: str
    name: str
    arguments: str
    variables: tuple[str, ...]
    type: GraphQLOutputType | None
    node: Node | None
    below: "Selected | None"


@dataclass(slots=True, eq=False)
class Selected:
    """A selection set in a request under construction: fields by slot, fragments by type."""

    fields: dict[str, SelectedField] = field(default_factory=dict)
    on: dict[str, "Selected"] = field(default_factory=dict)

    def fragment(self, condition: str) -> "Selected":
        """The selections on one type."""
        return self.on.setdefault(condition, Selected())

    def take_in(self, other: "Selected") -> None:
        """Select what the other selects too."""
        for slot, given in other.fields.items():
            known = self.fields.setdefault(slot, given)
            if known.below is not None and given.below is not None and known is not given:
                known.below.take_in(given.below)
        for condition, inner in other.on.items():
            self.fragment(condition).take_in(inner)

    def add_typename(self) -> None:
        """Ask for __typename."""
        self.fields.setdefault(TYPENAME, SelectedField(TYPENAME, TYPENAME, "", (), None, None, None))


@dataclass(slots=True, eq=False)
class Inputs:
    """The representation of one concrete type: what it says its type is, and its fields."""

    typename: str | None
    fields: dict[str, RepresentationField] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Group:
    """One ``_entities`` selection to be, or a root request, which has a ``root_type``.

    ``spot`` is where the answer goes; a root request has several ``paths``, or none where it goes to the root.
    """

    order: int
    subgraph: str
    level: int
    kind: OperationKind
    root_type: str | None
    selected: Selected = field(default_factory=Selected)
    spot: "Spot | None" = None
    inputs: dict[str, Inputs] = field(default_factory=dict)
    context: dict[str, ContextValue] = field(default_factory=dict)
    context_types: dict[str, str] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    paths: dict[tuple[PathStep, ...], None] = field(default_factory=dict)
    after: set["Group"] = field(default_factory=set)
    place: tuple[object, ...] = ()

    def fits(self, inputs: Mapping[str, Inputs]) -> bool:
        """Whether the representations can hold these too: no field of them may need two values at once."""
        return all(_agree(self.inputs.get(name), given) for name, given in inputs.items())

    def represent(self, inputs: Mapping[str, Inputs]) -> None:
        """Add to the representations."""
        for name, given in inputs.items():
            known = self.inputs.setdefault(name, Inputs(given.typename))
            for field_name, given_field in given.fields.items():
                known.fields[field_name] = _joined(known.fields.get(field_name), given_field)

    def take_in(self, other: "Group") -> None:
        """Become one with a group for the same objects that is sent together with this one."""
        self.represent(other.inputs)
        self.selected.take_in(other.selected)
        self.needs |= other.needs
        self.after |= other.after


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Objects in the response tree: their scope, the path to them, the types they can have and are narrowed to."""

    scope: Scope
    path: tuple[PathStep, ...]
    occurring: frozenset[str]
    within: frozenset[str]

    def narrowed_path(self) -> tuple[PathStep, ...]:
        """The path to the narrowed objects alone."""
        if not self.path or self.within == self.occurring:
            return self.path
        return (*self.path[:-1], PathStep(self.path[-1].slot, self.within))


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where steps are being realised: the request, the place it plans for, the selections, the objects.

    ``parent`` is where the field was asked that led to the objects, ``origin`` where they were before they were entered
    here. ``root`` is how many steps of the path lead to where a root request's answer goes.
    """

    group: Group
    place: Place
    selected: Selected
    spot: Spot
    parent: "Site | None"
    origin: "Site | None" = None
    root: int = 0


@dataclass(slots=True)
class FetchBuilder:
    """Realises steps as groups."""

    search: Search
    groups: list[Group] = field(default_factory=list)
    _by_key: dict[tuple[object, ...], Group] = field(default_factory=dict)
    _fields: int = 0
    _contexts: dict[object, str] = field(default_factory=dict)
    _moved: dict[object, set[Group]] = field(default_factory=dict)
    _entered: dict[object, Site] = field(default_factory=dict)
    _roots: list[Scope] = field(default_factory=list)
    _typed: list[tuple[Group, int, tuple[PathStep, ...]]] = field(default_factory=list)

    @property
    def graph(self) -> QueryGraph:
        """The graph that is planned over."""
        return self.search.graph

    def root_group(
        self, subgraph: str, kind: OperationKind, root_type: str, level: int, after: Iterable[Group]
    ) -> Group:
        """A new root request."""
        group = Group(len(self.groups), subgraph, level, kind, root_type, after=set(after))
        self.groups.append(group)
        return group

    def realise(self, steps: Sequence[Step], site: Site) -> set[Group]:
        """Add steps to requests; gives every group that the values fetched come from."""
        touched: set[Group] = set()
        for step in steps:
            if isinstance(step, LocalField):
                touched |= self._local(step, site)
            elif isinstance(step, Narrowed):
                touched |= self._narrowed(step, site)
            else:
                touched |= self._move(step, site)
        return touched

    def typed(self) -> frozenset[tuple[str, ...]]:
        """The paths, as slots, at which some request brings the trusted __typename of the objects."""
        found: set[tuple[str, ...]] = set()
        for group, root, path in self._typed:
            for start in group.paths or (path[:root],):
                found.add(tuple(step.slot for step in (*start, *path[root:])))
        return frozenset(found)

    def _ask_type(self, selected: Selected, site: Site, path: tuple[PathStep, ...]) -> None:
        selected.add_typename()
        self._typed.append((site.group, site.root, path))

    def _local(self, step: LocalField, site: Site) -> set[Group]:
        wanted, spot = step.wanted, site.spot
        if step.edge is None:
            if self.graph.is_abstract(site.place.node.type):
                self._ask_type(site.selected, site, spot.path)
            return {site.group}
        touched = {site.group}
        # An interface that nothing implements has an @interfaceObject's fields all the same.
        names = sorted(spot.within) or [site.place.node.type]
        for slot in dict.fromkeys(spot.scope.slot(name, wanted.name, wanted.arguments, wanted.alias) for name in names):
            selected = self._select(slot, wanted, step, site)
            if step.edge.requires:
                site.group.needs[slot] = frozenset(_names(step.edge.requires))
            if step.plan is not None and step.place is not None and selected.below is not None:
                touched |= self._below(slot, step.plan, step.place, step.edge, selected.below, site)
        return touched

    def _select(self, slot: str, wanted: WantedField, step: LocalField, site: Site) -> SelectedField:
        assert step.edge is not None
        known = site.selected.fields.get(slot)
        if known is None:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise CodedError(PLAN_LIMIT, f"The plan would ask subgraphs for more than {MOST_FIELDS} fields.")
            known = SelectedField(
                slot=slot,
                name=wanted.name,
                arguments=self._with_context(wanted, step.edge, site),
                variables=wanted.variables,
                type=step.edge.type,
                node=step.place.node if step.place else None,
                below=Selected() if step.plan is not None else None,
            )
            site.selected.fields[slot] = known
        return known

    def _below(
        self, slot: str, plan: SetPlan, place: Place, edge: FieldEdge, selected: Selected, site: Site
    ) -> set[Group]:
        declared = get_named_type(edge.type).name
        if self.graph.is_query_root(declared):
            site.spot.scope.below.setdefault(slot, self._root_scope())
        scope = site.spot.scope.at(slot)
        path = (*site.spot.narrowed_path(), PathStep(slot))
        if self.graph.is_abstract(declared) and not self.graph.is_interface_object(place.node):
            self._ask_type(selected, site, path)
        occurring = self.graph.possible(declared)
        here = self.graph.possible(place.node.type, place.node.subgraph)
        # Where the subgraph's own type is narrower, no other type can stand in its answers.
        spot = Spot(scope, path, occurring if here == occurring else here, here)
        return self.realise(plan.steps, Site(site.group, place, selected, spot, site, root=site.root)) | {site.group}

    def _narrowed(self, step: Narrowed, site: Site) -> set[Group]:
        within = site.spot.within & self.search.occurring(step.place)
        spot = Spot(site.spot.scope, site.spot.path, site.spot.occurring, within)
        selected = site.selected if step.condition == site.place.node.type else site.selected.fragment(step.condition)
        inner = Site(site.group, step.place, selected, spot, site.parent, root=site.root)
        return self.realise(step.plan.steps, inner)

    def _move(self, move: Move, site: Site) -> set[Group]:
        """What is fetched elsewhere; inputs that several fields share are walked once."""
        key = (move, *_identity(site))
        known = self._moved.get(key)
        if known is None:
            known = self._moved[key] = self._make_move(move, site)
        return known

    def _make_move(self, move: Move, site: Site) -> set[Group]:
        after: set[Group] = set()
        if move.required is not None:
            after |= self.realise(move.required.steps, site)
        contexts = [
            argument
            for step in move.plan.steps
            if isinstance(step, LocalField) and step.edge is not None
            for argument in step.edge.context_arguments
        ]
        values = [self._context_value(argument, site, after) for argument in contexts]
        target = self._enter(move.way, site, after, move.requires, values)
        return self.realise(move.plan.steps, target) | {target.group}

    def _enter(
        self,
        way: Way,
        site: Site,
        after: set[Group],
        requires: FieldSet = (),
        values: Sequence[tuple[ContextValue, str]] = (),
    ) -> Site:
        """The site of a way's target, whose request is made or found."""
        after = after | {site.group}
        if way.entry is None:
            return self._enter_root(way, site, after)
        for producer, plan in way.inputs:
            source = site if producer is None else self._enter_plainly(producer, site)
            after |= self.realise(plan.steps, source) | {source.group}
        inputs = self._inputs(way, site, requires)
        level = 1 + max(group.level for group in after)
        group = self._entity_group(way.place.node, level, site.spot, inputs, values)
        group.after |= after
        selected = group.selected.fragment(way.place.node.type)
        interface = self.graph.is_abstract(way.place.node.type)
        trusted = not self.graph.is_interface_object(way.place.node)
        entered = Site(group, way.place, selected, site.spot, site.parent, site)
        if trusted and interface and self.graph.is_interface_object(site.place.node):
            self._ask_type(selected, entered, site.spot.path)
        return entered

    def _enter_root(self, way: Way, site: Site, after: set[Group]) -> Site:
        """A request for fields of the query type, wherever below another field they are wanted: one for all places."""
        level = 1 + max(group.level for group in after)
        node = way.place.node
        key = (node, level)
        group = self._by_key.get(key)
        if group is None:
            group = self._by_key[key] = self.root_group(node.subgraph, OperationKind.QUERY, node.type, level, ())
        group.after |= after
        group.paths[site.spot.narrowed_path()] = None
        return Site(group, way.place, group.selected, site.spot, site.parent, root=len(site.spot.path))

    def _root_scope(self) -> Scope:
        """What is at the query type below other fields is the same everywhere, and has one set of slots."""
        if not self._roots:
            self._roots.append(Scope(self.graph))
        return self._roots[0]

    def _enter_plainly(self, way: Way, site: Site) -> Site:
        key = (way, *_identity(site))
        known = self._entered.get(key)
        if known is None:
            known = self._entered[key] = self._enter(way, site, set())
        return known

    def _entity_group(
        self,
        node: Node,
        level: int,
        spot: Spot,
        inputs: dict[str, Inputs],
        values: Sequence[tuple[ContextValue, str]],
    ) -> Group:
        """The group that the representations fit in.

        Selections on an interface reach every object of the group, so types that are narrowed otherwise stay apart.
        """
        subgraph = node.subgraph
        within = spot.within if self.graph.is_abstract(node.type) else None
        contexts = tuple(sorted(value.variable for value, _ in values))
        index = 0
        while True:
            place = (subgraph, spot.path, within, contexts)
            key = (place, level, index)
            group = self._by_key.get(key)
            if group is None:
                if len(self.groups) >= MOST_GROUPS:
                    raise CodedError(PLAN_LIMIT, f"The plan would hold more than {MOST_GROUPS} entity selections.")
                group = Group(len(self.groups), subgraph, level, OperationKind.QUERY, None, spot=spot, place=place)
                group.context = {value.variable: value for value, _ in values}
                group.context_types = {value.variable: type_ for value, type_ in values}
                self.groups.append(group)
                self._by_key[key] = group
            if group.fits(inputs):
                group.represent(inputs)
                return group
            index += 1

    # Representations -----------------------------------------------------------------------------------------------

    def _inputs(self, way: Way, site: Site, requires: FieldSet) -> dict[str, Inputs]:
        assert way.entry is not None
        typename = way.entry.typename
        if typename is None and self.graph.is_interface_object(site.place.node):
            typename = site.place.node.type
        inputs: dict[str, Inputs] = {}
        for name in sorted(site.spot.within) or [site.place.node.type]:
            fields: dict[str, RepresentationField] = {}
            one = frozenset({name})
            for selection in self._represent(way.key, site.spot.scope, one, one, required=False):
                fields[selection.name] = selection
            for selection in self._represent(requires, site.spot.scope, one, one, required=True):
                fields[selection.name] = _joined(fields.get(selection.name), selection)
            inputs[name] = Inputs(typename, fields)
        return inputs

    def _represent(
        self, fields: FieldSet, scope: Scope, types: frozenset[str], possible: frozenset[str], required: bool
    ) -> tuple[RepresentationField, ...]:
        """How ``fields`` are read from objects of ``types`` in the tree, where objects of ``possible`` can stand.

        They are inputs of @requires where ``required``, otherwise parts of a key.
        """
        found: list[RepresentationField] = []
        for selection in fields:
            if isinstance(selection, FieldSetFragment):
                within = types & self.graph.possible(selection.type_condition)
                if within:
                    found += self._represent(selection.selections, scope, within, possible, required)
                continue
            if selection.name == TYPENAME:
                constant = min(possible) if len(possible) == 1 else None
                found.append(RepresentationField(TYPENAME, TYPENAME, required, constant=constant, input=required))
                continue
            arguments = arguments_text(selection)
            by_slot: dict[str, set[str]] = {}
            for name in sorted(types):
                by_slot.setdefault(scope.slot(name, selection.name, arguments), set()).add(name)
            for slot, names in by_slot.items():
                on_types = None if names == possible else frozenset(names)
                below = self._represent_below(selection.selections, scope.at(slot), names, selection.name, required)
                type_ = self.graph.field_type(min(names), selection.name)
                may_be_null = (required or len(fields) > 1) and not type_.endswith("!")
                found.append(RepresentationField(selection.name, slot, may_be_null, on_types, below, input=required))
        return tuple(found)

    def _represent_below(
        self, fields: FieldSet, scope: Scope, names: Iterable[str], name: str, required: bool
    ) -> tuple[RepresentationField, ...]:
        if not fields:
            return ()
        target = named_type(self.graph.field_type(min(names), name))
        possible = self.graph.possible(target)
        below = self._represent(fields, scope, possible, possible, required)
        if self.graph.is_abstract(target) and not any(inner.name == TYPENAME for inner in below):
            below = (RepresentationField(TYPENAME, TYPENAME, True, input=True), *below)
        return below

    # Context -------------------------------------------------------------------------------------------------------

    def _context_value(self, argument: ContextArgument, site: Site, after: set[Group]) -> tuple[ContextValue, str]:
        """Fetch what an argument takes from an ancestor; ``after`` gains the groups it comes from."""
        ancestor = site.parent
        while ancestor is not None and not self._sets(argument, ancestor):
            ancestor = ancestor.parent
        if ancestor is None:
            raise CodedError(
                NO_PLAN, f"Nothing above {site.place.node.type} sets the context that ({argument.name}:) needs."
            )
        # Where the objects were first, nothing must wait for the requests that entered them elsewhere.
        ancestors = [ancestor]
        while (origin := ancestors[-1].origin) is not None and self._sets(argument, origin):
            ancestors.append(origin)
        wanted = self.search.sets.of_field_set(argument.selection)
        plans = ((each, self.search.plan(wanted, each.place)) for each in reversed(ancestors))
        ancestor, plan = next(((each, plan) for each, plan in plans if not plan.missing), (None, None))
        if ancestor is None or plan is None:
            raise CodedError(NO_PLAN, f"The context value of ({argument.name}:) cannot be fetched.")
        after |= self.realise(plan.steps, ancestor)
        key = (ancestor.spot.path, argument.selection, argument.type)
        variable = self._contexts.setdefault(key, f"c{len(self._contexts)}")
        spot = ancestor.spot
        alternatives = self._represent(argument.selection, spot.scope, spot.within, spot.occurring, required=True)
        return ContextValue(variable, len(spot.path), alternatives), argument.type

    def _sets(self, argument: ContextArgument, site: Site) -> bool:
        names = {site.place.node.type, *site.spot.within} if len(site.spot.within) == 1 else {site.place.node.type}
        definitions = [self.graph.definition(name) for name in names]
        interfaces = [self.graph.definition(i) for d in definitions for i in d.interfaces]
        unions = [
            d for d in self.graph.supergraph.types.values() if argument.context in d.contexts and names & {*d.members}
        ]
        return any(argument.context in d.contexts for d in (*definitions, *interfaces, *unions))

    def _with_context(self, wanted: WantedField, edge: FieldEdge, site: Site) -> str:
        if not edge.context_arguments:
            return wanted.arguments
        given = [wanted.arguments[1:-1]] if wanted.arguments else []
        after: set[Group] = set()
        for argument in edge.context_arguments:
            value, _ = self._context_value(argument, site, after)
            given.append(f"{argument.name}: ${value.variable}")
        return f"({', '.join(given)})"


def _identity(site: Site) -> tuple[object, ...]:
    return (site.group, site.selected, site.spot.path, site.spot.within)


def _names(fields: FieldSet) -> Iterable[str]:
    """The fields of an object that a field set selects, on whatever type."""
    for selection in fields:
        if isinstance(selection, FieldSetFragment):
            yield from _names(selection.selections)
        else:
            yield selection.name


def _agree(known: Inputs | None, given: Inputs) -> bool:
    """Whether one representation can hold both: no name read from two slots, at any depth."""
    if known is None:
        return True
    return all(_compatible(known.fields.get(name), field_) for name, field_ in given.fields.items())


def _compatible(known: RepresentationField | None, given: RepresentationField) -> bool:
    if known is None:
        return True
    if known.slot != given.slot:
        return False
    inner = {(f.name, f.on_types): f for f in known.fields}
    return all(_compatible(inner.get((f.name, f.on_types)), f) for f in given.fields)


def _joined(known: RepresentationField | None, given: RepresentationField) -> RepresentationField:
    if known is None:
        return given
    inner = {(f.name, f.on_types): f for f in known.fields}
    for f in given.fields:
        inner[f.name, f.on_types] = _joined(inner.get((f.name, f.on_types)), f)
    return replace(
        known,
        nullable=known.nullable and given.nullable,
        fields=tuple(inner.values()),
        input=known.input and given.input,
    )
