"""The query plan: a flat tuple of fetches with dependencies, and the projection that makes the answer.

Every fetch writes into one response tree. A *slot* is a key of an object in that tree: it equals the alias under which
the subgraph was asked, so that placing an answer is merging objects. The planner gives two selections of one object
different slots whenever their values could differ (other arguments, other types under one response key, a key needed
for a join beside an alias of the client's). The projection alone knows which slot becomes which response key.

Invariants: ``fetches[i].number == i``; ``after`` names smaller numbers only; a fetch may start as soon as all fetches
in ``after`` are done; nothing in a plan depends on values of variables or on the caller.
"""

from dataclasses import dataclass

from graphql import DocumentNode, GraphQLOutputType

from gateway.planning.operation import READ, OperationKind, Outcome


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step from an object of the tree into ``slot``; lists on the way are entered, nulls left out.

    ``on_types`` keeps only objects whose ``__typename`` is among them; None keeps all.
    """

    slot: str
    on_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FetchedField:
    """A field as the subgraph will answer it, under ``slot``.

    ``on_types`` says on which concrete types it was asked; None means on all that can stand there. ``type`` is the
    supergraph's type of the field (a subgraph may be laxer or stricter about null).
    """

    slot: str
    type: GraphQLOutputType
    on_types: frozenset[str] | None = None
    fields: tuple["FetchedField", ...] = ()


@dataclass(frozen=True, slots=True)
class RepresentationField:
    """A field of a representation, read from ``slot`` of the tree.

    A null is sent where ``nullable``, and drops the representation elsewhere: in a key, null may stand only beside
    other fields. A missing slot is null to an ``input`` of @requires, and drops a key. ``constant`` replaces reading
    the tree (used for nested ``__typename``).
    """

    name: str
    slot: str
    nullable: bool = False
    on_types: frozenset[str] | None = None
    fields: tuple["RepresentationField", ...] = ()
    constant: str | None = None
    input: bool = False


@dataclass(frozen=True, slots=True)
class Representation:
    """How objects of ``on_types`` (by ``__typename`` in the tree; None: all) are represented to a subgraph.

    ``typename`` is the name sent: the interface's where the subgraph knows the entity as an @interfaceObject; None
    sends the object's own ``__typename``.
    """

    on_types: frozenset[str] | None
    typename: str | None
    fields: tuple[RepresentationField, ...]


@dataclass(frozen=True, slots=True)
class ContextValue:
    """The value of a @fromContext argument: ``fields`` read at the ancestor ``depth`` steps down the path (0: root).

    Targets whose values differ cannot share one ``_entities`` call; ``variable`` names the variable of the call.
    """

    variable: str
    depth: int
    alternatives: tuple[RepresentationField, ...]


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """One aliased ``_entities`` selection of a fetch: ``alias: _entities(representations: $variable) { ... }``.

    The objects found along ``paths`` are its targets; equal representations are sent once, each answer is merged into
    every target it stands for. ``needs`` pairs slots with the names of the inputs they are computed from: where such an
    input failed, these slots fail and the others are asked for all the same.
    """

    alias: str
    variable: str
    paths: tuple[tuple[PathStep, ...], ...]
    representations: tuple[Representation, ...]
    fields: tuple[FetchedField, ...]
    context: tuple[ContextValue, ...] = ()
    needs: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph. It has ``entities`` (an entity fetch) or ``fields`` (a root fetch), never both.

    ``document`` is the text sent. ``variables`` are the canonical names of the operation's variables it uses; entity
    requests add theirs. What a root fetch answers is merged into the objects at ``paths``, the same into each: the root
    itself, or wherever a field leads back to the query type. Where there is none, nothing is asked.
    """

    number: int
    subgraph: str
    kind: OperationKind
    document: str
    variables: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    fields: tuple[FetchedField, ...] = ()
    entities: tuple[EntityRequest, ...] = ()
    paths: tuple[tuple[PathStep, ...], ...] = ((),)


@dataclass(frozen=True, slots=True)
class FieldProjection:
    """One field of the answer: the value at ``slot``, checked against ``type``, put under ``response_key``.

    ``type`` belongs to the schema the caller sees: enum values and possible types outside it become null with an
    error. ``on_types`` restricts to concrete types; None: every type possible there. ``constant`` is a value known at
    planning (``__typename`` of a type with one possibility). Order is the order of the answer. ``typed`` is False where
    nothing fetched tells the concrete type of objects of an abstract ``type``: they come from an @interfaceObject, and
    ``fields`` are fields of the interface alone.
    """

    response_key: str
    slot: str
    type: GraphQLOutputType
    parent_type: str
    field_name: str
    on_types: frozenset[str] | None = None
    outcome: Outcome = READ
    constant: str | None = None
    fields: tuple["FieldProjection", ...] = ()
    typed: bool = True


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """All that answers an operation, whatever its variables' values.

    ``introspection`` is the part of the operation about ``__schema`` and ``__type``, executed against the caller's
    schema; its response keys appear in ``projection`` with the slot ``response_key`` and no ``fields``.
    """

    kind: OperationKind
    root_type: str
    fetches: tuple[Fetch, ...]
    projection: tuple[FieldProjection, ...]
    introspection: DocumentNode | None = None

    def size(self) -> int:
        """Roughly the bytes that the plan takes, whatever is remembered with it included.

        Measured: some 130 for each field that is fetched or projected, and each character of a request twice.
        """
        fetched = [fields for fetch in self.fetches for fields in (fetch.fields, *(e.fields for e in fetch.entities))]
        text = sum(len(fetch.document) for fetch in self.fetches)
        return 130 * _count_fields([self.projection, *fetched]) + 2 * text


def _count_fields(waiting: "list[tuple[FieldProjection, ...] | tuple[FetchedField, ...]]") -> int:
    """All fields within; those that several places share once."""
    seen: set[int] = set()
    count = 0
    while waiting:
        fields = waiting.pop()
        if fields and id(fields) not in seen:
            seen.add(id(fields))
            count += len(fields)
            waiting.extend(field.fields for field in fields)
    return count
