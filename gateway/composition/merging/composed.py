"""@composeDirective, and directives of operations: which directives of the subgraphs' own the supergraph has."""

from dataclasses import dataclass, field, replace

from gateway.composition import codes, hints
from gateway.composition.merging.fields import merge_arguments
from gateway.composition.merging.state import Merge, Sources, named
from gateway.composition.subgraph.links import Link
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import (
    APOLLO,
    FEDERATION,
    FEDERATION_DIRECTIVES,
    STANDALONE,
    STANDARD_DIRECTIVES,
)
from gateway.supergraph.elements import Applied, DirectiveDeclaration, all_members
from gateway.supergraph.join_writing import LinkedSpecification

_EXECUTABLE = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}
    | {"VARIABLE_DEFINITION"}
)


_COMPOSED_ALWAYS = frozenset(name for name, spec in FEDERATION_DIRECTIVES.items() if spec.feature is not None)


def _applied_names(subgraph: Subgraph) -> set[str]:
    return {a.name for _, element in all_members(subgraph.types.values()) for a in element.directives}


@dataclass(slots=True)
class ComposedDirectives:
    """``names`` maps (subgraph, local name) to the name in the supergraph."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)
    declarations: dict[str, DirectiveDeclaration] = field(default_factory=dict)
    links: list[LinkedSpecification] = field(default_factory=list)
    composed: list[tuple[str, str, str]] = field(default_factory=list)

    def supergraph_name(self, subgraph: str, name: str) -> str | None:
        """What the subgraph's own directive is called in the supergraph; None if it is not composed."""
        return self.names.get((subgraph, name))

    def is_repeatable(self, name: str) -> bool:
        """Whether the composed directive may stand several times at one place."""
        declared = self.declarations.get(name)
        return declared is not None and declared.repeatable


@dataclass(frozen=True, slots=True)
class _Request:
    subgraph: Subgraph
    applied: Applied
    name: str
    link: Link


def compose_directives(merge: Merge) -> ComposedDirectives:
    """Collect every @composeDirective and the directives they ask for."""
    found = ComposedDirectives()
    requests = [
        r
        for s in merge.subgraphs
        for a in s.schema_directives
        if a.identity == "composeDirective"
        for r in _request(merge, s, a)
    ]
    by_specification: dict[str, list[_Request]] = {}
    for request in requests:
        by_specification.setdefault(request.link.identity, []).append(request)
    for identity, wanted in by_specification.items():
        _compose_specification(merge, found, identity, wanted)
    _hint_not_composed(merge, found)
    _hint_majors(merge, {identity for identity, _, _ in found.composed})
    return found


def _refuse(merge: Merge, why: str, subgraph: Subgraph, applied: Applied) -> None:
    merge.log.report(codes.DIRECTIVE_COMPOSITION_ERROR, f"[{subgraph.name}] {why}", at=[subgraph.at(applied)])


def _request(merge: Merge, subgraph: Subgraph, applied: Applied) -> list[_Request]:
    written = applied.value("name")
    if not isinstance(written, str) or not written:
        _refuse(merge, "@composeDirective needs the name of a directive.", subgraph, applied)
        return []
    if not written.startswith("@"):
        _refuse(merge, f'@composeDirective(name: "{written}"): the name must begin with @.', subgraph, applied)
        return []
    name = written[1:]
    if name not in subgraph.directives:
        _refuse(merge, f"@composeDirective names @{name}, which the subgraph does not define.", subgraph, applied)
        return []
    link = subgraph.links.source_of(name)
    identity = subgraph.links.identities.get(name)
    if identity is not None and (link is None or link.identity == FEDERATION or link.identity in STANDALONE):
        if identity in _COMPOSED_ALWAYS:
            merge.log.report(
                hints.DIRECTIVE_COMPOSITION_INFO,
                f"[{subgraph.name}] @{name} is composed always: @composeDirective adds nothing.",
                at=[subgraph.at(applied)],
            )
        else:
            _refuse(merge, f"@{name} belongs to federation itself and cannot be composed.", subgraph, applied)
        return []
    if identity == "resource":
        return []
    if link is None:
        _refuse(
            merge,
            f"@{name} comes from no @link: only directives of a linked specification can be composed.",
            subgraph,
            applied,
        )
        return []
    if link.identity.startswith(f"{APOLLO}/") and link.name in ("link", "core", "join"):
        _refuse(merge, f"@{name} belongs to {link.identity} and cannot be composed.", subgraph, applied)
        return []
    return [_Request(subgraph, applied, name, link)]


