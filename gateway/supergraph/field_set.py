"""Field sets: the selections inside @key, @requires, @provides and @fromContext (Federation 2, "FieldSet").

A field set is data about the schema, not an operation: it has no aliases, no variables and no directives. Values are
immutable and hashable, so that they serve as keys of the planner's memo tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from graphql import GraphQLSyntaxError, parse, print_ast
from graphql.language import ast

from gateway.errors import CodedError
from gateway.supergraph.errors import SUPERGRAPH_INVALID


@dataclass(frozen=True, slots=True)
class FieldSetField:
    """A field of a field set; ``arguments`` are pairs of name and GraphQL text of a constant."""

    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    selections: "FieldSet" = ()


@dataclass(frozen=True, slots=True)
class FieldSetFragment:
    """Selections of a field set that hold on ``type_condition`` alone."""

    type_condition: str
    selections: "FieldSet" = ()


MAX_DEPTH = 30
FieldSet = tuple[FieldSetField | FieldSetFragment, ...]


def parse_field_set(text: str, where: str) -> FieldSet:
    """Read ``id organisation { id }``, with or without outer braces.

    ``where`` names the place for the message. Raises CodedError SUPERGRAPH_INVALID when the text is no field set.
    """
    try:
        return tuple(_read(node, where) for node in selection_set(text).selections)
    except FieldSetSyntaxError as error:
        raise CodedError(SUPERGRAPH_INVALID, f"{where}: `{text}` is not a selection of fields: {error}") from error


class FieldSetSyntaxError(Exception):
    """The text of a field set is no selection set."""


@lru_cache(maxsize=20_000)
def selection_set(text: str) -> ast.SelectionSetNode:
    """The selections that a field set's text holds. Raises FieldSetSyntaxError."""
    body = text if text.strip().startswith("{") else "{" + text + "}"
    if body.count("{") > MAX_DEPTH:
        raise FieldSetSyntaxError(f"it is nested deeper than {MAX_DEPTH} levels.")
    try:
        document = parse(body, no_location=True)
    except GraphQLSyntaxError as error:
        raise FieldSetSyntaxError(error.message) from error
    operation = document.definitions[0]
    one = len(document.definitions) == 1 and isinstance(operation, ast.OperationDefinitionNode)
    if not isinstance(operation, ast.OperationDefinitionNode) or not one or not operation.selection_set.selections:
        raise FieldSetSyntaxError("it is not one selection of fields.")
    return operation.selection_set


def _read(node: ast.SelectionNode, where: str) -> FieldSetField | FieldSetFragment:
    if isinstance(node, ast.FieldNode):
        children = node.selection_set.selections if node.selection_set else ()
        arguments = sorted((argument.name.value, print_ast(argument.value)) for argument in node.arguments or ())
        return FieldSetField(node.name.value, tuple(arguments), tuple(_read(child, where) for child in children))
    if isinstance(node, ast.InlineFragmentNode) and node.type_condition is not None:
        children = node.selection_set.selections
        return FieldSetFragment(node.type_condition.name.value, tuple(_read(child, where) for child in children))
    kind = "a fragment spread" if isinstance(node, ast.FragmentSpreadNode) else "a fragment without a type condition"
    raise CodedError(SUPERGRAPH_INVALID, f"{where}: a field set cannot hold {kind}.")


def print_field_set(fields: FieldSet) -> str:
    """The field set as one line of text: ``id organisation { id }``."""
    return " ".join(_print(selection) for selection in fields)


def _print(selection: FieldSetField | FieldSetFragment) -> str:
    if isinstance(selection, FieldSetFragment):
        return f"... on {selection.type_condition} {{ {print_field_set(selection.selections)} }}"
    arguments = ", ".join(f"{name}: {value}" for name, value in selection.arguments)
    head = f"{selection.name}({arguments})" if arguments else selection.name
    return f"{head} {{ {print_field_set(selection.selections)} }}" if selection.selections else head


def merge_field_sets(sets: Iterable[FieldSet]) -> FieldSet:
    """One field set that selects what any of ``sets`` selects; the order is that of first mention."""
    merged: dict[tuple[object, ...], FieldSetField | FieldSetFragment] = {}
    for selection in chain.from_iterable(sets):
        if isinstance(selection, FieldSetFragment):
            key: tuple[object, ...] = (selection.type_condition,)
        else:
            key = (selection.name, selection.arguments)
        known = merged.get(key)
        if known is None:
            merged[key] = selection
        elif isinstance(known, FieldSetField) and isinstance(selection, FieldSetField):
            children = merge_field_sets((known.selections, selection.selections))
            merged[key] = FieldSetField(known.name, known.arguments, children)
        elif isinstance(known, FieldSetFragment):
            children = merge_field_sets((known.selections, selection.selections))
            merged[key] = FieldSetFragment(known.type_condition, children)
    return tuple(merged.values())
