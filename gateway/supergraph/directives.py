"""The specifications that schemas link, and the directives of each (Federation subgraph specification 2.0 to 2.14).

One table says for every directive its arguments, locations and first version; everything that has to know a directive's
shape reads it here: validation of a subgraph's own definitions, composition, and what the supergraph defines.
"""

from collections.abc import Iterator
from dataclasses import dataclass

APOLLO = "https://specs.apollo.dev"
FEDERATION = f"{APOLLO}/federation"
LINK = f"{APOLLO}/link"
CORE = f"{APOLLO}/core"
CONNECT = f"{APOLLO}/connect"
RESOURCE = "https://watersmeet.dev/resource"
LATEST_FEDERATION = 14

_FIELDS = "FIELD_DEFINITION"
_INACCESSIBLE = (
    "FIELD_DEFINITION OBJECT INTERFACE UNION ARGUMENT_DEFINITION SCALAR ENUM ENUM_VALUE INPUT_OBJECT "
    "INPUT_FIELD_DEFINITION"
)
_AUTH = "FIELD_DEFINITION OBJECT INTERFACE SCALAR ENUM"


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    """A directive as its specification defines it.

    ``arguments`` maps names to types, with the default after ``=``; types without a leading capital letter in GraphQL
    itself belong to the specification and go by its prefix. ``since`` is the minor version of Federation 2 that first
    has it. ``feature`` is the specification that a supergraph links for it, None where it is not written there.
    """

    name: str
    arguments: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    repeatable: bool = False
    since: int = 0
    feature: "FeatureSpec | None" = None


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A specification that supergraphs link: its URL without the version, version, and purpose."""

    name: str
    version: str
    purpose: str | None = None
    identity: str = ""
    types: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The URL under which it is linked."""
        return f"{self.identity or f'{APOLLO}/{self.name}'}/{self.version}"


TAG = FeatureSpec("tag", "v0.3")
INACCESSIBLE = FeatureSpec("inaccessible", "v0.2", "SECURITY")
AUTHENTICATED = FeatureSpec("authenticated", "v0.1", "SECURITY")
REQUIRES_SCOPES = FeatureSpec("requiresScopes", "v0.1", "SECURITY", types=("Scope",))
POLICY = FeatureSpec("policy", "v0.1", "SECURITY", types=("Policy",))
CONTEXT = FeatureSpec("context", "v0.1", "SECURITY", types=("ContextFieldValue",))
COST = FeatureSpec("cost", "v0.1")
CACHE_TAG = FeatureSpec("cacheTag", "v0.1", "EXECUTION")
RESOURCE_FEATURE = FeatureSpec("resource", "v1.0", identity=RESOURCE)


def _spec(
    name: str,
    arguments: str,
    locations: str,
    since: int = 0,
    repeatable: bool = False,
    feature: FeatureSpec | None = None,
) -> DirectiveSpec:
    pairs = (part.split(":", 1) for part in arguments.split(",") if part)
    typed = tuple((argument.strip(), type_.strip()) for argument, type_ in pairs)
    return DirectiveSpec(name, typed, tuple(locations.split()), repeatable, since, feature)


FEDERATION_DIRECTIVES: dict[str, DirectiveSpec] = {
    spec.name: spec
    for spec in (
        _spec("key", "fields: FieldSet!, resolvable: Boolean = true", "OBJECT INTERFACE", repeatable=True),
        _spec("requires", "fields: FieldSet!", _FIELDS),
        _spec("provides", "fields: FieldSet!", _FIELDS),
        _spec("external", "reason: String", "OBJECT FIELD_DEFINITION"),
        _spec("extends", "", "OBJECT INTERFACE"),
        _spec("shareable", "", "OBJECT FIELD_DEFINITION"),
        _spec("override", "from: String!, label: String", _FIELDS),
        _spec("tag", "name: String!", f"{_INACCESSIBLE} SCHEMA", repeatable=True, feature=TAG),
        _spec("inaccessible", "", _INACCESSIBLE, feature=INACCESSIBLE),
        _spec("composeDirective", "name: String", "SCHEMA", 1, repeatable=True),
        _spec("interfaceObject", "", "OBJECT", 3),
        _spec("authenticated", "", _AUTH, 5, feature=AUTHENTICATED),
        _spec("requiresScopes", "scopes: [[Scope!]!]!", _AUTH, 5, feature=REQUIRES_SCOPES),
        _spec("policy", "policies: [[Policy!]!]!", _AUTH, 6, feature=POLICY),
        _spec("context", "name: String!", "INTERFACE OBJECT UNION", 8, repeatable=True, feature=CONTEXT),
        _spec("fromContext", "field: ContextFieldValue", "ARGUMENT_DEFINITION", 8, feature=CONTEXT),
        _spec(
            "cost", "weight: Int!",
            "ARGUMENT_DEFINITION ENUM FIELD_DEFINITION INPUT_FIELD_DEFINITION OBJECT SCALAR", 9, feature=COST,
        ),
        _spec(
            "listSize",
            "assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], "
            "requireOneSlicingArgument: Boolean = true",
            _FIELDS, 9, feature=COST,
        ),
        _spec("cacheTag", "format: String!", "OBJECT FIELD_DEFINITION", 12, repeatable=True, feature=CACHE_TAG),
    )
}  # fmt: skip
RESOURCE_DIRECTIVE = _spec("resource", "code: String!", "OBJECT INTERFACE FIELD_DEFINITION", feature=RESOURCE_FEATURE)
SPEC_TYPES = {"FieldSet": 0, "Scope": 5, "Policy": 6, "ContextFieldValue": 8}
"""Scalars of the federation specification and the minor version that first has them."""

FED1_DIRECTIVES = ("key", "requires", "provides", "external", "extends", "tag", "inaccessible")
STANDALONE = {
    f"{APOLLO}/{name}": name
    for name in ("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context", "cost", "cacheTag")
}
"""Specifications whose directives may be linked on their own beside, or without, the federation specification."""

STANDARD_DIRECTIVES: dict[str, DirectiveSpec] = {
    spec.name: spec
    for spec in (
        _spec("skip", "if: Boolean!", "FIELD FRAGMENT_SPREAD INLINE_FRAGMENT"),
        _spec("include", "if: Boolean!", "FIELD FRAGMENT_SPREAD INLINE_FRAGMENT"),
        _spec(
            "deprecated", 'reason: String = "No longer supported"',
            "FIELD_DEFINITION ENUM_VALUE ARGUMENT_DEFINITION INPUT_FIELD_DEFINITION",
        ),
        _spec("specifiedBy", "url: String!", "SCALAR"),
        _spec("oneOf", "", "INPUT_OBJECT"),
        _spec("defer", "if: Boolean = true, label: String", "FRAGMENT_SPREAD INLINE_FRAGMENT"),
        _spec("stream", "if: Boolean = true, label: String, initialCount: Int = 0", "FIELD"),
    )
}  # fmt: skip


def federation_directives(minor: int) -> Iterator[DirectiveSpec]:
    """The directives that version 2.``minor`` of the federation specification has."""
    for spec in FEDERATION_DIRECTIVES.values():
        if spec.since <= minor:
            if spec.name == "override" and minor < 7:
                yield DirectiveSpec(spec.name, spec.arguments[:1], spec.locations, spec.repeatable)
            elif spec.name == "shareable":
                yield DirectiveSpec(spec.name, spec.arguments, spec.locations, minor >= 2)
            else:
                yield spec
