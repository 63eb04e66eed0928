"""One differential check: plan and execute against a world's subgraphs, and compare with one monolithic execution.

Every second world is composed from its subgraphs' SDL, the others take the supergraph as the world writes it: faults
of composition and faults of planning cannot hide each other.
"""

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, parse, validate

from gateway.composition.compose import SubgraphSource, compose
from gateway.errors import NO_PLAN, CodedError
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute, subscribe
from gateway.execution.result import BoundPlan, Result
from gateway.planning.normalize import normalize
from gateway.planning.operation import OperationKind
from gateway.planning.planner import Planner
from gateway.planning.printing import render_text
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.join_sdl import read_supergraph
from tests.properties.federation import EVENTS, Federation, answer_in_one, supergraph_sdl
from tests.properties.operations import OperationWriter
from tests.properties.subgraph_sdl import subgraph_sdl
from tests.properties.world_types import LABEL, FailedError
from tests.properties.worlds import World


@dataclass
class Tally:
    """What a run met: operations compared, left out because invalid, with errors in their answer; and their fetches."""

    compared: int = 0
    invalid: int = 0
    failed: int = 0
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
        expected = _in_one(world, schema, query, writer.values)
        operation = normalize(schema, document, None, writer.values)
        try:
            plan = planner.plan(operation, schema, labels)
        except CodedError as error:
            if error.code is not NO_PLAN:
                raise
            raise DifferenceFoundError(f"seed {seed}: {error.message}\n{query}\n{sdl}") from error
        variables = {v.name: v.literal if v.source is None else writer.values[v.source] for v in operation.variables}
        world.calls = world.event = 0
        federation.refusals.clear()
        federation.sent.clear()
        compiled = compile_plan(plan, schema, None)
        if tally.compared % 2:  # both paths of execution by turns
            compiled.warm()
        results = asyncio.run(_executed(BoundPlan(compiled, variables), federation))
        answered = [json.loads(result.encode()) for result in results]
        tally.compared += 1
        tally.failed += any(each.errors for each in expected)
        tally.fetches += len(plan.fetches)
        if federation.refusals or not _equal(answered, expected):
            sent = "\n".join(f"{name} {body}" for name, body in federation.sent)
            raise DifferenceFoundError(
                f"seed {seed}\n{sdl}\n{query}\n{writer.values}\n{render_text(plan)}\n{sent}\n"
                f"refused: {federation.refusals}\n"
                f"expected {json.dumps([each.formatted for each in expected])}\nanswered {json.dumps(answered)}"
            )


def _in_one(world: World, schema: GraphQLSchema, query: str, values: dict[str, object]) -> list[ExecutionResult]:
    """The answers of one service: one, or those to a subscription's events."""
    found = []
    for event in range(EVENTS if query.startswith("subscription") else 1):
        world.calls, world.event = 0, event
        found.append(answer_in_one(world, schema, query, values))
        for error in found[-1].errors or ():
            assert isinstance(error.original_error, FailedError), f"the monolith fails: {error.message}"
    return found


async def _executed(bound: BoundPlan, federation: Federation) -> list[Result]:
    if bound.compiled.plan.kind is OperationKind.SUBSCRIPTION:
        return [result async for result in subscribe(bound, federation)]
    return [await execute(bound, federation)]


def _equal(answered: list[dict[str, Any]], expected: list[ExecutionResult]) -> bool:
    """Equal data, in order; and errors where there must be some, each with the path of a null that has one."""
    if json.dumps([each["data"] for each in answered]) != json.dumps([each.data for each in expected]):
        return False
    for own, other in zip(answered, expected, strict=True):
        failed = {_null_at(own["data"], error.path or []) for error in other.errors or ()}
        told = [tuple(error.get("path", ())) for error in own.get("errors", ())]
        told_at = {_null_at(own["data"], path) for path in told}
        if bool(told) != bool(failed) or len(set(told)) < len(told) or not told_at <= failed:
            return False
    return True


def _null_at(data: Any, path: Collection[str | int]) -> tuple[str | int, ...]:
    """Where the null stands that an error's path leads to."""
    passed: list[str | int] = []
    for step in path:
        if data is None:
            break
        data = data[step]
        passed.append(step)
    assert data is None
    return tuple(passed)
