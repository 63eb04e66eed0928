"""The schema that clients see: the supergraph without what is @inaccessible, and without what a contract hides.

Hiding one thing can make another impossible: a field without its type, a required argument that nobody may give, an
object that lacks a field of its interface, a type with nothing left in it. The rules below are applied until nothing
changes, so the result is a valid schema whatever was hidden. An interface's field goes when an implementer's field
goes: through the interface, the hidden value could be read after all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from graphql import (
    ConstValueNode,
    DirectiveDefinitionNode,
    EnumValueNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectValueNode,
    OperationType,
    OperationTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeNode,
    specified_scalar_types,
)

from gateway.supergraph.features import copy_node, parts
from gateway.supergraph.lazy_schema import LazySchema
from gateway.supergraph.model import Definitions, Supergraph

_OWN = ("fields", "values")
NOTHING = "_nothing"
"""The one field of a Query type from which everything is hidden: GraphQL knows no empty types. It answers null."""


def api_schema(supergraph: Supergraph) -> GraphQLSchema:
    """The schema of a caller who may see all that is not @inaccessible."""
    return contract_schema(supergraph, frozenset())


def contract_schema(supergraph: Supergraph, hidden: frozenset[str]) -> GraphQLSchema:
    """The schema of a caller to whom ``hidden`` does not exist.

    ``hidden`` are schema coordinates: ``Type``, ``Type.field``, ``Type.field(argument:)``, ``Enum.VALUE``,
    ``Input.field``. Unknown coordinates hide nothing. The result is always a valid schema.
    """
    all_hidden = supergraph.inaccessible | hidden
    if not all_hidden:
        return supergraph.schema
    contract = _Contract(supergraph.definitions, supergraph.definitions.roots(), set(all_hidden))
    return contract.settled()


def _named(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value


def _is_required(node: InputValueDefinitionNode) -> bool:
    return isinstance(node.type, NonNullTypeNode) and node.default_value is None


@dataclass(slots=True)
class _Contract:
    """The coordinates hidden so far; grows until every rule holds."""

    definitions: Definitions
    roots: Mapping[str, OperationType]
    hidden: set[str]
    _changed: bool = field(default=False)
    _lost_type: bool = field(default=False)

    @property
    def types(self) -> Mapping[str, TypeDefinitionNode]:
        """Every type, hidden or not."""
        return self.definitions.types

    def settled(self) -> GraphQLSchema:
        """The schema that is left when every rule holds."""
        scalars = self._settle()
        queries = {name for name, operation in self.roots.items() if operation is OperationType.QUERY}
        left = Definitions(
            {name: node for name, node in self.types.items() if name not in self.hidden or name in queries},
            tuple(node for node in self.definitions.directives if not self._takes_hidden(node)),
            self._schema(self.definitions.schema) if self.definitions.schema is not None else None,
        )
        return LazySchema(left, scalars, self._shown)

    def _settle(self) -> frozenset[str]:
        """Apply every rule until nothing changes, then hide what only hidden things led to; the scalars mentioned."""
        before = self._reachable(self.roots, lambda coordinate: True)
        # What nothing ever led to stays as it is, and so does what it leads to.
        starts = [*self.roots, *(self.types.keys() - before)]
        # An implementer that goes altogether takes nothing from its interfaces, so implementations are looked at only
        # when it is settled which types stay.
        self._settle_types()
        while self._settle_implementations():
            self._settle_types()
        after = self._reachable(starts, self._visible)
        self.hidden |= (before - after) & self.types.keys()
        return frozenset(after & specified_scalar_types.keys())

    def _takes_hidden(self, node: DirectiveDefinitionNode) -> bool:
        return any(_named(argument.type) in self.hidden for argument in parts(node, "arguments"))

    def _settle_types(self) -> None:
        """Apply the rules of single types until no type goes: nothing else that goes changes other types."""
        self._lost_type = True
        while self._lost_type:
            self._lost_type = False
            for name, node in self.types.items():
                if name not in self.hidden:
                    self._settle_type(name, node)

    def _settle_implementations(self) -> bool:
        """Apply the rule of implementations until nothing changes; says whether anything did."""
        before = len(self.hidden)
        self._changed = True
        while self._changed:
            self._changed = False
            for name, node in self.types.items():
                if name not in self.hidden and parts(node, "interfaces"):
                    self._settle_implementation(node)  # type: ignore[arg-type]
        return len(self.hidden) > before

    def _visible(self, coordinate: str) -> bool:
        return coordinate not in self.hidden

    def _hide(self, coordinate: str) -> None:
        if coordinate not in self.hidden:
            self.hidden.add(coordinate)
            self._changed = True
            self._lost_type |= "." not in coordinate

    def _settle_type(self, name: str, node: TypeDefinitionNode) -> None:
        is_input = isinstance(node, InputObjectTypeDefinitionNode)
        for member in parts(node, "fields"):
            coordinate = f"{name}.{member.name.value}"
            if _named(member.type) in self.hidden:
                self._hide(coordinate)
            if is_input and coordinate in self.hidden and _is_required(member):
                self._hide(name)
            for argument in parts(member, "arguments"):
                argument_coordinate = f"{coordinate}({argument.name.value}:)"
                if _named(argument.type) in self.hidden:
                    self._hide(argument_coordinate)
                if argument_coordinate in self.hidden and _is_required(argument):
                    self._hide(coordinate)
        is_scalar = isinstance(node, ScalarTypeDefinitionNode)
        if not is_scalar and self.roots.get(name) is not OperationType.QUERY and self._is_empty(node):
            self._hide(name)

    def _is_empty(self, node: TypeDefinitionNode) -> bool:
        name = node.name.value
        members = (f"{name}.{member.name.value}" for part in _OWN for member in parts(node, part))
        types = (named.name.value for named in parts(node, "types"))
        return all(map(self.hidden.__contains__, chain(members, types)))

    def _content(self, node: TypeDefinitionNode) -> dict[str, tuple[Any, ...]]:
        """What a type consists of, as far as it is not hidden."""
        name = node.name.value
        members = {part: [n for n in parts(node, part) if f"{name}.{n.name.value}" not in self.hidden] for part in _OWN}
        types = [named for named in parts(node, "types") if named.name.value not in self.hidden]
        return {part: tuple(nodes) for part, nodes in {**members, "types": types}.items() if hasattr(node, part)}

    def _fields(self, node: TypeDefinitionNode) -> tuple[Any, ...]:
        return self._content(node).get("fields", ())

    def _arguments(self, parent: str, node: FieldDefinitionNode) -> list[InputValueDefinitionNode]:
        prefix = f"{parent}.{node.name.value}"
        return [
            argument for argument in parts(node, "arguments") if f"{prefix}({argument.name.value}:)" not in self.hidden
        ]

    def _settle_implementation(self, node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode) -> None:
        name = node.name.value
        own = {member.name.value: member for member in self._fields(node)}
        for implemented in parts(node, "interfaces"):
            interface = self.types.get(implemented.name.value)
            if not isinstance(interface, InterfaceTypeDefinitionNode) or implemented.name.value in self.hidden:
                continue
            for expected in self._fields(interface):
                actual = own.get(expected.name.value)
                if actual is None:
                    self._hide(f"{implemented.name.value}.{expected.name.value}")
                    continue
                self._match_arguments(name, actual, implemented.name.value, expected)

    def _match_arguments(
        self, name: str, actual: FieldDefinitionNode, interface: str, expected: FieldDefinitionNode
    ) -> None:
        theirs = {argument.name.value: argument for argument in self._arguments(interface, expected)}
        ours = {argument.name.value: argument for argument in self._arguments(name, actual)}
        for missing in theirs.keys() - ours.keys():
            self._hide(f"{interface}.{expected.name.value}({missing}:)")
        for extra in ours.keys() - theirs.keys():
            if _is_required(ours[extra]):
                self._hide(f"{name}.{actual.name.value}({extra}:)")

    def _reachable(self, starts: Iterable[str], visible: Callable[[str], bool]) -> set[str]:
        implementers: dict[str, list[str]] = {}
        for name, node in self.types.items():
            for interface in parts(node, "interfaces"):
                implementers.setdefault(interface.name.value, []).append(name)
        reached: set[str] = set()
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in reached or not visible(name):
                continue
            reached.add(name)
            if name in self.types:
                waiting.extend(self._leads_to(self.types[name], visible))
                waiting.extend(implementers.get(name, ()))
        return reached

    def _leads_to(self, node: TypeDefinitionNode, visible: Callable[[str], bool]) -> Iterator[str]:
        name = node.name.value
        for part in (*parts(node, "interfaces"), *parts(node, "types")):
            yield part.name.value
        for member in parts(node, "fields"):
            if visible(f"{name}.{member.name.value}"):
                yield _named(member.type)
                for argument in parts(member, "arguments"):
                    if visible(f"{name}.{member.name.value}({argument.name.value}:)"):
                        yield _named(argument.type)

    def _schema(self, node: SchemaDefinitionNode) -> SchemaDefinitionNode:
        def stays(root: OperationTypeDefinitionNode) -> bool:
            return root.operation is OperationType.QUERY or root.type.name.value not in self.hidden

        return copy_node(node, {"operation_types": tuple(root for root in node.operation_types if stays(root))})

    def _shown(self, node: TypeDefinitionNode) -> TypeDefinitionNode:
        """What is left of a type."""
        name = node.name.value
        if name in self.hidden:  # only a Query type stays without anything
            return copy_node(node, {"fields": (_nothing(),), "interfaces": ()})
        content = self._content(node)
        if isinstance(node, InputObjectTypeDefinitionNode):
            content["fields"] = self._inputs(content["fields"])
        elif isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            fields = content["fields"] or (_nothing(),)
            content["fields"] = tuple(
                copy_node(member, {"arguments": self._inputs(self._arguments(name, member))}) for member in fields
            )
            content["interfaces"] = tuple(i for i in parts(node, "interfaces") if i.name.value not in self.hidden)
        return copy_node(node, content) if content else node

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode]) -> tuple[InputValueDefinitionNode, ...]:
        """Inputs without the defaults that name something hidden; the subgraph applies its default all the same."""
        return tuple(
            _without_default(node)
            if node.default_value is not None and self._names_hidden(node.default_value, _named(node.type))
            else node
            for node in nodes
        )

    def _names_hidden(self, value: ConstValueNode, type_name: str) -> bool:
        if isinstance(value, EnumValueNode):
            return f"{type_name}.{value.value}" in self.hidden
        if isinstance(value, ListValueNode):
            return any(self._names_hidden(item, type_name) for item in value.values)
        declared = self.types.get(type_name)
        if isinstance(value, ObjectValueNode) and isinstance(declared, InputObjectTypeDefinitionNode):
            types = {member.name.value: _named(member.type) for member in parts(declared, "fields")}
            return any(
                f"{type_name}.{entry.name.value}" in self.hidden
                or self._names_hidden(entry.value, types.get(entry.name.value, ""))
                for entry in value.fields
            )
        return False


def _without_default(node: InputValueDefinitionNode) -> InputValueDefinitionNode:
    # A default made the input optional, so it stays optional, although clients no longer see the value.
    type_node = node.type.type if isinstance(node.type, NonNullTypeNode) else node.type
    return copy_node(node, {"default_value": None, "type": type_node})


def _nothing() -> FieldDefinitionNode:
    return FieldDefinitionNode(
        name=NameNode(value=NOTHING),
        description=StringValueNode(value="Always null: this caller may see nothing of the schema.", block=False),
        type=NamedTypeNode(name=NameNode(value="Boolean")),
        arguments=(),
        directives=(),
    )
