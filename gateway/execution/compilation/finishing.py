"""Generated code that ends a request: puts out of sight what the client did not select, and encodes the answer."""

from typing import Any

import msgspec

from gateway.execution.compilation.context import Context
from gateway.execution.compilation.shapes import Place, Shape, Slot, list_depth
from gateway.execution.compilation.walking import each_object


class Finishing:
    """Writes ``finish(s)``, after everything else: what was put out of sight on the way is left alone here."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._finishers: dict[Place, str] = {}

    def finish(self) -> None:
        """Write the function that makes the answer's bytes."""
        code, root = self._context.code, self._context.layout.root
        answer = code.named("A", msgspec.defstruct("Answer", [("data", Any)], gc=False))
        with code.function("finish(s)"):
            code.add("root = s.root")
            self._finish_object(root, "root")
            code.add(f"return encode({answer}({self._output(root, 'root')}))")

    def _finish_object(self, shape: Shape, here: str) -> None:
        if shape not in self._context.structures.rebuilt:
            for slot in self._context.structures.hidden[shape]:
                if (shape, slot) not in self._context.cleared:
                    self._context.code.add(f"{here}.{slot.attribute} = UNSET")
        begun = self._context.code.line
        for slot in shape.slots.values():
            place = slot.place
            if place is None or not place.projected or not self._unfinished(place):
                continue
            if any(inner in self._context.structures.rebuilt for inner in place.shapes):
                depths = list(list_depth(slot.type))
                finished = self._mapped(f"{here}.{slot.attribute}", len(depths) - 1, self._finisher(place))
                self._context.code.add(f"{here}.{slot.attribute} = {finished}")
            else:
                each_object(
                    self._context.code,
                    slot,
                    here,
                    [each for each in place.shapes if self._unfinished_shape(each)],
                    self._finish_object,
                )
            begun = self._context.code.cut(begun, [here])

    def _mapped(self, value: str, lists: int, finisher: str) -> str:
        if not lists:
            return f"{finisher}({value})"
        held, item = self._context.code.fresh("l"), self._context.code.fresh("o")
        return (
            f"None if ({held} := {value}) is None else [{self._mapped(item, lists - 1, finisher)} for {item} in {held}]"
        )

    def _finisher(self, place: Place) -> str:
        """A function from an object as decoded to the one that is encoded; leaves alone what it made before."""
        if place not in self._finishers:
            name = self._finishers[place] = self._context.code.fresh("finish")
            with self._context.code.function(f"{name}(o)"):
                self._context.code.add("c = type(o)")
                for shape in place.shapes:
                    with self._context.code.block(f"if c is {self._context.code.class_of(shape)}:"):
                        self._finish_object(shape, "o")
                        self._context.code.add(f"return {self._output(shape, 'o')}")
                self._context.code.add("return o")
        return self._finishers[place]

    def _output(self, shape: Shape, here: str) -> str:
        rebuilt = self._context.structures.rebuilt.get(shape)
        if rebuilt is None:
            return here
        values = (
            f"{here}.{source.attribute}" if isinstance(source, Slot) else repr(source) for _, source in shape.output()
        )
        return f"{self._context.code.named('O', rebuilt)}({', '.join(values)})"

    def _unfinished(self, place: Place) -> bool:
        return any(self._unfinished_shape(shape) for shape in place.shapes)

    def _unfinished_shape(self, shape: Shape) -> bool:
        if shape in self._context.structures.rebuilt:
            return True
        if any((shape, slot) not in self._context.cleared for slot in self._context.structures.hidden[shape]):
            return True
        places = [slot.place for slot in shape.slots.values() if slot.place is not None and slot.place.projected]
        return any(self._unfinished(place) for place in places)
