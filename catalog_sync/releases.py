"""A subgraph's release against the catalogue: every served field is an item, of its type, by its one provider.

Composition with the other subgraphs is the gateway's to check; here a release is held against the entries alone.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    build_ast_schema,
    extend_schema,
    parse,
    print_ast,
)

from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import SDL_UNREADABLE, CodedError
from catalog_sync.graphql_types import type_problem
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import RELEASE_LIFECYCLE, ReleaseState, Side
from catalog_sync.loading import Catalogue
from catalog_sync.rule_profiles import RuleProfile, RunningClock
from catalog_sync.schema_comparison import ChangeEffect, SchemaChange, compare_schemas
from catalog_sync.working_days import WorkingCalendar

ROOTS = frozenset({"Query", "Mutation", "Subscription"})
SURROGATE_KEY = "id"
_SCALARS = frozenset({
    "ID", "String", "Int", "Float", "Boolean", "Date", "DateTime", "Decimal", "BigInt", "Base64",
})  # fmt: skip

_Typed = (
    ObjectTypeDefinitionNode, ObjectTypeExtensionNode, InterfaceTypeDefinitionNode, InterfaceTypeExtensionNode,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SubgraphRelease:
    """One registered version of a department's schema and where it is served."""

    subgraph: str
    provider: CreditCode
    number: int
    sdl: str
    address: str
    state: ReleaseState = ReleaseState.PROPOSED

    @property
    def digest(self) -> str:
        """SHA-256 of the schema, whatever its layout and order."""
        return sdl_digest(self.sdl)

    def after(self, event: str, side: Side) -> "SubgraphRelease":
        """The release after a step of its lifecycle; CodedError ILLEGAL_TRANSITION if there is no such step."""
        state = RELEASE_LIFECYCLE.after(self.state, event, side, f"Release {self.number} of {self.subgraph}")
        return replace(self, state=ReleaseState(state))


@dataclass(frozen=True, slots=True)
class ReleaseProblem:
    """Why a release may not go live: the field, what is wrong with it and how to mend it."""

    coordinate: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.coordinate}: {self.message} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Notice:
    """A breaking change announced to those it affects: it may go live when the clock has run out."""

    changes: tuple[SchemaChange, ...]
    affected: tuple[str, ...]
    clock: RunningClock

    def served(self, today: date) -> bool:
        """Whether the notice period is over, its last day included in it."""
        return self.clock.deadline.passed(today)


def notice_of(
    changes: Iterable[SchemaChange],
    affected: Iterable[str],
    given: date,
    profile: RuleProfile,
    calendar: WorkingCalendar,
) -> Notice | None:
    """The notice that a release needs, None if it breaks nothing or nobody uses what it breaks.

    ``affected`` names departments, grants or stored operations; ``given`` is the day they were told (clock N1).
    """
    breaking = tuple(change for change in changes if change.effect is ChangeEffect.BREAKING)
    named = tuple(affected)
    return Notice(breaking, named, profile.start("N1", given, calendar)) if breaking and named else None


@dataclass(frozen=True, slots=True)
class ServedField:
    """A field that a schema binds to an item: its coordinate, the item's alias and resource code, its type."""

    coordinate: str
    name: str
    code: str
    type: str
    has_arguments: bool


_NOT_AT_HOME = "leave @resource off a type whose home is another subgraph, mark a field that it only needs @external"


def check_release(
    release: SubgraphRelease, catalogue: Catalogue, others: Iterable[SubgraphRelease] = ()
) -> tuple[ReleaseProblem, ...]:
    """Everything that stands between a release and its going live.

    Each field bound by ``@resource(code:)`` must be an item of a released entry of the same provider, in one of the
    item's types, nullable where it can be withheld; no other release may serve the same item (R20).
    """
    served, bound, enums = _bound(release.sdl)
    beside = [(other, _bound(other.sdl)) for other in _concerned(served, release, others)]
    bound = bound.union(*(found.types for _, found in beside))
    problems: list[ReleaseProblem] = []
    for field in served:
        problems.extend(_field_problems(field, release, catalogue, bound, enums))
    owners = {
        (field.code, field.name): f"{other.subgraph} as {field.coordinate} ({other.provider})"
        for other, found in beside
        for field in found.served
    }
    for field in served:
        owner = owners.get((field.code, field.name))
        entry = catalogue.entry(field.code)
        if owner is not None and entry is not None and entry.item(field.name) is not None:
            here = f"{release.subgraph} ({release.provider})"
            message = f"The item {field.name} of {field.code} is served by {owner} and here by {here}."
            remedy = f"An item has one authoritative provider: in the other, {_NOT_AT_HOME}, or drop the field."
            problems.append(ReleaseProblem(field.coordinate, message, remedy))
    return tuple(problems)


def schema_changes(before: str, after: str) -> tuple[SchemaChange, ...]:
    """What a new SDL changes for those who query the old one, the breaking changes first."""
    return compare_schemas(_schema(before), _schema(after))


def served_fields(sdl: str) -> tuple[ServedField, ...]:
    """The fields that a schema binds to items; CodedError SDL_UNREADABLE if it is none."""
    return _bound(sdl).served


class _Bound(NamedTuple):
    """What a schema binds to resources: its served fields and its types; and the names of its enums."""

    served: tuple[ServedField, ...]
    types: frozenset[str]
    enums: frozenset[str]


@lru_cache(maxsize=200)
def _bound(sdl: str) -> _Bound:
    """Remembered, for one check after the other looks at the same schemas beside its own."""
    document = _parsed(sdl)
    enums = (node.name.value for node in document.definitions if isinstance(node, EnumTypeDefinitionNode))
    return _Bound(tuple(_served(document)), frozenset(_codes_by_type(document)), frozenset(enums))


