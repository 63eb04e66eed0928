"""How commands print their data: the choices of ``--format``, said once for all of them."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from catalog_sync.languages import Language


class Format(StrEnum):
    """How a command prints its data."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How a check prints what it found; ``github`` are annotations of a pipeline there."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class EvidenceFormat(StrEnum):
    """How a report of evidence is written."""

    MD = "md"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


LanguageOption = Annotated[
    Language | None, typer.Option("--language", help="Of explanations; that of the locale if it is not given.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]
ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help="How to print.")]


def print_json(value: object) -> None:
    """A value as JSON on stdout, other scripts than Latin as they are."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))
