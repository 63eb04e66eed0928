"""What families hold and what is registered of them: flats, marriages, allowances; and social organisations."""

from collections.abc import Iterator, Sequence
from random import Random

from subgraphs.civil_affairs.store import AllowanceRecord, MarriageRecord, OrganisationRecord
from subgraphs.natural_resources.store import ParcelRow
from subgraphs.seed.economy import registered_between
from subgraphs.seed.names import ORGANISATION_KINDS, organisation_name
from subgraphs.seed.numbers import Numbers
from subgraphs.seed.places import DIVISIONS, draw_division
from subgraphs.seed.population import Family

_DIVISION_PLACE = {division.code: place for place, division in enumerate(DIVISIONS, 1)}
# 婚姻状况 (GB/T 2261.2): 20 married, 40 divorced.
_MARRIED, _DIVORCED = "20", "40"


def parcels(random: Random, homes: Sequence[Family]) -> Iterator[ParcelRow]:
    """The flats that heads of families own; the first family owns one. Unit numbers lie in an unassigned prefecture."""
    number = 0
    for place, family in enumerate(homes):
        owned = 1 if place == 0 else random.choices((0, 1, 2), (28, 62, 10))[0]
        for _ in range(owned):
            number += 1
            address = family.address
            yield ParcelRow(
                unit_no=f"5099{_DIVISION_PLACE[address.division.code]:02d}{number:012d}F{number % 10**9:09d}",
                location=address.text,
                holder_id=family.people[0].number,
                floor_area=f"{random.randint(3800, 16500) / 100:.2f}",
                sealed="0" if place == 0 or random.random() < 0.985 else "1",
                address_code=address.code,
            )


def marriages(random: Random, numbers: Numbers, homes: Sequence[Family]) -> Iterator[tuple[str, MarriageRecord]]:
    """Both parties' records of every couple, and those of some heads who are divorced, with the division of each."""
    for place, family in enumerate(homes):
        head = family.people[0]
        if not family.couple and (head.age < 26 or random.random() < 0.6):
            continue
        parties = family.people[:2] if family.couple else (head,)
        status = _MARRIED if family.couple else _DIVORCED
        day = registered_between(random, max(1, min(person.age for person in parties) - 22), 0)
        certificate = f"J5099{family.address.division.code[-2:]}-{day.year}-{place + 1:07d}"
        for person in parties:
            identity = numbers.surrogate("marriage", f"{certificate}:{person.number}")
            record = MarriageRecord(identity, person.surrogate, person.number, status, day.isoformat(), certificate)
            yield family.address.division.code, record


def allowances(random: Random, numbers: Numbers, homes: Sequence[Family]) -> Iterator[tuple[str, AllowanceRecord]]:
    """The allowances of some families, the first among them, with the division of each."""
    for place, family in enumerate(homes):
        if place and random.random() >= 0.035:
            continue
        head = family.people[0]
        number = f"DB5099{family.address.division.code[-2:]}{place + 1:07d}"
        yield (
            family.address.division.code,
            AllowanceRecord(
                id=numbers.surrogate("allowance", number),
                resident=head.surrogate,
                resident_id=head.number,
                case_no=number,
                monthly_amount=f"{random.randint(200, 760) * len(family.people)}.00",
                approved_on=registered_between(random, 4, 0).isoformat(),
                member_count=str(len(family.people)),
            ),
        )


def organisations(random: Random, numbers: Numbers, count: int) -> Iterator[OrganisationRecord]:
    """Social organisations with the result of their last annual review."""
    for _ in range(count):
        division = draw_division(random)
        kind = random.choices(ORGANISATION_KINDS, (45, 50, 5))[0]
        yield OrganisationRecord(
            credit_code=numbers.credit_code(division, "5", str(1 + ORGANISATION_KINDS.index(kind))),
            name=organisation_name(random, division.name, kind),
            kind=kind,
            division_code=division.code,
            annual_review=random.choices(("合格", "基本合格", "不合格", "未参检"), (80, 12, 3, 5))[0],
        )
