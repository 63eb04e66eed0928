"""Reading supergraph SDL: the join specification v0.1 to v0.5 into a Supergraph.

Older versions say less, so the reader fills in what they leave to convention: without @join__implements,
@join__unionMember or @join__enumValue a subgraph has every interface, member or value that it can have, and v0.1 has
an owner per type in place of a graph per field.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, TypeVar

from graphql import GraphQLSyntaxError, Source, parse, specified_scalar_types
from graphql.language import ast

from catalog_sync.schema_comparison import EXECUTABLE_LOCATIONS
from gateway.errors import CodedError
from gateway.supergraph.elements import kind_of, type_text
from gateway.supergraph.errors import SUPERGRAPH_INVALID
from gateway.supergraph.features import (
    AGGREGATE,
    CONTEXT,
    INACCESSIBLE,
    JOIN,
    RESOURCE,
    Features,
    directive_arguments,
    elements,
    parts,
    read_features,
)
from gateway.supergraph.field_set import FieldSet, FieldSetField, FieldSetFragment, parse_field_set
from gateway.supergraph.lazy_schema import LazySchema, Visible
from gateway.supergraph.model import (
    Aggregate,
    ContextArgument,
    Definitions,
    FieldDefinition,
    FieldSource,
    Key,
    SubgraphEndpoint,
    Supergraph,
    TypeDefinition,
    TypeSource,
)

N = TypeVar("N", bound=ast.Node)

_PLAIN = FieldSource()
_EVERYTHING = Visible(frozenset())
_SCHEMA_NODES = (ast.SchemaDefinitionNode, ast.SchemaExtensionNode)
_BODY = "\n{\n"
_BETWEEN = re.compile(r"\n\n+(?=[^\s}])")
_QUOTES = '"""'
_STRING = r'"(?:[^"\\]|\\.)*"'
_IN_BRACKETS = rf'(?:[^"()#]|{_STRING}|\((?:[^"()#]|{_STRING})*\))*'
_FIELD = re.compile(rf"  [_A-Za-z]\w*(?:\({_IN_BRACKETS}\))?: [\[\]!\w]+(?: @\w+(?:\({_IN_BRACKETS}\))?)*")
"""A line that is one whole field, whatever the lines beside it."""
# Directives of GraphQL itself that clients may see on definitions.
_STANDARD_DIRECTIVES = frozenset({"deprecated", "specifiedBy", "oneOf"})


