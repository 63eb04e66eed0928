"""Limits on documents: what is counted, fragments written out, and no stall on any text."""

from contextlib import suppress

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document_limits import DocumentLimits, parse_within
from gateway.errors import CodedError, RequestError

TIGHT = DocumentLimits(tokens=60, depth=3, selections=8, root_fields=4, aliases=2, directives=2, introspections=1)


@pytest.mark.parametrize(
    "text",
    [
        "{ a { b { c } } }",
        "{ a b c d }",
        "{ a { b c } d { e f g } h }",
        "{ x: a y: b }",
        "{ a @skip(if: true) b @skip(if: true) }",
        "{ ...F } fragment F on Q { a { b { c } } }",
        "{ ... on Q { ... on Q { ... { a { b { c } } } } } }",
        "{ a { b { c } } } { x { y { z } } }",
        "{ ...F } fragment F on Q { a ...F }",
    ],
)
def test_what_is_just_within_the_limits_is_parsed(text: str) -> None:
    assert parse_within(text, TIGHT).definitions


@pytest.mark.parametrize(
    ("text", "limit", "found"),
    [
        ("{ a { b { c { d } } } }", 3, 4),
        ("{ a b c d e }", 4, 5),
        ("{ __schema { x } a { __type { x } } }", 1, 2),
        ("{ a { b c d } e { f g h i } }", 8, 9),
        ("{ x: a y: b z: c }", 2, 3),
        ("query @d { a @skip(if: true) b @skip(if: true) }", 2, 3),
        ("{ a { ...F } } fragment F on Q { b { c { d } } }", 3, 4),
        ("{ ...F ...F ...F } fragment F on Q { x: a }", 2, 3),
        ("{ ...F ...G } fragment F on Q { a b c } fragment G on Q { d e }", 4, 5),
        ("{ a } { ...F @x ... @y { a } } fragment F on Q { b @z }", 2, 3),
        ("{ " + "a " * 100 + "}", 60, 61),
    ],
    ids=["depth", "root", "introspections", "fields", "aliases", "directives", "depth by fragment",
         "aliases by fragment", "root by fragment", "directives everywhere", "tokens"],
)  # fmt: skip
def test_what_exceeds_a_limit_is_refused_with_the_limit_and_what_was_found(text: str, limit: int, found: int) -> None:
    with pytest.raises(CodedError) as caught:
        parse_within(text, TIGHT)
    assert caught.value.code.name == "LIMIT_EXCEEDED"
    assert caught.value.details == {"limit": limit, "found": found}


PIECES = (
    '"""', '"', '\\"""', "\\", "a", "#", "\n", " ", "1", "-", ".", "...", "{", "}", "(", ":", "é", '"a"', "e", "+",
    "1.5e-3", "$", "@", '"\\""', '"""x"y\\"""z"""', "_b", "&", "|", "!", "=", "[", ",",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=15))
def test_no_text_is_refused_for_more_tokens_than_it_has(pieces: list[str]) -> None:
    lexer, found = Lexer(Source("".join(pieces))), 0
    with suppress(GraphQLSyntaxError):
        while lexer.advance().kind is not TokenKind.EOF:
            found += 1

        with suppress(RequestError):
            parse_within("".join(pieces), DocumentLimits(tokens=found + pieces.count("#")))


def test_fragments_that_double_are_counted_without_being_written_out() -> None:
    links = [f"fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100)]
    text = "{ ...F0 } " + " ".join(links) + " fragment F100 on Q { a }"
    with pytest.raises(CodedError) as caught:
        parse_within(text, DocumentLimits())
    assert caught.value.details["found"] == 2**100


@pytest.mark.parametrize(
    "text",
    ["{a" * 7_000 + "}" * 7_000, "{ a(x: " + "[" * 7_000 + "]" * 7_000 + ") }",
     "{ ...F0 } " + " ".join(f"fragment F{n} on Q {{ ...F{n + 1} }}" for n in range(2_000))],
    ids=["fields", "lists", "chain of fragments"],
)  # fmt: skip
def test_nesting_that_would_exhaust_the_stack_is_refused(text: str) -> None:
    with pytest.raises(CodedError) as caught:
        parse_within(text, DocumentLimits())
    assert caught.value.code.name == "LIMIT_EXCEEDED"


def test_a_syntax_error_names_its_place() -> None:
    with pytest.raises(RequestError) as caught:
        parse_within("{ a(", DocumentLimits())
    (report,) = caught.value.errors
    assert (report.code, report.locations) == ("GRAPHQL_PARSING_FAILED", ((1, 5),))
