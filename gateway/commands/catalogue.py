"""``watersmeet catalogue``: files, checked, converted, compared and searched; the registry's steps are neighbours."""

from pathlib import Path
from typing import Annotated

import typer

from catalog_sync import commands
from catalog_sync.commands import CommandResult
from gateway.commands import catalogue_assessment, catalogue_reviews, catalogue_steps

app = typer.Typer(help="Keep the catalogue: files, and entries on their way into force.")
for part in (catalogue_steps, catalogue_reviews, catalogue_assessment):
    app.registered_commands += part.app.registered_commands

SourceArgument = Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of YAML, or a yaml, json, xlsx or csv.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(source: SourceArgument, json: JsonOption = False) -> None:
    """Print every problem of every entry at once: place, value, rule and how to mend it."""
    _say(commands.check(source, as_json=json))


@app.command("import")
def import_(source: SourceArgument, target: Annotated[Path, typer.Argument(metavar="TARGET")]) -> None:
    """Read entries in one format, check them, write them in another; nothing is lost on the way."""
    _say(commands.convert(source, target))


@app.command()
def export(source: SourceArgument, target: Annotated[Path, typer.Argument(metavar="TARGET")]) -> None:
    """The same as import: the endings of both names say the formats."""
    _say(commands.convert(source, target))


@app.command()
def dcat(
    source: SourceArgument, base: Annotated[str, typer.Option("--base", help="Address of the opening portal.")]
) -> None:
    """Print the open part as DCAT-AP 3 in JSON-LD."""
    _say(commands.publish_dcat(source, base))


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE")],
    after: Annotated[Path, typer.Argument(metavar="AFTER")],
    json: JsonOption = False,
) -> None:
    """Print what changed, entry by entry; exit 1 when something breaks or narrows."""
    _say(commands.diff(before, after, as_json=json))


@app.command()
def search(
    source: SourceArgument,
    query: Annotated[str, typer.Argument(metavar="WORDS", help="Chinese or English.")],
    limit: Annotated[int, typer.Option("--limit")] = 20,
    json: JsonOption = False,
) -> None:
    """Find entries, those one cannot read included."""
    _say(commands.search(source, query, limit=limit, as_json=json))


@app.command()
def obtainable(source: SourceArgument, items: Annotated[list[str], typer.Argument(metavar="ITEM...")]) -> None:
    """Say which of these items can be had, from whom, at which tier, so that citizens are not asked again."""
    _say(commands.obtainable(source, items))


def _say(result: CommandResult) -> None:
    typer.echo(result.text, nl=False, err=result.exit_code == commands.WRONG_USAGE)
    raise typer.Exit(result.exit_code)
