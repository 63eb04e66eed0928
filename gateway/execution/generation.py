"""The code of a plan: generated once, it collects representations, links answers and finishes the tree.

For each *stage* (fetches that begin together) one walk over the tree collects the targets of all. Every structure's
class is known where the walk meets it, so the code is straight loops over attributes. In it, ``s`` is the state of one
request, ``s.root`` the root's structure, ``s.gN_I`` the groups of fetch N's request I (from key to the objects that one
representation stands for) and ``s.bN`` the bodies of fetch N.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from graphql import GraphQLEnumType, GraphQLList, get_nullable_type

from gateway.execution import subgraph_request
from gateway.execution.generated_code import Code, MismatchError, encode
from gateway.execution.nested_representations import NestedRepresentations
from gateway.execution.representations import Branches, branches
from gateway.execution.shapes import TYPENAME, EntityTargets, Layout, NotCoveredError, Place, Shape, Slot, list_depth
from gateway.execution.structures import Structures, nullable_entity, representation
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import EntityRequest, Fetch, QueryPlan, RepresentationField

_Represented = tuple[str, tuple[RepresentationField, ...]]
_Kind = tuple[str, tuple[tuple[str, str | None], ...]]


def _kind(typename: str, fields: tuple[RepresentationField, ...]) -> _Kind:
    return typename, tuple((each.name, each.constant) for each in fields)


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


def _is_plain_key(field: RepresentationField, slot: Slot) -> bool:
    type_ = get_nullable_type(slot.type)
    if slot.place is not None or field.fields or isinstance(type_, GraphQLList):
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


class Generator:
    """Writes the functions of one plan: ``stageN``, ``placeN`` and ``finish``."""

    def __init__(
        self, plan: QueryPlan, templates: tuple[RequestTemplate, ...], layout: Layout, structures: Structures
    ) -> None:
        self.code = Code()
        self.stages: dict[int, str] = {}
        self.places: dict[int, str] = {}
        self.attributes = ["root", "variables"]
        self._plan = plan
        self._templates = templates
        self._layout = layout
        self._structures = structures
        for shape in layout.shapes:
            self.code.name_class(shape, structures.of[shape])
        self._targets = {
            id(targets.request): (f"g{number}_{index}", targets, number)
            for number, each in layout.targets.items()
            for index, targets in enumerate(each)
        }
        self.code.scope["Raw"] = msgspec.Raw
        self._encoded = {key for key, (_, targets, _) in self._targets.items() if self._holds_more(targets)}
        self._kinds = {key: self._structures_sent(targets) for key, (_, targets, _) in self._targets.items()}
        self._readers = self._find_readers()
        self._droppable: set[int] = set()
        self._cleared: set[tuple[Shape, Slot]] = set()
        self._finishers: dict[Place, str] = {}

    def write(self) -> dict[str, Any]:
        """Write and execute everything; the module's globals."""
        stages: dict[tuple[int, ...], list[Fetch]] = {}
        for fetch in self._plan.fetches:
            if fetch.entities:
                stages.setdefault(tuple(sorted(fetch.after)), []).append(fetch)
        for fetches in stages.values():
            self._stage(fetches)
        for fetch in self._plan.fetches:
            self._place(fetch)
        self._finish()
        return self.code.run()

    # Collecting: one walk for all requests of a stage.

    def _stage(self, fetches: list[Fetch]) -> None:
        code = self.code
        name = f"stage{fetches[0].number}"
        with code.function(f"{name}(s)"):
            requests = [request for fetch in fetches for request in fetch.entities]
            for request in requests:
                code.add(f"{self._targets[id(request)][0]} = {{}}")
            code.add("root = s.root")
            walked = [request for request in requests if not self._regroup(request)]
            self._walk(self._layout.root, "root", branches(walked))
            for fetch in fetches:
                self._bodies(fetch)
        for fetch in fetches:
            self.stages[fetch.number] = name

    def _bodies(self, fetch: Fetch) -> None:
        code = self.code
        groups = [self._targets[id(request)][0] for request in fetch.entities]
        self.attributes += [*groups, f"b{fetch.number}"]
        for group in groups:
            code.add(f"s.{group} = {group}")
        sent = [(request.variable, f"r{index}") for index, request in enumerate(fetch.entities)]
        for request, (_, name) in zip(fetch.entities, sent, strict=True):
            code.add(f"{name} = {self._represented(request)}")
        template = code.named("T", self._templates[fetch.number])
        lists = ", ".join(f"({variable!r}, {name})" for variable, name in sent)
        with code.block(f"if not ({' or '.join(groups)}):"):
            code.add(f"s.b{fetch.number} = []")
        few = " and ".join(f"len({name}) <= {subgraph_request.MAX_REPRESENTATIONS}" for _, name in sent)
        with code.block(f"elif {'False' if fetch.variables else few}:"):
            head = self._templates[fetch.number].head + b',"variables":{'
            parts = []
            for variable, name in sent:
                parts.append(f"{head + encode(variable) + b':'!r} + encode({name})")
                head = b","
            code.add(f"s.b{fetch.number} = [{' + '.join(parts)} + b'}}}}']")
        with code.block("else:"):
            code.add(f"s.b{fetch.number} = {template}.bodies(s.variables, ({lists},))")

    def _regroup(self, request: EntityRequest) -> bool:
        """Take the groups of an earlier request instead of walking, where each of them is a group of this one too.

        That is so if both have the same targets, none of which the earlier one left out, and this one's key adds to the
        earlier key nothing but what the earlier answer gave to the whole group.
        """
        _, targets, number = self._targets[id(request)]
        wanted = self._key_slots(targets)
        for other, (held, earlier, earlier_number) in self._targets.items():
            known = self._key_slots(earlier)
            if (
                earlier_number in self._layout.before[number]
                and other not in self._droppable
                and set(earlier.request.paths) == set(request.paths)
                and set(earlier.shapes) == set(targets.shapes)
                and known
                and wanted
                and known <= wanted <= known | {slot.name for slot in earlier.slots}
            ):
                with self.code.block(f"for objects in s.{held}.values():"):
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
        for _, targets, number in self._targets.values():
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
        group = self._targets[id(request)][0]
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
                kinds[_kind(*found)] = self.code.named("R", representation(found[0], names))
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
        code = self.code
        group, targets, number = self._targets[id(request)]
        found = self._representation(request, shape)
        fields = found[1] if found is not None else ()
        read = [each for each in fields if each.constant is None]
        if found is None or any(each.slot not in shape.slots for each in read):
            self._leave_out(targets, here)
            return
        if not read:
            raise NotCoveredError("a representation without a key")
        keys, dropped = self._read_key(request, shape, here, read)
        cleared = [slot for each in read if self._clears(shape, slot := shape.slots[each.slot], number)]
        for slot in cleared:
            self._cleared.add((shape, slot))
            code.add(f"{here}.{slot.attribute} = UNSET")
        seen = [f"{key} is UNSET" for each, key in zip(read, keys, strict=True) if shape.slots[each.slot] in cleared]
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
        with self.code.block(f"if (k := {key}) in {group}:"):
            self.code.add(f"{group}[k].append({here})")
        with self.code.block("else:"):
            self.code.add(f"{group}[k] = [{here}]")

    def _encode_key(
        self, request: EntityRequest, shape: Shape, found: _Represented, keys: list[str], here: str
    ) -> None:
        """The representation's JSON is the key, where its values are no leaves, or Python would take some for equal."""
        code = self.code
        group, targets, number = self._targets[id(request)]
        nested = NestedRepresentations(code, self._layout.before[number])
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
            slot, key = shape.slots[each.slot], self.code.fresh("k")
            keys.append(key)
            self.code.add(f"{key} = {here}.{slot.attribute}")
            if slot.nullable and not each.nullable:
                dropped.append(f"{key} is None")
            if slot.fetch not in self._layout.before[self._targets[id(request)][2]]:
                raise NotCoveredError("a representation reads what is not fetched before")
        return keys, dropped

    def _collect_group(self, request: EntityRequest, shape: Shape) -> None:
        """As ``_collect``, for all ``objects`` of an earlier group at once."""
        code = self.code
        group, targets, number = self._targets[id(request)]
        found = self._representation(request, shape)
        assert found is not None
        read = [each for each in found[1] if each.constant is None]
        code.add("o = objects[0]")
        keys, dropped = self._read_key(request, shape, "o", read)
        names = [
            each.slot for each in read if all(self._clears(one, one.slots[each.slot], number) for one in targets.shapes)
        ]
        if names:
            self._cleared |= {(one, one.slots[name]) for one in targets.shapes for name in names}
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
            self.code.add("raise MismatchError")
        for slot in targets.slots:
            self.code.add(f"{here}.{slot.attribute} = None")

    def _clears(self, shape: Shape, slot: Slot, number: int) -> bool:
        """Whether fetch ``number`` is the last to read a hidden slot, so that it goes out of sight at once."""
        if shape in self._structures.rebuilt or slot not in self._structures.hidden[shape] or slot.kept:
            return False
        readers = self._readers[shape, slot]
        return (
            slot.place is None
            and readers.count(number) == 1
            and self._layout.before[number].issuperset(set(readers) - {number})
        )

    # Walking: loops over the tree, with the classes known.

    def _walk(self, shape: Shape, here: str, wanted: Branches) -> None:
        """Collect at the object ``here``, then below it, in the order of the general path."""
        for request in wanted.ends:
            self._collect(request, shape, here)
        for step, below in wanted.sorted_steps():
            slot = shape.slots.get(step.slot)
            if slot is not None and slot.place is not None:
                shapes = [each for each in slot.place.shapes if step.on_types is None or each.type in step.on_types]
                self._each(slot, here, shapes, partial(self._walk, wanted=below))

    def _each(self, slot: Slot, here: str, shapes: list[Shape], then: Callable[[Shape, str], None]) -> None:
        """Write loops that reach every object of ``shapes`` in a slot of the object ``here``."""
        nullables = list(list_depth(slot.type))
        nullables[0] = slot.nullable
        assert slot.place is not None
        self._loops(slot.place, f"{here}.{slot.attribute}", nullables, shapes, then)

    def _loops(
        self,
        place: Place,
        value: str,
        nullables: list[bool],
        shapes: list[Shape],
        then: Callable[[Shape, str], None],
    ) -> None:
        code, item = self.code, self.code.fresh("o")
        if len(nullables) > 1:
            with code.block(f"for {item} in {value}{' or ()' if nullables[0] else ''}:"):
                self._loops(place, item, nullables[1:], shapes, then)
            return
        if value.isidentifier():
            item = value
        else:
            code.add(f"{item} = {value}")
        if place.abstract:
            kind = code.fresh("c")
            code.add(f"{kind} = type({item})")
            for index, shape in enumerate(shapes):
                with code.block(f"{'elif' if index else 'if'} {kind} is {self.code.class_of(shape)}:"):
                    then(shape, item)
        elif not shapes:
            return
        elif nullables[0]:
            with code.block(f"if {item} is not None:"):
                then(shapes[0], item)
        else:
            then(shapes[0], item)

    # Placing: answers decoded, linked into the objects they belong to.

    def _place(self, fetch: Fetch) -> None:
        code = self.code
        name = self.places[fetch.number] = f"place{fetch.number}"
        targets = self._layout.targets.get(fetch.number, ())
        slots = self._layout.root_slots.get(fetch.number, ())
        entities = [self._structures.entity(fetch.number, each) for each in targets]
        data: dict[str, Any] = {slot.name: self._structures.annotation(slot) for slot in slots}
        data |= {
            each.request.alias: list[entity | None]  # type: ignore[valid-type]
            for each, entity in zip(targets, entities, strict=True)
        }
        decoder = code.named("D", msgspec.json.Decoder(self._structures.answer(fetch.number, data)).decode)
        with code.function(f"{name}(s, answers)"):
            code.add(f"response = {decoder}(answers[0])")
            with code.block("if response.errors:"):
                code.add("raise MismatchError")
            code.add("data, root = response.data, s.root")
            if targets:
                lists = [(f"s_{each.request.alias}", self._targets[id(each.request)][0]) for each in targets]
                with code.block("if len(answers) > 1:"):
                    sizes = ", ".join(f"({attribute!r}, len(s.{group}))" for attribute, group in lists)
                    code.add(f"{code.named('J', joined)}({decoder}, data, answers, ({sizes},))")
            for slot in slots:
                code.add(f"root.{slot.attribute} = data.{slot.attribute}")
            for each, entity in zip(targets, entities, strict=True):
                self._link(each, entity)

    def _link(self, targets: EntityTargets, entity: type[msgspec.Struct]) -> None:
        code = self.code
        group = self._targets[id(targets.request)][0]
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

    # Finishing: out of sight with what the client did not select, and the answer's bytes.

    def _finish(self) -> None:
        code, root = self.code, self._layout.root
        answer = code.named("A", msgspec.defstruct("Answer", [("data", Any)], gc=False))
        with code.function("finish(s)"):
            code.add("root = s.root")
            self._finish_object(root, "root")
            code.add(f"return encode({answer}({self._output(root, 'root')}))")

    def _finish_object(self, shape: Shape, here: str) -> None:
        if shape not in self._structures.rebuilt:
            for slot in self._structures.hidden[shape]:
                if (shape, slot) not in self._cleared:
                    self.code.add(f"{here}.{slot.attribute} = UNSET")
        for slot in shape.slots.values():
            place = slot.place
            if place is None or not place.projected or not self._unfinished(place):
                continue
            if any(inner in self._structures.rebuilt for inner in place.shapes):
                depths = list(list_depth(slot.type))
                finished = self._mapped(f"{here}.{slot.attribute}", len(depths) - 1, self._finisher(place))
                self.code.add(f"{here}.{slot.attribute} = {finished}")
            else:
                self._each(
                    slot, here, [each for each in place.shapes if self._unfinished_shape(each)], self._finish_object
                )

    def _mapped(self, value: str, lists: int, finisher: str) -> str:
        if not lists:
            return f"{finisher}({value})"
        held, item = self.code.fresh("l"), self.code.fresh("o")
        return (
            f"None if ({held} := {value}) is None else [{self._mapped(item, lists - 1, finisher)} for {item} in {held}]"
        )

    def _finisher(self, place: Place) -> str:
        """A function from an object as decoded to the one that is encoded; leaves alone what it made before."""
        if place not in self._finishers:
            name = self._finishers[place] = self.code.fresh("finish")
            with self.code.function(f"{name}(o)"):
                self.code.add("c = type(o)")
                for shape in place.shapes:
                    with self.code.block(f"if c is {self.code.class_of(shape)}:"):
                        self._finish_object(shape, "o")
                        self.code.add(f"return {self._output(shape, 'o')}")
                self.code.add("return o")
        return self._finishers[place]

    def _output(self, shape: Shape, here: str) -> str:
        rebuilt = self._structures.rebuilt.get(shape)
        if rebuilt is None:
            return here
        values = (
            f"{here}.{source.attribute}" if isinstance(source, Slot) else repr(source) for _, source in shape.output()
        )
        return f"{self.code.named('O', rebuilt)}({', '.join(values)})"

    def _unfinished(self, place: Place) -> bool:
        return any(self._unfinished_shape(shape) for shape in place.shapes)

    def _unfinished_shape(self, shape: Shape) -> bool:
        if shape in self._structures.rebuilt:
            return True
        if any((shape, slot) not in self._cleared for slot in self._structures.hidden[shape]):
            return True
        places = [slot.place for slot in shape.slots.values() if slot.place is not None and slot.place.projected]
        return any(self._unfinished(place) for place in places)
