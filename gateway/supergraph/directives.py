"""The specifications that schemas link, and the directives of each (Federation subgraph specification 2.0 to 2.15).

One table says for every directive its definition, its first version, and what a supergraph links for it; everything
that has to know a directive's shape reads it here: validation of a subgraph's own definitions, composition, and what
the supergraph defines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphql import DirectiveDefinitionNode, parse

from gateway.supergraph.elements import DirectiveDeclaration, Member, type_text
from gateway.supergraph.features import parts

APOLLO = "https://specs.apollo.dev"
FEDERATION = f"{APOLLO}/federation"
LINK = f"{APOLLO}/link"
CORE = f"{APOLLO}/core"
CONNECT = f"{APOLLO}/connect"
RESOURCE = "https://watersmeet.dev/resource"
LATEST_FEDERATION = 15
EXECUTABLE_LOCATIONS = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}
    | {"VARIABLE_DEFINITION"}
)
"""Where clients may apply directives."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A specification that supergraphs link. ``types`` are its scalars, ``organisation`` begins its URL."""

    name: str
    version: str
    purpose: str | None = None
    types: tuple[str, ...] = ()
    organisation: str = APOLLO

    @property
    def identity(self) -> str:
        """Its URL without the version."""
        return f"{self.organisation}/{self.name}"

    @property
    def url(self) -> str:
        """The URL under which it is linked."""
        return f"{self.identity}/{self.version}"


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """A directive as its specification defines it.

    ``since`` is the minor version of Federation 2 that first has it. ``feature`` is the specification that a supergraph
    links for it, None where it is not written there.
    """

    definition: DirectiveDeclaration
    since: int = 0
    feature: FeatureSpec | None = None

    @property
    def name(self) -> str:
        """Its own name, without ``@``."""
        return self.definition.name


TAG = FeatureSpec("tag", "v0.3")
INACCESSIBLE = FeatureSpec("inaccessible", "v0.2", "SECURITY")
AUTHENTICATED = FeatureSpec("authenticated", "v0.1", "SECURITY")
REQUIRES_SCOPES = FeatureSpec("requiresScopes", "v0.1", "SECURITY", ("Scope",))
POLICY = FeatureSpec("policy", "v0.1", "SECURITY", ("Policy",))
CONTEXT = FeatureSpec("context", "v0.1", "SECURITY", ("ContextFieldValue",))
COST = FeatureSpec("cost", "v0.1")
CACHE_TAG = FeatureSpec("cacheTag", "v0.1", "EXECUTION")
RESOURCE_FEATURE = FeatureSpec("resource", "v1.0", organisation="https://watersmeet.dev")


def _spec(definition: str, since: int = 0, feature: FeatureSpec | None = None) -> DirectiveSpec:
    node = parse(f"directive {definition}", no_location=True).definitions[0]
    assert isinstance(node, DirectiveDefinitionNode)
    arguments = {
        argument.name.value: Member(argument.name.value, type_text(argument.type), default=argument.default_value)
        for argument in parts(node, "arguments")
    }
    locations = tuple(location.value for location in node.locations)
    return DirectiveSpec(DirectiveDeclaration(node.name.value, arguments, locations, node.repeatable), since, feature)


def _by_name(*specs: DirectiveSpec) -> dict[str, DirectiveSpec]:
    return {spec.name: spec for spec in specs}


_ANYWHERE = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | "
    "INPUT_FIELD_DEFINITION"
)
_ACCESS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
FEDERATION_DIRECTIVES: Mapping[str, DirectiveSpec] = _by_name(
    _spec("@key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"),
    _spec("@requires(fields: FieldSet!) on FIELD_DEFINITION"),
    _spec("@provides(fields: FieldSet!) on FIELD_DEFINITION"),
    _spec("@external(reason: String) on OBJECT | FIELD_DEFINITION"),
    _spec("@extends on OBJECT | INTERFACE"),
    _spec("@shareable repeatable on OBJECT | FIELD_DEFINITION"),
    _spec("@override(from: String!, label: String) on FIELD_DEFINITION"),
    _spec(f"@tag(name: String!) repeatable on {_ANYWHERE} | SCHEMA", feature=TAG),
    _spec(f"@inaccessible on {_ANYWHERE}", feature=INACCESSIBLE),
    _spec("@composeDirective(name: String) repeatable on SCHEMA", 1),
    _spec("@interfaceObject on OBJECT", 3),
    _spec(f"@authenticated on {_ACCESS}", 5, AUTHENTICATED),
    _spec(f"@requiresScopes(scopes: [[Scope!]!]!) on {_ACCESS}", 5, REQUIRES_SCOPES),
    _spec(f"@policy(policies: [[Policy!]!]!) on {_ACCESS}", 6, POLICY),
    _spec("@context(name: String!) repeatable on INTERFACE | OBJECT | UNION", 8, CONTEXT),
    _spec("@fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION", 8, CONTEXT),
    _spec(
        "@cost(weight: Int!) on "
        "ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
        9, COST,
    ),
    _spec(
        "@listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], "
        "requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
        9, COST,
    ),
    _spec("@cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION", 12, CACHE_TAG),
)  # fmt: skip
RESOURCE_DIRECTIVE = _spec(
    "@resource(code: String!) on OBJECT | INTERFACE | FIELD_DEFINITION", feature=RESOURCE_FEATURE
)
AGGREGATE_DIRECTIVE = _spec(
    "@aggregate(by: [String!]!, size: String!, smallest: Int!) on OBJECT", feature=RESOURCE_FEATURE
)
WRITTEN: Mapping[str, DirectiveSpec] = _by_name(
    *(spec for spec in FEDERATION_DIRECTIVES.values() if spec.feature is not None),
    RESOURCE_DIRECTIVE,
    AGGREGATE_DIRECTIVE,
)
"""The directives that a supergraph carries on."""
FED1_DIRECTIVES = ("key", "requires", "provides", "external", "extends", "tag", "inaccessible")
HAND_DEFINED = ("shareable", "override", "composeDirective", "interfaceObject")
"""Directives that a schema without @link has when it defines them itself, as in their first version."""
LINK_DIRECTIVE = _spec(
    "@link(url: String, as: String, for: link__Purpose, import: [link__Import], feature: String) repeatable on SCHEMA"
)
STANDARD_DIRECTIVES: Mapping[str, DirectiveSpec] = _by_name(
    _spec("@skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT"),
    _spec("@include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT"),
    _spec(
        '@deprecated(reason: String = "No longer supported") on '
        "FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION"
    ),
    _spec("@specifiedBy(url: String!) on SCALAR"),
    _spec("@oneOf on INPUT_OBJECT"),
    _spec("@defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT"),
    _spec("@stream(if: Boolean = true, label: String, initialCount: Int = 0) on FIELD"),
)
SPEC_TYPES = {"FieldSet": 0, "Scope": 5, "Policy": 6, "ContextFieldValue": 8}
"""Scalars of the federation specification and the minor version that first has them."""
STANDALONE: Mapping[str, DirectiveSpec] = {
    spec.feature.identity: spec for spec in WRITTEN.values() if spec.feature and spec.feature.organisation == APOLLO
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
    return next((spec.feature.types for spec in specified_directives(identity, minor) if spec.feature), ())


def in_version(spec: DirectiveSpec, minor: int) -> DirectiveSpec:
    """The directive as version 2.``minor`` of federation defines it."""
    definition = spec.definition
    if spec.name == "override" and minor < 7:
        definition = replace(definition, arguments={"from": definition.arguments["from"]})
    elif spec.name == "shareable":
        definition = replace(definition, repeatable=minor >= 2)
    return replace(spec, definition=definition)
