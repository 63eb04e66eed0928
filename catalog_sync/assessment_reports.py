"""The annual report of an assessment: as a table for programs, a workbook for offices, a text for people."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from catalog_sync.assessment import Assessment, Figure
from catalog_sync.errors import CATALOGUE_UNREADABLE, CodedError
from catalog_sync.table_reports import Table, table_csv, table_markdown, write_workbook

HEADINGS = ("department", "credit code", "period", "figure", "value", "out of", "percent", "subjects")
ENDINGS = (".csv", ".xlsx", ".md")


def write_report(assessments: Iterable[Assessment], target: Path, weights: Mapping[str, int] | None = None) -> None:
    """Writes the report in the format that the target's ending names; CodedError CATALOGUE_UNREADABLE for another."""
    listed = tuple(assessments)
    if target.suffix == ".csv":
        target.write_text(report_csv(listed), encoding="utf-8-sig")
    elif target.suffix == ".xlsx":
        write_workbook([_table(listed)], target)
    elif target.suffix == ".md":
        target.write_text(report_markdown(listed, weights), encoding="utf-8")
    else:
        message = f"{target.name!r} has no ending that names a report's format. Use one of {', '.join(ENDINGS)}."
        raise CodedError(CATALOGUE_UNREADABLE, message)


def report_csv(assessments: Iterable[Assessment]) -> str:
    """One line a figure, with what it counts."""
    return table_csv(_table(assessments))


def report_markdown(assessments: Iterable[Assessment], weights: Mapping[str, int] | None = None) -> str:
    """A section a department: its score where ``weights`` are given, its figures, and what was late or refused."""
    sections = []
    for each in assessments:
        lines = [f"## {each.name} ({each.department})", "", f"Period {each.period}."]
        if weights:
            lines.append(f"Score {each.score(weights)}.")
        rows = tuple((f.name, f.value, f.out_of, _text(f.rate)) for f in each.figures)
        lines += ["", table_markdown(Table("", HEADINGS[3:7], rows)).rstrip("\n")]
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
    lines += [
        f"    {each.day} {each.kind} {each.subject}{'' if each.in_time else ', late'}"
        f"{f', {each.count} times' if each.count > 1 else ''}"
        for each in figure.events
    ]
    if figure.subjects != tuple(each.subject for each in figure.events):
        lines += [f"    {subject}" for subject in figure.subjects]
    return "".join(f"{line}\n" for line in lines)


def _table(assessments: Iterable[Assessment]) -> Table:
    rows = (
        (
            each.name, str(each.department), str(each.period), figure.name, figure.value, figure.out_of,
            None if figure.rate is None else float(figure.rate), " ".join(figure.subjects),
        )
        for each in assessments
        for figure in each.figures
    )  # fmt: skip
    return Table("assessment", HEADINGS, tuple(rows))


def _text(value: object) -> str:
    return "" if value is None else str(value)
