"""Generated code that asks: one walk over the tree finds the targets of all fetches that begin together.

Such fetches are a *stage*. At each target the code reads the key, and joins or opens the group of objects that one
representation stands for. A key is a plain value or a tuple of them; where that would not tell representations apart as
their JSON does, it is the JSON.

Where many objects name the same entity (one product under each of a hundred reviews), and all that is known of them so
far came in one answer and is equal, the first takes the place of the others in the tree (``Alikes``): the rest is freed
at once, what comes later is linked once, and half-made answers that wait for slow subgraphs are small.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import groupby

import msgspec
from graphql import GraphQLEnumType, get_named_type

from gateway.execution import subgraph_request
from gateway.execution.compilation.alikes import Alikes
from gateway.execution.compilation.code import encode
from gateway.execution.compilation.context import Context
from gateway.execution.compilation.nesting import NestedRepresentations, refuse_uncertain_null
from gateway.execution.compilation.shapes import TYPENAME, EntityTargets, NotCoveredError, Shape, Slot, holds_list
from gateway.execution.compilation.structures import nullable_entity, representation
from gateway.execution.compilation.walking import each_object
from gateway.execution.representations import Branches, branches
from gateway.planning.plan import EntityRequest, Fetch, PathStep, RepresentationField

_Represented = tuple[str, tuple[RepresentationField, ...]]
_Way = tuple[PathStep, Branches[EntityRequest]]
_Kind = tuple[str, tuple[tuple[str, str | None], ...]]


class Collecting:
    """Writes ``stageN(s)`` for each stage."""

    def __init__(self, context: Context) -> None:
        self._context = context
        context.code.scope["Raw"] = msgspec.Raw
        self._encoded = {key for key, (_, targets, _) in context.requests.items() if self._holds_more(targets)}
        self._kinds = {key: self._structures_sent(targets) for key, (_, targets, _) in context.requests.items()}
        self._readers = self._find_readers()
        self._droppable: set[int] = set()
        self._alikes = Alikes(context, {}, ())
        self._locals: list[str] = []

    @property
    def read(self) -> set[Slot]:
        """The slots that representations are made of."""
        return {slot for _, slot in self._readers}

    def stage(self, fetches: list[Fetch]) -> str:
        """Write the function that makes the bodies of fetches that begin together; its name."""
        code = self._context.code
        name = f"stage{fetches[0].number}"
        with code.function(f"{name}(s)"):
            requests = [each.request for fetch in fetches for each in self._context.layout.targets[fetch.number]]
            twins: dict[str, str] = {}
            own: list[EntityRequest] = []
            walked: list[EntityRequest] = []
            for request in requests:
                group = self._context.group_of(request)
                twin = next((each for each in own if self._same_groups(each, request)), None)
                if twin is not None:
                    twins[group] = self._context.group_of(twin)
                    continue
                own.append(request)
                code.add(f"{group} = {'{}' if request.representations else '[]'}")
                if not self._regroup(request):
                    walked.append(request)
            self._alikes = Alikes(self._context, self._keys_of(walked), [fetch.number for fetch in fetches])
            self._locals = [*map(self._context.group_of, walked), *self._alikes.names]
            self._alikes.begin()
            code.add("root = s.root")
            self._walk(self._context.layout.root, "root", branches(walked))
            self._alikes.end()
            for group, twin_group in twins.items():
                code.add(f"{group} = {twin_group}")
            for fetch in fetches:
                self._bodies(fetch)
        return name

    def _bodies(self, fetch: Fetch) -> None:
        code = self._context.code
        template = code.named("T", self._context.templates[fetch.number])
        if not fetch.entities:
            (placed,) = self._context.layout.targets[fetch.number]
            group = self._context.group_of(placed.request)
            code.add(f"s.{group} = {group}")
            code.add(f"s.b{fetch.number} = [{template}.body(s.variables)] if {group} else []")
            return
        groups = [self._context.group_of(request) for request in fetch.entities]
        for group in groups:
            code.add(f"s.{group} = {group}")
        sent = [(request.variable, f"r{index}") for index, request in enumerate(fetch.entities)]
        for request, (_, name) in zip(fetch.entities, sent, strict=True):
            code.add(f"{name} = {self._represented(request)}")
        lists = ", ".join(f"({variable!r}, {name})" for variable, name in sent)
        with code.block(f"if not ({' or '.join(groups)}):"):
            code.add(f"s.b{fetch.number} = []")
        few = " and ".join(f"len({name}) <= {subgraph_request.MAX_REPRESENTATIONS}" for _, name in sent)
        with code.block(f"elif {'False' if fetch.variables else few}:"):
            head = self._context.templates[fetch.number].head + b',"variables":{'
            parts = []
            for variable, name in sent:
                parts.append(f"{head + encode(variable) + b':'!r} + encode({name})")
                head = b","
            code.add(f"s.b{fetch.number} = [{' + '.join(parts)} + b'}}}}']")
        with code.block("else:"):
            code.add(f"s.b{fetch.number} = {template}.bodies(s.variables, ({lists},))")

    def _same_groups(self, one: EntityRequest, other: EntityRequest) -> bool:
        """Whether requests that begin together represent the same objects by the same keys, and leave out none."""
        _, targets, _ = self._context.requests[id(one)]
        _, others, _ = self._context.requests[id(other)]
        return (
            bool(one.representations)
            and one.representations == other.representations
            and id(one) not in self._encoded
            and set(one.paths) == set(other.paths)
            and set(targets.shapes) == set(others.shapes)
            and all(self._always_represented(one, shape) for shape in targets.shapes)
        )

    def _always_represented(self, request: EntityRequest, shape: Shape) -> bool:
        found = self._representation(request, shape)
        read = [each for each in found[1] if each.constant is None] if found is not None else []
        return bool(read) and all(
            each.slot in shape.slots and (each.nullable or not shape.slots[each.slot].nullable) for each in read
        )

    def _regroup(self, request: EntityRequest) -> bool:
        """Take the groups of an earlier request instead of walking, where each of them is a group of this one too.

        That is so if both have the same targets, none of which the earlier one left out, and this one's key adds to the
        earlier key nothing but what the earlier answer gave to the whole group.
        """
        _, targets, number = self._context.requests[id(request)]
        wanted = self._key_slots(targets)
        for other, (held, earlier, earlier_number) in self._context.requests.items():
            known = self._key_slots(earlier)
            if (
                earlier_number in self._context.layout.before[number]
                and other not in self._droppable
                and set(earlier.request.paths) == set(request.paths)
                and set(earlier.shapes) == set(targets.shapes)
                and known
                and wanted
                and known <= wanted <= known | {slot.name for slot in earlier.slots}
            ):
                with self._context.code.block(f"for objects in s.{held}.values():"):
                    self._collect_group(request, targets.shapes[0])
                return True
        return False

    def _key_slots(self, targets: EntityTargets) -> set[str]:
        """The slots that make up the key of a request; empty if its shapes differ in that."""
        if len(self._kinds[id(targets.request)]) != 1 or id(targets.request) in self._encoded:
            return set()
        found = [self._representation(targets.request, shape) for shape in targets.shapes]
        slots = [
            {each.slot for each in fields if each.constant is None} if fields else set()
            for _, fields in (each or ("", ()) for each in found)
        ]
        return slots[0] if all(each == slots[0] for each in slots) else set()

    def _find_readers(self) -> dict[tuple[Shape, Slot], list[int]]:
        """The numbers of the fetches that read each slot of each shape, once for each request."""
        readers: dict[tuple[Shape, Slot], list[int]] = {}
        for _, targets, number in self._context.requests.values():
            for shape in targets.shapes:
                _, fields = self._representation(targets.request, shape) or ("", ())
                for key in _read_by(fields, shape):
                    readers.setdefault(key, []).append(number)
        return readers

    def _holds_more(self, targets: EntityTargets) -> bool:
        """Whether a request represents by more than leaves that Python tells apart as their JSON does."""
        for shape in targets.shapes:
            found = self._representation(targets.request, shape)
            for each in found[1] if found is not None else ():
                slot = shape.slots.get(each.slot)
                if each.constant is None and slot is not None and not _is_plain_key(each, slot):
                    return True
        return False

    def _represented(self, request: EntityRequest) -> str:
        """An expression for the list of representations, from the keys of the groups."""
        group = self._context.group_of(request)
        kinds = self._kinds[id(request)]
        if id(request) in self._encoded:
            return f"[Raw(k) for k in {group}]"
        if len(kinds) != 1:
            return f"[kind(*values) for kind, *values in {group}]"
        ((_, values), kind), *_ = kinds.items()
        names = [f"k{index}" for index, (_, constant) in enumerate(values) if constant is None]
        given = [f"k{index}" if constant is None else repr(constant) for index, (_, constant) in enumerate(values)]
        return f"[{kind}({', '.join(given)}) for {', '.join(names)} in {group}]"

    def _structures_sent(self, targets: EntityTargets) -> dict[_Kind, str]:
        """The structures of the representations that a request can send, by type and values."""
        kinds: dict[_Kind, str] = {}
        for shape in targets.shapes:
            found = self._representation(targets.request, shape)
            if found is not None and _kind(*found) not in kinds:
                names = tuple(each.name for each in found[1])
                kinds[_kind(*found)] = self._context.code.named("R", representation(found[0], names))
        return kinds

    def _representation(self, request: EntityRequest, shape: Shape) -> _Represented | None:
        """How the request represents objects of a shape; None if it does not."""
        for each in request.representations:
            if each.on_types is None or (shape.type in each.on_types and not shape.untyped):
                asks_type = each.typename is None or any(one.slot == TYPENAME for one in each.fields)
                if shape.untyped and asks_type:
                    raise NotCoveredError("a representation needs the name of a type that nobody tells")
                fields = tuple(
                    replace(one, constant=shape.type) if one.slot == TYPENAME and one.constant is None else one
                    for one in each.fields
                    if one.on_types is None or shape.type in one.on_types
                )
                return each.typename or shape.type, fields
        return None

    def _collect(self, request: EntityRequest, shape: Shape, here: str) -> None:
        """At a target: read its key, and join or open the group of that key."""
        code = self._context.code
        group, targets, number = self._context.requests[id(request)]
        if not request.representations:
            code.add(f"{group}.append({here})")
            return
        found = self._representation(request, shape)
        fields = found[1] if found is not None else ()
        read = [each for each in fields if each.constant is None]
        unknown = [each for each in read if each.slot not in shape.slots]
        if found is None or any(not each.input for each in unknown):
            self._leave_out(targets, here)
            return
        if unknown:
            raise NotCoveredError("an input that nothing fetches")
        if not read:
            raise NotCoveredError("a representation without a key")
        keys, dropped = self._read_key(request, shape, here, read)
        cleared = [slot for each in read if self._clears(shape, slot := shape.slots[each.slot], number)]
        self._context.cleared |= {(shape, slot) for slot in cleared}
        seen = []
        if not self._alikes.put_off(shape, here, cleared):
            for slot in cleared:
                code.add(f"{here}.{slot.attribute} = UNSET")
            seen = [
                f"{key} is UNSET" for each, key in zip(read, keys, strict=True) if shape.slots[each.slot] in cleared
            ]
        word = "if"
        if seen:  # an object that two parents share is met twice, and was represented the first time
            with code.block(f"if {' or '.join(seen)}:"):
                word = "elif"
        if dropped:
            self._droppable.add(id(request))
            with code.block(f"{word} {' or '.join(dropped)}:"):
                self._leave_out(targets, here)
                word = "elif"
        with code.block("else:") if word == "elif" else nullcontext():
            if id(request) in self._encoded:
                self._encode_key(request, shape, found, keys, here)
            else:
                self._join(group, self._key(request, found, keys), here)

    def _join(self, group: str, key: str, here: str) -> None:
        with self._context.code.block(f"if (k := {key}) in {group}:"):
            self._context.code.add(f"{group}[k].append({here})")
        with self._context.code.block("else:"):
            self._context.code.add(f"{group}[k] = [{here}]")

    def _encode_key(
        self, request: EntityRequest, shape: Shape, found: _Represented, keys: list[str], here: str
    ) -> None:
        """The representation's JSON is the key, where its values are no leaves, or Python would take some for equal."""
        code = self._context.code
        group, targets, number = self._context.requests[id(request)]
        nested = NestedRepresentations(code, self._context.layout.before[number])
        left = iter(keys)
        values = [
            repr(each.constant)
            if each.constant is not None
            else nested.expression(each, shape.slots[each.slot], next(left))
            for each in found[1]
        ]
        with code.block("try:"):
            code.add(f"k = encode({self._kinds[id(request)][_kind(*found)]}({', '.join(values)}))")
        with code.block("except IncompleteError:"):
            self._leave_out(targets, here)
        with code.block("else:"):
            self._join(group, "k", here)

    def _read_key(
        self, request: EntityRequest, shape: Shape, here: str, read: list[RepresentationField]
    ) -> tuple[list[str], list[str]]:
        """Read the slots of a key into variables; the conditions under which the object cannot be represented."""
        keys, dropped = [], []
        for each in read:
            slot, key = shape.slots[each.slot], self._context.code.fresh("k")
            keys.append(key)
            self._context.code.add(f"{key} = {here}.{slot.attribute}")
            if slot.nullable and not each.nullable and each.input:
                with self._context.code.block(f"if {key} is None:"):
                    self._context.code.add("raise MismatchError")
            elif slot.nullable and not each.nullable:
                dropped.append(f"{key} is None")
            refuse_uncertain_null(each, slot)
            if slot.fetch not in self._context.layout.before[self._context.requests[id(request)][2]]:
                raise NotCoveredError("a representation reads what is not fetched before")
        return keys, dropped

    def _collect_group(self, request: EntityRequest, shape: Shape) -> None:
        """As ``_collect``, for all ``objects`` of an earlier group at once."""
        code = self._context.code
        group, targets, number = self._context.requests[id(request)]
        found = self._representation(request, shape)
        assert found is not None
        read = [each for each in found[1] if each.constant is None]
        code.add("o = objects[0]")
        keys, dropped = self._read_key(request, shape, "o", read)
        names = [
            each.slot for each in read if all(self._clears(one, one.slots[each.slot], number) for one in targets.shapes)
        ]
        if names:
            self._context.cleared |= {(one, one.slots[name]) for one in targets.shapes for name in names}
            with code.block("for o in objects:"):
                for name in names:
                    code.add(f"o.{shape.slots[name].attribute} = UNSET")
        if dropped:
            self._droppable.add(id(request))
            with code.block(f"if {' or '.join(dropped)}:"), code.block("for o in objects:"):
                self._leave_out(targets, "o")
            code.add("else:")
        code.add(f"{'    ' if dropped else ''}{group}[{self._key(request, found, keys)}] = objects")

    def _key(self, request: EntityRequest, found: _Represented, keys: list[str]) -> str:
        """An expression for the key of a group: what tells one representation from another."""
        kinds = self._kinds[id(request)]
        if len(kinds) == 1:
            return keys[0] if len(keys) == 1 else f"({', '.join(keys)})"
        left = iter(keys)
        values = [next(left) if each.constant is None else repr(each.constant) for each in found[1]]
        return f"({', '.join([kinds[_kind(*found)], *values])})"

    def _leave_out(self, targets: EntityTargets, here: str) -> None:
        """A target that is not asked about: null stands where its answer would."""
        self._droppable.add(id(targets.request))
        if not nullable_entity(targets):
            self._context.code.add("raise MismatchError")
        for slot in targets.slots:
            self._context.code.add(f"{here}.{slot.attribute} = None")

    def _clears(self, shape: Shape, slot: Slot, number: int) -> bool:
        """Whether fetch ``number`` is the last to read a hidden slot, so that it goes out of sight at once."""
        if shape in self._context.structures.rebuilt or slot not in self._context.structures.hidden[shape] or slot.kept:
            return False
        readers = self._readers[shape, slot]
        return (
            slot.place is None
            and readers.count(number) == 1
            and self._context.layout.before[number].issuperset(set(readers) - {number})
        )

    def _walk(self, shape: Shape, here: str, wanted: Branches[EntityRequest], apart: bool = False) -> None:
        """Collect at the object ``here``, then below it, in the order of the general path.

        ``apart``: what is below is met by other ways too, so an object met here must not stand for one met there.
        """
        code = self._context.code
        for request in wanted.ends:
            self._collect(request, shape, here)
        begun = code.line
        for name, steps in groupby(wanted.sorted_steps(), lambda each: each[0].slot):
            slot = shape.slots.get(name)
            if slot is None or slot.place is None:
                continue
            ways = list(steps)
            in_list = holds_list(slot.type)
            for together in [[way] for way in ways] if in_list else [ways]:
                shapes = [each for each in slot.place.shapes if any(_leads_to(each, step) for step, _ in together)]
                held, each_apart = f"{here}.{slot.attribute}", apart or (in_list and len(ways) > 1)
                meet = partial(self._meet, held=held, ways=together, apart=each_apart)
                each_object(code, slot, here, shapes, meet)
            begun = code.cut(begun, [here, *self._locals])

    def _meet(self, shape: Shape, here: str, held: str, ways: list[_Way], apart: bool) -> None:
        """Walk on at an object, unless another takes its place, where it is ``held``."""
        below = [each for step, each in ways if _leads_to(shape, step)]
        with nullcontext() if apart else self._alikes.first(shape, here, held):
            for each in below:
                self._walk(shape, here, each, apart or len(below) > 1)

    def _keys_of(self, requests: list[EntityRequest]) -> dict[Shape, tuple[Slot, ...]]:
        """The key of each shape by which it is asked about, where that is made of leaves that Python tells apart."""
        keys: dict[Shape, tuple[Slot, ...]] = {}
        for request in requests:
            for shape in self._context.requests[id(request)][1].shapes:
                _, fields = self._representation(request, shape) or ("", ())
                slots = [shape.slots.get(each.slot) for each in fields if each.constant is None]
                if slots and None not in slots and id(request) not in self._encoded:
                    keys[shape] = tuple(filter(None, slots))
        return keys


def _kind(typename: str, fields: tuple[RepresentationField, ...]) -> _Kind:
    return typename, tuple((each.name, each.constant) for each in fields)


def _leads_to(shape: Shape, step: PathStep) -> bool:
    return step.on_types is None or shape.type in step.on_types


def _is_plain_key(field: RepresentationField, slot: Slot) -> bool:
    type_ = get_named_type(slot.type)
    if slot.place is not None or field.fields or holds_list(slot.type):
        return False
    return isinstance(type_, GraphQLEnumType) or type_.name in ("ID", "String", "Int", "Boolean")


def _read_by(fields: tuple[RepresentationField, ...], shape: Shape) -> Iterator[tuple[Shape, Slot]]:
    """The slots that a representation reads, those of nested objects included."""
    for field in fields:
        slot = shape.slots.get(field.slot)
        if slot is not None and field.constant is None:
            yield shape, slot
            for inner in slot.place.shapes if slot.place is not None else ():
                yield from _read_by(field.fields, inner)
