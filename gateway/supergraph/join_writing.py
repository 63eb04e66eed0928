"""Writing supergraph SDL: the join specification v0.3, v0.4 and v0.5.

The text is written straight from the merged types: going through syntax nodes and a printer takes several times as long
and gives the same characters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphql import print_ast
from graphql.language.block_string import is_printable_as_block_string, print_block_string
from graphql.language.print_string import print_string

from gateway.supergraph.elements import DirectiveDeclaration, Member, Type
from gateway.supergraph.features import Link
from gateway.supergraph.model import TypeKind

_MACHINERY = '''directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

directive @join__field(<field>) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION

directive @join__graph(name: String!, url: String!) on ENUM_VALUE

directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE

directive @join__type(<type>) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR

directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION

directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

scalar join__FieldSet

enum join__Graph {
<graphs>
}

scalar link__Import

enum link__Purpose {
  """
  `SECURITY` features provide metadata necessary to securely resolve fields.
  """
  SECURITY

  """
  `EXECUTION` features provide metadata necessary for operation execution.
  """
  EXECUTION
}'''
_JOIN_TYPE = (
    "graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, "
    "isInterfaceObject: Boolean! = false"
)
_JOIN_FIELD = (
    "graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, "
    "override: String, usedOverridden: Boolean"
)
_DIRECTIVE = (
    "directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on "
    "SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION"
)
_CONTEXT_ARGUMENT = """input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}"""
# By version of the join specification: further arguments of @join__field, and what is defined beside the machinery.
_ADDED = {
    "v0.3": ("", ()),
    "v0.4": (", overrideLabel: String", (_DIRECTIVE, "scalar join__DirectiveArguments")),
    "v0.5": (
        ", overrideLabel: String, contextArguments: [join__ContextArgument!]",
        (_DIRECTIVE, _CONTEXT_ARGUMENT, "scalar join__DirectiveArguments", "scalar join__FieldValue"),
    ),
}


def join_directive(name: str, graph: str, **said: object) -> str:
    """``@join__name`` of a subgraph, with what else is ``said``: None stands for nothing."""
    given = [f", {argument}: {constant_text(value)}" for argument, value in said.items() if value is not None]
    return f"@join__{name}(graph: {graph}{''.join(given)})"


def constant_text(value: object) -> str:
    """A plain value as GraphQL text; strings are strings, not enum values."""
    if isinstance(value, str):
        return print_string(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {constant_text(inner)}' for name, inner in value.items())}}}"
    return f"[{', '.join(map(constant_text, value))}]" if isinstance(value, list) else str(value).lower()


@dataclass(frozen=True, slots=True)
class SupergraphText:
    """All that a supergraph's SDL says. ``graphs`` are enum value, subgraph name and URL of each subgraph.

    ``types`` is the text of each type (``type_sdl``).
    """

    join_version: str
    graphs: Sequence[tuple[str, str, str]]
    roots: Mapping[str, str]
    types: Iterable[str]
    links: Sequence[Link] = ()
    directives: Sequence[DirectiveDeclaration] = ()
    scalars: Sequence[str] = ()
    description: str | None = None

    def written(self) -> str:
        """The SDL."""
        definitions = [*self._machinery(), *self.types]
        return "\n\n".join([self._schema(), *map(_directive, self.directives), *definitions]) + "\n"

    def _schema(self) -> str:
        lines = [f"{_described(self.description, '')}schema"]
        own = (
            Link.to("https://specs.apollo.dev/link/v1.0"),
            Link.to(f"https://specs.apollo.dev/join/{self.join_version}", purpose="EXECUTION"),
        )
        lines += [f"  {link.written()}" for link in (*own, *self.links)]
        roots = [f"  {operation}: {name}" for operation, name in self.roots.items()]
        return "\n".join([*lines, "{", *roots, "}"])

    def _machinery(self) -> list[str]:
        more_arguments, definitions = _ADDED[self.join_version]
        graphs = "\n".join(
            f"  {value} @join__graph(name: {print_string(name)}, url: {print_string(url)})"
            for value, name, url in self.graphs
        )
        text = _MACHINERY.replace("<field>", _JOIN_FIELD + more_arguments).replace("<type>", _JOIN_TYPE)
        return [text.replace("<graphs>", graphs), *definitions, *(f"scalar {name}" for name in self.scalars)]


def _described(description: str | None, indent: str) -> str:
    if not description:
        return ""
    if not is_printable_as_block_string(description):
        return f"{indent}{print_string(description)}\n"
    written = print_block_string(description).replace("\n", f"\n{indent}")
    return f"{indent}{written}\n"


def type_sdl(definition: Type) -> str:
    """The text of one type, members as the subgraphs have them."""
    head = f"{_described(definition.description, '')}{definition.kind.value} {definition.name}"
    if definition.interfaces:
        head += f" implements {' & '.join(definition.interfaces)}"
    lines = [head, *(f"  {line}" for line in definition.join), *(f"  {d.written()}" for d in definition.directives)]
    if definition.kind is TypeKind.UNION and definition.members:
        lines.append(f" = {' | '.join(definition.members)}")
    elif definition.kind is not TypeKind.SCALAR:
        members = definition.values if definition.kind is TypeKind.ENUM else definition.fields
        lines += ["{", *(_member(member) for member in members.values()), "}"]
    return "\n".join(lines)


def _member(member: Member) -> str:
    text = f"{_described(member.description, '  ')}  {member.name}"
    if member.arguments:
        if any(argument.description for argument in member.arguments.values()):
            inner = "\n".join(f"{_described(a.description, '    ')}    {_input(a)}" for a in member.arguments.values())
            text += f"(\n{inner}\n  )"
        else:
            text += f"({', '.join(_input(argument) for argument in member.arguments.values())})"
    if member.type:
        text += f": {member.type}"
    return text + _tail(member)


def _input(member: Member) -> str:
    return f"{member.name}: {member.type}{_tail(member)}"


def _tail(member: Member) -> str:
    text = f" = {print_ast(member.default)}" if member.default is not None else ""
    for line in member.join:
        text += f" {line}"
    for applied in member.directives:
        text += f" {applied.written()}"
    return text


def _directive(declaration: DirectiveDeclaration) -> str:
    arguments = ", ".join(_input(argument) for argument in declaration.arguments.values())
    head = f"{_described(declaration.description, '')}directive @{declaration.name}"
    repeatable = " repeatable" if declaration.repeatable else ""
    return f"{head}{f'({arguments})' if arguments else ''}{repeatable} on {' | '.join(declaration.locations)}"
