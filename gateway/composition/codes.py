"""The errors of composition, by the names the field uses, each with what it means and how to mend it.

Codes that no subgraph can raise in this product are kept, for other tools print them and people look them up here.
"""

from gateway.composition.issues import CompositionCode, Severity


def _error(name: str, meaning: str, remedy: str) -> CompositionCode:
    return CompositionCode(name, Severity.ERROR, meaning, remedy)


# One subgraph as GraphQL, and what it links.
INVALID_GRAPHQL = _error(
    "INVALID_GRAPHQL",
    "A subgraph's schema breaks a rule of GraphQL itself.",
    "Mend the schema at the line named; a GraphQL server would refuse it too.",
)
SUBGRAPH_TOO_LARGE = _error(
    "SUBGRAPH_TOO_LARGE",
    "A subgraph's schema is larger, or nested deeper, than composition reads.",
    "Divide the subgraph; the message names the limit.",
)
INVALID_SUBGRAPH_NAME = _error(
    "INVALID_SUBGRAPH_NAME",
    "A subgraph's name is empty, reserved or given twice.",
    "Give every subgraph a name of its own.",
)
INVALID_LINK_DIRECTIVE_USAGE = _error(
    "INVALID_LINK_DIRECTIVE_USAGE",
    "An application of @link does not keep to its specification, or its names collide with another's.",
    "Mend `url`, `as` and `import` of the @link named.",
)
INVALID_LINK_IDENTIFIER = _error(
    "INVALID_LINK_IDENTIFIER",
    "The URL of a @link names no specification with a version.",
    "End the URL in the version, as in `https://example.org/name/v1.0`.",
)
UNKNOWN_LINK_VERSION = _error(
    "UNKNOWN_LINK_VERSION",
    "The version of the link specification is unknown.",
    "Link `https://specs.apollo.dev/link/v1.0`.",
)
UNKNOWN_FEDERATION_LINK_VERSION = _error(
    "UNKNOWN_FEDERATION_LINK_VERSION",
    "The version of the federation specification is unknown.",
    "Link a version from v2.0 to v2.14.",
)
UNSUPPORTED_LINKED_FEATURE = _error(
    "UNSUPPORTED_LINKED_FEATURE",
    "A linked specification is not supported; connectors are the case that occurs.",
    "Serve the source as a GraphQL subgraph instead of linking connectors.",
)
UNSUPPORTED_FEATURE = _error(
    "UNSUPPORTED_FEATURE",
    "A feature is used that other tools do not support yet; this product raises more precise codes.",
    "See the code raised beside it.",
)
DIRECTIVE_DEFINITION_INVALID = _error(
    "DIRECTIVE_DEFINITION_INVALID",
    "A subgraph defines a directive of a known specification differently than the specification.",
    "Remove the definition, or copy it from the specification.",
)
TYPE_DEFINITION_INVALID = _error(
    "TYPE_DEFINITION_INVALID",
    "A subgraph defines a type of a known specification differently than the specification.",
    "Remove the definition, or copy it from the specification.",
)
ROOT_QUERY_USED = _error(
    "ROOT_QUERY_USED",
    "A type is named Query, but the query root type is another.",
    "Rename the type, or make it the root type.",
)
ROOT_MUTATION_USED = _error(
    "ROOT_MUTATION_USED",
    "A type is named Mutation, but the mutation root type is another.",
    "Rename the type, or make it the root type.",
)
ROOT_SUBSCRIPTION_USED = _error(
    "ROOT_SUBSCRIPTION_USED",
    "A type is named Subscription, but the subscription root type is another.",
    "Rename the type, or make it the root type.",
)
EXTENSION_WITH_NO_BASE = _error(
    "EXTENSION_WITH_NO_BASE",
    "A Federation 1 subgraph extends a type that no subgraph defines.",
    "Define the type in one subgraph, or drop `extend`.",
)
TYPE_WITH_ONLY_UNUSED_EXTERNAL = _error(
    "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
    "A type of a Federation 1 subgraph consists of @external fields that nothing uses.",
    "Remove the type, or use its fields in a @key, @requires or @provides.",
)