def read_supergraph(sdl: str) -> Supergraph:
    """Read supergraph SDL. Raises CodedError SUPERGRAPH_INVALID that says what is wrong and where."""
    return SupergraphReader().read(sdl)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some definitions of a supergraph as they were read.

    ``machinery`` are those of linked specifications, and what links them; ``named`` are the types mentioned.
    """

    types: Mapping[str, TypeDefinition]
    nodes: tuple[ast.DefinitionNode, ...]
    machinery: tuple[ast.DefinitionNode, ...]
    inaccessible: tuple[str, ...]
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Cut:
    """A type that was read with other fields: its ``piece``, of which the ``first`` and ``last`` so many fields stay.

    ``text`` is the type as it is now, with the fields between them alone.
    """

    piece: _Piece
    first: int
    last: int
    text: str

    @classmethod
    def of(cls, text: str, before: str, piece: _Piece) -> "_Cut | None":
        """None where fields do not stand in a line each, or most are new. What stands before them is the same."""
        head, _, body = text.partition(_BODY)
        lines, known = (each.split("\n")[:-1] for each in (body, before.partition(_BODY)[2]))
        is_type = [*map(len, (piece.types, piece.nodes, piece.machinery))] == [1, 1, 0]
        if not (is_type and body.endswith("\n}") and lines and all(map(_FIELD.fullmatch, known))):
            return None
        shorter = min(len(lines) - 1, len(known))
        first = next((n for n in range(shorter) if lines[n] != known[n]), shorter)
        last = next((n for n in range(shorter - first) if lines[-1 - n] != known[-1 - n]), shorter - first)
        between = lines[first : len(lines) - last]
        fields = next(iter(piece.types.values())).fields
        if len(fields) != len(known) or 2 * len(between) > len(lines) or not all(map(_FIELD.fullmatch, between)):
            return None
        return cls(piece, first, last, head + _BODY + "\n".join((*between, "}")))

    def joined(self, between: _Piece) -> _Piece:
        """The whole type, given what ``text`` was read as."""
        (old,), (new,) = self.piece.types.values(), between.types.values()
        (was,), (now,) = self.piece.nodes, between.nodes
        known, known_nodes = list(old.fields.items()), parts(was, "fields")
        last = len(known) - self.last
        nodes = [*known_nodes[: self.first], *parts(now, "fields"), *known_nodes[last:]]
        fields = dict([*known[: self.first], *new.fields.items(), *known[last:]])
        node = replace(now, fields=tuple(nodes))  # type: ignore[call-arg]
        hidden = [each for each in self.piece.inaccessible if each.partition("(")[0].rpartition(".")[2] in fields]
        return _Piece(
            {new.name: replace(new, fields=fields)},
            (node,),
            (),
            (*between.inaccessible, *hidden),
            frozenset(_EVERYTHING.mentioned(node)),
        )


class SupergraphReader:
    """Reads one version of a supergraph after the other, and of each only what the last had not: types, and fields.

    What a definition means follows from its own text, the specifications linked and the subgraphs listed. So it is
    remembered by its text, and forgotten when one of the others changes. Only the last version is remembered. Safe to
    share between threads.
    """

    def __init__(self) -> None:
        self._last: tuple[object, Mapping[str, _Piece]] = (None, {})

    def read(self, sdl: str) -> Supergraph:
        """Read supergraph SDL. Raises CodedError SUPERGRAPH_INVALID that says what is wrong and where."""
        frame, known = self._last
        parsed: dict[str, tuple[ast.DefinitionNode, ...]] = {}
        cuts: dict[str, _Cut] = {}
        texts = _parse_pieces(sdl, known, parsed, cuts)
        reader = _Reader.of([n for text in texts for n in parsed.get(text) or known[text].machinery])
        if reader.frame() != frame:
            parsed.update({text: _parse(text) for text in texts if text not in parsed or text in cuts})
            known, cuts = {}, {}
        pieces = {text: reader.piece(parsed[text]) if text in parsed else known[text] for text in texts}
        pieces |= {text: cut.joined(pieces[text]) for text, cut in cuts.items()}
        supergraph = _assemble(reader, pieces.values())
        self._last = (reader.frame(), pieces)
        return supergraph


def _parse_pieces(
    sdl: str, known: Mapping[str, _Piece], parsed: dict[str, tuple[ast.DefinitionNode, ...]], cuts: dict[str, _Cut]
) -> list[str]:
    """Divides ``sdl`` and parses what is not ``known``; all of it as one piece if it could not be divided."""
    texts = list(dict.fromkeys(_divided(sdl)))
    gone = {text.partition(_BODY)[0]: text for text in known.keys() - texts}
    try:
        for text in texts:
            if text not in known:
                before = gone.get(text.partition(_BODY)[0])
                cut = None if before is None else _Cut.of(text, before, known[before])
                cuts |= {} if cut is None else {text: cut}
                parsed[text] = _parse(text if cut is None else cut.text)
    except GraphQLSyntaxError:
        parsed.clear()
        cuts.clear()
        texts = [sdl]
        try:
            parsed[sdl] = _parse(sdl)
        except GraphQLSyntaxError as error:
            at = f" (line {error.locations[0].line})" if error.locations else ""
            raise CodedError(SUPERGRAPH_INVALID, f"The supergraph is not GraphQL{at}: {error.message}") from error
    return texts


def _divided(sdl: str) -> Iterator[str]:
    """Pieces between empty lines that are followed by a line without indent, and not inside a description.

    Wherever that divides wrongly, one side does not parse: no definition of a type system ends where another token
    could continue it and what follows is a definition again.
    """
    start = 0
    for match in _BETWEEN.finditer(sdl):
        if not sdl.count(_QUOTES, start, match.start()) % 2:
            yield sdl[start : match.start()]
            start = match.end()
    yield sdl[start:].rstrip("\n")


def _parse(text: str) -> tuple[ast.DefinitionNode, ...]:
    definitions = parse(text, no_location=True).definitions
    for definition in definitions:
        if isinstance(definition, ast.ExecutableDefinitionNode):
            raise GraphQLSyntaxError(Source(text), 0, "An operation stands among the definitions.")
    return definitions


def _assemble(reader: "_Reader", pieces: Collection[_Piece]) -> Supergraph:
    types = {name: definition for piece in pieces for name, definition in piece.types.items()}
    if reader.features.by_name[JOIN].version == "v0.1":
        types = {name: _with_key_fields(definition, types) for name, definition in types.items()}
    nodes = [node for piece in pieces for node in piece.nodes]
    definitions = Definitions(
        {node.name.value: node for node in nodes if isinstance(node, ast.TypeDefinitionNode)},
        tuple(node for node in nodes if isinstance(node, ast.DirectiveDefinitionNode)),
        next((node for node in nodes if isinstance(node, ast.SchemaDefinitionNode)), None),
    )
    named = frozenset().union(*(piece.named for piece in pieces))
    unknown = sorted(({*named, *definitions.roots()} - types.keys()) - specified_scalar_types.keys())
    if unknown:
        raise CodedError(
            SUPERGRAPH_INVALID, f"The supergraph's types do not form a schema: it does not define {', '.join(unknown)}."
        )
    return Supergraph(
        subgraphs={endpoint.name: endpoint for endpoint in reader.endpoints.values()},
        types=types,
        definitions=definitions,
        schema=LazySchema(definitions, named & specified_scalar_types.keys()),
        inaccessible=frozenset(coordinate for piece in pieces for coordinate in piece.inaccessible),
    )


@dataclass(slots=True)
class _Reader:
    """What is needed to read one definition: local directive names and the subgraphs by their enum value."""

    features: Features
    endpoints: Mapping[str, SubgraphEndpoint]
    _names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Sequence[ast.DefinitionNode]) -> "_Reader":
        features = read_features(definitions)
        join = features.by_name[JOIN]
        enums = (node for node in definitions if isinstance(node, ast.EnumTypeDefinitionNode))
        endpoints = {
            value.name.value: SubgraphEndpoint(arguments["name"], arguments.get("url") or None)
            for enum in enums
            if enum.name.value == join.type("Graph")
            for value in parts(enum, "values")
            for arguments in _applied(value, join.directive("graph"))
        }
        if not endpoints:
            raise CodedError(
                SUPERGRAPH_INVALID, f"The supergraph lists no subgraphs: enum {join.type('Graph')} is missing."
            )
        return cls(features, endpoints)

    def frame(self) -> object:
        """All that decides the meaning of a definition beside its own text."""
        return self.features, tuple((value, endpoint.name) for value, endpoint in self.endpoints.items())

    def piece(self, nodes: Iterable[ast.DefinitionNode]) -> _Piece:
        """Reads some definitions."""
        stay = [node for node in nodes if self._stays(node)]
        types = [node for node in stay if isinstance(node, ast.TypeDefinitionNode)]
        return _Piece(
            types={node.name.value: self.type(node) for node in types},
            nodes=tuple(_clean(node) for node in stay),
            machinery=tuple(n for n in nodes if isinstance(n, _SCHEMA_NODES) or not self._stays(n)),
            inaccessible=tuple(coordinate for node in types for coordinate in self._inaccessible_coordinates(node)),
            named=frozenset(chain.from_iterable(map(_EVERYTHING.mentioned, stay))),
        )

    def _stays(self, node: ast.DefinitionNode) -> bool:
        """Whether a definition is the schema's own, and says something to clients."""
        if isinstance(node, ast.DirectiveDefinitionNode):
            executable = any(location.value in EXECUTABLE_LOCATIONS for location in node.locations)
            return executable and not self.features.owns(node.name.value)
        if isinstance(node, ast.TypeDefinitionNode):
            return not self.features.owns(node.name.value)
        return isinstance(node, ast.SchemaDefinitionNode)

    def join(self, node: ast.Node, own_name: str) -> list[dict[str, Any]]:
        local = self._names.setdefault(own_name, self.features.by_name[JOIN].directive(own_name))
        return _applied(node, local)

    def subgraph(self, graph: str, where: str) -> str:
        endpoint = self.endpoints.get(graph)
        if endpoint is None:
            raise CodedError(
                SUPERGRAPH_INVALID, f"{where} belongs to graph {graph}, which the supergraph does not list."
            )
        return endpoint.name

    def type(self, node: ast.TypeDefinitionNode) -> TypeDefinition:
        name, kind = node.name.value, kind_of(node)
        interfaces = tuple(i.name.value for i in parts(node, "interfaces"))
        members = tuple(t.name.value for t in parts(node, "types"))
        values = tuple(v.name.value for v in parts(node, "values"))
        sources = self._type_sources(node, interfaces, members, values)
        owner = next((self.subgraph(o["graph"], name) for o in self.join(node, "owner")), None)
        return TypeDefinition(
            name=name,
            kind=kind,
            sources=sources,
            fields={f.name.value: self._field(name, f, sources, owner) for f in parts(node, "fields")},
            interfaces=interfaces,
            members=members,
            values=values,
            contexts=frozenset(c["name"] for c in self._feature(node, CONTEXT)),
            resource=self._resource(node),
            aggregate=self._aggregate(node),
        )

    def _feature(self, node: ast.Node, feature: str, own_name: str = "") -> list[dict[str, Any]]:
        local = self.features.directive(feature, own_name or feature)
        return _applied(node, local) if local else []

    def _resource(self, node: ast.Node) -> str | None:
        return next((r["code"] for r in self._feature(node, RESOURCE)), None)

    def _aggregate(self, node: ast.Node) -> Aggregate | None:
        applied = self._feature(node, RESOURCE, AGGREGATE)
        return Aggregate(frozenset(applied[0]["by"]), applied[0]["size"], applied[0]["smallest"]) if applied else None

    def _type_sources(self, node: ast.TypeDefinitionNode, *having: tuple[str, ...]) -> dict[str, TypeSource]:
        """What each subgraph has of a type; ``having`` are its interfaces, members and values in all."""
        name = node.name.value
        keys: dict[str, list[Key]] = {}
        interface_objects: set[str] = set()
        for arguments in self.join(node, "type"):
            graph = self.subgraph(arguments["graph"], name)
            keys.setdefault(graph, [])
            if arguments.get("isInterfaceObject"):
                interface_objects.add(graph)
            if arguments.get("key"):
                fields = parse_field_set(arguments["key"], f"@key of {name} in {graph}")
                key = Key(fields, bool(arguments.get("resolvable", True)))
                if key not in keys[graph]:
                    keys[graph].append(key)
        if not keys:  # v0.1 lists no graph for value types: every subgraph has them
            keys = {endpoint.name: [] for endpoint in self.endpoints.values()}
        interfaces, members, values = having
        interfaces_of = self._per_graph(name, interfaces, ((a["interface"], a) for a in self.join(node, "implements")))
        members_of = self._per_graph(name, members, ((a["member"], a) for a in self.join(node, "unionMember")))
        of_values = ((v.name.value, a) for v in parts(node, "values") for a in self.join(v, "enumValue"))
        values_of = self._per_graph(name, values, of_values)
        return {
            graph: TypeSource(
                keys=tuple(keys[graph]),
                interface_object=graph in interface_objects,
                interfaces=interfaces_of.get(graph, frozenset()),
                members=members_of.get(graph, frozenset()),
                values=values_of.get(graph, frozenset()),
            )
            for graph in _in_order(keys, self.endpoints)
        }

    def _per_graph(
        self, where: str, everything: tuple[str, ...], said: Iterable[tuple[str, dict[str, Any]]]
    ) -> dict[str, frozenset[str]]:
        """What each subgraph has of ``everything``: what is said of it, or all of it where nothing is said at all."""
        found: dict[str, set[str]] = {}
        for name, arguments in said:
            found.setdefault(self.subgraph(arguments["graph"], where), set()).add(name)
        if not found:
            return {endpoint.name: frozenset(everything) for endpoint in self.endpoints.values()}
        return {graph: frozenset(names) for graph, names in found.items()}

    def _field(
        self,
        parent: str,
        node: ast.FieldDefinitionNode | ast.InputValueDefinitionNode,
        type_sources: Mapping[str, TypeSource],
        owner: str | None,
    ) -> FieldDefinition:
        where = f"{parent}.{node.name.value}"
        applied = self.join(node, "field")
        sources: dict[str, FieldSource] = {}
        for arguments in applied:
            if arguments.get("graph"):
                graph = self.subgraph(arguments["graph"], where)
                sources[graph] = self._field_source(arguments, f"{where} in {graph}")
            elif owner is not None:
                sources[owner] = self._field_source(arguments, f"{where} in {owner}")
        if not applied:
            sources = dict.fromkeys([owner] if owner else type_sources, _PLAIN)
        return FieldDefinition(
            name=node.name.value,
            type=type_text(node.type),
            arguments={argument.name.value: type_text(argument.type) for argument in parts(node, "arguments")},
            sources={graph: sources[graph] for graph in _in_order(sources, self.endpoints)},
            from_interface_object=bool(applied) and not sources,
            resource=self._resource(node),
        )

    def _field_source(self, arguments: Mapping[str, Any], where: str) -> FieldSource:
        requires, provides = arguments.get("requires"), arguments.get("provides")
        return FieldSource(
            type=arguments.get("type"),
            external=bool(arguments.get("external")),
            requires=parse_field_set(requires, f"@requires of {where}") if requires else (),
            provides=parse_field_set(provides, f"@provides of {where}") if provides else (),
            override=arguments.get("override"),
            override_label=arguments.get("overrideLabel"),
            used_overridden=bool(arguments.get("usedOverridden")),
            context_arguments=tuple(
                ContextArgument(
                    name=entry["name"],
                    type=entry["type"],
                    context=entry["context"],
                    selection=parse_field_set(entry["selection"], f"@fromContext of {where}({entry['name']}:)"),
                )
                for entry in arguments.get("contextArguments") or ()
            ),
        )

    def _inaccessible_coordinates(self, node: ast.TypeDefinitionNode) -> Iterator[str]:
        if self.features.directive(INACCESSIBLE, INACCESSIBLE) is not None:
            yield from (where for where, element in elements(node) if self._feature(element, INACCESSIBLE))


