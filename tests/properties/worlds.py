"""Random federated worlds: a supergraph, the subgraphs that serve it, and the data behind them.

A world is drawn from one seed. Its types are spread over subgraphs so that every path of the client schema can be
planned; its data is one table from which both the subgraphs and a monolithic execution answer. A subgraph refuses
what it could not know in truth: external fields without @provides, fields that need inputs without their inputs.
"""

import json
from random import Random

from gateway.supergraph.field_set import FieldSet, FieldSetField, FieldSetFragment, parse_field_set
from tests.properties.world_types import BLOBS, LABEL, FailedError, Field, Source, Type


class World:
    """One supergraph with its data. ``event`` is the number of a subscription's event."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.subgraphs = [f"s{index}" for index in range(self.random.randint(2, 4))]
        self.types: dict[str, Type] = {"Query": Type("Query", "type", {name: [] for name in self.subgraphs})}
        self.rows = 3
        self.data: dict[tuple[str, int, str], object] = {}
        self.label_active = self.random.random() < 0.5
        self.event = 0
        self.failures = self.random.choice([0, 0, 0.05, 0.15])
        self.calls = 0  # of mutations: what one of type Int answers, and every field ``calls``
        self._make_types()
        self._make_roots()
        self._make_data()

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def some(self, names: list[str], least: int = 1) -> list[str]:
        return sorted(self.random.sample(names, self.random.randint(min(least, len(names)), len(names))))

    def _make_types(self) -> None:
        entities = [self._entity(f"E{index}") for index in range(self.random.randint(2, 4))]
        values = [self._value(f"V{index}") for index in range(self.random.randint(0, 2))]
        for entity in entities:
            self._scalars(entity)
            if self.chance(0.25):
                self._stub(entity)
        if self.chance(0.6):
            self._interface(entities)
        if self.chance(0.5) and len(self.subgraphs) > 1:
            self._interface_object()
        for index in range(self.random.randint(0, 2)):
            self._union(f"U{index}", entities + values)
        for entity in entities:
            self._references(entity)
        for entity in entities:
            if self.chance(0.4):
                self._split_value(entity)
            if self.chance(0.4):
                self._override(entity)
        for entity in entities:
            if self.chance(0.3):
                self._disagree(entity)
            if self.chance(0.4):
                self._hand_over_label(entity)
            if self.chance(0.4):
                self._twins(entity)
            if self.chance(0.3):
                self._context(entity)
        for number in range(self.random.randint(0, 4)):
            self._requires(self.random.choice(entities), number)
        for entity in entities:
            for f in list(entity.fields.values()):
                if self.chance(0.4):
                    self._provides(f)

    def _entity(self, name: str) -> Type:
        subgraphs = self.some(self.subgraphs, 2)
        entity = self.types[name] = Type(name, "type")
        style = self.random.choice(["id", "id", "chain", "composite", "nested"])
        id_, code = Field("id", "ID", required=True), Field("code", "String", required=True)
        for index, subgraph in enumerate(subgraphs):
            keys = {"id": ["id"], "composite": ["id code"], "nested": ["box { no }"]}.get(style)
            if keys is None:
                keys = [["id"], ["code", "id"], ["code"], ["code"]][index]
            entity.keys[subgraph] = [(key, True) for key in keys]
            if any("id" in key for key in keys):
                id_.sources[subgraph] = Source()
            if any("code" in key for key in keys):
                code.sources[subgraph] = Source()
        if style == "nested":
            box = Field("box", f"{name}Box", required=True, sources={s: Source() for s in subgraphs})
            holder = self.types[f"{name}Box"] = Type(f"{name}Box", "type", {s: [] for s in subgraphs})
            holder.fields["no"] = Field("no", "Int", required=True, sources={s: Source() for s in subgraphs})
            entity.fields["box"] = box
        for key_field in (id_, code):
            if key_field.sources:
                entity.fields[key_field.name] = key_field
        return entity

    def _value(self, name: str) -> Type:
        value = self.types[name] = Type(name, "type", {s: [] for s in self.subgraphs})
        for index in range(2):
            f = Field(f"v{index}", self.random.choice(["String", "Int"]), required=self.chance(0.3))
            f.sources = {s: Source() for s in self.subgraphs}
            value.fields[f.name] = f
        return value

    def _scalars(self, entity: Type) -> None:
        for index in range(self.random.randint(2, 5)):
            f = Field(
                f"a{index}", self.random.choice(["String", "Int"]), required=self.chance(0.3), argument=self.chance(0.2)
            )
            f.sources = {s: Source() for s in self.some(entity.subgraphs)[: self.random.randint(1, 2)]}
            entity.fields[f.name] = f
        for f in (
            Field("grid", "Int", nested=True),
            Field("blob", "Blob", nested=self.chance(0.3)),
            Field("found", "String", filtered=True),
        ):
            if self.chance(0.4):
                f.sources = {s: Source() for s in self.some(entity.subgraphs)[: self.random.randint(1, 2)]}
                entity.fields[f.name] = f

    def _stub(self, entity: Type) -> None:
        """A subgraph that can name the entity but not be entered for it."""
        others = [s for s in self.subgraphs if s not in entity.keys]
        if others:
            subgraph = self.random.choice(others)
            key = next(iter(entity.keys.values()))[0][0]
            entity.keys[subgraph] = [(key, False)]
            for name in [n for n in ("id", "code", "box") if n in key]:
                entity.fields[name].sources[subgraph] = Source()
            if "box" in key:
                box = self.types[f"{entity.name}Box"]
                box.keys[subgraph] = []
                box.fields["no"].sources[subgraph] = Source()

    def _disagree(self, entity: Type) -> None:
        """A nullable field that some subgraph promises never to be null."""
        for f in entity.fields.values():
            own = [source for source in f.sources.values() if not source.external]
            if (
                not f.required
                and f.target in ("String", "Int")
                and f.name != "label"
                and len(own) > 1
                and self.chance(0.4)
            ):
                self.random.choice(own).stricter = True

    def _interface(self, entities: list[Type]) -> None:
        implementers = self.random.sample(entities, self.random.randint(1, len(entities)))
        interface = self.types["I"] = Type("I", "interface")
        for entity in implementers:
            label = Field("label", "String", sources={s: Source() for s in self.some(entity.homes)})
            entity.fields["label"] = label
        for subgraph in self.subgraphs:
            here = [entity for entity in implementers if subgraph in entity.keys]
            if here:
                interface.keys[subgraph] = []
                for entity in here:
                    entity.implements.setdefault(subgraph, set()).add("I")
        self._interface_fields(interface, implementers, ["label", "id", "a0"])
        for subgraph in list(interface.keys) if "id" in interface.fields else ():
            if all(("id", True) in entity.keys.get(subgraph, ()) for entity in implementers) and self.chance(0.6):
                interface.keys[subgraph] = [("id", True)]

    def _interface_fields(self, interface: Type, implementers: list[Type], names: list[str]) -> None:
        for name in names:
            if not all(name in entity.fields for entity in implementers):
                continue
            first = implementers[0].fields[name]
            if any(
                (e.fields[name].target, e.fields[name].argument) != (first.target, first.argument) for e in implementers
            ):
                continue
            f = Field(name, first.target, argument=first.argument)
            f.required = all(entity.fields[name].required for entity in implementers)
            for subgraph in interface.keys:
                here = [entity for entity in implementers if subgraph in entity.keys]
                if all(subgraph in entity.fields[name].sources for entity in here):
                    f.sources[subgraph] = Source()
            if f.sources:
                interface.fields[name] = f
        for subgraph in list(interface.keys):
            if not any(subgraph in f.sources for f in interface.fields.values()):
                del interface.keys[subgraph]
                for entity in implementers:
                    entity.implements.pop(subgraph, None)
        if not interface.fields:
            del self.types[interface.name]
            for entity in implementers:
                entity.implements.clear()

    def _interface_object(self) -> None:
        """An interface K with its implementers in one subgraph, and an @interfaceObject of it in another."""
        real, other = self.random.sample(self.subgraphs, 2)
        interface = self.types["K"] = Type("K", "interface", {real: [("id", True)], other: [("id", True)]})
        interface.interface_object.add(other)
        both = {real: Source(), other: Source()}
        interface.fields["id"] = Field("id", "ID", required=True, sources=both)
        interface.fields["name"] = Field("name", "String", sources={real: Source()})
        interface.fields["extra"] = Field("extra", "String", sources={other: Source()})
        if self.chance(0.5):
            interface.fields["name"].sources[other] = Source(external=True)
            interface.fields["made"] = Field("made", "String", sources={other: Source(requires="name")})
        third = [s for s in self.subgraphs if s not in (real, other)]
        pals = [t.name for t in self.types.values() if t.keys.get(other) and t.kind == "type"]
        if pals and self.chance(0.5):
            interface.fields["pal"] = Field("pal", self.random.choice(pals), sources={other: Source()})
        if third and self.chance(0.4):
            interface.keys[third[0]] = [("id", True)]
            both[third[0]] = Source()
        for index in range(2):
            name = f"K{index}"
            entity = self.types[name] = Type(name, "type", {real: [("id", True)]}, implements={real: {"K"}})
            entity.fields["id"] = Field("id", "ID", required=True, sources={real: Source()})
            entity.fields["name"] = Field("name", "String", sources={real: Source()})
            entity.fields[f"own{index}"] = Field(f"own{index}", "Int", sources={real: Source()})
            for lent in ("extra", "made", "pal"):
                if lent in interface.fields:
                    entity.fields[lent] = Field(lent, interface.fields[lent].target)
            if third and third[0] in interface.keys:
                entity.implements[third[0]] = {"K"}
            if third and (third[0] in interface.keys or self.chance(0.5)):
                entity.keys[third[0]] = [("id", True)]
                entity.fields["id"].sources[third[0]] = Source()
                entity.fields["far"] = Field("far", "String", sources={third[0]: Source()})

    def _union(self, name: str, candidates: list[Type]) -> None:
        members = self.random.sample(candidates, self.random.randint(1, min(3, len(candidates))))
        union = self.types[name] = Type(name, "union")
        for subgraph in self.subgraphs:
            here = {member.name for member in members if subgraph in member.keys}
            if here:
                union.keys[subgraph] = []
                union.members[subgraph] = here

    def _known(self, subgraph: str) -> list[str]:
        """The types that fields of a subgraph may return: not those it has as a stub for external fields alone."""
        return [
            t.name
            for t in self.types.values()
            if subgraph in t.keys
            and t.name not in ("Query", "Mutation")
            and not t.name.endswith(("Box", "Below"))
            and (t.keys[subgraph] or not any(t.keys.values()))
        ]

    def _references(self, entity: Type) -> None:
        for index in range(self.random.randint(1, 3)):
            subgraph = self.random.choice(entity.homes)
            target = self.random.choice(self._known(subgraph))
            f = Field(f"r{index}", target, many=self.chance(0.4))
            f.sources[subgraph] = Source()
            for other in entity.homes:
                if other != subgraph and self.chance(0.3) and self._same_types(target, subgraph, other):
                    f.sources[other] = Source()
            if len(f.sources) > 1 and self.types[target].kind != "type" and self.chance(0.5):
                f.sources[subgraph].narrow = self.random.choice(self.possible(target, subgraph))
            entity.fields[f.name] = f

    def _same_types(self, target: str, one: str, other: str) -> bool:
        """Whether two subgraphs can return the same for a type: what makes a field of it shareable."""
        definition = self.types[target]
        if target not in self._known(other) or definition.interface_object:
            return False
        return definition.kind == "type" or self.possible(target, one) == self.possible(target, other)

    def _split_value(self, entity: Type) -> None:
        """A keyless type whose fields are spread over subgraphs: reached again from the parent."""
        if len(entity.homes) < 2:
            return
        one, other = self.random.sample(entity.homes, 2)
        name = f"{entity.name}Part"
        part = self.types[name] = Type(name, "type", {one: [], other: []})
        part.fields["left"] = Field("left", "String", sources={one: Source()})
        part.fields["right"] = Field("right", "String", sources={other: Source()})
        part.fields["both"] = Field("both", "Int", sources={one: Source(), other: Source()})
        entity.fields["part"] = Field("part", name, many=self.chance(0.3), sources={one: Source(), other: Source()})

    def _override(self, entity: Type) -> None:
        if len(entity.homes) < 2:
            return
        old, new = self.random.sample(entity.homes, 2)
        sources = {old: Source(), new: Source(override=old, label=LABEL)}
        entity.fields["moving"] = Field("moving", "String", sources=sources)

    def _hand_over_label(self, entity: Type) -> None:
        """An interface's field that one implementer has elsewhere: external here, or computed from elsewhere."""
        label = entity.fields.get("label")
        away = [s for s in entity.homes if label is not None and s not in label.sources]
        if label is None or not away:
            return
        here = self.random.choice(sorted(label.sources))
        interface = self.types.get("I")
        declared = interface.fields.get("label") if interface is not None else None
        asked = declared is not None and here in declared.sources
        if here in entity.homes and asked and "I" in entity.implements.get(here, ()):
            label.sources[here] = Source(external=True)
            label.sources[self.random.choice(away)] = Source()

    def _context(self, entity: Type) -> None:
        """A field below the entity whose argument the entity gives; its type is reached from nowhere else."""
        plain = [
            f.name
            for f in entity.fields.values()
            if f.target == "String" and not f.arguments and f.sources and not f.name.startswith(("t", "q", "code"))
        ]
        if not plain or not entity.homes:
            return
        subgraph = self.random.choice(entity.homes)
        name = f"{entity.name}Below"
        below = self.types[name] = Type(name, "type", {subgraph: [("id", True)]})
        below.fields["id"] = Field("id", "ID", required=True, sources={subgraph: Source()})
        chosen = self.random.choice(plain)
        below.fields["given"] = Field("given", "String", sources={subgraph: Source()}, context=chosen)
        entity.fields[chosen].sources.setdefault(subgraph, Source(external=True))
        entity.fields["below"] = Field("below", name, required=True, sources={subgraph: Source()})

    def _twins(self, entity: Type) -> None:
        """Two fields that need one field with two arguments."""
        for f in list(entity.fields.values()):
            away = [s for s in entity.homes if s not in f.sources]
            if f.argument and away:
                subgraph = self.random.choice(away)
                f.sources[subgraph] = Source(external=True)
                for value in (0, 1):
                    required = Source(requires=f"{f.name}(x: {value})")
                    entity.fields[f"t{value}{f.name}"] = Field(
                        f"t{value}{f.name}", "String", sources={subgraph: required}
                    )

    def _requires(self, entity: Type, number: int) -> None:
        """A field computed from fields that other subgraphs hold."""
        subgraph = self.random.choice(entity.homes)
        inputs = []
        for f in self.random.sample(list(entity.fields.values()), min(4, len(entity.fields))):
            text = self._input(f, subgraph) if len(inputs) < 2 else None
            if text:
                inputs.append(text)
                f.sources.setdefault(subgraph, Source(external=True))
        if inputs:
            name = f"q{number}"
            required = Source(requires=" ".join(inputs))
            entity.fields[name] = Field(name, "String", sources={subgraph: required})

    def _input(self, f: Field, subgraph: str) -> str | None:
        if subgraph in f.sources or not any(not source.external for source in f.sources.values()):
            return None
        if any(source.override for source in f.sources.values()):
            return None
        if f.filtered or f.target == "Blob":
            return None
        if f.target in ("String", "Int", "ID"):
            return f"{f.name}(x: {self.random.randint(0, 1)})" if f.argument else f.name
        target = self.types[f.target]
        if target.kind != "type":
            return self._abstract_input(f, subgraph)
        if self._lent_in(target, subgraph):
            return None
        inner = [i for i in target.fields.values() if i.target in ("String", "Int") and not i.arguments and i.sources]
        if target.kind != "type" or not inner or target.name.endswith(("Part", "Below")):
            return None
        below = self.random.choice(inner)
        if any(source.requires or source.override for source in below.sources.values()):
            return None
        target.keys.setdefault(subgraph, [])
        below.sources.setdefault(subgraph, Source(external=True))
        return f"{f.name} {{ {below.name} }}"

    def _lent_in(self, target: Type, subgraph: str) -> bool:
        """Whether the subgraph has an interface of the type as @interfaceObject, so may not have the type itself."""
        return any(subgraph in self.types[name].interface_object for name in target.interfaces())

    def _abstract_input(self, f: Field, subgraph: str) -> str | None:
        """Inputs behind fragments, on types that the subgraph knows all of."""
        others = {name for source in f.sources for name in self.possible(f.target, source)}
        if f.target not in self._known(subgraph) or not others <= set(self.possible(f.target, subgraph)):
            return None
        if self.types[f.target].interface_object:
            return None
        parts = []
        for name in sorted(others):
            inner = [
                i
                for i in self.types[name].fields.values()
                if i.target in ("String", "Int") and not i.arguments and any(not s.external for s in i.sources.values())
            ]
            inner = [i for i in inner if not any(s.requires or s.override for s in i.sources.values())]
            if inner and self.chance(0.7):
                below = self.random.choice(inner)
                below.sources.setdefault(subgraph, Source(external=True))
                parts.append(f"... on {name} {{ {below.name} }}")
        return f"{f.name} {{ {' '.join(parts)} }}" if parts else None

    def _provides(self, f: Field) -> None:
        target = self.types.get(f.target)
        if target is not None and target.kind != "type" and len(f.sources) == 1 and not target.interface_object:
            (subgraph,) = f.sources
            target = self.types[self.random.choice(self.possible(f.target, subgraph) or ["Query"])]
            if target.keys.get(subgraph):
                self._provide(f, target, f"... on {target.name} {{ %s }}")
            return
        if target is None or target.kind != "type" or target.name.endswith(("Box", "Part", "Below")):
            return
        self._provide(f, target, "%s")

    def _provide(self, f: Field, target: Type, form: str) -> None:
        for subgraph, source in f.sources.items():
            if self._lent_in(target, subgraph):
                continue
            away = [
                i
                for i in target.fields.values()
                if i.target in ("String", "Int")
                and i.sources
                and not i.arguments
                and (subgraph not in i.sources or i.sources[subgraph].external)
                and not any(other.override or other.requires for other in i.sources.values())
            ]
            if away and not source.external and not source.provides:
                lent = self.random.choice(away)
                lent.sources.setdefault(subgraph, Source(external=True))
                source.provides = form % lent.name

    def _make_roots(self) -> None:
        query = self.types["Query"]
        for index in range(self.random.randint(2, 5)):
            subgraph = self.random.choice(self.subgraphs)
            known = [name for name in self._known(subgraph) if not name.endswith("Part")]
            if not known:
                continue
            target = self.random.choice(known)
            f = Field(f"root{index}", target, many=self.chance(0.5), argument=False)
            f.sources[subgraph] = Source()
            for other in self.subgraphs:
                if other != subgraph and self.chance(0.2) and self._same_types(target, subgraph, other):
                    f.sources[other] = Source()
            query.fields[f.name] = f
        if self.chance(0.4):
            self._root_below()
        if self.chance(0.5):
            mutation = self.types["Mutation"] = Type("Mutation", "type", {name: [] for name in self.subgraphs})
            for index in range(self.random.randint(2, 4)):
                subgraph = self.random.choice(self.subgraphs)
                known = [n for n in self._known(subgraph) if not n.endswith("Part") and self.types[n].kind == "type"]
                target = self.random.choice([*known, "Count", "Count", "Done"])
                name = f"m{index}"
                if target == "Done":
                    target = self._done(subgraph)
                mutation.fields[name] = Field(
                    name, "Int" if target == "Count" else target, sources={subgraph: Source()}
                )
        if self.chance(0.4):
            events = Type("Subscription", "type", {name: [] for name in self.subgraphs})
            for f in query.fields.values():
                subgraph = self.random.choice(self.subgraphs)
                if f.target in self._known(subgraph):
                    events.fields[f"on_{f.name}"] = Field(
                        f"on_{f.name}", f.target, f.many, sources={subgraph: Source()}
                    )
            if events.fields:
                self.types[events.name] = events
        if not query.fields:
            query.fields["nothing"] = Field("nothing", "Int", sources={self.subgraphs[0]: Source()})

    def _done(self, subgraph: str) -> str:
        """What a mutation answers beside the whole of the query type."""
        done = self.types[f"Done_{subgraph}"] = Type(f"Done_{subgraph}", "type", {subgraph: []})
        done.fields["calls"] = Field("calls", "Int", sources={subgraph: Source()})
        done.fields["query"] = Field("query", "Query", required=self.chance(0.5), sources={subgraph: Source()})
        calls = Field("calls", "Int", sources={self.random.choice(self.subgraphs): Source()})
        self.types["Query"].fields["calls"] = calls
        return done.name

    def _root_below(self) -> None:
        """A field of an entity, or of the root itself, that leads back to the query type."""
        holders = [t for t in self.types.values() if t.kind == "type" and (t.homes or t.name == "Query")]
        holder = self.random.choice([t for t in holders if not t.interfaces() and not t.name.endswith("Below")])
        subgraph = self.random.choice(holder.homes or self.subgraphs)
        holder.fields["root"] = Field("root", "Query", required=self.chance(0.5), sources={subgraph: Source()})

    # Data ----------------------------------------------------------------------------------------------------------

    def possible(self, name: str, subgraph: str | None = None) -> list[str]:
        definition = self.types[name]
        if definition.kind == "type":
            return [name]
        if definition.kind == "union":
            if subgraph is None:
                return sorted({member for members in definition.members.values() for member in members})
            return sorted(definition.members.get(subgraph, ()))
        real = None if subgraph in definition.interface_object else subgraph
        return sorted(
            t.name
            for t in self.types.values()
            if any(name in names for graph, names in t.implements.items() if real is None or graph == real)
        )

    def _make_data(self) -> None:
        for definition in self.types.values():
            if definition.kind == "type":
                for number in range(1 if definition.name in ("Query", "Mutation") else self.rows):
                    for f in definition.fields.values():
                        self.data[definition.name, number, f.name] = self._value_of(definition, number, f)

    def _value_of(self, definition: Type, number: int, f: Field) -> object:
        # What may not be null takes along, in a subgraph, what one service would answer.
        strict = f.required or any(source.stricter for source in f.sources.values())
        plain = f.target in ("String", "Int", "Blob") or f.name.startswith(("r", "on_"))
        if plain and not strict and f.name != "root" and self.chance(self.failures):
            return FailedError
        return self._value_that_is_there(definition, number, f)

    def _value_that_is_there(self, definition: Type, number: int, f: Field) -> object:
        if f.name in ("id", "code"):
            return f"{definition.name}-{f.name}-{number}"
        if f.name == "no":
            return number
        if not f.required and self.chance(0.12) and not any(source.stricter for source in f.sources.values()):
            return None
        if f.nested:
            one = Field(f.name, f.target)
            lengths = [self.random.randint(0, 2) for _ in range(self.random.randint(0, 2))]
            return [[self._value_that_is_there(definition, number, one) for _ in range(length)] for length in lengths]
        if f.target == "Blob":
            return self.random.choice(BLOBS)
        if f.target == "Int":
            return self.random.randint(0, 9)
        if f.target == "Query":
            return ("Query", 0)
        if f.target in ("String", "ID"):
            return self.random.choice(["red", "green", "blue"]) + str(number)
        if f.target.endswith(("Box", "Below")):
            return (f.target, number)
        subgraphs = [s for s, source in f.sources.items() if not source.external]
        # A field that an @interfaceObject lends has no source on the type itself.
        names = set(self.possible(f.target, subgraphs[0] if subgraphs else None))
        for subgraph in subgraphs[1:]:
            names &= set(self.possible(f.target, subgraph))
        for source in f.sources.values():
            names &= {source.narrow} if source.narrow else names
        if not names:
            return [] if f.many else None
        if f.many:
            return [
                self._row(names) for _ in range(self.random.choice((0, 1, 3, 6)))
            ]  # of three rows, so some come again
        return self._row(names)

    def _row(self, names: set[str]) -> tuple[str, int]:
        return (self.random.choice(sorted(names)), self.random.randrange(self.rows))

    def required_values(self, type_name: str, number: int, fields: FieldSet) -> object:
        """What a representation of a row holds of ``fields``."""
        found: dict[str, object] = {}
        for selection in fields:
            if isinstance(selection, FieldSetFragment):
                if type_name in self.possible(selection.type_condition):
                    found |= self.required_values(type_name, number, selection.selections)  # type: ignore[operator]
                continue
            value = self.value(type_name, number, selection.name, dict(selection.arguments).get("x"))
            found[selection.name] = self._required_below(value, selection)
        return found

    def _required_below(self, value: object, selection: FieldSetField) -> object:
        if isinstance(value, list):
            return [self._required_below(item, selection) for item in value]
        if isinstance(value, tuple):
            return self.required_values(value[0], value[1], selection.selections)
        return value

    def value(self, type_name: str, number: int, name: str, argument: object) -> object:
        """The true value of a field."""
        f = self.types[type_name].fields[name]
        if f.context:
            return f"given {self.value(type_name.removesuffix('Below'), number, f.context, None)}"
        requires = next((s.requires for s in f.sources.values() if s.requires), "")
        if not requires and not f.sources:
            requires = self._lent_requires(type_name, name)
        if requires:
            return computed(name, self.required_values(type_name, number, parse_field_set(requires, "here")))
        value = self.data[type_name, number, name]
        if value is FailedError:
            raise FailedError(f"{type_name}.{name}")
        if f.filtered and value is not None and argument is not None:
            return f"{value}/{json.dumps(argument, sort_keys=True)}"
        if f.argument and value is not None and argument is not None:
            return f"{value}/{argument}" if f.target == "String" else value
        return value

    def _lent_requires(self, type_name: str, name: str) -> str:
        for interface in self.types[type_name].interfaces():
            lent = self.types[interface].fields.get(name)
            if lent is not None:
                return next((s.requires for s in lent.sources.values() if s.requires), "")
        return ""


def computed(name: str, inputs: object) -> str:
    """The value of a field with inputs."""
    return f"{name}{json.dumps(inputs, sort_keys=True)}"
