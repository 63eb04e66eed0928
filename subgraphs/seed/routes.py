"""Bus routes of the districts, with stops that several routes share."""

from collections.abc import Iterator
from random import Random

from subgraphs.seed.places import STREETS, Division, draw_division
from subgraphs.transport.timetable import Call, Route


def routes(random: Random, count: int) -> Iterator[Route]:
    """Routes numbered from 101; the first one runs in a central district."""
    stops: dict[str, list[tuple[str, str]]] = {}
    for number in range(count):
        division = draw_division(random)
        known = stops.setdefault(division.code, _stops(random, division))
        length = random.randint(12, min(34, len(known)))
        minutes = 0
        calls = []
        for stop_no, stop_name in random.sample(known, length):
            calls.append(Call(stop_no, stop_name, minutes))
            minutes += random.randint(2, 5)
        first = random.randint(5 * 60 + 30, 6 * 60 + 40)
        yield Route(
            route_no=str(101 + number),
            name=f"{101 + number}路 {calls[0].stop_name}—{calls[-1].stop_name}",
            division_code=division.code,
            first_bus=first,
            last_bus=random.randint(20 * 60 + 30, 22 * 60 + 30),
            headway=random.choice((6, 8, 10, 12, 15, 20)),
            calls=tuple(calls),
        )


def _stops(random: Random, division: Division) -> list[tuple[str, str]]:
    names = random.sample(STREETS, 60)
    return [(f"{division.code}{place:04d}", f"{name}站") for place, name in enumerate(names, 1)]
