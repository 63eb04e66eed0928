"""Representations that hold more than leaves: code that reads objects and lists of the tree into structures."""

from typing import Any

import msgspec

from gateway.execution.compilation.code import Code, IncompleteError
from gateway.execution.compilation.shapes import TYPENAME, NotCoveredError, Place, Shape, Slot, list_depth
from gateway.planning.plan import RepresentationField


def refuse_uncertain_null(field: RepresentationField, slot: Slot) -> None:
    """Structures hold null for an entity that its subgraph does not know: where a key may say null, that misleads."""
    if field.nullable and not field.input and slot.by_entity:
        raise NotCoveredError("a part of a key is null, or was never told")


class NestedRepresentations:
    """Writes, for each nested field of a representation, a function from an object to its structure."""

    def __init__(self, code: Code, before: frozenset[int]) -> None:
        self._code = code
        self._before = before
        code.scope["IncompleteError"] = IncompleteError

    def expression(self, field: RepresentationField, slot: Slot, value: str) -> str:
        """What to put into a representation for ``value``, read from ``slot``; may raise IncompleteError when run."""
        if slot.fetch not in self._before:
            raise NotCoveredError("a representation reads what is not fetched before")
        if slot.place is None:
            return value
        return self._mapped(value, len(list(list_depth(slot.type))) - 1, self._reader(field, slot.place))

    def _mapped(self, value: str, lists: int, reader: str) -> str:
        if not lists:
            return f"{reader}({value})"
        held, item = self._code.fresh("l"), self._code.fresh("i")
        inner = self._mapped(item, lists - 1, reader)
        return f"None if ({held} := {value}) is None else [{inner} for {item} in {held}]"

    def _reader(self, field: RepresentationField, place: Place) -> str:
        """A function that reads one object, or null, at a place."""
        if not field.fields or place.untyped:
            raise NotCoveredError("a representation holds an object without fields, or of an unknown type")
        name = self._code.fresh("read")
        with self._code.function(f"{name}(o)"):
            self._code.add("c = type(o)")
            for shape in place.shapes:
                with self._code.block(f"if c is {self._code.class_of(shape)}:"):
                    self._read(field, shape)
            self._code.add("return None")
        return name

    def _read(self, field: RepresentationField, shape: Shape) -> None:
        values, names = [], []
        for each in field.fields:
            if each.on_types is not None and shape.type not in each.on_types:
                continue
            names.append(each.name)
            if each.constant is not None or each.slot == TYPENAME:
                values.append(repr(each.constant or shape.type))
                continue
            slot = shape.slots.get(each.slot)
            if slot is None and each.input:
                raise NotCoveredError("an input that nothing fetches")
            if slot is None:
                self._code.add("raise IncompleteError")
                return
            value = self._code.fresh("k")
            self._code.add(f"{value} = o.{slot.attribute}")
            refuse_uncertain_null(each, slot)
            if slot.nullable and not each.nullable:
                with self._code.block(f"if {value} is None:"):
                    self._code.add("raise MismatchError" if each.input else "raise IncompleteError")
            values.append(self.expression(each, slot, value))
        renamed = {f"f{index}": name for index, name in enumerate(names)}
        members: list[tuple[str, Any]] = [(member, Any) for member in renamed]
        structure = msgspec.defstruct(f"Part{shape.number}", members, rename=renamed, gc=False)
        self._code.add(f"return {self._code.named('P', structure)}({', '.join(values)})")
