"""``watersmeet catalogue review`` and ``reviews``: what is looked at before an item opens, and by whom."""

from datetime import datetime
from typing import Annotated

import typer

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.opening_reviews import Findings, OpeningReview, ReviewKind, ReviewResult, lacking, opened_items
from gateway.commands.catalogue_steps import IdArgument, IdsArgument
from gateway.commands.output import Format, FormatOption, print_json
from gateway.commands.registry import open_registry
from gateway.commands.registry_options import ConfigOption, PersonOption, RegistryOption

app = typer.Typer()


@app.command()
def review(
    ids: IdsArgument,
    person: PersonOption,
    kind: Annotated[ReviewKind, typer.Option("--kind", help="For secrets, or for persons behind the values.")],
    result: Annotated[ReviewResult, typer.Option("--result", help="Whether the items may open as they are written.")],
    basis: Annotated[str, typer.Option("--basis", help="The law or rule by which it was judged.")],
    document: Annotated[str, typer.Option("--document", help="The number of the document that holds the review.")],
    items: Annotated[
        list[str] | None, typer.Option("--item", help="An alias; all that are to open if not given.")
    ] = None,
    day: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Its day; today.")] = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Keep a review before opening: of each kind one is needed, by two persons who neither submit nor release."""
    with open_registry(config, registry) as opened:
        found = Findings(
            kind, result, day.date() if day else date_in_chongqing(), basis, document, tuple(dict.fromkeys(items or ()))
        )
        for record in opened.office.review(ids, found, opened.providers(person)):
            reviewed = found.items or tuple(opened_items(record.current.entry))
            typer.echo(f"{record.id} version {record.current.number}: {kind} review, {result}: {', '.join(reviewed)}")


@app.command()
def reviews(
    identity: IdArgument, config: ConfigOption = None, registry: RegistryOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Show the reviews before opening of an entry, and what its newest version still lacks; exit 1 if something."""
    with open_registry(config, registry) as opened:
        record, made = opened.office.record(identity), opened.office.reviews(identity)
    still = [f"{alias}: {kind}" for alias, kind, _ in lacking(record, made)]
    if format_ is Format.JSON:
        print_json({"version": 1, "reviews": [each.told() for each in made], "lacking": still})
    else:
        typer.echo("".join(f"{_line(each)}\n" for each in made), nl=False)
        typer.echo("".join(f"lacking {each}\n" for each in still), nl=False)
    raise typer.Exit(int(bool(still)))


def _line(each: OpeningReview) -> str:
    found = each.found
    said = f"{found.day} {found.kind} {found.result} by {each.reviewer}, version {each.version}"
    return f"{said}, {found.basis}, {found.document}: {', '.join(each.items)}"
