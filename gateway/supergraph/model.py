"""The supergraph: every type of the federated schema, and which subgraph holds which part of it.

This is a faithful, read-only reading of the join specification; what it means for planning is worked out in
``gateway.query_graph``. Subgraphs are named as their departments named them, never by the ``join__Graph`` enum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from graphql import (
    DirectiveDefinitionNode,
    GraphQLSchema,
    OperationType,
    SchemaDefinitionNode,
    TypeDefinitionNode,
)

from gateway.supergraph.field_set import FieldSet


class TypeKind(StrEnum):
    """The kinds of named types (GraphQL October 2021, section 3.4)."""

    SCALAR = "scalar"
    OBJECT = "type"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT_OBJECT = "input"


@dataclass(frozen=True, slots=True)
class SubgraphEndpoint:
    """A subgraph as the supergraph lists it: its name and the address of its service (None: not given)."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A @key of a type in one subgraph. Only a ``resolvable`` key lets others enter the subgraph."""

    fields: FieldSet
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument filled from an ancestor (@fromContext): ``selection`` is read where ``context`` is set."""

    name: str
    type: str
    context: str
    selection: FieldSet


@dataclass(frozen=True, slots=True)
class FieldSource:
    """A field as one subgraph has it.

    ``type`` is the subgraph's own type where it differs from the supergraph's. ``external`` fields are declared there
    but resolved elsewhere, ``used_overridden`` ones were taken over by another subgraph; neither can be asked for,
    unless a @provides says so. ``override`` names the subgraph whose field this one replaces, from when
    ``override_label`` is active, or at once when that is None.
    """

    type: str | None = None
    external: bool = False
    requires: FieldSet = ()
    provides: FieldSet = ()
    override: str | None = None
    override_label: str | None = None
    used_overridden: bool = False
    context_arguments: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field of an object, interface or input type; ``sources`` maps subgraph names to what each has.

    ``arguments`` maps the names of arguments to their types.

    ``from_interface_object`` marks a field that no subgraph has on this very type: an @interfaceObject of one of its
    interfaces contributes it.
    """

    name: str
    type: str
    arguments: Mapping[str, str]
    sources: Mapping[str, FieldSource]
    from_interface_object: bool = False
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class TypeSource:
    """A type as one subgraph has it: its keys, the interfaces it implements there, its members or values there."""

    keys: tuple[Key, ...] = ()
    interface_object: bool = False
    interfaces: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A type whose records are aggregates: groups formed ``by`` fields, the field with their ``size``, the smallest."""

    by: frozenset[str]
    size: str
    smallest: int


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A named type; ``sources`` maps subgraph names to what each has, ``contexts`` are the @context names set on it."""

    name: str
    kind: TypeKind
    sources: Mapping[str, TypeSource]
    fields: Mapping[str, FieldDefinition] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    contexts: frozenset[str] = frozenset()
    resource: str | None = None
    aggregate: Aggregate | None = None


_ROOTS = {"Query": OperationType.QUERY, "Mutation": OperationType.MUTATION, "Subscription": OperationType.SUBSCRIPTION}


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a schema is built from: types by name, directives of operations, the schema definition if there is one."""

    types: Mapping[str, TypeDefinitionNode]
    directives: tuple[DirectiveDefinitionNode, ...] = ()
    schema: SchemaDefinitionNode | None = None

    def roots(self) -> dict[str, OperationType]:
        """The types that operations start at, by name."""
        if self.schema is not None:
            return {root.type.name.value: root.operation for root in self.schema.operation_types}
        return {name: operation for name, operation in _ROOTS.items() if name in self.types}


@dataclass(frozen=True, slots=True)
class Supergraph:
    """A composed schema.

    ``definitions`` are the schema's, without the join machinery; ``schema`` is made of them and includes what is
    @inaccessible; ``inaccessible`` are the coordinates that clients do not see. ``subgraphs`` keeps the order of
    the supergraph SDL, which decides every tie in planning.
    """

    subgraphs: Mapping[str, SubgraphEndpoint]
    types: Mapping[str, TypeDefinition]
    definitions: Definitions
    schema: GraphQLSchema
    inaccessible: frozenset[str] = frozenset()
