"""One differential check: plan and execute against a world's subgraphs, and compare with one monolithic execution.

Every second world is composed from its subgraphs' SDL, the others take the supergraph as the world writes it: faults
of composition and faults of planning cannot hide each other.
"""

import asyncio
import json
from dataclasses import dataclass
from random import Random

from graphql import parse, validate

from gateway.composition.compose import SubgraphSource, compose
from gateway.errors import NO_PLAN, CodedError
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan
from gateway.planning.normalize import normalize
from gateway.planning.planner import Planner
from gateway.planning.printing import render_text
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from tests.properties.federation import Federation, answer_in_one, supergraph_sdl
from tests.properties.operations import OperationWriter
from tests.properties.subgraph_sdl import subgraph_sdl
from tests.properties.worlds import LABEL, World


@dataclass
class Tally:
    """What a run met: operations compared, left out because invalid, unplannable, and the differences found."""

    compared: int = 0
    invalid: int = 0
    unplannable: int = 0
    fetches: int = 0


class DifferenceFoundError(AssertionError):
    """Plan-and-execute and the monolith disagree."""


def _composed(world: World, seed: int) -> str:
    sources = [SubgraphSource(name, f"http://{name}/", subgraph_sdl(world, name)) for name in world.subgraphs]
    composition = compose(sources)
    if composition.supergraph_sdl is None:
        found = "\n".join(f"{issue.code} {issue.message}" for issue in composition.errors)
        raise DifferenceFoundError(f"seed {seed}: the world does not compose\n{found}")
    return composition.supergraph_sdl


def check_world(seed: int, operations: int, tally: Tally) -> None:
    """Compare ``operations`` random operations over the world of ``seed``. Raises DifferenceFoundError."""
    world = World(seed)
    sdl = supergraph_sdl(world) if seed % 2 else _composed(world, seed)
    supergraph = read_supergraph(sdl)
    schema = api_schema(supergraph)
    planner = Planner(supergraph)
    federation = Federation(world)
    labels = frozenset({LABEL}) if world.label_active else frozenset()
    random = Random(seed)
    for _ in range(operations):
        writer = OperationWriter(schema, random)
        query = writer.write()
        document = parse(query)
        if validate(schema, document):
            tally.invalid += 1
            continue
        world.calls = 0
        expected, problems = answer_in_one(world, schema, query, writer.values)
        assert not problems, f"the monolith fails: {problems}"
        operation = normalize(schema, document, None, writer.values)
        try:
            plan = planner.plan(operation, schema, labels)
        except CodedError as error:
            if error.code is not NO_PLAN:
                raise
            tally.unplannable += 1
            raise DifferenceFoundError(f"seed {seed}: {error.message}\n{query}\n{sdl}") from error
        variables = {v.name: v.literal if v.source is None else writer.values[v.source] for v in operation.variables}
        world.calls = 0
        federation.refusals.clear()
        federation.sent.clear()
        compiled = compile_plan(plan, schema, None)
        if tally.compared % 2:  # both paths of execution by turns
            compiled.warm()
        result = asyncio.run(execute(BoundPlan(compiled, variables), federation))
        answered = json.loads(result.encode())
        tally.compared += 1
        tally.fetches += len(plan.fetches)
        if federation.refusals or result.errors or json.dumps(answered["data"]) != json.dumps(expected):
            sent = "\n".join(f"{name} {body}" for name, body in federation.sent)
            raise DifferenceFoundError(
                f"seed {seed}\n{sdl}\n{query}\n{writer.values}\n{render_text(plan)}\n{sent}\n"
                f"refused: {federation.refusals}\nerrors: {[error.message for error in result.errors]}\n"
                f"expected {json.dumps(expected)}\nanswered {json.dumps(answered['data'])}"
            )
