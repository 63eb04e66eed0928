"""@context and @fromContext while merging: arguments that the gateway fills from an ancestor of the field."""

from gateway.composition.merging.types import escape
from gateway.composition.subgraph.facts import CONTEXT_FIELD
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.elements import Member


def context_arguments(subgraph: Subgraph, member: Member) -> list[str]:
    """The entries of ``@join__field(contextArguments:)`` for the field in this subgraph."""
    found = []
    for argument in member.arguments.values():
        for applied in argument.applied("fromContext"):
            match = CONTEXT_FIELD.match(str(applied.value("field", "")))
            if match is None:
                continue
            found.append(
                f'{{context: "{subgraph.name}__{match[1]}", name: "{argument.name}", type: "{argument.type}", '
                f'selection: "{escape(match[2])}"}}'
            )
    return found
