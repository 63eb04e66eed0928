"""``__schema`` and ``__type``, answered from the schema that the caller sees."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, execute_sync

from gateway.errors import INTERNAL, ErrorReport
from gateway.yielding import yielding

Introspected = tuple[Mapping[str, object], tuple[ErrorReport, ...]]
REMEMBERED = 16
"""Answers kept per plan: tools ask the same thing again, with few values of ``__type(name:)``."""


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
        self._answers: OrderedDict[bytes, Introspected] = OrderedDict()

    async def answer(self, variables: Mapping[str, object]) -> Introspected:
        """The values by response key, and errors if graphql-core had any. Not to be written to.

        A large schema takes graphql-core a good part of a second, so it works in a thread.
        """
        used = {name: variables[name] for name in self._names if name in variables}
        key = msgspec.json.encode(used)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = await asyncio.to_thread(self._execute, used)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return known

    def _execute(self, variables: dict[str, object]) -> Introspected:
        with yielding():
            result = execute_sync(self._schema, self._document, variable_values=variables)
        errors = tuple(
            ErrorReport(error.message, INTERNAL.name, tuple(error.path) if error.path else None)
            for error in result.errors or ()
        )
        return result.data or {}, errors
