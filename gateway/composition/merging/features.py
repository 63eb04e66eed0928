"""Which specifications the supergraph links for the directives it carries, and what it calls them."""

from dataclasses import replace

from gateway.composition import codes
from gateway.composition.merging.composed import imports
from gateway.composition.merging.state import Merge, by_value
from gateway.composition.subgraph.reading import Subgraph
from gateway.supergraph.directives import WRITTEN, FeatureSpec
from gateway.supergraph.elements import DirectiveDeclaration, all_members, named_type
from gateway.supergraph.join_writing import LinkedSpecification


def _used_names(merge: Merge, subgraph: Subgraph) -> dict[tuple[str | None, str], None]:
    """The identities of the directives that the subgraph applies anywhere, and what it calls them."""

    def find() -> dict[tuple[str | None, str], None]:
        elements = (element for _, element in all_members(subgraph.types.values()))
        applied = (directive for element in elements for directive in element.directives)
        return dict.fromkeys((d.identity, d.name) for d in (*applied, *subgraph.schema_directives))

    return merge.memory.recall("names", subgraph.name, subgraph, merge.log, find)


def directive_names(merge: Merge) -> dict[str, str]:
    """What each directive is called in the supergraph: as the subgraphs call it, who must agree."""
    names: dict[str, str] = {}
    used = [
        (subgraph, identity, name) for subgraph in merge.subgraphs for identity, name in _used_names(merge, subgraph)
    ]
    for identity in WRITTEN:
        if identity in ("context", "fromContext", "cacheTag"):
            continue
        called = [(subgraph, name) for subgraph, known, name in used if known == identity]
        if len({name for _, name in called}) > 1:
            told = by_value((s, f"@{name}") for s, name in called)
            merge.log.report(
                codes.LINK_IMPORT_NAME_MISMATCH,
                f"Directive @{identity} goes by different names: {told}. All subgraphs must import it under one name.",
                f"@{identity}",
                at=[(s.name, None) for s, _ in called],
            )
        if called:
            names[identity] = called[0][1]
    return names


def supergraph_features(
    used: set[str], names: dict[str, str]
) -> tuple[list[LinkedSpecification], list[DirectiveDeclaration], list[str]]:
    """Links, directive definitions and scalars for the directives that the supergraph carries."""
    links: list[LinkedSpecification] = []
    declarations: list[DirectiveDeclaration] = []
    scalars: list[str] = []
    for feature in dict.fromkeys(spec.feature for identity, spec in WRITTEN.items() if identity in used):
        assert feature is not None
        imported: dict[str, str] = {}
        for identity, spec in WRITTEN.items():
            if spec.feature is feature:
                default = identity if identity == feature.name else f"{feature.name}__{identity}"
                name = names.get(identity, default)
                if name != default:
                    imported[identity] = name
                if identity != "cacheTag":
                    declarations.append(_declaration(spec.definition, name, feature))
        scalars += [f"{feature.name}__{name}" for name in feature.types]
        links.append(LinkedSpecification(feature.url, feature.purpose, imports=imports(imported)))
    return links, declarations, scalars


def _declaration(definition: DirectiveDeclaration, name: str, feature: FeatureSpec) -> DirectiveDeclaration:
    arguments = {}
    for argument, member in definition.arguments.items():
        own = named_type(member.type)
        typed = member.type.replace(own, f"{feature.name}__{own}") if own in feature.types else member.type
        arguments[argument] = replace(member, type=typed)
    return replace(definition, name=name, arguments=arguments)