def _compose_specification(merge: Merge, found: ComposedDirectives, identity: str, wanted: list[_Request]) -> None:
    majors = {request.link.major for request in wanted}
    if len(majors) > 1:
        merge.log.report(
            codes.DIRECTIVE_COMPOSITION_ERROR,
            f"{identity} is linked in versions that do not fit each other: "
            + ", ".join(f"v{r.link.major}.{r.link.minor} in {r.subgraph.name}" for r in wanted)
            + ".",
            at=[r.subgraph.at(r.applied) for r in wanted],
        )
        return
    newest = max(wanted, key=lambda request: request.link.minor)
    names: dict[str, str] = {}
    for own in dict.fromkeys(str(r.link.own(r.name)) for r in wanted):
        requests = [r for r in wanted if r.link.own(r.name) == own]
        problem = _problem(merge, found, own, requests, [r for r in wanted if r.link.minor == newest.link.minor])
        if problem is not None:
            at = [r.subgraph.at(r.applied) for r in requests]
            merge.log.report(codes.DIRECTIVE_COMPOSITION_ERROR, f"@{own} of {identity} {problem}", at=at)
            continue
        names[own] = requests[0].name
        _compose_directive(merge, found, own, requests, wanted, newest.link)
    if names:
        found.links.append(_link(newest.link, names))


def _problem(
    merge: Merge, found: ComposedDirectives, own: str, requests: list[_Request], leading: list[_Request]
) -> str | None:
    """Why the directive cannot be composed; ``leading`` are the requests of the newest version."""
    local = {r.name for r in requests}
    if len(local) > 1:
        return f"goes by different names: {', '.join(f'@{r.name} in {r.subgraph.name}' for r in requests)}."
    name = local.pop()
    is_federations = any(
        s.links.identities.get(name) in _COMPOSED_ALWAYS and name in _applied_names(s) for s in merge.subgraphs
    )
    if name in found.declarations or name in STANDARD_DIRECTIVES or is_federations:
        return f"cannot be composed as @{name}: the supergraph has another directive of that name."
    if not any(r.link.local(own) in r.subgraph.directives for r in leading):
        return (
            f"is composed, but not defined where the newest version is linked ({named(r.subgraph for r in leading)})."
        )
    return None


def _compose_directive(
    merge: Merge, found: ComposedDirectives, own: str, requests: list[_Request], wanted: list[_Request], newest: Link
) -> None:
    name = requests[0].name
    found.declarations[name] = _newest_declaration(wanted, own, max(requests, key=lambda r: r.link.minor))
    found.composed.append((newest.identity, own, name))
    for subgraph in merge.subgraphs:
        link = subgraph.links.by_identity(newest.identity)
        # What a newer version than the composed one says could not be expressed by the definition composed.
        if link is not None and link.major == newest.major and link.minor <= newest.minor and link.local(own) == name:
            found.names[subgraph.name, name] = name


def _newest_declaration(wanted: list[_Request], own: str, request: _Request) -> DirectiveDeclaration:
    """The definition in the newest minor version that composes anything of the specification: newer ones only add."""
    newest, declared = request.link.minor, request.subgraph.directives[request.name]
    for other in wanted:
        local = other.link.local(own)
        if other.link.minor > newest and local in other.subgraph.directives:
            newest, declared = other.link.minor, other.subgraph.directives[local]
    return replace(declared, name=request.name)


