"""Operations that mean the same are the same value; what decides the plan is in the digest."""

import pytest
from graphql import build_schema, parse, print_ast, validate

from gateway.errors import BAD_REQUEST, PLAN_LIMIT, CodedError
from gateway.planning.normalize import normalize
from gateway.planning.operation import FieldSelection, FragmentSelection, Operation, Selection

SCHEMA = build_schema(
    """
    type Query { find(by: By, limit: Int! = 5, when: Moment): [Hit!] me: Person }
    input By { name: String tags: [String!] deep: By }
    scalar Moment
    interface Hit { id: ID! title: String }
    type Person implements Hit { id: ID! title: String age: Int friend(n: Int!): Person }
    type Firm implements Hit { id: ID! title: String staff: Int }
    """
)


def normal(query: str, name: str | None = None, **variables: object) -> Operation:
    document = parse(query)
    assert not (problems := validate(SCHEMA, document)), problems
    return normalize(SCHEMA, document, name, variables)


def text(selections: tuple[Selection, ...]) -> str:
    parts = []
    for selection in selections:
        below = f" {{ {text(selection.selections)} }}" if selection.selections else ""
        if isinstance(selection, FragmentSelection):
            parts.append(f"... on {selection.type_condition}{below}")
        else:
            arguments = ", ".join(f"{a.name}: {print_ast(a.value)}" for a in selection.arguments)
            parts.append(f"{selection.response_key}{f'({arguments})' if arguments else ''}{below}")
    return " ".join(parts)


def test_white_space_literals_and_names_of_variables_make_no_difference() -> None:
    one = normal('query A($n: Int!) { find(limit: $n, by: { name: "x" }) { id } }', n=3)
    other = normal('query B($count: Int!) {\n  find(by: {name: "another"}, limit: $count) { id } }', count=9)
    assert one.digest == other.digest
    assert one.selections == other.selections
    assert [(v.name, v.type, v.source, v.literal) for v in one.variables] == [
        ("v0", "By", None, {"name": "x"}),
        ("v1", "Int!", "n", None),
    ]


def test_aliases_and_defaults_make_a_difference() -> None:
    plain = normal("query($n: Int!) { find(limit: $n) { id } }", n=3)
    assert normal("query($n: Int!) { hits: find(limit: $n) { id } }", n=3).digest != plain.digest
    assert normal("query($n: Int = 3) { find(limit: $n) { id } }").digest != plain.digest
    assert normal("query($n: Int = 3) { find(limit: $n) { id } }").variables[0].default == "3"


def test_equal_literals_are_one_variable() -> None:
    operation = normal("{ me { a: friend(n: 1) { id } b: friend(n: 1) { id } c: friend(n: 2) { id } } }")
    assert text(operation.selections) == "me { a(n: $v0) { id } b(n: $v0) { id } c(n: $v1) { id } }"


def test_literals_around_a_variable_are_lifted_one_by_one() -> None:
    operation = normal('query($t: String!) { find(by: { name: "x", deep: { tags: ["a", $t] } }) { id } }', t="b")
    assert text(operation.selections) == "find(by: { name: $v0, deep: { tags: [$v1, $v2] } }) { id }"
    assert [(v.type, v.source) for v in operation.variables] == [("String", None), ("String!", None), ("String!", "t")]


def test_null_stays_a_literal() -> None:
    assert text(normal("{ find(by: null) { id } }").selections) == "find(by: null) { id }"


def test_an_object_for_a_custom_scalar_stays_as_it_was_written() -> None:
    assert text(normal("{ find(when: {at: 1}) { id } }").selections) == "find(when: { at: 1 }) { id }"


def test_fragments_that_always_hold_are_inlined_and_those_that_never_can_are_dropped() -> None:
    operation = normal(
        """
        { me { ...H ... on Hit { title } } find { ... on Hit { id } ... on Person { age ...P } } }
        fragment H on Hit { id ... on Firm { staff } }
        fragment P on Person { title }
        """
    )
    assert text(operation.selections) == "me { id title } find { id ... on Person { age title } }"


def test_fields_under_one_response_key_are_merged_in_order_of_first_mention() -> None:
    operation = normal("{ me { friend(n: 1) { id } age friend(n: 1) { title id } } }")
    assert text(operation.selections) == "me { friend(n: $v0) { id title } age }"


def test_a_field_is_named_by_the_type_that_encloses_it() -> None:
    (find,) = normal("{ find { id ... on Person { id } } }").selections
    assert isinstance(find, FieldSelection)
    first, fragment = find.selections
    assert isinstance(first, FieldSelection)
    assert first.coordinate == "Hit.id"
    inner = fragment.selections[0]
    assert isinstance(inner, FieldSelection)
    assert inner.coordinate == "Person.id"


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: $yes)", False),
        ("@include(if: $yes)", True),
        ("@include(if: $no)", False),
    ],
)
def test_conditions_are_decided(condition: str, kept: bool) -> None:
    operation = normal(
        f"query($yes: Boolean!, $no: Boolean = false) {{ me {{ id age {condition} }} a: me @include(if: $yes) {{ id }} "
        f"b: me @skip(if: $no) {{ id }} }}",
        yes=True,
    )
    assert text(operation.selections) == f"me {{ id{' age' if kept else ''} }} a {{ id }} b {{ id }}"
    assert operation.variables == ()


def test_a_condition_without_a_value_is_refused() -> None:
    with pytest.raises(CodedError, match=r"\$yes decides @include") as error:
        normal("query($yes: Boolean!) { me @include(if: $yes) { id } }")
    assert error.value.code is BAD_REQUEST


def test_the_operation_must_be_named_where_there_are_several() -> None:
    query = "query A { me { id } } query B { me { age } }"
    assert text(normal(query, "B").selections) == "me { age }"
    for name in (None, "C"):
        with pytest.raises(CodedError) as error:
            normal(query, name)
        assert error.value.code is BAD_REQUEST


def test_fragments_that_multiply_are_stopped() -> None:
    levels = "".join(
        f"fragment F{i} on Person {{ a: friend(n: 1) {{ ...F{i + 1} }} b: friend(n: 2) {{ ...F{i + 1} }} }} "
        for i in range(20)
    )
    with pytest.raises(CodedError) as error:
        normal(f"{{ me {{ ...F0 }} }} {levels} fragment F20 on Person {{ id }}")
    assert error.value.code is PLAN_LIMIT
