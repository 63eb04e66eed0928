"""The department in the author's guide is run as it stands there."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.context import ResourceScope
from subgraphs.kit.department import Department
from tests.subgraphs.conftest import served

GUIDE = Path(__file__).parents[2] / "docs" / "subgraph-author.md"


@pytest.fixture
def department(tmp_path: Path) -> Iterator[Department]:
    """The first block of Python in the guide, saved and imported as its reader would."""
    (code,) = re.findall(r"Save this.*?```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "culture.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("culture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["culture"] = module
    try:
        spec.loader.exec_module(module)
        yield module.department
    finally:
        del sys.modules["culture"]


async def test_the_thirty_lines_serve_a_bound_entity_to_signed_requests(department: Department, tmp_path: Path) -> None:
    entities = "_entities(representations: $r) { ... on PublicLibrary { name } }"
    query = f"query($r: [_Any!]!) {{ libraries {{ name }} {entities} }}"
    representations = [{"__typename": "PublicLibrary", "libraryNo": number} for number in ("2", "9")]
    async with served(department, tmp_path, signed=True) as client:
        answer = await client.ask(query, ResourceScope(resource="30700513/1"), r=representations)
        refused, _ = await client.post(b'{"query": "{ libraries { name } }"}', {})
    assert answer["data"] == {
        "libraries": [{"name": "渝中区图书馆"}, {"name": "北碚区图书馆"}],
        "_entities": [{"name": "北碚区图书馆"}, None],
    }
    assert refused == 401
    assert 'type PublicLibrary @resource(code: "30700513/1") @key(fields: "libraryNo")' in department.schema().sdl


def test_the_guide_keeps_its_word_about_thirty_lines() -> None:
    (code,) = re.findall(r"Save this.*?```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    written = [line for line in code.splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(written) <= 32
