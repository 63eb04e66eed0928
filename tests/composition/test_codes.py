import json
import re
from pathlib import Path

import pytest

from gateway.commands.error import run
from gateway.composition.codes import ALL_CODES, ERRORS, TEXT
from gateway.composition.compose import compose
from gateway.composition.issues import CompositionCode, Severity
from tests.composition.subgraphs import example_sources

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "composition-codes.md"
PACKAGE = ROOT / "gateway" / "composition"
# Kept for those who meet them elsewhere, or raised by what no SDL of a screen can show (tested in test_limits).
WITHOUT_EXAMPLE = {
    "SUBGRAPH_TOO_LARGE",
    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
    "UNSUPPORTED_FEATURE",
    "DISALLOWED_INACCESSIBLE",
    "INVALID_FEDERATION_SUPERGRAPH",
    "DOWNSTREAM_SERVICE_ERROR",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS",
}


def with_example(severity: Severity) -> list[CompositionCode]:
    return [code for code in ALL_CODES if code.severity is severity and code.example]


@pytest.mark.parametrize("code", with_example(Severity.ERROR), ids=lambda code: code.name)
def test_the_example_of_an_error_raises_it_with_place_and_remedy(code: CompositionCode) -> None:
    composition = compose(example_sources(code))
    assert composition.supergraph_sdl is None
    raised = [issue for issue in composition.errors if issue.code is code]
    assert raised, [(issue.code.name, issue.message) for issue in composition.errors]
    assert raised[0].message
    assert raised[0].remedy
    if code.name != "NO_QUERIES":
        assert raised[0].subgraphs


@pytest.mark.parametrize("code", with_example(Severity.HINT), ids=lambda code: code.name)
def test_the_example_of_a_hint_composes_and_raises_it(code: CompositionCode) -> None:
    composition = compose(example_sources(code))
    assert composition.supergraph_sdl is not None, composition.errors
    assert code in {issue.code for issue in composition.hints}


def test_every_code_has_an_example_unless_no_subgraph_can_raise_it() -> None:
    assert {code.name for code in ALL_CODES if not code.example} == WITHOUT_EXAMPLE


def test_every_entry_of_the_text_is_read_whole() -> None:
    assert [code.name for code in ALL_CODES] == re.findall(r"^### (.+)$", TEXT, re.M)
    assert sum(bool(code.example) for code in ALL_CODES) == TEXT.count("```graphql")


def test_every_code_that_a_rule_names_is_written_down() -> None:
    named = [
        (kind, name)
        for module in PACKAGE.rglob("*.py")
        for kind, name in re.findall(r"\b(codes|hints)\.([A-Z_]{3,})\b", module.read_text(encoding="utf-8"))
    ]
    severities = {"codes": Severity.ERROR, "hints": Severity.HINT}
    known = {(code.severity, code.name) for code in ALL_CODES}
    assert [(kind, name) for kind, name in named if (severities[kind], name) not in known] == []
    assert len(named) > 100


def test_every_code_says_what_it_means_and_how_to_mend_it() -> None:
    for code in ALL_CODES:
        assert code.meaning.endswith("."), code.name
        assert code.remedy.endswith("."), code.name


def test_the_documentation_shows_the_codes_as_they_are_written_down() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == TEXT


def test_the_command_explains_a_code_with_its_example() -> None:
    told = run("invalid_field_sharing")
    assert told.startswith("INVALID_FIELD_SHARING (error of composition)")
    assert "Mend: Mark the field @shareable everywhere" in told
    assert "    --- a" in told


def test_an_issue_as_json_has_code_message_and_nodes() -> None:
    composition = compose(example_sources(ERRORS["INVALID_FIELD_SHARING"]))
    written = json.loads(json.dumps(composition.errors[0].as_json()))
    assert written["code"] == "INVALID_FIELD_SHARING"
    assert written["coordinates"] == ["Book.title"]
    assert written["nodes"] == [{"subgraph": "a", "line": 3}, {"subgraph": "b", "line": 2}]
    assert "resolved by subgraphs a and b" in written["message"]
