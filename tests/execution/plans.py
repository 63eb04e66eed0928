"""Plans written as GraphQL: what the client asked, and what each subgraph is asked.

The planner is another package; here a test says itself which subgraph gives which fields. Slots are the aliases in the
subgraph's selection, as the plan's contract has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    is_abstract_type,
    parse,
)

from gateway.planning.operation import READ, OperationKind, Outcome
from gateway.planning.plan import (
    EntityRequest,
    Fetch,
    FetchedField,
    FieldProjection,
    PathStep,
    QueryPlan,
    Representation,
    RepresentationField,
)


@dataclass(frozen=True)
class Root:
    """A fetch of root fields."""

    subgraph: str
    selection: str
    after: tuple[int, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entities:
    """One ``_entities`` selection: ``paths`` as ``a.b`` (``a.b[Dog,Cat]`` for some types).

    Keys as ``id code* weight?``: a part of a key that may be null has a star, an input of @requires a question mark.
    """

    type: str
    paths: str
    keys: str
    selection: str


@dataclass(frozen=True)
class EntityFetch:
    """A fetch of entities."""

    subgraph: str
    after: tuple[int, ...]
    requests: tuple[Entities, ...] = field(default=())


def entities(subgraph: str, type_: str, paths: str, keys: str, selection: str, after: tuple[int, ...]) -> EntityFetch:
    """A fetch with a single ``_entities`` selection."""
    return EntityFetch(subgraph, after, (Entities(type_, paths, keys, selection),))


def plan(
    schema: GraphQLSchema | str,
    query: str,
    *fetches: Root | EntityFetch,
    outcomes: dict[str, Outcome] | None = None,
    api: GraphQLSchema | str | None = None,
) -> QueryPlan:
    """The plan that answers ``query`` with ``fetches``; ``outcomes`` by coordinate; ``api`` is what the caller sees."""
    schema = schema if isinstance(schema, GraphQLSchema) else build_schema(schema)
    api = schema if api is None else api if isinstance(api, GraphQLSchema) else build_schema(api)
    operation = _operation(query)
    kind = OperationKind(operation.operation.value)
    root = api.get_root_type(operation.operation)
    assert root is not None
    projection = tuple(_projection(api, root, operation.selection_set, outcomes or {}))
    made = tuple(_fetch(schema, number, fetch, kind) for number, fetch in enumerate(fetches))
    return QueryPlan(kind, root.name, made, projection)


def _operation(text: str) -> OperationDefinitionNode:
    operation = parse(text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def _fetch(schema: GraphQLSchema, number: int, fetch: Root | EntityFetch, kind: OperationKind) -> Fetch:
    if isinstance(fetch, Root):
        root = schema.get_root_type(_operation(f"{kind} {fetch.selection}").operation)
        fields = fetched(schema, root, fetch.selection)
        document = f"{kind} {fetch.selection}"
        return Fetch(number, fetch.subgraph, kind, document, fetch.variables, fetch.after, fields)
    requests, parts = [], []
    for index, request in enumerate(fetch.requests):
        type_ = schema.type_map[request.type]
        requests.append(
            EntityRequest(
                f"e{index}", f"r{index}",
                tuple(_path(path) for path in request.paths.split()),
                (Representation(None, None if is_abstract_type(type_) else request.type, _keys(request.keys)),),
                fetched(schema, type_, request.selection),
            )
        )  # fmt: skip
        parts.append(f"e{index}: _entities(representations: $r{index}) {{ ... on {request.type} {request.selection} }}")
    variables = ", ".join(f"$r{index}: [_Any!]!" for index in range(len(requests)))
    document = f"query({variables}) {{ {' '.join(parts)} }}"
    return Fetch(number, fetch.subgraph, OperationKind.QUERY, document, (), fetch.after, (), tuple(requests))


def _path(text: str) -> tuple[PathStep, ...]:
    steps = []
    for step in text.split("."):
        slot, _, types = step.partition("[")
        steps.append(PathStep(slot, frozenset(types[:-1].split(",")) if types else None))
    return tuple(steps)


def _keys(text: str) -> tuple[RepresentationField, ...]:
    return tuple(
        RepresentationField(name.rstrip("?*"), name.rstrip("?*"), name[-1] in "?*", input=name.endswith("?"))
        for name in text.split()
    )


def fetched(schema: GraphQLSchema, type_: GraphQLNamedType | None, selection: str) -> tuple[FetchedField, ...]:
    """The fetched fields of a selection as GraphQL text, on a type of the supergraph."""
    assert type_ is not None
    return tuple(_fetched(schema, type_, _operation(selection).selection_set, None))


def _fetched(
    schema: GraphQLSchema, type_: GraphQLNamedType, selections: SelectionSetNode, on_types: frozenset[str] | None
) -> Iterator[FetchedField]:
    for node in selections.selections:
        if isinstance(node, InlineFragmentNode):
            assert node.type_condition is not None
            inner = schema.type_map[node.type_condition.name.value]
            yield from _fetched(schema, inner, node.selection_set, _possible(schema, inner))
        elif isinstance(node, FieldNode):
            slot = node.alias.value if node.alias else node.name.value
            if node.name.value == "__typename":
                yield FetchedField(slot, GraphQLNonNull(GraphQLString), on_types)
                continue
            output = type_.fields[node.name.value].type  # type: ignore[attr-defined]
            inside: Sequence[FetchedField] = ()
            if node.selection_set:
                inside = tuple(_fetched(schema, get_named_type(output), node.selection_set, None))
            yield FetchedField(slot, output, on_types, tuple(inside))


def _possible(schema: GraphQLSchema, type_: GraphQLNamedType) -> frozenset[str]:
    if is_abstract_type(type_):
        return frozenset(possible.name for possible in schema.get_possible_types(type_))
    return frozenset({type_.name})


def _projection(
    schema: GraphQLSchema,
    type_: GraphQLNamedType,
    selections: SelectionSetNode,
    outcomes: dict[str, Outcome],
    on_types: frozenset[str] | None = None,
) -> Iterator[FieldProjection]:
    for node in selections.selections:
        if isinstance(node, InlineFragmentNode):
            assert node.type_condition is not None
            inner = schema.type_map[node.type_condition.name.value]
            yield from _projection(schema, inner, node.selection_set, outcomes, _possible(schema, inner))
        elif isinstance(node, FieldNode):
            name = node.name.value
            key = node.alias.value if node.alias else name
            if name == "__typename":
                constant = type_.name if isinstance(type_, GraphQLObjectType) else None
                text = GraphQLNonNull(GraphQLString)
                yield FieldProjection(key, "__typename", text, type_.name, name, on_types, READ, constant)
                continue
            output = type_.fields[name].type  # type: ignore[attr-defined]
            inside: tuple[FieldProjection, ...] = ()
            if node.selection_set:
                inside = tuple(_projection(schema, get_named_type(output), node.selection_set, outcomes))
            outcome = outcomes.get(f"{type_.name}.{name}", READ)
            yield FieldProjection(key, key, output, type_.name, name, on_types, outcome, None, inside)
