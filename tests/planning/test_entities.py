"""Entities: keys of every form, hops through other subgraphs, objects without keys."""

import pytest

from gateway.errors import NO_PLAN, CodedError
from tests.planning.plans import assert_plan, plan, supergraph

PERMITS = supergraph(
    "registry permits fees",
    """
    type Query @type(REGISTRY) @type(PERMITS) @type(FEES) {
      companies: [Company!]! @in(REGISTRY)
      permit(no: ID!): Permit @in(PERMITS)
    }
    type Company @type(REGISTRY, key: "id") @type(PERMITS, key: "id") {
      id: ID!
      name: String @in(REGISTRY)
      permits: [Permit!] @in(PERMITS)
    }
    type Permit @type(PERMITS, key: "no") @type(FEES, key: "no") {
      no: ID!
      holder: Company @in(PERMITS)
      fee: Int @in(FEES)
    }
    """,
)


def test_fields_of_another_subgraph_are_fetched_by_key() -> None:
    assert_plan(
        plan(PERMITS, "{ companies { name permits { no fee } } }"),
        """
        0 registry: { companies { name id } }
        1 permits after 0: companies.@ Company { __typename id } => { ... on Company { permits { no } } }
        2 fees after 1: companies.@.permits.@ Permit { __typename no } => { ... on Permit { fee } }
        """,
    )


def test_a_key_that_was_not_selected_is_fetched_and_not_answered() -> None:
    planned = plan(PERMITS, "{ companies { permits { fee } } }")
    assert_plan(
        planned,
        """
        0 registry: { companies { id } }
        1 permits after 0: companies.@ Company { __typename id } => { ... on Company { permits { no } } }
        2 fees after 1: companies.@.permits.@ Permit { __typename no } => { ... on Permit { fee } }
        """,
    )
    (companies,) = planned.projection
    assert [field.response_key for field in companies.fields] == ["permits"]


def test_several_paths_into_one_subgraph_share_a_request() -> None:
    query = '{ companies { permits { fee } } permit(no: "p1") { fee holder { name } } }'
    assert_plan(
        plan(PERMITS, query),
        """
        0 registry: { companies { id } }
        1 permits: query($v0: ID!) { permit(no: $v0) { no holder { id } } }
        2 permits after 0: companies.@ Company { __typename id } => { ... on Company { permits { no } } }
        3 registry after 1: permit.holder Company { __typename id } => { ... on Company { name } }
        4 fees after 1, 2: companies.@.permits.@ and permit Permit { __typename no } => { ... on Permit { fee } }
        """,
    )


def test_equal_selections_on_two_paths_share_one_entity_selection() -> None:
    query = '{ one: permit(no: "1") { holder { name } } two: permit(no: "2") { holder { name } } }'
    assert_plan(
        plan(PERMITS, query),
        """
        0 permits: query($v0: ID!, $v1: ID!) { permit(no: $v0) { holder { id } } \\
          permit_1: permit(no: $v1) { holder { id } } }
        1 registry after 0: permit.holder and permit_1.holder Company { __typename id } => { ... on Company { name } }
        """,
    )


def test_aliases_of_one_leaf_are_fetched_once_and_those_of_an_object_apart_since_an_error_may_take_one_away() -> None:
    planned = plan(PERMITS, '{ one: permit(no: "1") { number: no no } two: permit(no: "1") { no fee } }')
    assert_plan(
        planned,
        """
        0 permits: query($v0: ID!) { permit(no: $v0) { no } permit_1: permit(no: $v0) { no } }
        1 fees after 0: permit_1 Permit { __typename no } => { ... on Permit { fee } }
        """,
    )
    slots = [(field.response_key, field.slot) for field in planned.projection]
    assert slots == [("one", "permit"), ("two", "permit_1")]
    assert [field.slot for field in planned.projection[0].fields] == ["no", "no"]


def test_a_subgraph_that_knows_another_key_is_reached_through_one_that_knows_both() -> None:
    model = supergraph(
        "a b c",
        """
        type Query @type(A) @type(B) @type(C) { parcel: Parcel @in(A) }
        type Parcel @type(A, key: "id") @type(B, key: "id") @type(B, key: "cadastre") @type(C, key: "cadastre") {
          id: ID! @in(A) @in(B)
          cadastre: ID! @in(B) @in(C)
          area: Int @in(C)
        }
        """,
    )
    assert_plan(
        plan(model, "{ parcel { area } }"),
        """
        0 a: { parcel { id } }
        1 b after 0: parcel Parcel { __typename id } => { ... on Parcel { cadastre } }
        2 c after 1: parcel Parcel { __typename cadastre } => { ... on Parcel { area } }
        """,
    )


