"""Which directive of a supergraph means what: directives are bound by the identity of their specification (@link),
never by their name, for a schema may rename what it imports.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql.language import ast
from graphql.utilities import value_from_ast_untyped

from gateway.errors import CodedError
from gateway.supergraph.errors import SUPERGRAPH_INVALID

JOIN = "join"
LINK = "link"
INACCESSIBLE = "inaccessible"
TAG = "tag"
CONTEXT = "context"
RESOURCE = "resource"
AGGREGATE = "aggregate"
_URL = re.compile(r"^(?P<identity>.+/(?P<name>[^/]+))/v(?P<major>\d+)\.(?P<minor>\d+)/?$")
_READ_JOIN_VERSIONS = ("v0.1", "v0.2", "v0.3", "v0.4", "v0.5")


@dataclass(frozen=True, slots=True)
class Link:
    """One specification as a schema links it.

    ``imports`` maps its own names (directives with ``@``) to the local ones; ``prefix`` begins the others.
    """

    url: str
    identity: str
    name: str
    major: int
    minor: int
    prefix: str
    purpose: str | None
    imports: Mapping[str, str]
    line: int | None = None

    @classmethod
    def to(
        cls,
        url: str,
        prefix: str | None = None,
        purpose: str | None = None,
        imports: Mapping[str, str] | None = None,
    ) -> "Link":
        """A link to ``url``, which may have no version; the prefix is the specification's name if none is given."""
        match = _URL.match(url)
        identity, version = (match["identity"], (match["major"], match["minor"])) if match else (url, (0, 0))
        name = identity.rstrip("/").rpartition("/")[2]
        return cls(url, identity, name, int(version[0]), int(version[1]), prefix or name, purpose, imports or {})

    @property
    def is_versioned(self) -> bool:
        """Whether the URL ends in a version, as it must in a subgraph."""
        return self.identity != self.url

    @property
    def version(self) -> str:
        """As specifications write it: ``v2.3``."""
        return f"v{self.major}.{self.minor}"

    def directive(self, own: str) -> str:
        """What directive ``own`` is called here, without ``@``."""
        imported = self.imports.get(f"@{own}")
        if imported is not None:
            return imported.removeprefix("@")
        return self.prefix if own == self.name else f"{self.prefix}__{own}"

    def type(self, own: str) -> str:
        """What type ``own`` is called here."""
        return self.imports.get(own, f"{self.prefix}__{own}")

    def own(self, local: str) -> str | None:
        """What the directive called ``local`` here is in the specification; None if it is not one of its."""
        for name, alias in self.imports.items():
            if alias == f"@{local}":
                return name[1:]
        if local == self.prefix and f"@{self.name}" not in self.imports:
            return self.name
        if local.startswith(f"{self.prefix}__"):
            own = local[len(self.prefix) + 2 :]
            return own if f"@{own}" not in self.imports else None
        return None

    def written(self) -> str:
        """The directive as GraphQL text."""
        said = [f'url: "{self.url}"']
        if self.prefix != self.name:
            said.append(f'as: "{self.prefix}"')
        if self.purpose:
            said.append(f"for: {self.purpose}")
        if self.imports:
            entries = (f'"{o}"' if o == name else f'{{name: "{o}", as: "{name}"}}' for o, name in self.imports.items())
            said.append(f"import: [{', '.join(entries)}]")
        return f"@link({', '.join(said)})"


@dataclass(frozen=True, slots=True)
class Features:
    """All specifications that a supergraph links, by their own name."""

    by_name: Mapping[str, Link]

    def directive(self, feature: str, own_name: str) -> str | None:
        """The local name of a directive, or None when its specification is not linked."""
        linked = self.by_name.get(feature)
        return linked.directive(own_name) if linked else None

    def owns(self, name: str) -> bool:
        """Whether a directive or type of this local name belongs to a linked specification, not to the schema."""
        prefix, separator, _ = name.partition("__")
        return any(
            (separator and prefix == feature.prefix)
            or name == feature.prefix
            or not {name, f"@{name}"}.isdisjoint(feature.imports.values())
            for feature in self.by_name.values()
        )


def parts(node: ast.Node, name: str) -> tuple[Any, ...]:
    """The nodes listed under ``name`` of a definition; graphql-core leaves None, or nothing, where there are none."""
    return getattr(node, name, None) or ()


def elements(node: ast.TypeDefinitionNode) -> Iterator[tuple[str, Any]]:
    """A type and all in it, each with its schema coordinate."""
    name = node.name.value
    yield name, node
    for member in (*parts(node, "fields"), *parts(node, "values")):
        yield f"{name}.{member.name.value}", member
        for argument in parts(member, "arguments"):
            yield f"{name}.{member.name.value}({argument.name.value}:)", argument


def mentioned(value: ast.ConstValueNode, type_name: str, field_type: Callable[[str, str], str]) -> Iterator[str]:
    """The coordinates of enum values and input fields in a constant; ``field_type`` names an input field's type."""
    if isinstance(value, ast.EnumValueNode):
        yield f"{type_name}.{value.value}"
    elif isinstance(value, ast.ListValueNode):
        for item in value.values:
            yield from mentioned(item, type_name, field_type)
    elif isinstance(value, ast.ObjectValueNode):
        for entry in value.fields:
            yield f"{type_name}.{entry.name.value}"
            yield from mentioned(entry.value, field_type(type_name, entry.name.value), field_type)


def directive_arguments(node: ast.ConstDirectiveNode) -> dict[str, Any]:
    """The arguments of an applied directive as plain values; enum values as their names."""
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in parts(node, "arguments")}


def read_features(definitions: Iterable[ast.DefinitionNode]) -> Features:
    """Read @link and the older @core of a supergraph. Raises CodedError SUPERGRAPH_INVALID without a join spec."""
    features: dict[str, Link] = {}
    for definition in definitions:
        if isinstance(definition, ast.SchemaDefinitionNode | ast.SchemaExtensionNode):
            for arguments in map(directive_arguments, parts(definition, "directives")):
                url = arguments.get("url") or arguments.get("feature")
                if isinstance(url, str):
                    imports = _imports(arguments.get("import") or ())
                    link = Link.to(url, arguments.get("as"), imports=imports)
                    features.setdefault(link.name, link)
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


def _imports(entries: Iterable[Any]) -> dict[str, str]:
    written = (entry if isinstance(entry, dict) else {"name": entry} for entry in entries)
    return {entry["name"]: entry.get("as") or entry["name"] for entry in written}
