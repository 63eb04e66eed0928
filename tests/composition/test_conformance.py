"""Our supergraphs against those that another composition made of the same subgraphs, as trees without order.

The data lies beside the repository, not in it: WATERSMEET_CONFORMANCE names its folder.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from graphql import Node, parse, print_ast

from gateway.composition.compose import SubgraphSource
from gateway.supergraph.features import parts
from tests.composition.subgraphs import supergraph

FOLDER = Path(os.environ.get("WATERSMEET_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
SUITES = sorted(path.parent.name for path in FOLDER.glob("*/supergraph.graphql")) if FOLDER.is_dir() else []


def tree(sdl: str) -> dict[str, Any]:
    """Every definition with its parts, in no order."""
    found: dict[str, Any] = {}
    for node in parse(sdl, no_location=True).definitions:
        name = f"@{node.name.value}" if node.kind == "directive_definition" else _name(node)  # type: ignore[attr-defined]
        found[name] = {
            "kind": node.kind,
            "parts": sorted(print_ast(part) for kind in ("interfaces", "types") for part in parts(node, kind)),
            "locations": sorted(location.value for location in parts(node, "locations")),
            "members": {
                _name(part): _member(part) for kind in ("fields", "values", "arguments") for part in parts(node, kind)
            },
            **_described(node),
        }
    return found


def _name(node: Node) -> str:
    named = getattr(node, "name", None)
    return named.value if named is not None else "schema"


def _described(node: Node) -> dict[str, Any]:
    description = getattr(node, "description", None)
    return {
        "description": description.value if description else None,
        "directives": sorted(print_ast(directive) for directive in parts(node, "directives")),
    }


def _member(node: Node) -> dict[str, Any]:
    default = getattr(node, "default_value", None)
    return {
        "type": print_ast(node.type) if hasattr(node, "type") else None,
        "default": print_ast(default) if default is not None else None,
        "arguments": {_name(argument): _member(argument) for argument in parts(node, "arguments")},
        **_described(node),
    }


@pytest.mark.skipif(not SUITES, reason="the conformance data is not here; WATERSMEET_CONFORMANCE names its folder")
@pytest.mark.parametrize("suite", SUITES)
def test_the_supergraph_of_a_suite_is_the_peers(suite: str) -> None:
    subgraphs = sorted((FOLDER / suite / "subgraphs").glob("*.graphql"))
    sources = [
        SubgraphSource(file.stem, f"http://localhost:4200/{suite}/{file.stem}", file.read_text(encoding="utf-8"))
        for file in subgraphs
    ]
    expected = (FOLDER / suite / "supergraph.graphql").read_text(encoding="utf-8")
    assert tree(supergraph(*sources)) == tree(expected)