# Field sets: @key, @requires, @provides.
KEY_INVALID_FIELDS = _error(
    "KEY_INVALID_FIELDS",
    "The `fields` of a @key are no valid selection on the type.",
    "Select fields that the type has in this subgraph, without aliases.",
)
KEY_INVALID_FIELDS_TYPE = _error(
    "KEY_INVALID_FIELDS_TYPE",
    "The `fields` of a @key are no string.",
    'Write them as one string: `@key(fields: "id code")`.',
)
KEY_FIELDS_HAS_ARGS = _error(
    "KEY_FIELDS_HAS_ARGS",
    "A @key selects a field that has arguments.",
    "Use fields without arguments as keys.",
)
KEY_FIELDS_SELECT_INVALID_TYPE = _error(
    "KEY_FIELDS_SELECT_INVALID_TYPE",
    "A @key selects a field of an interface or union type.",
    "Use fields of scalar, enum or object types.",
)
KEY_DIRECTIVE_IN_FIELDS_ARG = _error(
    "KEY_DIRECTIVE_IN_FIELDS_ARG",
    "The `fields` of a @key apply directives.",
    "Remove the directives from the field set.",
)
KEY_UNSUPPORTED_ON_INTERFACE = _error(
    "KEY_UNSUPPORTED_ON_INTERFACE",
    "A @key stands on an interface, which needs Federation 2.3.",
    "Link federation v2.3 or later.",
)
PROVIDES_INVALID_FIELDS = _error(
    "PROVIDES_INVALID_FIELDS",
    "The `fields` of a @provides are no valid selection on the field's type.",
    "Select fields that the type has in this subgraph, without aliases.",
)
PROVIDES_INVALID_FIELDS_TYPE = _error(
    "PROVIDES_INVALID_FIELDS_TYPE",
    "The `fields` of a @provides are no string.",
    "Write them as one string.",
)
PROVIDES_FIELDS_HAS_ARGS = _error(
    "PROVIDES_FIELDS_HAS_ARGS",
    "A @provides selects a field that has arguments.",
    "Provide fields without arguments only.",
)
PROVIDES_FIELDS_MISSING_EXTERNAL = _error(
    "PROVIDES_FIELDS_MISSING_EXTERNAL",
    "A @provides selects a field that this subgraph resolves anyway.",
    "Mark the field @external, or drop it from the @provides.",
)
PROVIDES_DIRECTIVE_IN_FIELDS_ARG = _error(
    "PROVIDES_DIRECTIVE_IN_FIELDS_ARG",
    "The `fields` of a @provides apply directives.",
    "Remove the directives from the field set.",
)
PROVIDES_ON_NON_OBJECT_FIELD = _error(
    "PROVIDES_ON_NON_OBJECT_FIELD",
    "A @provides stands on a field whose type has no fields.",
    "Remove the @provides.",
)
PROVIDES_UNSUPPORTED_ON_INTERFACE = _error(
    "PROVIDES_UNSUPPORTED_ON_INTERFACE",
    "A @provides stands on a field of an interface.",
    "Put it on the field of the implementations.",
)
REQUIRES_INVALID_FIELDS = _error(
    "REQUIRES_INVALID_FIELDS",
    "The `fields` of a @requires are no valid selection on the type, or give arguments that do not fit.",
    "Select @external fields that the type has here, with the arguments they need everywhere.",
)
REQUIRES_INVALID_FIELDS_TYPE = _error(
    "REQUIRES_INVALID_FIELDS_TYPE",
    "The `fields` of a @requires are no string.",
    "Write them as one string.",
)
REQUIRES_FIELDS_MISSING_EXTERNAL = _error(
    "REQUIRES_FIELDS_MISSING_EXTERNAL",
    "A @requires selects a field that this subgraph resolves itself.",
    "Mark the field @external, or drop it from the @requires.",
)
REQUIRES_DIRECTIVE_IN_FIELDS_ARG = _error(
    "REQUIRES_DIRECTIVE_IN_FIELDS_ARG",
    "The `fields` of a @requires apply directives.",
    "Remove the directives from the field set.",
)
REQUIRES_UNSUPPORTED_ON_INTERFACE = _error(
    "REQUIRES_UNSUPPORTED_ON_INTERFACE",
    "A @requires stands on a field of an interface.",
    "Put it on the field of the implementations.",
)

