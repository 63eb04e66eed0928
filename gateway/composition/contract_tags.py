"""Contracts by @tag: a part of the supergraph named by tags to include and to exclude.

The tags decide which coordinates are hidden; what follows from that for the rest of the schema (references, empty
types, interfaces) is settled where every contract is made, in ``gateway.supergraph.api_schema``, so the result is
always valid.
"""

from collections.abc import Iterator

from graphql import FieldDefinitionNode, Node, TypeDefinitionNode, UnionTypeDefinitionNode, parse

from gateway.supergraph.features import TAG, directive_arguments, elements, parts, read_features


def hidden_by_tags(
    supergraph_sdl: str, include: frozenset[str] = frozenset(), exclude: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The coordinates that a contract hides: to pass to ``contract_schema``.

    An excluded tag hides its element. With ``include``, unions and the fields of objects and interfaces are hidden too
    unless they, or the type they are part of, carry an included tag; enums, inputs and scalars stay as long as
    something visible uses them. Exclusion wins.
    Raises CodedError SUPERGRAPH_INVALID.
    """
    definitions = parse(supergraph_sdl, no_location=True).definitions
    features = read_features(definitions)
    tag = features.directive(TAG, TAG)
    types = (node for node in definitions if isinstance(node, TypeDefinitionNode))
    own = (node for node in types if not features.owns(node.name.value))
    return frozenset(coordinate for node in own for coordinate in _hidden(node, tag, include, exclude))


def _hidden(
    node: TypeDefinitionNode, tag: str | None, include: frozenset[str], exclude: frozenset[str]
) -> Iterator[str]:
    of_type = _tags(node, tag)
    for coordinate, element in elements(node):
        tags = _tags(element, tag)
        is_chosen = isinstance(element, UnionTypeDefinitionNode | FieldDefinitionNode)
        if tags & exclude or (include and is_chosen and not (of_type | tags) & include):
            yield coordinate


def _tags(node: Node, tag: str | None) -> frozenset[str]:
    applied = (directive for directive in parts(node, "directives") if directive.name.value == tag)
    return frozenset(str(directive_arguments(directive).get("name")) for directive in applied)
