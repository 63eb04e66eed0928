"""What the demo prints: addresses, credentials, queries as lines to paste, and each caller's answer in short."""

import json
import shlex
from collections.abc import Mapping
from typing import Protocol


class Caller(Protocol):
    """See DemoCaller."""

    @property
    def name(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Query(Protocol):
    """See DemoQuery."""

    @property
    def name(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def caller(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def variables(self) -> Mapping[str, object]: ...


class Demo(Protocol):
    """See RunningDemo."""

    @property
    def address(self) -> str: ...
    @property
    def credentials(self) -> str: ...
    @property
    def callers(self) -> tuple[Caller, ...]: ...
    @property
    def queries(self) -> tuple[Query, ...]: ...


def introduction(demo: Demo) -> str:
    """Addresses, callers and queries."""
    lines = [
        "",
        "Watersmeet is up.",
        f"  explorer   {demo.address}/explorer",
        f"  GraphQL    {demo.address}/graphql",
        f"  admin API  {demo.address}/admin/graphql (persons' keys: {demo.credentials})",
        f"  readiness  {demo.address}/readyz",
        "",
        "Callers (headers to send):",
    ]
    for caller in demo.callers:
        lines += [f"  {caller.name}: {caller.sentence}"]
        lines += [f"      {name}: {value}" for name, value in caller.headers.items()] or ["      (no headers)"]
    lines += ["", "Queries to paste:"]
    callers = {caller.name: caller for caller in demo.callers}
    for query in demo.queries:
        lines += [f"  {query.name}: {query.sentence}", f"    {_curl(demo.address, query, callers[query.caller])}", ""]
    lines += ["Answers:"]
    return "\n".join(lines)


def _curl(address: str, query: Query, caller: Caller) -> str:
    headers = {"content-type": "application/json", **caller.headers}
    flags = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items())
    body = json.dumps({"query": " ".join(query.text.split()), "variables": dict(query.variables)}, ensure_ascii=False)
    return f"curl -s {address}/graphql {flags} -d {shlex.quote(body)}"


def outcome(caller: Caller, query: Query, answer: Mapping[str, object]) -> str:
    """One caller's answer to a query in a few lines: the data, or what refused it."""
    lines = [f"  {query.name}, asked by {caller.name}"]
    errors = answer.get("errors")
    if isinstance(errors, list):
        for error in errors[:6]:
            extensions = error.get("extensions", {})
            lines.append(f"      {extensions.get('code', '')}: {error.get('message', '')}")
            if extensions.get("apply"):
                lines.append(f"        apply: {extensions['apply']}")
        if len(errors) > 6:
            lines.append(f"      and {len(errors) - 6} more")
    if answer.get("data") is not None:
        text = json.dumps(answer["data"], ensure_ascii=False)
        lines.append(f"      {text if len(text) <= 900 else text[:900] + ' ...'}")
    return "\n".join(lines)