# @external, @shareable, @override.
EXTERNAL_UNUSED = _error(
    "EXTERNAL_UNUSED",
    "A field is @external, but nothing in the subgraph uses it.",
    "Remove the field, or remove @external if the subgraph resolves it.",
)
EXTERNAL_ON_INTERFACE = _error(
    "EXTERNAL_ON_INTERFACE",
    "A field of an interface is @external, although interfaces resolve nothing.",
    "Remove @external, or put it on the implementations.",
)
EXTERNAL_MISSING_ON_BASE = _error(
    "EXTERNAL_MISSING_ON_BASE",
    "A field is @external everywhere, so no subgraph resolves it.",
    "Remove @external in the subgraph that resolves the field.",
)
EXTERNAL_TYPE_MISMATCH = _error(
    "EXTERNAL_TYPE_MISMATCH",
    "An @external field has a type that does not fit the field it stands for.",
    "Declare it with the type it has where it is resolved.",
)
EXTERNAL_ARGUMENT_MISSING = _error(
    "EXTERNAL_ARGUMENT_MISSING",
    "An @external field lacks an argument of the field it stands for.",
    "Declare the argument.",
)
EXTERNAL_ARGUMENT_TYPE_MISMATCH = _error(
    "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
    "An argument of an @external field has a type that does not fit.",
    "Declare it with the type it has where the field is resolved.",
)
EXTERNAL_ARGUMENT_DEFAULT_MISMATCH = _error(
    "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH",
    "An argument of an @external field has another default.",
    "Declare the same default.",
)
EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE = _error(
    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
    "A field is @external and carries @provides, which makes sense only where it is resolved.",
    "Remove one of the two.",
)
MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL = _error(
    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
    "An @external field carries a directive that goes into the supergraph.",
    "Apply the directive where the field is resolved.",
)
INVALID_SHAREABLE_USAGE = _error(
    "INVALID_SHAREABLE_USAGE",
    "@shareable stands on something that cannot be shared, or twice.",
    "Use it once, on object types or their fields.",
)
INVALID_FIELD_SHARING = _error(
    "INVALID_FIELD_SHARING",
    "Several subgraphs resolve a field that is not @shareable in all of them.",
    "Mark the field @shareable everywhere, or resolve it in one subgraph alone (@override moves it).",
)
OVERRIDE_FROM_SELF_ERROR = _error(
    "OVERRIDE_FROM_SELF_ERROR",
    "An @override names its own subgraph.",
    "Name the subgraph that had the field before.",
)
OVERRIDE_SOURCE_HAS_OVERRIDE = _error(
    "OVERRIDE_SOURCE_HAS_OVERRIDE",
    "The overridden field carries an @override itself.",
    "Finish the first move before the next: remove one @override.",
)
OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE = _error(
    "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
    "A field cannot move, for it carries @external, @requires or @provides, or comes by an @interfaceObject.",
    "Remove the other directive, or the @override.",
)
OVERRIDE_ON_INTERFACE = _error(
    "OVERRIDE_ON_INTERFACE",
    "An @override stands on a field of an interface.",
    "Put it on the fields of the implementations.",
)
OVERRIDE_LABEL_INVALID = _error(
    "OVERRIDE_LABEL_INVALID",
    "The label of an @override has the wrong form.",
    "Begin with a letter and go on with letters, digits or _-:./, or write percent(x), x from 0 to 100.",
)

