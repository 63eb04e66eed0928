"""What is computed once per document and never again: from a client's text to something that only wants values.

The key is the exact text, since parsing and validating alone cost more than answering. The values of the variables
that @skip and @include look at choose among the few shapes that one document can have; all other values are filled in
when a request comes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from graphql import GraphQLSchema, VariableDefinitionNode, get_variable_values

from gateway.access.standing import Standing
from gateway.documents import report
from gateway.errors import BAD_REQUEST, RequestError
from gateway.execution.compiled import CompiledPlan
from gateway.planning.operation import Operation, OperationKind
from policies.views import Entitlement

# A document with n conditions has up to 2^n shapes; a client that walks through them all is served without memory.
SHAPES_KEPT = 64

FEW_VALUES = 2_000
"""Values of variables that are checked while nobody else is answered, for some 5 ms at most."""

Shape = tuple[tuple[bool, ...], frozenset[str]]
"""What a document's plan depends on beside its text: the values of its conditions, and the labels of overrides."""

_NO_VALUES: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation ready to run: its compiled plan and where the values of its variables come from.

    ``literals`` are values that the document itself held, by canonical name; ``sources`` pairs canonical names with
    the client's. ``grounds``, ``refused``, ``items``, ``persons`` and ``uses`` are those of Permitted, ``standing`` is
    what the grounds mean for a request.
    """

    kind: OperationKind
    compiled: CompiledPlan
    literals: Mapping[str, object]
    sources: tuple[tuple[str, str], ...]
    grounds: Mapping[str, Entitlement] = field(default_factory=dict)
    refused: bool = False
    items: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    standing: Standing = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "standing", Standing(self.grounds))

    def bind_values(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """The values of the plan's variables, given the client's coerced ones; absent stays absent."""
        if not self.sources:
            return self.literals
        bound = dict(self.literals)
        for name, source in self.sources:
            if source in values:
                bound[name] = values[source]
        return bound


class Uses:
    """How often a document was asked for; what is known of it before it is asked for here counts too."""

    __slots__ = ("number",)

    def __init__(self, number: int = 0) -> None:
        self.number = number


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document under one view: what a request with the same text and view begins with.

    ``conditions`` are the variables that @skip and @include look at, in order of name. The document itself is not kept:
    it is most of the memory, and only another choice of its conditions would want it.
    """

    conditions: tuple[str, ...]
    definitions: tuple[VariableDefinitionNode, ...]
    schema: GraphQLSchema
    weight: int = 0
    shapes: dict[Shape, Prepared] = field(default_factory=dict)
    uses: Uses = field(default_factory=Uses)

    def coerce(self, variables: Mapping[str, object]) -> Mapping[str, object]:
        """Variables checked and completed by their defaults (GraphQL October 2021, section 6.1.2).

        Raises RequestError naming every variable that does not fit.
        """
        if not self.definitions:
            return _NO_VALUES
        values = get_variable_values(self.schema, self.definitions, dict(variables), max_errors=20)
        if isinstance(values, list):
            raise RequestError([report(problem, BAD_REQUEST) for problem in values])
        return values.coerced

    def choice_of(self, values: Mapping[str, object]) -> tuple[bool, ...]:
        """The values that @skip and @include look at, in order of the variables' names."""
        return tuple([bool(values.get(name)) for name in self.conditions])

    def remember(self, shape: Shape, prepared: Prepared) -> int:
        """Keeps a shape, as long as there are not too many; what it adds to the weight."""
        before = self.full_weight()
        if len(self.shapes) < SHAPES_KEPT:
            self.shapes[shape] = prepared
        return self.full_weight() - before

    def full_weight(self) -> int:
        """For how many documents more than one it counts: the first shape is part of every document."""
        plans = sum(prepared.compiled.weight for prepared in tuple(self.shapes.values()))
        return self.weight + plans + max(0, len(self.shapes) - 1)


def are_few(variables: Mapping[str, object]) -> bool:
    """Whether variables hold few values, those within lists and objects included."""
    count = 0
    waiting: list[Collection[object]] = [variables.values()]
    while waiting and count <= FEW_VALUES:
        values = waiting.pop()
        count += len(values)
        waiting += [
            each.values() if isinstance(each, dict) else each for each in values if isinstance(each, dict | list)
        ]
    return count <= FEW_VALUES


def literals_of(operation: Operation) -> dict[str, object]:
    """The values that the document itself held, by canonical name."""
    return {variable.name: variable.literal for variable in operation.variables if variable.source is None}


def sources_of(operation: Operation) -> tuple[tuple[str, str], ...]:
    """Canonical names beside the client's own."""
    return tuple((variable.name, variable.source) for variable in operation.variables if variable.source is not None)
