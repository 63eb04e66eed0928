"""Tables that leave the platform as a report: csv for programs, a workbook for offices, Markdown for people.

A text that a spreadsheet program would take for a formula is written as text: in csv behind an apostrophe.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from openpyxl.styles import Font

Cell = str | int | float | None
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "'")
# A workbook's cell ends at 32,767 characters; the csv holds what does not fit.
_LONGEST_CELL = 32_000


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; every row has as many cells as there are headings."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table_csv(table: Table) -> str:
    """The table as csv, its headings first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.headings)
    writer.writerows([harmless(cell) for cell in row] for row in table.rows)
    return text.getvalue()


def table_markdown(table: Table) -> str:
    """The table as Markdown, without its name."""
    lines = [f"| {' | '.join(table.headings)} |", f"|{'---|' * len(table.headings)}"]
    lines += [f"| {' | '.join(_one_line(cell) for cell in row)} |" for row in table.rows]
    return "\n".join(lines) + "\n"


def write_workbook(tables: Iterable[Table], target: Path) -> None:
    """Writes an xlsx workbook, one sheet a table."""
    book = openpyxl.Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "A2"
        headings = []
        for heading in table.headings:
            cell = openpyxl.cell.WriteOnlyCell(sheet, heading)
            cell.font = Font(bold=True)
            headings.append(cell)
        sheet.append(headings)
        for row in table.rows:
            sheet.append([text_cell(sheet, each[:_LONGEST_CELL]) if isinstance(each, str) else each for each in row])
    book.save(target)


def text_cell(sheet: openpyxl.worksheet._write_only.WriteOnlyWorksheet, text: str) -> openpyxl.cell.WriteOnlyCell:
    """A cell whose text openpyxl would take for a formula or an error if it were given bare."""
    cell = openpyxl.cell.WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def harmless(cell: Cell) -> Cell:
    """A cell of csv, with an apostrophe before a text that a spreadsheet program would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _one_line(cell: Cell) -> str:
    return "" if cell is None else " ".join(str(cell).split()).replace("|", "\\|")
