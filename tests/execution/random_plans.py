"""Random plans over one rich schema, subgraphs that answer them truthfully at random, and ways for answers to go wrong.

A plan is made the way a planner would: each object's fields are divided between the fetch that brought the object and
entity fetches that come after it, by hidden or selected key, over interfaces and unions too. Everything follows from
the ``random.Random`` that is passed in.
"""

import json
from dataclasses import dataclass, field, replace
from random import Random

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)

from gateway.planning.operation import READ, OperationKind
from gateway.planning.plan import (
    EntityRequest,
    Fetch,
    FetchedField,
    FieldProjection,
    PathStep,
    QueryPlan,
    Representation,
    RepresentationField,
)

SCHEMA = build_schema("""
    type Query { me: User! users: [User] pets: [Pet!] found: [Found] shelves: [[Book!]] node: Node book: Book }
    interface Node { id: ID! label: String }
    interface Pet { id: ID! name: String owner: User mood: Mood }
    type Dog implements Pet & Node { id: ID! label: String name: String owner: User mood: Mood barks: Boolean! }
    type Cat implements Pet & Node { id: ID! label: String name: String owner: User mood: Mood lives: Int friend: Cat }
    union Found = User | Book | Dog
    enum Mood { CALM WILD }
    scalar JSON
    type User implements Node {
      id: ID! label: String name: String! age: Int score: Float flags: [Boolean!]! friend: User books: [Book!]! pet: Pet
      meta: JSON mood: Mood!
    }
    type Book { id: ID! title: String! pages: Int! price: Float author: User! related: [Book] tags: [String] }
""")
IDS = ("1", "2", "3")
Path = tuple[PathStep, ...]


@dataclass
class _Fetch:
    after: set[int]
    fields: tuple[FetchedField, ...] = ()
    requests: list[EntityRequest] = field(default_factory=list)


@dataclass
class _Joinable:
    """An entity request that other places of its type can join."""

    type: str
    fetch: int
    index: int
    path: Path
    projected: list[FieldProjection]


@dataclass
class _Planned:
    """What an object of the answer takes: fields asked with it, and those of its projection."""

    fetched: list[FetchedField] = field(default_factory=list)
    projected: list[FieldProjection] = field(default_factory=list)


