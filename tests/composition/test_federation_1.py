from gateway.composition.compose import compose
from tests.composition.subgraphs import as_written, definition, errors, supergraph


def test_value_types_that_several_subgraphs_repeat_are_shared() -> None:
    text = "type Query {{ {0}: Money }} type Money {{ amount: Int }}"
    sdl = supergraph(*as_written(a=text.format("a"), b=text.format("b")))
    assert "amount: Int" in definition(sdl, "type Money")


def test_external_keys_of_extensions_are_resolved_there() -> None:
    sdl = supergraph(
        *as_written(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID! title: String }',
            b='extend type Book @key(fields: "id") { id: ID! @external price: Int }',
        )
    )
    assert definition(sdl, "type Book")[1:] == [
        '@join__type(graph: A, key: "id")',
        '@join__type(graph: B, key: "id")',
        "{",
        "id: ID!",
        "title: String @join__field(graph: A)",
        "price: Int @join__field(graph: B)",
        "}",
    ]


def test_what_does_nothing_is_dropped() -> None:
    sdl = supergraph(
        *as_written(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID! title: String pages: Int }',
            b='extend type Book @key(fields: "id") { id: ID! @external title: String @external '
            'own: Int label: String @requires(fields: "own") }',
        )
    )
    book = definition(sdl, "type Book")
    assert "title: String @join__field(graph: A)" in book
    assert "label: String @join__field(graph: B)" in book


def test_requirements_on_external_fields_stay() -> None:
    sdl = supergraph(
        *as_written(
            a='type Query { book: Book } type Book @key(fields: "id") { id: ID! weight: Int }',
            b='extend type Book @key(fields: "id") { id: ID! @external weight: Int @external '
            'price: Int @requires(fields: "weight") }',
        )
    )
    assert "weight: Int @join__field(graph: A) @join__field(graph: B, external: true)" in definition(sdl, "type Book")
    assert 'price: Int @join__field(graph: B, requires: "weight")' in definition(sdl, "type Book")


def test_an_extension_of_nothing_is_told() -> None:
    composition = compose(as_written(a="type Query { a: Int }", b="extend type Book { id: ID }"))
    assert errors(composition) == ["EXTENSION_WITH_NO_BASE"]


def test_machinery_of_the_service_itself_is_no_part_of_the_schema() -> None:
    text = (
        "scalar _Any scalar _FieldSet directive @key(fields: _FieldSet!) repeatable on OBJECT | INTERFACE "
        'union _Entity = Book type _Service { sdl: String } type Book @key(fields: "id") { id: ID! } '
        "type Query { book: Book _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }"
    )
    sdl = supergraph(*as_written(a=text))
    assert definition(sdl, "type Query")[-2:] == ["book: Book", "}"]
    assert "_Entity" not in sdl


def test_a_schema_without_links_that_defines_override_itself_means_it() -> None:
    sdl = supergraph(
        *as_written(
            a="directive @override(from: String!) on FIELD_DEFINITION type Query { book: Book } "
            'type Book @key(fields: "id") { id: ID! price: Int @override(from: "b") }',
            b='type Book @key(fields: "id") { id: ID! price: Int }',
        )
    )
    assert 'price: Int @join__field(graph: A, override: "b")' in definition(sdl, "type Book")


def test_a_hand_written_definition_must_be_that_of_the_first_version() -> None:
    sdl = "directive @override(from: String!, label: String) on FIELD_DEFINITION type Query { a: Int }"
    assert errors(compose(as_written(a=sdl))) == ["DIRECTIVE_DEFINITION_INVALID"]
