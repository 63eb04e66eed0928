"""``watersmeet catalogue assess``: the figures of a department over a period, down to what they count."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog_sync.assessment import Assessment, Evidence, Figure, Period
from catalog_sync.assessment_reports import figure_text, report_markdown, write_report
from gateway.assessing import assess_departments, collect
from gateway.commands.output import Format, FormatOption, print_json
from gateway.commands.registry import Registry, open_registry
from gateway.commands.registry_options import ConfigOption, RegistryOption
from gateway.policy_source import open_store, run_apart

app = typer.Typer()

DayOption = datetime | None


@app.command()
def assess(
    department: Annotated[str, typer.Argument(metavar="[DEPARTMENT]", help="Policy name or credit code; all.")] = "",
    first: Annotated[DayOption, typer.Option("--from", formats=["%Y-%m-%d"], help="The year's first day.")] = None,
    last: Annotated[DayOption, typer.Option("--until", formats=["%Y-%m-%d"], help="Included; the year's last.")] = None,
    figure: Annotated[str, typer.Option("--figure", help="One figure with everything it counts.")] = "",
    weight: Annotated[
        list[str] | None, typer.Option("--weight", metavar="FIGURE=N", help="Scores by these; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The annual report: .csv, .xlsx or .md.")
    ] = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Print the figures of a department, or of all, over a period; the same whenever a past period is asked for."""
    with open_registry(config, registry) as opened:
        period = _period(opened.office.today, first, last)
        found = _assessed(opened, period, department)
    weights = _weights(weight or [])
    for name in weights if found else ():
        _figure(found[0], name)
    if output is not None:
        write_report(found, output, weights)
    elif figure:
        typer.echo("".join(figure_text(_figure(each, figure)) for each in found), nl=False)
    elif format_ is Format.JSON:
        print_json({"version": 1, "assessments": list(map(_as_json, found))})
    else:
        typer.echo(report_markdown(found, weights), nl=False)


def _period(today: date, first: DayOption, last: DayOption) -> Period:
    begin = first.date() if first else date((last.date() if last else today).year, 1, 1)
    period = Period(begin, last.date() if last else date(begin.year, 12, 31))
    if period.last < period.first:
        raise typer.BadParameter(f"The period ends before it begins: {period}.")
    return period


def _assessed(opened: Registry, period: Period, department: str) -> tuple[Assessment, ...]:
    office, address = opened.office, opened.settings.access.store

    async def gather() -> Evidence:
        if not address:
            return await collect(office, None, period)
        async with open_store(address) as store:
            return await collect(office, store, period)

    found = assess_departments(period, run_apart(gather))
    if not department:
        return found
    code = office.register.credit_code(department)
    chosen = tuple(each for each in found if each.department == code)
    if not chosen:
        raise typer.BadParameter(f"{department} has neither entries nor events in {period}.")
    return chosen


def _figure(assessment: Assessment, name: str) -> Figure:
    try:
        return assessment.figure(name)
    except KeyError:
        known = ", ".join(each.name for each in assessment.figures)
        raise typer.BadParameter(f"There is no figure {name!r}; there are {known}.") from None


def _weights(given: list[str]) -> dict[str, int]:
    weights = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        if not equals or not number.isdecimal() or int(number) == 0:
            raise typer.BadParameter(f"--weight {text}: write FIGURE=N, with a whole number from 1.")
        weights[name] = int(number)
    return weights


def _as_json(assessment: Assessment) -> dict[str, object]:
    figures = [
        {"name": f.name, "value": f.value, "outOf": f.out_of, "percent": None if f.rate is None else str(f.rate),
         "subjects": f.subjects} for f in assessment.figures
    ]  # fmt: skip
    return {
        "department": str(assessment.department), "name": assessment.name, "from": str(assessment.period.first),
        "until": str(assessment.period.last), "figures": figures,
    }  # fmt: skip
