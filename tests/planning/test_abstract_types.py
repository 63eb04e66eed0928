"""Interfaces and unions: asked for as one where that serves, type by type where it must be."""

from tests.planning.plans import assert_plan, plan, supergraph

ASSETS = supergraph(
    "a b c",
    """
    type Query @type(A) @type(B) @type(C) { assets: [Asset] @in(A) node(id: ID!): Node @in(A) found: Found @in(A) }
    interface Asset @type(A) @type(B) { id: ID! label: String @in(A) @in(B) value: Int @in(B) }
    interface Node @type(A) @type(C) { id: ID! }
    union Found @type(A) @member(A, member: "House") @member(A, member: "Car") @member(A, member: "Note")
      = House | Car | Note
    type House implements Asset & Node
      @implements(A, interface: "Asset") @implements(A, interface: "Node") @implements(B, interface: "Asset")
      @type(A, key: "id") @type(B, key: "id") {
      id: ID! label: String @in(A) value: Int @in(B) rooms: Int @in(B)
    }
    type Car implements Asset & Node
      @implements(A, interface: "Asset") @implements(B, interface: "Asset") @implements(C, interface: "Node")
      @type(A, key: "id") @type(B, key: "id") @type(C, key: "id") {
      id: ID! label: String @in(A) @in(B, external: true) value: Int @in(B) plate: String @in(C)
    }
    type Note @type(A) { text: String }
    """,
)


def test_a_field_that_every_type_has_is_asked_on_the_interface() -> None:
    assert_plan(
        plan(ASSETS, "{ assets { id label } }"),
        """
        0 a: { assets { __typename id label } }
        """,
    )


def test_a_field_that_another_subgraph_has_is_fetched_for_all_types_in_one_selection() -> None:
    assert_plan(
        plan(ASSETS, "{ assets { value } }"),
        """
        0 a: { assets { __typename id } }
        1 b after 0: assets.@ * { __typename id } => { ... on Asset { value } }
        """,
    )


def test_each_types_own_fields_come_from_where_each_type_has_them() -> None:
    query = "{ assets { label ... on House { rooms } ... on Car { plate } } }"
    assert_plan(
        plan(ASSETS, query),
        """
        0 a: { assets { __typename label id } }
        1 b after 0: assets.@|[House] House { __typename id } => { ... on House { rooms } }
        2 c after 0: assets.@|[Car] Car { __typename id } => { ... on Car { plate } }
        """,
    )


def test_a_fragment_on_an_interface_that_a_member_implements_elsewhere_is_asked_on_the_member() -> None:
    assert_plan(
        plan(ASSETS, "{ found { ... on Node { id } ... on Note { text } } }"),
        """
        0 a: { found { __typename ... on Asset { id } ... on Note { text } } }
        """,
    )


def test_the_type_is_asked_for_wherever_it_is_not_certain_and_nowhere_else() -> None:
    model = supergraph(
        "a",
        """
        type Query @type(A) { one: Thing many: [Any] }
        type Thing @type(A) { name: String }
        type Other @type(A) { name: String }
        union Any @type(A) @member(A, member: "Thing") @member(A, member: "Other") = Thing | Other
        """,
    )
    planned = plan(model, "{ __typename one { kind: __typename name } many { kind: __typename again: __typename } }")
    assert_plan(
        planned,
        """
        0 a: { one { name } many { __typename } }
        """,
    )
    root, one, many = planned.projection
    assert (root.constant, one.fields[0].constant) == ("Query", "Thing")
    assert [(f.response_key, f.slot, f.constant) for f in many.fields] == [
        ("kind", "__typename", None),
        ("again", "__typename", None),
    ]


def test_an_object_of_which_nothing_is_left_to_fetch_is_still_asked_for() -> None:
    planned = plan(ASSETS, "query($no: Boolean!) { found { ... on Note @include(if: $no) { text } } }", {"no": False})
    assert_plan(
        planned,
        """
        0 a: { found { __typename } }
        """,
    )


