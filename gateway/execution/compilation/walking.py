"""Loops over the tree in generated code: how an object's class is known wherever the code meets it."""

from collections.abc import Callable

from gateway.execution.compilation.code import Code
from gateway.execution.compilation.shapes import Place, Shape, Slot, list_depth


def each_object(code: Code, slot: Slot, here: str, shapes: list[Shape], then: Callable[[Shape, str], None]) -> None:
    """Write loops that reach every object of ``shapes`` in a slot of the object ``here``."""
    nullables = list(list_depth(slot.type))
    nullables[0] = slot.nullable
    assert slot.place is not None
    _loops(code, slot.place, f"{here}.{slot.attribute}", nullables, shapes, then)


def _loops(
    code: Code,
    place: Place,
    value: str,
    nullables: list[bool],
    shapes: list[Shape],
    then: Callable[[Shape, str], None],
) -> None:
    item = code.fresh("o")
    if len(nullables) > 1:
        with code.block(f"for {item} in {value}{' or ()' if nullables[0] else ''}:"):
            _loops(code, place, item, nullables[1:], shapes, then)
        return
    if value.isidentifier():
        item = value
    else:
        code.add(f"{item} = {value}")
    if place.abstract:
        kind = code.fresh("c")
        code.add(f"{kind} = type({item})")
        for index, shape in enumerate(shapes):
            with code.block(f"{'elif' if index else 'if'} {kind} is {code.class_of(shape)}:"):
                then(shape, item)
    elif not shapes:
        return
    elif nullables[0]:
        with code.block(f"if {item} is not None:"):
            then(shapes[0], item)
    else:
        then(shapes[0], item)
