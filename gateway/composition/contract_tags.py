"""Contracts by @tag: a part of the supergraph named by tags to include and to exclude.

The tags decide which coordinates are hidden; what follows from that for the rest of the schema (references, empty
types, interfaces) is settled where every contract is made, in ``gateway.supergraph.api_schema``, so the result is
always valid.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import TypeDefinitionNode, parse

from gateway.supergraph.features import TAG, directive_arguments, parts, read_features


@dataclass(frozen=True, slots=True)
class TaggedCoordinates:
    """The schema coordinates of a supergraph, each with its tags and those of the elements it is part of."""

    tags: dict[str, frozenset[str]]
    parents: dict[str, str]
    kinds: dict[str, str]


def read_tags(supergraph_sdl: str) -> TaggedCoordinates:
    """Read the tags of a supergraph. Raises CodedError SUPERGRAPH_INVALID when it is none."""
    document = parse(supergraph_sdl, no_location=True)
    features = read_features(document.definitions)
    tag = features.directive(TAG, TAG)
    found = TaggedCoordinates({}, {}, {})
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode) and not features.owns(node.name.value):
            for coordinate, parent, tags in _coordinates(node, tag):
                found.tags[coordinate] = tags
                found.kinds[coordinate] = node.kind
                if parent is not None:
                    found.parents[coordinate] = parent
    return found


def _coordinates(node: TypeDefinitionNode, tag: str | None) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    name = node.name.value
    yield name, None, _tags(node, tag)
    for member in (*parts(node, "fields"), *parts(node, "values")):
        coordinate = f"{name}.{member.name.value}"
        yield coordinate, name, _tags(member, tag)
        for argument in parts(member, "arguments"):
            yield f"{coordinate}({argument.name.value}:)", coordinate, _tags(argument, tag)


def _tags(node: object, tag: str | None) -> frozenset[str]:
    applied = (d for d in parts(node, "directives") if d.name.value == tag)  # type: ignore[arg-type]
    return frozenset(str(directive_arguments(d).get("name")) for d in applied)


def hidden_by_tags(
    supergraph_sdl: str, include: frozenset[str] = frozenset(), exclude: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The coordinates that a contract hides: to pass to ``contract_schema``.

    An excluded tag hides its element. With ``include``, unions and the fields of objects and interfaces are hidden too
    unless they, or the type they are part of, carry an included tag; enums, inputs and scalars stay as long as
    something visible uses them. Exclusion wins.
    Raises CodedError SUPERGRAPH_INVALID.
    """
    read = read_tags(supergraph_sdl)
    hidden = {coordinate for coordinate, tags in read.tags.items() if tags & exclude}
    if include:
        hidden |= set(_not_included(read, include))
    return frozenset(hidden)


def _not_included(read: TaggedCoordinates, include: frozenset[str]) -> Iterator[str]:
    wanted = {coordinate for coordinate, tags in read.tags.items() if tags & include}
    for coordinate, kind in read.kinds.items():
        parent = read.parents.get(coordinate)
        if kind == "union_type_definition":
            if coordinate not in wanted:
                yield coordinate
            continue
        is_field = kind in ("object_type_definition", "interface_type_definition") and parent in read.kinds
        if is_field and "(" not in coordinate and not {coordinate, parent} & wanted:
            yield coordinate
