"""Subscriptions: a trigger's events, each completed by the rest of the plan."""

import asyncio
from contextlib import aclosing

from graphql import build_schema

from gateway.errors import SUBGRAPH_UNREACHABLE, CodedError
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import subscribe
from gateway.execution.result import BoundPlan
from tests.execution.plans import Root, entities, plan
from tests.execution.subgraphs import Script, ScriptedSubgraphs, by_key, told

SCHEMA = build_schema("""
    type Query { a: Int }
    type Subscription { arrived: Bus }
    type Bus { id: ID! line: String delay: Int }
""")
ARRIVALS = plan(
    SCHEMA,
    "subscription { arrived { line delay } }",
    Root("buses", "{ arrived { id line } }"),
    entities("clock", "Bus", "arrived", "id", "{ delay }", after=(0,)),
)


def _bus(number: str) -> Script:
    return {"data": {"arrived": {"id": number, "line": f"line {number}"}}}


def _subgraphs(*events: Script) -> ScriptedSubgraphs:
    return ScriptedSubgraphs({"clock": [by_key("id", {"1": {"delay": 10}, "2": {"delay": 20}})]}, events)


async def test_each_event_is_one_result_in_order() -> None:
    subgraphs = _subgraphs(_bus("1"), _bus("2"), {"data": {"arrived": None}})

    results = [told(each) async for each in subscribe(BoundPlan(compile_plan(ARRIVALS, SCHEMA)), subgraphs)]

    assert results == [
        ({"arrived": {"line": "line 1", "delay": 10}}, []),
        ({"arrived": {"line": "line 2", "delay": 20}}, []),
        ({"arrived": None}, []),
    ]
    assert subgraphs.requests[0] == ("buses", {"query": "subscription { arrived { id line } }"})


async def test_an_event_that_lies_spoils_itself_alone() -> None:
    subgraphs = _subgraphs(_bus("1"), b"nonsense", _bus("2"))

    results = [told(each) async for each in subscribe(BoundPlan(compile_plan(ARRIVALS, SCHEMA)), subgraphs)]

    assert [data["arrived"] and data["arrived"]["delay"] for data, _ in results] == [10, None, 20]
    assert [errors for _, errors in results] == [[], [("SUBGRAPH_MALFORMED", ["arrived"])], []]


async def test_a_trigger_that_breaks_off_ends_the_subscription_with_a_reason() -> None:
    subgraphs = _subgraphs(_bus("1"), CodedError(SUBGRAPH_UNREACHABLE, "10.0.0.7 went away"))

    results = [told(each) async for each in subscribe(BoundPlan(compile_plan(ARRIVALS, SCHEMA)), subgraphs)]

    assert results[1:] == [(None, [("SUBGRAPH_UNREACHABLE", None)])]


async def test_closing_the_subscription_closes_its_trigger() -> None:
    subgraphs = _subgraphs(_bus("1"), _bus("2"))

    async with aclosing(subscribe(BoundPlan(compile_plan(ARRIVALS, SCHEMA)), subgraphs)) as results:
        await anext(results)
        during = subgraphs.under_way

    assert (during, subgraphs.under_way) == (1, 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
