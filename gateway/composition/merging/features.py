"""Which specifications the supergraph links for the directives it carries, and what it calls them."""

from graphql import parse_const_value

from gateway.composition import codes
from gateway.composition.merging.state import Merge
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import FEDERATION_DIRECTIVES, RESOURCE_DIRECTIVE, DirectiveSpec
from gateway.supergraph.elements import DirectiveDeclaration, Member, all_members, named_type
from gateway.supergraph.join_writing import LinkedSpecification

_WRITTEN = {**{n: s for n, s in FEDERATION_DIRECTIVES.items() if s.feature is not None}, "resource": RESOURCE_DIRECTIVE}


def used_identities(subgraph: Subgraph) -> set[str]:
    """The directives of known specifications that the subgraph applies anywhere."""
    elements = (element for _, element in all_members(subgraph.types.values()))
    applied = (directive for element in elements for directive in element.directives)
    return {d.identity for d in (*applied, *subgraph.schema_directives) if d.identity is not None}


def directive_names(merge: Merge) -> dict[str, str]:
    """What each directive is called in the supergraph: as the subgraphs call it, who must agree."""
    names: dict[str, str] = {}
    used = {subgraph.name: used_identities(subgraph) for subgraph in merge.subgraphs}
    for identity in _WRITTEN:
        if identity in ("context", "fromContext", "cacheTag"):
            continue
        called: dict[str, list[Subgraph]] = {}
        for subgraph in merge.subgraphs:
            if identity in used[subgraph.name]:
                called.setdefault(subgraph.links.local(identity), []).append(subgraph)
        if len(called) > 1:
            told = ", ".join(f"@{name} in {', '.join(s.name for s in holders)}" for name, holders in called.items())
            merge.log.report(
                codes.LINK_IMPORT_NAME_MISMATCH,
                f"Directive @{identity} goes by different names: {told}. All subgraphs must import it under one name.",
                f"@{identity}",
                at=[(s.name, None) for holders in called.values() for s in holders],
            )
        if called:
            names[identity] = next(iter(called))
    return names


def supergraph_features(
    used: set[str], names: dict[str, str]
) -> tuple[list[LinkedSpecification], list[DirectiveDeclaration], list[str]]:
    """Links, directive definitions and scalars for the directives that the supergraph carries."""
    links: list[LinkedSpecification] = []
    declarations: list[DirectiveDeclaration] = []
    scalars: list[str] = []
    features = dict.fromkeys(spec.feature for identity, spec in _WRITTEN.items() if identity in used and spec.feature)
    for feature in features:
        imports = []
        for identity, spec in _WRITTEN.items():
            if spec.feature is not feature:
                continue
            default = identity if identity == feature.name else f"{feature.name}__{identity}"
            name = names.get(identity, default)
            if name != default:
                imports.append(f'"@{identity}"' if name == identity else f'{{name: "@{identity}", as: "@{name}"}}')
            if identity != "cacheTag":
                declarations.append(_declaration(spec, name, feature.name))
        scalars += [f"{feature.name}__{name}" for name in feature.types]
        links.append(LinkedSpecification(feature.url, feature.purpose, imports=tuple(imports)))
    return links, declarations, scalars


def _declaration(spec: DirectiveSpec, name: str, prefix: str) -> DirectiveDeclaration:
    arguments = {}
    for argument, typed in spec.arguments:
        type_, _, default = typed.partition("=")
        type_ = type_.strip()
        own = named_type(type_)
        if spec.feature is not None and own in spec.feature.types:
            type_ = type_.replace(own, f"{prefix}__{own}")
        arguments[argument] = Member(argument, type_, default=parse_const_value(default.strip()) if default else None)
    return DirectiveDeclaration(name, arguments, spec.locations, spec.repeatable)
