"""``watersmeet plan``: the plan of an operation, nothing executed."""

import sys
from pathlib import Path

import msgspec
import typer
from graphql import GraphQLSyntaxError, parse, validate

from gateway.errors import PARSE_FAILED, VALIDATION_FAILED, CodedError
from gateway.planning.normalize import normalize
from gateway.planning.planner import Planner
from gateway.planning.printing import render_json, render_text
from gateway.sources import read_source, read_text
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph


def run(operation: str, supergraph: str, variables: Path | None, name: str | None, format_: str) -> None:
    """Prints the plan to stdout. Raises CodedError for a missing file, broken SDL, an invalid operation."""
    model = read_supergraph(read_source(supergraph))
    schema = api_schema(model)
    text = sys.stdin.read() if operation == "-" else read_text(Path(operation))
    try:
        document = parse(text, no_location=False)
    except GraphQLSyntaxError as error:
        raise CodedError(PARSE_FAILED, f"{operation}: {error}") from None
    if problems := validate(schema, document):
        raise CodedError(VALIDATION_FAILED, "\n".join(f"{operation}: {problem}" for problem in problems))
    values = msgspec.json.decode(read_text(variables), type=dict[str, object]) if variables else {}
    plan = Planner(model).plan(normalize(schema, document, name, values), schema)
    if format_ == "json":
        typer.echo(msgspec.json.format(msgspec.json.encode(render_json(plan))).decode())
    else:
        typer.echo(render_text(plan))
