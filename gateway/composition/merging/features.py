"""Which specifications the supergraph links for the directives it carries, and what it calls them."""

from dataclasses import replace

from gateway.composition import codes
from gateway.composition.merging.state import Merge, by_value
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import FEATURE_TYPES, FEATURES, SPEC_TYPES, WRITTEN
from gateway.supergraph.elements import DirectiveDeclaration, named_type
from gateway.supergraph.features import Link


def _used_names(subgraph: Subgraph) -> dict[tuple[str | None, str], None]:
    """The identities of the directives that the subgraph applies anywhere, and what it calls them."""
    applied = (directive for _, _, element in subgraph.elements() for directive in element.directives)
    return dict.fromkeys((d.identity, d.name) for d in (*applied, *subgraph.schema_directives))


def directive_names(merge: Merge) -> dict[str, str]:
    """What each directive is called in the supergraph: as the subgraphs call it, who must agree."""
    names: dict[str, str] = {}
    used = [(s, identity, name) for s, found in merge.of_each("names", _used_names) for identity, name in found]
    for identity in WRITTEN:
        if identity in ("context", "fromContext", "cacheTag"):
            continue
        called = [(subgraph, name) for subgraph, known, name in used if known == identity]
        if len({name for _, name in called}) > 1:
            told, at = by_value((s, f"@{name}") for s, name in called), [(s.name, None) for s, _ in called]
            why = f"goes by different names: {told}. All subgraphs must import it under one name."
            merge.log.report(codes.LINK_IMPORT_NAME_MISMATCH, f"Directive @{identity} {why}", f"@{identity}", at=at)
        if called:
            names[identity] = called[0][1]
    return names


def supergraph_features(
    used: set[str], names: dict[str, str]
) -> tuple[list[Link], list[DirectiveDeclaration], list[str]]:
    """Links, directive definitions and scalars for the directives that the supergraph carries."""
    links: list[Link] = []
    declarations: list[DirectiveDeclaration] = []
    scalars: list[str] = []
    for feature in FEATURES.values():
        specs = [spec for spec in WRITTEN.values() if spec.feature is feature]
        if used.isdisjoint(spec.name for spec in specs):
            continue
        called = {spec.name: names.get(spec.name, feature.directive(spec.name)) for spec in specs}
        imports = {f"@{own}": f"@{name}" for own, name in called.items() if name != feature.directive(own)}
        links.append(replace(feature, imports=imports))
        scalars += [feature.type(name) for name in FEATURE_TYPES.get(feature.name, ())]
        for spec in specs:
            if spec.name != "cacheTag":
                declarations.append(_declaration(spec.definition, called[spec.name], feature))
    return links, declarations, scalars


def _declaration(definition: DirectiveDeclaration, name: str, feature: Link) -> DirectiveDeclaration:
    arguments = {}
    for argument, member in definition.arguments.items():
        own = named_type(member.type)
        typed = member.type.replace(own, feature.type(own)) if own in SPEC_TYPES else member.type
        arguments[argument] = replace(member, type=typed)
    return replace(definition, name=name, arguments=arguments)
