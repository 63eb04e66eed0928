"""The directives a subgraph has without defining them, and whether its own definitions of them agree."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.composition import codes
from gateway.composition.issues import IssueLog
from gateway.composition.subgraph.links import directives_of
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import (
    FED1_DIRECTIVES,
    FEDERATION_DIRECTIVES,
    LINK_DIRECTIVE,
    SPEC_TYPES,
    STANDARD_DIRECTIVES,
    in_version,
)
from gateway.supergraph.elements import DirectiveDeclaration, is_required, named_type


def complete_directives(subgraph: Subgraph, log: IssueLog) -> None:
    """Add the definitions of every linked and standard directive; check those that the subgraph wrote itself."""
    report = log.of(subgraph.name)
    for name, specified in _known(subgraph).items():
        own = subgraph.directives.get(name)
        if own is not None:
            for why in _differences(subgraph, own, specified):
                told = f"is not defined as its specification has it: {why}"
                report(codes.DIRECTIVE_DEFINITION_INVALID, own.line, f"@{name}", told)
        # A subgraph may allow itself less than the specification does.
        repeatable = specified.repeatable and (own is None or own.repeatable)
        arguments = {
            argument: replace(member, type=_local_type(subgraph, member.type))
            for argument, member in specified.arguments.items()
        }
        subgraph.directives[name] = replace(specified, name=name, arguments=arguments, repeatable=repeatable)


def _known(subgraph: Subgraph) -> dict[str, DirectiveDeclaration]:
    links = subgraph.links
    found = {**STANDARD_DIRECTIVES, links.link_name: LINK_DIRECTIVE}
    if links.federation is None:
        known = (identity for identity in links.identities.values() if identity in FEDERATION_DIRECTIVES)
        found.update({identity: in_version(FEDERATION_DIRECTIVES[identity], 0) for identity in known})
    for link in links.all:
        found.update({link.directive(spec.name): spec for spec in directives_of(link)})
    return {name: spec.definition for name, spec in found.items()}


def _local_type(subgraph: Subgraph, type_: str) -> str:
    name = named_type(type_)
    if name not in SPEC_TYPES:
        return type_
    local = next((local for local, own in subgraph.links.types.items() if own == name), f"federation__{name}")
    return type_.replace(name, local)


def _differences(subgraph: Subgraph, own: DirectiveDeclaration, specified: DirectiveDeclaration) -> Iterator[str]:
    for name, member in own.arguments.items():
        expected = specified.arguments.get(name)
        if expected is None:
            yield f"argument {name} is unknown."
        elif specified is not LINK_DIRECTIVE.definition and not _same_type(subgraph, member.type, expected.type):
            yield f"argument {name} must be of type {expected.type}, not {member.type}."
    # Federation 1 libraries often declared its directives without arguments.
    if subgraph.links.is_federation_2 or own.arguments or specified.name not in FED1_DIRECTIVES:
        for name, expected in specified.arguments.items():
            if is_required(expected) and name not in own.arguments:
                yield f"argument {name} of type {expected.type} is missing."
    if own.repeatable and not specified.repeatable:
        yield "it must not be repeatable."
    unknown = [location for location in own.locations if location not in specified.locations]
    if unknown:
        yield f"it must not be applied to {', '.join(unknown)}."


def _same_type(subgraph: Subgraph, own: str, expected: str) -> bool:
    if own in (expected, f"{expected}!"):
        return True
    name, local = named_type(expected), named_type(own)
    if name not in SPEC_TYPES:
        return False
    is_known = subgraph.links.types.get(local) == name or local in ("String", "_FieldSet", name)
    shape = own.replace(local, name)
    if subgraph.links.is_federation_2:
        return is_known and shape in (expected, f"{expected}!")
    return is_known and shape.rstrip("!") == expected.rstrip("!")
