"""Our supergraphs against those that another composition made of the same subgraphs, as trees without order.

The data lies beside the repository, not in it: WATERSMEET_CONFORMANCE names its folder.
"""

import os
from pathlib import Path

import pytest

from gateway.composition.compose import SubgraphSource
from tests.composition.schema_tree import tree
from tests.composition.subgraphs import supergraph

FOLDER = Path(os.environ.get("WATERSMEET_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
SUITES = sorted(path.parent.name for path in FOLDER.glob("*/supergraph.graphql")) if FOLDER.is_dir() else []


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