def test_types_that_disagree_on_null_under_one_name_get_slots_of_their_own() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { owners: [Owner] @in(A) }
        union Owner @type(A) @member(A, member: "Person") @member(A, member: "Firm") = Person | Firm
        type Person @type(A, key: "no") @type(B, key: "no") { no: ID! id: ID @in(A, type: "ID!") @in(B) }
        type Firm @type(A) { id: ID }
        """,
    )
    planned = plan(model, "{ owners { ... on Person { id } ... on Firm { id } } }")
    assert_plan(
        planned,
        """
        0 a: { owners { __typename ... on Person { id } ... on Firm { id_1: id } } }
        """,
    )
    (owners,) = planned.projection
    assert [(field.response_key, field.slot, field.on_types) for field in owners.fields] == [
        ("id", "id_1", frozenset({"Firm"})),
        ("id", "id", frozenset({"Person"})),
    ]


def test_members_that_only_some_subgraphs_know_are_asked_for_where_all_candidates_know_them() -> None:
    model = supergraph(
        "a b",
        """
        type Query @type(A) @type(B) { file: File @in(A) only: File @in(B) }
        type File @type(A, key: "id") @type(B, key: "id") { id: ID! parts: [Part] last: Part @in(B) }
        union Part @type(A) @type(B) @member(A, member: "Text") @member(B, member: "Text")
          @member(A, member: "Scan") @member(B, member: "Sound") = Text | Scan | Sound
        type Text @type(A) @type(B) { words: Int }
        type Scan @type(A) { pages: Int }
        type Sound @type(B) { seconds: Int }
        """,
    )
    parts = "{ ... on Text { words } ... on Scan { pages } ... on Sound { seconds } }"
    assert_plan(
        plan(model, f"{{ file {{ parts {parts} }} }}"),
        """
        0 a: { file { parts { __typename ... on Text { words } } } }
        """,
    )
    assert_plan(
        plan(model, f"{{ only {{ last {parts} }} }}"),
        """
        0 b: { only { last { __typename ... on Text { words } ... on Sound { seconds } } } }
        """,
    )


def test_an_interface_field_goes_into_the_slot_of_a_fragment_with_the_same_meaning() -> None:
    assert_plan(
        plan(ASSETS, "{ assets { label ... on House { label rooms } } }"),
        """
        0 a: { assets { __typename label ... on House { id } } }
        1 b after 0: assets.@|[House] House { __typename id } => { ... on House { rooms } }
        """,
    )


def test_what_is_asked_alike_of_each_type_is_asked_once_unless_it_takes_arguments_or_is_another_elsewhere() -> None:
    model = supergraph(
        "a",
        """
        type Query @type(A) { found: [Found] }
        union Found @type(A) @member(A, member: "Map") @member(A, member: "Plan") = Map | Plan
        interface Sheet @type(A) { no: ID! scale: Int at: Place }
        interface Place @type(A) { x: Int }
        type Map implements Sheet @implements(A, interface: "Sheet") @type(A) { no: ID! scale(unit: Int): Int at: Spot }
        type Plan implements Sheet @implements(A, interface: "Sheet") @type(A) { no: ID! scale: Int at: Place }
        type Spot implements Place @implements(A, interface: "Place") @type(A) { x: Int }
        """,
    )
    assert_plan(
        plan(model, "{ found { ... on Map { no } ... on Plan { no } } }"),
        "0 a: { found { __typename ... on Sheet { no } } }",
    )
    assert_plan(
        plan(model, "{ found { ... on Map { scale(unit: 1) } ... on Plan { scale } } }"),
        """
        0 a: query($v0: Int) { found { __typename ... on Map { scale(unit: $v0) } ... on Plan { scale_1: scale } } }
        """,
    )
    assert_plan(
        plan(model, "{ found { ... on Map { at { x } } ... on Plan { at { x } } } }"),
        """
        0 a: { found { __typename ... on Map { at { x } } ... on Plan { at { __typename x } } } }
        """,
    )