class PlanMaker:
    """Makes one random plan."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fetches: list[_Fetch] = []
        self.joinable: list[_Joinable] = []

    def plan(self) -> QueryPlan:
        """A query plan with one to a dozen fetches."""
        query = SCHEMA.query_type
        assert query is not None
        projection: list[FieldProjection] = []
        names = self.random.sample(list(query.fields), self.random.choice((1, 1, 2, 3)))
        roots = self.random.choice(([names], [[name] for name in names]))
        for group in roots:
            number = len(self.fetches)
            self.fetches.append(_Fetch(set()))
            planned = _Planned()
            for name in group:
                self._field(planned, query, name, name, None, number, (), 3)
            self.fetches[number].fields = tuple(planned.fetched)
            projection += planned.projected
        fetches = tuple(self._finished(number, fetch) for number, fetch in enumerate(self.fetches))
        return QueryPlan(OperationKind.QUERY, "Query", fetches, tuple(projection))

    def _finished(self, number: int, fetch: _Fetch) -> Fetch:
        document = f"query F{number} {{ made }}"
        return Fetch(
            number, f"s{number % 3}", OperationKind.QUERY, document, (), tuple(sorted(fetch.after)),
            fetch.fields, tuple(fetch.requests),
        )  # fmt: skip

    def _object(self, type_: GraphQLNamedType, number: int, path: Path, depth: int) -> _Planned:
        planned = _Planned()
        abstract = is_abstract_type(type_)
        if abstract or self.random.random() < 0.2:
            planned.fetched.append(FetchedField("__typename", GraphQLNonNull(GraphQLString)))
        if abstract:
            for possible in SCHEMA.get_possible_types(type_):
                self._members(planned, possible, frozenset({possible.name}), number, path, depth)
        else:
            self._members(planned, type_, None, number, path, depth)
        if self.random.random() < 0.4:
            constant = None if abstract else type_.name
            text = GraphQLNonNull(GraphQLString)
            name = FieldProjection("__typename", "__typename", text, type_.name, "__typename", None, READ, constant)
            planned.projected.insert(self.random.choice((0, len(planned.projected))), name)
        if not planned.fetched:
            planned.fetched.append(FetchedField("__typename", GraphQLNonNull(GraphQLString)))
        return planned

    def _members(
        self,
        planned: _Planned,
        type_: GraphQLObjectType,
        on_types: frozenset[str] | None,
        number: int,
        path: Path,
        depth: int,
    ) -> None:
        names = [
            name
            for name, its in type_.fields.items()
            if name != "id" and (depth > 0 or not is_composite_type(get_named_type(its.type)))
        ]
        names = self.random.sample(names, self.random.randint(0 if on_types else 1, min(4, len(names))))
        away = [name for name in names if self.random.random() < 0.45]
        for name in names:
            if name not in away:
                key = f"{name}_{type_.name}" if on_types else name
                self._field(planned, type_, name, key, on_types, number, path, depth)
        selected = self.random.random() < 0.4
        if selected:
            key = f"id_{type_.name}" if on_types else "id"
            projected = FieldProjection(key, key, type_.fields["id"].type, type_.name, "id", on_types)
            planned.projected.insert(self.random.randint(0, len(planned.projected)), projected)
        if selected or away:
            slot = f"id_{type_.name}" if on_types else "id"
            planned.fetched.append(FetchedField(slot, type_.fields["id"].type, on_types))
        if away and not (on_types is None and self.random.random() < 0.5 and self._join(planned, type_, number, path)):
            self._entities(planned, type_, on_types, away, number, path, depth)

    def _join(self, planned: _Planned, type_: GraphQLObjectType, number: int, path: Path) -> bool:
        """Let an earlier entity request, and all that follows from it, serve this place too."""
        taken = _names(planned.projected) | {each.slot for each in planned.fetched}
        for known in self.joinable:
            if known.type == type_.name and known.fetch > number and not taken & _names(known.projected):
                break
        else:
            return False
        self.fetches[known.fetch].after.add(number)
        own = {projected.slot for projected in known.projected}
        for fetch in self.fetches:
            for index, request in enumerate(fetch.requests):
                longer = [
                    (*path, *each[len(known.path) :])
                    for each in request.paths
                    if each[: len(known.path)] == known.path and len(each) > len(known.path)
                    and each[len(known.path)].slot in own
                ]  # fmt: skip
                if fetch is self.fetches[known.fetch] and index == known.index:
                    longer.append(path)
                fetch.requests[index] = replace(request, paths=(*request.paths, *longer))
        planned.projected += known.projected
        return True

    def _entities(
        self,
        planned: _Planned,
        type_: GraphQLObjectType,
        on_types: frozenset[str] | None,
        names: list[str],
        number: int,
        path: Path,
        depth: int,
    ) -> None:
        joined = self.random.random() < 0.4 and self.fetches[-1].requests and len(self.fetches) - 1 > number
        fetch_number = len(self.fetches) - 1 if joined else len(self.fetches)
        if not joined:
            self.fetches.append(_Fetch(set()))
        fetch = self.fetches[fetch_number]
        fetch.after.add(number)
        index = len(fetch.requests)
        step = PathStep(path[-1].slot, on_types)
        slot = f"id_{type_.name}" if on_types else "id"
        sent = [RepresentationField("id", slot)]
        for each in planned.fetched:
            leaf = str(each.type) in ("Int", "String", "Mood", "Boolean!", "String!", "Int!")
            if leaf and each.on_types == on_types and self.random.random() < 0.3:
                nullable, required = self.random.random() < 0.7, self.random.random() < 0.6
                sent.append(RepresentationField(f"in_{each.slot}", each.slot, nullable, input=required))
        request = EntityRequest(
            f"e{index}", f"r{index}", ((*path[:-1], step),), (Representation(on_types, type_.name, tuple(sent)),), ()
        )
        fetch.requests.append(request)
        inner = _Planned()
        for name in names:
            alias = f"{name}_{type_.name}" if on_types else name
            self._field(inner, type_, name, alias, None, fetch_number, (*path[:-1], step), depth)
        fields = tuple(inner.fetched)
        inputs = frozenset(each.name for each in sent if each.input)
        needs = tuple((each.slot, inputs) for each in fields if inputs and self.random.random() < 0.5)
        fetch.requests[index] = replace(fetch.requests[index], fields=fields, needs=needs)
        if on_types is None and len(sent) == 1:
            self.joinable.append(_Joinable(type_.name, fetch_number, index, path, list(inner.projected)))
        for projected in inner.projected:
            projected = FieldProjection(
                projected.response_key, projected.slot, projected.type, projected.parent_type, projected.field_name,
                on_types, READ, None, projected.fields,
            )  # fmt: skip
            planned.projected.insert(self.random.randint(0, len(planned.projected)), projected)

    def _field(
        self,
        planned: _Planned,
        type_: GraphQLObjectType,
        name: str,
        key: str,
        on_types: frozenset[str] | None,
        number: int,
        path: Path,
        depth: int,
    ) -> None:
        output = type_.fields[name].type
        named = get_named_type(output)
        inner = _Planned()
        if is_composite_type(named):
            inner = self._object(named, number, (*path, PathStep(key)), depth - 1)
        planned.fetched.append(FetchedField(key, output, on_types, tuple(inner.fetched)))
        response_key = f"{key}_as" if self.random.random() < 0.1 else key
        below = tuple(inner.projected)
        projected = FieldProjection(response_key, key, output, type_.name, name, on_types, READ, None, below)
        planned.projected.append(projected)


def _names(projected: list[FieldProjection]) -> set[str]:
    return {name for each in projected for name in (each.response_key, each.slot)}


def answer_data(plan: QueryPlan, number: int, variables: dict[str, list[dict[str, str]]], seed: int) -> object:
    """What a truthful subgraph gives as ``data``; the same entity always answers the same."""
    fetch = plan.fetches[number]
    if not fetch.entities:
        return _object(Random(f"{seed} {number}"), fetch.fields, "Query")
    return {
        request.alias: [
            _entity(Random(f"{seed} {number} {request.alias} {representation}"), request, representation)
            for representation in variables[request.variable]
        ]
        for request in fetch.entities
    }


def _entity(random: Random, request: EntityRequest, representation: dict[str, str]) -> object:
    return None if random.random() < 0.05 else _object(random, request.fields, representation["__typename"])


def _object(random: Random, fields: tuple[FetchedField, ...], typename: str) -> dict[str, object]:
    return {
        each.slot: typename if each.slot == "__typename" else _value(random, each.type, each.fields)
        for each in fields
        if each.on_types is None or typename in each.on_types
    }


def _value(random: Random, type_: GraphQLOutputType, fields: tuple[FetchedField, ...]) -> object:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    elif random.random() < 0.08:
        return None
    if isinstance(type_, GraphQLList):
        return [_value(random, type_.of_type, fields) for _ in range(random.choice((0, 1, 2, 4)))]
    if isinstance(type_, GraphQLEnumType):
        return random.choice(list(type_.values))
    if is_composite_type(type_):
        concrete = random.choice(SCHEMA.get_possible_types(type_)) if is_abstract_type(type_) else type_  # type: ignore[arg-type]
        known = random.random() < 0.5  # one of two that are named again and again, and mostly look the same
        return _object(Random(random.randrange(2)) if known else random, fields, concrete.name)
    return {
        "ID": lambda: random.choice(IDS),
        "String": lambda: random.choice(("", "text", "漢字 \u2028 \"'\\", "x" * 50)),
        "Int": lambda: random.choice((0, -1, 2**31 - 1, -(2**31))),
        "Float": lambda: random.choice((0.5, 3, -1e300)),
        "Boolean": lambda: random.random() < 0.5,
        "JSON": lambda: random.choice(({"a": [1, None]}, [], "text", 2**70, 1.5, True)),
    }[type_.name]()  # type: ignore[union-attr]


JUNK = (
    None, 0, -1, 1.0, 2**31, 2**200, 0.25, "", "Nobody", "Dog", "User", "WILD", True, [], [None], [[]], {}, {"id": "9"},
    {"__typename": "Cat", "id": "1"}, {"__typename": ["Dog"]}, [{"__typename": None}],
)  # fmt: skip


def corrupted(random: Random, answer: dict[str, object]) -> bytes:
    """A subgraph's answer gone wrong in one of many ways."""
    kind = random.randrange(7)
    if kind == 0:
        return random.choice((
            b"", b"nonsense", b"null", b"[]", b"{}", b'{"data":null}', b'{"data":[]}', b'{"errors":[{"message":"no"}]}',
            b'{"data":{"me":NaN}}', b'{"data":' + b"[" * 3000, b'{"data":{"a":"\xff"}}', b'{"data":null,"errors":7}',
            b'{"data":{},"errors":{"message":"odd"}}', b'{"data":null,"errors":[{"path":["me"]}]}',
        ))  # fmt: skip
    data = answer["data"]
    places = list(_places(data, ()))
    if kind == 1:
        path = list(random.choice(places)[2]) if places else ["me"]
        answer["errors"] = [{"message": "broken", "path": path + random.choice(([], ["x"], [0], [True]))}]
        if random.random() < 0.7 and places:
            container, key, found = random.choice(places)
            container[key] = None  # type: ignore[index]
            answer["errors"] = [{"message": "broken", "path": list(found)}]
    elif places:
        for _ in range(random.choice((1, 1, 3))):
            container, key, _path = random.choice(places)
            if kind == 2 and isinstance(container, dict):
                container.pop(key, None)
            elif kind == 3 and isinstance(container, list) and container:
                container.pop() if random.random() < 0.5 else container.append(random.choice(container))
            elif kind == 4 and isinstance(container, dict):
                container[random.choice(("extra", "__typename", "id", "errors"))] = random.choice(JUNK)
            elif isinstance(container, list) and container:
                container[random.randrange(len(container))] = random.choice(JUNK)
            elif isinstance(container, dict):
                container[str(key)] = random.choice(JUNK)
    return json.dumps(answer).encode()


def _places(value: object, path: tuple[object, ...]) -> list[tuple[object, object, tuple[object, ...]]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, inner in items:
        found.append((value, key, (*path, key)))
        found += _places(inner, (*path, key))
    return found
