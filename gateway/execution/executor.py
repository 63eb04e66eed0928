"""From a bound plan to a result."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from gateway.errors import CodedError, ErrorReport
from gateway.execution.calls import Calls, ended
from gateway.execution.compilation.code import MismatchError
from gateway.execution.compilation.failures import Path
from gateway.execution.compilation.form import CompiledSteps
from gateway.execution.completion import complete, subgraph_error
from gateway.execution.interpreter import Interpreter
from gateway.execution.introspection import Introspected
from gateway.execution.ports import SubgraphTransport
from gateway.execution.result import BoundPlan, Result
from gateway.execution.run import Run
from gateway.yielding import computed_beside


async def execute(bound: BoundPlan, transport: SubgraphTransport) -> Result:
    """Answer a query or a mutation.

    Never raises for what a subgraph does: failures are null and errors in the result. Ends within ``bound.timeout``,
    and leaves no request under way, also when it is cancelled.
    """
    calls = Calls(bound, transport)
    try:
        return await _answered(bound, calls)
    finally:
        if under_way := calls.end():
            await ended(under_way)


async def subscribe(
    bound: BoundPlan, transport: SubgraphTransport, current: Callable[[], BoundPlan] | None = None
) -> AsyncGenerator[Result, None]:
    """Answer a subscription: one result for each event of its trigger (the plan's first fetch), in order.

    ``current`` gives the plan to answer the next event by, where it can change: one with the same trigger.

    A trigger that fails ends the subscription with a last result that says so. Close the generator to end it earlier.
    """
    trigger = bound.compiled.plan.fetches[0]
    body = bound.compiled.templates[0].body(bound.variables)
    headers = bound.signer.headers_for(trigger.subgraph, body) if bound.signer is not None else ()
    try:
        async with aclosing(transport.subscribe(trigger.subgraph, body, headers)) as events:
            async for event in events:
                if current is not None:
                    bound = current()
                calls = Calls(bound, transport)
                try:
                    result = await _answered(bound, calls, event)
                finally:
                    if under_way := calls.end():
                        await ended(under_way)
                yield result
    except CodedError as error:
        yield Result(None, (subgraph_error(error.code, trigger.subgraph, None, bound.show_subgraphs),))


async def _answered(bound: BoundPlan, calls: Calls, event: bytes | None = None) -> Result:
    """By the compiled form if there is one; if that meets what it does not expect, once more by the general path."""
    compiled = bound.compiled
    form = compiled.form()
    if form is not None:
        steps = CompiledSteps(form, compiled.templates, bound.variables)
        try:
            await Run(compiled.schedule, steps, calls).finish(event)
            encoded = steps.finish()
            compiled.matched()
            return Result(None, tuple(_missing(bound, *failure) for failure in steps.failures), encoded=encoded)
        except MismatchError:
            compiled.mismatched()
            calls.replay()
    return await _interpreted(bound, calls, event)


def _missing(bound: BoundPlan, number: int, error: CodedError, path: Path) -> ErrorReport:
    return subgraph_error(error.code, bound.compiled.plan.fetches[number].subgraph, path, bound.show_subgraphs)


async def _interpreted(bound: BoundPlan, calls: Calls, event: bytes | None = None) -> Result:
    compiled = bound.compiled
    steps = Interpreter(compiled.plan, compiled.templates, compiled.merging, bound.variables)
    await Run(compiled.schedule, steps, calls).finish(event)
    introspected: Introspected = ({}, ())
    if compiled.introspection is not None:
        introspected = await compiled.introspection.answer(bound.variables)
    steps.tree.root.update(introspected[0])
    plan = compiled.plan
    made = steps.tree, plan.projection, plan.root_type, compiled.completing, bound.show_subgraphs
    data, errors = complete(*made) if steps.are_quick(()) else await computed_beside(complete, *made)
    return Result(data, (*errors, *introspected[1]))
