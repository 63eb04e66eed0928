"""Random subgraphs: a small federated world that mostly composes, then a few mutations that mostly break it.

Everything follows from the seed, so that a difference can be looked at again.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

SCALARS = ("Int", "String", "Boolean", "ID", "Float")
IMPORTS = (
    "@key", "@requires", "@provides", "@external", "@shareable", "@override", "@interfaceObject", "@composeDirective",
    "@context", "@fromContext",
)  # fmt: skip
LINKED = {
    "@tag": "tag/v0.3", "@inaccessible": "inaccessible/v0.2", "@authenticated": "authenticated/v0.1",
    "@requiresScopes": "requiresScopes/v0.1", "@cost": "cost/v0.1", "@listSize": "cost/v0.1",
}  # fmt: skip
"""Directives that federation has and a specification of their own has too."""


@dataclass
class Field:
    type: str
    directives: list[str] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)

    def written(self, name: str) -> str:
        arguments = ", ".join(f"{key}: {value}" for key, value in self.arguments.items())
        head = f"{name}({arguments})" if arguments else name
        return " ".join([f"  {head}: {self.type}", *self.directives])


@dataclass
class Definition:
    kind: str
    fields: dict[str, Field] = field(default_factory=dict)
    directives: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def written(self, name: str) -> str:
        head = f"{self.kind} {name}"
        if self.interfaces:
            head += f" implements {' & '.join(self.interfaces)}"
        head = " ".join([head, *self.directives])
        if self.kind in ("extend", "directive"):
            return head
        if self.kind == "union":
            return f"{head} = {' | '.join(self.values)}"
        body = self.values if self.kind == "enum" else [f.written(n) for n, f in self.fields.items()]
        return f"{head} {{\n" + "\n".join(body) + "\n}"


World = dict[str, dict[str, Definition]]


def generate(seed: int) -> list[tuple[str, str]]:
    """Names and SDL of the subgraphs of one seed."""
    rng, more = random.Random(seed), random.Random(f"more {seed}")
    world = _world(rng)
    is_sound = seed % 4 == 0
    if seed % 11 and more.random() < 0.3:
        _composed(more, world, is_sound)
    if seed % 11 and more.random() < 0.3:
        _context(more, world, is_sound)
    if not is_sound:
        for _ in range(rng.choice((1, 1, 2))):
            rng.choice(MUTATIONS)(rng, world)
    federation_1 = rng.choice(sorted(world)) if seed % 11 == 0 else None
    found = []
    for name, types in world.items():
        text = "\n".join(definition.written(type_name) for type_name, definition in types.items())
        if name != federation_1:
            text = _with_header(more, text, is_sound)
        else:
            for directive in (" @shareable", " @inaccessible", " @authenticated"):
                text = text.replace(directive, "")
        found.append((name, text))
    return found


def _world(rng: random.Random) -> World:
    subgraphs = ["alpha", "beta", "gamma", "delta"][: rng.randint(2, 4)]
    world: World = {name: {"Query": Definition("type")} for name in subgraphs}
    entities = [f"E{i}" for i in range(rng.randint(1, 4))]
    values = [f"V{i}" for i in range(rng.randint(0, 2))]
    for entity in entities:
        _entity(rng, world, entity)
    for value in values:
        _value(rng, world, value)
    if rng.random() < 0.5:
        _interface(rng, world)
    if rng.random() < 0.4:
        _union(rng, world, entities)
    if rng.random() < 0.5:
        _enum(rng, world)
    if rng.random() < 0.4:
        _input(rng, world)
    for entity in entities:
        _requires(rng, world, entity)
        _provides(rng, world, entity)
    _references(rng, world, [*entities, *values])
    for name in subgraphs:
        query = world[name]["Query"]
        for type_name in world[name]:
            if type_name[0] in "EV" and rng.random() < 0.5:
                query.fields[f"{name}{type_name}"] = Field(rng.choice((type_name, f"[{type_name}]", f"{type_name}!")))
        if not query.fields:
            query.fields[f"{name}Count"] = Field("Int")
    if rng.random() < 0.3:
        for name in rng.sample(subgraphs, 2):
            world[name]["Query"].fields["common"] = Field("Int", ["@shareable"])
    return world


def _with_header(rng: random.Random, text: str, is_sound: bool) -> str:
    """The text with what it links: some directives from a specification of their own, some under other names."""
    own = {name for name in LINKED if rng.random() < 0.5} if rng.random() < 0.3 else set()
    if is_sound and "@listSize" in own:
        own.add("@cost")
    links = ["extend schema", _link("federation/v2.9", [*IMPORTS, *(name for name in LINKED if name not in own)])]
    for specification in sorted({LINKED[name] for name in own}):
        imports = []
        for name in sorted(own):
            if LINKED[name] == specification:
                alias = f"@my{name[1:]}" if rng.random() < 0.3 and not is_sound else name
                imports.append(name if alias == name else f'{{name: "{name}", as: "{alias}"}}')
                text = re.sub(rf"{name}\b", alias, text)
        links.append(_link(specification, imports))
    return " ".join(links) + "\n" + text


def _link(specification: str, imports: list[str]) -> str:
    listed = ", ".join(name if name.startswith("{") else f'"{name}"' for name in imports)
    return f'@link(url: "https://specs.apollo.dev/{specification}", import: [{listed}])'


def _composed(rng: random.Random, world: World, is_sound: bool) -> None:
    """A directive of one's own specification, composed by some of those who have it, in versions that may differ."""
    for subgraph in _holders(rng, world):
        version = rng.choice(("v1.0", "v1.0", "v1.0", "v1.1", "v2.0")) if not is_sound else "v1.0"
        alias = rng.choice(("@note", "@note", "@note", "@remark")) if not is_sound else "@note"
        imported = '"@note"' if alias == "@note" else f'{{name: "@note", as: "{alias}"}}'
        link = f'@link(url: "https://acme.test/note/{version}", import: [{imported}])'
        schema = Definition("extend", directives=[link])
        if rng.random() < 0.8:
            is_known = is_sound or rng.random() < 0.95
            schema.directives.append(f'@composeDirective(name: "{alias if is_known else "@nothing"}")')
        world[subgraph]["schema"] = schema
        shape = rng.choice(("(text: String)", "(text: String)", "(text: String, level: Int)"))
        places = rng.choice(("FIELD_DEFINITION | OBJECT", "FIELD_DEFINITION | OBJECT", "FIELD_DEFINITION"))
        world[subgraph][f"{alias}{shape} on {places}"] = Definition("directive")
        definitions = [d for name, d in world[subgraph].items() if d.kind == "type" and name[0] in "EQ"]
        for field_ in [field_ for d in definitions for field_ in d.fields.values() if rng.random() < 0.2]:
            field_.directives.append(f'{alias}(text: "{rng.choice("ab")}")')


