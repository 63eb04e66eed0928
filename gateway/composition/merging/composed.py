"""@composeDirective, and directives of operations: which directives of the subgraphs' own the supergraph has."""

from dataclasses import dataclass, field, replace

from catalog_sync.schema_comparison import EXECUTABLE_LOCATIONS
from gateway.composition import codes, hints
from gateway.composition.merging.fields import merge_arguments
from gateway.composition.merging.state import Merge, Sources, by_value, named
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import (
    APOLLO,
    FEDERATION,
    FEDERATION_DIRECTIVES,
    STANDALONE,
    STANDARD_DIRECTIVES,
    WRITTEN,
)
from gateway.supergraph.elements import Applied, DirectiveDeclaration
from gateway.supergraph.features import Link

_COMPOSED_ALWAYS = WRITTEN.keys() & FEDERATION_DIRECTIVES.keys()


@dataclass(slots=True)
class ComposedDirectives:
    """``names`` are the (subgraph, local name) of directives that the supergraph has under the same name.

    ``asked`` are those of them that the subgraph itself composes; ``links`` import all that is composed.
    """

    names: set[tuple[str, str]] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)
    declarations: dict[str, DirectiveDeclaration] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

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

    @property
    def own(self) -> str:
        """What the specification calls the directive."""
        return str(self.link.own(self.name))


def compose_directives(merge: Merge) -> ComposedDirectives:
    """Collect every @composeDirective and the directives they ask for."""
    found = ComposedDirectives()
    by_specification: dict[str, list[_Request]] = {}
    for subgraph in merge.subgraphs:
        for applied in subgraph.schema_directives:
            request = _request(merge, subgraph, applied) if applied.identity == "composeDirective" else None
            if request is not None:
                by_specification.setdefault(request.link.identity, []).append(request)
    for wanted in by_specification.values():
        _Specification(merge, found, wanted).compose()
    _hint_not_composed(merge, found)
    _hint_majors(merge)
    return found


def _request(merge: Merge, subgraph: Subgraph, applied: Applied) -> _Request | None:
    """What the @composeDirective asks for; None if it asks for nothing, or for nothing that can be had."""
    written = applied.value("name")
    name = written.removeprefix("@") if isinstance(written, str) else ""
    link, identity = subgraph.links.source_of(name), subgraph.links.identities.get(name)
    is_federations = identity is not None and (
        link is None or link.identity == FEDERATION or link.identity in STANDALONE
    )
    if is_federations and identity in _COMPOSED_ALWAYS and name != written:
        why = f"@{name} is composed always: @composeDirective adds nothing."
        merge.report_in(subgraph, hints.DIRECTIVE_COMPOSITION_INFO, applied, "", why)
        return None
    if not name:
        why = "@composeDirective needs the name of a directive."
    elif name == written:
        why = f'@composeDirective(name: "{written}"): the name must begin with @.'
    elif name not in subgraph.directives:
        why = f"@composeDirective names @{name}, which the subgraph does not define."
    elif is_federations:
        why = f"@{name} belongs to federation itself and cannot be composed."
    elif identity == "resource":
        return None
    elif link is None:
        why = f"@{name} comes from no @link: only directives of a linked specification can be composed."
    elif link.identity.startswith(f"{APOLLO}/") and link.name in ("link", "core", "join"):
        why = f"@{name} belongs to {link.identity} and cannot be composed."
    else:
        return _Request(subgraph, applied, name, link)
    merge.report_in(subgraph, codes.DIRECTIVE_COMPOSITION_ERROR, applied, "", why)
    return None


class _Specification:
    """One specification of which directives are ``wanted``; its ``newest`` link decides what the supergraph has."""

    def __init__(self, merge: Merge, found: ComposedDirectives, wanted: list[_Request]) -> None:
        self.merge, self.found, self.wanted = merge, found, wanted
        self.newest = max((request.link for request in wanted), key=lambda link: link.minor)

    def compose(self) -> None:
        identity, names = self.newest.identity, dict[str, str]()
        if len({request.link.major for request in self.wanted}) > 1:
            told = by_value((r.subgraph, r.link.version) for r in self.wanted)
            self._refuse(f"{identity} is linked in versions that do not fit each other: {told}.", self.wanted)
            return
        for own in dict.fromkeys(request.own for request in self.wanted):
            requests = [request for request in self.wanted if request.own == own]
            problem = self._problem(own, requests)
            if problem is not None:
                self._refuse(f"@{own} of {identity} {problem}", requests)
            else:
                names[f"@{own}"] = f"@{requests[0].name}"
                self._add(own, requests[0].name)
                self.found.asked |= {(request.subgraph.name, requests[0].name) for request in requests}
        if names:
            self.found.links.append(replace(self.newest, imports=names))

    def _refuse(self, why: str, requests: list[_Request]) -> None:
        at = [r.subgraph.at(r.applied) for r in requests]
        self.merge.log.report(codes.DIRECTIVE_COMPOSITION_ERROR, why, at=at)

    def _problem(self, own: str, requests: list[_Request]) -> str | None:
        """Why the directive cannot be composed."""
        if len({request.name for request in requests}) > 1:
            return f"goes by different names: {by_value((r.subgraph, f'@{r.name}') for r in requests)}."
        name, subgraphs = requests[0].name, self.merge.subgraphs
        meant = [s for s in subgraphs if s.links.identities.get(name) in _COMPOSED_ALWAYS]
        if name in self.found.declarations or name in STANDARD_DIRECTIVES or any(_applies(s, name) for s in meant):
            return f"cannot be composed as @{name}: the supergraph has another directive of that name."
        leading = [request for request in self.wanted if request.link.minor == self.newest.minor]
        if not any(r.link.directive(own) in r.subgraph.directives for r in leading):
            where = named(r.subgraph for r in leading)
            return f"is composed, but not defined where the newest version is linked ({where})."
        return None

    def _add(self, own: str, name: str) -> None:
        linked = [(s, link) for s, link in _links(self.merge) if link.identity == self.newest.identity]
        # The newest version that composes anything of the specification defines it, the last to link it in doubt.
        last = [(s, link) for s, link in linked if link.version == self.newest.version]
        *_, declaration = [s.directives[local] for s, link in last if (local := link.directive(own)) in s.directives]
        self.found.declarations[name] = replace(declaration, name=name)
        self.found.names |= {(subgraph.name, name) for subgraph, link in linked if self._fits(link, own, name)}

    def _fits(self, link: Link, own: str, name: str) -> bool:
        """What a newer version than the composed one says could not be expressed by the definition composed."""
        is_known = link.major == self.newest.major and link.minor <= self.newest.minor
        return is_known and link.directive(own) == name