# Types and fields merged.
TYPE_KIND_MISMATCH = _error(
    "TYPE_KIND_MISMATCH",
    "A type is of different kinds in different subgraphs.",
    "Give it the same kind everywhere, or another name somewhere.",
)
FIELD_TYPE_MISMATCH = _error(
    "FIELD_TYPE_MISMATCH",
    "A field has types that do not fit each other.",
    "Use one type, or types of which one contains the others.",
)
FIELD_ARGUMENT_TYPE_MISMATCH = _error(
    "FIELD_ARGUMENT_TYPE_MISMATCH",
    "An argument has types that do not fit each other.",
    "Use the same type in all subgraphs.",
)
FIELD_ARGUMENT_DEFAULT_MISMATCH = _error(
    "FIELD_ARGUMENT_DEFAULT_MISMATCH",
    "An argument has different defaults.",
    "Use the same default in all subgraphs.",
)
INPUT_FIELD_DEFAULT_MISMATCH = _error(
    "INPUT_FIELD_DEFAULT_MISMATCH",
    "An input field has different defaults.",
    "Use the same default in all subgraphs.",
)
REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH = _error(
    "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
    "An argument is required in one subgraph and unknown in another.",
    "Add it everywhere, or make it optional.",
)
REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH = _error(
    "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
    "An input field is required in one subgraph and unknown in another.",
    "Add it everywhere, or make it optional.",
)
EMPTY_MERGED_INPUT_TYPE = _error(
    "EMPTY_MERGED_INPUT_TYPE",
    "An input object has no field that all its subgraphs know.",
    "Give them a field in common.",
)
EMPTY_MERGED_ENUM_TYPE = _error(
    "EMPTY_MERGED_ENUM_TYPE",
    "An enum that clients send has no value that all its subgraphs know.",
    "Give them a value in common.",
)
ENUM_VALUE_MISMATCH = _error(
    "ENUM_VALUE_MISMATCH",
    "An enum that is both sent and received has a value that some subgraph does not know.",
    "Give it the same values in all subgraphs.",
)
INTERFACE_FIELD_NO_IMPLEM = _error(
    "INTERFACE_FIELD_NO_IMPLEM",
    "A type implements an interface in one subgraph, but lacks a field that another subgraph gives the interface.",
    "Add the field to the type in some subgraph.",
)
INTERFACE_KEY_NOT_ON_IMPLEMENTATION = _error(
    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
    "An interface has a @key that one of its implementations lacks.",
    "Give every implementation in the subgraph the same resolvable @key.",
)
INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE = _error(
    "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
    "A subgraph that can be entered by an interface does not know all of its implementations.",
    "Define the missing types there.",
)
INTERFACE_OBJECT_USAGE_ERROR = _error(
    "INTERFACE_OBJECT_USAGE_ERROR",
    "An @interfaceObject has no key, no interface in any other subgraph, or stands beside an implementation.",
    "Give it a @key, define the interface elsewhere, and keep its implementations out of this subgraph.",
)
NO_QUERIES = _error(
    "NO_QUERIES",
    "No subgraph has a field of Query.",
    "Add a query to one subgraph.",
)
DIRECTIVE_COMPOSITION_ERROR = _error(
    "DIRECTIVE_COMPOSITION_ERROR",
    "A @composeDirective cannot be followed.",
    "Name a directive of the subgraph's own that comes from a @link, under one name in all subgraphs.",
)
LINK_IMPORT_NAME_MISMATCH = _error(
    "LINK_IMPORT_NAME_MISMATCH",
    "Subgraphs import one directive under different names.",
    "Import it under one name everywhere.",
)
RESOURCE_CODE_MISMATCH = _error(
    "RESOURCE_CODE_MISMATCH",
    "Subgraphs bind one element to different information resources.",
    "Agree on one code of the catalogue for the element.",
)
INVALID_FEDERATION_SUPERGRAPH = _error(
    "INVALID_FEDERATION_SUPERGRAPH",
    "A supergraph's schema is not valid; this product says SUPERGRAPH_INVALID when it reads one.",
    "Compose the supergraph again.",
)
DOWNSTREAM_SERVICE_ERROR = _error(
    "DOWNSTREAM_SERVICE_ERROR",
    "A subgraph failed while a request ran; this product says SUBGRAPH_FAILED.",
    "Ask the department that runs the subgraph.",
)

