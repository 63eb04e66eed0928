"""Fields that subgraphs name without having them, and fields that clients do not see."""

import pytest
from graphql import parse, validate

from gateway.errors import NO_PLAN, CodedError
from gateway.supergraph.api_schema import api_schema
from tests.planning.plans import assert_plan, plan, supergraph

PEOPLE = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) { inA: Person @in(A) inB: Person @in(B) agency: Agency @in(C)
      node: Node @in(A) }
    type Person @type(A, key: "id") @type(B, key: "id") {
      id: ID!
      name: String @in(A, external: true) @in(B)
      income: Int @inaccessible @in(B)
      grant: Int @in(A, requires: "income")
    }
    type Agency @type(B, key: "id") @type(C, key: "id") {
      id: ID! @in(B) @in(C, external: true)
      town: String @in(C)
      phone: String @in(B)
    }
    interface Node @type(A) @type(B) { id: ID! }
    type Office implements Node @implements(A, interface: "Node") @implements(B, interface: "Node")
      @type(A, key: "id") @type(B, key: "id") { id: ID! @in(B) open: Boolean @in(A) }
    """,
)


def test_an_external_field_is_fetched_where_it_lives() -> None:
    assert_plan(
        plan(PEOPLE, "{ inA { name } }"),
        """
        0 a: { inA { id } }
        1 b after 0: inA Person { __typename id } => { ... on Person { name } }
        """,
    )


def test_an_inaccessible_field_serves_as_an_input_though_clients_cannot_name_it() -> None:
    assert validate(api_schema(PEOPLE), parse("{ inA { income } }"))
    assert_plan(
        plan(PEOPLE, "{ inA { grant } }"),
        """
        0 a: { inA { id } }
        1 b after 0: inA Person { __typename id } => { ... on Person { income } }
        2 a after 1: inA Person { __typename id income } => { ... on Person { grant } }
        """,
    )


def test_a_key_that_the_subgraph_does_not_have_opens_no_other() -> None:
    assert_plan(
        plan(PEOPLE, "{ agency { town } }"),
        """
        0 c: { agency { town } }
        """,
    )
    with pytest.raises(CodedError, match=r"Query\.agency\.phone") as error:
        plan(PEOPLE, "{ agency { phone } }")
    assert error.value.code is NO_PLAN


def test_an_interface_field_that_no_implementer_can_answer_is_an_error_not_null() -> None:
    assert_plan(
        plan(PEOPLE, "{ node { ... on Office { open } } }"),
        """
        0 a: { node { __typename ... on Office { open } } }
        """,
    )
    with pytest.raises(CodedError, match=r"Query\.node\.<Office>\.id|Query\.node\.id") as error:
        plan(PEOPLE, "{ node { id } }")
    assert error.value.code is NO_PLAN


def test_parts_of_one_object_come_from_two_parents_and_are_merged() -> None:
    model = supergraph(
        "a b c d",
        """
        type Query @type(A) @type(B) @type(C) @type(D) { products: [Product] @in(D) }
        type Product @type(A, key: "id pid") @type(B, key: "id") @type(C, key: "id pid") @type(D, key: "id") {
          id: ID!
          pid: ID @in(A) @in(C) @in(D)
          category: Category @in(B) @in(C)
        }
        type Category @type(A, key: "id") @type(B) @type(C) {
          id: ID @in(A) @in(B)
          name: String @in(A)
          details: String @in(C)
        }
        """,
    )
    assert_plan(
        plan(model, "{ products { category { details id name } } }"),
        """
        0 d: { products { id pid } }
        1 b after 0: products.@ Product { __typename id } => { ... on Product { category { id } } }
        2 c after 0: products.@ Product { __typename id pid } => { ... on Product { category { details } } }
        3 a after 1: products.@.category Category { __typename id } => { ... on Category { name } }
        """,
    )


def test_fields_with_a_key_and_those_without_share_the_way_to_them() -> None:
    assert_plan(
        plan(PEOPLE, "{ inB { name grant } inA { name grant } }"),
        """
        0 b: { inB { name income id } }
        1 a: { inA { id } }
        2 b after 1: inA Person { __typename id } => { ... on Person { name income } }
        3 a after 0, 2: inB and inA Person { __typename id income } => { ... on Person { grant } }
        """,
    )
