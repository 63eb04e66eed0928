"""Which directive of a supergraph means what: directives are bound by the identity of their specification (@link),
never by their name, for a schema may rename what it imports.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
)
from graphql.utilities import value_from_ast_untyped

from gateway.errors import CodedError
from gateway.supergraph.errors import SUPERGRAPH_INVALID

N = TypeVar("N", bound=Node)
JOIN = "join"
LINK = "link"
INACCESSIBLE = "inaccessible"
TAG = "tag"
CONTEXT = "context"
RESOURCE = "resource"
AGGREGATE = "aggregate"
_READ_JOIN_VERSIONS = ("v0.1", "v0.2", "v0.3", "v0.4", "v0.5")


@dataclass(frozen=True, slots=True)
class LinkedFeature:
    """One specification that the schema links: its own name, version, the name it goes by here, and its imports."""

    name: str
    version: str
    local_name: str
    imports: Mapping[str, str]

    def directive(self, own_name: str) -> str:
        """What the directive ``@own_name`` of the specification is called in this schema."""
        imported = self.imports.get(f"@{own_name}")
        if imported is not None:
            return imported.removeprefix("@")
        return self.local_name if own_name == self.name else f"{self.local_name}__{own_name}"

    def type(self, own_name: str) -> str:
        """What the type ``own_name`` of the specification is called in this schema."""
        return self.imports.get(own_name, f"{self.local_name}__{own_name}")


@dataclass(frozen=True, slots=True)
class Features:
    """All specifications that a supergraph links, by their own name."""

    by_name: Mapping[str, LinkedFeature]

    def directive(self, feature: str, own_name: str) -> str | None:
        """The local name of a directive, or None when its specification is not linked."""
        linked = self.by_name.get(feature)
        return linked.directive(own_name) if linked else None

    def owns(self, name: str) -> bool:
        """Whether a directive or type of this local name belongs to a linked specification, not to the schema."""
        prefix = name.split("__", 1)[0] if "__" in name else None
        for feature in self.by_name.values():
            if prefix == feature.local_name or name == feature.local_name:
                return True
            if name in feature.imports.values() or f"@{name}" in feature.imports.values():
                return True
        return False


def parts(node: Node, name: str) -> tuple[Any, ...]:
    """The nodes listed under ``name`` of a definition; graphql-core leaves None, or nothing, where there are none."""
    return getattr(node, name, None) or ()


def elements(node: TypeDefinitionNode) -> Iterator[tuple[str, Any]]:
    """A type and all in it, each with its schema coordinate."""
    name = node.name.value
    yield name, node
    for member in (*parts(node, "fields"), *parts(node, "values")):
        yield f"{name}.{member.name.value}", member
        for argument in parts(member, "arguments"):
            yield f"{name}.{member.name.value}({argument.name.value}:)", argument


def copy_node(node: N, changes: Mapping[str, Any]) -> N:
    """A copy of a syntax node with other values for some of its keys."""
    return type(node)(**{key: changes.get(key, getattr(node, key, None)) for key in node.keys})


def directive_arguments(node: ConstDirectiveNode) -> dict[str, Any]:
    """The arguments of an applied directive as plain values; enum values as their names."""
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in parts(node, "arguments")}


def read_features(definitions: Iterable[DefinitionNode]) -> Features:
    """Read @link and the older @core of a supergraph. Raises CodedError SUPERGRAPH_INVALID without a join spec."""
    features: dict[str, LinkedFeature] = {}
    for arguments in _links(definitions):
        feature = _feature(arguments)
        features.setdefault(feature.name, feature)
    join = features.get(JOIN)
    if join is None:
        raise CodedError(
            SUPERGRAPH_INVALID,
            "The schema links no join specification, so it is no supergraph: was a subgraph's schema given instead?",
        )
    if join.version not in _READ_JOIN_VERSIONS:
        known = ", ".join(_READ_JOIN_VERSIONS)
        raise CodedError(SUPERGRAPH_INVALID, f"The supergraph uses join/{join.version}; readable are {known}.")
    return Features(features)


def _links(definitions: Iterable[DefinitionNode]) -> Iterable[dict[str, Any]]:
    for definition in definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            for directive in parts(definition, "directives"):
                arguments = directive_arguments(directive)
                url = arguments.get("url") or arguments.get("feature")
                if isinstance(url, str):
                    yield {**arguments, "url": url}


def _feature(arguments: dict[str, Any]) -> LinkedFeature:
    parts = arguments["url"].rstrip("/").split("/")
    versioned = len(parts) > 1 and parts[-1].startswith("v") and parts[-1][1:2].isdigit()
    name, version = (parts[-2], parts[-1]) if versioned else (parts[-1], "")
    imports: dict[str, str] = {}
    for entry in arguments.get("import") or ():
        if isinstance(entry, dict):
            imports[entry["name"]] = entry.get("as") or entry["name"]
        else:
            imports[entry] = entry
    return LinkedFeature(name, version, arguments.get("as") or name, imports)
