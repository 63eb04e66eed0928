"""A field that leads back to the query type: what its own subgraph lacks is asked of others, once for all places."""

from gateway.planning.printing import render_json, render_text
from tests.planning.plans import assert_plan, plan, supergraph

OFFICE = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) {
      offices: [Office] @in(A) weather(day: Int): String @in(B) notice: Notice @in(C) flag: Int @in(A) @in(C)
      town: Query! @in(B)
    }
    type Mutation @type(A) @type(B) { open: Opened @in(A) close: Opened @in(A) count: Int @in(B) }
    type Opened @type(A) { ok: Boolean query: Query! }
    type Office @type(A, key: "id") @type(B, key: "id") { id: ID! query: Query @in(A) staff: Int @in(B) }
    type Notice @type(C, key: "no") @type(B, key: "no") { no: ID! text: String @in(B) }
    """,
)


def test_what_the_subgraph_lacks_of_the_query_type_is_asked_of_others_and_the_rest_where_it_stands() -> None:
    assert_plan(
        plan(OFFICE, "{ offices { query { flag weather(day: 1) } } }"),
        """
        0 a: { offices { query { flag } } }
        1 b after 0: query($v0: Int) { weather(day: $v0) }
        """,
    )


def test_one_request_serves_all_places_and_its_objects_are_followed_from_each() -> None:
    planned = plan(OFFICE, "{ offices { query { notice { text } } } town { notice { no } } }")
    assert_plan(
        planned,
        """
        0 a: { offices { query { __typename } } }
        1 b: { town { __typename } }
        2 c after 0, 1: { notice { no } }
        3 b after 2: offices.@.query.notice Notice { __typename no } => { ... on Notice { text } }
        """,
    )
    assert render_json(planned)["fetches"][2]["paths"] == ["offices.@.query", "town"]
    assert '    Flatten(paths: ["offices.@.query", "town"]) {\n      Fetch(service: "c") {' in render_text(planned)


def test_the_query_of_a_mutations_answer_runs_after_that_mutation_and_before_the_next() -> None:
    assert_plan(
        plan(OFFICE, "mutation { open { query { weather } } close { ok query { weather } } }"),
        """
        0 a: mutation { open { query { __typename } } }
        1 b after 0: { weather }
        2 a after 1: mutation { close { ok query { __typename } } }
        3 b after 2: { weather }
        """,
    )


def test_a_root_below_a_root_is_one_more_of_the_same() -> None:
    assert_plan(
        plan(OFFICE, "{ town { town { flag } } }"),
        """
        0 b: { town { town { __typename } } }
        1 a after 0: { flag }
        """,
    )