def _context(rng: random.Random, world: World, is_sound: bool) -> None:
    """A field of one type that takes an argument from an entity that leads to it."""
    types, name = rng.choice([(types, name) for types in world.values() for name in types if name[0] == "E"])
    setting = types[name]
    own = [n for n, f in setting.fields.items() if not f.arguments and f.type.strip("[]!") in SCALARS]
    if is_sound or rng.random() < 0.5:
        target = "C0"
        types[target] = Definition("type", {"id": Field("ID!")}, ['@key(fields: "id")'])
    else:
        target = rng.choice([other for other in types if other[0] == "E"])
    wanted = rng.choice(own if is_sound else [*own, *own, "missing"])
    type_ = setting.fields[wanted].type.rstrip("!") if wanted in own else "String"
    context = "ctx" if is_sound or rng.random() < 0.75 else "other"
    setting.directives.append(f'@context(name: "{context}")')
    setting.fields[f"leadsTo{target}"] = Field(target)
    argument = type_ if is_sound or rng.random() < 0.9 else _scalar(rng)
    taken = f'{argument} @fromContext(field: "$ctx {{ {wanted} }}")'
    types[target].fields["inContext"] = Field("Int", arguments={"from": taken})


def _holders(rng: random.Random, world: World, at_least: int = 1) -> list[str]:
    return rng.sample(sorted(world), rng.randint(at_least, len(world)))


def _entity(rng: random.Random, world: World, name: str) -> None:
    keys = ["id"] if rng.random() < 0.7 else ["id", "code"]
    for subgraph in _holders(rng, world):
        own = keys if rng.random() < 0.8 else keys[:1]
        definition = Definition("type", directives=[f'@key(fields: "{key}")' for key in own])
        if rng.random() < 0.1:
            definition.directives[-1] = definition.directives[-1].replace(")", ", resolvable: false)")
        for key in own:
            definition.fields[key] = Field("ID!" if key == "id" else "String")
        for index in range(rng.randint(0, 3)):
            definition.fields[f"{subgraph[0]}{index}"] = Field(_scalar(rng), _decoration(rng))
        if rng.random() < 0.3:
            definition.fields["shared"] = Field("Int", ["@shareable"])
        world[subgraph][name] = definition


