"""A GraphQL request to a department, from decoded JSON to an answer that holds no more than it should."""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, execute, parse, validate

from subgraphs.kit.completion import PlainFirstExecutor
from subgraphs.kit.errors import REQUEST_MALFORMED, CodedError
from subgraphs.kit.loading import fault
from subgraphs.kit.request import Request
from subgraphs.kit.schema import ServedSchema

_REMEMBERED = 1000


class Executor:
    """Executes requests against one schema. The gateway repeats its documents, so valid ones are remembered by text."""

    def __init__(self, schema: ServedSchema) -> None:
        self._schema = schema.graphql
        self._executor_class = type("DepartmentExecutor", (PlainFirstExecutor,), {"readers": schema.readers})
        self._documents: dict[str, DocumentNode] = {}

    async def answer(self, payload: object, request: Request[Any]) -> dict[str, Any]:
        """The response as JSON values: ``data``, and ``errors`` with a code each.

        Raises CodedError REQUEST_MALFORMED when nothing could be executed.
        """
        query, variables, operation_name = _members(payload)
        executed = execute(
            self._schema,
            self._document(query),
            context_value=request,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=self._executor_class,
        )
        result = await executed if isawaitable(executed) else executed
        assert isinstance(result, ExecutionResult)
        response: dict[str, Any] = {"data": result.data}
        if result.errors:
            response["errors"] = [_error(error) for error in result.errors]
        return response

    def _document(self, query: str) -> DocumentNode:
        document = self._documents.get(query)
        if document is None:
            try:
                document = parse(query)
            except GraphQLError as error:
                raise CodedError(REQUEST_MALFORMED, f"The query is not GraphQL: {error.message}") from None
            problems = validate(self._schema, document, max_errors=1)
            if problems:
                raise CodedError(REQUEST_MALFORMED, f"The query does not fit the schema: {problems[0].message}")
            if len(self._documents) >= _REMEMBERED:
                del self._documents[next(iter(self._documents))]
            self._documents[query] = document
        return document


def _members(payload: object) -> tuple[str, dict[str, Any], str | None]:
    if not isinstance(payload, Mapping) or not isinstance(payload.get("query"), str):
        raise CodedError(REQUEST_MALFORMED, "The body must be a JSON object with a text `query`.")
    variables = payload.get("variables") or {}
    name = payload.get("operationName")
    if not isinstance(variables, dict) or not isinstance(name, str | None):
        raise CodedError(REQUEST_MALFORMED, "`variables` must be an object and `operationName` a text.")
    return payload["query"], variables, name


def _error(error: GraphQLError) -> dict[str, Any]:
    """A coded error with its details, GraphQL's own as it is, anything else as a fault without its words."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        described: dict[str, Any] = {"message": error.message, "extensions": {"code": REQUEST_MALFORMED.name}}
    else:
        place = ".".join(str(step) for step in error.path or () if isinstance(step, str))
        coded = fault(place, original)
        described = {"message": coded.message, "extensions": {"code": coded.code.name, **coded.details}}
    if error.path is not None:
        described["path"] = error.path
    return described
