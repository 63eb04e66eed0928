"""Reading supergraph SDL: the join specification v0.1 to v0.5 into a Supergraph.

Older versions say less, so the reader fills in what they leave to convention: without @join__implements,
@join__unionMember or @join__enumValue a subgraph has every interface, member or value that it can have, and v0.1 has
an owner per type in place of a graph per field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    InputValueDefinitionNode,
    Node,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
    print_ast,
)

from gateway.errors import CodedError
from gateway.supergraph.errors import SUPERGRAPH_INVALID
from gateway.supergraph.features import (
    CONTEXT,
    INACCESSIBLE,
    JOIN,
    RESOURCE,
    Features,
    directive_arguments,
    parts,
    read_features,
)
from gateway.supergraph.field_set import FieldSet, FieldSetField, FieldSetFragment, parse_field_set
from gateway.supergraph.model import (
    ContextArgument,
    FieldDefinition,
    FieldSource,
    Key,
    SubgraphEndpoint,
    Supergraph,
    TypeDefinition,
    TypeKind,
    TypeSource,
)

_KIND_OF_NODE = {
    "scalar_type_definition": TypeKind.SCALAR,
    "object_type_definition": TypeKind.OBJECT,
    "interface_type_definition": TypeKind.INTERFACE,
    "union_type_definition": TypeKind.UNION,
    "enum_type_definition": TypeKind.ENUM,
    "input_object_type_definition": TypeKind.INPUT_OBJECT,
}
N = TypeVar("N", bound=Node)
# Directives of GraphQL itself that clients may see on definitions.
_STANDARD_DIRECTIVES = frozenset({"deprecated", "specifiedBy", "oneOf"})
_EXECUTABLE_LOCATIONS = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}
    | {"VARIABLE_DEFINITION"}
)


def read_supergraph(sdl: str) -> Supergraph:
    """Read supergraph SDL. Raises CodedError SUPERGRAPH_INVALID that says what is wrong and where."""
    try:
        document = parse(sdl, no_location=True)
    except GraphQLSyntaxError as error:
        at = f" (line {error.locations[0].line})" if error.locations else ""
        raise CodedError(SUPERGRAPH_INVALID, f"The supergraph is not GraphQL{at}: {error.message}") from error
    reader = _Reader.of(document)
    types = {node.name.value: reader.type(node) for node in reader.type_nodes}
    if reader.features.by_name[JOIN].version == "v0.1":
        types = {name: _with_key_fields(definition, types) for name, definition in types.items()}
    clean = _without_machinery(document, reader.features)
    try:
        schema = build_ast_schema(clean, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise CodedError(SUPERGRAPH_INVALID, f"The supergraph's types do not form a schema: {error}") from error
    return Supergraph(
        subgraphs={endpoint.name: endpoint for endpoint in reader.endpoints.values()},
        types=types,
        document=clean,
        schema=schema,
        inaccessible=frozenset(reader.inaccessible_coordinates()),
    )


@dataclass(slots=True)
class _Reader:
    """What is needed to read one definition: local directive names and the subgraphs by their enum value."""

    features: Features
    endpoints: Mapping[str, SubgraphEndpoint]
    type_nodes: tuple[TypeDefinitionNode, ...]
    inaccessible: str | None
    _names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: DocumentNode) -> "_Reader":
        features = read_features(document)
        join = features.by_name[JOIN]
        endpoints: dict[str, SubgraphEndpoint] = {}
        for node in document.definitions:
            if isinstance(node, EnumTypeDefinitionNode) and node.name.value == join.type("Graph"):
                for value in parts(node, "values"):
                    for arguments in _applied(value, join.directive("graph")):
                        endpoint = SubgraphEndpoint(arguments["name"], arguments.get("url") or None)
                        endpoints[value.name.value] = endpoint
        if not endpoints:
            raise CodedError(
                SUPERGRAPH_INVALID, f"The supergraph lists no subgraphs: enum {join.type('Graph')} is missing."
            )
        type_nodes = tuple(
            node
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode) and not features.owns(node.name.value)
        )
        return cls(features, endpoints, type_nodes, features.directive(INACCESSIBLE, INACCESSIBLE))

    def join(self, node: Node, own_name: str) -> list[dict[str, Any]]:
        local = self._names.setdefault(own_name, self.features.by_name[JOIN].directive(own_name))
        return _applied(node, local)

    def subgraph(self, graph: str, where: str) -> str:
        endpoint = self.endpoints.get(graph)
        if endpoint is None:
            raise CodedError(
                SUPERGRAPH_INVALID, f"{where} belongs to graph {graph}, which the supergraph does not list."
            )
        return endpoint.name

    def type(self, node: TypeDefinitionNode) -> TypeDefinition:
        name, kind = node.name.value, _KIND_OF_NODE[node.kind]
        interfaces = tuple(i.name.value for i in parts(node, "interfaces"))
        members = tuple(t.name.value for t in parts(node, "types")) if isinstance(node, UnionTypeDefinitionNode) else ()
        values = tuple(v.name.value for v in parts(node, "values")) if isinstance(node, EnumTypeDefinitionNode) else ()
        sources = self._type_sources(node, interfaces, members, values)
        owner = next((self.subgraph(o["graph"], name) for o in self.join(node, "owner")), None)
        return TypeDefinition(
            name=name,
            kind=kind,
            sources=sources,
            fields={f.name.value: self._field(name, f, sources, owner) for f in parts(node, "fields")},
            interfaces=interfaces,
            members=members,
            values=values,
            contexts=frozenset(c["name"] for c in self._feature(node, CONTEXT)),
            inaccessible=self._is_inaccessible(node),
            resource=self._resource(node),
        )

    def _feature(self, node: Node, feature: str) -> list[dict[str, Any]]:
        local = self.features.directive(feature, feature)
        return _applied(node, local) if local else []

    def _is_inaccessible(self, node: Node) -> bool:
        return bool(self._feature(node, INACCESSIBLE))

    def _resource(self, node: Node) -> str | None:
        return next((r["code"] for r in self._feature(node, RESOURCE)), None)

    def _type_sources(
        self, node: TypeDefinitionNode, interfaces: tuple[str, ...], members: tuple[str, ...], values: tuple[str, ...]
    ) -> dict[str, TypeSource]:
        name = node.name.value
        keys: dict[str, list[Key]] = {}
        interface_objects: set[str] = set()
        for arguments in self.join(node, "type"):
            graph = self.subgraph(arguments["graph"], name)
            keys.setdefault(graph, [])
            if arguments.get("isInterfaceObject"):
                interface_objects.add(graph)
            if arguments.get("key"):
                fields = parse_field_set(arguments["key"], f"@key of {name} in {graph}")
                key = Key(fields, bool(arguments.get("resolvable", True)))
                if key not in keys[graph]:
                    keys[graph].append(key)
        if not keys:  # v0.1 lists no graph for value types: every subgraph has them
            keys = {endpoint.name: [] for endpoint in self.endpoints.values()}
        interfaces_of = self._per_graph(node, "implements", "interface", interfaces, name)
        members_of = self._per_graph(node, "unionMember", "member", members, name)
        values_of: dict[str, frozenset[str]] = {}
        if isinstance(node, EnumTypeDefinitionNode):
            values_of = self._enum_values(node, values)
        return {
            graph: TypeSource(
                keys=tuple(keys[graph]),
                interface_object=graph in interface_objects,
                interfaces=interfaces_of.get(graph, frozenset()),
                members=members_of.get(graph, frozenset()),
                values=values_of.get(graph, frozenset()),
            )
            for graph in _in_order(keys, self.endpoints)
        }

    def _per_graph(
        self, node: Node, directive: str, argument: str, everything: tuple[str, ...], where: str
    ) -> dict[str, frozenset[str]]:
        applied = self.join(node, directive)
        if not applied:
            return {endpoint.name: frozenset(everything) for endpoint in self.endpoints.values()}
        found: dict[str, set[str]] = {}
        for arguments in applied:
            found.setdefault(self.subgraph(arguments["graph"], where), set()).add(arguments[argument])
        return {graph: frozenset(names) for graph, names in found.items()}

    def _enum_values(self, node: EnumTypeDefinitionNode, values: tuple[str, ...]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for value in parts(node, "values"):
            for arguments in self.join(value, "enumValue"):
                graph = self.subgraph(arguments["graph"], f"{node.name.value}.{value.name.value}")
                found.setdefault(graph, set()).add(value.name.value)
        if not found:
            return {endpoint.name: frozenset(values) for endpoint in self.endpoints.values()}
        return {graph: frozenset(names) for graph, names in found.items()}

    def _field(
        self,
        parent: str,
        node: FieldDefinitionNode | InputValueDefinitionNode,
        type_sources: Mapping[str, TypeSource],
        owner: str | None,
    ) -> FieldDefinition:
        where = f"{parent}.{node.name.value}"
        applied = self.join(node, "field")
        sources: dict[str, FieldSource] = {}
        for arguments in applied:
            if arguments.get("graph"):
                graph = self.subgraph(arguments["graph"], where)
                sources[graph] = self._field_source(arguments, f"{where} in {graph}")
            elif owner is not None:
                sources[owner] = self._field_source(arguments, f"{where} in {owner}")
        if not applied:
            sources = {graph: FieldSource() for graph in ([owner] if owner else type_sources)}
        return FieldDefinition(
            name=node.name.value,
            type=print_ast(node.type),
            arguments=tuple(argument.name.value for argument in parts(node, "arguments")),
            sources={graph: sources[graph] for graph in _in_order(sources, self.endpoints)},
            from_interface_object=bool(applied) and not sources,
            inaccessible=self._is_inaccessible(node),
            resource=self._resource(node),
        )

    def _field_source(self, arguments: Mapping[str, Any], where: str) -> FieldSource:
        requires, provides = arguments.get("requires"), arguments.get("provides")
        return FieldSource(
            type=arguments.get("type"),
            external=bool(arguments.get("external")),
            requires=parse_field_set(requires, f"@requires of {where}") if requires else (),
            provides=parse_field_set(provides, f"@provides of {where}") if provides else (),
            override=arguments.get("override"),
            override_label=arguments.get("overrideLabel"),
            used_overridden=bool(arguments.get("usedOverridden")),
            context_arguments=tuple(
                ContextArgument(
                    name=entry["name"],
                    type=entry["type"],
                    context=entry["context"],
                    selection=parse_field_set(entry["selection"], f"@fromContext of {where}({entry['name']}:)"),
                )
                for entry in arguments.get("contextArguments") or ()
            ),
        )

    def inaccessible_coordinates(self) -> Iterable[str]:
        for node in self.type_nodes:
            name = node.name.value
            if self._is_inaccessible(node):
                yield name
            for member in (*parts(node, "fields"), *parts(node, "values")):
                if self._is_inaccessible(member):
                    yield f"{name}.{member.name.value}"
                for argument in parts(member, "arguments"):
                    if self._is_inaccessible(argument):
                        yield f"{name}.{member.name.value}({argument.name.value}:)"


def _applied(node: Node, directive: str) -> list[dict[str, Any]]:
    return [directive_arguments(d) for d in parts(node, "directives") if d.name.value == directive]


def _in_order(names: Iterable[str], endpoints: Mapping[str, SubgraphEndpoint]) -> list[str]:
    wanted = set(names)
    return [endpoint.name for endpoint in endpoints.values() if endpoint.name in wanted]


def _with_key_fields(definition: TypeDefinition, types: Mapping[str, TypeDefinition]) -> TypeDefinition:
    """v0.1 names a key field's owner alone; a subgraph that has the key has the field too."""
    fields = dict(definition.fields)
    for graph, source in definition.sources.items():
        for name in {name for key in source.keys for name in _top_fields(key.fields)}:
            known = fields.get(name)
            if known is not None and graph not in known.sources:
                fields[name] = replace(known, sources={**known.sources, graph: FieldSource()})
    return replace(definition, fields=fields)


