"""What is made once per plan, whatever the values of a request."""

from graphql import GraphQLSchema

from gateway.execution.compiled_form import CompiledForm, compiled_form
from gateway.execution.completion import Completing
from gateway.execution.introspection import Introspection
from gateway.execution.response_tree import Merging
from gateway.execution.schedule import Schedule
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import QueryPlan

COMPILED_AT_RUN = 2
"""Which execution of a plan pays for its compiled form, some milliseconds that a rare plan would never give back."""

MISMATCHES_TO_GIVE_UP = 8


class CompiledPlan:
    """A plan prepared for execution; lives in a cache as long as the plan does."""

    __slots__ = (
        "_compiled_at_run", "_form", "_mismatches", "_runs", "completing", "introspection", "merging", "plan",
        "schedule", "schema", "templates",
    )  # fmt: skip

    def __init__(self, plan: QueryPlan, schema: GraphQLSchema, compiled_at_run: int | None) -> None:
        self.plan = plan
        self.schema = schema
        self.schedule = Schedule(plan.fetches)
        self.templates = tuple(RequestTemplate(fetch) for fetch in plan.fetches)
        self.introspection = Introspection(plan.introspection, schema) if plan.introspection is not None else None
        self.merging = Merging(schema)
        self.completing = Completing(schema)
        self._compiled_at_run = compiled_at_run
        self._form: CompiledForm | None = None
        self._runs = 0
        self._mismatches = 0

    def form(self) -> CompiledForm | None:
        """The compiled form, if it is time for one, the plan is covered and the form is not given up."""
        self._runs += 1
        if self._runs == self._compiled_at_run:
            self._form = compiled_form(self.plan, self.templates, self.schema)
        return self._form

    def mismatched(self) -> None:
        """Note that the form had to hand over. One that mostly does is given up."""
        self._mismatches += 1
        if self._mismatches >= MISMATCHES_TO_GIVE_UP and self._mismatches * 2 > self._runs:
            self._form = None


def compile_plan(plan: QueryPlan, schema: GraphQLSchema, compiled_at_run: int | None = COMPILED_AT_RUN) -> CompiledPlan:
    """Prepare a plan for execution.

    ``schema`` is the one that the caller sees, with the plan's output types: it answers introspection and says which
    types are possible. With ``compiled_at_run`` 1 the first execution makes the compiled form, with None none does.
    """
    return CompiledPlan(plan, schema, compiled_at_run)
