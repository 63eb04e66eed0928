"""Root fields: shared queries, mutations in order, subscriptions with what follows each event."""

from tests.planning.plans import assert_plan, plan, supergraph

CITY = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) {
      shared: Record
      one: Record @in(A)
      two: Record @in(A) @in(B)
      office: Office @in(B)
    }
    type Mutation @type(A) @type(B) {
      open(name: String!): Office @in(A)
      close(id: ID!): Office @in(A)
      count: Int @in(B)
    }
    type Subscription @type(A) { opened: Office @in(A) }
    type Record @type(A) @type(B) @type(C) { text: String date: String @in(B) size: Int @in(C) }
    type Office @type(A, key: "id") @type(B, key: "id") { id: ID! name: String @in(A) staff: Int @in(B) }
    """,
)


def test_shared_root_fields_are_asked_of_the_subgraph_that_is_asked_anyway() -> None:
    assert_plan(
        plan(CITY, "{ shared { text } office { staff } }"),
        """
        0 b: { shared { text } office { staff } }
        """,
    )


def test_parts_of_a_shared_root_object_come_from_parallel_requests() -> None:
    planned = plan(CITY, "{ shared { text date size } }")
    assert_plan(
        planned,
        """
        0 b: { shared { text date } }
        1 c: { shared { size } }
        """,
    )


def test_as_few_subgraphs_as_possible_serve_the_root_fields() -> None:
    assert_plan(
        plan(CITY, "{ one { text } two { text } }"),
        """
        0 a: { one { text } two { text } }
        """,
    )


def test_a_tie_goes_to_the_subgraph_that_is_needed_anyway() -> None:
    model = supergraph(
        "a b c",
        """
        type Query @type(A) @type(B) @type(C) { x: X @in(A) y: Y @in(A) }
        type X @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") { id: ID! either: Int @in(B) @in(C) }
        type Y @type(A, key: "id") @type(C, key: "id") { id: ID! only: Int @in(C) }
        """,
    )
    assert_plan(
        plan(model, "{ x { either } y { only } }"),
        """
        0 a: { x { id } y { id } }
        1 c after 0: x X { __typename id } => { ... on X { either } }
        1 c after 0: y Y { __typename id } => { ... on Y { only } }
        """,
    )


def test_mutations_run_one_after_the_other_and_neighbours_share_a_request() -> None:
    query = 'mutation { a: open(name: "x") { id } b: close(id: 1) { staff } count again: open(name: "y") { name } }'
    assert_plan(
        plan(CITY, query),
        """
        0 a: mutation($v0: String!, $v1: ID!) { open(name: $v0) { id } close(id: $v1) { id } }
        1 b after 0: close Office { __typename id } => { ... on Office { staff } }
        2 b after 1: mutation { count }
        3 a after 2: mutation($v2: String!) { open_1: open(name: $v2) { name } }
        """,
    )


def test_the_next_call_waits_until_the_answer_to_this_one_is_complete() -> None:
    query = 'mutation { close(id: 1) { staff } open(name: "x") { id } }'
    assert_plan(
        plan(CITY, query),
        """
        0 a: mutation($v0: ID!) { close(id: $v0) { id } }
        1 b after 0: close Office { __typename id } => { ... on Office { staff } }
        2 a after 1: mutation($v1: String!) { open(name: $v1) { id } }
        """,
    )


def test_a_mutation_is_called_as_often_as_it_is_selected() -> None:
    planned = plan(CITY, 'mutation { a: open(name: "x") { id } b: open(name: "x") { name } }')
    assert_plan(
        planned,
        """
        0 a: mutation($v0: String!) { open(name: $v0) { id } open_1: open(name: $v0) { name } }
        """,
    )
    assert [(field.response_key, field.slot) for field in planned.projection] == [("a", "open"), ("b", "open_1")]


def test_a_subscription_begins_with_its_trigger() -> None:
    planned = plan(CITY, "subscription { opened { name staff } }")
    assert_plan(
        planned,
        """
        0 a: subscription { opened { name id } }
        1 b after 0: opened Office { __typename id } => { ... on Office { staff } }
        """,
    )


def test_nothing_is_fetched_for_the_name_of_the_root_type() -> None:
    planned = plan(CITY, "{ __typename }")
    assert planned.fetches == ()
    assert planned.projection[0].constant == "Query"


def test_introspection_stands_beside_the_plan() -> None:
    planned = plan(CITY, '{ __schema { queryType { name } } type: __type(name: "Office") { name } office { id } }')
    assert_plan(
        planned,
        """
        0 b: { office { id } }
        """,
    )
    assert planned.introspection is not None
    assert [field.slot for field in planned.projection] == ["__schema", "type", "office"]


def test_plans_come_out_the_same_every_time() -> None:
    query = "{ shared { text date size } one { text } two { date } office { staff name } }"
    assert len({str(plan(CITY, query).fetches) for _ in range(5)}) == 1
