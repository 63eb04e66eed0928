"""What the response tree of a plan looks like, worked out before any request: the ground of the compiled form.

A *place* is a composite slot of an object of a certain type; a *shape* is one concrete type that can stand there, with
every slot that any fetch gives to it. Where one entity request serves several places, what is below its answers is one
place for all of them, since the compiled form does not copy.

What cannot be worked out, or would need copying, raises NotCoveredError: such a plan is interpreted. That is a decision
about the plan, made once, and never about a request.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphql import (
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)

from gateway.planning.operation import Read
from gateway.planning.plan import EntityRequest, Fetch, FetchedField, FieldProjection, PathStep, QueryPlan

MAX_SHAPES = 150
"""Plans with more are interpreted: nested abstract types multiply, and each shape costs memory while it is cached."""

TYPENAME = "__typename"
Route = tuple[tuple[str, str], ...]


class NotCoveredError(Exception):
    """The compiled form does not cover the plan; the message says why."""


@dataclass(eq=False, slots=True)
class Slot:
    """A value of a shape. ``assigned``: by its own fetch, later than its object; otherwise decoded with its object.

    ``fetch`` is the number of the giving fetch; ``kept`` says that later answers are compared with it.
    """

    name: str
    type: GraphQLOutputType
    fetch: int
    assigned: bool
    place: "Place | None"
    by_entity: bool = False
    kept: bool = False

    @property
    def attribute(self) -> str:
        """The structure's attribute: never a keyword, never private."""
        return f"s_{self.name}"

    @property
    def may_fail(self) -> bool:
        """Whether null may stand for the value in an answer."""
        return not isinstance(self.type, GraphQLNonNull)

    @property
    def nullable(self) -> bool:
        """Whether None may stand there, an entity that its subgraph does not know included."""
        return self.by_entity or self.may_fail


@dataclass(eq=False, slots=True)
class Shape:
    """Objects of one concrete type at one place.

    ``routes`` counts the ways from the root to it; ``typename_fetched`` says that the subgraph is asked for its name.
    """

    number: int
    type: str
    routes: int
    projection: tuple[FieldProjection, ...]
    place: "Place | None"
    slots: dict[str, Slot] = field(default_factory=dict)
    typename_fetched: bool = False

    @property
    def untyped(self) -> bool:
        """Whether ``type`` is an interface, since nothing tells the objects' own types."""
        return self.place is not None and self.place.untyped

    def output(self) -> Iterator[tuple[str, Slot | str | None]]:
        """The answer's fields in order: response key, and the slot or the constant that gives the value."""
        for projected in self.projection:
            if projected.constant is not None:
                yield projected.response_key, projected.constant
            elif projected.slot == TYPENAME and self.untyped:
                raise NotCoveredError("the type's name is wanted where none is known")
            elif projected.slot == TYPENAME:
                yield projected.response_key, self.type
            elif projected.slot in self.slots:
                yield projected.response_key, self.slots[projected.slot]
            elif isinstance(projected.type, GraphQLNonNull):
                raise NotCoveredError(f"nothing fetches {projected.parent_type}.{projected.field_name}")
            else:
                yield projected.response_key, None


@dataclass(eq=False, slots=True)
class Place:
    """Where objects stand; ``type`` with its lists. ``projected`` is False for what is fetched for joins alone.

    ``untyped``: objects of an @interfaceObject, whose one shape bears the interface's name.
    """

    type: GraphQLOutputType
    abstract: bool
    projected: bool
    untyped: bool = False
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class EntityTargets:
    """An entity request with the shapes it serves, and the slots that it gives to each.

    A root fetch for places below other fields is one too: without representations, since its targets are all alike.
    """

    request: EntityRequest
    shapes: tuple[Shape, ...]
    slots: tuple[Slot, ...]
    compared: tuple[Slot, ...]
    typename_fetched: bool


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """All places of a plan: the root's shape, what each fetch gives, and the fetches done ``before`` each."""

    root: Shape
    root_slots: dict[int, tuple[Slot, ...]]
    targets: dict[int, tuple[EntityTargets, ...]]
    shapes: tuple[Shape, ...]
    before: tuple[frozenset[int], ...]


