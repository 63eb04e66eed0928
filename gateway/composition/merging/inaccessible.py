"""@inaccessible: what is hidden from clients must not be needed by what they see."""

from collections.abc import Iterator
from typing import Any

from graphql import ConstValueNode

from gateway.composition import codes
from gateway.composition.issues import CompositionCode
from gateway.composition.merging.state import Merge
from gateway.supergraph.elements import Member, Type, is_required, named_type
from gateway.supergraph.model import TypeKind


def check_inaccessible(merge: Merge) -> None:
    """Log an issue wherever the API schema would lack something it refers to."""
    if any(_hidden_anywhere(definition) for definition in merge.types.values()):
        for definition in merge.types.values():
            _Check(merge, definition).run()


def _hidden_anywhere(definition: Type) -> bool:
    if definition.has("inaccessible") or any(value.has("inaccessible") for value in definition.values.values()):
        return True
    return any(
        member.has("inaccessible") or any(a.has("inaccessible") for a in member.arguments.values())
        for member in definition.fields.values()
    )


class _Check:
    """The rules for one type of the supergraph."""

    def __init__(self, merge: Merge, definition: Type) -> None:
        self.merge, self.definition, self.name = merge, definition, definition.name

    def report(self, code: CompositionCode, message: str, *coordinates: str) -> None:
        self.merge.report(code, message, *coordinates, sources=self.merge.sources(self.name))

    def run(self) -> None:
        definition, name = self.definition, self.name
        if definition.has("inaccessible"):
            self._hidden_type()
            return
        members = definition.values if definition.kind is TypeKind.ENUM else definition.fields
        if members and all(member.has("inaccessible") for member in members.values()):
            self.report(
                codes.ONLY_INACCESSIBLE_CHILDREN, f"{name} is visible, but everything in it is @inaccessible.", name
            )
        if definition.kind is TypeKind.UNION and definition.members and all(map(self._is_hidden, definition.members)):
            self.report(
                codes.ONLY_INACCESSIBLE_CHILDREN,
                f"Union {name} is visible, but all of its members are @inaccessible.",
                name,
            )
        for member in definition.fields.values():
            self._field(member)

    def _is_hidden(self, name: str) -> bool:
        definition = self.merge.types.get(name)
        return definition is not None and definition.has("inaccessible")

    def _hidden_type(self) -> None:
        name = self.name
        if self.merge.roots.get("query") == name:
            self.report(codes.QUERY_ROOT_TYPE_INACCESSIBLE, "The query root type cannot be @inaccessible.", name)
        for coordinate in self._references(name):
            self.report(
                codes.REFERENCED_INACCESSIBLE,
                f"{name} is @inaccessible, but {coordinate}, which clients see, is of that type.",
                name,
                coordinate,
            )

    def _references(self, name: str) -> Iterator[str]:
        for definition in self.merge.types.values():
            if definition.has("inaccessible"):
                continue
            for member in definition.fields.values():
                if member.has("inaccessible"):
                    continue
                coordinate = f"{definition.name}.{member.name}"
                if named_type(member.type) == name:
                    yield coordinate
                for argument in member.arguments.values():
                    if named_type(argument.type) == name and not argument.has("inaccessible"):
                        yield f"{coordinate}({argument.name}:)"

    def _field(self, member: Member) -> None:
        coordinate = f"{self.name}.{member.name}"
        if member.has("inaccessible"):
            if self.definition.kind is TypeKind.INPUT_OBJECT:
                if is_required(member):
                    self.report(
                        codes.REQUIRED_INACCESSIBLE,
                        f"{coordinate} is required, so it cannot be @inaccessible.",
                        coordinate,
                    )
            else:
                self._demanded(member, coordinate)
            return
        if member.default is not None:
            self._default(member, coordinate)
        for argument in member.arguments.values():
            where = f"{coordinate}({argument.name}:)"
            if not argument.has("inaccessible"):
                if argument.default is not None:
                    self._default(argument, where)
                continue
            if is_required(argument):
                self.report(codes.REQUIRED_INACCESSIBLE, f"{where} is required, so it cannot be @inaccessible.", where)
            for interface, field in self._interface_fields(member.name):
                theirs = field.arguments.get(argument.name)
                if theirs is not None and not theirs.has("inaccessible"):
                    other = f"{interface}.{member.name}({argument.name}:)"
                    self.report(
                        codes.IMPLEMENTED_BY_INACCESSIBLE,
                        f"{where} is @inaccessible, but implements {other}, which clients see.",
                        where,
                        other,
                    )

    def _demanded(self, member: Member, coordinate: str) -> None:
        for interface, field in self._interface_fields(member.name):
            if not field.has("inaccessible"):
                other = f"{interface}.{member.name}"
                self.report(
                    codes.IMPLEMENTED_BY_INACCESSIBLE,
                    f"{coordinate} is @inaccessible, but implements {other}, which clients see.",
                    coordinate,
                    other,
                )

    def _interface_fields(self, name: str) -> Iterator[tuple[str, Member]]:
        for interface in self.definition.interfaces:
            found = self.merge.types.get(interface)
            if found is not None and not found.has("inaccessible") and name in found.fields:
                yield interface, found.fields[name]

    def _default(self, member: Member, coordinate: str) -> None:
        for hidden in self._hidden_in(member.default, named_type(member.type)):
            self.report(
                codes.DEFAULT_VALUE_USES_INACCESSIBLE,
                f"The default of {coordinate} uses {hidden}, which is @inaccessible.",
                hidden,
                coordinate,
            )

    def _hidden_in(self, node: ConstValueNode | None, type_name: str) -> Iterator[str]:
        value: Any = node
        definition = self.merge.types.get(type_name)
        if value is None or definition is None:
            return
        if value.kind == "list_value":
            for item in value.values:
                yield from self._hidden_in(item, type_name)
        elif value.kind == "enum_value":
            declared = definition.values.get(value.value)
            if declared is not None and declared.has("inaccessible"):
                yield f"{type_name}.{value.value}"
        elif value.kind == "object_value":
            for entry in value.fields:
                field = definition.fields.get(entry.name.value)
                if field is not None:
                    if field.has("inaccessible"):
                        yield f"{type_name}.{field.name}"
                    yield from self._hidden_in(entry.value, named_type(field.type))
