"""Requests that fail whole, within the compiled form: null where their answers would stand, and one error for each.

A subgraph that is down fails some fetches of every request, and the general path costs several times as much. Where a
fetch gives nothing but what may be null, and nothing is computed from it, null is all there is to place: what hangs on
its objects finds none, and its one error names the place where the answer first misses something, as on the general
path.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import UNSET

from gateway.execution.compilation.context import Context
from gateway.execution.compilation.shapes import EntityTargets, Place, Shape, Slot

Path = tuple[str | int, ...]


class Failures:
    """What can be done about each fetch that fails whole; made once per plan."""

    __slots__ = ("_groups", "_root", "_root_slots", "_shape_of", "_slots", "_targets")

    def __init__(self, context: Context, read: set[Slot]) -> None:
        """``read`` are the slots that representations are made of."""
        layout = context.layout
        self._root = layout.root
        self._root_slots = layout.root_slots
        self._targets = layout.targets
        self._groups = {id(targets): group for group, targets, _ in context.requests.values()}
        self._shape_of = {context.structures.of[shape]: shape for shape in layout.shapes}
        self._slots: dict[int, frozenset[Slot]] = {}
        for fetch in context.plan.fetches:
            slots = frozenset(self._given(fetch.number))
            plain = all(not targets.typename_fetched and not targets.compared for targets in self._all(fetch.number))
            if plain and slots and not slots & read and all(slot.may_fail for slot in slots):
                self._slots[fetch.number] = slots

    def _all(self, number: int) -> tuple[EntityTargets, ...]:
        return self._targets.get(number, ())

    def _given(self, number: int) -> Iterator[Slot]:
        yield from self._root_slots.get(number, ())
        for targets in self._all(number):
            yield from targets.slots

    def can_be_null(self, number: int) -> bool:
        """Whether null may stand for the whole answer of a fetch."""
        return number in self._slots

    def place(self, state: Any, number: int) -> None:
        """Put null wherever the answer of a fetch would go."""
        for slot in self._root_slots.get(number, ()):
            setattr(state.root, slot.attribute, None)
        for targets in self._all(number):
            held = getattr(state, self._groups[id(targets)])
            for objects in held.values() if isinstance(held, dict) else (held,):
                for each in objects:
                    for slot in targets.slots:
                        setattr(each, slot.attribute, None)

    def first_places(self, state: Any, numbers: Iterable[int]) -> Iterator[tuple[int, Path]]:
        """Where the answer, read in its order, first misses what each fetch would have given, if it does anywhere."""
        lost = {slot: number for number in numbers for slot in self._slots[number]}
        unseen = set(numbers)
        for number, path in self._in_object(self._root, state.root, lost, {}):
            if number in unseen:
                unseen.discard(number)
                yield number, path
                if not unseen:
                    return

    def _in_object(
        self, shape: Shape, here: Any, lost: Mapping[Slot, int], leads: dict[Place, bool]
    ) -> Iterator[tuple[int, Path]]:
        for key, source in shape.output():
            if not isinstance(source, Slot):
                continue
            place = source.place
            if source in lost:
                yield lost[source], (key,)
            elif place is not None and place.projected and self._leads(place, lost, leads):
                for number, path in self._in_value(getattr(here, source.attribute), lost, leads):
                    yield number, (key, *path)

    def _in_value(self, value: Any, lost: Mapping[Slot, int], leads: dict[Place, bool]) -> Iterator[tuple[int, Path]]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                for number, path in self._in_value(item, lost, leads):
                    yield number, (index, *path)
        elif value is not None and value is not UNSET:
            yield from self._in_object(self._shape_of[type(value)], value, lost, leads)

    def _leads(self, place: Place, lost: Mapping[Slot, int], leads: dict[Place, bool]) -> bool:
        """Whether something of what is lost stands below a place."""
        if place not in leads:
            leads[place] = any(
                slot in lost or (slot.place is not None and self._leads(slot.place, lost, leads))
                for shape in place.shapes
                for slot in shape.slots.values()
            )
        return leads[place]
