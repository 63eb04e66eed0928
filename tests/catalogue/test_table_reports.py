"""Tables that leave as reports: whole in each format, and harmless in a spreadsheet program."""

from pathlib import Path

import openpyxl

from catalog_sync.table_reports import Table, table_csv, table_markdown, write_workbook

TABLE = Table("events", ("what", "count"), (("=1+1", 2), ("a | b\nc", None), ("长" * 40_000, 1.5)))


def test_csv_has_every_cell_whole_and_formulas_behind_an_apostrophe() -> None:
    assert table_csv(TABLE) == f'what,count\n\'=1+1,2\n"a | b\nc",\n{"长" * 40_000},1.5\n'


def test_markdown_keeps_a_row_on_one_line_whatever_a_cell_holds() -> None:
    assert table_markdown(TABLE).splitlines()[:4] == [
        "| what | count |",
        "|---|---|",
        "| =1+1 | 2 |",
        "| a \\| b c |  |",
    ]


def test_a_workbook_has_texts_as_texts_and_cuts_what_no_cell_takes(tmp_path: Path) -> None:
    write_workbook([TABLE], tmp_path / "report.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["events"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[:3] == [["what", "count"], ["=1+1", 2], ["a | b\nc", None]]
    assert (sheet["A2"].data_type, len(rows[3][0]), rows[3][1]) == ("s", 32_000, 1.5)
