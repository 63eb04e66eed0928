"""Where each field can be had: the supergraph as nodes (a type in a subgraph) with fields and entries.

A *field edge* leads from a node to the type that the field returns in the same subgraph. An *entry* leads to a node
from any node of the same entity, given a key. What a supergraph leaves to interpretation is settled here once:
overrides by label, fields of @interfaceObject types, the types that a subgraph can return for an abstract type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import GraphQLOutputType

from gateway.supergraph.elements import named_type
from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.model import ContextArgument, FieldSource, Key, Supergraph, TypeDefinition, TypeKind, TypeSource

_NOWHERE = TypeSource()


class Node(NamedTuple):
    """A type as one subgraph knows it."""

    type: str
    subgraph: str


@dataclass(frozen=True, slots=True)
class FieldEdge:
    """A field that a subgraph has on a type.

    ``target`` is the named type that this subgraph returns, ``type`` the supergraph's whole type, which may be wider.
    ``external`` fields can be had only below a @provides.
    """

    name: str
    target: str
    type: GraphQLOutputType
    external: bool
    requires: FieldSet
    provides: FieldSet
    context_arguments: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A way into ``node`` for an entity: any one of ``keys``.

    ``typename`` is what representations must say: the interface's name where the node is an @interfaceObject, None
    where the object's own type is right.
    """

    node: Node
    keys: tuple[Key, ...]
    typename: str | None


