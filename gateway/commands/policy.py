"""``watersmeet policy``: an edit on its way to live, from the command line; what is looked at before is a neighbour."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.commands import policy_checks
from gateway.commands.output import Format, FormatOption, print_json
from gateway.commands.policy_desk import (
    ConfigOption,
    DraftArgument,
    NoteOption,
    PersonOption,
    TestsOption,
    at_office,
    found_draft,
    items_under,
    person_of,
    read_tests,
)
from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID
from gateway.sources import read_text
from policies.drafts import FreezeOf
from policies.licences import KIND, accept, acceptance_lines
from policies.lines import parse_policy
from policies.matters import Party
from policies.ports import PolicyStore, StoredMatter
from policies.publication import PolicyOffice
from policies.versions import SignedVersion

app = typer.Typer(help="Edit access policies: draft, lint, test, what-if, second person, publish, roll back, stop.")
app.registered_commands += policy_checks.app.registered_commands

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Policy lines.")]


@app.command()
def install(file: FileArgument, config: ConfigOption, person: PersonOption, note: NoteOption = "first policy") -> None:
    """Publish the first version of an empty store; every later one needs two persons."""
    lines = tuple(line.tokens for line in parse_policy(read_text(file)))
    signed = at_office(config, lambda office, _: office.install(lines, person_of(person), note))
    typer.echo(f"{signed.version.name} is live")


@app.command()
def draft(
    file: FileArgument, config: ConfigOption, person: PersonOption, identity: Annotated[str, typer.Option("--id")],
    note: NoteOption = "", tests: TestsOption = None,
) -> None:  # fmt: skip
    """Start a draft with these lines, or put them into the own draft of that id; live only once published.

    The policy tests of the version before stay with it unless --tests names others.
    """
    who, text = person_of(person), read_text(file)
    given = read_tests(tests) if tests is not None else None

    async def take(office: PolicyOffice, store: PolicyStore) -> str:
        current = await store.draft(identity)
        if current is None:
            if not note.strip():
                raise CodedError(SETTINGS_INVALID, "--note is empty: say in a sentence what the draft is for.")
            current = await office.start(identity, who, note)
        kept = given if given is not None else current.tests
        edited = await office.edit(identity, who, text, kept, current.revision)
        checked = await office.check(identity)
        return f"draft {edited.id}, revision {edited.revision}, needs {checked.persons} persons"

    typer.echo(at_office(config, take))


@app.command()
def propose(identity: DraftArgument, config: ConfigOption, person: PersonOption) -> None:
    """Lay a draft before the second person."""
    laid = at_office(config, lambda office, _: office.propose(identity, person_of(person)))
    typer.echo(f"draft {laid.id}, revision {laid.revision}, is proposed")


@app.command()
def approve(
    identity: DraftArgument, config: ConfigOption, person: PersonOption,
    revision: Annotated[int, typer.Option("--revision", help="The revision that was looked at.")],
) -> None:  # fmt: skip
    """Approve a proposed draft as it stands; not one's own."""

    async def stand(office: PolicyOffice, _: PolicyStore) -> str:
        approved = await office.approve(identity, person_of(person), revision)
        missing = (await office.check(identity)).persons - 1 - len(approved.approvals)
        rest = f"{missing} more needed" if missing > 0 else "it can be published"
        return f"draft {approved.id} has {len(approved.approvals)} approvals; {rest}"

    typer.echo(at_office(config, stand))


@app.command()
def publish(identity: DraftArgument, config: ConfigOption, person: PersonOption) -> None:
    """Prove an approved draft against Casbin and make it live on all workers."""
    signed = at_office(config, lambda office, _: office.publish(identity, person_of(person)))
    typer.echo(f"{signed.version.name} is live")


@app.command()
def discard(identity: DraftArgument, config: ConfigOption, person: PersonOption) -> None:
    """Give up the own draft."""
    given_up = at_office(config, lambda office, _: office.discard(identity, person_of(person)))
    typer.echo(f"draft {given_up.id} is given up")


@app.command()
def rollback(
    number: Annotated[int, typer.Argument(metavar="VERSION")], config: ConfigOption, person: PersonOption,
    note: NoteOption,
    approver: Annotated[
        str | None, typer.Option("--approver", metavar="PERSON@DEPARTMENT", help="The second person: live at once.")
    ] = None,
    draft: Annotated[
        str | None, typer.Option("--draft", metavar="ID", help="What is still lawful of it, as a draft of this id.")
    ] = None,
) -> None:  # fmt: skip
    """Make an old version's content live again, as a new version; or what is still lawful of it a draft."""
    if draft is not None and approver is None:
        made = at_office(config, lambda o, _: o.roll_back_as_draft(number, draft, person_of(person), note))
        left_out = [line for line in made.text.splitlines() if line.startswith("#")]
        typer.echo(f"draft {made.id}, revision {made.revision}, has what is still lawful of version {number}")
        typer.echo("\n".join(left_out) or "nothing of it had to be left out", err=True)
        return
    if approver is None or draft is not None:
        raise CodedError(
            SETTINGS_INVALID, "Give either --approver, to make it live at once, or --draft, to take the usual way."
        )
    signed = at_office(config, lambda o, _: o.roll_back(number, person_of(person), person_of(approver), note))
    typer.echo(f"{signed.version.name} is live, with the content of version {number}")