def _scalar(rng: random.Random) -> str:
    base = rng.choice(SCALARS)
    return rng.choice((base, base, f"{base}!", f"[{base}]", f"[{base}!]!"))


def _decoration(rng: random.Random) -> list[str]:
    roll = rng.random()
    if roll < 0.05:
        return ['@tag(name: "t")']
    if roll < 0.09:
        return ["@inaccessible"]
    if roll < 0.13:
        return ["@deprecated"]
    if roll < 0.17:
        return ["@cost(weight: 3)"]
    return []


def _value(rng: random.Random, world: World, name: str) -> None:
    fields = {f"v{i}": _scalar(rng) for i in range(rng.randint(1, 3))}
    for subgraph in _holders(rng, world):
        definition = Definition("type", directives=["@shareable"])
        for field_name, type_ in fields.items():
            if rng.random() < 0.95 or not definition.fields:
                definition.fields[field_name] = Field(type_)
        world[subgraph][name] = definition


def _interface(rng: random.Random, world: World) -> None:
    keyed = rng.random() < 0.4
    names = ["A0", "A1"]
    owner = rng.choice(sorted(world))
    key = ['@key(fields: "id")'] if keyed else []
    world[owner]["I"] = Definition("interface", {"id": Field("ID!"), "label": Field("String")}, list(key))
    for name in names:
        fields = {"id": Field("ID!"), "label": Field("String"), f"own{name}": Field("Int")}
        world[owner][name] = Definition("type", fields, list(key), ["I"])
    world[owner]["Query"].fields["things"] = Field("[I]")
    others = [subgraph for subgraph in sorted(world) if subgraph != owner]
    other = rng.choice(others)
    if keyed and rng.random() < 0.6:
        fields = {"id": Field("ID!"), "extra": Field("Int")}
        world[other]["I"] = Definition("type", fields, ["@interfaceObject", *key])
        if rng.random() < 0.5:
            world[other]["Query"].fields["extras"] = Field("[I]")
    elif rng.random() < 0.6:
        fields = {"id": Field("ID!"), "more": Field("String")}
        world[other]["A0"] = Definition("type", fields, ['@key(fields: "id")'])


def _union(rng: random.Random, world: World, entities: list[str]) -> None:
    for subgraph in _holders(rng, world):
        members = [entity for entity in entities if entity in world[subgraph]]
        if members:
            chosen = rng.sample(members, rng.randint(1, len(members)))
            world[subgraph]["U"] = Definition("union", values=sorted(chosen))
            directives = ["@shareable"] if rng.random() < 0.4 else []
            name = "any" if directives else f"{subgraph}Any"
            world[subgraph]["Query"].fields[name] = Field("U", directives)


def _enum(rng: random.Random, world: World) -> None:
    same = rng.random() < 0.6
    as_input = rng.random() < 0.5
    for subgraph in _holders(rng, world):
        values = ["ONE", "TWO", "THREE"] if same else rng.sample(["ONE", "TWO", "THREE"], rng.randint(1, 3))
        world[subgraph]["Kind"] = Definition("enum", values=sorted(values))
        query = world[subgraph]["Query"].fields
        if as_input and rng.random() < 0.7:
            query[f"{subgraph}ByKind"] = Field("Int", arguments={"kind": "Kind"})
        if rng.random() < 0.6:
            query[f"{subgraph}Kind"] = Field("Kind")


def _input(rng: random.Random, world: World) -> None:
    for subgraph in _holders(rng, world):
        fields = {"first": Field("Int")}
        if rng.random() < 0.5:
            fields["after"] = Field("ID")
        world[subgraph]["Page"] = Definition("input", fields)
        world[subgraph]["Query"].fields[f"{subgraph}Page"] = Field("Int", arguments={"page": "Page"})


def _requires(rng: random.Random, world: World, entity: str) -> None:
    holders = [name for name in sorted(world) if entity in world[name]]
    if len(holders) < 2 or rng.random() < 0.5:
        return
    source, target = rng.sample(holders, 2)
    own = [n for n in world[source][entity].fields if n[0] == source[0] and n[1:].isdigit()]
    if own and "id" in world[target][entity].fields:
        wanted = rng.choice(own)
        definition = world[source][entity].fields[wanted]
        if "@inaccessible" in definition.directives and rng.random() < 0.5:
            return
        world[target][entity].fields[wanted] = Field(definition.type, ["@external"])
        world[target][entity].fields[f"{target[0]}Sum"] = Field("Int", [f'@requires(fields: "{wanted}")'])


