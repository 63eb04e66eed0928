"""One request, from the client's text to its answer: the whole path on one screen."""

from collections.abc import Mapping

from gateway.access.caller_view import CallerView
from gateway.binding import Binding
from gateway.errors import METHOD_NOT_ALLOWED, STREAM_NEEDED, CodedError
from gateway.execution.executor import execute
from gateway.execution.ports import SubgraphTransport
from gateway.execution.result import BoundPlan, Result
from gateway.planning.operation import OperationKind
from gateway.preparation import Prepared
from gateway.snapshot import Snapshot, Text


async def answer(
    text: Text,
    variables: Mapping[str, object],
    view: CallerView,
    binding: Binding,
    snapshot: Snapshot,
    transport: SubgraphTransport,
) -> tuple[Prepared, BoundPlan, Result]:
    """Answers a query or a mutation; gives what was prepared and bound for it beside the result.

    Raises RequestError or CodedError where nothing is executed: text that does not parse or validate, variables that
    do not fit, fields that are refused or cannot be planned. What a subgraph does wrong is in the Result.
    """
    prepared, values = await snapshot.prepare(text, view, variables)
    if prepared.kind is not OperationKind.QUERY:
        if prepared.kind is OperationKind.SUBSCRIPTION:
            raise CodedError(STREAM_NEEDED, "A subscription is answered as a stream; connect by SSE or WebSocket.")
        if text.queries_only:
            raise CodedError(METHOD_NOT_ALLOWED, "A mutation may not come by GET; send it by POST.")
    bound = binding.bind(prepared, values)
    return prepared, bound, await execute(bound, transport)
