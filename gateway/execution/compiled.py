"""What is made once per plan, whatever the values of a request."""

from dataclasses import dataclass

from graphql import GraphQLSchema

from gateway.planning.plan import QueryPlan


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """A plan beside the schema of the callers it was made for; lives in a cache as long as the plan does."""

    plan: QueryPlan
    schema: GraphQLSchema


def compile_plan(plan: QueryPlan, schema: GraphQLSchema) -> CompiledPlan:
    """Prepare a plan for execution. ``schema`` is the one the caller sees: it answers introspection and types values."""
    return CompiledPlan(plan, schema)
