"""@authenticated, @requiresScopes and @policy across the merged schema.

An interface asks of callers whatever any of its implementations asks, so that nobody reads through the interface what
the type would refuse. And a field that is computed from other fields (@requires, @fromContext) must ask at least what
they ask: otherwise it would leak them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition import codes
from gateway.composition.merging.applied import DirectiveMerge
from gateway.composition.merging.scopes import implies
from gateway.composition.merging.state import Merge
from gateway.composition.subgraph.facts import context_places, field_set_of
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Member, Type, named_type
from gateway.supergraph.model import TypeKind

ACCESS = {"authenticated": None, "requiresScopes": "scopes", "policy": "policies"}


def spread_access(directives: DirectiveMerge) -> None:
    """Give every interface and its fields what their implementations ask of callers."""
    merge = directives.merge
    if not directives.used & ACCESS.keys():
        return
    for interface in merge.types.values():
        if interface.kind is not TypeKind.INTERFACE:
            continue
        implementers = merge.implementers(interface.name)
        _spread(directives, interface.name, interface, implementers)
        for member in interface.fields.values():
            theirs = [t.fields[member.name] for t in implementers if member.name in t.fields]
            _spread(directives, f"{interface.name}.{member.name}", member, theirs)


def _spread(
    directives: DirectiveMerge, coordinate: str, target: Type | Member, sources: list[Type] | list[Member]
) -> None:
    for identity in ACCESS:
        asked = [applied for source in sources for applied in source.applied(identity)]
        if not asked:
            continue
        asked += target.applied(identity)
        combined = directives.combined(identity, coordinate, asked)
        target.directives = [a for a in target.directives if a.identity != identity] + [combined]


def check_access(merge: Merge) -> None:
    """Log an issue for every computed field that asks less than the fields it is computed from."""
    for subgraph in merge.subgraphs:
        for definition, member in merge.annotated(subgraph):
            merged = merge.types[definition.name].fields.get(member.name)
            if merged is None:
                continue
            check = _Transitive(merge, subgraph, definition, member, merged)
            for applied in member.applied("requires"):
                node = field_set_of(applied)
                if node is not None:
                    check.selection(definition.name, node, "@requires")
            for argument in member.arguments.values():
                for applied in argument.applied("fromContext"):
                    for holder, node in context_places(subgraph, applied):
                        check.require(merge.types[holder.name], holder.name, "@fromContext")
                        check.selection(holder.name, node, "@fromContext")


@dataclass(slots=True)
class _Transitive:
    merge: Merge
    subgraph: Subgraph
    definition: Type
    member: Member
    merged: Member

    def require(self, element: Type | Member, told: str, through: str) -> None:
        for identity, argument in ACCESS.items():
            for applied in element.applied(identity):
                needed = applied.value(argument) if argument else [["authenticated"]]
                if not any(implies(g, needed) for g in self._given(identity, argument)):
                    coordinate = f"{self.definition.name}.{self.member.name}"
                    computed = f"asks less of callers than {told}, which it is computed from by {through}"
                    why = f"{computed}: @{applied.name} is missing or too weak."
                    code = codes.MISSING_TRANSITIVE_AUTH_REQUIREMENTS
                    self.merge.report_in(self.subgraph, code, self.member, coordinate, why)
                    return

    def _given(self, identity: str, argument: str | None) -> Iterator[list[list[str]]]:
        for element in (self.merged, self.merge.types[self.definition.name]):
            for applied in element.applied(identity):
                yield applied.value(argument) if argument else [["authenticated"]]

    def selection(self, parent: str, node: SelectionSetNode, through: str) -> None:
        definition = self.merge.types.get(parent)
        for selection in node.selections:
            if isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition.name.value if selection.type_condition else parent
                if condition in self.merge.types:
                    self.require(self.merge.types[condition], condition, through)
                    self.selection(condition, selection.selection_set, through)
            elif isinstance(selection, FieldNode) and definition is not None:
                field = definition.fields.get(selection.name.value)
                if field is None:
                    continue
                self.require(field, f"{parent}.{field.name}", through)
                target = self.merge.types.get(named_type(field.type))
                if target is not None:
                    self.require(target, target.name, through)
                if selection.selection_set is not None:
                    self.selection(named_type(field.type), selection.selection_set, through)
