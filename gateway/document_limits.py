"""Limits on a document, checked before anything is done with it that costs more than reading it.

Validation compares selections pairwise and planning multiplies them by types and subgraphs, so a short text can ask for
hours of work. Fragments hide size: a chain of fragments that each spread the next one twice doubles at every link. So
everything is counted as if fragments were written out, but each fragment is counted once.
"""

import re
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    Lexer,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Source,
    Token,
)
from graphql.language.parser import Parser

from gateway.errors import PARSE_FAILED, CodedError, ErrorCode, ErrorReport, Family, RequestError

LIMIT_EXCEEDED = ErrorCode(
    "LIMIT_EXCEEDED", Family.REQUEST,
    "The operation is larger than the gateway accepts; `limit` and `found` say by how much.",
    "Ask for less in one operation; the message names what there is too much of.", 400,
)  # fmt: skip

# How far selection sets and fragment spreads may stand within one another; the interpreter's stack bounds it.
_NESTING = 250


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How much one document may hold. All but ``tokens`` count fragments as if written out, for each operation.

    ``depth`` is levels of fields, ``selections`` fields in all, ``root_fields`` those of the first level, ``aliases``
    and ``directives`` occurrences, ``introspections`` those of ``__schema`` and ``__type``, each of which may take
    graphql-core a second.
    """

    tokens: int = 15_000
    depth: int = 50
    selections: int = 10_000
    root_fields: int = 200
    aliases: int = 1_000
    directives: int = 1_000
    introspections: int = 5


def too_much(what: str, limit: int, found: int) -> CodedError:
    """LIMIT_EXCEEDED saying of what there is too much; ``found`` may be the first count beyond the limit."""
    message = f"The operation has {found} {what}; at most {limit} are accepted."
    return CodedError(LIMIT_EXCEEDED, message, {"limit": limit, "found": found})


_TOKENS = re.compile(
    r"""\#[^\n\r]*+
    | ( \"{3} (?: [^"\\]++ | \\\"{3} | \\ | "(?!"") )*+ \"{3} | " (?: [^"\\\n\r]++ | \\. )*+ "
      | [A-Za-z_]\w*+ | -?\d[\w.+-]*+ | \.{3} | [!$&():=@\[\]{|}] )""",
    re.ASCII | re.VERBOSE,
)
"""Comments, and in the group tokens, of which a text has at least as many as are found."""


def parse_within(text: str, limits: DocumentLimits, places: bool = False) -> DocumentNode:
    """Parses ``text``; with ``places``, each node knows where it stands.

    Raises RequestError for a syntax error, CodedError LIMIT_EXCEEDED for too large a document.
    """
    most = limits.tokens
    if len(text) > most and sum(1 for found in _TOKENS.finditer(text) if found[1]) > most:
        raise too_much(
            "tokens or more", most, most + 1
        )  # before nodes are made of them, which to free would hold up others
    source = Source(text)
    parser = Parser(source, no_location=not places, max_tokens=most, lexer=_UnlinkedTokens(source))
    try:
        document = parser.parse_document()
    except RecursionError:
        raise too_much("levels or more", limits.depth, limits.depth + 1) from None
    except GraphQLSyntaxError as error:
        if "tokens. Parsing aborted" in error.message:
            raise too_much("tokens or more", most, most + 1) from None
        where = tuple((place.line, place.column) for place in error.locations or ())
        raise RequestError([ErrorReport(error.message, PARSE_FAILED.name, locations=where)]) from None
    check_document(document, limits)
    return document


class _UnlinkedTokens(Lexer):
    """Tokens that do not know their neighbours, so that a document leaves memory when nobody wants it any more.

    graphql-core links all tokens of a text both ways: rings that only the garbage collector takes apart, a second for
    some hundred large documents, while no request is answered.
    """

    def advance(self) -> Token:
        """See Lexer."""
        token = super().advance()
        self.last_token.next = token.prev = None
        return token


def check_document(document: DocumentNode, limits: DocumentLimits) -> None:
    """Raises CodedError LIMIT_EXCEEDED where an operation of the document exceeds a limit."""
    counter = _Counter(document)
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        size = counter.of(operation.selection_set, 0)
        for what, limit, found in (
            ("levels", limits.depth, size.depth),
            ("root fields", limits.root_fields, size.top),
            ("fields", limits.selections, size.fields),
            ("aliases", limits.aliases, size.aliases),
            ("introspections", limits.introspections, size.introspections),
            ("directives", limits.directives, size.directives + len(operation.directives or ())),
        ):
            if found > limit:
                raise too_much(what, limit, found)


@dataclass(slots=True)
class _Size:
    """What a selection set holds. ``top`` counts the fields of its first level."""

    depth: int = 0
    top: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    introspections: int = 0

    def add(self, other: "_Size") -> None:
        """Adds what stands beside."""
        self.depth = max(self.depth, other.depth)
        self.top += other.top
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.introspections += other.introspections


class _Counter:
    """Sizes of selection sets in one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, _Size] = {}

    def of(self, selection_set: SelectionSetNode, nesting: int) -> _Size:
        """The size of ``selection_set``, ``nesting`` levels down."""
        if nesting > _NESTING:
            raise too_much("levels of nesting or more, fragments included", _NESTING, nesting)
        size = _Size()
        for selection in selection_set.selections:
            size.directives += len(selection.directives or ())
            size.add(self._of_selection(selection, nesting + 1))
        return size

    def _of_selection(self, selection: SelectionNode, nesting: int) -> _Size:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value, nesting)
        inner = getattr(selection, "selection_set", None)
        below = _Size() if inner is None else self.of(inner, nesting)
        if isinstance(selection, FieldNode):
            below.depth += 1
            below.top = 1
            below.fields += 1
            below.aliases += selection.alias is not None
            below.introspections += selection.name.value in ("__schema", "__type")
        return below

    def _of_fragment(self, name: str, nesting: int) -> _Size:
        if name not in self._known:
            self._known[name] = _Size()  # a fragment that spreads itself adds nothing here; validation refuses it
            if name in self._fragments:
                self._known[name] = self.of(self._fragments[name].selection_set, nesting)
        return self._known[name]
