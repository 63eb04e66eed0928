"""``watersmeet policy``: an edit on its way to live, from the command line."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from catalog_sync.loading import Catalogue, load_catalogue
from gateway.errors import CodedError
from gateway.policy_source import items_of, live_tables, open_store, read_key, run_apart
from gateway.registry_source import read_registered_catalogue
from gateway.settings import SETTINGS_INVALID, Settings, load_settings
from gateway.sources import read_text
from policies.drafts import FreezeOf
from policies.lines import parse_policy, with_catalogue
from policies.lint import lint
from policies.publication import Person, PolicyOffice
from policies.simulation import WhatIf, what_if
from policies.tables import compile_lines

app = typer.Typer(help="Edit access policies: lint, what-if, draft, second person, publish, roll back, stop.")

T = TypeVar("T")

ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The gateway's settings.")]
PersonOption = Annotated[str, typer.Option("--as", metavar="PERSON@DEPARTMENT", help="Who acts: user:ada@tax.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Policy lines.")]
DraftArgument = Annotated[str, typer.Argument(metavar="DRAFT", help="The draft's id.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why, in a sentence; kept in the ledger.")]


@app.command("lint")
def lint_command(file: FileArgument, config: ConfigOption) -> None:
    """Say what is wrong with policy lines, line by line, and how to mend it."""
    items = items_of(_catalogue(load_settings(config)))
    findings = lint(with_catalogue(parse_policy(read_text(file)), items), datetime.now(UTC))
    for finding in findings:
        typer.echo(str(finding))
    errors = sum(finding.is_error for finding in findings)
    typer.echo(f"{errors} errors, {len(findings) - errors} other findings", err=True)
    raise typer.Exit(int(errors > 0))


@app.command("what-if")
def what_if_command(file: FileArgument, config: ConfigOption) -> None:
    """Say who would gain and who would lose which items under these lines instead of the live ones."""
    settings = load_settings(config)
    catalogue = _catalogue(settings)
    after = compile_lines("draft", parse_policy(read_text(file)), items_of(catalogue))
    found = what_if(live_tables(settings.access, catalogue), after, datetime.now(UTC))
    typer.echo(_changes(found))


@app.command()
def install(file: FileArgument, config: ConfigOption, person: PersonOption, note: NoteOption = "first policy") -> None:
    """Publish the first version of an empty store; every later one needs two persons."""
    lines = tuple(line.tokens for line in parse_policy(read_text(file)))
    signed = _at_office(config, lambda office: office.install(lines, _person(person), note))
    typer.echo(f"{signed.version.name} is live")


@app.command()
def draft(
    file: FileArgument, config: ConfigOption, person: PersonOption, identity: Annotated[str, typer.Option("--id")],
    note: NoteOption,
) -> None:  # fmt: skip
    """Start a draft with these lines; nothing changes until it is published."""

    async def start(office: PolicyOffice) -> str:
        started = await office.start(identity, _person(person), note)
        edited = await office.edit(identity, _person(person), read_text(file), (), started.revision)
        checked = await office.check(identity)
        return f"draft {edited.id}, revision {edited.revision}, needs {checked.persons} persons"

    typer.echo(_at_office(config, start))


@app.command()
def propose(identity: DraftArgument, config: ConfigOption, person: PersonOption) -> None:
    """Lay a draft before the second person."""
    laid = _at_office(config, lambda office: office.propose(identity, _person(person)))
    typer.echo(f"draft {laid.id}, revision {laid.revision}, is proposed")


@app.command()
def approve(
    identity: DraftArgument, config: ConfigOption, person: PersonOption,
    revision: Annotated[int, typer.Option("--revision", help="The revision that was looked at.")],
) -> None:  # fmt: skip
    """Approve a proposed draft as it stands; not one's own."""
    approved = _at_office(config, lambda office: office.approve(identity, _person(person), revision))
    typer.echo(f"draft {approved.id} has {len(approved.approvals)} approvals")


