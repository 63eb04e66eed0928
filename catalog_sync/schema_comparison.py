"""What changed between two schemas, and whom it may hurt.

Breaking: an operation that was valid is no longer, or means something else. Risky: it stays valid, but its answers can
hold what clients did not expect. Safe: nothing a client does is touched.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from enum import StrEnum

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    print_ast,
    specified_directives,
    specified_scalar_types,
)

EXECUTABLE_LOCATIONS = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}
    | {"VARIABLE_DEFINITION"}
)
"""Where clients may apply directives."""


class ChangeEffect(StrEnum):
    """Whom a change may hurt."""

    BREAKING = "breaking"
    RISKY = "risky"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change at one schema coordinate."""

    effect: ChangeEffect
    coordinate: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The change as plain data."""
        return {"effect": self.effect.value, "coordinate": self.coordinate, "message": self.message}

    def __str__(self) -> str:
        return f"{self.coordinate}: {self.message}"


def compare_schemas(
    old: GraphQLSchema, new: GraphQLSchema, same: Container[str] = frozenset()
) -> tuple[SchemaChange, ...]:
    """All changes from ``old`` to ``new``, the breaking ones first, then by coordinate.

    ``same`` are coordinates of types and fields that are known to be the same in both, and need not be looked into.
    """
    order = list(ChangeEffect)
    return tuple(
        sorted(_Comparison(old, new, same).changes(), key=lambda c: (order.index(c.effect), c.coordinate, c.message))
    )


def changes_as_text(changes: tuple[SchemaChange, ...]) -> str:
    """One line for each change."""
    return "\n".join(f"{change.effect.value:9}{change}" for change in changes)


Inputs = dict[str, GraphQLArgument] | dict[str, GraphQLInputField]


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: GraphQLSchema
    new: GraphQLSchema
    same: Container[str]

    def changes(self) -> Iterator[SchemaChange]:
        before, after = _own_types(self.old), _own_types(self.new)
        for name in sorted(before - after):
            yield SchemaChange(ChangeEffect.BREAKING, name, "the type was removed.")
        for name in sorted(after - before):
            yield SchemaChange(ChangeEffect.SAFE, name, "the type was added.")
        for name in sorted(name for name in before & after if name not in self.same):
            yield from self._type(self.old.type_map[name], self.new.type_map[name])
        yield from self._roots()
        known = _own_directives(self.old), _own_directives(self.new)
        for name in sorted(known[0].keys() | known[1].keys()):
            yield from self._directive(f"@{name}", known[0].get(name), known[1].get(name))

    def _directive(
        self, coordinate: str, one: GraphQLDirective | None, other: GraphQLDirective | None
    ) -> Iterator[SchemaChange]:
        if one is None or other is None:
            effect, what = (ChangeEffect.SAFE, "added") if one is None else (ChangeEffect.BREAKING, "removed")
            yield SchemaChange(effect, coordinate, f"the directive was {what}.")
            return
        before, after = _places(one), _places(other)
        for place in sorted(before - after):
            yield SchemaChange(ChangeEffect.BREAKING, coordinate, f"it may no longer be used on {place}.")
        for place in sorted(after - before):
            yield SchemaChange(ChangeEffect.SAFE, coordinate, f"it may be used on {place} too.")
        if one.is_repeatable and not other.is_repeatable:
            yield SchemaChange(ChangeEffect.BREAKING, coordinate, "it may no longer be repeated.")
        yield from self._inputs(one.args, other.args, lambda name: f"{coordinate}({name}:)", "argument")

    def _roots(self) -> Iterator[SchemaChange]:
        for kind in ("query", "mutation", "subscription"):
            one, other = getattr(self.old, f"{kind}_type"), getattr(self.new, f"{kind}_type")
            if one is not None and (other is None or other.name != one.name):
                yield SchemaChange(ChangeEffect.BREAKING, one.name, f"it is no longer the {kind} type.")

    def _type(self, one: GraphQLNamedType, other: GraphQLNamedType) -> Iterator[SchemaChange]:
        if type(one) is not type(other):
            yield SchemaChange(
                ChangeEffect.BREAKING, one.name, f"its kind changed from {_kind(one)} to {_kind(other)}."
            )
        elif isinstance(one, GraphQLEnumType) and isinstance(other, GraphQLEnumType):
            yield from self._enum(one, other)
        elif isinstance(one, GraphQLUnionType) and isinstance(other, GraphQLUnionType):
            yield from self._members(one.name, {t.name for t in one.types}, {t.name for t in other.types}, "member")
        elif isinstance(one, GraphQLInputObjectType) and isinstance(other, GraphQLInputObjectType):
            if one.is_one_of != other.is_one_of:
                told = (
                    "exactly one of its fields must be given" if other.is_one_of else "any of its fields may be given"
                )
                effect = ChangeEffect.BREAKING if other.is_one_of else ChangeEffect.SAFE
                yield SchemaChange(effect, one.name, f"{told} from now on.")
            yield from self._inputs(one.fields, other.fields, lambda name: f"{one.name}.{name}", "input field")
        elif isinstance(one, GraphQLScalarType) and isinstance(other, GraphQLScalarType):
            was, now = one.specified_by_url, other.specified_by_url
            if was != now:
                effect = ChangeEffect.RISKY if was else ChangeEffect.SAFE
                yield SchemaChange(effect, one.name, f"what its values are is specified by {now or 'nothing'} now.")
        elif isinstance(one, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
            other, GraphQLObjectType | GraphQLInterfaceType
        ):
            interfaces = {i.name for i in one.interfaces}, {i.name for i in other.interfaces}
            yield from self._members(one.name, *interfaces, "interface")
            yield from self._fields(one, other)

    def _enum(self, one: GraphQLEnumType, other: GraphQLEnumType) -> Iterator[SchemaChange]:
        for value in sorted(one.values.keys() - other.values.keys()):
            yield SchemaChange(ChangeEffect.BREAKING, f"{one.name}.{value}", "the value was removed.")
        for value in sorted(other.values.keys() - one.values.keys()):
            yield SchemaChange(
                ChangeEffect.RISKY, f"{one.name}.{value}", "the value was added; clients may not expect it."
            )
        for value in sorted(one.values.keys() & other.values.keys()):
            was, now = one.values[value].deprecation_reason, other.values[value].deprecation_reason
            yield from _deprecation(f"{one.name}.{value}", was, now)

    def _members(self, name: str, before: set[str], after: set[str], what: str) -> Iterator[SchemaChange]:
        for member in sorted(before - after):
            yield SchemaChange(ChangeEffect.BREAKING, name, f"{what} {member} was removed.")
        for member in sorted(after - before):
            yield SchemaChange(ChangeEffect.RISKY, name, f"{what} {member} was added; clients may not expect it.")

    def _fields(
        self, one: GraphQLObjectType | GraphQLInterfaceType, other: GraphQLObjectType | GraphQLInterfaceType
    ) -> Iterator[SchemaChange]:
        for name in sorted(one.fields.keys() - other.fields.keys()):
            yield SchemaChange(ChangeEffect.BREAKING, f"{one.name}.{name}", "the field was removed.")
        for name in sorted(other.fields.keys() - one.fields.keys()):
            yield SchemaChange(ChangeEffect.SAFE, f"{one.name}.{name}", "the field was added.")
        for name in sorted(one.fields.keys() & other.fields.keys()):
            if f"{one.name}.{name}" not in self.same:
                yield from self._field(f"{one.name}.{name}", one.fields[name], other.fields[name])

    def _field(self, coordinate: str, one: GraphQLField, other: GraphQLField) -> Iterator[SchemaChange]:
        was, now = str(one.type), str(other.type)
        if was != now:
            fits = is_subtype(now, was, self._is_subtype)
            effect = ChangeEffect.SAFE if fits else ChangeEffect.BREAKING
            yield SchemaChange(effect, coordinate, f"its type changed from {was} to {now}.")
        yield from self._inputs(one.args, other.args, lambda name: f"{coordinate}({name}:)", "argument")
        yield from _deprecation(coordinate, one.deprecation_reason, other.deprecation_reason)

    def _is_subtype(self, sub: str, sup: str) -> bool:
        if sub == sup:
            return True
        one, other = self.new.type_map.get(sub), self.new.type_map.get(sup)
        if isinstance(other, GraphQLUnionType):
            return one in other.types
        implementing = isinstance(one, GraphQLObjectType | GraphQLInterfaceType)
        return implementing and isinstance(other, GraphQLInterfaceType) and other in one.interfaces  # type: ignore[union-attr]

    def _inputs(
        self, before: Inputs, after: Inputs, coordinate: Callable[[str], str], what: str
    ) -> Iterator[SchemaChange]:
        for name in sorted(before.keys() - after.keys()):
            yield SchemaChange(ChangeEffect.BREAKING, coordinate(name), f"the {what} was removed.")
        for name in sorted(after.keys() - before.keys()):
            if _needed(after[name]):
                yield SchemaChange(ChangeEffect.BREAKING, coordinate(name), f"a required {what} was added.")
            else:
                yield SchemaChange(ChangeEffect.SAFE, coordinate(name), f"an optional {what} was added.")
        for name in sorted(before.keys() & after.keys()):
            yield from self._input(coordinate(name), before[name], after[name])

    def _input(
        self, coordinate: str, one: GraphQLArgument | GraphQLInputField, other: GraphQLArgument | GraphQLInputField
    ) -> Iterator[SchemaChange]:
        was, now = str(one.type), str(other.type)
        if was != now:
            fits = is_subtype(was, now, self._is_subtype)
            effect = ChangeEffect.SAFE if fits else ChangeEffect.BREAKING
            yield SchemaChange(effect, coordinate, f"its type changed from {was} to {now}.")
        elif _needed(other) and not _needed(one):
            yield SchemaChange(ChangeEffect.BREAKING, coordinate, "it became required, for its default was removed.")
        if _default(one) != _default(other) and not (_needed(other) and not _needed(one)):
            told = f"its default changed from {_default(one)} to {_default(other)}."
            yield SchemaChange(ChangeEffect.RISKY, coordinate, told)


def _own_types(schema: GraphQLSchema) -> set[str]:
    return {name for name in schema.type_map if not name.startswith("__") and name not in specified_scalar_types}


def _own_directives(schema: GraphQLSchema) -> dict[str, GraphQLDirective]:
    """Those that operations may hold; what is written on schemas is no client's."""
    standard = {each.name for each in specified_directives}
    own = (each for each in schema.directives if each.name not in standard)
    return {each.name: each for each in own if _places(each)}


