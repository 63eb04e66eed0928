"""A world as supergraph SDL and as running subgraphs: real GraphQL schemas that answer from the world's data."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLResolveInfo, GraphQLSchema, build_schema, execute_sync, parse

from gateway.supergraph.field_set import FieldSet, FieldSetField, FieldSetFragment, parse_field_set
from tests.properties.world_types import LABEL, FailedError, Field, Object, Source, Type
from tests.properties.worlds import World, computed

JOIN = """schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY) { query: Query %s}
"""
EVENTS = 2
OTHER_TYPES = "scalar Blob\ninput Where { n: Int = 1, all: [[Int]!], more: Where, blob: Blob }"


def supergraph_sdl(world: World) -> str:
    """The world's supergraph, as composition would write it."""
    graphs = "\n".join(
        f'  {name.upper()} @join__graph(name: "{name}", url: "http://{name}/")' for name in world.subgraphs
    )
    types = "\n".join(_type_sdl(world, definition) for definition in world.types.values() if definition.keys)
    roots = "".join(f"{name.lower()}: {name} " for name in ("Mutation", "Subscription") if name in world.types)
    everywhere = " ".join(f"@join__type(graph: {name.upper()})" for name in world.subgraphs)
    others = OTHER_TYPES.replace("Blob\n", f"Blob {everywhere}\n").replace("Where {", f"Where {everywhere} {{", 1)
    return f"{JOIN % roots}enum join__Graph {{\n{graphs}\n}}\n{types}\n{others}\n"


def _type_sdl(world: World, definition: Type) -> str:
    head = [f"{definition.kind} {definition.name}"]
    interfaces = definition.interfaces()
    if interfaces:
        head.append("implements " + " & ".join(interfaces))
    for subgraph, names in definition.implements.items():
        head += [f'@join__implements(graph: {subgraph.upper()}, interface: "{name}")' for name in sorted(names)]
    for subgraph, keys in definition.keys.items():
        lent = ", isInterfaceObject: true" if subgraph in definition.interface_object else ""
        for key, resolvable in keys:
            more = "" if resolvable else ", resolvable: false"
            head.append(f'@join__type(graph: {subgraph.upper()}, key: "{key}"{more}{lent})')
        if not keys:
            head.append(f"@join__type(graph: {subgraph.upper()}{lent})")
    if "below" in definition.fields:
        (subgraph,) = definition.fields["below"].sources
        head.append(f'@context(name: "{subgraph}__given")')
    if definition.kind == "union":
        for subgraph, members in definition.members.items():
            head += [f'@join__unionMember(graph: {subgraph.upper()}, member: "{m}")' for m in sorted(members)]
        return " ".join(head) + " = " + " | ".join(world.possible(definition.name))
    fields = "\n".join(f"  {_field_sdl(f)}" for f in definition.fields.values())
    return " ".join(head) + " {\n" + fields + "\n}"


def _field_sdl(f: Field) -> str:
    joins = []
    for subgraph, source in f.sources.items():
        parts = [f"graph: {subgraph.upper()}"]
        parts += ["external: true"] if source.external else []
        parts += [f"requires: {json.dumps(source.requires)}"] if source.requires else []
        parts += [f"provides: {json.dumps(source.provides)}"] if source.provides else []
        parts += [f'override: "{source.override}", overrideLabel: "{source.label}"'] if source.override else []
        parts += [f'type: "{f.type}!"'] if source.stricter else []
        parts += [f'type: "{f.type.replace(f.target, source.narrow)}"'] if source.narrow else []
        if f.context:
            given = f'context: "{subgraph}__given", name: "taken", type: "String", selection: "{{ {f.context} }}"'
            parts.append(f"contextArguments: [{{ {given} }}]")
        joins.append(f"@join__field({', '.join(parts)})")
    return f"{f.name}{f.arguments}: {f.type} {' '.join(joins or ['@join__field'])}"


class RefusedError(Exception):
    """A subgraph was asked for what it cannot know: the plan is wrong."""