@app.command()
def publish(identity: DraftArgument, config: ConfigOption, person: PersonOption) -> None:
    """Prove an approved draft against Casbin and make it live on all workers."""
    signed = _at_office(config, lambda office: office.publish(identity, _person(person)))
    typer.echo(f"{signed.version.name} is live")


@app.command()
def rollback(
    number: Annotated[int, typer.Argument(metavar="VERSION")], config: ConfigOption, person: PersonOption,
    approver: Annotated[str, typer.Option("--approver", metavar="PERSON@DEPARTMENT", help="The second person.")],
    note: NoteOption,
) -> None:  # fmt: skip
    """Make an old version's content live again, as a new version."""
    signed = _at_office(config, lambda o: o.roll_back(number, _person(person), _person(approver), note))
    typer.echo(f"{signed.version.name} is live, with the content of version {number}")


@app.command()
def freeze(
    what: Annotated[FreezeOf, typer.Argument(help="What to stop.")],
    names: Annotated[list[str], typer.Argument(help="Callers, resource codes or zones.")],
    config: ConfigOption, person: PersonOption, note: NoteOption,
    hours: Annotated[float, typer.Option("--hours", help="Ends by itself after so many, 72 at most.")] = 24.0,
) -> None:  # fmt: skip
    """Stop access at once, on the word of one person; it can only take rights away."""
    until = datetime.now(UTC) + timedelta(hours=hours)
    signed = _at_office(config, lambda o: o.freeze(what, tuple(names), _person(person), note, until))
    typer.echo(f"{signed.version.name} is live; the stop ends {until:%Y-%m-%d %H:%M} UTC")


@app.command()
def show(
    config: ConfigOption, version: Annotated[int | None, typer.Option("--version", help="Default: live.")] = None
) -> None:
    """Print a version's lines."""

    async def lines(office: PolicyOffice) -> str:
        found = (await office.version(version)).version if version is not None else await office.live()
        if found is None:
            raise CodedError(SETTINGS_INVALID, "The store holds no policy yet; `policy install FILE` puts one in.")
        return found.text()

    typer.echo(_at_office(config, lines), nl=False)


def _catalogue(settings: Settings) -> Catalogue:
    if settings.registry.store:
        return read_registered_catalogue(settings.registry.store)
    if not settings.access.catalogue:
        raise CodedError(
            SETTINGS_INVALID, "Neither registry.store nor access.catalogue is set; name the store or folder of entries."
        )
    return load_catalogue(Path(settings.access.catalogue))


def _person(text: str) -> Person:
    subject, at, department = text.partition("@")
    if not at or not subject.startswith("user:"):
        raise CodedError(SETTINGS_INVALID, f"--as {text}: a person is written user:NAME@DEPARTMENT.")
    return Person(subject, department)


def _at_office(config: Path, act: Callable[[PolicyOffice], Awaitable[T]]) -> T:
    settings = load_settings(config)
    if not settings.access.store:
        raise CodedError(SETTINGS_INVALID, "access.store is not set; drafts and versions live in a store.")
    key = read_key(settings.access.store_key, "access.store_key")
    catalogue = _catalogue(settings)

    async def work() -> T:
        async with open_store(settings.access.store) as store:
            with ThreadPoolExecutor(1) as prover:
                return await act(PolicyOffice(store, key, lambda: items_of(catalogue), executor=prover))

    return run_apart(work)


def _changes(found: WhatIf) -> str:
    lines = []
    for change in found.changes:
        purpose = f" for {change.purpose}" if change.purpose else ""
        head = f"{', '.join(change.subjects)} in {change.zone}{purpose}: {change.act}, rows {change.rows}"
        lines += [head, *(f"  + {item}" for item in change.gained), *(f"  - {item}" for item in change.lost)]
    return "\n".join(lines) if lines else "Nobody gains or loses anything."
