"""@authenticated, @requiresScopes and @policy across the merged schema.

An interface asks of callers whatever any of its implementations asks, so that nobody reads through the interface what
the type would refuse.
"""

from dataclasses import replace

from gateway.composition.merging.applied import DirectiveMerge
from gateway.supergraph.elements import Member, Type

ACCESS = {"authenticated": None, "requiresScopes": "scopes", "policy": "policies"}


def spread_access(directives: DirectiveMerge) -> None:
    """Give every interface and its fields what their implementations ask of callers."""
    merge = directives.merge
    if not directives.used & ACCESS.keys():
        return
    for interface, implementers in merge.implementations():
        _spread(directives, interface.name, interface, implementers)
        for member in interface.fields.values():
            theirs = [t.fields[member.name] for t in implementers if member.name in t.fields]
            interface.fields[member.name] = own = replace(member)
            _spread(directives, f"{interface.name}.{member.name}", own, theirs)


def _spread(
    directives: DirectiveMerge, coordinate: str, target: Type | Member, sources: list[Type] | list[Member]
) -> None:
    for identity in ACCESS:
        asked = [applied for source in sources for applied in source.applied(identity)]
        if not asked:
            continue
        asked += target.applied(identity)
        combined = directives.combined(identity, coordinate, asked)
        target.directives = [a for a in target.directives if a.identity != identity] + [combined]