def _applies(subgraph: Subgraph, name: str) -> bool:
    return any(applied.name == name for _, _, element in subgraph.elements() for applied in element.directives)


def _links(merge: Merge) -> list[tuple[Subgraph, Link]]:
    return [(subgraph, link) for subgraph in merge.subgraphs for link in subgraph.links.all]


def _hint_majors(merge: Merge) -> None:
    """Subgraphs link different major versions of a specification; if two of them compose it, that is an error."""
    linked: dict[str, list[tuple[Subgraph, Link]]] = {}
    for subgraph, link in _links(merge):
        linked.setdefault(link.identity, []).append((subgraph, link))
    for identity, links in linked.items():
        if len({link.major for _, link in links}) > 1:
            why = f"{identity} is linked in more than one major version, not all of which can be composed."
            merge.log.report(hints.DIRECTIVE_COMPOSITION_INFO, why, at=[s.at(link) for s, link in links])


def _hint_not_composed(merge: Merge, found: ComposedDirectives) -> None:
    """A directive composed in one subgraph goes by another name in another."""
    imported = [(link, own, name) for link in found.links for own, name in link.imports.items()]
    for subgraph in merge.subgraphs:
        for composed, own, name in imported:
            link = subgraph.links.by_identity(composed.identity)
            local = link.imports.get(own, "") if link is not None else ""
            if local != name and local[1:] in subgraph.directives:
                told = f"is composed as {name}, but is called {local} here: what it says here is left out."
                declared, why = subgraph.directives[local[1:]], f"{own} of {composed.identity} {told}"
                merge.report_in(subgraph, hints.DIRECTIVE_COMPOSITION_WARN, declared, "", why)


def executable_directives(merge: Merge) -> list[DirectiveDeclaration]:
    """Directives that clients may use in operations: those that every subgraph defines, where all allow them."""
    names = dict.fromkeys(
        name
        for subgraph in merge.subgraphs
        for name, declared in subgraph.directives.items()
        if name not in STANDARD_DIRECTIVES
        and name not in subgraph.links.identities
        and EXECUTABLE_LOCATIONS & set(declared.locations)
    )
    merged = (_executable(merge, name) for name in names)
    return [declaration for declaration in merged if declaration is not None]


def _executable(merge: Merge, name: str) -> DirectiveDeclaration | None:
    having: Sources = [(s, s.directives[name]) for s in merge.subgraphs if name in s.directives]  # type: ignore[type-arg]
    declared = [declaration for _, declaration in having]
    locations = [EXECUTABLE_LOCATIONS & set(declaration.locations) for declaration in declared]
    common = frozenset.intersection(*locations)
    without = [s for s in merge.subgraphs if name not in s.directives]
    if without:
        why = f"is not defined in {named(without)}, so clients cannot use it."
        merge.report(hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE, f"@{name}", why, having)
        return None
    if not common:
        why = "has no location that all subgraphs allow, so clients cannot use it."
        merge.report(hints.NO_EXECUTABLE_DIRECTIVE_INTERSECTION, f"@{name}", why, having)
        return None
    if any(found != common for found in locations):
        why = f"has different locations; clients may use it on {', '.join(sorted(common))}."
        merge.report(hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS, f"@{name}", why, having)
    if len({declaration.repeatable for declaration in declared}) > 1:
        why = "is repeatable in some subgraphs alone, so clients may not repeat it."
        merge.report(hints.INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE, f"@{name}", why, having)
    return DirectiveDeclaration(
        name,
        merge_arguments(merge, f"@{name}", having),
        tuple(location for location in declared[0].locations if location in common),
        all(declaration.repeatable for declaration in declared),
        declared[0].description,
    )