@dataclass(frozen=True, slots=True)
class QueryGraph:
    """Look-ups over a supergraph for one set of active override labels; every answer is computed once."""

    supergraph: Supergraph
    labels: frozenset[str] = frozenset()
    _edges: dict[tuple[str, str, str], FieldEdge | None] = field(default_factory=dict)
    _entries: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    _possible: dict[tuple[str, str | None], frozenset[str]] = field(default_factory=dict)
    _by_field: list[dict[str, list[TypeDefinition]]] = field(default_factory=list)
    _homes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _partial: list[bool] = field(default_factory=list)
    _shapes: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def is_query_root(self, type_name: str) -> bool:
        """Whether the type is the root of queries: whatever leads to it, each subgraph can be asked for its fields."""
        root = self.supergraph.schema.query_type
        return root is not None and root.name == type_name

    def definition(self, type_name: str) -> TypeDefinition:
        """The type of that name, which must exist."""
        return self.supergraph.types[type_name]

    def is_abstract(self, type_name: str) -> bool:
        """Whether the supergraph knows the type as an interface or a union."""
        return self.definition(type_name).kind in (TypeKind.INTERFACE, TypeKind.UNION)

    def is_composite(self, type_name: str) -> bool:
        """Whether the type has selections below it."""
        definition = self.supergraph.types.get(type_name)
        return definition is not None and definition.kind in (TypeKind.OBJECT, TypeKind.INTERFACE, TypeKind.UNION)

    def is_interface_object(self, node: Node) -> bool:
        """Whether the subgraph knows the interface as an object, and so cannot tell concrete types apart."""
        return self.definition(node.type).sources.get(node.subgraph, _NOWHERE).interface_object

    def knows(self, node: Node) -> bool:
        """Whether the subgraph has the type at all."""
        definition = self.supergraph.types.get(node.type)
        return definition is not None and node.subgraph in definition.sources

    def possible(self, type_name: str, subgraph: str | None = None) -> frozenset[str]:
        """The object types that can stand where ``type_name`` does: anywhere, or in answers of ``subgraph``."""
        key = (type_name, subgraph)
        known = self._possible.get(key)
        if known is None:
            known = self._possible[key] = frozenset(self._possible_types(type_name, subgraph))
        return known

    def _possible_types(self, type_name: str, subgraph: str | None) -> Iterable[str]:
        definition = self.definition(type_name)
        if definition.kind is TypeKind.OBJECT:
            return (type_name,)
        if subgraph is not None and self.is_interface_object(Node(type_name, subgraph)):
            return self.possible(type_name)
        if definition.kind is TypeKind.UNION:
            if subgraph is None:
                return definition.members
            members = definition.sources.get(subgraph, _NOWHERE).members
            return (member for member in members if self.knows(Node(member, subgraph)))
        return (
            candidate.name
            for candidate in self.supergraph.types.values()
            if candidate.kind is TypeKind.OBJECT
            and type_name in candidate.interfaces
            and (subgraph is None or type_name in candidate.sources.get(subgraph, _NOWHERE).interfaces)
        )

    def has_partial_types(self) -> bool:
        """Whether subgraphs disagree on what can stand for some interface or union."""
        if not self._partial:
            self._partial.append(any(self._is_partial(definition) for definition in self.supergraph.types.values()))
        return self._partial[0]

    def _is_partial(self, definition: TypeDefinition) -> bool:
        if definition.kind not in (TypeKind.INTERFACE, TypeKind.UNION):
            return False
        real = (name for name, source in definition.sources.items() if not source.interface_object)
        return len({self.possible(definition.name, name) for name in real}) > 1

    def edge(self, node: Node, name: str) -> FieldEdge | None:
        """The field as the node's subgraph has it, or None where it has none."""
        key = (node.type, node.subgraph, name)
        if key not in self._edges:
            self._edges[key] = self._make_edge(node, name)
        return self._edges[key]

    def _make_edge(self, node: Node, name: str) -> FieldEdge | None:
        definition = self.definition(node.type).fields.get(name)
        source = definition.sources.get(node.subgraph) if definition else None
        if definition is None or source is None:
            return None
        declared = self.supergraph.schema.type_map[node.type].fields[name]  # type: ignore[attr-defined]
        return FieldEdge(
            name=name,
            target=named_type(source.type or definition.type),
            type=declared.type,
            external=self._is_external(node.subgraph, source, definition.sources),
            requires=source.requires,
            provides=source.provides,
            context_arguments=source.context_arguments,
        )

    def _is_external(self, subgraph: str, source: FieldSource, sources: Mapping[str, FieldSource]) -> bool:
        """Whether the field is resolved elsewhere: declared so, or overridden.

        Override moves a field between two subgraphs: at once, or while its label is active. A label stands on both
        sides: with ``override`` where the field moves to, without where it moves from.
        """
        if source.external:
            return True
        if source.override_label is not None:
            active = source.override_label in self.labels
            return active if source.override is None else not active
        if source.used_overridden:
            gated = [s.override_label for s in sources.values() if s.override == subgraph and s.override_label]
            return not gated or any(label in self.labels for label in gated)
        return any(
            other.override == subgraph and (other.override_label is None or other.override_label in self.labels)
            for other in sources.values()
        )

    def field_type(self, type_name: str, name: str) -> str:
        """The type of a field in the supergraph, such as ``[Book!]!``."""
        return self.definition(type_name).fields[name].type

    def entries(self, type_name: str) -> tuple[Entry, ...]:
        """Every node that an object of the type can be re-entered at, in the order of subgraphs."""
        known = self._entries.get(type_name)
        if known is None:
            found = [*self._own_entries(type_name)]
            for interface in self.definition(type_name).interfaces:
                found += (e for e in self._own_entries(interface) if e.typename is not None)
            order = {name: index for index, name in enumerate(self.supergraph.subgraphs)}
            known = tuple(sorted(found, key=lambda entry: order[entry.node.subgraph]))
            self._entries[type_name] = known
        return known

    def _own_entries(self, type_name: str) -> Iterable[Entry]:
        for subgraph, source in self.definition(type_name).sources.items():
            keys = tuple(key for key in source.keys if key.resolvable)
            if keys:
                yield Entry(Node(type_name, subgraph), keys, type_name if source.interface_object else None)

    def _holders(self, name: str) -> Iterable[TypeDefinition]:
        """The objects and interfaces that have a field of this name."""
        if not self._by_field:
            index: dict[str, list[TypeDefinition]] = {}
            for definition in self.supergraph.types.values():
                if definition.kind in (TypeKind.OBJECT, TypeKind.INTERFACE):
                    for field_name in definition.fields:
                        index.setdefault(field_name, []).append(definition)
            self._by_field.append(index)  # whole at once: other threads plan over the same graph
        return self._by_field[0].get(name, ())

    def homes(self, name: str) -> tuple[str, ...]:
        """Every subgraph that can answer a field of this name, on whatever type."""
        known = self._homes.get(name)
        if known is None:
            found: dict[str, None] = {}
            for definition in self._holders(name):
                sources = definition.fields[name].sources
                for subgraph, source in sources.items():
                    if not self._is_external(subgraph, source, sources):
                        found[subgraph] = None
            known = self._homes[name] = tuple(found)
        return known

    def shapes(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Types whose field ``name`` cannot share a response key in some subgraph, with what tells them apart.

        Empty for nearly every name. GraphQL October 2021, section 5.3.2 (SameResponseShape): list and non-null
        wrappers must agree, and leaf types too.
        """
        known = self._shapes.get(name)
        if known is None:
            known = self._shapes[name] = self._find_shapes(name)
        return known

    def _find_shapes(self, name: str) -> Mapping[str, tuple[str, ...]]:
        by_subgraph: dict[str, set[str]] = {}
        shapes: dict[str, dict[str, str]] = {}
        for definition in self._holders(name):
            declared = definition.fields[name]
            found = {subgraph: self._shape(each.type or declared.type) for subgraph, each in declared.sources.items()}
            shapes[definition.name] = found
            for subgraph, shape in found.items():
                by_subgraph.setdefault(subgraph, set()).add(shape)
        if all(len(same) == 1 for same in by_subgraph.values()):
            return {}
        subgraphs = self.supergraph.subgraphs
        return {holder: tuple(found.get(name, "") for name in subgraphs) for holder, found in shapes.items()}

    def _shape(self, type_text: str) -> str:
        named = named_type(type_text)
        return type_text.replace(named, "*") if self.is_composite(named) else type_text
