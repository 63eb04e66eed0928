"""``watersmeet compose``: supergraph SDL on stdout, or on stderr what does not fit and how to mend it."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import typer

from gateway.commands.issue_formats import as_github, as_json, as_text, unreadable
from gateway.composition.compose import Composition, compose
from gateway.errors import CodedError
from gateway.subgraph_sources import load_sources, schema_files


def run(source: str, output: Path | None, format_: str, *, hints: bool, watch: bool) -> int:
    """Composes once, or with ``watch`` again after every change until Ctrl-C; 1 when there were errors."""
    code = _attempt(source, output, format_, hints)
    if not watch:
        return code
    from watchfiles import watch as changes

    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    ignored = output.resolve() if output else None
    for changed in changes(folder, raise_interrupt=False):
        if any(Path(path).resolve() != ignored for _, path in changed):
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} composing again\n")
            code = _attempt(source, output, format_, hints)
    return code


def _attempt(source: str, output: Path | None, format_: str, hints: bool) -> int:
    try:
        return _compose(source, output, format_, hints)
    except CodedError as error:
        sys.stderr.write(unreadable(error, format_) + "\n")
        return 1


def _compose(source: str, output: Path | None, format_: str, hints: bool) -> int:
    composition = compose(load_sources(Path(source)))
    problems = _problems(composition, source, format_, hints)
    if problems:
        sys.stderr.write(problems.rstrip("\n") + "\n")
    if composition.supergraph_sdl is None:
        return 1
    if output is None:
        typer.echo(composition.supergraph_sdl.rstrip("\n"))
    else:
        output.write_text(composition.supergraph_sdl, encoding="utf-8")
    return 0


def _problems(composition: Composition, source: str, format_: str, hints: bool) -> str:
    if format_ == "json":
        return as_json(composition)
    if format_ == "github":
        return as_github(composition, schema_files(Path(source)))
    return as_text(composition if hints else replace(composition, hints=()))
