"""Objects of an @interfaceObject: their subgraph knows the interface alone, and nobody else may be asked."""

from dataclasses import replace

from graphql import build_schema

from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan
from gateway.planning.plan import Representation, RepresentationField
from tests.execution.plans import Root, entities, plan
from tests.execution.subgraphs import ScriptedSubgraphs, answer, by_key, warm_plan

SCHEMA = build_schema("""
    type Query { media: [Media] }
    interface Media { id: ID! title: String rating: Int }
    type Book implements Media { id: ID! title: String rating: Int }
    type Film implements Media { id: ID! title: String rating: Int }
""")


async def test_fields_of_the_interface_are_joined_under_its_name_without_knowing_the_types() -> None:
    rated = plan(
        SCHEMA,
        "{ media { title rating } }",
        Root("catalogue", "{ media { id title } }"),
        entities("ratings", "Media", "media", "id", "{ rating }", after=(0,)),
    )
    represented = Representation(None, "Media", (RepresentationField("id", "id"),))
    request = replace(rated.fetches[1].entities[0], representations=(represented,))
    rated = replace(
        rated,
        fetches=(rated.fetches[0], replace(rated.fetches[1], entities=(request,))),
        projection=(replace(rated.projection[0], typed=False),),
    )
    subgraphs = ScriptedSubgraphs(
        {
            "catalogue": [{"data": {"media": [{"id": "1", "title": "Dune"}, None]}}],
            "ratings": [by_key("id", {"1": {"rating": 5}})],
        }
    )
    again = subgraphs.again()

    result = await answer(rated, SCHEMA, subgraphs)
    by_form = await execute(BoundPlan(warm_plan(rated, SCHEMA)), again)

    assert result.encode() == b'{"data":{"media":[{"title":"Dune","rating":5},null]}}'
    assert by_form.encoded is not None
    assert subgraphs.requests[1][1]["variables"] == {"r0": [{"__typename": "Media", "id": "1"}]}
