"""``watersmeet catalogue`` over the registry: entries on their way into force, step by step."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.closed_lists import EntryState
from catalog_sync.comparison import diff_text
from catalog_sync.entries import CatalogueEntry
from catalog_sync.exchange import Held
from catalog_sync.interchange import read_documents, yaml_text
from catalog_sync.office import CatalogueOffice
from catalog_sync.registry import EntryRecord, Trigger, TriggerKind
from gateway.commands.output import Format, FormatOption, print_json
from gateway.commands.progress import progress_bar
from gateway.commands.registry import Registry, open_registry
from gateway.commands.registry_options import (
    AcknowledgeOption,
    ConfigOption,
    PersonOption,
    ReasonOption,
    RegistryOption,
)
from gateway.level import exchange_of

app = typer.Typer()


class Event(StrEnum):
    """What made a new version necessary."""

    LAW_AMENDED = "law-amended"
    FUNCTIONS_CHANGED = "functions-changed"
    CREATED = "created"
    UPDATED = "updated"


IdArgument = Annotated[str, typer.Argument(metavar="ENTRY", help="Id of the entry, or one of its codes.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ENTRY...", help="Ids, or codes.")]


@app.command()
def draft(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of YAML, or a yaml, json, xlsx or csv.")],
    person: PersonOption,
    event: Annotated[Event, typer.Option("--event", help="What made it necessary; the law's clock runs from it.")],
    document: Annotated[str, typer.Option("--document", help="The document that shows the event.")],
    day: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The event's day; today.")] = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Make drafts of what changed in a file or folder; with any problem, all problems are told and nothing is drafted.

    ``--as PERSON@*`` brings a whole catalogue over, each entry in the name of its own provider.
    """
    with open_registry(config, registry) as opened, progress_bar("drafting") as bar:
        trigger = Trigger(TriggerKind[event.name], day.date() if day else date_in_chongqing(), document)
        drafted = opened.office.draft(read_documents(source), trigger, opened.providers(person), bar)
    _say(drafted.records)
    if drafted.unchanged:
        typer.echo(f"{len(drafted.unchanged)} say the same as before", err=True)


