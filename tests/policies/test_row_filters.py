"""A row condition means the same as JSON, in Python and in each engine's SQL, and never too much."""

import sqlite3
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.callers import Caller, CallerKind
from policies.errors import CodedError
from policies.row_filters import (
    NO_ROWS,
    Absent,
    AtLeast,
    CallerValue,
    Dialect,
    Equals,
    Every,
    Less,
    OneOf,
    Opposite,
    RowFilter,
    Some,
    StartsWith,
    bind_caller,
    items_of,
    matches,
    parse_row_filter,
    to_sql,
)

ITEMS = ("district", "amount", "status")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | st.sampled_from(
    ["500103", "5001", "重庆", "\U0010ffff", "a\U0010ffff", "\ud7ff", "", "%", "_"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = TEXTS | NUMBERS | st.booleans()
TESTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Equals, st.sampled_from(ITEMS), VALUES),
    st.builds(Less, st.sampled_from(ITEMS), VALUES),
    st.builds(AtLeast, st.sampled_from(ITEMS), VALUES),
    st.builds(StartsWith, st.sampled_from(ITEMS), TEXTS),
    st.builds(OneOf, st.sampled_from(ITEMS), st.lists(VALUES, max_size=3).map(tuple)),
    st.builds(Absent, st.sampled_from(ITEMS)),
)
FILTERS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(Every, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Opposite, inner),
    ),
    max_leaves=6,
)
ROWS = st.lists(st.fixed_dictionaries({item: st.none() | VALUES for item in ITEMS}), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(FILTERS, ROWS)
def test_sqlite_keeps_exactly_the_rows_that_python_keeps(row_filter: RowFilter, rows: list[dict[str, Any]]) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE r (n INTEGER, district, amount, status)")
    database.executemany(
        "INSERT INTO r VALUES (?, ?, ?, ?)", [(n, *(row[i] for i in ITEMS)) for n, row in enumerate(rows)]
    )
    condition = to_sql(row_filter, Dialect.SQLITE, {item: f"r.{item}" for item in ITEMS})
    kept = [n for (n,) in database.execute(f"SELECT n FROM r WHERE {condition.text} ORDER BY n", condition.parameters)]
    database.close()
    assert kept == [n for n, row in enumerate(rows) if matches(row_filter, row)]


@settings(max_examples=100, deadline=None)
@given(FILTERS)
def test_a_condition_survives_its_json_form(row_filter: RowFilter) -> None:
    assert parse_row_filter(msgspec.json.encode(row_filter)) == row_filter


def test_duckdb_keeps_the_rows_that_python_keeps_in_typed_columns() -> None:
    rows = [{"district": d, "amount": a} for d in ("500103", "500105", "重庆", None) for a in (1, 2, None)]
    filters: list[RowFilter] = [
        StartsWith("district", "5001"),
        Opposite(Equals("district", "重庆")),
        Every((AtLeast("amount", 2), Less("district", "重"))),
        Some((Absent("amount"), OneOf("district", ("500103", "500105")))),
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE r (n INTEGER, district VARCHAR, amount INTEGER)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?)", [[n, *row.values()] for n, row in enumerate(rows)])
        for row_filter in filters:
            sql = to_sql(row_filter, Dialect.DUCKDB, {"district": "district", "amount": "amount"})
            answer = connection.execute(f"SELECT n FROM r WHERE {sql.text} ORDER BY n", list(sql.parameters)).fetchall()
            assert [n for (n,) in answer] == [n for n, row in enumerate(rows) if matches(row_filter, row)]


def test_postgresql_numbers_its_parameters_and_compares_text_by_code_point() -> None:
    row_filter = Every((StartsWith("district", "5001"), Equals("amount", 3)))
    sql = to_sql(row_filter, Dialect.POSTGRESQL, {"district": "r.district", "amount": "r.amount"}, first_parameter=3)
    assert sql.text == (
        '(((r.district IS NOT NULL AND CAST(r.district AS TEXT) COLLATE "C" >= $3) AND '
        '(r.district IS NOT NULL AND CAST(r.district AS TEXT) COLLATE "C" < $4)) AND '
        "(r.amount IS NOT NULL AND r.amount = $5))"
    )
    assert sql.parameters == ("5001", "5002", 3)


def test_a_value_never_becomes_part_of_the_statement() -> None:
    sql = to_sql(Equals("district", "'; DROP TABLE r; --"), Dialect.SQLITE, {"district": "district"})
    assert "DROP" not in sql.text
    assert sql.parameters == ("'; DROP TABLE r; --",)


OFFICER = Caller(CallerKind.OFFICER, "user:li", "500103", zone="intranet", case_number="c-1")


def test_the_callers_values_are_put_in() -> None:
    row_filter = Every(
        (StartsWith("district", CallerValue("department")), OneOf("status", (CallerValue("case_number"),)))
    )
    assert bind_caller(row_filter, OFFICER) == Every((StartsWith("district", "500103"), OneOf("status", ("c-1",))))


def test_a_value_that_the_caller_lacks_leaves_no_rows_even_inside_a_not() -> None:
    for row_filter in (Opposite(Equals("officer", CallerValue("officer"))), Equals("officer", CallerValue("officer"))):
        bound = bind_caller(row_filter, OFFICER)
        assert bound == NO_ROWS
        assert not matches(bound, {"officer": "someone"})


def test_a_condition_whose_caller_was_not_put_in_matches_nothing_and_makes_no_sql() -> None:
    row_filter = Equals("officer", CallerValue("officer"))
    assert not matches(row_filter, {"officer": "someone"})
    with pytest.raises(CodedError):
        to_sql(row_filter, Dialect.SQLITE, {"officer": "officer"})


def test_the_store_must_have_a_column_for_every_item() -> None:
    with pytest.raises(CodedError) as caught:
        to_sql(Equals("district", "5"), Dialect.SQLITE, {"amount": "amount"})
    assert "district" in caught.value.message


def test_the_items_of_a_condition_are_known() -> None:
    assert items_of(Every((Equals("a", 1), Opposite(Some((Absent("b"), StartsWith("c", "x"))))))) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"op": "like", "item": "a", "value": "%"}',
        '{"op": "equals", "item": "a"}',
        '{"op": "equals", "item": "a", "value": null}',
        '{"op": "equals", "item": "a", "value": 1, "extra": 1}',
        '{"op": "equals", "item": "a", "value": {"caller": "roles"}}',
        '{"op": "equals", "item": "a", "value": "\\u0000"}',
        '{"op": "equals", "item": "a", "value": 9223372036854775808}',
        '{"op": "every", "parts": [' + ", ".join(['{"op": "absent", "item": "a"}'] * 300) + "]}",
        '{"op": "not", "part": ' * 12 + '{"op": "absent", "item": "a"}' + "}" * 12,
        '{"op": "not", "part": ' * 5000 + "1" + "}" * 5000,
    ],
)
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(CodedError) as caught:
        parse_row_filter(text)
    assert caught.value.code.name == "ROW_FILTER_INVALID"
