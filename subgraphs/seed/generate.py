"""The demonstration data: made once, the same every time, consistent across departments that know only surrogates.

A marker in the folder says what made the data. Where it fits, a second start does nothing; where the generator's own
source, the scale or a file's size differ, everything is made anew.
"""

import hashlib
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from subgraphs.civil_affairs import store as civil_affairs
from subgraphs.human_resources import store as human_resources
from subgraphs.market_regulation import store as market_regulation
from subgraphs.natural_resources import store as natural_resources
from subgraphs.public_security import store as public_security
from subgraphs.seed import economy, holdings, population, routes
from subgraphs.seed.numbers import Numbers, photograph
from subgraphs.seed.population import Family, Person
from subgraphs.transport import store as transport
from subgraphs.transport import timetable

SEED = 320
MARKER = "seed.json"
SURROGATE_KEY = "surrogate.key"
PERSONS, ENTERPRISES, ORGANISATIONS, ROUTES = 50_000, 20_000, 2_000, 120
DEPARTMENTS = (
    "public_security", "market_regulation", "human_resources", "natural_resources", "civil_affairs", "transport",
)  # fmt: skip


class Counts(msgspec.Struct, frozen=True):
    """How many records of each kind there are."""

    persons: int
    households: int
    enterprises: int
    licences: int
    enrolments: int
    parcels: int
    addresses: int
    marriages: int
    allowances: int
    organisations: int
    bus_stops: int

    @property
    def related(self) -> int:
        """Records beside persons and enterprises."""
        total: int = sum(msgspec.structs.astuple(self))
        return total - self.persons - self.enterprises


