"""The msgspec structures of a plan: what answers are decoded into, linked in, and encoded from.

One structure serves a shape from the wire to the wire: the subgraph's answer is decoded into it, later answers are
assigned to its attributes, and it is encoded with its fields in the order of the client's selection. Decoding checks
types, nulls, enum values and ``__typename``, so that nothing else has to.

What must not be seen is set to UNSET, which msgspec does not encode. Where that is not enough (a type's name that only
tells structures apart, a response key unlike its slot), the shape is *rebuilt*: a second structure is made of it at the
end. A concrete type's name that was fetched but not selected is checked at no cost: it must equal the default, and
defaults are left out.
"""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    get_named_type,
)
from msgspec import UNSET

from gateway.execution.compilation.shapes import TYPENAME, EntityTargets, Layout, Place, Shape, Slot
from gateway.execution.leaves import INT_MAX, INT_MIN

_LEAVES: dict[str, Any] = {
    "Int": Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)],
    "Float": int | float,
    "String": str,
    "Boolean": bool,
    "ID": str,
}
_ANY_BUT_NULL = str | int | float | bool | list[Any] | dict[str, Any]
_NEVER = msgspec.defstruct("Never", [], tag_field=TYPENAME, tag="\0", gc=False)
"""A second member of each union, so that ``__typename`` is demanded where there is one type only."""

Structure = type[msgspec.Struct]


def _literal(*values: str) -> Any:
    return Literal[values]


class Structures:
    """The structures of a layout, made on demand: ``of`` decodes, ``rebuilt`` (if there is one) encodes."""

    def __init__(self, layout: Layout) -> None:
        self.of: dict[Shape, Structure] = {}
        self.rebuilt: dict[Shape, Structure] = {}
        self.hidden: dict[Shape, tuple[Slot, ...]] = {}
        for shape in reversed(layout.shapes):
            self._make(shape)

    def _make(self, shape: Shape) -> None:
        """Shapes come innermost first, so that those below are made."""
        shown = list(shape.output()) if shape.place is None or shape.place.projected else []
        slots = [source for _, source in shown if isinstance(source, Slot)]
        self.hidden[shape] = tuple(slot for slot in shape.slots.values() if slot not in slots)
        if shape.place is not None and not shape.place.projected:
            self.hidden[shape] = ()
            self.of[shape] = self._decoded(shape)
        elif _needs_rebuilding(shape, shown, self.hidden[shape]):
            self.of[shape] = self._decoded(shape)
            self.rebuilt[shape] = _output(shape, shown)
        else:
            self.of[shape] = self._decoded(shape, shown)

    def _decoded(self, shape: Shape, shown: list[tuple[str, Slot | str | None]] | None = None) -> Structure:
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        names: dict[str, str] = {}
        seen = set()
        for key, source in shown or ():
            if isinstance(source, Slot):
                seen.add(source)
                fields.append(self._field(source))
                names[source.attribute] = key
            elif not (shape.place is not None and shape.place.abstract):
                kind = None if source is None else _literal(source)
                fields.append((f"c_{key}", kind, source))
                names[f"c_{key}"] = key
        for slot in shape.slots.values():
            if slot not in seen:
                fields.append(self._field(slot))
                names[slot.attribute] = f"-{slot.name}" if slot.assigned else slot.name
        tagged = shape.place is not None and shape.place.abstract
        checked = shape.typename_fetched and not tagged and TYPENAME not in names.values()
        if checked:
            # The literal's own string, since msgspec leaves out what is the default by identity.
            literal = _literal(shape.type)
            fields.append(("t", literal, get_args(literal)[0]))
            names["t"] = TYPENAME
        return msgspec.defstruct(
            f"{shape.type}{shape.number}",
            fields,
            rename=names,
            omit_defaults=checked,
            kw_only=True,
            gc=False,
            tag_field=TYPENAME if tagged else None,
            tag=shape.type if tagged else None,
        )

    def _field(self, slot: Slot) -> tuple[str, Any] | tuple[str, Any, Any]:
        return (slot.attribute, Any, UNSET) if slot.assigned else (slot.attribute, self.annotation(slot))

    def annotation(self, slot: Slot) -> Any:
        """What a value of the slot is decoded as."""
        return self._nullable(slot.type, slot.place)

    def _nullable(self, type_: GraphQLOutputType, place: Place | None) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, place)
        value = self._value(type_, place)
        return Any if value == _ANY_BUT_NULL else value | None

    def _value(self, type_: GraphQLOutputType, place: Place | None) -> Any:
        if isinstance(type_, GraphQLList):
            return list[self._nullable(type_.of_type, place)]  # type: ignore[misc]
        if place is not None:
            members: list[Any] = [self.of[shape] for shape in place.shapes]
            return reduce(or_, members, _NEVER) if place.abstract else members[0]
        if isinstance(type_, GraphQLEnumType):
            return _literal(*type_.values)
        return _LEAVES.get(get_named_type(type_).name, _ANY_BUT_NULL)

    def answer(self, number: int, data: dict[str, Any]) -> Structure:
        """The structure of a whole subgraph response with these members of ``data``."""
        names = {f"s_{name}": name for name in data}
        inner = msgspec.defstruct(
            f"Data{number}", [(f"s_{name}", kind) for name, kind in data.items()], rename=names, gc=False
        )
        return msgspec.defstruct(f"Answer{number}", [("data", inner), ("errors", Any, None)], gc=False)

    def entity(self, number: int, targets: EntityTargets) -> Structure:
        """The structure of one entity in an answer."""
        slots = (*targets.slots, *targets.compared)
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
            (slot.attribute, self.annotation(slot)) for slot in slots
        ]
        names = {slot.attribute: slot.name for slot in slots}
        if targets.typename_fetched:
            own = targets.shapes[0].type
            sent = {each.typename for each in targets.request.representations} - {None}
            fields.append(("t", _literal(own, *sorted(map(str, sent - {own}))), own))
            names["t"] = TYPENAME
        return msgspec.defstruct(f"Entity{number}", fields, rename=names, kw_only=True, gc=False)


