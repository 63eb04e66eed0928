"""The hints of composition: it succeeds, but something may not be meant."""

from gateway.composition.issues import CompositionCode, Severity


def _hint(name: str, meaning: str, remedy: str) -> CompositionCode:
    return CompositionCode(name, Severity.HINT, meaning, remedy)


INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE = _hint(
    "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
    "A field has different types that fit each other.",
    "Use the same type everywhere.",
)
INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE = _hint(
    "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
    "An argument has different types that fit each other.",
    "Use the same type everywhere.",
)
INCONSISTENT_DEFAULT_VALUE_PRESENCE = _hint(
    "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
    "A default is given in some subgraphs alone, so the supergraph has none.",
    "Give the same default everywhere.",
)
INCONSISTENT_ENTITY = _hint(
    "INCONSISTENT_ENTITY",
    "A type has a @key in some subgraphs and none in others.",
    "Give it a @key everywhere.",
)
INCONSISTENT_OBJECT_VALUE_TYPE_FIELD = _hint(
    "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
    "A type without key lacks a field in some subgraphs.",
    "Declare the field everywhere, or see that paths lead to where it is.",
)
INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD = _hint(
    "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD",
    "An interface lacks a field in some subgraphs.",
    "Declare it everywhere.",
)
INCONSISTENT_INPUT_OBJECT_FIELD = _hint(
    "INCONSISTENT_INPUT_OBJECT_FIELD",
    "An input field is unknown to some subgraphs, so clients cannot give it.",
    "Declare it everywhere.",
)
INCONSISTENT_UNION_MEMBER = _hint(
    "INCONSISTENT_UNION_MEMBER",
    "A union lacks a member in some subgraphs.",
    "List it everywhere, unless the subgraph can never return it.",
)
INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM = _hint(
    "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
    "A value of an enum that clients send is unknown to some subgraphs, so clients cannot send it.",
    "Declare it everywhere.",
)
INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM = _hint(
    "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
    "A value of an enum that clients receive is unknown to some subgraphs.",
    "Declare it everywhere, unless the subgraph never returns it.",
)
INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE = _hint(
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE",
    "A schema directive is repeatable in some subgraphs alone; nothing is merged by it today.",
    "Define it alike.",
)
INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS = _hint(
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS",
    "A schema directive has different locations; nothing is merged by it today.",
    "Define it alike.",
)
INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE = _hint(
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
    "A directive for operations is not defined everywhere, so clients cannot use it.",
    "Define it everywhere.",
)
NO_EXECUTABLE_DIRECTIVE_INTERSECTION = _hint(
    "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
    "A directive for operations has no location in common, so clients cannot use it.",
    "Give it a location in common.",
)
INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE = _hint(
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
    "A directive for operations is repeatable in some subgraphs alone.",
    "Define it alike.",
)
INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS = _hint(
    "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
    "A directive for operations has different locations.",
    "Define it alike.",
)
INCONSISTENT_DESCRIPTION = _hint(
    "INCONSISTENT_DESCRIPTION",
    "An element is described differently; the description most used is taken.",
    "Describe it alike.",
)
INCONSISTENT_ARGUMENT_PRESENCE = _hint(
    "INCONSISTENT_ARGUMENT_PRESENCE",
    "An optional argument is unknown to some subgraphs, so clients cannot give it.",
    "Declare it everywhere.",
)
INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS = _hint(
    "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
    "A directive has different arguments on one element; those most used are taken.",
    "Use the same arguments.",
)
MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS = _hint(
    "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
    "A directive has different arguments on one element; they are combined.",
    "See that the combination is meant.",
)
INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN = _hint(
    "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
    "A shared field may return different types in different subgraphs.",
    "See that all subgraphs answer alike.",
)
CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS_HINT = _hint(
    "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
    "An argument is filled from a context in one subgraph and left out in another.",
    "Fill it from a context there too.",
)
FROM_SUBGRAPH_DOES_NOT_EXIST = _hint(
    "FROM_SUBGRAPH_DOES_NOT_EXIST",
    "An @override names a subgraph that does not exist.",
    "Correct the name, or remove the @override.",
)
OVERRIDDEN_FIELD_CAN_BE_REMOVED = _hint(
    "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
    "An overridden field is no longer asked for.",
    "Remove it, or mark it @external where it is still used.",
)
OVERRIDE_DIRECTIVE_CAN_BE_REMOVED = _hint(
    "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
    "The field overridden no longer exists.",
    "Remove the @override.",
)
OVERRIDE_MIGRATION_IN_PROGRESS = _hint(
    "OVERRIDE_MIGRATION_IN_PROGRESS",
    "A field moves by and by from one subgraph to another.",
    "Once done, remove the field from the old one.",
)
UNUSED_ENUM_TYPE = _hint(
    "UNUSED_ENUM_TYPE",
    "An enum is used nowhere.",
    "Remove it.",
)
DIRECTIVE_COMPOSITION_INFO = _hint(
    "DIRECTIVE_COMPOSITION_INFO",
    "A @composeDirective adds nothing, or a specification is linked in several major versions.",
    "Remove the @composeDirective, or agree on a version.",
)
DIRECTIVE_COMPOSITION_WARN = _hint(
    "DIRECTIVE_COMPOSITION_WARN",
    "A composed directive goes by another name in some subgraph, and is left out there.",
    "Import it under one name everywhere.",
)
IMPLICITLY_UPGRADED_FEDERATION_VERSION = _hint(
    "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
    "A subgraph uses a specification that needs a newer version of federation than it links.",
    "Link the newer version.",
)