def _applied(node: ast.Node, directive: str) -> list[dict[str, Any]]:
    applied = parts(node, "directives")
    return [directive_arguments(d) for d in applied if d.name.value == directive] if applied else []


def _in_order(names: Collection[str], endpoints: Mapping[str, SubgraphEndpoint]) -> Iterable[str]:
    if len(names) < 2:
        return names
    wanted = set(names)
    return [endpoint.name for endpoint in endpoints.values() if endpoint.name in wanted]


def _with_key_fields(definition: TypeDefinition, types: Mapping[str, TypeDefinition]) -> TypeDefinition:
    """v0.1 names a key field's owner alone; a subgraph that has the key has the field too."""
    fields = dict(definition.fields)
    for graph, source in definition.sources.items():
        for name in {name for key in source.keys for name in _top_fields(key.fields)}:
            known = fields.get(name)
            if known is not None and graph not in known.sources:
                fields[name] = replace(known, sources={**known.sources, graph: FieldSource()})
    return replace(definition, fields=fields)


def _top_fields(fields: FieldSet) -> Iterable[str]:
    for selection in fields:
        if isinstance(selection, FieldSetField):
            yield selection.name
        elif isinstance(selection, FieldSetFragment):
            yield from _top_fields(selection.selections)


def _clean(node: N) -> N:
    """A definition, and all below it, with GraphQL's own directives alone; itself where it has no others."""
    changes: dict[str, Any] = {}
    applied = getattr(node, "directives", None)
    if applied:
        kept = tuple(d for d in applied if d.name.value in _STANDARD_DIRECTIVES)
        if len(kept) < len(applied):
            changes["directives"] = kept
    for part in ("fields", "values", "arguments"):
        below = parts(node, part)
        if below:
            cleaned = tuple(_clean(child) for child in below)
            if any(one is not other for one, other in zip(cleaned, below, strict=True)):
                changes[part] = cleaned
    return replace(node, **changes) if changes else node