def _top_fields(fields: FieldSet) -> Iterable[str]:
    for selection in fields:
        if isinstance(selection, FieldSetField):
            yield selection.name
        elif isinstance(selection, FieldSetFragment):
            yield from _top_fields(selection.selections)


def _without_machinery(document: DocumentNode, features: Features) -> DocumentNode:
    """The definitions alone: no linked specification's types and directives, nothing applied but GraphQL's own."""
    return DocumentNode(
        definitions=tuple(_clean(node, features) for node in document.definitions if _stays(node, features))
    )


def _stays(node: DefinitionNode, features: Features) -> bool:
    if isinstance(node, DirectiveDefinitionNode):
        executable = any(location.value in _EXECUTABLE_LOCATIONS for location in node.locations)
        return executable and not features.owns(node.name.value)
    if isinstance(node, TypeDefinitionNode):
        return not features.owns(node.name.value)
    return isinstance(node, SchemaDefinitionNode)


def _clean(node: N, features: Features) -> N:
    """A copy of a definition, and of all below it, with GraphQL's own directives alone."""
    changes: dict[str, Any] = {}
    if hasattr(node, "directives"):
        changes["directives"] = tuple(d for d in parts(node, "directives") if d.name.value in _STANDARD_DIRECTIVES)
    for part in ("fields", "values", "arguments"):
        if parts(node, part):
            changes[part] = tuple(_clean(child, features) for child in parts(node, part))
    return _copy(node, changes)


def _copy(node: N, changes: dict[str, Any]) -> N:
    return type(node)(**{key: changes.get(key, getattr(node, key, None)) for key in node.keys})
