"""From groups to fetches: the text each subgraph receives, and what it will answer under which slot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphql import GraphQLNonNull, GraphQLString

from gateway.planning.fetches import Group, Inputs, Selected, SelectedField
from gateway.planning.operation import OperationKind
from gateway.planning.plan import (
    EntityRequest,
    Fetch,
    FetchedField,
    PathStep,
    Representation,
)
from gateway.planning.wanted import TYPENAME
from gateway.query_graph.graph import Node, QueryGraph

TYPENAME_TYPE = GraphQLNonNull(GraphQLString)
_Request = tuple[EntityRequest, str, tuple[tuple[str, str], ...]]


def number_fetches(graph: QueryGraph, groups: Sequence[Group], variable_types: Mapping[str, str]) -> tuple[Fetch, ...]:
    """Fetches in an order in which each comes after those it needs: one per subgraph and level for entities."""
    groups = _united_groups(_deferred(groups))
    batches: dict[tuple[object, ...], list[Group]] = {}
    for group in sorted(groups, key=lambda g: (g.level, g.order)):
        key: tuple[object, ...] = (group.level, group.subgraph) if group.root_type is None else (group.order,)
        batches.setdefault(key, []).append(group)
    number_of = {group: number for number, batch in enumerate(batches.values()) for group in batch}
    after: list[int] = []  # as bit masks of fetch numbers: everything that must be done before
    fetches: list[Fetch] = []
    together: dict[tuple[PathStep, ...], int] = {}
    for number, batch in enumerate(batches.values()):
        direct = {number_of[needed] for group in batch for needed in group.after}
        implied = 0
        for needed in direct:
            implied |= after[needed]
        after.append(implied | sum(1 << needed for needed in direct))
        needs = tuple(sorted(needed for needed in direct if not implied >> needed & 1))
        fetches.append(_fetch(graph, number, batch, needs, variable_types, together))
        for index, request in enumerate(fetches[-1].entities):
            if len(request.paths) > 1:
                together.update(dict.fromkeys(request.paths, number * len(groups) + index))
    return tuple(fetches)


def _deferred(groups: Sequence[Group]) -> Sequence[Group]:
    """Put off entity requests to a later level that asks the same subgraph, where nothing waits for them sooner.

    The last answer arrives no later for it, and a request is saved.
    """
    dependents: dict[Group, list[Group]] = {}
    batches: dict[int, dict[str, list[Group]]] = {}
    for group in groups:
        for needed in group.after:
            dependents.setdefault(needed, []).append(group)
        if group.root_type is None:
            batches.setdefault(group.level, {}).setdefault(group.subgraph, []).append(group)
    for level in sorted(batches, reverse=True):
        for earlier in sorted((other for other in batches if other < level), reverse=True):
            for subgraph in sorted(batches[level].keys() & batches[earlier].keys()):
                batch = batches[earlier][subgraph]
                if all(waiting.level > level for group in batch for waiting in dependents.get(group, ())):
                    batches[level][subgraph] += batches[earlier].pop(subgraph)
                    for group in batch:
                        group.level = level
    return groups


def _united_groups(groups: Sequence[Group]) -> list[Group]:
    """Groups that could have been one from the start, now that they are sent together."""
    united: dict[object, Group] = {}
    kept: list[Group] = []
    became: dict[Group, Group] = {}
    for group in groups:
        first = group if group.root_type is not None else united.setdefault((group.level, group.place), group)
        if first is group or not first.fits(group.inputs):
            kept.append(group)
            continue
        first.take_in(group)
        became[group] = first
    for group in kept if became else ():
        group.after = {became.get(needed, needed) for needed in group.after}
    return kept


def _fetch(
    graph: QueryGraph,
    number: int,
    batch: Sequence[Group],
    after: tuple[int, ...],
    variable_types: Mapping[str, str],
    together: Mapping[tuple[PathStep, ...], int],
) -> Fetch:
    for group in batch:
        _prune(group.selected)
    first = batch[0]
    writer = _Writer(graph, first.subgraph)
    declared: list[str] = []
    fields: tuple[FetchedField, ...] = ()
    entities: tuple[EntityRequest, ...] = ()
    if first.root_type is not None:
        body = writer.selections(first.selected, first.root_type)
        fields = writer.fields(first.selected, Node(first.root_type, first.subgraph))
    else:
        declared, body, entities = _entities(
            _merge_requests([_entity_request(writer, group) for group in batch], together)
        )
    variables = tuple(sorted(writer.variables, key=lambda name: (len(name), name)))
    declared += [f"${name}: {variable_types[name]}" for name in variables]
    return Fetch(
        number,
        first.subgraph,
        first.kind,
        _document(first.kind, dict.fromkeys(declared), body),
        variables,
        after,
        fields,
        entities,
        paths=tuple(first.paths) or ((),),
    )


def _entities(requests: Sequence[_Request]) -> tuple[list[str], str, tuple[EntityRequest, ...]]:
    """What is declared for ``_entities`` selections, their text, and each under the names it has there."""
    declared: list[str] = []
    bodies = []
    entities = []
    for index, (request, body, context_types) in enumerate(requests):
        alias, variable = ("_entities", "representations") if len(requests) == 1 else (f"e{index}", f"r{index}")
        declared.append(f"${variable}: [_Any!]!")
        declared += [f"${name}: {type_}" for name, type_ in context_types]
        head = alias if alias == "_entities" else f"{alias}: _entities"
        bodies.append(f"{head}(representations: ${variable}) {body}")
        entities.append(replace(request, alias=alias, variable=variable))
    return declared, "{ " + " ".join(bodies) + " }", tuple(entities)


def _document(kind: OperationKind, declared: Iterable[str], body: str) -> str:
    if variables := ", ".join(declared):
        return f"{kind.value}({variables}) {body}"
    return body if kind is OperationKind.QUERY else f"{kind.value} {body}"


def _merge_requests(requests: Sequence[_Request], together: Mapping[tuple[PathStep, ...], int]) -> list[_Request]:
    """Requests that ask the same of equal representations become one with several paths.

    Paths that one request led to before (``together``) stay apart from others: its groups of equal objects serve again.
    """
    merged: dict[object, _Request] = {}
    for request, body, context_types in requests:
        answered = tuple((field.slot, field.on_types) for field in request.fields)
        origin = together.get(request.paths[0])
        key: object = (request.representations, body, answered, origin) if not request.context else request
        if (known := merged.get(key)) is not None:
            request = replace(known[0], paths=(*known[0].paths, *request.paths))
        merged[key] = (request, body, context_types)
    return list(merged.values())


def _entity_request(writer: "_Writer", group: Group) -> _Request:
    spot = group.spot
    assert spot is not None
    targets = frozenset(group.inputs)
    path = spot.path
    if path and targets != spot.occurring:
        path = (*path[:-1], PathStep(path[-1].slot, targets))
    body = writer.selections(group.selected, "")
    fields = writer.entity_fields(group.selected, targets)
    request = EntityRequest(
        alias="",
        variable="",
        paths=(path,),
        representations=_representations(group.inputs),
        fields=fields,
        context=tuple(group.context[name] for name in sorted(group.context)),
        needs=tuple(sorted(group.needs.items())),
    )
    return request, body, tuple(sorted(group.context_types.items()))


def _representations(inputs: Mapping[str, Inputs]) -> tuple[Representation, ...]:
    """Equal representations of several types become one."""
    classes: dict[object, tuple[set[str], Inputs]] = {}
    for name in sorted(inputs):
        given = inputs[name]
        key = (given.typename, tuple(given.fields.values()))
        classes.setdefault(key, (set(), given))[0].add(name)
    found = []
    for names, given in classes.values():
        typename = given.typename or (next(iter(names)) if len(names) == 1 else None)
        on_types = frozenset(names) if len(classes) > 1 else None
        found.append(Representation(on_types, typename, tuple(given.fields.values())))
    return tuple(found)


def _prune(selected: Selected, above: frozenset[str] = frozenset()) -> None:
    """Leave out of fragments the leaves that the selections around them ask for anyway: equal slots, equal values."""
    for slot in [slot for slot, field in selected.fields.items() if slot in above and field.below is None]:
        del selected.fields[slot]
    leaves = above | {slot for slot, field in selected.fields.items() if field.below is None}
    for inner in selected.on.values():
        _prune(inner, leaves)
    for field in selected.fields.values():
        if field.below is not None:
            _prune(field.below)


class _Writer:
    """Writes selections for one subgraph, and notes the variables they use."""

    def __init__(self, graph: QueryGraph, subgraph: str) -> None:
        self._graph = graph
        self._subgraph = subgraph
        self.variables: set[str] = set()

    def selections(self, selected: Selected, type_name: str) -> str:
        """The selection set of ``type_name`` as text, braces included; never empty."""
        parts = [self._field(field) for field in selected.fields.values()]
        alike: dict[str, dict[str, Selected]] = {}
        for name, inner in selected.on.items():
            if _asks(inner):
                alike.setdefault(self.selections(inner, name), {})[name] = inner
        for text, fragments in alike.items():
            interface = self._interface_of(fragments, type_name)
            if interface == type_name:
                parts.append(text[2:-2])
            else:
                parts += [f"... on {name} {text}" for name in ((interface,) if interface else fragments)]
        return "{ " + (" ".join(parts) or TYPENAME) + " }"

    def _interface_of(self, fragments: Mapping[str, Selected], type_name: str) -> str | None:
        """An interface on which can be said at once what is said alike of each type: it has these types and fields."""
        first, selected = next(iter(fragments.items()))
        if len(fragments) < 2 or selected.on or any(field.arguments for field in selected.fields.values()):
            return None
        for interface in sorted(self._graph.definition(first).interfaces, key=lambda name: name != type_name):
            node = Node(interface, self._subgraph)
            real = self._graph.knows(node) and not self._graph.is_interface_object(node)
            if real and self._graph.possible(interface, self._subgraph) == fragments.keys():
                names = [field.name for field in selected.fields.values() if field.name != TYPENAME]
                if all(self._alike(node, fragments, name) for name in names):
                    return interface
        return None

    def _alike(self, interface: Node, types: Iterable[str], name: str) -> bool:
        """Whether a field of an interface is the same for each type, here and to be had."""
        edges = [self._graph.edge(Node(type_, self._subgraph), name) for type_ in (interface.type, *types)]
        shapes = self._graph.shapes(name)
        return len({shapes.get(type_) for type_ in (interface.type, *types)}) == 1 and all(
            edge is not None and not edge.external and edge.target == edges[0].target  # type: ignore[union-attr]
            for edge in edges
        )

    def _field(self, field: SelectedField) -> str:
        self.variables.update(field.variables)
        head = field.name if field.slot == field.name else f"{field.slot}: {field.name}"
        below = ""
        if field.below is not None:
            below = f" {self.selections(field.below, field.node.type if field.node is not None else '')}"
        return f"{head}{field.arguments}{below}"

    def entity_fields(self, selected: Selected, targets: frozenset[str]) -> tuple[FetchedField, ...]:
        """What an ``_entities`` selection answers: its top level holds fragments alone."""
        found: list[FetchedField] = []
        for name, inner in selected.on.items():
            node = Node(name, self._subgraph)
            possible = self._graph.possible(name, self._subgraph) & targets
            found += _restricted(self.fields(inner, node), None if possible == targets else possible)
        return _united(found)

    def fields(self, selected: Selected, node: Node) -> tuple[FetchedField, ...]:
        """What the selections answer, at a node."""
        found = [self._fetched(field) for field in selected.fields.values()]
        everything = self._graph.possible(node.type, node.subgraph)
        for name, inner in selected.on.items():
            if _asks(inner):
                possible = self._graph.possible(name, self._subgraph) & everything
                below = self.fields(inner, Node(name, self._subgraph))
                found += _restricted(below, None if possible == everything else possible)
        return _united(found or [FetchedField(TYPENAME, TYPENAME_TYPE)])

    def _fetched(self, field: SelectedField) -> FetchedField:
        if field.type is None:
            return FetchedField(field.slot, TYPENAME_TYPE)
        if field.below is None or field.node is None:
            return FetchedField(field.slot, field.type)
        return FetchedField(field.slot, field.type, None, self.fields(field.below, field.node))


def _asks(selected: Selected) -> bool:
    return bool(selected.fields) or any(_asks(inner) for inner in selected.on.values())


def _restricted(fields: Iterable[FetchedField], names: frozenset[str] | None) -> list[FetchedField]:
    if names is None:
        return list(fields)
    return [FetchedField(f.slot, f.type, names if f.on_types is None else f.on_types & names, f.fields) for f in fields]


def _united(fields: Sequence[FetchedField]) -> tuple[FetchedField, ...]:
    """Equal fields on several types become one."""
    united: dict[object, FetchedField] = {}
    for field in fields:
        key = (field.slot, str(field.type), field.fields)
        known = united.get(key)
        if known is None:
            united[key] = field
        elif known.on_types is not None:
            names = None if field.on_types is None else known.on_types | field.on_types
            united[key] = FetchedField(field.slot, known.type, names, field.fields)
    return tuple(united.values())
