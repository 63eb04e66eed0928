"""Enterprises, their licences, and who is insured through whom."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from subgraphs.human_resources.store import EnrolmentRow
from subgraphs.market_regulation.store import EnterpriseRow, LicenceRow
from subgraphs.seed.names import enterprise_name
from subgraphs.seed.numbers import Numbers
from subgraphs.seed.places import STREETS, draw_division
from subgraphs.seed.population import SHOWN_DIVISION, TODAY, Person

# 登记状态: 01 in operation, 02 struck off, 03 revoked.
_STATUS, _STATUS_WEIGHTS = ("01", "02", "03"), (88, 8, 4)
# 险种: 110 pension, 310 medical, 210 unemployment for employees; 170 pension, 390 medical for residents.
EMPLOYEE_KINDS = ("110", "310", "210")
RESIDENT_KINDS = ("170", "390")
# 参保状态: 1 paying, 2 suspended, 4 ended.
_PAYING, _SUSPENDED, _ENDED = "1", "2", "4"


def enterprises(random: Random, numbers: Numbers, adults: Sequence[Person], count: int) -> Iterator[EnterpriseRow]:
    """Enterprises, each represented by an adult; the first one has the same code at any scale and is in operation."""
    for place in range(count):
        division = draw_division(random) if place else SHOWN_DIVISION
        representative = random.choice(adults)
        street = random.choice(STREETS)
        yield EnterpriseRow(
            credit_code=numbers.credit_code(division, "9", "1"),
            name=enterprise_name(random, division.name),
            legal_representative=representative.name,
            legal_representative_id=representative.number,
            representative=representative.surrogate,
            registered_capital=f"{random.choice((10, 50, 100, 200, 500, 1000, 5000)) * random.randint(1, 9)}.00",
            address=f"重庆市{division.name}{street}{random.randint(1, 600)}号",
            division_code=division.code,
            status=_STATUS[0] if place == 0 else random.choices(_STATUS, _STATUS_WEIGHTS)[0],
            phone=f"100{random.randint(0, 99_999_999):08d}",
            risk_note="抽查异常，待复核" if random.random() < 0.02 else None,
        )


def licences(random: Random, rows: Sequence[EnterpriseRow]) -> Iterator[LicenceRow]:
    """One licence for each enterprise. The document is a small stand-in for an OFD file."""
    for place, row in enumerate(rows, 1):
        valid_until = TODAY + timedelta(days=random.randint(-200, 3650))
        number = f"YYZZ5099{place:012d}"
        document = f'<licence no="{number}" holder="{row.credit_code}" until="{valid_until:%Y-%m-%d}"/>'
        yield LicenceRow(number, row.credit_code, valid_until.isoformat(), document.encode())


def enrolments(
    random: Random, numbers: Numbers, adults: Sequence[Person], employers: Sequence[EnterpriseRow], shown: Person
) -> Iterator[EnrolmentRow]:
    """Enrolments of all adults: through an employer in operation, or as residents. ``shown`` is always employed."""
    hiring = [row.credit_code for row in employers if row.status == _STATUS[0]]
    for person in adults:
        working = person is shown or (18 <= person.age < 60 and random.random() < 0.62)
        employer = hiring[0] if person is shown else random.choice(hiring)
        most = max(1, (person.age - 18) * 12)
        months = 186 if person is shown else random.randint(1, min(most, 480))
        base = f"{random.randint(38, 240) * 100}.00"
        status = _PAYING if person is shown else random.choices((_PAYING, _SUSPENDED, _ENDED), (85, 10, 5))[0]
        for kind in EMPLOYEE_KINDS if working else RESIDENT_KINDS:
            yield EnrolmentRow(
                id=numbers.surrogate("enrolment", f"{person.number}:{kind}"),
                resident=person.surrogate,
                resident_id=person.number,
                credit_code=employer if working else None,
                insurance_type=kind,
                status=status,
                paid_months=months,
                contribution_base=base,
            )


def registered_between(random: Random, first: int, last: int) -> date:
    """A day from ``last`` to ``first`` years ago."""
    return TODAY - timedelta(days=random.randint(last * 365, max(first * 365, last * 365 + 1)))
