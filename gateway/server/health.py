"""Whether the process lives, and whether it is ready to be sent requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

Check = Callable[[], bool | str | Awaitable[bool | str]]
"""One part's readiness: True, or False, or a short reason why not, without names of machines or people."""


@dataclass
class Readiness:
    """The parts that must be ready, by name; and whether the process is about to stop.

    ``drain`` makes readiness fail while requests are still answered, so that a balancer turns away first. ``stopping``
    is set when what would go on for ever has to end.
    """

    checks: Mapping[str, Check] = field(default_factory=dict)
    draining: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def drain(self) -> None:
        """Says not to send any more requests here."""
        self.draining = True

    async def parts(self) -> dict[str, str]:
        """Each part's state: ``ok`` or why it is not."""
        states = {name: await self._state(check) for name, check in self.checks.items()}
        if self.draining:
            states["process"] = "draining"
        return states

    async def _state(self, check: Check) -> str:
        answer = check()
        if isinstance(answer, Awaitable):
            answer = await answer
        return ("ok" if answer else "not ready") if isinstance(answer, bool) else answer


def health_routes(readiness: Readiness) -> list[BaseRoute]:
    """``/healthz``: the process answers at all; ``/readyz``: the state of each part by name; and their aliases."""

    async def live(request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def ready(request: Request) -> Response:
        parts = await readiness.parts()
        good = all(state == "ok" for state in parts.values())
        return _json(200 if good else 503, {"status": "ok" if good else "not ready", "parts": parts})

    return [
        *(Route(path, live) for path in ("/healthz", "/health", "/health/live")),
        *(Route(path, ready) for path in ("/readyz", "/health/ready")),
    ]


def _json(status: int, value: object) -> Response:
    return Response(
        msgspec.json.encode(value), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
