"""Bus routes from JSON documents, and when the next bus reaches a stop.

A route's document holds its stops with the minutes from the first one, its first and last departure and its headway.
The live part is how late each bus runs. No radio reaches this process, so lateness is drawn from the route, the day and
the departure: it is the same whoever asks, grows along the route, and changes from bus to bus.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec

from subgraphs.kit.errors import STORE_UNREADABLE, CodedError

CHONGQING = timezone(timedelta(hours=8))
_DAY = 24 * 60


class Call(msgspec.Struct, frozen=True):
    """A stop on a route: ``minutes`` after the departure from the first stop."""

    stop_no: str
    stop_name: str
    minutes: int


class Route(msgspec.Struct, frozen=True):
    """One direction of a bus line. ``first_bus`` and ``last_bus`` are minutes after midnight."""

    route_no: str
    name: str
    division_code: str
    first_bus: int
    last_bus: int
    headway: int
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a route's next bus is expected at one of its stops."""

    route: Route
    call: Call
    expected_at: datetime


def read_routes(folder: Path) -> tuple[Route, ...]:
    """The routes of all documents in ``folder``. Raises CodedError STORE_UNREADABLE naming a document that is none."""
    decode = msgspec.json.Decoder(Route).decode
    routes = []
    for path in sorted(folder.glob("*.json")):
        try:
            routes.append(decode(path.read_bytes()))
        except msgspec.MsgspecError as error:
            raise CodedError(STORE_UNREADABLE, f"The document {path} is no bus route: {error}.") from None
    if not routes:
        raise CodedError(STORE_UNREADABLE, f"There are no bus routes in {folder}.")
    return tuple(routes)


def write_route(folder: Path, route: Route) -> None:
    """Writes one route's document."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{route.route_no}.json").write_bytes(msgspec.json.format(msgspec.json.encode(route), indent=1))


def next_arrival(route: Route, call: Call, now: datetime) -> Arrival:
    """The first arrival at ``call`` after ``now`` (with any offset); tomorrow's first bus when today's are gone."""
    local = now.astimezone(CHONGQING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (midnight - timedelta(days=1), midnight, midnight + timedelta(days=1)):
        # No bus is more than the longest lateness behind time, so earlier departures have passed.
        passed = int((local - day).total_seconds() // 60) - call.minutes - MAX_LATE
        skipped = max(0, (passed - route.first_bus) // route.headway)
        for departure in range(route.first_bus + skipped * route.headway, route.last_bus + 1, route.headway):
            expected = day + timedelta(minutes=departure + call.minutes, seconds=_late(route, call, day, departure))
            if expected > local:
                return Arrival(route, call, expected)
    raise ValueError(f"route {route.route_no} has no departure in a whole day")


MAX_LATE = 12


def _late(route: Route, call: Call, day: datetime, departure: int) -> int:
    """Seconds behind time: at most MAX_LATE minutes, reached at the end of a route by the slowest bus."""
    drawn = hashlib.blake2b(f"{route.route_no} {day:%Y%m%d} {departure}".encode(), digest_size=2).digest()
    share = int.from_bytes(drawn, "big") / 65536
    along = call.minutes / max(route.calls[-1].minutes, 1)
    return int(share * along * MAX_LATE * 60)
