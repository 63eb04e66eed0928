"""``__schema`` and ``__type``, answered from the schema that the caller sees."""

from collections.abc import Mapping

import msgspec
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, execute_sync

from gateway.errors import INTERNAL, ErrorReport
from gateway.memo import Memo
from gateway.yielding import computed_beside

Introspected = tuple[Mapping[str, object], tuple[ErrorReport, ...]]
_answers: "Memo[tuple[Introspection, bytes], Introspected]" = Memo(16)
"""In all plans of a process, since the answer of a large schema takes megabytes: tools ask the same thing again."""


class Introspection:
    """The introspective part of one operation; graphql-core executes it."""

    def __init__(self, document: DocumentNode, schema: GraphQLSchema) -> None:
        self._document = document
        self._schema = schema
        self._names = [
            definition.variable.name.value
            for operation in document.definitions
            if isinstance(operation, OperationDefinitionNode)
            for definition in operation.variable_definitions or ()
        ]

    async def answer(self, variables: Mapping[str, object]) -> Introspected:
        """The values by response key, and errors if graphql-core had any. Not to be written to.

        A large schema takes graphql-core a good part of a second, so it works in a thread.
        """
        used = {name: variables[name] for name in self._names if name in variables}
        key = self, msgspec.json.encode(used)
        return _answers.get(key) or _answers.put(key, await computed_beside(self._execute, used))

    def _execute(self, variables: dict[str, object]) -> Introspected:
        result = execute_sync(self._schema, self._document, variable_values=variables)
        errors = tuple(
            ErrorReport(error.message, INTERNAL.name, tuple(error.path) if error.path else None)
            for error in result.errors or ()
        )
        return result.data or {}, errors
