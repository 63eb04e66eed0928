"""The committed build is exactly what its manifest says, and needs nothing from elsewhere."""

import hashlib
import json
import re
from pathlib import Path

from gateway.portal.explorer import BUILD

SOURCES = Path(__file__).parents[2] / "explorer"
MANIFEST = json.loads((BUILD / "manifest.json").read_bytes())


def test_every_built_file_has_the_digest_of_the_manifest_and_no_other_file_lies_beside_them() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in BUILD.iterdir()
        if path.name != "manifest.json"
    }
    assert found == MANIFEST["files"]


def test_the_page_names_files_that_the_build_holds() -> None:
    assert {MANIFEST["entry"], *MANIFEST["styles"]} <= MANIFEST["files"].keys()


def test_styles_load_nothing_from_another_host() -> None:
    for name in MANIFEST["styles"]:
        style = (BUILD / name).read_text(encoding="utf-8")
        assert "@import" not in style
        assert not re.findall(r"url\(\s*[\"']?(?:https?:)?//", style)


def test_scripts_import_only_files_of_the_build() -> None:
    for name in MANIFEST["files"]:
        if not name.endswith(".js"):
            continue
        script = (BUILD / name).read_text(encoding="utf-8")
        imported = re.findall(r"""(?:import\(|from|import)\s*[`"'](\.{1,2}/[\w.-]+\.(?:js|css))[`"']""", script)
        assert {one.removeprefix("./") for one in imported} <= MANIFEST["files"].keys(), name
        assert not re.findall(r"""(?:import\(|from)\s*[`"']https?:""", script), name


def test_each_bundled_package_keeps_its_licence() -> None:
    texts = (BUILD / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    sections = [section.strip() for section in texts.split("=" * 80)[1:]]
    assert len(sections) > 20
    for section in sections:
        name, licence, *_ = section.splitlines()
        assert re.fullmatch(r"Licence: (MIT|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|ISC)", licence), name


def test_dependencies_have_exact_versions_and_the_lock_names_no_registry() -> None:
    package = json.loads((SOURCES / "package.json").read_bytes())
    lock = json.loads((SOURCES / "package-lock.json").read_bytes())
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    installed = {name: one for name, one in lock["packages"].items() if name}
    assert all("resolved" not in one and one["integrity"] for one in installed.values())
    assert {name: installed[f"node_modules/{name}"]["version"] for name in wanted} == wanted
