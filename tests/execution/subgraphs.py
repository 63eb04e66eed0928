"""A transport that answers from scripts (the fake at the executor's port), and stories told on both paths."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import GraphQLSchema

from gateway.errors import CodedError
from gateway.execution.compiled import CompiledPlan, compile_plan
from gateway.execution.executor import execute
from gateway.execution.result import BoundPlan, Result
from gateway.planning.plan import QueryPlan

Script = bytes | CodedError | dict[str, Any] | asyncio.Event | Callable[[dict[str, Any]], object]


@dataclass
class ScriptedSubgraphs:
    """Answers each subgraph's requests in turn; the last script of a subgraph goes on answering.

    A script is a whole response, raw bytes, an error to raise, an event that is waited for in vain, or a function of
    the request's variables that gives ``data``. ``requests`` and ``headers`` record what was asked; ``stalled`` is set
    when a script begins to wait.
    """

    scripts: dict[str, list[Script]]
    events: Iterable[Script] = ()
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    under_way: int = 0
    stalled: asyncio.Event = field(default_factory=asyncio.Event)

    def again(self) -> "ScriptedSubgraphs":
        """The same scripts from their beginning."""
        return replace(
            self, scripts={name: list(scripts) for name, scripts in self.scripts.items()}, requests=[], headers=[]
        )

    async def send(self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...], timeout: float) -> bytes:  # noqa: ASYNC109 - the port names it
        """The next script's answer, on a later turn of the loop."""
        request = json.loads(body)
        self.requests.append((subgraph, request))
        self.headers.append(headers)
        scripts = self.scripts[subgraph]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self.under_way += 1
        try:
            if isinstance(script, asyncio.Event):
                self.stalled.set()
                await script.wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        return _response(script, request)

    async def subscribe(
        self, subgraph: str, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> AsyncGenerator[bytes, None]:
        """The scripted events."""
        self.requests.append((subgraph, json.loads(body)))
        self.headers.append(headers)
        self.under_way += 1
        try:
            for event in self.events:
                yield _response(event, {})
        finally:
            self.under_way -= 1

    async def close(self) -> None:
        """Nothing is open."""


def _response(script: Script, request: dict[str, Any]) -> bytes:
    if isinstance(script, CodedError):
        raise script
    if isinstance(script, bytes):
        return script
    if isinstance(script, asyncio.Event):
        raise AssertionError("a script that waits is never to be answered")
    return json.dumps({"data": script(request.get("variables", {}))} if callable(script) else script).encode()


def warm_plan(plan: QueryPlan, schema: GraphQLSchema) -> CompiledPlan:
    """A plan with its compiled form, as if it had been used before."""
    compiled = compile_plan(plan, schema, None)
    compiled.warm()
    return compiled


async def answer(plan: QueryPlan, schema: GraphQLSchema, subgraphs: ScriptedSubgraphs, **bound: Any) -> Result:
    """Execute a plan on the general path; the compiled form, told the same story, must answer and ask the same."""
    told_again = subgraphs.again()
    result = await execute(BoundPlan(compile_plan(plan, schema, None), **bound), subgraphs)
    again = await execute(BoundPlan(warm_plan(plan, schema), **bound), told_again)
    assert again.encode() == result.encode()
    assert told_again.requests == subgraphs.requests
    assert subgraphs.under_way == told_again.under_way == 0
    return result


def by_key(key: str, rows: dict[str, dict[str, Any] | None]) -> Callable[[dict[str, Any]], object]:
    """``e0`` answered from rows by key, as a subgraph would: in the order asked, null for what it lacks."""
    return lambda variables: {"e0": [rows.get(str(each[key])) for each in variables["r0"]]}


def told(result: Result) -> tuple[Any, list[tuple[str, list[str | int] | None]]]:
    """An answer's data, and its errors as code and path."""
    answered = json.loads(result.encode())
    return answered["data"], [(each["extensions"]["code"], each.get("path")) for each in answered.get("errors", [])]
