"""The compiled form of a plan: structures and code made once, run for each request.

It answers the usual request, where every subgraph answers as its schema says. At the first thing that is otherwise (an
error, a null where none may be, a value of another type, a name that is not expected) it raises MismatchError, and the
general path makes the answer from the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLSchema

from gateway.errors import CodedError
from gateway.execution.generated_code import MismatchError
from gateway.execution.generation import Generator
from gateway.execution.shapes import NotCoveredError, lay_out
from gateway.execution.structures import Structures
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import QueryPlan

Answer = bytes | CodedError


class CompiledForm:
    """The functions of a plan, by fetch, and the state they work on."""

    __slots__ = ("finish", "places", "root", "shapes", "source", "stages", "state")

    def __init__(self, plan: QueryPlan, templates: tuple[RequestTemplate, ...], schema: GraphQLSchema) -> None:
        """Raises NotCoveredError if the plan is one to interpret."""
        layout = lay_out(plan, schema)
        structures = Structures(layout)
        generator = Generator(plan, templates, layout, structures)
        made = generator.write()
        self.shapes = len(layout.shapes)
        self.source = generator.code.text
        self.root = structures.of[layout.root]
        self.state = type("State", (), {"__slots__": tuple(generator.attributes)})
        self.stages: tuple[tuple[Callable[[Any], None], str] | None, ...] = tuple(
            (made[generator.stages[number]], f"b{number}") if number in generator.stages else None
            for number in range(len(plan.fetches))
        )
        self.places: tuple[Callable[[Any, Sequence[Answer]], None], ...] = tuple(
            made[generator.places[number]] for number in range(len(plan.fetches))
        )
        self.finish: Callable[[Any], bytes] = made["finish"]


def compiled_form(
    plan: QueryPlan, templates: tuple[RequestTemplate, ...], schema: GraphQLSchema
) -> CompiledForm | None:
    """The compiled form of a plan, or None if the plan is one to interpret."""
    try:
        return CompiledForm(plan, templates, schema)
    except NotCoveredError:
        return None


class CompiledSteps:
    """One request's steps through a compiled form: those of ``Interpreter``, but each may raise MismatchError."""

    __slots__ = ("_form", "_state", "_templates", "_variables")

    def __init__(
        self, form: CompiledForm, templates: tuple[RequestTemplate, ...], variables: Mapping[str, object]
    ) -> None:
        self._form = form
        self._templates = templates
        self._variables = variables
        self._state = form.state()
        self._state.root = form.root()
        self._state.variables = variables

    def requests(self, number: int) -> list[bytes]:
        """The bodies to send for a fetch. Those of a whole stage are made when the first of them is wanted."""
        stage = self._form.stages[number]
        if stage is None:
            return [self._templates[number].body(self._variables)]
        collect, bodies = stage
        if not hasattr(self._state, bodies):
            collect(self._state)
        made: list[bytes] = getattr(self._state, bodies)
        return made

    def place(self, number: int, answers: Sequence[Answer]) -> None:
        """Decode and link the answers to a fetch."""
        if any(isinstance(answer, CodedError) for answer in answers):
            raise MismatchError
        if answers:
            try:
                self._form.places[number](self._state, answers)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise MismatchError from error

    def finish(self) -> bytes:
        """The whole answer as JSON."""
        try:
            return self._form.finish(self._state)
        except RecursionError as error:
            raise MismatchError from error
