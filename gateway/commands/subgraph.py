"""``watersmeet subgraph``: a department's schema on its way to live.

What composes and what keeps a registry is imported where it is needed: an author who asks a gateway waits for neither.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog_sync.errors import CodedError
from gateway.admin.asking import ask_for_check
from gateway.commands.output import Format, FormatOption, ReportFormat, ReportFormatOption, print_json
from gateway.commands.registry_options import (
    AcknowledgeOption,
    ConfigOption,
    CredentialOption,
    GatewayOption,
    PersonOption,
    ReasonOption,
    RegistryOption,
)
from gateway.commands.subgraph_start import write_start
from gateway.releasing.errors import RELEASE_NOT_IN_ORDER
from gateway.sources import read_text

if TYPE_CHECKING:
    from catalog_sync.observations import Look
    from gateway.commands.registry import Registry
    from gateway.releasing.office import ReleaseOffice, Standing
    from gateway.releasing.report import ReleaseReport

app = typer.Typer(
    help="Publish subgraphs: new, check, publish, approve, go-live, refuse, retire, rollback, list, show."
)


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The subgraph.")]
SchemaOption = Annotated[str, typer.Option("--schema", metavar="FILE|URL|-", help="SDL; an address is asked for it.")]
UrlOption = Annotated[str, typer.Option("--url", help="Where it is served; the release before says so if not given.")]
NumberOption = Annotated[int | None, typer.Option("--number", help="Which release; the newest if not given.")]


@app.command()
def new(
    name: NameArgument,
    code: Annotated[str, typer.Option("--code", help="Code of the resource that it serves, such as 30700513/1.")],
    directory: Annotated[Path | None, typer.Option("--directory", help="Where to; a folder NAME if not given.")] = None,
) -> None:
    """Write a department of thirty lines with its test, ready to run."""
    for path in write_start(name, code, directory or Path(name)):
        typer.echo(str(path))


@app.command()
def check(
    name: NameArgument,
    schema: SchemaOption,
    url: UrlOption = "",
    config: ConfigOption = None,
    registry: RegistryOption = None,
    gateway: GatewayOption = "",
    credential: CredentialOption = None,
    acknowledge: AcknowledgeOption = None,
    format_: ReportFormatOption = ReportFormat.TEXT,
) -> None:
    """Say what keeps a schema from going live, what it changes and whom it hits; exit 1 when there is something."""
    if gateway:
        asked = {"subgraph": name, "sdl": read_schema(schema), "address": url, "file": schema}
        told, in_order = ask_for_check(gateway, credential, asked, format_.value, acknowledge or ())
        typer.echo(told, nl=False)
        raise typer.Exit(int(not in_order))
    with _office(config, registry) as (office, _):
        report = office.check(office.candidate(name, read_schema(schema), url))
    _print(report, format_, schema)
    raise typer.Exit(int(not report.in_order or bool(report.unacknowledged(acknowledge or ()))))


@app.command()
def publish(
    name: NameArgument,
    schema: SchemaOption,
    person: PersonOption,
    url: UrlOption = "",
    note: Annotated[str, typer.Option("--release-note", help="What the release brings; kept in the ledger.")] = "",
    config: ConfigOption = None,
    registry: RegistryOption = None,
    format_: ReportFormatOption = ReportFormat.TEXT,
) -> None:
    """Check a schema and propose it as the next release; a person of the competent department approves it."""
    with _office(config, registry) as (office, opened):
        actor, sdl = opened.provider(person), read_schema(schema)
        try:
            release, report = office.publish(name, sdl, url, note, actor)
        except CodedError as error:
            if error.code is not RELEASE_NOT_IN_ORDER:
                raise
            _print(office.check(office.candidate(name, sdl, url, actor.department)), format_, schema)
            raise typer.Exit(1) from None
    _print(report, format_, schema)
    typer.echo(f"release {release.number} of {name} is proposed", err=True)


@app.command()
def approve(
    name: NameArgument,
    person: PersonOption,
    reason: ReasonOption,
    number: NumberOption = None,
    acknowledge: AcknowledgeOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Approve a proposal: it goes live at once, or when those whom it hits have had their notice."""
    with _office(config, registry) as (office, opened):
        _tell(office.approve(name, number, reason, opened.competent(person), acknowledge or ()))


