import pytest

from gateway.composition.compose import SubgraphSource, compose
from tests.composition.subgraphs import errors


def refused(sdl: str) -> list[str]:
    return errors(compose([SubgraphSource("a", "", sdl)]))


def test_a_schema_of_five_megabytes_is_refused_unread() -> None:
    assert refused("type Query { a: Int }\n" + "# filler\n" * 600_000) == ["SUBGRAPH_TOO_LARGE"]


def test_a_schema_of_too_many_tokens_is_refused() -> None:
    assert refused("type Query { a: Int }" + " scalar S" * 60_000) == ["SUBGRAPH_TOO_LARGE"]


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query { a: " + "[" * 5000 + "Int" + "]" * 5000 + " }",
        "type Query { a(x: [Int] = " + "[" * 5000 + "]" * 5000 + "): Int }",
        "input I { a: I = " + "{a:" * 5000 + "}" * 5000 + " } type Query { a: Int }",
    ],
)
def test_deep_nesting_is_refused(sdl: str) -> None:
    assert refused(sdl) == ["SUBGRAPH_TOO_LARGE"]


def test_a_deep_field_set_is_refused() -> None:
    fields = "t { " * 500 + "id" + " }" * 500
    header = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
    assert refused(f'{header}type Query {{ t: T }} type T @key(fields: "{fields}") {{ id: ID t: T }}') == [
        "KEY_INVALID_FIELDS"
    ]


def test_a_chain_of_requirements_as_long_as_a_book_ends_with_a_code() -> None:
    link = '@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])'
    header = f"extend schema {link}\n"
    sources = []
    for side, name in enumerate("ab"):
        fields = ["id: ID!"]
        for index in range(400):
            if index % 2 == side:
                fields.append(f"f{index}: Int" + (f' @requires(fields: "f{index + 1}")' if index < 399 else ""))
            elif index:
                fields.append(f"f{index}: Int @external")
        query = f"type Query {{ {name}: T }}"
        sdl = f'{header}{query} type T @key(fields: "id") {{ {" ".join(fields)} }}'
        sources.append(SubgraphSource(name, "", sdl))
    assert errors(compose(sources)) == ["MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"]


def test_brackets_in_text_do_not_count_as_nesting() -> None:
    brackets = "[" * 500
    assert refused(f'"{brackets}" type Query {{ "{brackets}" a(x: String = "{brackets}"): Int # {brackets}\n}}') == []


def test_a_long_chain_of_required_inputs_is_walked_without_recursion() -> None:
    chain = "\n".join(f"input I{i} {{ next: I{i + 1}! }}" for i in range(3000))
    assert refused(f"type Query {{ a(x: I0): Int }}\n{chain}\ninput I3000 {{ next: I0! }}") == ["INVALID_GRAPHQL"]


@pytest.mark.parametrize(
    ("sdl", "told"),
    [
        ("type Query { a: Int } type A { a: Int } type A { b: Int }", "only one definition of type A"),
        ("type Query { a: Int a: Int }", "more than once"),
        ("type Query { a: Int @unknown }", "Unknown directive @unknown"),
        ("type Query { a: Int } type B implements Q { a: Int }", "Unknown type 'Q'"),
        ("type Query { a: Int } input I { i: I! }", "requires itself"),
        ("type Query { a: Int } enum E", "one or more values"),
        ("type Query { a: Int } interface I { x: Int } type T implements I { x: String }", "expects type Int"),
        ("type Query { a(x: Int = true): Int }", "is no Int"),
        ("type Query { a: I } input I { x: Int }", "output type"),
        ("type Query { __a: Int }", "two underscores"),
        ("{ a }", "may hold definitions alone"),
        ("type Query {", "Syntax Error"),
        ("type Query { a: Int @deprecated @deprecated }", "not repeatable"),
        ("type Query { a: Int @deprecated(why: 3) }", "no argument 'why'"),
    ],
)
def test_what_breaks_graphql_is_told(sdl: str, told: str) -> None:
    (issue, *_) = compose([SubgraphSource("a", "", sdl)]).errors
    assert issue.code.name == "INVALID_GRAPHQL"
    assert told in issue.message
