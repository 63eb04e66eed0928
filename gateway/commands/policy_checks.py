"""``watersmeet policy`` before anything is changed: lint, test, what-if, and the preview of one decision.

Each looks at lines in a file, at a draft, or at what is or was live; exit 1 tells a pipeline to stop.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog_sync.languages import Language, spoken_here
from gateway.commands.output import Format, FormatOption, LanguageOption, print_json
from gateway.commands.policy_desk import ConfigOption, TestsOption, at_office, found_draft, items_under, read_tests
from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID
from gateway.sources import read_text
from policies.callers import Caller, CallerKind
from policies.drafts import PolicyTest
from policies.explain import Verdict, explain
from policies.lines import parse_policy, time_of, with_catalogue
from policies.lint import lint
from policies.ports import PolicyStore
from policies.publication import PolicyOffice
from policies.records import all_records
from policies.simulation import WhatIf, recorded_operations, what_if
from policies.tables import PolicyTables, compile_lines, compile_published
from policies.views import Act

app = typer.Typer()

FileArgument = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Policy lines; or see --draft.")]
DraftOption = Annotated[str | None, typer.Option("--draft", metavar="ID", help="A draft instead of a file.")]
MomentOption = Annotated[str | None, typer.Option("--at", metavar="TIME", help="2026-10-01T00:00:00Z; now.")]


@dataclass(frozen=True, slots=True)
class _Considered:
    """The lines that a command looks at, and the policy tests kept with them."""

    text: str
    tests: tuple[PolicyTest, ...] = ()

    @staticmethod
    def of(config: Path, file: Path | None, draft: str | None) -> "_Considered":
        if (file is None) == (draft is None):
            raise typer.BadParameter("Name a file of policy lines, or --draft ID.")
        if file is not None:
            return _Considered(read_text(file))

        async def look(_: PolicyOffice, store: PolicyStore) -> _Considered:
            found = await found_draft(store, draft or "")
            return _Considered(found.text, found.tests)

        return at_office(config, look)

    def tables(self, config: Path) -> PolicyTables:
        """Raises CodedError POLICY_INVALID with what the lint finds."""
        return compile_lines("draft", parse_policy(self.text), items_under(config))


@app.command("lint")
def lint_command(
    config: ConfigOption, file: FileArgument = None, draft: DraftOption = None, format_: FormatOption = Format.TEXT
) -> None:
    """Say what is wrong with policy lines, line by line, and how to mend it; exit 1 on an error."""
    considered = _Considered.of(config, file, draft)
    findings = lint(with_catalogue(parse_policy(considered.text), items_under(config)), datetime.now(UTC))
    errors = sum(finding.is_error for finding in findings)
    if format_ is Format.JSON:
        print_json({"version": 1, "errors": errors, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(f"{errors} errors, {len(findings) - errors} other findings", err=True)
    raise typer.Exit(int(errors > 0))


@app.command("test")
def run_policy_tests(
    config: ConfigOption,
    file: FileArgument = None,
    draft: DraftOption = None,
    tests: TestsOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Put policy tests to lines, a draft's own unless --tests names others; exit 1 if one fails."""
    considered = _Considered.of(config, file, draft)
    asked = read_tests(tests) if tests is not None else considered.tests
    if not asked:
        raise typer.BadParameter("There are no policy tests: name a file with --tests.")
    tables, now = considered.tables(config), datetime.now(UTC)
    results = [(test, test.passes(tables, now)) for test in asked]
    if format_ is Format.JSON:
        print_json({"version": 1, "tests": [{"name": test.name, "passed": passed} for test, passed in results]})
    else:
        for test, passed in results:
            wanted = f" (expected it to be {'allowed' if test.allowed else 'refused'})"
            typer.echo(f"{'passed' if passed else 'failed'}  {test.name}{'' if passed else wanted}")
    raise typer.Exit(int(not all(passed for _, passed in results)))


