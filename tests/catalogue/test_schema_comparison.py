import pytest
from graphql import build_schema

from catalog_sync.schema_comparison import ChangeEffect, changes_as_text, compare_schemas

QUERY = "type Query { a: Int }"


@pytest.mark.parametrize(
    ("old", "new", "effect", "coordinate"),
    [
        ("type Query { a: Int b: Int }", "type Query { a: Int }", ChangeEffect.BREAKING, "Query.b"),
        ("type Query { a: Int }", "type Query { a: Int b: Int }", ChangeEffect.SAFE, "Query.b"),
        ("type Query { a: Int! }", "type Query { a: Int }", ChangeEffect.BREAKING, "Query.a"),
        ("type Query { a: Int }", "type Query { a: Int! }", ChangeEffect.SAFE, "Query.a"),
        ("type Query { a(x: Int): Int }", "type Query { a: Int }", ChangeEffect.BREAKING, "Query.a(x:)"),
        ("type Query { a: Int }", "type Query { a(x: Int!): Int }", ChangeEffect.BREAKING, "Query.a(x:)"),
        ("type Query { a: Int }", "type Query { a(x: Int! = 1): Int }", ChangeEffect.SAFE, "Query.a(x:)"),
        ("type Query { a(x: Int!): Int }", "type Query { a(x: Int): Int }", ChangeEffect.SAFE, "Query.a(x:)"),
        ("type Query { a(x: Int): Int }", "type Query { a(x: Int!): Int }", ChangeEffect.BREAKING, "Query.a(x:)"),
        ("type Query { a(x: Int = 1): Int }", "type Query { a(x: Int = 2): Int }", ChangeEffect.RISKY, "Query.a(x:)"),
        ("type Query { a(x: Int! = 1): Int }", "type Query { a(x: Int!): Int }", ChangeEffect.BREAKING, "Query.a(x:)"),
        ("type Query { a: E } enum E { X }", "type Query { a: E } enum E { X Y }", ChangeEffect.RISKY, "E.Y"),
        ("type Query { a: E } enum E { X Y }", "type Query { a: E } enum E { X }", ChangeEffect.BREAKING, "E.Y"),
        ("type Query { a: Int } scalar S", "type Query { a: Int }", ChangeEffect.BREAKING, "S"),
        ("type Query { a: Int } scalar S", "type Query { a: Int } type S { x: Int }", ChangeEffect.BREAKING, "S"),
        (
            "type Query { a: U } type A { x: Int } type B { x: Int } union U = A",
            "type Query { a: U } type A { x: Int } type B { x: Int } union U = A | B",
            ChangeEffect.RISKY,
            "U",
        ),
        ("type Query { a: Int }", 'type Query { a: Int @deprecated(reason: "old") }', ChangeEffect.SAFE, "Query.a"),
        (
            "type Query { a(i: I): Int } input I { x: Int }",
            "type Query { a(i: I): Int } input I { x: Int y: Int! }",
            ChangeEffect.BREAKING,
            "I.y",
        ),
        (
            "type Query { a: N } interface N { x: Int } type T implements N { x: Int }",
            "type Query { a: T } interface N { x: Int } type T implements N { x: Int }",
            ChangeEffect.SAFE,
            "Query.a",
        ),
        (
            "type Query { a(i: I): Int } input I { x: Int y: Int }",
            "type Query { a(i: I): Int } input I @oneOf { x: Int y: Int }",
            ChangeEffect.BREAKING,
            "I",
        ),
        (
            "type Query { a(i: I): Int } input I @oneOf { x: Int y: Int }",
            "type Query { a(i: I): Int } input I { x: Int y: Int }",
            ChangeEffect.SAFE,
            "I",
        ),
        (
            'type Query { a: S } scalar S @specifiedBy(url: "https://a")',
            'type Query { a: S } scalar S @specifiedBy(url: "https://b")',
            ChangeEffect.RISKY,
            "S",
        ),
        (f"{QUERY} directive @d on FIELD", QUERY, ChangeEffect.BREAKING, "@d"),
        (QUERY, f"{QUERY} directive @d on FIELD", ChangeEffect.SAFE, "@d"),
        (f"{QUERY} directive @d on FIELD | QUERY", f"{QUERY} directive @d on FIELD", ChangeEffect.BREAKING, "@d"),
        (f"{QUERY} directive @d on FIELD", f"{QUERY} directive @d on FIELD | QUERY", ChangeEffect.SAFE, "@d"),
        (f"{QUERY} directive @d repeatable on FIELD", f"{QUERY} directive @d on FIELD", ChangeEffect.BREAKING, "@d"),
        (
            f"{QUERY} directive @d(x: Int) on FIELD",
            f"{QUERY} directive @d(x: Int!) on FIELD",
            ChangeEffect.BREAKING,
            "@d(x:)",
        ),
    ],
)
def test_a_change_is_told_with_whom_it_may_hurt(old: str, new: str, effect: ChangeEffect, coordinate: str) -> None:
    (change,) = compare_schemas(build_schema(old), build_schema(new))
    assert (change.effect, change.coordinate) == (effect, coordinate)


def test_a_schema_does_not_differ_from_itself() -> None:
    schema = build_schema("type Query { a(x: [Int!] = [1]): E } enum E { X }")
    assert compare_schemas(schema, schema) == ()


def test_a_directive_of_schemas_is_no_clients_matter() -> None:
    changes = compare_schemas(build_schema(QUERY), build_schema(f"{QUERY} directive @own on OBJECT"))
    assert changes == ()


def test_breaking_changes_come_first_in_text() -> None:
    changes = compare_schemas(build_schema("type Query { b: Int }"), build_schema("type Query { a: Int }"))
    assert (
        changes_as_text(changes) == "breaking Query.b: the field was removed.\nsafe     Query.a: the field was added."
    )