class Marker(msgspec.Struct, frozen=True):
    """What made the data in a folder: the digest of the generator, the scale, the key's digest, sizes of the files."""

    generator: str
    scale: float
    key: str
    counts: Counts
    files: dict[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a folder holds. ``generated`` is False when it already held just that; ``seconds`` is the time it took."""

    directory: Path
    counts: Counts
    generated: bool
    seconds: float


def generate(directory: Path, scale: float = 1.0, surrogate_key: bytes | None = None) -> Summary:
    """Makes the data of all departments under ``directory``, one folder each, unless it is there already.

    ``scale`` multiplies the numbers of persons, enterprises and all that follows from them. ``surrogate_key`` makes
    the surrogates; without one the folder's own is used, a random one when it has none.
    """
    started = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    key = surrogate_key or _own_key(directory)
    marker = _read_marker(directory)
    wanted = (_generator_digest(), scale, hashlib.sha256(key).hexdigest())
    if marker is not None and (marker.generator, marker.scale, marker.key) == wanted and _intact(directory, marker):
        return Summary(directory, marker.counts, False, time.perf_counter() - started)
    (directory / MARKER).unlink(missing_ok=True)
    for name in DEPARTMENTS:
        shutil.rmtree(directory / name, ignore_errors=True)
    counts = _World(Random(SEED), Numbers(key), scale).write(directory)
    made = Marker(
        *wanted, counts, {str(path.relative_to(directory)): path.stat().st_size for path in _files(directory)}
    )
    (directory / MARKER).write_bytes(msgspec.json.encode(made))
    return Summary(directory, counts, True, time.perf_counter() - started)


class _World:
    """Everything the departments know, before it is told apart. The order of drawing is part of what is generated."""

    def __init__(self, random: Random, numbers: Numbers, scale: float) -> None:
        self._random = random
        self._numbers = numbers
        self._scale = scale
        self.families = tuple(population.families(random, numbers, self._scaled(PERSONS)))
        self.persons = tuple(person for family in self.families for person in family.people)
        self.adults = tuple(person for person in self.persons if person.age >= 18)
        self.enterprises = tuple(economy.enterprises(random, numbers, self.adults, self._scaled(ENTERPRISES)))

    def _scaled(self, count: int) -> int:
        return max(3, round(count * self._scale))

    def write(self, directory: Path) -> Counts:
        residents = [_resident(self._random, person) for person in self.persons]
        households = [_household(family) for family in self.families]
        public_security.write(directory / "public_security", residents, households)
        licences = list(economy.licences(self._random, self.enterprises))
        market_regulation.write(directory / "market_regulation", self.enterprises, licences)
        enrolments = list(
            economy.enrolments(self._random, self._numbers, self.adults, self.enterprises, self.persons[0])
        )
        human_resources.write(directory / "human_resources", enrolments)
        parcels = self._write_real_estate(directory / "natural_resources")
        files = directory / "civil_affairs"
        marriages = _write_by_division(
            files, "marriage", holdings.marriages(self._random, self._numbers, self.families)
        )
        allowances = _write_by_division(
            files, "allowance", holdings.allowances(self._random, self._numbers, self.families)
        )
        organisations = holdings.organisations(self._random, self._numbers, self._scaled(ORGANISATIONS))
        bodies = _write_by_division(files, "organisation", ((body.division_code, body) for body in organisations))
        stops = self._write_routes(directory / "transport" / transport.FOLDER)
        return Counts(
            persons=len(self.persons), households=len(self.families), enterprises=len(self.enterprises),
            licences=len(licences), enrolments=len(enrolments), parcels=parcels, addresses=len(self.families),
            marriages=marriages, allowances=allowances, organisations=bodies, bus_stops=stops,
        )  # fmt: skip

    def _write_real_estate(self, folder: Path) -> int:
        parcels = list(holdings.parcels(self._random, self.families))
        addresses = (
            natural_resources.AddressRow(place.code, place.text, place.division.code, place.longitude, place.latitude)
            for place in (family.address for family in self.families)
        )
        holders = {family.people[0].surrogate: family.people[0].number for family in self.families}
        units = {self._numbers.surrogate("unit", parcel.unit_no): parcel.unit_no for parcel in parcels}
        natural_resources.write(folder, parcels, addresses, holders.items(), units.items())
        return len(parcels)

    def _write_routes(self, folder: Path) -> int:
        calls = 0
        for route in routes.routes(self._random, self._scaled(ROUTES)):
            timetable.write_route(folder, route)
            calls += len(route.calls)
        return calls


def _resident(random: Random, person: Person) -> public_security.ResidentRow:
    return public_security.ResidentRow(
        id=person.surrogate,
        resident_id=person.number,
        name=person.name,
        sex="2" if person.female else "1",
        birth_date=person.born.isoformat(),
        registered_address=person.address.text,
        division_code=person.address.division.code,
        household=person.household,
        photo_digest=hashlib.sha256(photograph(person.number)).digest(),
        remarks="档案待补" if random.random() < 0.01 else None,
    )


def _household(family: Family) -> public_security.HouseholdRow:
    head = family.people[0]
    return public_security.HouseholdRow(
        id=family.surrogate,
        household_no=family.number,
        head=head.surrogate,
        head_resident_id=head.number,
        address=family.address.text,
        address_code=family.address.code,
        member_count=len(family.people),
    )


def _write_by_division(folder: Path, kind: str, records: Iterable[tuple[str, NamedTuple]]) -> int:
    by_division: dict[str, list[NamedTuple]] = {}
    for division, record in records:
        by_division.setdefault(division, []).append(record)
    for division, members in by_division.items():
        civil_affairs.write(folder, kind, division, members)
    return sum(map(len, by_division.values()))


def _own_key(directory: Path) -> bytes:
    path = directory / SURROGATE_KEY
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return bytes.fromhex(path.read_text())


def _generator_digest() -> str:
    """Of all source that decides what is written, so that an edit makes the data anew."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(
        (*here.glob("*.py"), *here.parent.glob("*/store.py"), *here.parent.glob("*/register_service.py"))
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_marker(directory: Path) -> Marker | None:
    try:
        return msgspec.json.decode((directory / MARKER).read_bytes(), type=Marker)
    except (OSError, msgspec.MsgspecError):
        return None


def _intact(directory: Path, marker: Marker) -> bool:
    return {str(path.relative_to(directory)): path.stat().st_size for path in _files(directory)} == marker.files


def _files(directory: Path) -> Sequence[Path]:
    return sorted(path for name in DEPARTMENTS for path in (directory / name).rglob("*") if path.is_file())
