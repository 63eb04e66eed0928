"""Fields of the query type below other fields: asked once, answered at every place."""

from gateway.supergraph.api_schema import api_schema
from tests.execution.subgraphs import ScriptedSubgraphs, answer, told
from tests.planning.plans import plan, supergraph
from tests.planning.test_root_below import OFFICE

SCHEMA = api_schema(OFFICE)


async def test_the_same_answer_stands_at_every_place_and_is_asked_for_once() -> None:
    offices = [{"query": {"flag": 7}}, {"query": None}, None, {"query": {"flag": 7}}]
    subgraphs = ScriptedSubgraphs(
        {
            "a": [{"data": {"offices": offices}}],
            "c": [{"data": {"notice": {"no": "1"}}}],
            "b": [{"data": {"_entities": [{"text": "Closed on Monday"}]}}],
        }
    )
    planned = plan(OFFICE, "{ offices { query { notice { text } flag } } }")

    data, errors = told(await answer(planned, SCHEMA, subgraphs))

    told_at = {"query": {"notice": {"text": "Closed on Monday"}, "flag": 7}}
    assert (data, errors) == ({"offices": [told_at, {"query": None}, None, told_at]}, [])
    assert [name for name, _ in subgraphs.requests] == ["a", "c", "b"]


async def test_nothing_is_asked_where_there_is_no_place_for_the_answer() -> None:
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"offices": [None]}}]})

    data, errors = told(await answer(plan(OFFICE, "{ offices { query { weather } } }"), SCHEMA, subgraphs))

    assert (data, errors) == ({"offices": [None]}, [])
    assert [name for name, _ in subgraphs.requests] == ["a"]


async def test_an_answer_that_fails_is_missing_at_every_place_for_one_cause() -> None:
    subgraphs = ScriptedSubgraphs(
        {
            "a": [{"data": {"offices": [{"query": {"flag": 1}}, {"query": {"flag": 1}}]}}],
            "b": [{"data": None, "errors": [{"message": "storm"}]}],
        }
    )

    data, errors = told(await answer(plan(OFFICE, "{ offices { query { flag weather } } }"), SCHEMA, subgraphs))

    assert data == {"offices": [{"query": {"flag": 1, "weather": None}}] * 2}
    assert errors == [("SUBGRAPH_FAILED", ["offices", 0, "query", "weather"])]


async def test_a_mutation_that_fails_asks_for_no_query_of_its_answer() -> None:
    subgraphs = ScriptedSubgraphs({"a": [{"data": {"open": None}}], "b": [{"data": {"count": 2}}]})

    data, _ = told(await answer(plan(OFFICE, "mutation { open { query { weather } } count }"), SCHEMA, subgraphs))

    assert data == {"open": None, "count": 2}
    assert [request["query"] for _, request in subgraphs.requests] == [
        "mutation { open { query { __typename } } }",
        "mutation { count }",
    ]


async def test_objects_whose_type_is_told_at_one_place_need_none_at_another() -> None:
    graph = supergraph(
        "a b c",
        """
        type Query @type(A) @type(B) @type(C) { town: Query @in(B) place: Place @in(A) }
        interface Place @type(A, key: "id", isInterfaceObject: true) @type(C, key: "id") {
          id: ID!
          name: String @in(A)
          size: Int @in(C)
        }
        type Hall implements Place @implements(C, interface: "Place") @type(C, key: "id") {
          id: ID!
          name: String @join__field
          size: Int
          seats: Int
        }
        """,
    )
    subgraphs = ScriptedSubgraphs(
        {
            "b": [{"data": {"town": {"town": {"__typename": "Query"}}}}],
            "a": [{"data": {"place": {"id": "1", "name": "Old hall"}}}],
            "c": [{"data": {"_entities": [{"__typename": "Hall", "seats": 80}]}}],
        }
    )
    planned = plan(graph, "{ town { town { place { ... on Hall { seats } } } place { name } } }")

    data, errors = told(await answer(planned, api_schema(graph), subgraphs))

    assert (data, errors) == ({"town": {"town": {"place": {"seats": 80}}, "place": {"name": "Old hall"}}}, [])
