import json
from pathlib import Path

from gateway.commands.issue_formats import as_github, as_json, as_text, unreadable
from gateway.composition.compose import compose
from gateway.errors import CodedError
from gateway.subgraph_sources import SOURCES_UNREADABLE
from tests.composition.subgraphs import as_written, federation_2

UNREACHABLE = compose(federation_2(a="type Query { book: Book } type Book { id: ID }", b="type Book { title: String }"))


def test_text_shows_place_witness_reasons_and_remedy() -> None:
    text = as_text(UNREACHABLE)
    assert text.startswith("error SATISFIABILITY_ERROR: Book.title cannot be fetched on every path")
    assert "  at b:2" in text
    assert "    {\n      book {\n        title" in text
    assert "    - from subgraph a: it does not have Book.title" in text
    assert "  to mend: Give the type a @key" in text


def test_json_lists_errors_and_hints() -> None:
    written = json.loads(as_json(UNREACHABLE))
    assert [error["code"] for error in written["errors"]] == ["SATISFIABILITY_ERROR"]
    assert written["errors"][0]["nodes"] == [{"subgraph": "b", "line": 2}]
    assert written["errors"][0]["witness"].startswith("{")
    assert {hint["code"] for hint in written["hints"]} == {"INCONSISTENT_OBJECT_VALUE_TYPE_FIELD"}


def test_github_annotations_name_file_and_line_and_escape_what_they_must() -> None:
    composition = compose(as_written(a="type Query {\n a: Missing, b: Int }"))
    assert as_github(composition, {"a": Path("schemas/a,b.graphql")}) == (
        "::error title=INVALID_GRAPHQL,file=schemas/a%2Cb.graphql,line=2::[a] Unknown type 'Missing' at Query.a. "
        "Mend the schema at the line named; a GraphQL server would refuse it too."
    )


def test_what_could_not_be_read_at_all_is_told_in_every_form() -> None:
    error = CodedError(SOURCES_UNREADABLE, "a.graphql is not UTF-8: byte 0 is wrong.")
    (told,) = json.loads(unreadable(error, "json"))["errors"]
    assert (told["code"], told["message"], told["nodes"]) == ("SOURCES_UNREADABLE", error.message, [])
    assert unreadable(error, "github") == f"::error title=SOURCES_UNREADABLE::{error.message}"
    assert unreadable(error, "text") == f"SOURCES_UNREADABLE: {error.message}"


def test_there_is_nothing_to_say_of_what_composes_well() -> None:
    composition = compose(as_written(a="type Query { a: Int }"))
    assert as_text(composition) == ""
    assert as_github(composition, {}) == ""
