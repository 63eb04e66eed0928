"""The transport bureau's routes and their arrivals by route and stop."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from subgraphs.kit.department import StoreLocation
from subgraphs.transport.timetable import Arrival, Call, Route, next_arrival, read_routes

FOLDER = "routes"


def _now() -> datetime:
    return datetime.now(UTC)


class BusArrivals:
    """Expected arrivals, computed when they are asked for. ``clock`` gives the present with an offset."""

    def __init__(self, routes: Sequence[Route], clock: Callable[[], datetime] = _now) -> None:
        self._routes = routes
        self._clock = clock
        self._calls = {(route.route_no, call.stop_no): (route, call) for route in routes for call in route.calls}
        self._by_stop: dict[str, list[tuple[Route, Call]]] = {}
        self._by_route: dict[str, list[tuple[Route, Call]]] = {}
        for route, call in self._calls.values():
            self._by_stop.setdefault(call.stop_no, []).append((route, call))
            self._by_route.setdefault(route.route_no, []).append((route, call))

    def describe(self) -> str:
        """See DepartmentStore."""
        return f"JSON documents, {len(self._routes):,} routes, {len(self._by_stop):,} stops, live arrivals"

    def arrivals(self, keys: Sequence[tuple[str, str]]) -> list[Arrival | None]:
        """The next arrival for each route and stop, aligned; None where the route does not call."""
        now = self._clock()
        found = [self._calls.get(key) for key in keys]
        return [next_arrival(*known, now) if known else None for known in found]

    def matching(self, route_no: str | None, stop_no: str | None) -> Iterator[Arrival]:
        """The next arrival of each route at each stop, of one route or at one stop where that is asked for."""
        now = self._clock()
        if stop_no is not None:
            known = self._by_stop.get(stop_no, [])
        elif route_no is not None:
            known = self._by_route.get(route_no, [])
        else:
            known = list(self._calls.values())
        return (next_arrival(route, call, now) for route, call in known if route_no in (None, route.route_no))


@asynccontextmanager
async def open_store(location: StoreLocation) -> AsyncIterator[BusArrivals]:
    """The routes in ``location.folder``. Raises CodedError STORE_UNREADABLE."""
    yield BusArrivals(read_routes(location.folder / FOLDER))
