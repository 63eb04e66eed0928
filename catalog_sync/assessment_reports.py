"""The annual report of an assessment: as a table for programs, a workbook for offices, a text for people."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import openpyxl
from openpyxl.styles import Font

from catalog_sync.assessment import Assessment, Figure
from catalog_sync.errors import CATALOGUE_UNREADABLE, CodedError

HEADINGS = ("department", "credit code", "period", "figure", "value", "out of", "percent", "subjects")
ENDINGS = (".csv", ".xlsx", ".md")
_LONGEST_CELL = 32_000


def write_report(assessments: Iterable[Assessment], target: Path, weights: Mapping[str, int] | None = None) -> None:
    """Writes the report in the format that the target's ending names; CodedError CATALOGUE_UNREADABLE for another."""
    listed = tuple(assessments)
    if target.suffix == ".csv":
        target.write_text(report_csv(listed), encoding="utf-8-sig")
    elif target.suffix == ".xlsx":
        _write_xlsx(listed, target)
    elif target.suffix == ".md":
        target.write_text(report_markdown(listed, weights), encoding="utf-8")
    else:
        message = f"{target.name!r} has no ending that names a report's format. Use one of {', '.join(ENDINGS)}."
        raise CodedError(CATALOGUE_UNREADABLE, message)


def report_csv(assessments: Iterable[Assessment]) -> str:
    """One line a figure, with what it counts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(_rows(assessments))
    return text.getvalue()


def report_markdown(assessments: Iterable[Assessment], weights: Mapping[str, int] | None = None) -> str:
    """A section a department: its score where ``weights`` are given, its figures, and what was late or refused."""
    sections = []
    for each in assessments:
        lines = [f"## {each.name} ({each.department})", "", f"Period {each.period}."]
        if weights:
            lines.append(f"Score {each.score(weights)}.")
        lines += ["", "| figure | value | out of | percent |", "|---|---|---|---|"]
        lines += [f"| {f.name} | {f.value} | {_text(f.out_of)} | {_text(f.rate)} |" for f in each.figures]
        late = [(f, event) for f in each.figures for event in f.events if not event.in_time]
        if late:
            lines += ["", "Not in time:", ""]
            seen = dict.fromkeys(f"- {event.day} {event.kind} {event.subject}" for _, event in late)
            lines += seen
        sections.append("\n".join(lines) + "\n")
    return "# Assessment\n\n" + "\n".join(sections)


def figure_text(figure: Figure) -> str:
    """A figure with everything it counts, one line each."""
    of = "" if figure.out_of is None else f" of {figure.out_of}"
    rate = "" if figure.rate is None else f" ({figure.rate} %)"
    lines = [f"{figure.name}: {figure.value}{of}{rate}"]
    if figure.events:
        lines += [
            f"    {each.day} {each.kind} {each.subject}{'' if each.in_time else ', late'}"
            f"{f', {each.count} times' if each.count > 1 else ''}"
            for each in figure.events
        ]
    else:
        lines += [f"    {subject}" for subject in figure.subjects]
    return "".join(f"{line}\n" for line in lines)


def _rows(assessments: Iterable[Assessment]) -> Iterator[tuple[str, ...]]:
    for each in assessments:
        for figure in each.figures:
            told = (figure.name, str(figure.value), _text(figure.out_of), _text(figure.rate))
            yield each.name, str(each.department), str(each.period), *told, " ".join(figure.subjects)


def _write_xlsx(assessments: Iterable[Assessment], target: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("assessment")
    sheet.freeze_panes = "A2"
    headings = []
    for heading in HEADINGS:
        cell = openpyxl.cell.WriteOnlyCell(sheet, heading)
        cell.font = Font(bold=True)
        headings.append(cell)
    sheet.append(headings)
    for name, code, period, figure, value, out_of, rate, subjects in _rows(assessments):
        numbers = [int(value), int(out_of) if out_of else None, float(rate) if rate else None]
        # A workbook's cell ends at 32,767 characters; the csv holds what does not fit.
        sheet.append([name, code, period, figure, *numbers, subjects[:_LONGEST_CELL]])
    book.save(target)


def _text(value: object) -> str:
    return "" if value is None else str(value)
