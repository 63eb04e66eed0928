"""Subscriptions that outlive the graph they began on.

When another graph or another policy comes into force, every subscription is judged anew under it at once, whether or
not an event comes: it goes on, or it ends with the reason. It goes on without a gap where its trigger is the same
request to the same subgraph, which is so unless that department's own part changed: the next event is then answered by
the new plan. Otherwise it is begun anew at the subgraph. Invariant: no event is given once the footing is gone, and
what an event is checked by belongs to the plan that answered it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.errors import (
    GRAPH_CHANGED,
    NO_PLAN,
    NOTHING_RELEASED,
    PLAN_LIMIT,
    VALIDATION_FAILED,
    CodedError,
    ErrorReport,
    RequestError,
)
from gateway.execution.executor import execute, subscribe
from gateway.execution.ports import SubgraphTransport
from gateway.execution.result import BoundPlan, Result
from gateway.execution.subgraph_address import SubgraphRoute
from gateway.planning.operation import OperationKind
from gateway.preparation import Prepared


class Footing(Protocol):
    """What a subscription stands on under one build; the gateways have their own."""

    @property
    def prepared(self) -> Prepared:
        """The operation."""

    @property
    def bound(self) -> BoundPlan:
        """The plan with values and signer."""

    @property
    def routes(self) -> Mapping[str, SubgraphRoute]:
        """The ways to the subgraphs of that graph."""


F = TypeVar("F", bound=Footing)


@dataclass
class _Current(Generic[F]):
    """The footing of the next event, and the one that the event under way began on."""

    next: F
    under_way: F

    def begin(self) -> BoundPlan:
        self.under_way = self.next
        return self.next.bound


async def stream(
    find: Callable[[], Awaitable[F]], swapped: asyncio.Event, transport: SubgraphTransport
) -> AsyncGenerator[tuple[F, Result], None]:
    """Answers any operation as a stream: a subscription's events, or one result, each with the footing it stands on.

    ``find`` gives the footing under the build in force, and raises RequestError or CodedError where there is none;
    ``swapped`` is set whenever another build came into force. Raises RequestError with GRAPH_CHANGED first where the
    graph took away what was asked for, and what ``find`` raised where the policy did.
    """
    footing = await find()
    if footing.prepared.kind is not OperationKind.SUBSCRIPTION:
        yield footing, await execute(footing.bound, transport)
        return
    async with aclosing(_carried_over(footing, find, swapped, transport)) as results:
        async for standing, result in results:
            yield standing, result


async def _carried_over(
    first: F, find: Callable[[], Awaitable[F]], swapped: asyncio.Event, transport: SubgraphTransport
) -> AsyncGenerator[tuple[F, Result], None]:
    current = _Current(first, first)
    while True:
        begun_on = current.next
        results = subscribe(begun_on.bound, transport, current.begin)
        coming = asyncio.ensure_future(anext(results))
        try:
            while _same_trigger(begun_on, current.next):
                await _either(coming, swapped)
                if swapped.is_set():
                    swapped.clear()
                    current.next = await _renewed(find)
                elif coming.done():
                    try:
                        result = coming.result()
                    except StopAsyncIteration:
                        return
                    yield current.under_way, result
                    coming = asyncio.ensure_future(anext(results))
            if coming.done() and coming.exception() is None:
                yield current.under_way, coming.result()
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await results.aclose()


async def _either(coming: "asyncio.Future[Result]", swapped: asyncio.Event) -> None:
    """Returns when an event came or a build was swapped in."""
    if coming.done() or swapped.is_set():
        return
    waiting = asyncio.ensure_future(swapped.wait())
    try:
        await asyncio.wait((coming, waiting), return_when="FIRST_COMPLETED")
    finally:
        waiting.cancel()


_FIELDS_WENT = frozenset(code.name for code in (VALIDATION_FAILED, NO_PLAN, PLAN_LIMIT, NOTHING_RELEASED))


async def _renewed(find: Callable[[], Awaitable[F]]) -> F:
    """The footing under the build in force. What policy refuses it says in words of its own."""
    try:
        return await find()
    except CodedError as error:
        reports: tuple[ErrorReport, ...] = (
            ErrorReport(error.message, error.code.name, extensions=error.details, said=error.said),
        )
        if error.code.name not in _FIELDS_WENT:
            raise
    except RequestError as error:
        reports = error.errors
        if not all(report.code in _FIELDS_WENT for report in reports):
            raise
    message = "The schema changed, and what this subscription asks for is not served any more."
    raise RequestError((ErrorReport(message, GRAPH_CHANGED.name), *reports))


def _same_trigger(one: Footing, other: Footing) -> bool:
    if one is other:
        return True
    triggers = [footing.bound.compiled.plan.fetches[0].subgraph for footing in (one, other)]
    bodies = [footing.bound.compiled.templates[0].body(footing.bound.variables) for footing in (one, other)]
    ways = [footing.routes.get(subgraph) for footing, subgraph in zip((one, other), triggers, strict=True)]
    return triggers[0] == triggers[1] and bodies[0] == bodies[1] and ways[0] == ways[1]
