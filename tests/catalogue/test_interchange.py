from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings

from catalog_sync.documents import ListNode, Node, parse_json, parse_yaml, read_text
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import CodedError
from catalog_sync.interchange import export_catalogue, import_catalogue, json_text, yaml_text
from catalog_sync.loading import load_catalogue
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem
from catalog_sync.reading import read_entry
from catalog_sync.spreadsheets import COLUMNS, read_csv, read_xlsx, write_csv, write_xlsx
from tests.catalogue.entry_text import EXAMPLES, TODAY
from tests.catalogue.generated import AWKWARD_TEXTS, entries

ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)


def read(nodes: list[Node]) -> list[CatalogueEntry | None]:
    problems: list[CatalogueProblem] = []
    found = [read_entry(node, problems) for node in nodes]
    assert problems == []
    return found


def listed(root: Node | None) -> list[Node]:
    assert isinstance(root, ListNode)
    return list(root.items)


@given(entries())
@settings(deadline=None, max_examples=40)
def test_what_is_written_as_yaml_is_read_back_as_it_was(entry: CatalogueEntry) -> None:
    assert read(listed(parse_yaml(yaml_text([entry]), "a.yaml"))) == [entry]


@given(entries())
@settings(deadline=None, max_examples=40)
def test_what_is_written_as_json_is_read_back_as_it_was(entry: CatalogueEntry) -> None:
    assert read(listed(parse_json(json_text([entry]), "a.json"))) == [entry]


@given(entries())
@ONE_FILE
def test_what_is_written_as_csv_is_read_back_as_it_was(tmp_path: Path, entry: CatalogueEntry) -> None:
    write_csv([entry], tmp_path / "a.csv")
    assert read(read_csv(read_text(tmp_path / "a.csv", "a.csv"), "a.csv")) == [entry]


@given(entries())
@ONE_FILE
def test_what_is_written_as_xlsx_is_read_back_as_it_was(tmp_path: Path, entry: CatalogueEntry) -> None:
    write_xlsx([entry], tmp_path / "a.xlsx")
    assert read(read_xlsx(tmp_path / "a.xlsx", "a.xlsx")) == [entry]


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.xlsx", "a.csv"])
def test_texts_that_a_format_takes_for_something_else_stay_as_they_are(tmp_path: Path, name: str) -> None:
    [template] = [e for e in load_catalogue(EXAMPLES, today=TODAY).entries if e.id == "cq-tr-bus-arrival"]
    written = []
    for number, text in enumerate(AWKWARD_TEXTS, 1):
        code = replace(template.code, sequence=1000 + number)
        item = replace(template.items[0], unit=text, key=True)
        written.append(
            replace(
                template, id=f"awkward-{number}", alias=f"Awkward{number}", title=text, abstract=text, codes=(code,),
                related=(), items=(item, *template.items[1:]),
            )
        )  # fmt: skip
    export_catalogue(written, tmp_path / name)
    found = {entry.id: entry for entry in import_catalogue(tmp_path / name, today=TODAY).entries}
    assert [found[entry.id] for entry in written] == written


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.xlsx", "a.csv"])
def test_the_examples_survive_every_format(tmp_path: Path, name: str) -> None:
    catalogue = load_catalogue(EXAMPLES, today=TODAY)
    export_catalogue(catalogue.entries, tmp_path / name)
    assert import_catalogue(tmp_path / name, today=TODAY).entries == catalogue.entries


def test_a_problem_in_a_sheet_names_row_and_heading(tmp_path: Path) -> None:
    write_xlsx(load_catalogue(EXAMPLES, today=TODAY).entries, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    sheet = book.worksheets[0]
    column = [heading for heading, _ in COLUMNS].index("数据类型") + 1
    sheet.cell(4, column).value = "字符"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(CatalogueInvalid) as refused:
        import_catalogue(tmp_path / "a.xlsx", today=TODAY)
    assert "a.xlsx:4 [数据类型]: cq-ps-resident items[2].t = '字符'" in str(refused.value)


def test_typed_cells_that_people_enter_are_read_as_text(tmp_path: Path) -> None:
    write_xlsx(load_catalogue(EXAMPLES, today=TODAY).entries, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    headings = [heading for heading, _ in COLUMNS]
    for row in book.worksheets[0].iter_rows(min_row=2):
        row[headings.index("发布日期")].value = TODAY
        row[headings.index("数据长度")].value = 7.0
    book.save(tmp_path / "a.xlsx")
    found = import_catalogue(tmp_path / "a.xlsx", today=TODAY).entries
    assert {entry.issued for entry in found} == {TODAY}
    assert {item.length for entry in found for item in entry.items} == {7}


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([["资源标识"]], "missing: 信息资源名称"),
        ([["资源标识", "信息资源名称", "颜色"]], "unknown: 颜色"),
        (
            [["资源标识", "信息资源名称", "更新周期"], ["a", "甲", "每日"], ["a", "甲", "每月"]],
            "contradicts '每日' in row 2",
        ),
        ([["资源标识", "信息资源名称"], ["a", "=1+1"]], "holds a formula"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, cells: list[list[str]], said: str
) -> None:
    book = openpyxl.Workbook()
    for row in cells:
        assert book.active is not None
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(CatalogueInvalid, match=said.replace("+", r"\+")):
        import_catalogue(tmp_path / "a.xlsx")


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("text")
    with pytest.raises(CatalogueInvalid, match="no xlsx workbook"):
        import_catalogue(tmp_path / "a.xlsx")


def test_a_text_that_a_spreadsheet_would_compute_is_written_as_text(tmp_path: Path) -> None:
    [entry] = [e for e in load_catalogue(EXAMPLES, today=TODAY).entries if e.id == "cq-tr-bus-arrival"]
    write_csv([replace(entry, abstract="=HYPERLINK(1)")], tmp_path / "a.csv")
    assert "'=HYPERLINK(1)" in (tmp_path / "a.csv").read_text()
    write_xlsx([replace(entry, abstract="=HYPERLINK(1)")], tmp_path / "a.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0].cell(2, 8)
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")


def test_unknown_endings_and_missing_files_are_told(tmp_path: Path) -> None:
    for name in ("a.doc", "missing.yaml"):
        with pytest.raises(CodedError) as refused:
            import_catalogue(tmp_path / name)
        assert refused.value.code.name == "CATALOGUE_UNREADABLE"
    with pytest.raises(CodedError, match="no ending that names a format"):
        export_catalogue([], tmp_path / "a.doc")
