"""@inaccessible: what is hidden from clients must not be needed by what they see."""

from collections.abc import Iterator

from gateway.composition import codes
from gateway.composition.issues import CompositionCode
from gateway.composition.merging.state import Merge
from gateway.supergraph.elements import Element, Member, Type, is_required, named_type
from gateway.supergraph.features import mentioned
from gateway.supergraph.model import TypeKind


def check_inaccessible(merge: Merge, hidden: frozenset[str]) -> None:
    """Log an issue wherever the API schema, which lacks what is ``hidden``, would refer to it."""
    for definition in merge.types.values():
        check = _Check(merge, definition, hidden)
        if definition.has("inaccessible"):
            check.hidden_type()
        else:
            check.visible_type()


class _Check:
    """The rules for one type of the supergraph."""

    def __init__(self, merge: Merge, definition: Type, hidden: frozenset[str]) -> None:
        self.merge, self.definition, self.name, self.hidden = merge, definition, definition.name, hidden

    def report(self, code: CompositionCode, coordinate: str, why: str, *also: str) -> None:
        self.merge.report(code, coordinate, why, self.merge.sources(self.name), *also)

    def hidden_type(self) -> None:
        if self.merge.roots.get("query") == self.name:
            why = "is the query root type, so it cannot be @inaccessible."
            self.report(codes.QUERY_ROOT_TYPE_INACCESSIBLE, self.name, why)
        for coordinate in self._references():
            why = f"is @inaccessible, but {coordinate}, which clients see, is of that type."
            self.report(codes.REFERENCED_INACCESSIBLE, self.name, why, coordinate)

    def visible_type(self) -> None:
        members: list[Element | None] = [*self.definition.fields.values(), *self.definition.values.values()]
        members += map(self.merge.types.get, self.definition.members)
        if members and all(member is not None and member.has("inaccessible") for member in members):
            why = "is visible, but everything in it is @inaccessible."
            self.report(codes.ONLY_INACCESSIBLE_CHILDREN, self.name, why)
        is_input = self.definition.kind is TypeKind.INPUT_OBJECT
        for member in self.definition.fields.values():
            coordinate = f"{self.name}.{member.name}"
            if not member.has("inaccessible"):
                self._visible(member, coordinate)
            elif is_input:
                self._not_required(member, coordinate)
            else:
                self._not_demanded(coordinate, self._interface_fields(member.name))

    def _references(self) -> Iterator[str]:
        for definition, member in self.merge.fields():
            if definition.has("inaccessible") or member.has("inaccessible"):
                continue
            coordinate = f"{definition.name}.{member.name}"
            if named_type(member.type) == self.name:
                yield coordinate
            for argument in member.arguments.values():
                if named_type(argument.type) == self.name and not argument.has("inaccessible"):
                    yield f"{coordinate}({argument.name}:)"

    def _visible(self, member: Member, coordinate: str) -> None:
        self._default(member, coordinate)
        for name, argument in member.arguments.items():
            where = f"{coordinate}({name}:)"
            if not argument.has("inaccessible"):
                self._default(argument, where)
                continue
            self._not_required(argument, where)
            interface_fields = self._interface_fields(member.name)
            theirs = [(f"{c}({name}:)", f.arguments[name]) for c, f in interface_fields if name in f.arguments]
            self._not_demanded(where, theirs)

    def _not_required(self, member: Member, coordinate: str) -> None:
        if is_required(member):
            self.report(codes.REQUIRED_INACCESSIBLE, coordinate, "is required, so it cannot be @inaccessible.")

    def _not_demanded(self, coordinate: str, demanded: list[tuple[str, Member]]) -> None:
        for other, member in demanded:
            if not member.has("inaccessible"):
                why = f"is @inaccessible, but implements {other}, which clients see."
                self.report(codes.IMPLEMENTED_BY_INACCESSIBLE, coordinate, why, other)

    def _interface_fields(self, name: str) -> list[tuple[str, Member]]:
        interfaces = (self.merge.types.get(interface) for interface in self.definition.interfaces)
        visible = (found for found in interfaces if found is not None and not found.has("inaccessible"))
        return [(f"{found.name}.{name}", found.fields[name]) for found in visible if name in found.fields]

    def _default(self, member: Member, coordinate: str) -> None:
        named = mentioned(member.default, named_type(member.type), self._field_type) if member.default else ()
        for hidden in filter(self.hidden.__contains__, named):
            why = f"is @inaccessible, but the default of {coordinate} uses it."
            self.report(codes.DEFAULT_VALUE_USES_INACCESSIBLE, hidden, why, coordinate)

    def _field_type(self, type_name: str, name: str) -> str:
        member = self.merge.field(type_name, name)
        return named_type(member.type) if member is not None else ""
