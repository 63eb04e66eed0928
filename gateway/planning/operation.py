"""A client's operation in the form that access, planning and execution share.

What does not change the plan is taken out of it: fragments are inlined, @skip and @include are decided (their
variables' values are part of the key under which a prepared request is found), literals become variables, variables
get canonical names. Operations that differ in white space, literals or names of variables are equal, and share a plan.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from graphql import ValueNode

from catalog_sync.languages import Sentence
from gateway.errors import ErrorCode


class OperationKind(StrEnum):
    """The three kinds of operation (GraphQL October 2021, section 2.3)."""

    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class VariableDefinition:
    """One value that the operation takes.

    ``name`` is canonical (``v0``, ``v1`` ...), ``type`` as written in SDL. The value comes from the client's variable
    ``source``, or is the ``literal`` (JSON) that the document held when ``source`` is None. ``default`` is the
    client's default as GraphQL text, used when the client sends no value.
    """

    name: str
    type: str
    source: str | None = None
    literal: object = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a selected field; variables inside ``value`` have canonical names."""

    name: str
    value: ValueNode


@dataclass(frozen=True, slots=True)
class Read:
    """The caller may read the field."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The field is not fetched and answers null with this error. ``details`` are pairs of extension and value.

    ``said`` is the message in every language.
    """

    code: ErrorCode
    message: str
    details: tuple[tuple[str, object], ...] = ()
    said: Sentence | None = None


Outcome = Read | Refused
READ = Read()


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """A field selected on ``parent_type``; ``selections`` is empty for a leaf."""

    parent_type: str
    name: str
    response_key: str
    arguments: tuple[Argument, ...] = ()
    selections: tuple["Selection", ...] = ()
    outcome: Outcome = READ

    @property
    def coordinate(self) -> str:
        """``Type.field``, as the schema coordinates specification writes it."""
        return f"{self.parent_type}.{self.name}"


@dataclass(frozen=True, slots=True)
class FragmentSelection:
    """Selections that hold only where the object's type is ``type_condition`` or one of its possible types."""

    type_condition: str
    selections: tuple["Selection", ...]


Selection = FieldSelection | FragmentSelection


@dataclass(frozen=True, slots=True)
class Operation:
    """A validated, normalised operation.

    ``digest`` covers everything a plan depends on, and nothing else: kind, selections, outcomes, the variables' names,
    types and defaults; not ``name``, sources or literals.
    """

    kind: OperationKind
    name: str | None
    variables: tuple[VariableDefinition, ...]
    selections: tuple[Selection, ...]
    digest: str = field(default="")
