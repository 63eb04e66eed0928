import pytest
from graphql import build_ast_schema, parse
from graphql.language.print_string import print_string
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.composition.compose import compose
from tests.composition.subgraphs import as_written, definition, errors, federation_2, hints, supergraph
from tests.differential.generator import generate


def test_fields_of_entities_unite_and_each_says_where_it_is() -> None:
    sdl = supergraph(
        *federation_2(
            books='type Query { book: Book } type Book @key(fields: "id") { id: ID! title: String }',
            prices='type Book @key(fields: "id") { id: ID! price: Int }',
        )
    )
    assert definition(sdl, "type Book") == [
        "type Book",
        '@join__type(graph: BOOKS, key: "id")',
        '@join__type(graph: PRICES, key: "id")',
        "{",
        "id: ID!",
        "title: String @join__field(graph: BOOKS)",
        "price: Int @join__field(graph: PRICES)",
        "}",
    ]


def test_graphs_are_listed_with_address_under_names_that_are_enum_values() -> None:
    sdl = supergraph(*as_written(**{"civil-registry": "type Query { a: Int }", "2nd": "type Query { b: Int }"}))
    assert definition(sdl, "enum join__Graph") == [
        "enum join__Graph {",
        '_2ND @join__graph(name: "2nd", url: "http://2nd")',
        'CIVIL_REGISTRY @join__graph(name: "civil-registry", url: "http://civil-registry")',
        "}",
    ]


def test_names_that_become_the_same_enum_value_are_numbered() -> None:
    sdl = supergraph(*as_written(**{"a-b": "type Query { a: Int }", "a.b": "type Query { b: Int }"}))
    assert 'A_B_1 @join__graph(name: "a-b"' in sdl
    assert 'A_B_2 @join__graph(name: "a.b"' in sdl


@pytest.mark.parametrize(("version", "join"), [("v2.0", "v0.3"), ("v2.6", "v0.3"), ("v2.7", "v0.4"), ("v2.8", "v0.5")])
def test_the_join_specification_follows_the_newest_federation_version(version: str, join: str) -> None:
    header = f'extend schema @link(url: "https://specs.apollo.dev/federation/{version}")\n'
    assert f"join/{join}" in supergraph(*as_written(a=f"{header}type Query {{ a: Int }}"))


def test_output_types_widen_and_input_types_narrow() -> None:
    sdl = supergraph(
        *federation_2(
            a="type Query { books(first: Int): [Int!]! @shareable }",
            b="type Query { books(first: Int!): [Int] @shareable }",
        )
    )
    assert (
        'books(first: Int!): [Int] @join__field(graph: A, type: "[Int!]!") @join__field(graph: B, type: "[Int]")'
        in definition(sdl, "type Query")
    )


def test_input_fields_and_optional_arguments_intersect() -> None:
    composition = compose(
        federation_2(
            a="type Query { a(page: Page): Int common(x: Int, y: Int): Int @shareable } "
            "input Page { first: Int after: ID }",
            b="type Query { b(page: Page): Int common(x: Int): Int @shareable } input Page { first: Int }",
        )
    )
    sdl = composition.supergraph_sdl or ""
    assert "first: Int" in definition(sdl, "input Page")
    assert not any("after" in line for line in definition(sdl, "input Page"))
    assert "common(x: Int): Int" in definition(sdl, "type Query")
    assert sorted(hints(composition)) == ["INCONSISTENT_ARGUMENT_PRESENCE", "INCONSISTENT_INPUT_OBJECT_FIELD"]


@pytest.mark.parametrize(
    ("query_of_a", "query_of_b", "values"),
    [
        ("a: Kind", "b: Kind", ["X", "Y", "Z"]),
        ("a(k: Kind): Int", "b(k: Kind): Int", ["Y"]),
    ],
)
def test_enums_unite_where_received_and_intersect_where_sent(
    query_of_a: str, query_of_b: str, values: list[str]
) -> None:
    sdl = supergraph(
        *federation_2(
            a=f"type Query {{ {query_of_a} }} enum Kind {{ X Y }}",
            b=f"type Query {{ {query_of_b} }} enum Kind {{ Y Z }}",
        )
    )
    assert sorted(line.split(" ")[0] for line in definition(sdl, "enum Kind")[4:-1]) == values


def test_a_hidden_enum_value_need_not_be_known_everywhere() -> None:
    sdl = supergraph(
        *federation_2(
            a="type Query { a(k: Kind): Kind } enum Kind { X }",
            b="type Query { b: Kind } enum Kind { X Y @inaccessible }",
        )
    )
    assert "Y @join__enumValue(graph: B) @inaccessible" in definition(sdl, "enum Kind")


def test_an_overridden_field_leaves_its_subgraph_unless_it_is_used_there() -> None:
    sdl = supergraph(
        *federation_2(
            new='type Query { b: Book } type Book @key(fields: "id") { id: ID title: String @override(from: "old") '
            'isbn: ID @override(from: "old") }',
            old='type Book @key(fields: "id") @key(fields: "isbn") { id: ID title: String isbn: ID }',
        )
    )
    book = definition(sdl, "type Book")
    assert 'title: String @join__field(graph: NEW, override: "old")' in book
    assert 'isbn: ID @join__field(graph: NEW, override: "old") @join__field(graph: OLD, usedOverridden: true)' in book


def test_a_labelled_override_keeps_both_fields_under_the_label() -> None:
    sdl = supergraph(
        *federation_2(
            new='type Query { a: Int @override(from: "old", label: "percent(5)") }', old="type Query { a: Int b: Int }"
        )
    )
    assert (
        'a: Int @join__field(graph: NEW, override: "old", overrideLabel: "percent(5)") '
        '@join__field(graph: OLD, overrideLabel: "percent(5)")' in definition(sdl, "type Query")
    )


