"""@interfaceObject: fields lent to every implementer, by a subgraph that cannot tell them apart."""

import pytest

from gateway.errors import NO_PLAN, CodedError
from tests.planning.plans import assert_plan, plan, supergraph

ACCOUNTS = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) {
      accounts: [Account] @in(A)
      active: [Account] @in(B)
      admin: Admin @in(C)
    }
    interface Account @type(A, key: "id") @type(B, key: "id", isInterfaceObject: true) {
      id: ID! name: String @in(A) @in(B, external: true) score: Int @in(B) rank: String @in(B, requires: "name")
    }
    type Admin implements Account @implements(A, interface: "Account") @type(A, key: "id") @type(C, key: "id") {
      id: ID! name: String @in(A) score: Int @join__field rank: String @join__field rooms: Int @in(C)
    }
    type Guest implements Account @implements(A, interface: "Account") @type(A, key: "id") {
      id: ID! name: String @in(A) score: Int @join__field rank: String @join__field
    }
    """,
)


def test_a_lent_field_is_fetched_with_the_name_of_the_interface() -> None:
    assert_plan(
        plan(ACCOUNTS, "{ accounts { name score } }"),
        """
        0 a: { accounts { __typename name id } }
        1 b after 0: accounts.@ Account { __typename id } => { ... on Account { score } }
        """,
    )


def test_a_lent_field_of_a_concrete_type_is_fetched_with_the_name_of_the_interface() -> None:
    assert_plan(
        plan(ACCOUNTS, "{ admin { rooms score } }"),
        """
        0 c: { admin { rooms id } }
        1 b after 0: admin Account { __typename id } => { ... on Account { score } }
        """,
    )


def test_fields_of_the_interface_alone_cost_no_hop_and_tell_no_type() -> None:
    planned = plan(ACCOUNTS, "{ active { id score } }")
    assert_plan(
        planned,
        """
        0 b: { active { id score } }
        """,
    )
    assert not planned.projection[0].typed


def test_the_type_is_asked_of_a_subgraph_that_can_tell() -> None:
    planned = plan(ACCOUNTS, "{ active { __typename score } }")
    assert_plan(
        planned,
        """
        0 b: { active { id score } }
        1 a after 0: active.@ Account { __typename id } => { ... on Account { __typename } }
        """,
    )
    assert planned.projection[0].typed


def test_a_concrete_types_field_is_two_hops_from_an_interface_object() -> None:
    assert_plan(
        plan(ACCOUNTS, "{ active { ... on Admin { rooms } } }"),
        """
        0 b: { active { id } }
        1 a after 0: active.@ Account { __typename id } => { ... on Account { __typename ... on Admin { id } } }
        2 c after 1: active.@|[Admin] Admin { __typename id } => { ... on Admin { rooms } }
        """,
    )


def test_a_lent_field_may_need_inputs_from_the_real_interface() -> None:
    assert_plan(
        plan(ACCOUNTS, "{ accounts { rank } active { rank } }"),
        """
        0 a: { accounts { __typename name id } }
        1 b: { active { id } }
        2 a after 1: active.@ Account { __typename id } => { ... on Account { __typename name } }
        3 b after 0, 2: accounts.@ and active.@ Account { __typename id name } => { ... on Account { rank } }
        """,
    )


def test_a_lent_field_that_nobody_lets_in_for_is_an_error_not_null() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { node: Node @in(A) lent: Node @in(B) }
        interface Node @type(A, key: "id") @type(B, key: "id", resolvable: false, isInterfaceObject: true) {
          id: ID! field: String @in(B)
        }
        """,
    )
    assert_plan(
        plan(model, "{ lent { field } }"),
        """
        0 b: { lent { field } }
        """,
    )
    with pytest.raises(CodedError, match=r"Query\.node\.field") as error:
        plan(model, "{ node { field } }")
    assert error.value.code is NO_PLAN