def _places(directive: GraphQLDirective) -> frozenset[str]:
    return EXECUTABLE_LOCATIONS.intersection(place.name for place in directive.locations)


def _kind(type_: GraphQLNamedType) -> str:
    return type(type_).__name__.removeprefix("GraphQL").removesuffix("Type").lower()


def _needed(value: GraphQLArgument | GraphQLInputField) -> bool:
    return str(value.type).endswith("!") and value.default is None


def _default(value: GraphQLArgument | GraphQLInputField) -> str:
    if value.default is None:
        return "none"
    return print_ast(value.default.literal) if value.default.literal else repr(value.default.value)


def _deprecation(coordinate: str, was: str | None, now: str | None) -> Iterator[SchemaChange]:
    if was is None and now is not None:
        yield SchemaChange(ChangeEffect.SAFE, coordinate, f"it was deprecated: {now}")
    elif was is not None and now is None:
        yield SchemaChange(ChangeEffect.SAFE, coordinate, "it is no longer deprecated.")


def is_subtype(sub: str, sup: str, named: Callable[[str, str], bool]) -> bool:
    """Section 3.6.1 IsValidImplementationFieldType; ``named`` decides for named types."""
    if sub == sup:
        return True
    if sup.endswith("!"):
        return sub.endswith("!") and is_subtype(sub[:-1], sup[:-1], named)
    if sub.endswith("!"):
        return is_subtype(sub[:-1], sup, named)
    if sup.startswith("["):
        return sub.startswith("[") and is_subtype(sub[1:-1], sup[1:-1], named)
    return not sub.startswith("[") and named(sub, sup)
