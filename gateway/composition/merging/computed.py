"""Fields that are computed from others, by @requires or @fromContext.

The subgraphs that resolve the others must be given the arguments they need. And what is computed asks of callers at
least what its sources ask: otherwise it would leak them.
"""

from collections.abc import Iterator

from graphql import FieldNode, SelectionSetNode

from gateway.composition import codes
from gateway.composition.merging.access import ACCESS
from gateway.composition.merging.scopes import Requirement, implies
from gateway.composition.merging.state import Merge
from gateway.composition.subgraph.facts import context_places, contextual, field_set_of, selected_fields
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Applied, Member, Type, is_required, named_type
from gateway.supergraph.features import parts


def check_requirements(merge: Merge) -> None:
    """What @requires gives as arguments must be known, and enough, wherever the required field is resolved."""
    for subgraph, definition, member in merge.annotated():
        for applied in member.applied("requires"):
            for parent, _, selection in selected_fields(merge, definition.name, field_set_of(applied)):
                needing = f"as {definition.name}.{member.name} of {subgraph.name} requires it"
                _check_arguments(merge, subgraph, parent.name, selection, needing)


def _check_arguments(merge: Merge, subgraph: Subgraph, parent: str, node: FieldNode, needing: str) -> None:
    name = node.name.value
    given = {argument.name.value for argument in parts(node, "arguments")}
    for other, definition in merge.sources(parent):
        theirs = definition.fields.get(name)
        if theirs is None or other is subgraph or theirs.external:
            continue
        coordinate = f"{parent}.{name}"
        for missing in [a for a in theirs.arguments.values() if is_required(a) and a.name not in given]:
            why = f"needs argument {missing.name} in {other.name}, which is not given {needing}."
            merge.report(codes.REQUIRES_INVALID_FIELDS, coordinate, why, [(other, missing)])
        for extra in sorted(given - theirs.arguments.keys()):
            why = f"has no argument {extra} in {other.name}, which is given {needing}."
            merge.report(codes.REQUIRES_INVALID_FIELDS, coordinate, why, [(other, theirs)])


def check_access(merge: Merge) -> None:
    """Log an issue for every computed field that asks less than the fields it is computed from."""
    for subgraph, definition, member in merge.annotated():
        merged, coordinate = merge.field(definition.name, member.name), f"{definition.name}.{member.name}"
        if merged is None:
            continue
        given = [*merged.directives, *merge.types[definition.name].directives]
        for through, sources in _sources(merge, subgraph, definition, member):
            for told, element in sources.items():
                lacking = next((a for a in element.directives if not _is_asked(given, a)), None)
                if lacking is not None:
                    computed = f"asks less of callers than {told}, which it is computed from by {through}"
                    why = f"{computed}: @{lacking.name} is missing or too weak."
                    merge.report_in(subgraph, codes.MISSING_TRANSITIVE_AUTH_REQUIREMENTS, member, coordinate, why)


def _sources(
    merge: Merge, subgraph: Subgraph, definition: Type, member: Member
) -> Iterator[tuple[str, dict[str, Type | Member]]]:
    """The types and fields that a field is computed from, by coordinate; and by which directive."""
    for applied in member.applied("requires"):
        yield "@requires", _selected(merge, definition.name, field_set_of(applied))
    for _, applied in contextual(member):
        for holder, node in context_places(subgraph, applied):
            yield "@fromContext", {holder.name: merge.types[holder.name], **_selected(merge, holder.name, node)}


def _selected(merge: Merge, start: str, node: SelectionSetNode) -> dict[str, Type | Member]:
    found: dict[str, Type | Member] = {}
    for definition, member, _ in selected_fields(merge, start, node):
        if definition.name != start:
            found[definition.name] = definition
        found[f"{definition.name}.{member.name}"] = member
        target = merge.types.get(named_type(member.type))
        if target is not None:
            found[target.name] = target
    return found


def _is_asked(given: list[Applied], source: Applied) -> bool:
    """Whether what a source asks of callers is asked by what it is used for, too."""
    if source.identity not in ACCESS:
        return True
    return any(implies(_asked(a), _asked(source)) for a in given if a.identity == source.identity)


def _asked(applied: Applied) -> Requirement:
    argument = ACCESS[applied.identity or ""]
    alternatives: Requirement = applied.value(argument) if argument else [["authenticated"]]
    return alternatives
