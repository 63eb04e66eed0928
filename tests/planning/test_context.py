"""@fromContext: an argument that an ancestor gives."""

from tests.planning.plans import assert_plan, plan, supergraph

TRANSACTIONS = supergraph(
    "a b",
    """
    type Query @type(A) @type(B) { t: Transaction @in(A) }
    type Transaction @type(A, key: "id") @type(B, key: "id") @context(name: "a__money") {
      id: ID!
      currency: Currency @in(B)
      user: User @in(A)
    }
    type Currency @type(A) @type(B) { code: String! }
    type User @type(A, key: "id") {
      id: ID!
      total(rounded: Boolean): Int @in(A, contextArguments: [
        { context: "a__money", name: "code", type: "String", selection: "{ currency { code } }" }
      ])
    }
    """,
)


def test_the_value_is_fetched_at_the_ancestor_before_the_field_that_takes_it() -> None:
    planned = plan(TRANSACTIONS, "{ t { user { total(rounded: true) } } }")
    assert_plan(
        planned,
        """
        0 a: { t { user { id } id } }
        1 b after 0: t Transaction { __typename id } => { ... on Transaction { currency { code } } }
        2 a after 1: t.user User { __typename id } => { ... on User { total(rounded: $v0, code: $c0) } }
        """,
    )
    last = planned.fetches[-1]
    assert last.document.startswith("query($representations: [_Any!]!, $c0: String, $v0: Boolean)")
    (value,) = last.entities[0].context
    assert (value.variable, value.depth, value.alternatives[0].slot) == ("c0", 1, "currency")


def test_the_value_is_fetched_where_the_ancestor_was_first_and_not_where_it_was_entered_since() -> None:
    graph = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { t: Transaction @in(A) }
        type Transaction @type(A, key: "id") @type(B, key: "id") @context(name: "a__money") {
          id: ID!
          currency: String @in(A)
          user: User @in(B)
        }
        type User @type(A, key: "id") @type(B, key: "id") {
          id: ID!
          total: Int @in(A, contextArguments: [
            { context: "a__money", name: "code", type: "String", selection: "{ currency }" }
          ])
        }
        """,
    )

    assert_plan(
        plan(graph, "{ t { user { total } } }"),
        """
        0 a: { t { id currency } }
        1 b after 0: t Transaction { __typename id } => { ... on Transaction { user { id } } }
        2 a after 1: t.user User { __typename id } => { ... on User { total(code: $c0) } }
        """,
    )