@lru_cache(maxsize=200)
def sdl_digest(sdl: str) -> str:
    """SHA-256 over the schema's definitions, sorted and printed one way; CodedError SDL_UNREADABLE if it is none."""
    definitions = sorted(print_ast(node) for node in _parsed(sdl).definitions)
    return hashlib.sha256("\n".join(definitions).encode()).hexdigest()


def _concerned(
    served: Iterable[ServedField], release: SubgraphRelease, others: Iterable[SubgraphRelease]
) -> Iterator[SubgraphRelease]:
    """The other releases that can have to do with these fields: those whose text has a code or a type of theirs.

    A city's schemas take long to parse, and most have nothing in common with the one that changes.
    """
    words = {field.code for field in served} | {field.type.strip("[]!") for field in served}
    named = words - _SCALARS
    for other in others:
        if other.subgraph != release.subgraph and any(word in other.sdl for word in named):
            yield other


def _field_problems(
    field: ServedField, release: SubgraphRelease, catalogue: Catalogue, bound: frozenset[str], enums: frozenset[str]
) -> Iterator[ReleaseProblem]:
    entry = catalogue.entry(field.code)
    if entry is None:
        message = f"No released entry of the catalogue has the code {field.code}."
        yield ReleaseProblem(field.coordinate, message, "Correct the code, or release the entry first.")
        return
    item = entry.item(field.name)
    named = field.type.strip("[]!")
    if item is None:
        if named in bound or field.name == SURROGATE_KEY:
            return
        known = ", ".join(each.alias for each in entry.items)
        message = f"The entry {field.code} has no item {field.name!r}, so nobody will see the field."
        yield ReleaseProblem(field.coordinate, message, f"Use one of its aliases: {known}.")
        return
    if entry.provider.credit_code != release.provider:
        yield _foreign(field, entry)
    wrong = type_problem(item, field.type, is_enum=named in enums)
    if wrong is not None:
        yield ReleaseProblem(field.coordinate, f"{wrong}.", "Change the field's type.")
    if item.verify_only and not field.has_arguments:
        message = f"The item {item.name} may only be verified."
        yield ReleaseProblem(field.coordinate, message, "Take the value to compare with as an argument.")


def _foreign(field: ServedField, entry: CatalogueEntry) -> ReleaseProblem:
    message = f"{entry.provider.name} answers for {field.code}, and this subgraph is another provider's."
    remedy = f"{_NOT_AT_HOME.capitalize()}, or bind the field to an entry of your own."
    return ReleaseProblem(field.coordinate, message, remedy)


def _parsed(sdl: str) -> DocumentNode:
    try:
        return parse(sdl, no_location=True)
    except GraphQLError as error:
        raise CodedError(SDL_UNREADABLE, f"The schema cannot be read: {error.message}") from error


def _resource(directives: Iterable[DirectiveNode] | None) -> str | None:
    for directive in directives or ():
        if directive.name.value.rpartition("__")[2] == "resource":
            for argument in directive.arguments or ():
                if argument.name.value == "code" and isinstance(argument.value, StringValueNode):
                    return argument.value.value
    return None


def _codes_by_type(document: DocumentNode) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in document.definitions:
        if isinstance(node, _Typed) and (code := _resource(node.directives)) is not None:
            found[node.name.value] = code
    return found


def _served(document: DocumentNode) -> Iterator[ServedField]:
    codes = _codes_by_type(document)
    for node in document.definitions:
        if not isinstance(node, _Typed) or node.name.value in ROOTS:
            continue
        for field in node.fields or ():
            code = _resource(field.directives) or codes.get(node.name.value)
            if code is not None and not _is_external(field):
                coordinate = f"{node.name.value}.{field.name.value}"
                yield ServedField(coordinate, field.name.value, code, print_ast(field.type), bool(field.arguments))


def _is_external(field: FieldDefinitionNode) -> bool:
    return any(directive.name.value.rpartition("__")[2] == "external" for directive in field.directives or ())


def _schema(sdl: str) -> GraphQLSchema:
    """The schema without federation directives; an extension of a type defined elsewhere counts as its definition."""
    document = _parsed(sdl)
    left_out = (SchemaExtensionNode, DirectiveDefinitionNode)
    kept = [node for node in document.definitions if not isinstance(node, left_out)]
    defined = {node.name.value for node in kept if isinstance(node, ObjectTypeDefinitionNode)}
    extended = {
        node.name.value for node in kept if isinstance(node, ObjectTypeExtensionNode) and node.name.value not in defined
    }
    stubs = "".join(f"type {name} {{ _stub: Int }}\n" for name in sorted(extended))
    definitions = [node for node in kept if not type(node).__name__.endswith("ExtensionNode")]
    has_schema = any(isinstance(node, SchemaDefinitionNode) for node in kept)
    root = "" if has_schema or "Query" in defined | extended else "type Query { _stub: Int }\n"
    base = parse(stubs + root, no_location=True).definitions if stubs + root else ()
    try:
        schema = build_ast_schema(
            DocumentNode(definitions=(*definitions, *base)), assume_valid=True, assume_valid_sdl=True
        )
        extensions = tuple(node for node in kept if type(node).__name__.endswith("ExtensionNode"))
        return extend_schema(schema, DocumentNode(definitions=extensions), assume_valid=True, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise CodedError(SDL_UNREADABLE, f"The schema does not hold together: {error}") from error
