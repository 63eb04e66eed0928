"""``watersmeet explain``: who may read which field, by which rule, and what to apply for."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from catalog_sync.languages import Language
from gateway.access.explain import FieldVerdict, explain
from gateway.errors import NOTHING_RELEASED, CodedError
from gateway.settings import SETTINGS_INVALID, load_settings
from gateway.sources import read_text
from gateway.starting import read_start
from policies.callers import Caller, CallerKind, anonymous
from policies.wording import say


def run(operation: str, config: Path, subject: str, purpose: str | None, format_: str, language: Language) -> int:
    """Prints a verdict per field; 1 when some field is refused. Raises CodedError for wrong input."""
    settings = load_settings(config)
    build = read_start(settings, plain=False).build
    if build is None:
        raise CodedError(NOTHING_RELEASED, "The registry holds no live release, so there is nothing to explain yet.")
    governance = build.governance()
    caller = _caller(subject, purpose, settings.access.zone, Path(settings.access.callers))
    text = sys.stdin.read() if operation == "-" else read_text(Path(operation))
    verdicts = explain(text, governance.view_for(caller, datetime.now(UTC)), language)
    if format_ == "json":
        typer.echo(msgspec.json.encode({"version": 1, "fields": verdicts}))
    else:
        for verdict in verdicts:
            typer.echo(_line(verdict, language))
    return int(any(verdict.verdict == "refused" for verdict in verdicts))


def _caller(subject: str, purpose: str | None, zone: str, register: Path) -> Caller:
    from gateway.server.authentication import read_register_file

    if subject == "anon":
        return anonymous(zone, purpose)
    known = {registered.subject: registered for registered in read_register_file(register).callers}
    if subject not in known:
        names = ", ".join(["anon", *sorted(known)])
        raise CodedError(SETTINGS_INVALID, f"--as {subject}: no such caller in {register}. Known: {names}.")
    registered = known[subject]
    roles = frozenset(registered.roles)
    return Caller(CallerKind(registered.kind), subject, registered.department, roles, zone, purpose)


def _line(verdict: FieldVerdict, language: Language) -> str:
    head = f"{verdict.verdict:9} {verdict.path}"
    if verdict.verdict == "allowed":
        masked = f", masked by {verdict.masked}" if verdict.masked else ""
        return f"{head}  by {', '.join(verdict.rules)} ({', '.join(verdict.basis)}){masked}"
    if verdict.verdict == "refused":
        where = say("apply to", provider=verdict.provider, address=verdict.apply).within(language)
        return f"{head}  {', '.join(verdict.items)}: {verdict.reason}{f' {where}' if verdict.apply else ''}"
    return head
