"""``watersmeet graph``: the graphs that were served, and the way back to one of them."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from catalog_sync.graph_history import GraphHistory, GraphVersion
from gateway.commands.output import Format, FormatOption
from gateway.commands.registry import open_registry
from gateway.commands.registry_options import ConfigOption, PersonOption, RegistryOption

app = typer.Typer(help="Graphs as they were served: list, roll back.")


@app.command("list")
def list_(
    config: ConfigOption = None,
    registry: RegistryOption = None,
    count: Annotated[int, typer.Option("--count", min=1, help="How many, newest first.")] = 20,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Print the graphs that were served and those that could not be, newest first, with their releases."""
    with open_registry(config, registry) as opened:
        versions = GraphHistory(opened.office.platform).versions(count)
    for version in versions:
        typer.echo(_as_json(version) if format_ is Format.JSON else _as_text(version))


@app.command()
def rollback(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The graph, by the beginning of its digest.")],
    person: PersonOption,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Put every release of an earlier graph back into service, and retire what was not part of it."""
    with open_registry(config, registry) as opened:
        history = GraphHistory(opened.office.platform)
        version = history.roll_back(digest, opened.competent(person), datetime.now(UTC))
    typer.echo(_as_text(version))


def _as_text(version: GraphVersion) -> str:
    releases = ", ".join(f"{name} {number}" for name, number in version.releases.items())
    lines = [f"{version.digest[:12] or 'refused':12}  {version.at[:19]}  {releases}"]
    return "\n".join([*lines, *(f"    {problem}" for problem in version.problems)])


def _as_json(version: GraphVersion) -> str:
    told = {
        "digest": version.digest or None,
        "at": version.at,
        "releases": dict(version.releases),
        "problems": list(version.problems),
    }
    return json.dumps(told, ensure_ascii=False)