def test_composite_keys_with_lists_and_nested_objects_are_represented_whole() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { route: Route @in(A) }
        type Route @type(A, key: "line { no region { code } } stops { id }")
          @type(B, key: "line { no region { code } } stops { id }") {
          line: Line!
          stops: [Stop!]!
          minutes: Int @in(B)
        }
        type Line @type(A) @type(B) { no: Int! region: Region! }
        type Region @type(A) @type(B) { code: ID! }
        type Stop @type(A) @type(B) { id: ID! }
        """,
    )
    assert_plan(
        plan(model, "{ route { minutes } }"),
        """
        0 a: { route { line { no region { code } } stops { id } } }
        1 b after 0: route Route { __typename line { no region { code } } stops { id } } => { ... on Route { minutes } }
        """,
    )


def test_a_key_field_inside_a_key_may_itself_need_a_hop() -> None:
    model = supergraph(
        "a b c",
        """
        type Query @type(A) @type(B) @type(C) { deed: Deed @in(A) }
        type Deed @type(A) @type(C, key: "owner { pass }") {
          owner: Person!
          text: String @in(C)
        }
        type Person @type(A, key: "id") @type(B, key: "id") @type(C) {
          id: ID! @in(A) @in(B)
          pass: ID! @in(B) @in(C)
        }
        """,
    )
    assert_plan(
        plan(model, "{ deed { text } }"),
        """
        0 a: { deed { owner { id } } }
        1 b after 0: deed.owner Person { __typename id } => { ... on Person { pass } }
        2 c after 1: deed Deed { __typename owner { pass } } => { ... on Deed { text } }
        """,
    )


def test_a_key_that_is_not_resolvable_lets_nobody_in() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { firm: Firm @in(A) audited: Firm @in(B) }
        type Firm @type(A, key: "id") @type(B, key: "id", resolvable: false) {
          id: ID!
          name: String @in(A)
          audits: Int @in(B)
        }
        """,
    )
    assert_plan(
        plan(model, "{ audited { audits name } }"),
        """
        0 b: { audited { audits id } }
        1 a after 0: audited Firm { __typename id } => { ... on Firm { name } }
        """,
    )
    with pytest.raises(CodedError, match=r"Query\.firm\.audits") as error:
        plan(model, "{ firm { audits } }")
    assert error.value.code is NO_PLAN


def test_a_type_without_a_key_is_entered_again_from_its_parent() -> None:
    model = supergraph(
        "a b c",
        """
        type Query @type(A) @type(B) @type(C) { school: School @in(A) }
        type School @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
          id: ID!
          address: Address
        }
        type Address @type(A) @type(B) @type(C) {
          street: String @in(A) @in(B)
          geo: String @in(B)
          post: String @in(C)
        }
        """,
    )
    assert_plan(
        plan(model, "{ school { address { street geo post } } }"),
        """
        0 a: { school { id } }
        1 b after 0: school School { __typename id } => { ... on School { address { street geo } } }
        2 c after 0: school School { __typename id } => { ... on School { address { post } } }
        """,
    )


def test_a_middle_hop_depends_on_what_it_needs_alone() -> None:
    model = supergraph(
        "a b c d",
        """
        type Query @type(A) @type(B) @type(C) @type(D) { x: X @in(A) y: Y @in(B) }
        type X @type(A, key: "id") @type(C, key: "id") { id: ID! p: Int @in(C) }
        type Y @type(B, key: "id") @type(D, key: "id") { id: ID! q: Int @in(D) }
        """,
    )
    assert_plan(
        plan(model, "{ x { p } y { q } }"),
        """
        0 a: { x { id } }
        1 b: { y { id } }
        2 c after 0: x X { __typename id } => { ... on X { p } }
        3 d after 1: y Y { __typename id } => { ... on Y { q } }
        """,
    )


def test_what_is_put_off_joins_the_selection_that_asks_the_same_objects_later() -> None:
    model = supergraph(
        "a b c",
        """
        type Query @type(A) { wells: [Well] }
        type Well @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
          id: ID! depth: Int @in(B) @in(C, external: true) yield: Int @in(C, requires: "depth") owner: String @in(C)
        }
        """,
    )
    assert_plan(
        plan(model, "{ wells { owner yield } }"),
        """
        0 a: { wells { id } }
        1 b after 0: wells.@ Well { __typename id } => { ... on Well { depth } }
        2 c after 1: wells.@ Well { __typename id depth } => { ... on Well { owner yield } }
        """,
    )