# @inaccessible.
DISALLOWED_INACCESSIBLE = _error(
    "DISALLOWED_INACCESSIBLE",
    "Something built in is @inaccessible; GraphQL does not let a schema say so in the first place.",
    "Remove @inaccessible.",
)
REFERENCED_INACCESSIBLE = _error(
    "REFERENCED_INACCESSIBLE",
    "A hidden type is used by something that clients see.",
    "Hide what uses it too, or show the type.",
)
REQUIRED_INACCESSIBLE = _error(
    "REQUIRED_INACCESSIBLE",
    "A hidden argument or input field must be given by clients.",
    "Make it optional, or show it.",
)
IMPLEMENTED_BY_INACCESSIBLE = _error(
    "IMPLEMENTED_BY_INACCESSIBLE",
    "A hidden field or argument implements one of an interface that clients see.",
    "Hide it in the interface too, or show it.",
)
ONLY_INACCESSIBLE_CHILDREN = _error(
    "ONLY_INACCESSIBLE_CHILDREN",
    "A visible type has hidden parts alone.",
    "Hide the type, or show a part of it.",
)
QUERY_ROOT_TYPE_INACCESSIBLE = _error(
    "QUERY_ROOT_TYPE_INACCESSIBLE",
    "The query root type is hidden.",
    "Remove @inaccessible from it.",
)
DEFAULT_VALUE_USES_INACCESSIBLE = _error(
    "DEFAULT_VALUE_USES_INACCESSIBLE",
    "A default that clients see uses something hidden.",
    "Change the default, or show what it uses.",
)

# Access, contexts, costs.
AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE = _error(
    "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
    "An access directive stands on an interface, its field, or an @interfaceObject.",
    "Put it on the implementations; the interface follows them.",
)
MISSING_TRANSITIVE_AUTH_REQUIREMENTS = _error(
    "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
    "A field computed from others asks less of callers than they do, and so would leak them.",
    "Repeat their access directives on the field.",
)
CONTEXT_NAME_INVALID = _error(
    "CONTEXT_NAME_INVALID",
    "The name of a context has the wrong form.",
    "Use letters and digits alone, a letter first.",
)
CONTEXT_NOT_SET = _error(
    "CONTEXT_NOT_SET",
    "An argument takes from a context that no type sets, or may not take from one.",
    "Set the context with @context, or remove @fromContext.",
)
CONTEXT_INVALID_SELECTION = _error(
    "CONTEXT_INVALID_SELECTION",
    "What an argument selects from a context is not one value of the argument's type.",
    "Select one field of that type, without aliases and directives, for every type that sets the context.",
)
CONTEXT_NO_RESOLVABLE_KEY = _error(
    "CONTEXT_NO_RESOLVABLE_KEY",
    "A type with an argument filled from a context has no resolvable @key.",
    "Give the type a @key.",
)
NO_CONTEXT_IN_SELECTION = _error(
    "NO_CONTEXT_IN_SELECTION",
    "A @fromContext names no context.",
    "Write `$name { field }`.",
)
CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS = _error(
    "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
    "An argument is filled from a context in one subgraph and required in another.",
    "Make it optional there, or fill it from a context too.",
)
COST_APPLIED_TO_INTERFACE_FIELD = _error(
    "COST_APPLIED_TO_INTERFACE_FIELD",
    "@cost stands on a field of an interface.",
    "Put it on the implementations.",
)
LIST_SIZE_APPLIED_TO_NON_LIST = _error(
    "LIST_SIZE_APPLIED_TO_NON_LIST",
    "@listSize speaks of a field that is no list.",
    "Remove it, or name the lists in `sizedFields`.",
)
LIST_SIZE_INVALID_ASSUMED_SIZE = _error(
    "LIST_SIZE_INVALID_ASSUMED_SIZE",
    "The assumed size of a list is negative.",
    "Give a size of zero or more.",
)
LIST_SIZE_INVALID_SIZED_FIELD = _error(
    "LIST_SIZE_INVALID_SIZED_FIELD",
    "A sized field does not exist on the field's type.",
    "Name fields of that type.",
)
LIST_SIZE_INVALID_SLICING_ARGUMENT = _error(
    "LIST_SIZE_INVALID_SLICING_ARGUMENT",
    "A slicing argument does not exist, or is no Int.",
    "Name arguments of type Int.",
)

# Satisfiability.
SATISFIABILITY_ERROR = _error(
    "SATISFIABILITY_ERROR",
    "Clients could ask for a field that cannot be fetched on some path to it.",
    "Give the type a @key that the subgraphs share, or resolve the field where the path leads (@shareable).",
)
SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES = _error(
    "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
    "A shared field returns types in one subgraph that it never returns in another.",
    "Let all subgraphs know the types in common.",
)
MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED = _error(
    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
    "Checking that every field can be fetched takes more steps than are granted.",
    "Share fewer recursive types without keys between subgraphs.",
)