@app.command()
def freeze(
    what: Annotated[FreezeOf, typer.Argument(help="What to stop.")],
    names: Annotated[list[str], typer.Argument(help="Callers, resource codes, departments or zones.")],
    config: ConfigOption, person: PersonOption, note: NoteOption,
    hours: Annotated[float, typer.Option("--hours", help="Ends by itself after so many, 72 at most.")] = 24.0,
) -> None:  # fmt: skip
    """Stop access at once, on the word of one person; it can only take rights away."""
    until = datetime.now(UTC) + timedelta(hours=hours)
    signed = at_office(config, lambda o, _: o.freeze(what, tuple(names), person_of(person), note, until))
    typer.echo(f"{signed.version.name} is live; the stop ends {until:%Y-%m-%d %H:%M} UTC")


@app.command("accept-licence")
def accept_licence(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Who accepted it: app:planner, key:...")],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="Such as 30700506/2.")],
    licence: Annotated[str, typer.Option("--licence", metavar="VERSION", help="What was accepted: CODE:DAY.")],
    document: Annotated[str, typer.Option("--document", help="What shows it.")],
    config: ConfigOption, person: PersonOption,
) -> None:  # fmt: skip
    """Record that a verified identity accepted the licence of a resource; from then on it reads what is open there."""
    who, items = person_of(person), items_under(config)
    made = accept(subject, resource, licence, items, datetime.now(UTC), Party(who.subject, who.department), document)

    async def keep(office: PolicyOffice, store: PolicyStore) -> str:
        if await store.matter(made.id) is not None:
            return f"{subject} accepted {licence} for {resource} before"
        kept = StoredMatter(made.id, KIND, 1, msgspec.json.encode(made))
        note = f"licence {made.id}: licence accepted ({resource}: {licence}; {document})"
        signed = await office.add_lines(acceptance_lines(made), who, note, kept)
        return f"{signed.version.name} is live: {subject} accepted {licence} for {resource}"

    typer.echo(at_office(config, keep))


@app.command()
def show(
    config: ConfigOption,
    version: Annotated[int | None, typer.Option("--version", help="Default: live.")] = None,
    draft: Annotated[str | None, typer.Option("--draft", metavar="ID", help="A draft instead.")] = None,
) -> None:
    """Print the lines of a version or a draft."""

    async def lines(office: PolicyOffice, store: PolicyStore) -> str:
        if draft is not None:
            return (await found_draft(store, draft)).text
        found = (await office.version(version)).version if version is not None else await office.live()
        if found is None:
            raise policy_checks.no_policy()
        return found.text()

    typer.echo(at_office(config, lines), nl=False)


@app.command("list")
def list_command(config: ConfigOption, format_: FormatOption = Format.TEXT) -> None:
    """List drafts with their state, and versions with their persons, newest first."""

    async def look(office: PolicyOffice, store: PolicyStore) -> tuple[list[dict[str, object]], list[SignedVersion]]:
        drafts: list[dict[str, object]] = [
            {"id": each.id, "state": each.state.value, "revision": each.revision, "base": each.base,
             "author": each.author, "approvals": list(each.approvals), "note": each.note}
            for each in await store.drafts()
        ]  # fmt: skip
        head = await store.head() or 0
        return drafts, [await office.version(number) for number in range(head, 0, -1)]

    drafts, versions = at_office(config, look)
    shown = [
        {"number": each.version.number, "name": each.version.name, "published": each.published_at,
         "persons": list(each.persons), "note": each.note}
        for each in versions
    ]  # fmt: skip
    if format_ is Format.JSON:
        print_json({"version": 1, "drafts": drafts, "versions": shown})
        return
    for row in drafts:
        typer.echo(f"draft {row['id']}  {row['state']}  revision {row['revision']}  by {row['author']}: {row['note']}")
    for place, one in enumerate(shown):
        live = "  live" if not place else ""
        persons = ", ".join(versions[place].persons)
        typer.echo(f"version {one['number']}{live}  {one['published']}  {persons}: {one['note']}")