@app.command("go-live")
def go_live(
    name: NameArgument,
    person: PersonOption,
    number: NumberOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Put an approved release into service once its notice has run out or is acknowledged by all."""
    with _office(config, registry) as (office, opened):
        _tell(office.go_live(name, number, opened.competent(person)))


@app.command()
def acknowledge(
    name: NameArgument,
    names: Annotated[list[str], typer.Argument(metavar="WHO...", help="Those hit, as the report names them.")],
    person: PersonOption,
    number: NumberOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Record that somebody whom an approved release hits lets it pass."""
    with _office(config, registry) as (office, opened):
        _tell(office.acknowledge(name, number, names, opened.provider(person)))


@app.command()
def refuse(
    name: NameArgument,
    person: PersonOption,
    reason: ReasonOption,
    number: NumberOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Refuse a proposal, or an approved release before it is live."""
    with _office(config, registry) as (office, opened):
        _tell(office.refuse(name, number, reason, opened.competent(person)))


@app.command()
def retire(
    name: NameArgument,
    person: PersonOption,
    reason: ReasonOption,
    acknowledge: AcknowledgeOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Take a subgraph out of service; refused while others need it or its users were not asked."""
    with _office(config, registry) as (office, opened):
        release, _ = office.retire(name, reason, opened.provider(person), acknowledge or ())
    typer.echo(f"release {release.number} of {name} is {release.state}")


@app.command()
def rollback(
    name: NameArgument,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The release's, shortened or not.")],
    person: PersonOption,
    reason: ReasonOption,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Put a retired release back into service."""
    with _office(config, registry) as (office, opened):
        standing, report = office.roll_back(name, digest, reason, opened.competent(person))
    _print(report, ReportFormat.TEXT, name)
    _tell(standing)


@app.command("list")
def list_(config: ConfigOption = None, registry: RegistryOption = None, format_: FormatOption = Format.TEXT) -> None:
    """List the subgraphs, each with its newest release."""
    with _office(config, registry) as (office, _):
        found, looks = office.subgraphs(), office.looks()
    if format_ is Format.JSON:
        told = [_as_json(each) | {"running": _running(looks.get(each.release.subgraph))} for each in found]
        print_json({"version": 1, "subgraphs": told})
        return
    for each in found:
        typer.echo("  ".join(filter(None, (_line(each), _running(looks.get(each.release.subgraph))))))


@app.command()
def show(
    name: NameArgument,
    config: ConfigOption = None,
    registry: RegistryOption = None,
    sdl: Annotated[bool, typer.Option("--sdl", help="Print the newest release's schema alone.")] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show a subgraph's releases: state, digest, who said what, and whom a notice names."""
    with _office(config, registry) as (office, _):
        history, running = office.history(name), _running(office.looks().get(name))
        seen = office.seen(name)
    if sdl:
        typer.echo(history[-1].release.sdl)
    elif format_ is Format.JSON:
        told = [_as_json(each) for each in history]
        print_json({"version": 1, "subgraph": name, "running": running, "seen": list(map(str, seen)), "releases": told})
    else:
        for each in history:
            _tell(each)
        if running:
            typer.echo(running)
        for change in seen:
            typer.echo(f"    {change}")


def read_schema(source: str) -> str:
    """SDL from a file, from stdin (``-``), or asked of a running subgraph. Raises CodedError."""
    if source == "-":
        return sys.stdin.read()
    if source.startswith(("http://", "https://")):
        from gateway.subgraph_sources import fetch_sdl

        return fetch_sdl(source)
    return read_text(Path(source))


@contextmanager
def _office(config: Path | None, registry: str | None) -> "Iterator[tuple[ReleaseOffice, Registry]]":
    from gateway.commands.registry import open_registry
    from gateway.releasing.office import ReleaseOffice

    with open_registry(config, registry) as opened:
        yield ReleaseOffice(opened.office, opened.users), opened


def _print(report: "ReleaseReport", format_: ReportFormat, schema: str) -> None:
    from gateway.releasing.report import as_github, as_json, as_text

    if format_ is ReportFormat.JSON:
        text = as_json(report)
    else:
        text = as_github(report, schema) if format_ is ReportFormat.GITHUB else as_text(report)
    typer.echo(text, nl=False)


def _line(standing: "Standing") -> str:
    release = standing.release
    return f"{release.subgraph} {release.number} {release.state} {release.digest[:12]} {release.address}"


def _running(look: "Look | None") -> str:
    """What a gateway last saw of the running service; nothing where all is as released, or nobody looked."""
    if look is None or (look.running is not None and not look.drifted):
        return ""
    if look.running is None:
        return f"does not answer: {look.problem}"
    return f"runs another schema than was released: {'; '.join(look.changes) or 'no change that clients see'}"


def _tell(standing: "Standing") -> None:
    typer.echo(_line(standing))
    for label, text in (("note", standing.note), ("reason", standing.reason)):
        if text:
            typer.echo(f"    {label}: {text}")
    if standing.notice is not None:
        provisional = ", provisional" if standing.notice.provisional else ""
        typer.echo(f"    notice until {standing.notice.due}{provisional}: {', '.join(standing.notice.affected)}")
        typer.echo(f"    acknowledged by: {', '.join(standing.acknowledged) or 'nobody'}")


def _as_json(standing: "Standing") -> dict[str, object]:
    release, notice = standing.release, standing.notice
    told = {"affected": notice.affected, "due": str(notice.due), "provisional": notice.provisional} if notice else None
    return {
        "subgraph": release.subgraph, "number": release.number, "state": release.state.value,
        "digest": release.digest, "provider": str(release.provider), "address": release.address,
        "proposedBy": standing.proposed_by, "proposedAt": standing.proposed_at, "note": standing.note,
        "reason": standing.reason, "notice": told, "acknowledged": standing.acknowledged,
    }  # fmt: skip
