"""@requires: inputs are fetched first, wherever they are, and no field is computed without them."""

from gateway.planning.plan import RepresentationField
from tests.planning.plans import assert_plan, plan, supergraph

TAXES = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) { parcel: Parcel @in(A) parcels: [Parcel] @in(B) }
    type Parcel @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
      id: ID!
      value(currency: String!): Int @in(A) @in(B, external: true)
      zone: Zone @in(A) @in(B, external: true)
      tax: Int @in(B, requires: "value(currency: \\"CNY\\")") @in(C, external: true)
      zoneTax: Int @in(B, requires: "zone { rate }")
      refund: Int @in(C, requires: "tax")
      abroad: Int @in(B, requires: "value(currency: \\"USD\\")")
    }
    type Zone @type(A) @type(B) { rate: Int @in(A) @in(B, external: true) name: String @in(A) }
    """,
)


def test_inputs_are_fetched_with_the_arguments_of_the_field_set() -> None:
    assert_plan(
        plan(TAXES, "{ parcel { tax } }"),
        """
        0 a: { parcel { value(currency: "CNY") id } }
        1 b after 0: parcel Parcel { __typename id value } => { ... on Parcel { tax } }
        """,
    )


def test_the_clients_own_arguments_do_not_mix_with_those_of_the_field_set() -> None:
    planned = plan(TAXES, '{ parcel { value(currency: "EUR") tax } }')
    assert_plan(
        planned,
        """
        0 a: query($v0: String!) { parcel { value(currency: $v0) value_1: value(currency: "CNY") id } }
        1 b after 0: parcel Parcel { __typename id value: value_1 } => { ... on Parcel { tax } }
        """,
    )


def test_two_requirements_of_one_field_with_other_arguments_need_two_entity_selections() -> None:
    assert_plan(
        plan(TAXES, "{ parcel { tax abroad } }"),
        """
        0 a: { parcel { value(currency: "CNY") id value_1: value(currency: "USD") } }
        1 b after 0: parcel Parcel { __typename id value } => { ... on Parcel { tax } }
        1 b after 0: parcel Parcel { __typename id value: value_1 } => { ... on Parcel { abroad } }
        """,
    )


def test_inputs_inside_objects_are_represented_nested() -> None:
    planned = plan(TAXES, "{ parcel { zoneTax zone { name } } }")
    assert_plan(
        planned,
        """
        0 a: { parcel { zone { rate name } id } }
        1 b after 0: parcel Parcel { __typename id zone { rate } } => { ... on Parcel { zoneTax } }
        """,
    )
    (representation,) = planned.fetches[1].entities[0].representations
    assert representation.fields[1] == RepresentationField(
        "zone",
        "zone",
        nullable=True,
        fields=(RepresentationField("rate", "rate", nullable=True, input=True),),
        input=True,
    )


def test_a_chain_of_requirements_goes_back_and_forth() -> None:
    assert_plan(
        plan(TAXES, "{ parcel { refund } }"),
        """
        0 a: { parcel { value(currency: "CNY") id } }
        1 b after 0: parcel Parcel { __typename id value } => { ... on Parcel { tax } }
        2 c after 1: parcel Parcel { __typename id tax } => { ... on Parcel { refund } }
        """,
    )


def test_a_field_is_entered_again_by_key_where_the_subgraph_itself_gave_the_object() -> None:
    assert_plan(
        plan(TAXES, "{ parcels { tax } }"),
        """
        0 b: { parcels { id } }
        1 a after 0: parcels.@ Parcel { __typename id } => { ... on Parcel { value(currency: "CNY") } }
        2 b after 1: parcels.@ Parcel { __typename id value } => { ... on Parcel { tax } }
        """,
    )


def test_a_skipped_field_fetches_none_of_its_inputs() -> None:
    assert_plan(
        plan(TAXES, "query($no: Boolean!) { parcel { id refund @include(if: $no) } }", {"no": False}),
        """
        0 a: { parcel { id } }
        """,
    )


def test_inputs_behind_fragments_are_read_on_their_types_alone() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { case: Case @in(A) }
        type Case @type(A, key: "id") @type(B, key: "id") {
          id: ID!
          party: Party @in(A) @in(B, external: true)
          title: String @in(B, requires: "party { name ... on Firm { form } ... on Person { born } }")
        }
        interface Party @type(A) @type(B) { name: String }
        type Firm implements Party @implements(A, interface: "Party") @implements(B, interface: "Party")
          @type(A) @type(B) {
          name: String form: String
        }
        type Person implements Party @implements(A, interface: "Party") @implements(B, interface: "Party")
          @type(A) @type(B) {
          name: String born: Int
        }
        """,
    )
    planned = plan(model, "{ case { title } }")
    assert_plan(
        planned,
        """
        0 a: { case { party { __typename name ... on Firm { form } ... on Person { born } } id } }
        1 b after 0: case Case { __typename id party { __typename name ... on Firm { form } \\
          ... on Person { born } } } => { ... on Case { title } }
        """,
    )


def test_an_interface_field_that_needs_inputs_on_one_type_is_asked_type_by_type() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { ways: [Way] @in(A) }
        interface Way @type(A) @type(B) { id: ID! length: Int @in(A) @in(B) }
        type Road implements Way @implements(A, interface: "Way") @implements(B, interface: "Way")
          @type(A, key: "id") @type(B, key: "id") {
          id: ID! lanes: Int @in(B) @in(A, external: true) length: Int @in(A, requires: "lanes")
        }
        type Path implements Way @implements(A, interface: "Way") @type(A, key: "id") { id: ID! length: Int }
        """,
    )
    assert_plan(
        plan(model, "{ ways { length } }"),
        """
        0 a: { ways { __typename ... on Path { length } ... on Road { id } } }
        1 b after 0: ways.@|[Road] Road { __typename id } => { ... on Road { lanes } }
        2 a after 1: ways.@|[Road] Road { __typename id lanes } => { ... on Road { length } }
        """,
    )
