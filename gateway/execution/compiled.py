"""What is made once per plan, whatever the values of a request."""

from graphql import GraphQLSchema

from gateway.execution.introspection import Introspection
from gateway.execution.schedule import Schedule
from gateway.execution.subgraph_request import RequestTemplate
from gateway.planning.plan import QueryPlan


class CompiledPlan:
    """A plan prepared for execution; lives in a cache as long as the plan does."""

    __slots__ = ("introspection", "plan", "schedule", "schema", "templates")

    def __init__(self, plan: QueryPlan, schema: GraphQLSchema) -> None:
        self.plan = plan
        self.schema = schema
        self.schedule = Schedule(plan.fetches)
        self.templates = tuple(RequestTemplate(fetch) for fetch in plan.fetches)
        self.introspection = Introspection(plan.introspection, schema) if plan.introspection is not None else None


def compile_plan(plan: QueryPlan, schema: GraphQLSchema) -> CompiledPlan:
    """Prepare a plan for execution.

    ``schema`` is the one that the caller sees, with the plan's output types: it answers introspection and says which
    types are possible.
    """
    return CompiledPlan(plan, schema)