@app.command("what-if")
def what_if_command(
    config: ConfigOption,
    file: FileArgument = None,
    draft: DraftOption = None,
    refuse_widening: Annotated[
        bool, typer.Option("--refuse-widening", help="Exit 1 if anybody gains anything.")
    ] = False,
    days: Annotated[
        int, typer.Option("--days", min=0, help="So many days of recorded operations are judged anew.")
    ] = 30,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Say who would gain and who would lose which items, and which recorded operations would flip."""
    after, now = _Considered.of(config, file, draft).tables(config), datetime.now(UTC)
    since = datetime.fromtimestamp(now.timestamp() - days * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def compare(office: PolicyOffice, store: PolicyStore) -> WhatIf:
        live = await office.live()
        if live is None:
            raise no_policy()
        records = [record async for record in all_records(store, since=since)] if days else []
        before = compile_published(live, items_under(config))
        return what_if(before, after, now, recorded_operations(records, frozenset(after.items)))

    found = at_office(config, compare)
    if format_ is Format.JSON:
        print_json({"version": 1, "widens": found.widens, **asdict(found)})
    else:
        typer.echo(_changes(found))
    raise typer.Exit(int(refuse_widening and found.widens))


@app.command()
def preview(
    items: Annotated[list[str], typer.Argument(metavar="ITEM...", help="Such as 30700503/1.name.")],
    config: ConfigOption,
    caller: Annotated[str, typer.Option("--as", metavar="CALLER@DEPARTMENT", help="app:portal@welfare, or anon.")],
    zone: Annotated[str, typer.Option("--zone", help="The listener's.")] = "extranet",
    purpose: Annotated[str | None, typer.Option("--purpose", help="What the data is for.")] = None,
    act: Annotated[Act, typer.Option("--act", help="What is done with it.")] = Act.READ,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="These lines; the live ones.")] = None,
    draft: DraftOption = None,
    at: MomentOption = None,
    format_: FormatOption = Format.TEXT,
    language: LanguageOption = None,
) -> None:
    """Preview one decision: could this caller have done this, by which rules or why not; exit 1 if one is refused.

    Under the live policy, or that of ``--at``; under lines in a file or draft where one is named.
    """
    moment = _moment(at)
    who = _caller(caller, zone, purpose)
    tables = _Considered.of(config, file, draft).tables(config) if file or draft else _live_at(config, moment)
    unknown = [item for item in items if item not in tables.items]
    if unknown:
        raise typer.BadParameter(f"No released entry holds {', '.join(unknown)}; an item is written CODE.ALIAS.")
    verdicts = explain(tables, who, [(item, act) for item in items], moment)
    together = tables.view(who, moment).too_many(items)
    if format_ is Format.JSON:
        found = [_told(each, language or spoken_here()) for each in verdicts]
        print_json({"version": 1, "verdicts": _plain(found), "notTogether": str(together) if together else None})
    else:
        for verdict in verdicts:
            typer.echo(_line(verdict, language or spoken_here()))
        if together:
            typer.echo(f"refused  together: {together}")
    raise typer.Exit(int(together is not None or not all(each.allowed for each in verdicts)))


def _live_at(config: Path, moment: datetime) -> PolicyTables:
    async def look(office: PolicyOffice, _: PolicyStore) -> PolicyTables:
        return compile_published((await office.version_at(moment)).version, items_under(config))

    return at_office(config, look)


def _caller(text: str, zone: str, purpose: str | None) -> Caller:
    subject, _, department = text.partition("@")
    if subject != "anon" and not subject.startswith(("app:", "user:", "key:")):
        raise CodedError(SETTINGS_INVALID, f"--as {text}: a caller is written app:NAME@DEPARTMENT, or anon.")
    kind = CallerKind.APPLICATION if department else CallerKind.PUBLIC
    return Caller(kind, subject, department or None, zone=zone, purpose=purpose)


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = time_of(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise typer.BadParameter(f"--at {text}: write a time with its zone, as 2026-10-01T00:00:00Z.")
    return moment.astimezone(UTC)


def no_policy() -> CodedError:
    """Nothing was ever published."""
    return CodedError(SETTINGS_INVALID, "The store holds no policy yet; `policy install FILE` puts one in.")


def _told(verdict: Verdict, language: Language) -> dict[str, object]:
    told = {**asdict(verdict), "allowed": verdict.allowed, "explanation": verdict.said.within(language)}
    del told["said"]
    return told


def _line(verdict: Verdict, language: Language) -> str:
    word = "allowed" if verdict.allowed else "refused"
    reason = f"{verdict.reason.value}: " if verdict.reason is not None else ""
    apart = "".join(f"\n         not with others: {each}" for each in verdict.apart)
    return f"{word}  {verdict.item}  {verdict.act}: {reason}{verdict.said.within(language)}{apart}"


def _changes(found: WhatIf) -> str:
    lines = []
    for change in found.changes:
        purpose = f" for {change.purpose}" if change.purpose else ""
        head = f"{', '.join(change.subjects)} in {change.zone}{purpose}: {change.act}, rows {change.rows}"
        lines += [head, *(f"  + {item}" for item in change.gained), *(f"  - {item}" for item in change.lost)]
    for flip in found.flips:
        lines.append(
            f"{flip.operation} on {flip.resource}: {'refused' if flip.allowed_now else 'allowed'} from then on"
        )
    return "\n".join(lines) if lines else "Nobody gains or loses anything."


def _plain(value: object) -> object:
    """A value with its times as text."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
