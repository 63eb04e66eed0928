"""Plans as people read them: the tree that other gateways print, and JSON.

A plan is a flat tuple of fetches with dependencies. The tree groups them by depth, Sequence over Parallel, so that it
compares with the plans of other gateways; execution knows no such barriers. ``render_json`` shows the plan as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from graphql import (
    FieldNode,
    GraphQLOutputType,
    OperationDefinitionNode,
    SelectionSetNode,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
)

from gateway.planning.operation import OperationKind
from gateway.planning.plan import (
    EntityRequest,
    Fetch,
    FetchedField,
    PathStep,
    QueryPlan,
    Representation,
    RepresentationField,
)

_Lists = dict[tuple[str, ...], int]


class PlanJson(TypedDict):
    """A plan as JSON: ``after`` holds numbers of fetches, paths are text as in the printed tree."""

    kind: str
    fetches: list[dict[str, object]]


def render_json(plan: QueryPlan) -> PlanJson:
    """The plan's fetches as plain values."""
    lists = _list_levels(plan.fetches)
    return {"kind": plan.kind.value, "fetches": [_fetch_json(fetch, lists) for fetch in plan.fetches]}


def _fetch_json(fetch: Fetch, lists: _Lists) -> dict[str, object]:
    found: dict[str, object] = {
        "number": fetch.number,
        "subgraph": fetch.subgraph,
        "kind": fetch.kind.value,
        "after": list(fetch.after),
        "document": fetch.document,
        "variables": list(fetch.variables),
    }
    if fetch.paths != ((),):
        found["paths"] = [_path_text(path, lists) for path in fetch.paths]
    if fetch.entities:
        found["entities"] = [
            {
                "alias": request.alias,
                "paths": [_path_text(path, lists) for path in request.paths],
                "representations": [_representation_text(r) for r in request.representations],
                "context": [value.variable for value in request.context],
            }
            for request in fetch.entities
        ]
    return found


def render_text(plan: QueryPlan) -> str:
    """The plan as a tree: ``QueryPlan { Sequence { Fetch(service: "a") { ... } Flatten(path: "b.@") { ... } } }``."""
    lists = _list_levels(plan.fetches)
    depth: list[int] = []
    for fetch in plan.fetches:
        depth.append(1 + max((depth[number] for number in fetch.after), default=-1))
    waves: list[list[Fetch]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for fetch in plan.fetches:
        waves[depth[fetch.number]].append(fetch)
    if plan.kind is OperationKind.SUBSCRIPTION and waves:
        inner = [*_block("Primary", _wave(waves[0], lists))]
        if len(waves) > 1:
            inner += _block("Rest", _sequence(waves[1:], lists))
        return "\n".join(_block("QueryPlan", _block("Subscription", inner)))
    return "\n".join(_block("QueryPlan", _sequence(waves, lists)))


def _sequence(waves: list[list[Fetch]], lists: _Lists) -> list[str]:
    if len(waves) == 1:
        return _wave(waves[0], lists)
    return _block("Sequence", [line for wave in waves for line in _wave(wave, lists)]) if waves else []


def _wave(wave: list[Fetch], lists: _Lists) -> list[str]:
    lines = [line for fetch in wave for line in _fetch_lines(fetch, lists)]
    return _block("Parallel", lines) if len(wave) > 1 else lines


def _fetch_lines(fetch: Fetch, lists: _Lists) -> list[str]:
    operation = parse(fetch.document, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    if not fetch.entities:
        fetched = _block(f'Fetch(service: "{fetch.subgraph}")', print_ast(operation.selection_set).split("\n"))
        return fetched if fetch.paths == ((),) else _block(_flatten(fetch.paths, lists), fetched)
    selections = {
        _alias(node): node.selection_set for node in operation.selection_set.selections if isinstance(node, FieldNode)
    }
    if len(fetch.entities) == 1 and len(fetch.entities[0].paths) == 1:
        request = fetch.entities[0]
        fetched = _block(f'Fetch(service: "{fetch.subgraph}")', _entity_lines(request, selections[request.alias]))
        return _block(_flatten(request.paths, lists), fetched)
    flattened: list[str] = []
    for request in fetch.entities:
        flattened += _block(_flatten(request.paths, lists), _entity_lines(request, selections[request.alias]))
    return _block(f'Fetch(service: "{fetch.subgraph}")', flattened)


def _flatten(paths: Sequence[tuple[PathStep, ...]], lists: _Lists) -> str:
    shown = ", ".join(f'"{_path_text(path, lists)}"' for path in paths)
    return f"Flatten(path: {shown})" if len(paths) == 1 else f"Flatten(paths: [{shown}])"


def _entity_lines(request: EntityRequest, selections: SelectionSetNode | None) -> list[str]:
    lines = ["{", *(f"  {_representation_text(r)}" for r in request.representations), "} =>"]
    return [*lines, *(print_ast(selections).split("\n") if selections else ())]


def _block(label: str, lines: Iterable[str]) -> list[str]:
    return [f"{label} {{", *(f"  {line}" for line in lines), "}"]


def _alias(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _representation_text(representation: Representation) -> str:
    condition = (
        " | ".join(sorted(representation.on_types)) if representation.on_types else representation.typename or "*"
    )
    sent = f": {representation.typename}" if representation.typename and representation.typename != condition else ""
    fields = _representation_fields(representation.fields)
    return f"... on {condition} {{ __typename{sent} {fields} }}"


def _representation_fields(fields: tuple[RepresentationField, ...]) -> str:
    parts = []
    for field in fields:
        source = "" if field.slot == field.name else f"{field.name}: "
        below = f" {{ {_representation_fields(field.fields)} }}" if field.fields else ""
        text = f"{source}{field.slot}{below}"
        parts.append(f"... on {' | '.join(sorted(field.on_types))} {{ {text} }}" if field.on_types else text)
    return " ".join(parts)


def _path_text(path: tuple[PathStep, ...], lists: Mapping[tuple[str, ...], int]) -> str:
    parts: list[str] = []
    for index, step in enumerate(path):
        levels = lists.get(tuple(s.slot for s in path[: index + 1]), 0)
        types = f"|[{', '.join(sorted(step.on_types))}]" if step.on_types else ""
        parts.append(".".join([step.slot, *["@"] * levels]) + types)
    return ".".join(parts)


def _list_levels(fetches: Iterable[Fetch]) -> _Lists:
    """How many lists lie between a slot and its objects, by the slots that lead there."""
    found: _Lists = {}
    for fetch in fetches:
        for path in fetch.paths:
            _note(fetch.fields, tuple(step.slot for step in path), found)
        for request in fetch.entities:
            for path in request.paths:
                _note(request.fields, tuple(step.slot for step in path), found)
    return found


def _note(fields: Iterable[FetchedField], prefix: tuple[str, ...], found: _Lists) -> None:
    for field in fields:
        path = (*prefix, field.slot)
        found[path] = _levels(field.type)
        _note(field.fields, path, found)


def _levels(type_: GraphQLOutputType) -> int:
    count = 0
    while is_list_type(type_) or is_non_null_type(type_):
        count += is_list_type(type_)
        type_ = type_.of_type
    return count
