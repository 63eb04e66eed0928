"""The planner's door: an Operation and the caller's schema into a QueryPlan."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, OperationType, parse

from gateway.errors import NO_PLAN, PLAN_LIMIT, CodedError
from gateway.planning.documents import number_fetches
from gateway.planning.fetches import FetchBuilder, Group, Scope, Site, Spot
from gateway.planning.operation import (
    FieldSelection,
    Operation,
    OperationKind,
    Selection,
    VariableDefinition,
)
from gateway.planning.plan import QueryPlan
from gateway.planning.projection import META_FIELDS, Projector
from gateway.planning.search import Search
from gateway.planning.steps import Move, Place, SetPlan, Way
from gateway.planning.wanted import TYPENAME, Wanted, WantedField, WantedOn, WantedSets, given_arguments, variables_in
from gateway.query_graph.graph import Node, QueryGraph
from gateway.supergraph.lazy_schema import NOTHING
from gateway.supergraph.model import Supergraph


@dataclass(slots=True)
class Planner:
    """Plans operations over one supergraph. Safe to share between threads: each plan is made with memory of its own."""

    supergraph: Supergraph
    _graphs: dict[frozenset[str], QueryGraph] = field(default_factory=dict)

    def graph(self, labels: frozenset[str]) -> QueryGraph:
        """The query graph for one set of active override labels."""
        known = self._graphs.get(labels)
        if known is None:
            known = self._graphs[labels] = QueryGraph(self.supergraph, labels)
        return known

    def plan(self, operation: Operation, schema: GraphQLSchema, labels: frozenset[str] = frozenset()) -> QueryPlan:
        """Plan ``operation`` for a caller who sees ``schema``.

        ``labels`` are the active labels of progressive overrides; a plan holds for them alone, so they belong in the
        key of any cache. Raises CodedError NO_PLAN when a field cannot be reached, PLAN_LIMIT when planning costs too
        much.
        """
        try:
            return _Planning(operation, schema, self.graph(labels)).plan()
        except RecursionError:
            raise CodedError(PLAN_LIMIT, "The operation is nested too deeply to be planned.") from None


class _Planning:
    """The planning of one operation."""

    def __init__(self, operation: Operation, schema: GraphQLSchema, graph: QueryGraph) -> None:
        self.operation = operation
        self.schema = schema
        self.graph = graph
        self.sets = WantedSets()
        self.search = Search(graph, self.sets)
        self.builder = FetchBuilder(self.search)
        self.scope = Scope(graph)

    def plan(self) -> QueryPlan:
        operation = self.operation
        self.search.prefer(self.sets.of_selections(operation.selections))
        root = cast(GraphQLObjectType, self.schema.get_root_type(OperationType(operation.kind.value)))
        if operation.kind is OperationKind.MUTATION:
            self._serial(root.name)
        else:
            self._at_once(root.name)
        types = {variable.name: _declared(variable) for variable in operation.variables}
        calls = self.scope if operation.kind is OperationKind.MUTATION else None
        projector = Projector(self.schema, calls, self.builder.typed())
        return QueryPlan(
            kind=operation.kind,
            root_type=root.name,
            fetches=number_fetches(self.graph, self.builder.groups, types),
            projection=projector.project((operation.selections,), root, self.scope),
            introspection=self._introspection(),
        )

    def _wanted(self, selections: tuple[Selection, ...]) -> list[WantedField]:
        calls = self.operation.kind is OperationKind.MUTATION
        fields = self.sets.of_selections(selections, calls).items
        skipped = {*META_FIELDS, TYPENAME, NOTHING}
        return [f for f in fields if isinstance(f, WantedField) and f.name not in skipped]

    def _at_once(self, root: str) -> None:
        """A query, or a subscription's trigger and what follows each event."""
        place = Place(Node(root, ""))
        wanted = self._wanted(self.operation.selections)
        plan = self.search.plan(self.sets.of(dict.fromkeys(wanted)), place)
        self._refuse_missing(root, plan.missing)
        groups: dict[str, Group] = {}
        for step in plan.steps:
            move = cast(Move, step)
            subgraph = move.way.place.node.subgraph
            if subgraph not in groups:
                groups[subgraph] = self.builder.root_group(subgraph, self.operation.kind, root, 0, ())
            self._realise(move.plan, move.way, groups[subgraph], root)

    def _serial(self, root: str) -> None:
        """A mutation: fields one after the other (GraphQL October 2021, section 6.2.2).

        Neighbours of one subgraph share a request, where the first is answered by it alone: what a call's answer still
        needs is fetched before the next call changes anything.
        """
        place = Place(Node(root, ""))
        current: Group | None = None
        for selection in self.operation.selections:
            plan = self.search.plan(self.sets.of(self._wanted((selection,))), place)
            self._refuse_missing(root, plan.missing)
            for step in plan.steps:
                move = cast(Move, step)
                subgraph = move.way.place.node.subgraph
                if current is None or current.subgraph != subgraph:
                    done = list(self.builder.groups)
                    level = 1 + max((group.level for group in done), default=-1)
                    current = self.builder.root_group(subgraph, OperationKind.MUTATION, root, level, done)
                self._realise(move.plan, move.way, current, root)
            if plan.mask.bit_count() > 1:
                current = None

    def _realise(self, plan: SetPlan, way: Way, group: Group, root: str) -> None:
        types = frozenset({root})
        spot = Spot(self.scope, (), types, types)
        self.builder.realise(plan.steps, Site(group, way.place, group.selected, spot, None))

    def _refuse_missing(self, root: str, missing: Iterable[Wanted]) -> None:
        paths = [path for item in missing for path in _paths(item)]
        if paths:
            shown = ", ".join(f"{root}.{path}" for path in paths[:5])
            more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
            raise CodedError(NO_PLAN, f"No subgraph request can answer {shown}{more}.", {"fields": paths[:20]})

    def _introspection(self) -> DocumentNode | None:
        fields = [s for s in self.operation.selections if _is_meta(s)]
        if not fields:
            return None
        used = sorted({v for s in fields for v in _variables(s)})
        types = {variable.name: _declared(variable) for variable in self.operation.variables}
        declared = f"query({', '.join(f'${name}: {types[name]}' for name in used)}) " if used else ""
        return parse(declared + _text(tuple(fields)), no_location=True)


def _declared(variable: VariableDefinition) -> str:
    return variable.type if variable.default is None else f"{variable.type} = {variable.default}"


def _is_meta(selection: Selection) -> bool:
    return isinstance(selection, FieldSelection) and selection.name in META_FIELDS


def _variables(selection: Selection) -> Iterable[str]:
    if isinstance(selection, FieldSelection):
        for argument in selection.arguments:
            yield from variables_in(argument.value)
    for inner in selection.selections:
        yield from _variables(inner)


def _text(selections: tuple[Selection, ...]) -> str:
    parts = []
    for selection in selections:
        below = f" {_text(selection.selections)}" if selection.selections else ""
        if isinstance(selection, FieldSelection):
            parts.append(f"{selection.response_key}: {selection.name}{given_arguments(selection)}{below}")
        else:
            parts.append(f"... on {selection.type_condition}{below}")
    return "{ " + " ".join(parts) + " }"


def _paths(item: Wanted) -> Iterable[str]:
    if isinstance(item, WantedOn):
        for inner in item.below.items:
            yield from (f"<{item.condition}>.{path}" for path in _paths(inner))
    elif item.below is None or not item.below.items:
        yield item.name
    else:
        for inner in item.below.items:
            yield from (f"{item.name}.{path}" for path in _paths(inner))