def representation(typename: str, names: tuple[str, ...]) -> Structure:
    """The structure of a representation: the type's name first, then its fields in order."""
    fields = [(f"f{index}", Any) for index in range(len(names))]
    renamed = {f"f{index}": name for index, name in enumerate(names)}
    return msgspec.defstruct(
        f"Represented{typename}", fields, rename=renamed, tag_field=TYPENAME, tag=typename, gc=False
    )


def _needs_rebuilding(shape: Shape, shown: list[tuple[str, Slot | str | None]], hidden: tuple[Slot, ...]) -> bool:
    abstract = shape.place is not None and shape.place.abstract
    constants = [(index, key, source) for index, (key, source) in enumerate(shown) if not isinstance(source, Slot)]
    if abstract and [(index, key) for index, key, _ in constants] != [(0, TYPENAME)]:
        return True
    if not abstract and constants and shape.typename_fetched and any(key != TYPENAME for _, key, _ in constants):
        return True
    slots = [source for _, source in shown if isinstance(source, Slot)]
    if len(set(slots)) < len(slots) or any(
        isinstance(source, Slot) and not source.assigned and source.name != key for key, source in shown
    ):
        return True
    keys = {key for key, _ in shown}
    return any(not slot.assigned and slot.name in keys for slot in hidden)


def _output(shape: Shape, shown: list[tuple[str, Slot | str | None]]) -> Structure:
    names = {f"o{index}": key for index, (key, _) in enumerate(shown)}
    fields = [(name, Any) for name in names]
    return msgspec.defstruct(f"Output{shape.type}{shape.number}", fields, rename=names, gc=False)


def nullable_entity(targets: EntityTargets) -> bool:
    """Whether a null entity leaves nothing without a value that the caller must get."""
    projected = {each.slot for shape in targets.shapes for each in shape.projection}
    return not any(isinstance(slot.type, GraphQLNonNull) and slot.name in projected for slot in targets.slots)
