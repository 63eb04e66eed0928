"""One subgraph's SDL read into declarations: bounded, parsed, extensions folded in, directives bound."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    parse,
)

from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.links import Links, read_links
from gateway.supergraph.directives import SPEC_TYPES
from gateway.supergraph.elements import (
    BUILT_IN_SCALARS,
    Applied,
    DirectiveDeclaration,
    Member,
    Type,
    named_type,
    type_text,
)
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

MAX_CHARACTERS = 4_000_000
MAX_TOKENS = 100_000
MAX_NESTING = 60
_KINDS = {
    "scalar_type": TypeKind.SCALAR,
    "object_type": TypeKind.OBJECT,
    "interface_type": TypeKind.INTERFACE,
    "union_type": TypeKind.UNION,
    "enum_type": TypeKind.ENUM,
    "input_object_type": TypeKind.INPUT_OBJECT,
}
_NESTING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[\[\](){}]', re.DOTALL)
_MACHINERY_TYPES = frozenset({"_Service", "_Any", "_Entity", "_FieldSet", "link__Import", "link__Purpose"})
_MACHINERY_FIELDS = frozenset({"_service", "_entities"})


@dataclass(slots=True)
class Subgraph:
    """What one subgraph declares. ``roots`` maps operations to type names, by then always the standard ones."""

    name: str
    url: str
    links: Links
    types: dict[str, Type] = field(default_factory=dict)
    directives: dict[str, DirectiveDeclaration] = field(default_factory=dict)
    schema_directives: list[Applied] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    schema_description: str | None = None
    implicitly_upgraded_from: int | None = None

    def at(self, element: Any) -> tuple[str, int | None]:
        """The place of an element, as issues name it."""
        return self.name, element.line

    def implementers(self, interface: str) -> list[Type]:
        """Object types that implement the interface here."""
        return [t for t in self.types.values() if t.kind is TypeKind.OBJECT and interface in t.interfaces]

    def possible_types(self, name: str) -> set[str]:
        """The object types that a value of the type can have here."""
        definition = self.types.get(name)
        if definition is None:
            return set()
        if definition.kind is TypeKind.UNION:
            return set(definition.members)
        if definition.kind is TypeKind.INTERFACE:
            return {t.name for t in self.implementers(name)}
        return {name}

    def is_subtype(self, sub: str, sup: str) -> bool:
        """Whether named type ``sub`` is ``sup`` or one of its possible or implementing types."""
        if sub == sup:
            return True
        parent, child = self.types.get(sup), self.types.get(sub)
        if parent is None or child is None:
            return False
        return sub in parent.members or sup in child.interfaces


def read_subgraph(name: str, url: str, sdl: str, log: IssueLog) -> Subgraph | None:
    """Read SDL; None, with issues logged, when it is not GraphQL that can be read at all."""
    document = _parse(name, sdl, log)
    if document is None:
        return None
    subgraph = Subgraph(name, url, read_links(document, name, log))
    reader = _Reader(subgraph, log)
    for node in document.definitions:
        reader.definition(node)
    reader.finish()
    return subgraph


def _parse(name: str, sdl: str, log: IssueLog) -> DocumentNode | None:
    where = ((name, None),)
    if len(sdl) > MAX_CHARACTERS:
        log.report(
            codes.SUBGRAPH_TOO_LARGE,
            f"[{name}] The schema has {len(sdl):,} characters; at most {MAX_CHARACTERS:,} are read.",
            at=where,
        )
        return None
    depth = _nesting(sdl)
    if depth > MAX_NESTING:
        log.report(
            codes.SUBGRAPH_TOO_LARGE,
            f"[{name}] Brackets are nested deeper than {MAX_NESTING} levels.",
            at=where,
        )
        return None
    try:
        document = parse(sdl, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else None
        if "token limit" in error.message or "tokens" in error.message:
            log.report(codes.SUBGRAPH_TOO_LARGE, f"[{name}] {error.message}", at=((name, line),))
        else:
            log.report(codes.INVALID_GRAPHQL, f"[{name}] {error.message}", at=((name, line),))
        return None
    return document


def _nesting(sdl: str) -> int:
    depth = deepest = 0
    for match in _NESTING.finditer(sdl):
        token = match[0]
        if token in "[({":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > MAX_NESTING:
                    break
        elif token in "])}":
            depth -= 1
    return deepest


def _line(node: Node) -> int | None:
    named = getattr(node, "name", None) or node
    return named.loc.start_token.line if named.loc else None


def _description(node: Node) -> str | None:
    description = getattr(node, "description", None)
    return description.value if description else None


@dataclass(slots=True)
class _Reader:
    subgraph: Subgraph
    log: IssueLog
    has_schema_definition: bool = False

    def refuse(self, message: str, node: Node) -> None:
        self.log.report(
            codes.INVALID_GRAPHQL, f"[{self.subgraph.name}] {message}", at=((self.subgraph.name, _line(node)),)
        )

    def definition(self, node: Node) -> None:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            self.schema(node)
        elif isinstance(node, DirectiveDefinitionNode):
            self.directive(node)
        elif isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            self.type(node)
        elif isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            self.refuse("The schema holds an operation or a fragment; it may hold definitions alone.", node)

    def schema(self, node: SchemaDefinitionNode | SchemaExtensionNode) -> None:
        if isinstance(node, SchemaDefinitionNode):
            if self.has_schema_definition:
                self.refuse("There is more than one schema definition.", node)
            self.has_schema_definition = True
            self.subgraph.schema_description = _description(node)
        self.subgraph.schema_directives.extend(self.applied(node))
        for root in parts(node, "operation_types"):
            operation = root.operation.value
            if operation in self.subgraph.roots:
                self.refuse(f"The schema names two types for {operation}.", node)
            self.subgraph.roots[operation] = root.type.name.value

    def directive(self, node: DirectiveDefinitionNode) -> None:
        name = node.name.value
        if name in self.subgraph.directives:
            self.refuse(f"Directive @{name} is defined more than once.", node)
        self.subgraph.directives[name] = DirectiveDeclaration(
            name=name,
            arguments=self.members(node, "arguments", f"@{name}", "argument"),
            locations=tuple(location.value for location in node.locations),
            repeatable=node.repeatable,
            description=_description(node),
            line=_line(node),
        )

    def type(self, node: TypeDefinitionNode | TypeExtensionNode) -> None:
        name = node.name.value
        stem, _, suffix = node.kind.rpartition("_")
        kind = _KINDS[stem]
        extends = suffix == "extension"
        known = self.subgraph.types.get(name)
        if known is not None and known.kind is not kind:
            self.refuse(f"{name} is declared as {known.kind.value} and as {kind.value}.", node)
            return
        if known is not None and known.is_defined and not extends:
            self.refuse(f"There can be only one definition of type {name}.", node)
            return
        applied = self.applied(node)
        if known is None:
            known = self.subgraph.types[name] = Type(name, kind, line=_line(node), is_defined=False)
        if extends:
            known.is_extended = True
        else:
            known.is_defined, known.description, known.line = True, _description(node), _line(node)
        known.declarations += 1
        known.directives.extend(applied)
        self._extend(known, node, applied)

    def _extend(self, known: Type, node: Node, applied: list[Applied]) -> None:
        fields = self.members(node, "fields", known.name, "field")
        identities = {directive.identity for directive in applied}
        for name, member in fields.items():
            member.shareable_by_type = "shareable" in identities
            member.external_by_type = "external" in identities
            if name in known.fields:
                self.refuse(f"Field {known.name}.{name} is declared more than once.", node)
            known.fields[name] = member
        for interface in parts(node, "interfaces"):
            if interface.name.value in known.interfaces:
                self.refuse(f"Type {known.name} implements {interface.name.value} more than once.", node)
            else:
                known.interfaces.append(interface.name.value)
        for member_node in parts(node, "types"):
            if member_node.name.value in known.members:
                self.refuse(f"Union {known.name} lists {member_node.name.value} more than once.", node)
            else:
                known.members.append(member_node.name.value)
        for name, value in self.members(node, "values", known.name, "value").items():
            if name in known.values:
                self.refuse(f"Value {known.name}.{name} is declared more than once.", node)
            known.values[name] = value

    def members(self, node: Node, part: str, parent: str, what: str) -> dict[str, Member]:
        found: dict[str, Member] = {}
        for child in parts(node, part):
            name = child.name.value
            if name in found:
                self.refuse(f"{parent} has {what} {name} more than once.", child)
            default = getattr(child, "default_value", None)
            found[name] = Member(
                name=name,
                type=type_text(child.type) if hasattr(child, "type") else "",
                arguments=self.members(child, "arguments", f"{parent}.{name}", "argument"),
                default=default,
                directives=self.applied(child),
                description=_description(child),
                line=_line(child),
            )
        return found

    def applied(self, node: Node) -> list[Applied]:
        found = []
        for directive in parts(node, "directives"):
            name = directive.name.value
            given = parts(directive, "arguments")
            arguments = {argument.name.value: argument.value for argument in given}
            if len(arguments) < len(given):
                twice = [n for n, count in Counter(a.name.value for a in given).items() if count > 1]
                self.refuse(f"@{name} has argument {', '.join(twice)} more than once.", directive)
            found.append(Applied(name, self.subgraph.links.identities.get(name), arguments, _line(directive)))
        return found

    def finish(self) -> None:
        """Root types get their standard names; what every federated service adds by itself is left out."""
        subgraph = self.subgraph
        if not self.has_schema_definition:
            for operation in ("query", "mutation", "subscription"):
                if operation.title() in subgraph.types:
                    subgraph.roots.setdefault(operation, operation.title())
        self._standard_root_names()
        query = subgraph.types.get("Query")
        if query is not None:
            for name in _MACHINERY_FIELDS:
                query.fields.pop(name, None)
        else:
            # Every subgraph answers _service, so every subgraph has a Query type.
            subgraph.types["Query"] = Type("Query", TypeKind.OBJECT)
            subgraph.roots["query"] = "Query"
        self._drop_machinery()
        for scalar in BUILT_IN_SCALARS:
            declared = subgraph.types.get(scalar)
            if declared is not None and declared.kind is TypeKind.SCALAR:
                del subgraph.types[scalar]

    def _standard_root_names(self) -> None:
        subgraph = self.subgraph
        renamed: dict[str, str] = {}
        for operation, name in subgraph.roots.items():
            standard = operation.title()
            if name != standard:
                if standard in subgraph.types:
                    code = getattr(codes, f"ROOT_{operation.upper()}_USED")
                    self.log.report(
                        code,
                        f"[{subgraph.name}] The schema's {operation} type is {name}, yet there is a type "
                        f"named {standard} too.",
                        standard,
                        at=(subgraph.at(subgraph.types[standard]),),
                    )
                elif name in subgraph.types:
                    renamed[name] = standard
        if not renamed:
            return
        for old, new in renamed.items():
            definition = subgraph.types.pop(old)
            definition.name = new
            subgraph.types[new] = definition
        for definition in subgraph.types.values():
            definition.members = [renamed.get(member, member) for member in definition.members]
            for member in definition.fields.values():
                name = named_type(member.type)
                if name in renamed:
                    member.type = member.type.replace(name, renamed[name])
        subgraph.roots = {operation: renamed.get(name, name) for operation, name in subgraph.roots.items()}

    def _drop_machinery(self) -> None:
        subgraph, links = self.subgraph, self.subgraph.links
        for name in _MACHINERY_TYPES & subgraph.types.keys():
            declared = subgraph.types[name]
            expected = {"_Service": TypeKind.OBJECT, "_Entity": TypeKind.UNION}.get(name, TypeKind.SCALAR)
            if declared.kind is TypeKind.ENUM and name == "link__Purpose":
                self._check_purposes(declared)
            else:
                self._check_machinery(declared, expected)
            del subgraph.types[name]
        for name in [name for name in subgraph.types if links.types.get(name) in SPEC_TYPES]:
            self._check_machinery(subgraph.types.pop(name), TypeKind.SCALAR)

    def _check_purposes(self, declared: Type) -> None:
        if set(declared.values) != {"SECURITY", "EXECUTION"}:
            self.log.report(
                codes.TYPE_DEFINITION_INVALID,
                f"[{self.subgraph.name}] Enum {declared.name} must have the values SECURITY and EXECUTION.",
                declared.name,
                at=(self.subgraph.at(declared),),
            )

    def _check_machinery(self, declared: Type, expected: TypeKind) -> None:
        if declared.kind is not expected:
            self.log.report(
                codes.TYPE_DEFINITION_INVALID,
                f"[{self.subgraph.name}] {declared.name} must be a {expected.value}, as its specification has it, "
                f"but is declared as {declared.kind.value}.",
                declared.name,
                at=(self.subgraph.at(declared),),
            )
