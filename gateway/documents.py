"""A client's text -> a document that is known to fit the schema its caller sees."""

from collections.abc import Iterator, Sequence
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
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    VariableNode,
    specified_rules,
    validate,
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
    try:
        if "@" in text and (part := _part_of_answer(document, schema)) is not None:
            (place,) = _placed([part], document, text, limits)
            line = place.loc.start_token.line if place.loc else 1
            raise CodedError(IN_ONE_PIECE, f"`@{part.name.value}` (line {line}) asks for an answer in parts.")
        if problems := _problems(schema, document):
            raise RequestError(_reports(problems, document, text, limits))
        operation = choose_operation(document, operation_name)
        return ValidDocument(document, operation, tuple(sorted(set(_conditions(document, operation)))))
    except (CodedError, RequestError):
        forget(document)
        raise


def forget(document: DocumentNode) -> None:
    """Empties a document that nobody will look at again, node by node.

    graphql-core's visitors end in rings that hold its definitions: the garbage collector would hold up every request to
    find them, a large document for 0.1 s. And what is freed in one piece holds up every request until it is.
    """
    waiting: list[Node] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        if (selection_set := getattr(node, "selection_set", None)) is not None:
            waiting += selection_set.selections
            object.__setattr__(node, "selection_set", None)


def _problems(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What graphql-core finds wrong with a document; what its rules noted, in rings as well, is forgotten."""
    used: list[ASTValidationRule] = []

    def remembered(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
        def make(context: ValidationContext) -> ASTValidationRule:
            used.append(rule(context))
            return used[-1]

        return cast("type[ASTValidationRule]", make)  # validate only calls it

    rules = [remembered(rule) for rule in specified_rules]
    wide = schema.query_type is not None and len(schema.query_type.fields) > SUGGESTED_AMONG
    problems = validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=wide)
    for rule in used:
        if isinstance(rule, OverlappingFieldsCanBeMergedRule):
            _forget_comparisons(rule)
        vars(rule).clear()
    return problems


def _forget_comparisons(rule: OverlappingFieldsCanBeMergedRule) -> None:
    """Lets go of which fields share a name, selection set by selection set: up to 160,000 notes of one document."""
    for by_selection_set in rule.rule_context.cached_collect_fields_results.values():
        for collected in by_selection_set.values():
            collected.overlapping_fields = None


def _reports(
    problems: list[GraphQLError], document: DocumentNode, text: str, limits: DocumentLimits
) -> list[ErrorReport]:
    """Problems with their places."""
    nodes = [node for problem in problems for node in problem.nodes or ()]
    placed = iter(_placed(nodes, document, text, limits))
    return [
        report(GraphQLError(problem.message, [next(placed) for _ in problem.nodes or ()]), VALIDATION_FAILED)
        for problem in problems
    ]


def _placed(nodes: Sequence[Node], document: DocumentNode, text: str, limits: DocumentLimits) -> list[Node]:
    """Some nodes of a document as they are with their places, for which its text is read once more.

    Places are most of a document: one that is served is read without.
    """
    wanted = {id(node) for node in nodes}
    found: dict[int, Node] = {}
    with_places = parse_within(text, limits, places=True)
    waiting: list[tuple[Node, Node]] = [(document, with_places)]
    while waiting and len(found) < len(wanted):
        node, twin = waiting.pop()
        if id(node) in wanted:
            found[id(node)] = twin
        for key in node.keys:
            inner, same = getattr(node, key), getattr(twin, key)
            if isinstance(inner, Node):
                waiting.append((inner, same))
            elif isinstance(inner, tuple):
                waiting += zip(inner, same, strict=True)
    forget(with_places)
    return [found[id(node)] for node in nodes]


def _part_of_answer(document: DocumentNode, schema: GraphQLSchema) -> DirectiveNode | None:
    """The first @defer or @stream, unless the schema means something else by these names."""
    waiting: list[Node] = list(reversed(document.definitions))
    while waiting:
        node = waiting.pop()
        for directive in getattr(node, "directives", None) or ():
            name = directive.name.value
            if name in INCREMENTAL_DELIVERY and schema.get_directive(name) is None:
                return cast(DirectiveNode, directive)
        if (selection_set := getattr(node, "selection_set", None)) is not None:
            waiting += reversed(selection_set.selections)
    return None


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