def _provides(rng: random.Random, world: World, entity: str) -> None:
    holders = [name for name in sorted(world) if entity in world[name]]
    if len(holders) < 2 or rng.random() < 0.7:
        return
    source, target = rng.sample(holders, 2)
    own = [n for n in world[source][entity].fields if n[0] == source[0] and n[1:].isdigit()]
    if own:
        wanted = rng.choice(own)
        definition = world[source][entity].fields[wanted]
        definition.directives.append("@shareable")
        world[target][entity].fields[wanted] = Field(definition.type, ["@external"])
        provided = Field(entity, [f'@provides(fields: "{wanted}")'])
        world[target]["Query"].fields[f"{target}Provided"] = provided


def _references(rng: random.Random, world: World, names: list[str]) -> None:
    for subgraph, types in world.items():
        for type_name in list(types):
            if type_name[0] == "E" and rng.random() < 0.5:
                target = rng.choice([name for name in names if name in types])
                types[type_name].fields[f"{subgraph[0]}To{target}"] = Field(rng.choice((target, f"[{target}!]")))


def _any_field(rng: random.Random, world: World) -> tuple[Definition, str] | None:
    places = [
        (definition, name) for types in world.values() for definition in types.values() for name in definition.fields
    ]
    return rng.choice(places) if places else None


def _drop_directive(rng: random.Random, world: World) -> None:
    fields = [f for types in world.values() for d in types.values() for f in d.fields.values() if f.directives]
    if fields:
        chosen = rng.choice(fields)
        chosen.directives.pop(rng.randrange(len(chosen.directives)))


def _drop_type_directive(rng: random.Random, world: World) -> None:
    definitions = [d for types in world.values() for d in types.values() if d.directives]
    if definitions:
        chosen = rng.choice(definitions)
        chosen.directives.pop(rng.randrange(len(chosen.directives)))


def _change_type(rng: random.Random, world: World) -> None:
    found = _any_field(rng, world)
    if found:
        definition, name = found
        definition.fields[name].type = _scalar(rng)


def _add_directive(rng: random.Random, world: World) -> None:
    found = _any_field(rng, world)
    if found:
        definition, name = found
        written = (
            "@external", "@shareable", "@inaccessible", '@tag(name: "m")', '@override(from: "alpha")',
            '@override(from: "beta", label: "percent(5)")', '@requires(fields: "id")', '@provides(fields: "id")',
            "@authenticated", '@requiresScopes(scopes: [["s"]])', "@listSize(assumedSize: 5)", "@deprecated",
        )  # fmt: skip
        definition.fields[name].directives.append(rng.choice(written))


def _drop_field(rng: random.Random, world: World) -> None:
    found = _any_field(rng, world)
    if found and len(found[0].fields) > 1:
        definition, name = found
        del definition.fields[name]


def _copy_field(rng: random.Random, world: World) -> None:
    found = _any_field(rng, world)
    others = [d for types in world.values() for d in types.values() if d.kind == "type"]
    if found:
        definition, name = found
        original = definition.fields[name]
        if definition.kind == "input":
            return
        rng.choice(others).fields[name] = Field(original.type, list(original.directives), dict(original.arguments))


def _break_key(rng: random.Random, world: World) -> None:
    definitions = [d for types in world.values() for d in types.values() if any("@key" in x for x in d.directives)]
    if definitions:
        chosen = rng.choice(definitions)
        index = next(i for i, x in enumerate(chosen.directives) if "@key" in x)
        replacement = ('@key(fields: "missing")', '@key(fields: "id", resolvable: false)', '@key(fields: "id id")')
        chosen.directives[index] = rng.choice(replacement)


def _add_argument(rng: random.Random, world: World) -> None:
    found = _any_field(rng, world)
    if found and found[0].kind != "input":
        definition, name = found
        definition.fields[name].arguments["x"] = rng.choice(("Int", "Int!", "Int = 3", "String"))


def _change_kind(rng: random.Random, world: World) -> None:
    definitions = [d for types in world.values() for n, d in types.items() if d.kind == "type" and n != "Query"]
    if definitions:
        chosen = rng.choice(definitions)
        chosen.kind = "interface"
        chosen.directives = [x for x in chosen.directives if x != "@shareable"]


def _drop_type(rng: random.Random, world: World) -> None:
    places = [(types, name) for types in world.values() for name in types if name != "Query"]
    if places:
        types, name = rng.choice(places)
        del types[name]


MUTATIONS: tuple[Callable[[random.Random, World], None], ...] = (
    _drop_directive, _drop_type_directive, _change_type, _add_directive, _add_directive, _drop_field, _copy_field,
    _break_key, _add_argument, _change_kind, _drop_type,
)  # fmt: skip
