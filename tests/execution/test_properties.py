"""What holds for every plan and every answer: one truth on both paths, and no failure that spreads.

Plans, data, lies and failures are random, but follow from one seed each: a failing seed is a complete example.
"""

import asyncio
import json
from random import Random
from typing import Any
from unittest.mock import patch

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SUBGRAPH_TIMED_OUT, SUBGRAPH_UNREACHABLE, CodedError
from gateway.execution import interpreter
from gateway.execution.compilation import code
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan, Result
from gateway.planning.plan import FieldProjection, QueryPlan
from tests.execution.random_plans import SCHEMA, PlanMaker, answer_data, corrupted

SEEDS = st.integers(min_value=0, max_value=2**48)


class RandomSubgraphs:
    """Answers a random plan's fetches: mostly the truth, at random speed; lies, fails and stalls as often as told."""

    def __init__(self, plan: QueryPlan, seed: int, lies: float = 0, failures: float = 0, stalls: float = 0) -> None:
        self.plan = plan
        self.seed = seed
        self.lies, self.failures, self.stalls = lies, failures, stalls
        self.bodies: list[bytes] = []
        self.under_way = 0

    async def send(self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...], timeout: float) -> bytes:  # noqa: ASYNC109
        """The answer that belongs to this body: the same each time."""
        self.bodies.append(body)
        self.under_way += 1
        try:
            return await self._answered(body)
        finally:
            self.under_way -= 1

    async def _answered(self, body: bytes) -> bytes:
        request = json.loads(body)
        random = Random(f"{self.seed} {body!r}")
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        if random.random() < self.stalls:
            await asyncio.Event().wait()
        if random.random() < self.failures:
            raise CodedError(random.choice((SUBGRAPH_UNREACHABLE, SUBGRAPH_TIMED_OUT)), "broken off")
        number = int(request["query"].split()[1][1:])
        answer: dict[str, Any] = {"data": answer_data(self.plan, number, request.get("variables", {}), self.seed)}
        return corrupted(random, answer) if random.random() < self.lies else json.dumps(answer).encode()

    def subscribe(self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> Any:
        """Never asked for."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


def _run(subgraphs: RandomSubgraphs, warm: bool, timeout: float = 5) -> Result:
    async def run() -> Result:
        compiled = compile_plan(subgraphs.plan, SCHEMA, None)
        if warm:
            compiled.warm()
        result = await execute(BoundPlan(compiled, timeout=timeout), subgraphs)
        assert subgraphs.under_way == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(run())


@settings(max_examples=250, deadline=None)
@given(seed=SEEDS, lies=st.sampled_from((0.0, 0.1, 0.5)), failures=st.sampled_from((0.0, 0.2)))
def test_the_compiled_form_answers_and_asks_as_the_general_path_does(seed: int, lies: float, failures: float) -> None:
    plan = PlanMaker(Random(seed)).plan()
    general, compiled = (RandomSubgraphs(plan, seed, lies, failures) for _ in range(2))

    assert _run(compiled, True).encode() == _run(general, False).encode()
    assert sorted(compiled.bodies) == sorted(general.bodies)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, lies=st.sampled_from((0.0, 0.2)), failures=st.sampled_from((0.0, 0.2)))
def test_a_form_of_many_small_functions_answers_and_asks_as_one_of_few(seed: int, lies: float, failures: float) -> None:
    plan = PlanMaker(Random(seed)).plan()
    few, many = (RandomSubgraphs(plan, seed, lies, failures) for _ in range(2))

    answered = _run(few, True).encode()
    with patch.object(code, "MOST_LINES", 0):
        assert _run(many, True).encode() == answered
    assert sorted(many.bodies) == sorted(few.bodies)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, lies=st.sampled_from((0.0, 0.2)), failures=st.sampled_from((0.0, 0.2)))
def test_what_is_computed_beside_the_event_loop_is_what_is_computed_on_it(
    seed: int, lies: float, failures: float
) -> None:
    plan = PlanMaker(Random(seed)).plan()
    on_it, beside = (RandomSubgraphs(plan, seed, lies, failures) for _ in range(2))

    answered = _run(on_it, False).encode()
    with patch.object(interpreter, "QUICK", -1):
        assert _run(beside, False).encode() == answered
    assert sorted(beside.bodies) == sorted(on_it.bodies)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_truthful_subgraphs_are_answered_by_the_compiled_form_unless_a_null_surprises(seed: int) -> None:
    plan = PlanMaker(Random(seed)).plan()

    result = _run(RandomSubgraphs(plan, seed), True)

    assert result.encoded is not None or result.errors or b"null" in result.encode()


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, warm=st.booleans())
def test_whatever_fails_the_answer_is_a_part_of_the_truth(seed: int, warm: bool) -> None:
    plan = PlanMaker(Random(seed)).plan()
    truth = json.loads(_run(RandomSubgraphs(plan, seed), False).encode())

    result = _run(RandomSubgraphs(plan, seed, failures=0.3), warm)

    answered = json.loads(result.encode())
    assert _is_part(answered["data"], truth["data"])
    assert answered == truth or answered["errors"]
    assert all(error["path"] for error in answered.get("errors", []))


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, warm=st.booleans())
def test_amid_lies_failures_and_stalls_every_answer_fits_the_schema_and_comes_in_time(seed: int, warm: bool) -> None:
    plan = PlanMaker(Random(seed)).plan()

    result = _run(RandomSubgraphs(plan, seed, lies=0.2, failures=0.15, stalls=0.1), warm, timeout=0.01)

    answered = json.loads(result.encode())
    assert answered["data"] is not None or answered["errors"]
    assert _fits(plan.projection, "Query", answered["data"])
    for error in answered.get("errors", []):
        assert set(error) <= {"message", "path", "extensions"}
        assert _is_null_along(answered["data"], error.get("path"))
    paths = [str(error["path"]) for error in answered.get("errors", []) if "path" in error]
    assert len(set(paths)) == len(paths)


def _is_part(part: Any, whole: Any) -> bool:
    """Equal, but for nulls where something failed."""
    if part is None or part == whole:
        return True
    if isinstance(part, dict):
        return isinstance(whole, dict) and list(part) == list(whole) and all(_is_part(part[k], whole[k]) for k in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(_is_part, part, whole))
    return False


def _is_null_along(data: Any, path: list[str | int] | None) -> bool:
    """Whether an error's path leads to null, there or on the way (GraphQL October 2021, section 6.4.4)."""
    for step in path or ():
        if data is None:
            return True
        data = data[step]
    return path is None or data is None


def _fits(projection: tuple[FieldProjection, ...], typename: str, value: Any) -> bool:
    """Whether an object of the answer has its fields, in order, each of its type; null may stand for the whole."""
    if value is None:
        return True
    possible = (
        [typename]
        if isinstance(SCHEMA.type_map[typename], GraphQLObjectType)
        else [each.name for each in SCHEMA.get_possible_types(SCHEMA.type_map[typename])]  # type: ignore[arg-type]
    )
    return any(_fits_type(projection, each, value) for each in possible)


def _fits_type(projection: tuple[FieldProjection, ...], typename: str, value: dict[str, Any]) -> bool:
    fields = [field for field in projection if field.on_types is None or typename in field.on_types]
    return [field.response_key for field in fields] == list(value) and all(
        _fits_value(field, field.type, value[field.response_key]) for field in fields
    )


def _fits_value(field: FieldProjection, type_: GraphQLOutputType, value: Any) -> bool:
    if isinstance(type_, GraphQLNonNull):
        return value is not None and _fits_value(field, type_.of_type, value)
    if value is None:
        return True
    if isinstance(type_, GraphQLList):
        return isinstance(value, list) and all(_fits_value(field, type_.of_type, item) for item in value)
    if isinstance(type_, GraphQLEnumType):
        return value in type_.values
    if isinstance(type_, GraphQLScalarType):
        kinds = {"ID": str, "String": str, "Int": int, "Float": (int, float), "Boolean": bool}
        return isinstance(value, kinds.get(type_.name, object))  # type: ignore[arg-type]
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    return _fits(field.fields, type_.name, value)