@app.command()
def submit(
    person: PersonOption,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ENTRY...", help="Ids, or codes.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every draft of the department.")] = False,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Hand drafts in for review; they may refer to one another."""
    with open_registry(config, registry) as opened:
        acting = opened.providers(person)
        own = None if person.endswith("@*") else opened.provider(person).department
        chosen = [entry.id for entry in opened.office.listed(EntryState.DRAFT, own)] if all_ else ids or []
        if not chosen:
            raise typer.BadParameter("Nothing to submit: name entries, or give --all.")
        _say(opened.office.submit(chosen, acting))


@app.command()
def recall(
    identity: IdArgument, person: PersonOption, config: ConfigOption = None, registry: RegistryOption = None
) -> None:
    """Take a submission back while nobody has decided on it."""
    with open_registry(config, registry) as opened:
        _say([opened.office.recall(identity, opened.provider(person))])


@app.command("return")
def return_(
    identity: IdArgument,
    person: PersonOption,
    reason: Annotated[list[str], typer.Option("--reason", help="What has to be mended; may be repeated.")],
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Return a submission with its reasons: a department's, or one that came from a level below."""
    with open_registry(config, registry) as opened:
        actor = opened.competent(person)
        if held := _held(opened, identity):
            _say_held([_exchange_step(opened, held, "return", str(actor), reason)])
        else:
            _say([opened.office.send_back(identity, reason, actor)])


@app.command()
def accept(
    ids: IdsArgument, person: PersonOption, config: ConfigOption = None, registry: RegistryOption = None
) -> None:
    """Find submissions in order: departments', or those that came from a level below, which are merged by it."""
    with open_registry(config, registry) as opened:
        actor = opened.competent(person)
        for identity in ids:
            if held := _held(opened, identity):
                _say_held([_exchange_step(opened, held, "accept", str(actor))])
            else:
                _say([opened.office.accept(identity, actor)])


@app.command()
def release(
    ids: IdsArgument,
    person: PersonOption,
    acknowledge: AcknowledgeOption = None,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Put accepted versions into force together; grants that lose something (V15), reviews lacking (V16) are named."""
    with open_registry(config, registry) as opened:
        _say(opened.office.release(ids, opened.competent(person), opened.grants(), acknowledge or ()))


@app.command()
def withdraw(
    identity: IdArgument,
    person: PersonOption,
    reason: ReasonOption,
    config: ConfigOption = None,
    registry: RegistryOption = None,
) -> None:
    """Take an entry out of force: nobody is served its data any more."""
    with open_registry(config, registry) as opened:
        _say([opened.office.withdraw(identity, reason, opened.provider(person))])


@app.command("list")
def list_(
    state: Annotated[EntryState | None, typer.Option("--state", help="Of the newest version.")] = None,
    department: Annotated[str, typer.Option("--department", help="By its policy name, or credit code.")] = "",
    config: ConfigOption = None,
    registry: RegistryOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """List entries by the state of their newest version."""
    with open_registry(config, registry) as opened:
        provider = opened.office.register.credit_code(department) if department else None
        if department and provider is None:
            raise typer.BadParameter(f"--department {department}: no department on file, and no credit code.")
        found = opened.office.listed(state, provider)
    if format_ is Format.JSON:
        print_json({"version": 1, "entries": [_summary(entry) for entry in found]})
        return
    for entry in found:
        typer.echo(f"{entry.id} {entry.code} {entry.state} v{entry.version} {entry.title} {entry.provider.name}")


@app.command()
def show(
    identity: IdArgument,
    config: ConfigOption = None,
    registry: RegistryOption = None,
    version: Annotated[int | None, typer.Option("--version", help="Which version; the newest if not given.")] = None,
    content: Annotated[bool, typer.Option("--content", help="Print the version as YAML alone.")] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show an entry: its versions with their states, and what the version asked for changed."""
    with open_registry(config, registry) as opened:
        if held := _held(opened, identity):
            if content:
                typer.echo(yaml_text([held.entry]), nl=False)
                return
            changes = exchange_of(opened.settings, opened.office.platform).changes(held)
            _say_held([held])
            _say_changes(held.entry.version, diff_text(changes))
            return
        office = opened.office
        record, changes = office.record(identity), office.changes(identity, version)
    shown = next((each for each in record.versions if each.number == version), record.current)
    if content:
        typer.echo(yaml_text([shown.entry]), nl=False)
    elif format_ is Format.JSON:
        told = [{"path": c.path, "before": c.before, "after": c.after, "effect": c.effect.value} for c in changes]
        versions = [
            {"number": v.number, "state": v.state.value, "digest": v.digest, "event": v.trigger.told(),
             "reasons": v.reasons} for v in record.versions
        ]  # fmt: skip
        print_json({"version": 1, **_summary(shown.entry), "versions": versions, "changes": told})
    else:
        typer.echo(f"{record.id} {record.current.entry.code} {record.current.entry.title}")
        for each in record.versions:
            reasons = f": {'; '.join(each.reasons)}" if each.reasons else ""
            typer.echo(f"  version {each.number} {each.state}, {each.trigger.kind} {each.trigger.day}{reasons}")
        _say_changes(shown.number, diff_text(changes))


@app.command()
def history(identity: IdArgument, config: ConfigOption = None, registry: RegistryOption = None) -> None:
    """Print every act on an entry from the ledger: when, who, what, why."""
    with open_registry(config, registry) as opened:
        for row in opened.office.history(identity):
            listed = row.body.get("reasons")
            reasons = f": {'; '.join(map(str, listed))}" if isinstance(listed, list) and listed else ""
            typer.echo(f"{row.at} {row.actor} {row.action} version {row.body['version']}{reasons}")


@app.command()
def due(
    config: ConfigOption = None,
    registry: RegistryOption = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is late.")] = False,
) -> None:
    """List what has to be handed in and by when (C1, C2), and submissions nobody decided on; exit 1 when late."""
    with open_registry(config, registry) as opened:
        office = opened.office
        lines, late = _due_lines(office, overdue=overdue)
        if opened.settings.sync.division:
            for held in exchange_of(opened.settings, office.platform).overdue(office.today):
                lines.append(f"{held.due} undecided {held.entry.id} v{held.entry.version} of {held.peer}")
                late = True
    for line in lines:
        typer.echo(line)
    raise typer.Exit(int(late))


def _due_lines(office: CatalogueOffice, *, overdue: bool) -> tuple[list[str], bool]:
    owed = office.due()
    late = [each.overdue(office.today) for each in owed]
    lines = []
    for each, is_late in zip(owed, late, strict=True):
        left = each.working_days_left(office.today, office.calendar)
        told = "late" if is_late else f"{left} working days left"
        entry, clock = each.version.entry, each.clock
        if is_late or not overdue:
            lines.append(
                f"{clock.deadline.date} {clock.clock} {entry.id} v{entry.version} {entry.provider.name}: {told}"
            )
    return lines, any(late)


def _held(opened: Registry, identity: str) -> Held | None:
    """The entry as it came from a level below; None for one of this level's own, or where there are no levels."""
    if not opened.settings.sync.division:
        return None
    return exchange_of(opened.settings, opened.office.platform).held(identity)


def _exchange_step(opened: Registry, held: Held, event: str, person: str, reasons: Iterable[str] = ()) -> Held:
    exchange = exchange_of(opened.settings, opened.office.platform)
    return exchange.decide(held.entry.id, event, person, opened.office.now, reasons)


def _say(records: Iterable[EntryRecord]) -> None:
    for record in records:
        typer.echo(f"{record.id} version {record.current.number} is {record.current.state}")


def _say_held(found: Iterable[Held]) -> None:
    for held in found:
        reasons = f": {'; '.join(held.reasons)}" if held.reasons else ""
        late = ", late" if held.late else ""
        typer.echo(
            f"{held.entry.id} version {held.entry.version} of {held.peer} is {held.state}{reasons} "
            f"(arrived {held.arrived[:10]}, due {held.due}{late})"
        )


def _say_changes(number: int, diff: str) -> None:
    typer.echo(f"  version {number} changed:")
    for line in diff.splitlines() or ["it is the first"]:
        typer.echo(f"    {line}")


def _summary(entry: CatalogueEntry) -> dict[str, object]:
    return {
        "id": entry.id, "code": str(entry.code), "title": entry.title, "provider": str(entry.provider.credit_code),
        "state": entry.state.value, "number": entry.version, "sharing": entry.sharing.value,
        "opening": entry.opening.value,
    }  # fmt: skip
