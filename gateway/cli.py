"""The ``watersmeet`` command: exit 0 done, 1 problems found, 2 wrong usage.

Data goes to stdout, everything else to stderr. Each command's work lives in ``gateway.commands`` and is imported when
that command runs, so that ``--help`` stays instant.
"""

import importlib
import sys
from collections.abc import Container
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog_sync.errors import CodedError
from catalog_sync.languages import spoken_here
from gateway.commands.output import EvidenceFormat, Format, FormatOption, LanguageOption, ReportFormat

GROUPS = {
    "catalogue": "Keep the catalogue: files, and entries on their way into force.",
    "graph": "Graphs as they were served: list, roll back.",
    "key": "API keys: shown once, kept as hashes.",
    "ledger": "The record of every administrative act and every judged operation.",
    "subgraph": "Publish subgraphs: new, check, publish, approve, go-live, refuse, retire, rollback, list, show.",
    "sync": "Exchange the catalogue with other levels, by line or by file.",
    "policy": "Edit access policies: draft, lint, test, what-if, second person, publish, roll back, stop.",
}
"""Commands with commands of their own, each in ``gateway.commands`` under its name."""

app = typer.Typer()


SupergraphOption = Annotated[
    str, typer.Option("--supergraph", metavar="FILE_OR_URL", help="Supergraph SDL, as any composition writes it.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of stdout.")
]


@app.command()
def serve(
    supergraph: Annotated[
        str, typer.Option("--supergraph", metavar="FILE_OR_URL", help="Supergraph SDL; watched, and swapped live.")
    ] = "",
    open_: Annotated[
        bool, typer.Option("--open", help="Plain federation: no catalogue, no policy, every field public.")
    ] = False,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes that share the port.")] = None,
    poll: Annotated[float | None, typer.Option("--poll", help="Seconds between two looks at the source.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings as TOML.")] = None,
) -> None:
    """Serve GraphQL at POST /graphql, with /healthz and /readyz beside it."""
    from gateway.commands.serve import run

    given: dict[str, dict[str, object]] = {
        "server": {"host": host, "port": port, "workers": workers},
        "supergraph": {"source": supergraph or None, "poll": poll},
    }
    run(config, given, plain=open_)


@app.command()
def compose(
    source: Annotated[
        str, typer.Argument(metavar="DIR_OR_YAML", help="supergraph.yaml, a folder with one, or with NAME.graphql.")
    ],
    output: OutputOption = None,
    format_: Annotated[ReportFormat, typer.Option("--format", help="How to print problems.")] = ReportFormat.TEXT,
    hints: Annotated[bool, typer.Option("--hints", help="Print hints too, in text.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Compose again whenever a file changes.")] = False,
) -> None:
    """Compose subgraphs into supergraph SDL on stdout, or explain on stderr why they do not fit."""
    from gateway.commands.compose import run

    raise typer.Exit(run(source, output, format_.value, hints=hints, watch=watch))


@app.command()
def plan(
    operation: Annotated[str, typer.Argument(metavar="OPERATION.graphql", help="The operation; - reads stdin.")],
    supergraph: SupergraphOption,
    variables: Annotated[
        Path | None, typer.Option("--variables", metavar="FILE", help="JSON; only @skip and @include look at it.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Which operation, if the file holds several.")] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Print the query plan of an operation; nothing is executed."""
    from gateway.commands.plan import run

    run(operation, supergraph, variables, name, format_.value)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Show everything once, then stop with exit 0.")] = False,
    port: Annotated[int, typer.Option("--port", help="The gateway's port; the next free one if taken.")] = 4000,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where the departments' data lives.")] = Path(
        ".demo"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Make the data anew.")] = False,
) -> None:
    """Start six departments, the gateway and its page, with data, callers and queries to try."""
    from gateway.commands.demo import run

    raise typer.Exit(run(data, port, once=once, fresh=fresh))


@app.command()
def explain(
    operation: Annotated[str, typer.Argument(metavar="OPERATION.graphql", help="The operation; - reads stdin.")],
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The gateway's settings.")],
    caller: Annotated[
        str, typer.Option("--as", metavar="CALLER", help="Subject, such as app:benefits-portal.")
    ] = "anon",
    purpose: Annotated[str | None, typer.Option("--purpose", help="What the data is for.")] = None,
    format_: FormatOption = Format.TEXT,
    language: LanguageOption = None,
) -> None:
    """Say per field who may read it, by which rule, and what to apply for; nothing is executed."""
    from gateway.commands.explain import run

    raise typer.Exit(run(operation, config, caller, purpose, format_.value, language or spoken_here()))


@app.command()
def evidence(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The gateway's settings.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The period's first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Its last day, included.")],
    format_: Annotated[EvidenceFormat, typer.Option("--format", help="How to write it.")] = EvidenceFormat.MD,
    output: OutputOption = None,
) -> None:
    """Report a period: accounts, roles, versions, grants, stops, ledgers, backup tests; exit 1 if one has a fault."""
    from catalog_sync.assessment import Period
    from gateway.commands.evidence import run

    raise typer.Exit(run(config, Period(first.date(), last.date()), format_, output))


@app.command()
def error(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code from an answer or from composition.")],
) -> None:
    """Explain an error code: what it means and how to mend it."""
    from gateway.commands.error import run

    typer.echo(run(code))


@app.command()
def settings(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Check this file too.")] = None,
) -> None:
    """List every setting with its default and meaning."""
    from gateway.settings import known_settings, load_settings

    load_settings(config)
    for name, default, meaning in known_settings():
        typer.echo(f"{name} = {default}\n    {meaning}")


def command_line(loaded: Container[str]) -> typer.Typer:
    """The whole command. Groups outside ``loaded`` are listed but not imported."""
    whole = typer.Typer(
        name="watersmeet",
        help="A federated GraphQL gateway for government information resources: "
        "departments publish subgraphs, the catalogue says what exists, the policy says who may read it.",
        epilog="First steps: `watersmeet demo`. Every error code is explained by `watersmeet error CODE`.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    whole.registered_commands = app.registered_commands
    for name, purpose in GROUPS.items():
        group = typer.Typer(help=purpose)
        if name in loaded:
            group = importlib.import_module(f"gateway.commands.{name}").app
        else:
            group.callback(invoke_without_command=True)(lambda: None)
        whole.add_typer(group, name=name)
    return whole


def main() -> None:
    """Runs the command line; a coded error, or a file that cannot be used, becomes one message on stderr and exit 1."""
    try:
        command_line(sys.argv[1:2])()
    except CodedError as problem:
        sys.stderr.write(f"{problem.code.name}: {problem.said.within(spoken_here())}\n")
        sys.exit(1)
    except OSError as problem:
        sys.stderr.write(f"FILE_UNUSABLE: {problem.filename or ''}: {problem.strerror or problem}.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
