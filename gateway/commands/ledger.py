"""``watersmeet ledger``: who did and read what; provable without trusting the operator."""

import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.errors import CATALOGUE_UNREADABLE
from catalog_sync.platform import open_platform
from catalog_sync.store import verify_ledger
from gateway.admin.rights import LEDGER, SYSTEM, Rights
from gateway.commands.policy_desk import ConfigOption as PolicyConfigOption
from gateway.commands.policy_desk import PersonOption, at_office, person_of
from gateway.errors import CodedError
from gateway.policy_source import open_store, read_secret, run_apart
from gateway.settings import SETTINGS_INVALID, Settings, load_settings
from gateway.storage.policy import SqlPolicyStore
from policies import backup_tests
from policies.backup_tests import BackupTest, TestedStep
from policies.console import ConsoleAct
from policies.ledger import (
    Anchor,
    LedgerRecord,
    Outcome,
    ReadQuery,
    export_chain,
    import_chain,
    person_hash,
    verify_chain,
)
from policies.matters import Party
from policies.ports import PolicyStore
from policies.publication import PolicyOffice

app = typer.Typer(help="The record of every administrative act and every judged operation.")

ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The gateway's settings.")]
_PAGE = 5_000


@app.command()
def verify(
    config: ConfigOption = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="An export instead of the store.")] = None,
    anchor: Annotated[
        list[str] | None, typer.Option("--anchor", metavar="NUMBER:DIGEST", help="A digest known from elsewhere.")
    ] = None,
    catalogue: Annotated[
        str | None, typer.Option("--catalogue", metavar="STORE", help="A registry's store: its own ledger instead.")
    ] = None,
) -> None:
    """Check that nothing in the chain was changed, left out or put in; print the last anchor."""
    anchors = [_anchor(text) for text in anchor or ()]
    if catalogue is not None:
        _verify_catalogue(catalogue, {each.number: each.digest for each in anchors})
        return
    records = list(import_chain(file.read_bytes().splitlines())) if file is not None else _records(_settings(config))
    last = verify_chain(records, anchors)
    typer.echo(f"{last.number} records intact; anchor {last.number}:{last.digest}" if last else "The ledger is empty.")


@app.command()
def search(
    config: ConfigOption,
    caller: Annotated[str | None, typer.Option("--caller", help="Such as app:benefits-portal.")] = None,
    department: Annotated[str | None, typer.Option("--department")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="A person's number, or - to read it from stdin; hashed at once.")
    ] = None,
    resource: Annotated[str | None, typer.Option("--resource", help="Such as 30700503/1.")] = None,
    outcome: Annotated[Outcome | None, typer.Option("--outcome")] = None,
    since: Annotated[str | None, typer.Option("--since", help="2026-10-01T00:00:00Z")] = None,
    until: Annotated[str | None, typer.Option("--until")] = None,
) -> None:
    """Find reads: what a caller read, who read a person's record, what was refused."""
    settings = _settings(config)
    person = None
    if subject is not None:
        number = sys.stdin.readline() if subject == "-" else subject
        person = person_hash(read_secret(settings.access.person_key, "access.person_key"), number)
    query = ReadQuery(caller, department, person, resource, outcome, since, until)
    found = [record for record in _records(settings) if query.matches(record)]
    if person is not None:
        # Who looked this person up in the ledger read the ledger, not the person's records.
        found = [record for record in found if record.facts().get("items") != [LEDGER]]
    for record in found:
        line = {"number": record.number, "at": record.at, **record.facts()}
        typer.echo(msgspec.json.encode(line).decode())
    typer.echo(f"{len(found)} reads", err=True)


@app.command()
def export(
    config: ConfigOption, output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to.")]
) -> None:
    """Write the whole chain as lines of JSON, to keep and verify elsewhere."""
    with output.open("wb") as file:
        for line in export_chain(_records(_settings(config))):
            file.write(line)


@app.command("record-test")
def record_test(
    config: PolicyConfigOption,
    person: PersonOption,
    step: Annotated[TestedStep, typer.Option("--step", help="A backup was made, or put back.")],
    store: Annotated[str, typer.Option("--store", help="What it was of: the policy's store, the registry ...")],
    document: Annotated[str, typer.Option("--document", help="The number of the written report.")],
    failed: Annotated[bool, typer.Option("--failed", help="It did not come back whole; --note says what was.")] = False,
    day: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Its day; today.")] = None,
    note: Annotated[str, typer.Option("--note", help="What else is to be said.")] = "",
) -> None:
    """Write a test of a backup down, for the evidence of the year; for who may operate the system."""
    who, today = person_of(person), date_in_chongqing()

    async def keep(office: PolicyOffice, opened: PolicyStore) -> str:
        live = await office.live()
        Rights(live.lines if live is not None else (), {}).demand(who, ConsoleAct.OPERATE, (SYSTEM,))
        test = backup_tests.write_down(
            BackupTest(
                id=f"{today.year}-{secrets.token_hex(4)}", step=step, store=store, day=day.date() if day else today,
                passed=not failed, document=document, note=note, by=Party(who.subject, who.department),
            ),
            today,
        )  # fmt: skip
        await opened.save_matter(*backup_tests.kept(test, who.unproved), datetime.now(UTC))
        return f"test {test.id}: {test.step} of {test.store} {'passed' if test.passed else 'failed'} on {test.day}"

    typer.echo(at_office(config, keep))


def _verify_catalogue(store: str, anchors: dict[int, str]) -> None:
    if "://" not in store and not Path(store).is_file():
        raise CodedError(CATALOGUE_UNREADABLE, f"--catalogue {store}: there is no such file.")
    with open_platform(store) as platform:
        rows = tuple(platform.entries.ledger())
        verify_ledger(rows, anchors)
    typer.echo(f"{len(rows)} records intact; anchor {len(rows)}:{rows[-1].digest}" if rows else "The ledger is empty.")


def _settings(config: Path | None) -> Settings:
    settings = load_settings(config)
    if not settings.access.store:
        raise CodedError(SETTINGS_INVALID, "access.store is not set, so there is no ledger to read; give --config.")
    return settings


def _anchor(text: str) -> Anchor:
    number, _, digest = text.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise CodedError(SETTINGS_INVALID, f"--anchor {text}: an anchor is written NUMBER:DIGEST.")
    return Anchor(int(number), digest)


def _records(settings: Settings) -> list[LedgerRecord]:
    async def read() -> list[LedgerRecord]:
        async with open_store(settings.access.store) as store:
            return [record async for record in _pages(store)]

    return run_apart(read)


async def _pages(store: SqlPolicyStore) -> AsyncIterator[LedgerRecord]:
    after = 0
    while page := await store.records(after, _PAGE):
        for record in page:
            yield record
        after = page[-1].number