class Subgraph:
    """One subgraph of a world, as a GraphQL service."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.schema: GraphQLSchema = build_schema(self._sdl(), assume_valid=True)

    def _sdl(self) -> str:
        entities = [t.name for t in self.world.types.values() if t.keys.get(self.name) and t.kind == "type"]
        entities += [t.name for t in self.world.types.values() if self.name in t.interface_object]
        parts = ["scalar _Any", OTHER_TYPES]
        if entities:
            parts.append("union _Entity = " + " | ".join(entities))
        for definition in self.world.types.values():
            if self.name in definition.keys:
                parts.append(self._type(definition, bool(entities)))
        return "\n".join(parts)

    def _type(self, definition: Type, entities: bool) -> str:
        if definition.kind == "union":
            return f"union {definition.name} = {' | '.join(sorted(definition.members[self.name]))}"
        kind = "type" if self.name in definition.interface_object else definition.kind
        interfaces = sorted(definition.implements.get(self.name, ()))
        implements = f" implements {' & '.join(interfaces)}" if interfaces and kind == "type" else ""
        fields = [f for f in definition.fields.values() if self.name in f.sources]
        lines = [
            f"{f.name}{'(taken: String)' if f.context else f.arguments}: "
            f"{f.type.replace(f.target, f.sources[self.name].narrow or f.target)}"
            f"{'!' if f.sources[self.name].stricter else ''}"
            for f in fields
        ]
        if definition.name == "Query" and entities:
            lines.append("_entities(representations: [_Any!]!): [_Entity]!")
        return f"{kind} {definition.name}{implements} {{ {' '.join(lines) or '_unused: Int'} }}"

    def answer(self, body: bytes) -> bytes:
        """Execute one request. Raises RefusedError, or AssertionError where the document does not fit the schema."""
        from graphql import validate

        request = msgspec.json.decode(body)
        document = parse(request["query"])
        problems = validate(self.schema, document)
        assert not problems, f"{self.name} cannot read {request['query']}: {problems[0].message}"
        result = execute_sync(
            self.schema,
            document,
            variable_values=request.get("variables"),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, _: self._type_name(value, str(_)),
        )
        for error in result.errors or ():
            if not isinstance(error.original_error, FailedError):
                raise RefusedError(f"{self.name}: {error.message} in {request['query']}")
        return msgspec.json.encode(result.formatted)

    def _type_name(self, value: Object, abstract: str) -> str:
        if abstract == "_Entity" or self.name not in self.world.types[value.type].keys:
            for interface in self.world.types[value.type].interfaces():
                if self.name in self.world.types[interface].interface_object:
                    return interface
        return value.type

    def _resolve(self, parent: Object | None, info: GraphQLResolveInfo, **arguments: Any) -> object:
        name, static = info.field_name, info.parent_type.name
        if name == "_entities":
            return [self._entity(representation) for representation in arguments["representations"]]
        row = parent or Object(static, self.world.event if static == "Subscription" else 0)
        definition = self.world.types[static]
        f = definition.fields[name]
        source = f.sources[self.name]
        provided = [s for s in self._provided_to(row, row.provided) if s.name == name]
        self._check(f, source, bool(provided))
        below = tuple(inner for s in provided for inner in s.selections)
        if source.provides:
            below += parse_field_set(source.provides, "here")
        if source.requires:
            if row.rep is None:
                raise RefusedError(f"{static}.{name} was asked for without its inputs")
            return computed(name, self._taken(json.loads(row.rep), parse_field_set(source.requires, "here"), name))
        if f.context:
            return f"given {arguments.get('taken')}"
        if static == "Mutation":
            self.world.calls += 1
        if f.target == "Int" and (static == "Mutation" or name == "calls"):
            return self.world.calls
        value = self.world.value(row.type, row.number, name, arguments.get("where" if f.filtered else "x"))
        return self._placed(value, below)

    def _provided_to(self, row: Object, provided: FieldSet) -> list[FieldSetField]:
        found = []
        for selection in provided:
            if isinstance(selection, FieldSetField):
                found.append(selection)
            elif row.type in self.world.possible(selection.type_condition):
                found += self._provided_to(row, selection.selections)
        return found

    def _check(self, f: Field, source: Source, provided: bool) -> None:
        if source.external and not provided:
            raise RefusedError(f"{f.name} is external")
        active = self.world.label_active
        if source.label and not active:
            raise RefusedError(f"{f.name} has not moved here yet")
        if active and any(s.override == self.name and s.label == LABEL for s in f.sources.values()):
            raise RefusedError(f"{f.name} has moved away")

    def _taken(self, rep: dict[str, Any], fields: FieldSet, name: str) -> dict[str, object]:
        """The inputs as the representation gives them; whatever else it holds is left out."""
        found: dict[str, object] = {}
        for selection in fields:
            if isinstance(selection, FieldSetFragment):
                if rep.get("__typename") in self.world.possible(selection.type_condition):
                    found |= self._taken(rep, selection.selections, name)
                continue
            if selection.name not in rep:
                raise RefusedError(f"{name} needs {selection.name}")
            found[selection.name] = self._taken_below(rep[selection.name], selection, name)
        return found

    def _taken_below(self, value: object, selection: FieldSetField, name: str) -> object:
        if isinstance(value, list):
            return [self._taken_below(item, selection, name) for item in value]
        return self._taken(value, selection.selections, name) if isinstance(value, dict) else value

    def _placed(self, value: object, provided: FieldSet) -> object:
        if isinstance(value, list):
            return [self._placed(item, provided) for item in value]
        return Object(value[0], value[1], None, provided) if isinstance(value, tuple) else value

    def _entity(self, representation: dict[str, Any]) -> Object:
        named = representation["__typename"]
        definition = self.world.types[named]
        for key, resolvable in definition.keys[self.name]:
            if resolvable:
                row = self._find(named, parse_field_set(key, "here"), representation)
                if row is not None:
                    return Object(row[0], row[1], json.dumps(representation))
        raise RefusedError(f"{self.name} finds no {named} for {representation}")

    def _find(self, named: str, key: FieldSet, representation: dict[str, Any]) -> tuple[str, int] | None:
        for type_name in self.world.possible(named):
            for number in range(self.world.rows):
                wanted = self.world.required_values(type_name, number, key)
                given = {name: representation.get(name) for name in wanted}  # type: ignore[attr-defined]
                if wanted == given:
                    return (type_name, number)
        return None


class Federation:
    """All subgraphs of a world behind the executor's transport port."""

    def __init__(self, world: World) -> None:
        self.subgraphs = {name: Subgraph(world, name) for name in world.subgraphs}
        self.refusals: list[str] = []
        self.sent: list[tuple[str, str]] = []

    async def send(self, subgraph: str, body: bytes, headers: object, timeout: float) -> bytes:  # noqa: ASYNC109 - the port names it so
        self.sent.append((subgraph, body.decode()))
        try:
            return self.subgraphs[subgraph].answer(body)
        except (RefusedError, AssertionError) as problem:
            self.refusals.append(str(problem))
            return b'{"errors":[{"message":"refused"}]}'

    async def subscribe(self, subgraph: str, body: bytes, headers: object) -> AsyncGenerator[bytes, None]:
        for event in range(EVENTS):
            self.subgraphs[subgraph].world.event = event
            yield await self.send(subgraph, body, headers, 0)

    async def close(self) -> None:
        return None


def answer_in_one(world: World, schema: GraphQLSchema, query: str, variables: dict[str, object]) -> ExecutionResult:
    """What one monolithic service over the same data answers: the truth that plans are measured by."""

    def resolve(parent: Object | None, info: GraphQLResolveInfo, **arguments: Any) -> object:
        static = info.parent_type.name
        row = parent or Object(static, world.event if static == "Subscription" else 0)
        if info.parent_type.name == "Mutation":
            world.calls += 1
        if str(info.return_type) == "Int" and (info.parent_type.name == "Mutation" or info.field_name == "calls"):
            return world.calls
        return placed(world.value(row.type, row.number, info.field_name, arguments.get("x", arguments.get("where"))))

    def placed(value: object) -> object:
        if isinstance(value, list):
            return [placed(item) for item in value]
        return Object(value[0], value[1]) if isinstance(value, tuple) else value

    return execute_sync(
        schema,
        parse(query),
        variable_values=variables,
        field_resolver=resolve,
        type_resolver=lambda value, info, _: value.type,
    )
