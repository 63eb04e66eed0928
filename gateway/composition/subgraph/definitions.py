"""The directives a subgraph has without defining them, and whether its own definitions of them agree."""

from graphql import parse_const_value

from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import (
    FED1_DIRECTIVES,
    FEDERATION,
    FEDERATION_DIRECTIVES,
    RESOURCE,
    RESOURCE_DIRECTIVE,
    SPEC_TYPES,
    STANDALONE,
    STANDARD_DIRECTIVES,
    DirectiveSpec,
    federation_directives,
)
from gateway.supergraph.elements import DirectiveDeclaration, Member, named_type

_LINK = DirectiveSpec(
    "link",
    (
        ("url", "String"),
        ("as", "String"),
        ("for", "link__Purpose"),
        ("import", "[link__Import]"),
        ("feature", "String"),
    ),
    ("SCHEMA",),
    repeatable=True,
)


def complete_directives(subgraph: Subgraph, log: IssueLog) -> None:
    """Add the definitions of every linked and standard directive; check those that the subgraph wrote itself."""
    for local, spec in _known(subgraph).items():
        own = subgraph.directives.get(local)
        if own is not None:
            _check(subgraph, own, spec, log)
        declared = _declaration(subgraph, local, spec)
        # A subgraph may allow itself less than the specification does.
        declared.repeatable = declared.repeatable and (own is None or own.repeatable)
        subgraph.directives[local] = declared


def _known(subgraph: Subgraph) -> dict[str, DirectiveSpec]:
    links = subgraph.links
    found = dict(STANDARD_DIRECTIVES)
    found[links.link_name] = _LINK
    if links.federation is None:
        found.update({name: FEDERATION_DIRECTIVES[name] for name in FED1_DIRECTIVES})
    for link in links.all:
        if link.identity == FEDERATION:
            found.update({link.local(spec.name): spec for spec in federation_directives(link.minor)})
        elif link.identity in STANDALONE:
            for spec in FEDERATION_DIRECTIVES.values():
                if spec.feature is not None and spec.feature.name == link.name:
                    found[link.local(spec.name)] = spec
        elif link.identity == RESOURCE:
            found[link.local("resource")] = RESOURCE_DIRECTIVE
    return found


def _local_type(subgraph: Subgraph, type_: str) -> str:
    name = named_type(type_)
    if name not in SPEC_TYPES:
        return type_
    local = next((local for local, own in subgraph.links.types.items() if own == name), f"federation__{name}")
    return type_.replace(name, local)


def _declaration(subgraph: Subgraph, local: str, spec: DirectiveSpec) -> DirectiveDeclaration:
    arguments = {}
    for name, typed in spec.arguments:
        type_, _, default = typed.partition("=")
        value = parse_const_value(default.strip()) if default else None
        arguments[name] = Member(name, _local_type(subgraph, type_.strip()), default=value)
    return DirectiveDeclaration(local, arguments, spec.locations, spec.repeatable)


def _check(subgraph: Subgraph, own: DirectiveDeclaration, spec: DirectiveSpec, log: IssueLog) -> None:
    def refuse(why: str) -> None:
        log.report(
            codes.DIRECTIVE_DEFINITION_INVALID,
            f"[{subgraph.name}] The definition of @{own.name} is not that of its specification: {why}",
            f"@{own.name}",
            at=(subgraph.at(own),),
        )

    expected = {name: typed.partition("=") for name, typed in spec.arguments}
    for name, member in own.arguments.items():
        if name not in expected:
            refuse(f"argument {name} is unknown.")
            continue
        type_ = expected[name][0].strip()
        if spec.name == "link" or _same_type(subgraph, member.type, type_):
            continue
        refuse(f"argument {name} must be of type {type_}, not {member.type}.")
    for name, (type_, _, default) in expected.items():
        needed = type_.strip().endswith("!") and not default
        # Federation 1 libraries often declared its directives without arguments.
        if needed and name not in own.arguments and (subgraph.links.is_federation_2 or own.arguments):
            refuse(f"argument {name} of type {type_.strip()} is missing.")
    if own.repeatable and not spec.repeatable:
        refuse("it must not be repeatable.")
    unknown = [location for location in own.locations if location not in spec.locations]
    if unknown:
        refuse(f"it must not be applied to {', '.join(unknown)}.")


def _same_type(subgraph: Subgraph, own: str, expected: str) -> bool:
    if own in (expected, f"{expected}!"):
        return True
    name = named_type(expected)
    if name in SPEC_TYPES:
        same_shape = own.replace(named_type(own), name)
        known = subgraph.links.types.get(named_type(own)) == name or named_type(own) in ("String", "_FieldSet", name)
        if not subgraph.links.is_federation_2:
            return known and same_shape.rstrip("!") == expected.rstrip("!")
        return known and same_shape in (expected, f"{expected}!")
    return False
