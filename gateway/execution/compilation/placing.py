"""Generated code that takes in answers: decodes them, and links what they give to the objects it belongs to."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.execution import subgraph_request
from gateway.execution.compilation.code import MismatchError
from gateway.execution.compilation.context import Context
from gateway.execution.compilation.shapes import EntityTargets
from gateway.execution.compilation.structures import nullable_entity
from gateway.planning.plan import Fetch


def joined(
    decode: Callable[[bytes], Any], data: Any, answers: Sequence[bytes], sizes: Sequence[tuple[str, int]]
) -> None:
    """Add the entities of further answers to the ``data`` of the first; ``sizes`` is how many there must be in all."""
    most = subgraph_request.MAX_REPRESENTATIONS
    for attribute, size in sizes:
        if len(getattr(data, attribute)) != min(size, most):
            raise MismatchError
    for index, answer in enumerate(answers[1:], start=1):
        more = decode(answer)
        for attribute, size in sizes:
            entities = getattr(more.data, attribute)
            if more.errors or len(entities) != min(max(size - index * most, 0), most):
                raise MismatchError
            getattr(data, attribute).extend(entities)


class Placing:
    """Writes ``placeN(s, answers)`` for each fetch."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def place(self, fetch: Fetch) -> str:
        """Write the function that takes in the answers to a fetch; its name."""
        code = self._context.code
        name = f"place{fetch.number}"
        targets = self._context.layout.targets.get(fetch.number, ())
        slots = self._context.layout.root_slots.get(fetch.number, ())
        if targets and not fetch.entities:
            return self._place_alike(fetch, targets[0])
        entities = [self._context.structures.entity(fetch.number, each) for each in targets]
        data: dict[str, Any] = {slot.name: self._context.structures.annotation(slot) for slot in slots}
        data |= {
            each.request.alias: list[entity | None]  # type: ignore[valid-type]
            for each, entity in zip(targets, entities, strict=True)
        }
        decoder = code.named("D", msgspec.json.Decoder(self._context.structures.answer(fetch.number, data)).decode)
        with code.function(f"{name}(s, answers)"):
            code.add(f"response = {decoder}(answers[0])")
            with code.block("if response.errors:"):
                code.add("raise MismatchError")
            code.add("data, root = response.data, s.root")
            if targets:
                lists = [(f"s_{each.request.alias}", self._context.group_of(each.request)) for each in targets]
                with code.block("if len(answers) > 1:"):
                    sizes = ", ".join(f"({attribute!r}, len(s.{group}))" for attribute, group in lists)
                    code.add(f"{code.named('J', joined)}({decoder}, data, answers, ({sizes},))")
            for slot in slots:
                code.add(f"root.{slot.attribute} = data.{slot.attribute}")
            for each, entity in zip(targets, entities, strict=True):
                self._link(each, entity)
        return name

    def _place_alike(self, fetch: Fetch, targets: EntityTargets) -> str:
        """As ``place``, for a root fetch whose answer is the same at all of its places."""
        code = self._context.code
        name = f"place{fetch.number}"
        data = {slot.name: self._context.structures.annotation(slot) for slot in targets.slots}
        decoder = code.named("D", msgspec.json.Decoder(self._context.structures.answer(fetch.number, data)).decode)
        with code.function(f"{name}(s, answers)"):
            code.add(f"response = {decoder}(answers[0])")
            with code.block("if response.errors:"):
                code.add("raise MismatchError")
            code.add("data = response.data")
            with code.block(f"for o in s.{self._context.group_of(targets.request)}:"):
                for slot in targets.slots:
                    code.add(f"o.{slot.attribute} = data.{slot.attribute}")
        return name

    def _link(self, targets: EntityTargets, entity: type[msgspec.Struct]) -> None:
        code = self._context.code
        group = self._context.group_of(targets.request)
        code.add(f"entities, groups = data.s_{targets.request.alias}, s.{group}")
        with code.block("if len(entities) != len(groups):"):
            code.add("raise MismatchError")
        with code.block("for e, objects in zip(entities, groups.values()):"):
            with code.block("if e is None:"):
                if nullable_entity(targets) and not targets.compared:
                    nothing = entity(**{slot.attribute: None for slot in targets.slots})
                    code.add(f"e = {code.named('N', nothing)}")
                else:
                    code.add("raise MismatchError")
            attributes = [slot.attribute for slot in targets.slots]
            for attribute in attributes:
                code.add(f"{attribute} = e.{attribute}")
            with code.block("for o in objects:"):
                for slot in targets.compared:
                    with code.block(f"if o.{slot.attribute} != e.{slot.attribute}:"):
                        code.add("raise MismatchError")
                for attribute in attributes:
                    code.add(f"o.{attribute} = {attribute}")
