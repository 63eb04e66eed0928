import json
from pathlib import Path

import pytest

from gateway.commands.error import run
from gateway.composition.compose import compose
from gateway.composition.issues import Severity
from gateway.composition.registry import ALL_CODES, codes_document, examples

DOCUMENT = Path(__file__).parents[2] / "docs" / "composition-codes.md"
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
    "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
}


@pytest.mark.parametrize("code", [key for key in examples() if key[1] is Severity.ERROR], ids=lambda key: key[0])
def test_the_example_of_an_error_raises_it_with_place_and_remedy(code: tuple[str, Severity]) -> None:
    composition = compose(examples()[code].sources())
    assert composition.supergraph_sdl is None
    raised = [issue for issue in composition.errors if issue.code.name == code[0]]
    assert raised, [(issue.code.name, issue.message) for issue in composition.errors]
    assert raised[0].message
    assert raised[0].remedy
    if code[0] != "NO_QUERIES":
        assert raised[0].subgraphs


@pytest.mark.parametrize("code", [key for key in examples() if key[1] is Severity.HINT], ids=lambda key: key[0])
def test_the_example_of_a_hint_composes_and_raises_it(code: tuple[str, Severity]) -> None:
    composition = compose(examples()[code].sources())
    assert composition.supergraph_sdl is not None, composition.errors
    assert code[0] in {issue.code.name for issue in composition.hints}


def test_every_code_has_an_example_unless_no_subgraph_can_raise_it() -> None:
    without = {code.name for code in ALL_CODES if (code.name, code.severity) not in examples()}
    assert without == WITHOUT_EXAMPLE


def test_every_example_belongs_to_a_code() -> None:
    assert set(examples()) <= {(code.name, code.severity) for code in ALL_CODES}


def test_every_code_says_what_it_means_and_how_to_mend_it() -> None:
    for code in ALL_CODES:
        assert code.meaning.endswith("."), code.name
        assert code.remedy.endswith("."), code.name


def test_the_documentation_of_codes_is_written_from_the_registry() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == codes_document()


def test_the_command_explains_a_code_with_its_example() -> None:
    told = run("invalid_field_sharing")
    assert told.startswith("INVALID_FIELD_SHARING (error of composition)")
    assert "Mend: Mark the field @shareable everywhere" in told
    assert "    --- a" in told


def test_an_issue_as_json_has_code_message_and_nodes() -> None:
    composition = compose(examples()["INVALID_FIELD_SHARING", Severity.ERROR].sources())
    written = json.loads(json.dumps(composition.errors[0].as_json()))
    assert written["code"] == "INVALID_FIELD_SHARING"
    assert written["coordinates"] == ["Book.title"]
    assert written["nodes"] == [{"subgraph": "a", "line": 3}, {"subgraph": "b", "line": 2}]
    assert "resolved by subgraphs a and b" in written["message"]
