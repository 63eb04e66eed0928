"""One subgraph's SDL read into declarations: bounded, parsed, extensions folded in, directives bound."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSyntaxError, parse
from graphql.language import ast

from gateway.composition import codes
from gateway.composition.issues import IssueLog, Report
from gateway.composition.subgraph.links import Links, read_links
from gateway.supergraph.directives import SPEC_TYPES
from gateway.supergraph.elements import (
    BUILT_IN_SCALARS,
    ROOTS,
    Applied,
    DirectiveDeclaration,
    Member,
    Type,
    TypeSystem,
    kind_of,
    named_type,
    type_text,
)
from gateway.supergraph.features import parts
from gateway.supergraph.model import TypeKind

MAX_CHARACTERS = 4_000_000
MAX_TOKENS = 100_000
MAX_NESTING = 60
_NESTING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[\[\](){}]', re.DOTALL)
_MACHINERY_TYPES = {
    "_Service": TypeKind.OBJECT,
    "_Any": TypeKind.SCALAR,
    "_Entity": TypeKind.UNION,
    "_FieldSet": TypeKind.SCALAR,
    "link__Import": TypeKind.SCALAR,
    "link__Purpose": TypeKind.SCALAR,
}
"""What libraries add to a subgraph's schema for the gateway's sake; link__Purpose may be the enum that it is, too."""
_MACHINERY_FIELDS = ("_service", "_entities")


@dataclass(slots=True, eq=False)
class Subgraph(TypeSystem):
    """What one subgraph declares. ``roots`` maps operations to type names, by then always the standard ones."""

    name: str
    url: str
    links: Links
    types: dict[str, Type] = field(default_factory=dict)
    directives: dict[str, DirectiveDeclaration] = field(default_factory=dict)
    schema_directives: list[Applied] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    schema_description: str | None = None

    def at(self, element: Any) -> tuple[str, int | None]:
        """The place of an element, as issues name it."""
        return self.name, element.line


def read_subgraph(name: str, url: str, sdl: str, log: IssueLog) -> Subgraph | None:
    """Read SDL; None, with issues logged, when it is not GraphQL that can be read at all."""
    report = log.of(name)
    document = _parse(sdl, report)
    if document is None:
        return None
    subgraph = Subgraph(name, url, read_links(document, report))
    reader = _Reader(subgraph, report)
    for node in document.definitions:
        reader.definition(node)
    reader.finish()
    _unlink_tokens(document)
    return subgraph


def _parse(sdl: str, report: Report) -> ast.DocumentNode | None:
    if len(sdl) > MAX_CHARACTERS:
        why = f"The schema has {len(sdl):,} characters; at most {MAX_CHARACTERS:,} are read."
        report(codes.SUBGRAPH_TOO_LARGE, None, "", why)
    elif _is_nested_too_deep(sdl):
        report(codes.SUBGRAPH_TOO_LARGE, None, "", f"Brackets are nested deeper than {MAX_NESTING} levels.")
    else:
        try:
            return parse(sdl, max_tokens=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            line = error.locations[0].line if error.locations else None
            is_limit = "token limit" in error.message or "tokens" in error.message
            report(codes.SUBGRAPH_TOO_LARGE if is_limit else codes.INVALID_GRAPHQL, line, "", error.message)
    return None


def _unlink_tokens(document: ast.DocumentNode) -> None:
    """graphql-core links all tokens both ways, so any constant of the schema that is kept would keep them all."""
    token = document.loc.start_token if document.loc else None
    while token is not None:
        token.prev, token.next, token = None, None, token.next


def _is_nested_too_deep(sdl: str) -> bool:
    depth = 0
    for match in _NESTING.finditer(sdl):
        token = match[0]
        if token in "[({":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif token in "])}":
            depth -= 1
    return False


def _line(node: ast.Node) -> int | None:
    named = getattr(node, "name", None) or node
    return named.loc.start_token.line if named.loc else None


def _description(node: ast.Node) -> str | None:
    description = getattr(node, "description", None)
    return description.value if description else None


@dataclass(slots=True)
class _Reader:
    subgraph: Subgraph
    report: Report
    has_schema_definition: bool = False

    def refuse(self, message: str, node: ast.Node) -> None:
        self.report(codes.INVALID_GRAPHQL, _line(node), "", message)

    def definition(self, node: ast.Node) -> None:
        if isinstance(node, ast.SchemaDefinitionNode | ast.SchemaExtensionNode):
            self.schema(node)
        elif isinstance(node, ast.DirectiveDefinitionNode):
            self.directive(node)
        elif isinstance(node, ast.TypeDefinitionNode | ast.TypeExtensionNode):
            self.type(node)
        elif isinstance(node, ast.ExecutableDefinitionNode):
            self.refuse("The schema holds an operation or a fragment; it may hold definitions alone.", node)

    def schema(self, node: ast.SchemaDefinitionNode | ast.SchemaExtensionNode) -> None:
        if isinstance(node, ast.SchemaDefinitionNode):
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

    def directive(self, node: ast.DirectiveDefinitionNode) -> None:
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

    def type(self, node: ast.TypeDefinitionNode | ast.TypeExtensionNode) -> None:
        name = node.name.value
        kind, is_extension = kind_of(node), isinstance(node, ast.TypeExtensionNode)
        known = self.subgraph.types.get(name)
        if known is not None and known.kind is not kind:
            self.refuse(f"{name} is declared as {known.kind.value} and as {kind.value}.", node)
            return
        if known is not None and known.is_defined and not is_extension:
            self.refuse(f"There can be only one definition of type {name}.", node)
            return
        if known is None:
            known = self.subgraph.types[name] = Type(name, kind, line=_line(node), is_defined=False)
        if not is_extension:
            known.is_defined, known.description, known.line = True, _description(node), _line(node)
        known.declarations += 1
        self._extend(known, node)

    def _extend(self, known: Type, node: ast.Node) -> None:
        applied = self.applied(node)
        known.directives.extend(applied)
        fields = self.members(node, "fields", known.name, "field", known.fields)
        identities = {directive.identity for directive in applied}
        for member in fields.values():
            member.shareable = "shareable" in identities or member.has("shareable")
            member.external = "external" in identities or member.has("external")
        known.fields.update(fields)
        known.values.update(self.members(node, "values", known.name, "value", known.values))
        self._append(known.interfaces, node, "interfaces", f"Type {known.name} implements {{}} more than once.")
        self._append(known.members, node, "types", f"Union {known.name} lists {{}} more than once.")

    def _append(self, known: list[str], node: ast.Node, part: str, twice: str) -> None:
        for reference in parts(node, part):
            name = reference.name.value
            if name in known:
                self.refuse(twice.format(name), node)
            else:
                known.append(name)

    def members(
        self, node: ast.Node, part: str, parent: str, what: str, known: Collection[str] = ()
    ) -> dict[str, Member]:
        """What a definition or an extension declares beside what is ``known``."""
        found: dict[str, Member] = {}
        for child in parts(node, part):
            name = child.name.value
            if name in found or name in known:
                self.refuse(f"{parent} has {what} {name} more than once.", child)
            found[name] = Member(
                name=name,
                type=type_text(child.type) if hasattr(child, "type") else "",
                arguments=self.members(child, "arguments", f"{parent}.{name}", "argument"),
                default=getattr(child, "default_value", None),
                directives=self.applied(child),
                description=_description(child),
                line=_line(child),
            )
        return found

    def applied(self, node: ast.Node) -> list[Applied]:
        found = []
        for directive in parts(node, "directives"):
            name = directive.name.value
            given = [argument.name.value for argument in parts(directive, "arguments")]
            arguments = {argument.name.value: argument.value for argument in parts(directive, "arguments")}
            if len(arguments) < len(given):
                twice = ", ".join(argument for argument in arguments if given.count(argument) > 1)
                self.refuse(f"@{name} has argument {twice} more than once.", directive)
            found.append(Applied(name, self.subgraph.links.identities.get(name), arguments, _line(directive)))
        return found

    def finish(self) -> None:
        """Root types get their standard names; what every federated service adds by itself is left out."""
        subgraph = self.subgraph
        if not self.has_schema_definition:
            for operation in ROOTS:
                if operation.title() in subgraph.types:
                    subgraph.roots.setdefault(operation, operation.title())
        self._standard_root_names()
        # Every subgraph answers _service, so every subgraph has a Query type.
        if "Query" not in subgraph.types:
            subgraph.types["Query"] = Type("Query", TypeKind.OBJECT)
            subgraph.roots.setdefault("query", "Query")
        for name in _MACHINERY_FIELDS:
            subgraph.types["Query"].fields.pop(name, None)
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
            if name != standard and standard in subgraph.types:
                code = getattr(codes, f"ROOT_{operation.upper()}_USED")
                why = f"is the name of a type, yet the schema's {operation} type is {name}."
                self.report(code, subgraph.types[standard].line, standard, why)
            elif name != standard and name in subgraph.types:
                renamed[name] = standard
        if not renamed:
            return
        for old, new in renamed.items():
            definition = subgraph.types.pop(old)
            definition.name = new
            subgraph.types[new] = definition
        for definition in subgraph.types.values():
            definition.members = [renamed.get(member, member) for member in definition.members]
        for _, member in subgraph.fields():
            name = named_type(member.type)
            if name in renamed:
                member.type = member.type.replace(name, renamed[name])
        subgraph.roots = {operation: renamed.get(name, name) for operation, name in subgraph.roots.items()}

    def _drop_machinery(self) -> None:
        types, own_names = self.subgraph.types, self.subgraph.links.types
        of_specifications = {name: TypeKind.SCALAR for name in types if own_names.get(name) in SPEC_TYPES}
        for name, expected in (_MACHINERY_TYPES | of_specifications).items():
            declared = types.pop(name, None)
            if declared is None:
                continue
            why = ""
            if name == "link__Purpose" and declared.kind is TypeKind.ENUM:
                if set(declared.values) != {"SECURITY", "EXECUTION"}:
                    why = "must have the values SECURITY and EXECUTION."
            elif declared.kind is not expected:
                why = f"must be a {expected.value}, as its specification has it, not {declared.kind.value}."
            if why:
                self.report(codes.TYPE_DEFINITION_INVALID, declared.line, name, why)