def lay_out(plan: QueryPlan, schema: GraphQLSchema) -> Layout:
    """Work out the places of a plan. Raises NotCoveredError."""
    if plan.introspection is not None:
        raise NotCoveredError("the operation introspects")
    return _LayingOut(plan, schema).layout()


class _LayingOut:
    def __init__(self, plan: QueryPlan, schema: GraphQLSchema) -> None:
        self._plan = plan
        self._schema = schema
        self._shapes: list[Shape] = []
        self._before: list[frozenset[int]] = []
        self._root = self._shape(plan.root_type, plan.projection, None, 1)

    def layout(self) -> Layout:
        root_slots: dict[int, tuple[Slot, ...]] = {}
        targets: dict[int, tuple[EntityTargets, ...]] = {}
        for fetch in self._plan.fetches:
            self._before.append(frozenset(fetch.after).union(*(self._before[number] for number in fetch.after)))
            if requests := fetch.entities or _placed(fetch):
                found = [self._targets(fetch, request) for request in requests]
                targets[fetch.number] = tuple(self._entities(fetch, *each) for each in found)
            else:
                given, compared, _ = self._give(fetch, fetch.fields, (self._root,), assigned=True)
                root_slots[fetch.number] = given
                if compared:
                    raise NotCoveredError("two fetches give one root slot")
        for shape in self._shapes:
            list(shape.output())
        return Layout(self._root, root_slots, targets, tuple(self._shapes), tuple(self._before))

    def _shape(self, type_: str, projection: Sequence[FieldProjection], place: Place | None, routes: int) -> Shape:
        applied = tuple(each for each in projection if each.on_types is None or type_ in each.on_types)
        if not all(isinstance(each.outcome, Read) for each in applied):
            raise NotCoveredError("a field is refused")
        if len({each.response_key for each in applied}) < len(applied):
            raise NotCoveredError("a response key stands twice")
        if len(self._shapes) == MAX_SHAPES:
            raise NotCoveredError("too many shapes")
        shape = Shape(len(self._shapes), type_, routes, applied, place)
        self._shapes.append(shape)
        return shape

    def _targets(self, fetch: Fetch, request: EntityRequest) -> tuple[EntityRequest, tuple[Shape, ...]]:
        if request.context:
            raise NotCoveredError("arguments are taken from context")
        routes = {route: shape for path in request.paths for route, shape in self._along(fetch, self._root, path)}
        if not routes:
            raise NotCoveredError("an entity request has no place")
        shapes = Counter(routes.values())
        if any(count < shape.routes for shape, count in shapes.items()):
            raise NotCoveredError("an entity request serves some of the places that an earlier one filled together")
        return request, tuple(shapes)

    def _along(self, fetch: Fetch, shape: Shape, path: tuple[PathStep, ...]) -> Iterator[tuple[Route, Shape]]:
        if not path:
            yield (), shape
            return
        slot = shape.slots.get(path[0].slot)
        if slot is None:
            return
        if slot.place is None or slot.fetch not in self._before[fetch.number]:
            raise NotCoveredError("a path leads through what is not fetched before")
        for inner in slot.place.shapes:
            if path[0].on_types is None or inner.type in path[0].on_types:
                for route, found in self._along(fetch, inner, path[1:]):
                    yield ((slot.name, inner.type), *route), found

    def _entities(self, fetch: Fetch, request: EntityRequest, shapes: tuple[Shape, ...]) -> EntityTargets:
        types = {shape.type for shape in shapes}
        for each in request.fields:
            if each.on_types is not None and not types <= each.on_types:
                raise NotCoveredError("an entity request asks differently for several types")
        given, compared, typename_fetched = self._give(fetch, request.fields, shapes, assigned=True)
        if typename_fetched and (len(types) > 1 or any(shape.untyped for shape in shapes)):
            raise NotCoveredError("an entity request asks for names that may differ")
        if compared and not fetch.entities:
            raise NotCoveredError("two fetches give one slot")
        for slot in given:
            slot.by_entity = bool(fetch.entities)
        return EntityTargets(request, shapes, given, compared, typename_fetched)

    def _give(
        self, fetch: Fetch, fields: tuple[FetchedField, ...], shapes: tuple[Shape, ...], assigned: bool
    ) -> tuple[tuple[Slot, ...], tuple[Slot, ...], bool]:
        """Add the slots of ``fields`` to all of ``shapes``: new ones, those they had, and whether the type is asked."""
        given: dict[str, Slot] = {}
        compared, typename_fetched = [], False
        for each in fields:
            if each.slot == TYPENAME:
                typename_fetched = True
            elif each.slot in given:
                raise NotCoveredError("a slot is fetched twice at once")
            elif all(each.slot in shape.slots for shape in shapes):
                compared.append(self._compared(each, shapes, assigned))
            elif any(each.slot in shape.slots for shape in shapes):
                raise NotCoveredError("a slot is there at some places only")
            else:
                slot = given[each.slot] = self._slot(fetch, each, shapes, assigned)
                for shape in shapes:
                    shape.slots[each.slot] = slot
        return tuple(given.values()), tuple(compared), typename_fetched

    def _compared(self, field_: FetchedField, shapes: tuple[Shape, ...], assigned: bool) -> Slot:
        """A slot fetched once more: covered for an ID, which must be the same as before."""
        slots = {shape.slots[field_.slot] for shape in shapes}
        slot = slots.pop()
        if slots or slot.assigned or not assigned or str(slot.type) != "ID!":
            raise NotCoveredError("two fetches give one slot")
        slot.kept = True
        return slot

    def _slot(self, fetch: Fetch, field_: FetchedField, shapes: tuple[Shape, ...], assigned: bool) -> Slot:
        projected = [each for shape in shapes for each in shape.projection if each.slot == field_.slot]
        if projected and any(not any(each.slot == field_.slot for each in shape.projection) for shape in shapes):
            raise NotCoveredError("a slot is selected at some of a request's places only")
        first = projected[0] if projected else None
        type_ = first.type if first is not None else field_.type
        if any(str(each.type) != str(type_) or each.fields != projected[0].fields for each in projected):
            raise NotCoveredError("one request serves places with different selections")
        place = None
        if is_composite_type(get_named_type(type_)):
            place = self._place(fetch, field_, type_, first, sum(shape.routes for shape in shapes))
        return Slot(field_.slot, type_, fetch.number, assigned, place)

    def _place(
        self,
        fetch: Fetch,
        field_: FetchedField,
        type_: GraphQLOutputType,
        projected: FieldProjection | None,
        routes: int,
    ) -> Place:
        named = self._schema.type_map.get(get_named_type(type_).name)
        if named is None:
            raise NotCoveredError("a type is not in the caller's schema")
        untyped = projected is not None and not projected.typed and is_abstract_type(named)
        place = Place(type_, is_abstract_type(named) and not untyped, projected is not None, untyped)
        projection = projected.fields if projected is not None else ()
        types = [each.name for each in self._schema.get_possible_types(named)] if place.abstract else [named.name]  # type: ignore[arg-type]
        place.shapes = tuple(self._shape(name, projection, place, routes) for name in types)
        for shape in place.shapes:
            applied = tuple(each for each in field_.fields if each.on_types is None or shape.type in each.on_types)
            _, compared, shape.typename_fetched = self._give(fetch, applied, (shape,), assigned=False)
            if compared:
                raise NotCoveredError("a slot is fetched twice at once")
            if untyped and (shape.typename_fetched or len(applied) < len(field_.fields)):
                raise NotCoveredError("an @interfaceObject is asked as if it had types")
            if place.abstract and not shape.typename_fetched:
                raise NotCoveredError("an abstract place without its type's name")
        return place


def _placed(fetch: Fetch) -> tuple[EntityRequest, ...]:
    """A root fetch for other places than the root."""
    return () if fetch.paths == ((),) else (EntityRequest("", "", fetch.paths, (), fetch.fields),)


def holds_list(type_: GraphQLOutputType) -> bool:
    """Whether values are lists."""
    return is_list_type(get_nullable_type(type_))


def list_depth(type_: GraphQLOutputType) -> Iterator[bool]:
    """For each list around a type, outermost first, and then for the value itself: may it be null?"""
    while True:
        nullable = not isinstance(type_, GraphQLNonNull)
        inner = type_ if not isinstance(type_, GraphQLNonNull) else type_.of_type
        yield nullable
        if not is_list_type(inner):
            return
        type_ = inner.of_type
