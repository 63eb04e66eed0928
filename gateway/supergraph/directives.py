"""The specifications that schemas link, and the directives of each (Federation subgraph specification 2.0 to 2.15).

One table says for every directive its definition, its first version, and what a supergraph links for it; everything
that has to know a directive's shape reads it here: validation of a subgraph's own definitions, composition, and what
the supergraph defines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphql import DirectiveDefinitionNode, parse

from gateway.supergraph.elements import DirectiveDeclaration, Member, type_text
from gateway.supergraph.features import Link, parts

APOLLO = "https://specs.apollo.dev"
FEDERATION = f"{APOLLO}/federation"
LINK = f"{APOLLO}/link"
CORE = f"{APOLLO}/core"
CONNECT = f"{APOLLO}/connect"
LATEST_FEDERATION = 15


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """A directive as its specification defines it.

    ``since`` is the minor version of Federation 2 that first has it. ``feature`` is the specification that a supergraph
    links for it, None where it is not written there.
    """

    definition: DirectiveDeclaration
    since: int = 0
    feature: Link | None = None

    @property
    def name(self) -> str:
        """Its own name, without ``@``."""
        return self.definition.name


FEATURES: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link.to(f"{APOLLO}/tag/v0.3"),
        Link.to(f"{APOLLO}/inaccessible/v0.2", purpose="SECURITY"),
        Link.to(f"{APOLLO}/authenticated/v0.1", purpose="SECURITY"),
        Link.to(f"{APOLLO}/requiresScopes/v0.1", purpose="SECURITY"),
        Link.to(f"{APOLLO}/policy/v0.1", purpose="SECURITY"),
        Link.to(f"{APOLLO}/context/v0.1", purpose="SECURITY"),
        Link.to(f"{APOLLO}/cost/v0.1"),
        Link.to(f"{APOLLO}/cacheTag/v0.1", purpose="EXECUTION"),
        Link.to("https://watersmeet.dev/resource/v1.0"),
    )
}
"""Specifications that supergraphs link for the directives that they carry."""
FEATURE_TYPES = {"requiresScopes": ("Scope",), "policy": ("Policy",), "context": ("ContextFieldValue",)}
"""The scalars of those that have any."""
_FEATURE_OF_OTHERS = {"fromContext": "context", "listSize": "cost", "aggregate": "resource"}
"""Directives that do not go by their specification's name."""


def _specified(sdl: str, since: int = 0) -> dict[str, DirectiveSpec]:
    """By name, the directives that ``sdl`` defines."""
    found = {}
    for node in parse(sdl, no_location=True).definitions:
        assert isinstance(node, DirectiveDefinitionNode)
        name, arguments = node.name.value, {}
        for argument in parts(node, "arguments"):
            own_name = argument.name.value
            arguments[own_name] = Member(own_name, type_text(argument.type), default=argument.default_value)
        declaration = DirectiveDeclaration(name, arguments, tuple(at.value for at in node.locations), node.repeatable)
        found[name] = DirectiveSpec(declaration, since, FEATURES.get(_FEATURE_OF_OTHERS.get(name, name)))
    return found


_ANYWHERE = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | "
    "INPUT_FIELD_DEFINITION"
)
_ACCESS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_BY_VERSION = {
    0: f"""
    directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
    directive @requires(fields: FieldSet!) on FIELD_DEFINITION
    directive @provides(fields: FieldSet!) on FIELD_DEFINITION
    directive @external(reason: String) on OBJECT | FIELD_DEFINITION
    directive @extends on OBJECT | INTERFACE
    directive @shareable repeatable on OBJECT | FIELD_DEFINITION
    directive @override(from: String!, label: String) on FIELD_DEFINITION
    directive @tag(name: String!) repeatable on {_ANYWHERE} | SCHEMA
    directive @inaccessible on {_ANYWHERE}
    """,
    1: "directive @composeDirective(name: String) repeatable on SCHEMA",
    3: "directive @interfaceObject on OBJECT",
    5: f"""
    directive @authenticated on {_ACCESS}
    directive @requiresScopes(scopes: [[Scope!]!]!) on {_ACCESS}
    """,
    6: f"directive @policy(policies: [[Policy!]!]!) on {_ACCESS}",
    8: """
    directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION
    directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION
    """,
    9: """
    directive @cost(weight: Int!) on
      ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
    directive @listSize(
      assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
    ) on FIELD_DEFINITION
    """,
    12: "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION",
}
FEDERATION_DIRECTIVES: Mapping[str, DirectiveSpec] = {
    name: spec for since, sdl in _BY_VERSION.items() for name, spec in _specified(sdl, since).items()
}
WRITTEN: Mapping[str, DirectiveSpec] = {
    **{name: spec for name, spec in FEDERATION_DIRECTIVES.items() if spec.feature is not None},
    **_specified("""
    directive @resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION
    directive @aggregate(by: [String!]!, size: String!, smallest: Int!) on OBJECT
    """),
}
"""The directives that a supergraph carries on."""
FED1_DIRECTIVES = ("key", "requires", "provides", "external", "extends", "tag", "inaccessible")
HAND_DEFINED = ("shareable", "override", "composeDirective", "interfaceObject")
"""Directives that a schema without @link has when it defines them itself, as in their first version."""
LINK_DIRECTIVE = _specified(
    "directive @link(url: String, as: String, for: link__Purpose, import: [link__Import], feature: String) "
    "repeatable on SCHEMA"
)["link"]
STANDARD_DIRECTIVES: Mapping[str, DirectiveSpec] = _specified("""
    directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @deprecated(reason: String = "No longer supported") on
      FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
    directive @specifiedBy(url: String!) on SCALAR
    directive @oneOf on INPUT_OBJECT
    directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @stream(if: Boolean = true, label: String, initialCount: Int = 0) on FIELD
""")
SPEC_TYPES = {"FieldSet": 0, "Scope": 5, "Policy": 6, "ContextFieldValue": 8}
"""Scalars of the federation specification and the minor version that first has them."""
STANDALONE: Mapping[str, DirectiveSpec] = {
    link.identity: spec for spec in WRITTEN.values() if (link := spec.feature) and link.identity.startswith(APOLLO)
}
"""Specifications whose directives may be linked on their own beside, or without, the federation specification; each
with a directive of it."""


def specified_directives(identity: str, minor: int) -> tuple[DirectiveSpec, ...]:
    """The directives of a known specification in version ``minor``; of an unknown one, none."""
    if identity == FEDERATION:
        return tuple(in_version(spec, minor) for spec in FEDERATION_DIRECTIVES.values() if spec.since <= minor)
    return tuple(s for s in WRITTEN.values() if s.feature is not None and s.feature.identity == identity)


def specified_types(identity: str, minor: int = LATEST_FEDERATION) -> tuple[str, ...]:
    """The scalars of a known specification."""
    if identity == FEDERATION:
        return tuple(name for name, since in SPEC_TYPES.items() if since <= minor)
    return FEATURE_TYPES.get(identity.rpartition("/")[2], ()) if specified_directives(identity, minor) else ()


def in_version(spec: DirectiveSpec, minor: int) -> DirectiveSpec:
    """The directive as version 2.``minor`` of federation defines it."""
    definition = spec.definition
    if spec.name == "override" and minor < 7:
        definition = replace(definition, arguments={"from": definition.arguments["from"]})
    elif spec.name == "shareable":
        definition = replace(definition, repeatable=minor >= 2)
    return replace(spec, definition=definition)
