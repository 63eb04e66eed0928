"""@override: a field moves to another subgraph, at once or while its label is active."""

from tests.planning.plans import assert_plan, plan, supergraph

MOVED = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) { shop: Shop @in(A) inB: Shop @in(B) }
    type Shop @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
      id: ID!
      hours: String @in(A) @in(B, override: "a", overrideLabel: "percent(20)")
      fax: String @in(A, overrideLabel: "late") @in(B, override: "a", overrideLabel: "late")
      taxNo: String @in(B, override: "gone")
      name: String @in(A, usedOverridden: true) @in(B, override: "a")
      sign: String @in(A, requires: "name")
    }
    """,
)


def test_a_field_stays_where_it_was_until_its_label_is_active() -> None:
    assert_plan(
        plan(MOVED, "{ shop { hours } inB { hours } }"),
        """
        0 a: { shop { hours } }
        1 b: { inB { id } }
        2 a after 1: inB Shop { __typename id } => { ... on Shop { hours } }
        """,
    )


def test_a_field_moves_while_its_label_is_active() -> None:
    assert_plan(
        plan(MOVED, "{ shop { hours } inB { hours } }", labels=frozenset({"percent(20)"})),
        """
        0 a: { shop { id } }
        1 b: { inB { hours } }
        2 b after 0: shop Shop { __typename id } => { ... on Shop { hours } }
        """,
    )


def test_a_label_on_the_side_that_loses_the_field_says_the_same() -> None:
    assert_plan(plan(MOVED, "{ shop { fax } }"), "0 a: { shop { fax } }")
    assert_plan(plan(MOVED, "{ inB { fax } }", labels=frozenset({"late"})), "0 b: { inB { fax } }")


def test_an_override_from_an_unknown_subgraph_changes_nothing() -> None:
    assert_plan(
        plan(MOVED, "{ inB { taxNo } }"),
        """
        0 b: { inB { taxNo } }
        """,
    )


def test_an_overridden_field_that_is_still_an_input_comes_from_its_new_home() -> None:
    assert_plan(
        plan(MOVED, "{ shop { name sign } }"),
        """
        0 a: { shop { id } }
        1 b after 0: shop Shop { __typename id } => { ... on Shop { name } }
        2 a after 1: shop Shop { __typename id name } => { ... on Shop { sign } }
        """,
    )


def test_an_interface_field_overridden_on_one_type_is_asked_on_the_others() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { posts: [Post] @in(A) }
        interface Post @type(A) @type(B) { id: ID! created: String }
        type Text implements Post @implements(A, interface: "Post") @implements(B, interface: "Post")
          @type(A, key: "id") @type(B, key: "id") { id: ID! created: String @in(B, override: "a") }
        type Image implements Post @implements(A, interface: "Post") @type(A, key: "id") { id: ID! created: String }
        """,
    )
    assert_plan(
        plan(model, "{ posts { id created } }"),
        """
        0 a: { posts { __typename id ... on Image { created } } }
        1 b after 0: posts.@|[Text] Text { __typename id } => { ... on Text { created } }
        """,
    )
