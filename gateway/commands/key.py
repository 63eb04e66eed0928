"""``watersmeet key``: credentials for callers. A running gateway takes every change within a second, in all workers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.commands.output import Format, FormatOption
from gateway.commands.register_file import NewKey, RegisterText, edited, moment, read_callers
from gateway.errors import CodedError
from policies.callers import CallerKind
from policies.credentials import ApiKey, hash_api_key, new_api_key, utc
from policies.errors import CREDENTIALS_INVALID

app = typer.Typer(help="API keys: shown once, kept as hashes.")

SubjectArgument = Annotated[str, typer.Argument(help="Such as app:benefits-portal.")]
CallersOption = Annotated[Path, typer.Option("--callers", metavar="FILE", help="The file of callers, in TOML.")]
IdOption = Annotated[str | None, typer.Option("--id", help="The key's name, by which it is revoked; default: the day.")]
DaysOption = Annotated[int | None, typer.Option("--days", min=1, help="Days until the new key ends; default: none.")]

_NEVER = datetime.max.replace(tzinfo=UTC)


@app.command()
def create(
    subject: SubjectArgument,
    callers: CallersOption,
    department: Annotated[str | None, typer.Option("--department", help="The one department it acts for.")] = None,
    kind: Annotated[CallerKind, typer.Option("--kind", help="What the caller is, if it is new.")] = (
        CallerKind.APPLICATION
    ),
    identity: IdOption = None,
    days: DaysOption = None,
) -> None:
    """Give a caller a key, and write the caller down if it is new. The key is printed once, on stdout."""
    secret = new_api_key()
    with edited(callers) as text:
        text.add_caller(subject, kind.value, department)
        text.add_key(subject, _new_key(text, subject, secret, identity, days))
    typer.echo(secret)


@app.command(name="list")
def list_keys(
    callers: CallersOption,
    subject: Annotated[str | None, typer.Argument(help="Only this caller's.")] = None,
    form: FormatOption = Format.TEXT,
) -> None:
    """List keys with their state; nothing in it helps to use one."""
    now = moment()
    found = [
        {"subject": caller.subject, "id": key.id, "state": _state(key, now), "expires": utc(key.expires),
         "zones": key.zones, "purposes": key.purposes}
        for caller in read_callers(callers)
        if subject in (None, caller.subject)
        for key in caller.keys
    ]  # fmt: skip
    if form is Format.JSON:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for row in found:
        ends = f" until {row['expires']}" if row["expires"] else ""
        typer.echo(f"{row['subject']}  {row['id']}  {row['state']}{ends}")


@app.command()
def rotate(
    subject: SubjectArgument,
    callers: CallersOption,
    identity: IdOption = None,
    overlap: Annotated[int, typer.Option("--overlap", min=0, help="Days for which the keys of now still count.")] = 14,
    days: DaysOption = None,
) -> None:
    """Give a caller a new key with the scope of its last one, and let those of now end after an overlap."""
    secret = new_api_key()
    now = moment()
    end = now + timedelta(days=overlap)
    with edited(callers) as text:
        current = [entry for entry in text.keys(subject) if _ends(entry) > now]
        if not current:
            raise CodedError(CREDENTIALS_INVALID, f"{subject} has no key that counts; `key create` gives it one.")
        text.add_key(subject, _new_key(text, subject, secret, identity, days, like=current[-1]))
        for entry in current:
            entry["expires"] = min(_ends(entry), end)
    typer.echo(f"{len(current)} earlier keys end at {end:%Y-%m-%dT%H:%M:%SZ}", err=True)
    typer.echo(secret)


@app.command()
def revoke(
    subject: SubjectArgument,
    identity: Annotated[str, typer.Argument(metavar="ID", help="The key's name.")],
    callers: CallersOption,
) -> None:
    """End a key now. Its entry stays, so that records that name it can be read."""
    with edited(callers) as text:
        for entry in text.keys(subject):
            if entry["id"] == identity:
                entry["expires"] = moment()
                break
        else:
            raise CodedError(CREDENTIALS_INVALID, f"{subject} has no key {identity}.")
    typer.echo(f"{subject} {identity} has ended", err=True)


def _new_key(
    text: RegisterText,
    subject: str,
    secret: str,
    identity: str | None,
    days: int | None,
    like: Mapping[str, Any] | None = None,
) -> NewKey:
    now = moment()
    if identity is None:
        taken = {entry["id"] for entry in text.keys(subject)}
        day = f"{now:%Y-%m-%d}"
        names = (day, *(f"{day}-{number}" for number in range(2, len(taken) + 2)))
        identity = next(name for name in names if name not in taken)
    return NewKey(identity, hash_api_key(secret), None if days is None else now + timedelta(days=days), like)


def _ends(entry: Mapping[str, Any]) -> datetime:
    """When a key as the file writes it ends; the end of time if never."""
    plain = {name: getattr(value, "unwrap", lambda value=value: value)() for name, value in entry.items()}
    return utc(msgspec.convert(plain, ApiKey, strict=False).expires) or _NEVER


def _state(key: ApiKey, now: datetime) -> str:
    begins, ends = utc(key.not_before), utc(key.expires)
    if ends is not None and now >= ends:
        return "ended"
    return "not begun" if begins is not None and now < begins else "counts"
