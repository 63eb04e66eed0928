"""People and the households they live in, family by family.

The first family is always the same, at any scale: the family of the ready-made queries, which the other departments
give a job, a flat, a marriage and an allowance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from subgraphs.seed.names import given_name, surname
from subgraphs.seed.numbers import Numbers
from subgraphs.seed.places import DIVISIONS, Address, addresses

TODAY = date(2026, 11, 1)


@dataclass(frozen=True, slots=True)
class Person:
    """One person; ``surrogate`` is the key by which departments refer to the person."""

    surrogate: str
    number: str
    name: str
    female: bool
    born: date
    address: Address
    household: str

    @property
    def age(self) -> int:
        """Whole years on the day the data is of."""
        return TODAY.year - self.born.year - ((TODAY.month, TODAY.day) < (self.born.month, self.born.day))


@dataclass(frozen=True, slots=True)
class Family:
    """A household: its number, and its people, the head first. ``couple`` says that the first two are married."""

    surrogate: str
    number: str
    address: Address
    people: tuple[Person, ...]
    couple: bool


def families(random: Random, numbers: Numbers, persons: int) -> Iterator[Family]:
    """Families until there are ``persons`` people in all; the last one is as large as is left."""
    places = addresses(random)
    left = persons
    while left > 0:
        if left == persons:
            shape, place = _SHOWN, next(place for place in places if place.division == SHOWN_DIVISION)
        else:
            shape, place = _shape(random), next(places)
        family = _family(random, numbers, place, shape[:left], persons - left)
        left -= len(family.people)
        yield family


@dataclass(frozen=True, slots=True)
class _Member:
    female: bool
    age: int
    role: str


SHOWN_DIVISION = DIVISIONS[2]
_SHOWN: tuple["_Member", ...] = (_Member(True, 38, "head"), _Member(False, 40, "spouse"), _Member(True, 9, "child"))


def _shape(random: Random) -> tuple[_Member, ...]:
    age = random.randint(24, 78)
    female = random.random() < 0.4
    members = [_Member(female, age, "head")]
    if random.random() < 0.72:
        members.append(_Member(not female, max(22, age + random.randint(-5, 5)), "spouse"))
    for _ in range(random.choices((0, 1, 2, 3), (30, 45, 22, 3))[0]):
        members.append(_Member(random.random() < 0.48, max(0, age - random.randint(22, 34)), "child"))
    if age < 58 and random.random() < 0.22:
        members.append(_Member(random.random() < 0.6, min(96, age + random.randint(22, 30)), "parent"))
    return tuple(members)


def _family(random: Random, numbers: Numbers, address: Address, shape: tuple[_Member, ...], already: int) -> Family:
    number = f"{address.division.code}{already:09d}"
    household = numbers.surrogate("household", number)
    names = {"head": surname(random), "spouse": surname(random)}
    names["child"] = names["spouse"] if shape[0].female and len(shape) > 1 else names["head"]
    names["parent"] = names["head"]
    people = []
    for member in shape:
        born = _birthday(random, member.age)
        resident = numbers.resident(address.division, born, member.female)
        name = names[member.role] + given_name(random, member.female)
        surrogate = numbers.surrogate("resident", resident)
        people.append(Person(surrogate, resident, name, member.female, born, address, household))
    couple = len(shape) > 1 and shape[1].role == "spouse"
    return Family(household, number, address, tuple(people), couple)


def _birthday(random: Random, age: int) -> date:
    latest = TODAY.replace(year=TODAY.year - age)
    return latest - timedelta(days=random.randint(0, 364))