def _link(link: Link, names: dict[str, str]) -> LinkedSpecification:
    imports = []
    for own, name in names.items():
        imports.append(f'"@{own}"' if own == name else f'{{name: "@{own}", as: "@{name}"}}')
    alias = link.prefix if link.prefix != link.name else None
    return LinkedSpecification(link.url, link.purpose, alias, tuple(imports))


def _hint_majors(merge: Merge, composed: set[str]) -> None:
    """Subgraphs link different major versions of a specification that nobody composes."""
    versions: dict[str, dict[int, list[tuple[str, int | None]]]] = {}
    for subgraph in merge.subgraphs:
        for link in subgraph.links.all:
            versions.setdefault(link.identity, {}).setdefault(link.major, []).append((subgraph.name, link.line))
    for identity, majors in versions.items():
        if len(majors) > 1 and identity not in composed:
            merge.log.report(
                hints.DIRECTIVE_COMPOSITION_INFO,
                f"{identity} is linked in more than one major version, and is not composed.",
                at=[place for places in majors.values() for place in places],
            )


def _hint_not_composed(merge: Merge, found: ComposedDirectives) -> None:
    """A directive composed in one subgraph is used in another that links it from elsewhere, or not at all."""
    for subgraph in merge.subgraphs:
        for identity, own, name in found.composed:
            link = subgraph.links.by_identity(identity)
            local = link.local(own) if link is not None else name
            imported = link is not None and f"@{own}" in link.imports
            if imported and local != name and local in subgraph.directives:
                merge.log.report(
                    hints.DIRECTIVE_COMPOSITION_WARN,
                    f"@{own} of {identity} is composed as @{name}, but is called @{local} in "
                    f"{subgraph.name}; what it says "
                    "there is left out.",
                    at=[subgraph.at(subgraph.directives[local])],
                )


def executable_directives(merge: Merge) -> list[DirectiveDeclaration]:
    """Directives that clients may use in operations: those that every subgraph defines, where all allow them."""
    names = dict.fromkeys(
        name
        for subgraph in merge.subgraphs
        for name, declared in subgraph.directives.items()
        if name not in STANDARD_DIRECTIVES
        and name not in subgraph.links.identities
        and _EXECUTABLE & set(declared.locations)
    )
    merged = (_executable(merge, name) for name in names)
    return [declaration for declaration in merged if declaration is not None]


def _executable(merge: Merge, name: str) -> DirectiveDeclaration | None:
    having: list[tuple[Subgraph, DirectiveDeclaration]] = [
        (s, s.directives[name]) for s in merge.subgraphs if name in s.directives
    ]
    at = [s.at(d) for s, d in having]
    if len(having) < len(merge.subgraphs):
        without = [s for s in merge.subgraphs if name not in s.directives]
        merge.log.report(
            hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE,
            f"Directive @{name} is not defined in {named(without)}, so clients cannot use it.",
            f"@{name}",
            at=at,
        )
        return None
    sets = [{x for x in d.locations if x in _EXECUTABLE} for _, d in having]
    common = set.intersection(*sets)
    if not common:
        merge.log.report(
            hints.NO_EXECUTABLE_DIRECTIVE_INTERSECTION,
            f"Directive @{name} has no location that all subgraphs allow, so clients cannot use it.",
            f"@{name}",
            at=at,
        )
        return None
    if any(found != common for found in sets):
        merge.log.report(
            hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
            f"Directive @{name} has different locations; clients may use it on {', '.join(sorted(common))}.",
            f"@{name}",
            at=at,
        )
    repeatable = {d.repeatable for _, d in having}
    if len(repeatable) > 1:
        merge.log.report(
            hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
            f"Directive @{name} is repeatable in some subgraphs alone, so clients may not repeat it.",
            f"@{name}",
            at=at,
        )
    sources: Sources = having  # type: ignore[type-arg]
    arguments = merge_arguments(merge, f"@{name}", sources)
    locations = tuple(x for x in having[0][1].locations if x in common)
    return DirectiveDeclaration(name, arguments, locations, all(repeatable), having[0][1].description)
