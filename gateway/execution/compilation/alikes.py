"""Generated code that keeps one of many equal objects: of an entity that an answer names again and again.

An object may stand for another where nobody can tell them apart, neither now nor later. Now: they have the same key,
all that is known of them came with them, and that is equal and written alike. Later: no fetch that goes to them, or to
what is below them, began before they were compared, so each will treat them as one.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from graphql import GraphQLEnumType, get_named_type

from gateway.execution.compilation.context import Context
from gateway.execution.compilation.shapes import Shape, Slot, holds_list

_TOLD_APART = ("ID", "String", "Int", "Boolean")


class Alikes:
    """The shapes of one stage whose equal objects become one."""

    def __init__(self, context: Context, keys: Mapping[Shape, tuple[Slot, ...]], stage: Collection[int]) -> None:
        """``keys`` are those by which the fetches of the ``stage`` ask."""
        self._code = context.code
        self._firsts: dict[Shape, str] = {}
        self._keys = keys
        whole: set[Shape] = set()
        for shape in keys:
            known = _known(shape)
            asked_before = any(
                number not in stage and context.layout.before[number].isdisjoint(stage)
                for _, targets, number in context.requests.values()
                if not known.isdisjoint(targets.shapes)
            )
            if _can_be_replaced(shape) and not asked_before and all(map(_is_told_apart, known)):
                self._firsts[shape] = self._code.fresh("first")
                whole |= known
        self._late = {shape: self._code.fresh("late") for shape in keys if shape in whole}
        self._cleared: dict[Shape, dict[Slot, None]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The local variables in which they are kept."""
        return (*self._firsts.values(), *self._late.values())

    def begin(self) -> None:
        """Before the walk."""
        for first in self._firsts.values():
            self._code.add(f"{first} = {{}}")
        for late in self._late.values():
            self._code.add(f"{late} = []")

    @contextmanager
    def first(self, shape: Shape, here: str, held: str) -> Iterator[None]:
        """What is done at the first object of its kind; others give way to it, where they are ``held``."""
        if shape not in self._firsts:
            yield
            return
        first, attributes = self._firsts[shape], [f"{here}.{slot.attribute}" for slot in self._keys[shape]]
        key = attributes[0] if len(attributes) == 1 else f"({', '.join(attributes)})"
        has_more = len(_decoded(shape)) > len(attributes)
        with self._code.block(f"if (k := {key}) in {first}{f' and {first}[k] == {here}' if has_more else ''}:"):
            self._code.add(f"{held} = {first}[k]")
        with self._code.block("else:"):
            self._code.add(f"{first}[k] = {here}")
            yield

    def put_off(self, shape: Shape, here: str, slots: Collection[Slot]) -> bool:
        """Put slots out of sight when all objects are compared; False if that need not wait."""
        if shape in self._late and slots:
            self._cleared.setdefault(shape, {}).update(dict.fromkeys(slots))
            self._code.add(f"{self._late[shape]}.append({here})")
        return shape in self._late

    def end(self) -> None:
        """After the walk."""
        for shape, slots in self._cleared.items():
            with self._code.block(f"for o in {self._late[shape]}:"):
                for slot in slots:
                    self._code.add(f"o.{slot.attribute} = UNSET")


def _decoded(shape: Shape) -> list[Slot]:
    """The slots that come with an object."""
    return [slot for slot in shape.slots.values() if not slot.assigned]


def _known(shape: Shape) -> set[Shape]:
    """A shape, and those of what comes with its objects."""
    below = (inner for slot in _decoded(shape) if slot.place is not None for inner in slot.place.shapes)
    return {shape}.union(*map(_known, below))


def _can_be_replaced(shape: Shape) -> bool:
    """Whether an object is held by one slot of another, and no list."""
    place = shape.place
    return place is not None and not place.untyped and not holds_list(place.type)


def _is_told_apart(shape: Shape) -> bool:
    """Whether Python takes no two values for equal that JSON writes differently, as 1 and 1.0."""
    types = [get_named_type(slot.type) for slot in _decoded(shape) if slot.place is None]
    return all(isinstance(each, GraphQLEnumType) or each.name in _TOLD_APART for each in types)
