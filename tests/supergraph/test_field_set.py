"""Selections inside @key, @requires, @provides."""

import pytest

from gateway.errors import CodedError
from gateway.supergraph.field_set import merge_field_sets, parse_field_set, print_field_set


@pytest.mark.parametrize(
    "text", ["id", "id organisation { id }", 'price(currency: "CNY") weight', "... on Book { title author { name } }"]
)
def test_a_field_set_prints_as_it_was_written(text: str) -> None:
    assert print_field_set(parse_field_set(text, "here")) == text
    assert parse_field_set(f"{{ {text} }}", "here") == parse_field_set(text, "here")


def test_the_order_of_arguments_makes_no_difference() -> None:
    assert parse_field_set("f(a: 1, b: 2)", "here") == parse_field_set("f(b: 2, a: 1)", "here")


def test_merging_selects_what_any_of_them_selects() -> None:
    sets = (
        parse_field_set(text, "here")
        for text in ("a { b } ... on T { c }", "a { d } e f(x: 1)", "f(x: 2) ... on T { g }")
    )
    assert print_field_set(merge_field_sets(sets)) == "a { b d } ... on T { c g } e f(x: 1) f(x: 2)"


@pytest.mark.parametrize("text", ["", "{", "...F", "... { a }", "a } b {"])
def test_what_is_no_selection_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(CodedError, match="@key of User"):
        parse_field_set(text, "@key of User")
