"""The schema that clients see: the supergraph without what is @inaccessible, and without what a contract hides.

Hiding one thing can make another impossible: a field without its type, a required argument that nobody may give, an
object that lacks a field of its interface, a type with nothing left in it. The rules below are applied until nothing
changes, so the result is a valid schema whatever was hidden. An interface's field goes when an implementer's field
goes: through the interface, the hidden value could be read after all.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from graphql import GraphQLSchema, OperationType, specified_scalar_types
from graphql.language import ast

from gateway.supergraph.features import parts
from gateway.supergraph.lazy_schema import LazySchema, Visible, named_of
from gateway.supergraph.model import Definitions, Supergraph

_OWN = ("fields", "values")


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
    return _Contract(supergraph.definitions, set(all_hidden)).settled()


def _is_required(node: ast.InputValueDefinitionNode) -> bool:
    return isinstance(node.type, ast.NonNullTypeNode) and node.default_value is None


class _Contract:
    """The coordinates hidden so far; grows until every rule holds."""

    def __init__(self, definitions: Definitions, hidden: set[str]) -> None:
        self.definitions, self.types, self.roots = definitions, definitions.types, definitions.roots()
        self.hidden, self.visible = hidden, Visible(hidden)
        self._changed = self._lost_type = False

    def settled(self) -> GraphQLSchema:
        """The schema that is left when every rule holds."""
        scalars = self._settle()
        queries = {name for name, operation in self.roots.items() if operation is OperationType.QUERY}
        left = replace(
            self.definitions,
            types={name: node for name, node in self.types.items() if name not in self.hidden or name in queries},
            directives=tuple(node for node in self.definitions.directives if not self._takes_hidden(node)),
        )
        return LazySchema(left, scalars, self.hidden)

    def _settle(self) -> frozenset[str]:
        """Apply every rule until nothing changes, then hide what only hidden things led to; the scalars mentioned."""
        before = self._reachable(self.roots, Visible(frozenset()))
        # What nothing ever led to stays as it is, and so does what it leads to.
        starts = [*self.roots, *(self.types.keys() - before)]
        # An implementer that goes altogether takes nothing from its interfaces, so implementations are looked at only
        # when it is settled which types stay.
        self._settle_types()
        while self._settle_implementations():
            self._settle_types()
        after = self._reachable(starts, self.visible)
        self.hidden |= (before - after) & self.types.keys()
        return frozenset(after & specified_scalar_types.keys())

    def _takes_hidden(self, node: ast.DirectiveDefinitionNode) -> bool:
        return any(named_of(argument.type) in self.hidden for argument in parts(node, "arguments"))

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
                    self._settle_implementation(node)
        return len(self.hidden) > before

    def _hide(self, coordinate: str) -> None:
        if coordinate not in self.hidden:
            self.hidden.add(coordinate)
            self._changed = True
            self._lost_type |= "." not in coordinate

    def _settle_type(self, name: str, node: ast.TypeDefinitionNode) -> None:
        is_input = isinstance(node, ast.InputObjectTypeDefinitionNode)
        for member in parts(node, "fields"):
            coordinate = f"{name}.{member.name.value}"
            if named_of(member.type) in self.hidden:
                self._hide(coordinate)
            if is_input and coordinate in self.hidden and _is_required(member):
                self._hide(name)
            for argument in parts(member, "arguments"):
                argument_coordinate = f"{coordinate}({argument.name.value}:)"
                if named_of(argument.type) in self.hidden:
                    self._hide(argument_coordinate)
                if argument_coordinate in self.hidden and _is_required(argument):
                    self._hide(coordinate)
        is_scalar = isinstance(node, ast.ScalarTypeDefinitionNode)
        if not is_scalar and self.roots.get(name) is not OperationType.QUERY and self._is_empty(node):
            self._hide(name)

    def _is_empty(self, node: ast.TypeDefinitionNode) -> bool:
        name = node.name.value
        members = (f"{name}.{member.name.value}" for part in _OWN for member in parts(node, part))
        types = (named.name.value for named in parts(node, "types"))
        return all(map(self.hidden.__contains__, chain(members, types)))

    def _settle_implementation(self, node: ast.TypeDefinitionNode) -> None:
        own = {member.name.value: member for member in self.visible.members(node, "fields")}
        for name in self.visible.types(node, "interfaces"):
            interface = self.types.get(name)
            if isinstance(interface, ast.InterfaceTypeDefinitionNode):
                for expected in self.visible.members(interface, "fields"):
                    actual = own.get(expected.name.value)
                    if actual is None:
                        self._hide(f"{name}.{expected.name.value}")
                    else:
                        self._match_arguments(node.name.value, actual, name, expected)

    def _match_arguments(
        self, name: str, actual: ast.FieldDefinitionNode, interface: str, expected: ast.FieldDefinitionNode
    ) -> None:
        theirs = {argument.name.value for argument in self.visible.arguments(interface, expected)}
        ours = {argument.name.value: argument for argument in self.visible.arguments(name, actual)}
        for missing in theirs - ours.keys():
            self._hide(f"{interface}.{expected.name.value}({missing}:)")
        for extra in ours.keys() - theirs:
            if _is_required(ours[extra]):
                self._hide(f"{name}.{actual.name.value}({extra}:)")

    def _reachable(self, starts: Iterable[str], visible: Visible) -> set[str]:
        implementers: dict[str, list[str]] = {}
        for name, node in self.types.items():
            for interface in parts(node, "interfaces"):
                implementers.setdefault(interface.name.value, []).append(name)
        reached: set[str] = set()
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in reached or name in visible.hidden:
                continue
            reached.add(name)
            if name in self.types:
                waiting.extend(visible.mentioned(self.types[name]))
                waiting.extend(implementers.get(name, ()))
        return reached
