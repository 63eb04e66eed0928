"""From a bound plan to a result."""

from collections.abc import AsyncIterator

from gateway.execution.ports import SubgraphTransport
from gateway.execution.result import BoundPlan, Result


async def execute(bound: BoundPlan, transport: SubgraphTransport) -> Result:
    """Answer a query or a mutation. Never raises for what a subgraph does: failures are null and errors in the result."""
    raise NotImplementedError


def subscribe(bound: BoundPlan, transport: SubgraphTransport) -> AsyncIterator[Result]:
    """Answer a subscription: one result for each event of its trigger, in order."""
    raise NotImplementedError
