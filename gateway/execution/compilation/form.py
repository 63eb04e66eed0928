"""The compiled form of a plan: structures and code made once, run for each request.

It answers the usual request, where every subgraph answers as its schema says, or one request fails that nothing else
builds upon. At the first thing that is otherwise (an error, a null where none may be, a value of another type, a name
that is not expected) it raises MismatchError, and the general path makes the answer from the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLSchema

from gateway.errors import CodedError
from gateway.execution.compilation.code import MismatchError
from gateway.execution.compilation.collecting import Collecting
from gateway.execution.compilation.context import Context
from gateway.execution.compilation.failures import Failures, Path
from gateway.execution.compilation.finishing import Finishing
from gateway.execution.compilation.placing import Placing
from gateway.execution.compilation.shapes import NotCoveredError, Slot, lay_out
from gateway.execution.compilation.structures import Structures
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import Fetch, QueryPlan

Answer = bytes | CodedError


class CompiledForm:
    """The functions of a plan, by fetch, and the state they work on."""

    __slots__ = ("failures", "finish", "places", "root", "shapes", "source", "stages", "state")

    def __init__(self, plan: QueryPlan, templates: tuple[RequestTemplate, ...], schema: GraphQLSchema) -> None:
        """Raises NotCoveredError if the plan is one to interpret."""
        layout = lay_out(plan, schema)
        structures = Structures(layout)
        context = Context(plan, templates, layout, structures)
        stages, places, read = _write(context)
        made = context.code.run()
        self.shapes = len(layout.shapes)
        self.source = context.code.text
        self.root = structures.of[layout.root]
        groups = [group for group, _, _ in context.requests.values()]
        bodies = [f"b{number}" for number in stages]
        self.state = type("State", (), {"__slots__": ("root", "variables", *groups, *bodies)})
        self.stages: tuple[tuple[Callable[[Any], None], str] | None, ...] = tuple(
            (made[stages[number]], f"b{number}") if number in stages else None for number in range(len(plan.fetches))
        )
        self.places: tuple[Callable[[Any, Sequence[Answer]], None], ...] = tuple(
            made[places[number]] for number in range(len(plan.fetches))
        )
        self.failures = Failures(context, read)
        self.finish: Callable[[Any], bytes] = made["finish"]


def _write(context: Context) -> tuple[dict[int, str], list[str], set[Slot]]:
    """Write all functions of a plan.

    By fetch, the names of those that ask and of those that take in; then the slots that are read to ask.
    """
    begin_together: dict[tuple[int, ...], list[Fetch]] = {}
    for fetch in context.plan.fetches:
        if fetch.number in context.layout.targets:
            begin_together.setdefault(tuple(sorted(fetch.after)), []).append(fetch)
    collecting, placing = Collecting(context), Placing(context)
    stages: dict[int, str] = {}
    for fetches in begin_together.values():
        stages |= dict.fromkeys((fetch.number for fetch in fetches), collecting.stage(fetches))
    places = [placing.place(fetch) for fetch in context.plan.fetches]
    Finishing(context).finish()
    return stages, places, collecting.read


def compiled_form(
    plan: QueryPlan, templates: tuple[RequestTemplate, ...], schema: GraphQLSchema
) -> CompiledForm | None:
    """The compiled form of a plan, or None if the plan is one to interpret."""
    try:
        return CompiledForm(plan, templates, schema)
    except (NotCoveredError, RecursionError):  # the latter where an operator accepts operations of some hundred levels
        return None


class CompiledSteps:
    """One request's steps through a compiled form: those of ``Interpreter``, but each may raise MismatchError."""

    __slots__ = ("_failed", "_form", "_state", "_templates", "_variables", "failures")

    def __init__(
        self, form: CompiledForm, templates: tuple[RequestTemplate, ...], variables: Mapping[str, object]
    ) -> None:
        self._form = form
        self._templates = templates
        self._variables = variables
        self._state = form.state()
        self._state.root = form.root()
        self._state.variables = variables
        self._failed: dict[int, CodedError] = {}
        self.failures: list[tuple[int, CodedError, Path]] = []

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

    def are_quick(self, answers: Sequence[Answer]) -> bool:
        """Always: most of their time is msgspec's, which no thread interrupts."""
        return True

    def place(self, number: int, answers: Sequence[Answer]) -> None:
        """Decode and link the answers to a fetch."""
        for answer in answers:
            if isinstance(answer, CodedError):
                self._fail(number, answers)
                return
        if answers:
            try:
                self._form.places[number](self._state, answers)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise MismatchError from error

    def _fail(self, number: int, answers: Sequence[Answer]) -> None:
        if len(answers) > 1 or not self._form.failures.can_be_null(number):
            raise MismatchError
        (error,) = answers
        assert isinstance(error, CodedError)
        self._failed[number] = error
        self._form.failures.place(self._state, number)

    def finish(self) -> bytes:
        """The whole answer as JSON; ``failures`` are then the fetches that are missed, and where each is first."""
        try:
            if self._failed:
                places = self._form.failures.first_places(self._state, self._failed)
                self.failures = [(number, self._failed[number], path) for number, path in places]
            return self._form.finish(self._state)
        except RecursionError as error:
            raise MismatchError from error
