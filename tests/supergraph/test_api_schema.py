"""The schema a caller sees: smaller, and always valid."""

from graphql import GraphQLSchema, print_schema, validate_schema
from hypothesis import given
from hypothesis import strategies as st

from gateway.supergraph.api_schema import api_schema, contract_schema
from gateway.supergraph.lazy_schema import NOTHING
from tests.planning.plans import supergraph

MODEL = supergraph(
    "a",
    """
    type Query @type(A) { find(by: By, kind: Kind = HOME, at: Int!): [Place!]! any: Any hidden: Secret only: Lonely }
    type Mutation @type(A) { save(by: By!): Home }
    input By @type(A) { name: String! kind: Kind = HOME tags: [Tag] deep: By }
    input Tag @type(A) { text: String }
    enum Kind @type(A) { HOME SHOP SECRET @inaccessible }
    interface Place @type(A) { id: ID! label(lang: Lang): String }
    type Home implements Place @implements(A, interface: "Place") @type(A) {
      id: ID! label(lang: Lang, short: Boolean = false): String rooms: Int owner: Person
    }
    type Shop implements Place @implements(A, interface: "Place") @type(A) { id: ID! label(lang: Lang): String }
    enum Lang @type(A) { ZH EN }
    type Person @type(A) { name: String }
    type Secret @type(A) @inaccessible { x: Int }
    type Lonely @type(A) { kind: Kind }
    union Any @type(A) @member(A, member: "Home") @member(A, member: "Person") = Home | Person
    """,
)
COORDINATES = sorted(
    coordinate
    for definition in MODEL.types.values()
    for coordinate in (
        definition.name,
        *(f"{definition.name}.{name}" for name in (*definition.fields, *definition.values)),
        *(f"{definition.name}.{f.name}({a}:)" for f in definition.fields.values() for a in f.arguments),
    )
)


def has(schema: GraphQLSchema, *coordinates: str) -> list[bool]:
    found = []
    for coordinate in coordinates:
        name, _, member = coordinate.partition(".")
        type_ = schema.type_map.get(name)
        members = getattr(type_, "fields", None) or getattr(type_, "values", None) or {}
        found.append(type_ is not None and (not member or member in members))
    return found


def test_what_is_inaccessible_is_not_there() -> None:
    schema = api_schema(MODEL)
    assert has(schema, "Secret", "Query.hidden", "Kind.SECRET", "Kind.HOME") == [False, False, False, True]
    assert not validate_schema(schema)


def test_a_hidden_type_takes_along_all_that_leads_to_it() -> None:
    schema = contract_schema(MODEL, frozenset({"Person"}))
    assert has(schema, "Person", "Home.owner", "Query.any") == [False, False, True]
    assert [t.name for t in schema.type_map["Any"].types] == ["Home"]  # type: ignore[attr-defined]


def test_a_type_of_which_nothing_is_left_goes_and_so_does_what_only_it_used() -> None:
    schema = contract_schema(MODEL, frozenset({"Lonely.kind", "By", "Query.find(kind:)"}))
    assert has(schema, "Lonely", "Query.only", "Tag", "Kind", "Query.find") == [False, False, False, False, True]
    assert schema.mutation_type is None


def test_a_required_argument_that_nobody_may_give_takes_its_field_along() -> None:
    assert has(contract_schema(MODEL, frozenset({"Query.find(at:)"})), "Query.find") == [False]


def test_a_required_input_field_that_nobody_may_give_takes_its_input_along() -> None:
    schema = contract_schema(MODEL, frozenset({"By.name"}))
    assert has(schema, "By", "Query.find", "Mutation") == [False, True, False]


def test_a_field_hidden_on_one_type_cannot_be_read_through_its_interface() -> None:
    schema = contract_schema(MODEL, frozenset({"Shop.label"}))
    assert has(schema, "Shop.label", "Place.label", "Home.label") == [False, False, True]


def test_a_type_that_goes_whole_leaves_its_interfaces_to_the_others() -> None:
    for hidden in ({"Shop"}, {"Shop.id", "Shop.label"}):
        assert has(contract_schema(MODEL, frozenset(hidden)), "Shop", "Place.id", "Home.id") == [False, True, True]


def test_a_default_that_names_something_hidden_stays_with_the_subgraph() -> None:
    schema = contract_schema(MODEL, frozenset({"Kind.HOME"}))
    assert "kind: Kind\n" in print_schema(schema)
    assert "find(by: By, kind: Kind, at: Int!)" in print_schema(schema)


def test_a_caller_to_whom_nothing_is_open_still_gets_a_schema() -> None:
    schema = contract_schema(MODEL, frozenset({"Query", "Mutation"}))
    assert list(schema.query_type.fields) == [NOTHING]  # type: ignore[union-attr]
    assert not validate_schema(schema)


def test_what_nothing_leads_to_keeps_the_types_that_it_names() -> None:
    model = supergraph(
        "a",
        """
        type Query @type(A) { x: Int secret: Kind @inaccessible }
        type Orphan @type(A) { kind: Kind }
        enum Kind @type(A) { HOME }
        """,
    )
    assert "kind: Kind" in print_schema(api_schema(model))


def test_unknown_coordinates_hide_nothing() -> None:
    unknown = contract_schema(MODEL, frozenset({"No", "Query.no", "Query.find(no:)"}))
    assert print_schema(unknown) == print_schema(api_schema(MODEL))


@given(st.sets(st.sampled_from(COORDINATES)))
def test_whatever_is_hidden_the_schema_is_valid_and_shows_none_of_it(hidden: set[str]) -> None:
    schema = contract_schema(MODEL, frozenset(hidden))
    object.__setattr__(schema, "_validation_errors", None)
    assert validate_schema(schema) == []
    plain = [coordinate for coordinate in hidden if "(" not in coordinate and coordinate != "Query"]
    assert not any(has(schema, *plain))
