"""The documents say what the code says."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from gateway.codes import all_codes

ROOT = Path(__file__).parents[2]
PRODUCT = ("gateway", "policies", "catalog_sync", "subgraphs")


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", generator().PAGES)
def test_a_page_made_from_the_code_is_up_to_date(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().PAGES[name](), "run `make docs`"


def declared_codes():
    for package in PRODUCT:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ErrorCode" and node.args:
                    yield node.args[0].value


def test_every_declared_error_code_is_documented_and_no_two_share_a_name():
    names = list(declared_codes())
    assert sorted(names) == list(all_codes())


def test_every_link_between_documents_leads_somewhere():
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken
