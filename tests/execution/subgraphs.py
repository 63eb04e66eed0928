"""A transport that answers from scripts: the fake at the executor's port."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field

from graphql import GraphQLSchema

from gateway.errors import CodedError
from gateway.execution.compiled import compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan, Result
from gateway.planning.plan import QueryPlan

Scripted = bytes | CodedError | dict[str, object] | Callable[[dict[str, object]], object]


@dataclass
class ScriptedSubgraphs:
    """Answers each subgraph's requests in turn; the last script of a subgraph goes on answering.

    A script is a whole response, raw bytes, an error to raise, or a function of the request's variables that gives
    ``data``. ``requests`` records what was asked.
    """

    scripts: dict[str, list[Scripted]]
    events: Iterable[object] = ()
    requests: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    headers: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    under_way: int = 0

    async def send(self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...], timeout: float) -> bytes:  # noqa: ASYNC109 - the port names it
        request = json.loads(body)
        self.requests.append((subgraph, request))
        self.headers.append(headers)
        scripts = self.scripts[subgraph]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self.under_way += 1
        try:
            if isinstance(script, asyncio.Event):
                await script.wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        if isinstance(script, CodedError):
            raise script
        if callable(script):
            return json.dumps({"data": script(request.get("variables", {}))}).encode()
        return script if isinstance(script, bytes) else json.dumps(script).encode()

    async def subscribe(
        self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> AsyncGenerator[bytes, None]:
        self.requests.append((subgraph, json.loads(body)))
        for event in self.events:
            if isinstance(event, CodedError):
                raise event
            yield json.dumps(event).encode()

    async def close(self) -> None:
        """Nothing is open."""


async def answer(plan: QueryPlan, schema: GraphQLSchema, subgraphs: ScriptedSubgraphs, **bound: object) -> Result:
    """Compile, bind and execute a plan."""
    return await execute(BoundPlan(compile_plan(plan, schema), **bound), subgraphs)  # type: ignore[arg-type]


def by_key(field_name: str, key: str, **rows: dict[str, object] | None) -> Callable[[dict[str, object]], object]:
    """``_entities`` answered from rows by key, as a subgraph would: in the order asked, null for what it lacks."""

    def data(variables: dict[str, object]) -> object:
        representations = variables[field_name]
        assert isinstance(representations, list)
        return {"e" + field_name[1:]: [rows.get(str(each[key])) for each in representations]}

    return data
