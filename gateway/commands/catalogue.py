"""``watersmeet catalogue``: files, checked, converted, compared and searched; the registry's steps are neighbours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from catalog_sync import commands
from catalog_sync.commands import CommandResult
from catalog_sync.languages import spoken_here
from catalog_sync.search import PlatformSearch, Search
from gateway.admin.asking import ask_what_is_obtainable
from gateway.commands import catalogue_assessment, catalogue_reviews, catalogue_steps
from gateway.commands.output import LanguageOption
from gateway.commands.registry import Registry, open_registry
from gateway.commands.registry_options import ConfigOption, CredentialOption, GatewayOption, RegistryOption

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
    words: Annotated[list[str], typer.Argument(metavar="[SOURCE] WORDS...", help="Chinese or English; see below.")],
    limit: Annotated[int, typer.Option("--limit")] = 20,
    json: JsonOption = False,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Find entries, those one cannot read included: in a folder or file, or with --config or --registry in a registry.

    In a registry everything given is words; otherwise the first names the folder or file.
    """
    with _source(words, config, registry) as (source, asked, _):
        result = commands.search(source, " ".join(asked), limit=limit, as_json=json)
    _say(result)


@app.command()
def obtainable(
    items: Annotated[list[str], typer.Argument(metavar="[SOURCE] ITEM...", help="Names or aliases; see below.")],
    caller: Annotated[
        str | None, typer.Option("--for", metavar="CALLER", help="Say too how it stands for app:portal, or anon.")
    ] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="What that caller wants the data for.")] = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
    gateway: GatewayOption = "",
    credential: CredentialOption = None,
    language: LanguageOption = None,
) -> None:
    """Say which of these items can be had, from whom, at which tier, so that citizens are not asked again.

    With --config, --registry or --gateway everything given is items; otherwise the first names a folder or file.
    """
    spoken = language or spoken_here()
    if gateway:
        text, complete = ask_what_is_obtainable(gateway, credential, items, caller, purpose, spoken)
        _say(CommandResult(commands.DONE if complete else commands.PROBLEMS, text))
    if caller is not None and config is None:
        raise typer.BadParameter("--for needs --config, which names policy and callers, or --gateway.")
    with _source(items, config, registry) as (source, asked, opened):
        standing = opened.standing(caller, purpose, spoken) if opened and caller is not None else None
        result = commands.obtainable(source, asked, standing)
    _say(result)


@contextmanager
def _source(
    given: list[str], config: Path | None, registry: str | None
) -> Iterator[tuple[Path | Search, list[str], Registry | None]]:
    """What is searched, what for, and the registry where it is one."""
    if config is not None or registry is not None:
        with open_registry(config, registry) as opened:
            yield PlatformSearch(opened.office.platform), given, opened
    elif len(given) > 1:
        yield Path(given[0]), given[1:], None
    else:
        raise typer.BadParameter("Say where and what: SOURCE and words, or words with --config or --registry.")


def _say(result: CommandResult) -> NoReturn:
    typer.echo(result.text, nl=False, err=result.exit_code == commands.WRONG_USAGE)
    raise typer.Exit(result.exit_code)