def test_an_override_in_a_type_of_several_kinds_is_not_followed() -> None:
    composition = compose(
        federation_2(
            a='type Query { t: T } type T @key(fields: "id") { id: ID x: Int @override(from: "c") }',
            b="interface T { id: ID }",
            c="type Query { c: Int }",
        )
    )
    assert errors(composition) == ["TYPE_KIND_MISMATCH"]


def test_an_override_of_a_field_that_is_gone_changes_nothing() -> None:
    sdl = supergraph(
        *federation_2(
            new='type Query { book: Book } type Book @key(fields: "id") { id: ID '
            'title: String @override(from: "old", label: "percent(5)") }',
            old='type Book @key(fields: "id") { id: ID pages: Int }',
        )
    )
    assert 'title: String @join__field(graph: NEW, override: "old")' in definition(sdl, "type Book")


def test_fields_of_an_interface_object_reach_every_implementation() -> None:
    sdl = supergraph(
        *federation_2(
            media='type Query { media: [Media] } interface Media @key(fields: "id") { id: ID! } '
            'type Book implements Media @key(fields: "id") { id: ID! }',
            reviews='type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int }',
        )
    )
    assert "stars: Int @join__field" in definition(sdl, "type Book")
    assert "stars: Int @join__field(graph: REVIEWS)" in definition(sdl, "interface Media")
    assert '@join__type(graph: REVIEWS, key: "id", isInterfaceObject: true)' in definition(sdl, "interface Media")


def test_a_resolved_field_takes_from_an_interface_object_only_what_it_asks_of_callers() -> None:
    sdl = supergraph(
        *federation_2(
            a='type Query { media: Media } interface Media @key(fields: "id") { id: ID! } '
            'type Book implements Media @key(fields: "id") { id: ID! }',
            b='type Media @key(fields: "id") @interfaceObject { id: ID! @tag(name: "b") @authenticated }',
        )
    )
    assert "id: ID! @authenticated" in definition(sdl, "type Book")
    assert 'id: ID! @tag(name: "b") @authenticated' in definition(sdl, "interface Media")


def test_arguments_from_a_context_are_the_gateways_to_fill() -> None:
    sdl = supergraph(
        *federation_2(
            a='type Query { shop: Shop } type Shop @key(fields: "id") @context(name: "shop") { id: ID currency: String '
            'book: Book } type Book @key(fields: "id") { id: ID '
            'price(currency: String @fromContext(field: "$shop { currency }")): Int }'
        )
    )
    assert (
        'price: Int @join__field(graph: A, contextArguments: [{context: "a__shop", name: "currency", type: "String", '
        'selection: " { currency }"}])' in definition(sdl, "type Book")
    )
    assert '@context(name: "a__shop")' in definition(sdl, "type Shop")


def test_descriptions_defaults_and_standard_directives_survive() -> None:
    sdl = supergraph(
        *federation_2(
            a='"""All\n  about books""" type Query { "one" a(x: Int = 3, i: In): Day @deprecated(reason: "old") } '
            'scalar Day @specifiedBy(url: "https://days.example") input In @oneOf { x: Int y: [Int] = [1, 2] }'
        )
    )
    assert '"""one"""' in sdl
    assert 'a(x: Int = 3, i: In): Day @deprecated(reason: "old")' in sdl
    assert '@specifiedBy(url: "https://days.example")' in definition(sdl, "scalar Day")
    assert "@oneOf" in definition(sdl, "input In")
    assert "y: [Int] = [1, 2]" in definition(sdl, "input In")


@settings(deadline=None)
@given(
    text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n \"\\'"))
)
def test_any_text_survives_as_description_and_as_argument(text: str) -> None:
    quoted = print_string(text)
    sdl = supergraph(*federation_2(a=f"{quoted} type Query {{ {quoted} a: Int @tag(name: {quoted}) }}"))
    query = build_ast_schema(parse(sdl), assume_valid_sdl=True).query_type
    assert query is not None
    assert (query.description or "", query.fields["a"].description or "") == (text, text)
    applied = query.fields["a"].ast_node.directives[0]  # type: ignore[union-attr]
    assert applied.arguments[0].value.value == text  # type: ignore[attr-defined]


def test_all_problems_of_a_stage_are_told_at_once() -> None:
    composition = compose(
        federation_2(
            a="type Query { a: Int b(x: Int): Int @shareable } type T @shareable { x: Int }",
            b="type Query { a: Int b(x: String): Int @shareable } type T @shareable { x: [Int] }",
        )
    )
    assert sorted(errors(composition)) == [
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "FIELD_TYPE_MISMATCH",
        "INVALID_FIELD_SHARING",
    ]


def test_a_broken_subgraph_does_not_hide_the_problems_of_another() -> None:
    composition = compose(
        federation_2(a="type Query { a: Missing }", b='type Query { b: T } type T @key(fields: "no") { id: ID }')
    )
    assert errors(composition) == ["INVALID_GRAPHQL", "KEY_INVALID_FIELDS"]
    assert [issue.nodes[0].line for issue in composition.errors] == [2, 2]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 400).map(lambda n: n * 4), order=st.randoms(use_true_random=False))
def test_the_order_of_subgraphs_never_matters(seed: int, order: object) -> None:
    sources = list(as_written(**dict(generate(seed))))
    first = compose(sources)
    order.shuffle(sources)  # type: ignore[attr-defined]
    second = compose(sources)
    assert first == second
