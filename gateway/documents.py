"""A client's text -> a document that is known to fit the schema its caller sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from graphql import (
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    NameNode,
    Node,
    OperationDefinitionNode,
    ValidationContext,
    VariableNode,
    Visitor,
    specified_rules,
    validate,
    visit,
)

from gateway.document_limits import DocumentLimits, parse_within
from gateway.errors import (
    VALIDATION_FAILED,
    CodedError,
    ErrorCode,
    ErrorReport,
    Family,
    RequestError,
)
from gateway.planning.normalize import choose_operation

MAX_ERRORS = 20
SUGGESTED_AMONG = 1_000
"""Root fields up to which a misspelt name is answered with its likes: they are looked for among all, for each error."""

INCREMENTAL_DELIVERY = frozenset(("defer", "stream"))

IN_ONE_PIECE = ErrorCode(
    "INCREMENTAL_DELIVERY_NOT_SUPPORTED", Family.REQUEST,
    "The operation asks by @defer or @stream for an answer in several parts; the gateway answers in one piece.",
    "Leave the directive out, or ask for the slow part in an operation of its own.", 400,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ValidDocument:
    """A validated document and the operation chosen in it.

    ``conditions`` are the variables that @skip and @include look at, in order of name: with their values known, the
    document has one shape.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    conditions: tuple[str, ...]


def read_document(
    text: str, operation_name: str | None, schema: GraphQLSchema, limits: DocumentLimits
) -> ValidDocument:
    """Parses and validates ``text`` and chooses its operation (GraphQL October 2021, section 6.1).

    Raises RequestError with every problem found, CodedError LIMIT_EXCEEDED for too large a document, IN_ONE_PIECE for
    @defer and @stream, and BAD_REQUEST when no operation can be chosen.
    """
    document = parse_within(text, limits)
    if "@" in text:
        _refuse_parts(document, schema)
    wide = schema.query_type is not None and len(schema.query_type.fields) > SUGGESTED_AMONG
    if problems := _problems(schema, document, wide):
        forget(document)
        raise RequestError(problems)
    operation = choose_operation(document, operation_name)
    return ValidDocument(document, operation, tuple(sorted(set(_conditions(document, operation)))))


def forget(document: DocumentNode) -> None:
    """Empties a validated document that nobody will look at again.

    graphql-core's visitors end in rings that hold its definitions. Emptied, it leaves memory at once; otherwise the
    garbage collector would hold up every request to find it, a large one for 0.1 s.
    """
    for definition in document.definitions:
        object.__setattr__(definition, "selection_set", None)


def _problems(schema: GraphQLSchema, document: DocumentNode, wide: bool) -> list[ErrorReport]:
    """What graphql-core finds wrong with a document; what its rules noted, in rings as well, is forgotten."""
    used: list[ASTValidationRule] = []

    def remembered(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
        def make(context: ValidationContext) -> ASTValidationRule:
            used.append(rule(context))
            return used[-1]

        return cast("type[ASTValidationRule]", make)  # validate only calls it

    rules = [remembered(rule) for rule in specified_rules]
    problems = validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=wide)
    for rule in used:
        vars(rule).clear()
    return [report(problem, VALIDATION_FAILED) for problem in problems]


def _refuse_parts(document: DocumentNode, schema: GraphQLSchema) -> None:
    """Refuses @defer and @stream as such, unless the schema means something else by these names."""

    class Directives(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: object) -> None:
            name = node.name.value
            if name in INCREMENTAL_DELIVERY and schema.get_directive(name) is None:
                place = f" (line {node.loc.start_token.line})" if node.loc else ""
                raise CodedError(IN_ONE_PIECE, f"`@{name}`{place} asks for an answer in parts.")

    visit(document, Directives())


def report(error: GraphQLError, code: ErrorCode) -> ErrorReport:
    """A graphql-core error as one of ours, with its places in the document."""
    places = tuple((place.line, place.column) for place in error.locations or ())
    return ErrorReport(error.message, code.name, locations=places)


def _conditions(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[str]:
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    seen: set[str] = set()
    waiting: list[Node] = [operation.selection_set]
    while waiting:
        node = waiting.pop()
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value in ("skip", "include"):
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        yield argument.value.name.value
        if isinstance(node, FragmentSpreadNode) and isinstance(node.name, NameNode):
            if node.name.value not in seen and node.name.value in fragments:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
        else:
            inner = getattr(node, "selection_set", None)
            waiting.extend(getattr(node, "selections", ()) or (() if inner is None else (inner,)))
