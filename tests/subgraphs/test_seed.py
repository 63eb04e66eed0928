"""The generated data: the same every time, plausible, nobody's, and consistent across departments."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from catalog_sync.identifiers import CreditCode, ResidentNumber
from subgraphs.civil_affairs import store as civil_affairs
from subgraphs.seed.generate import MARKER, SURROGATE_KEY, generate
from subgraphs.seed.places import DIVISIONS

SCALE = 0.005


@pytest.fixture(scope="module")
def population(data: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(data / "public_security" / "population.sqlite")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def register(data: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(data / "market_regulation" / "enterprises.sqlite")
    yield connection
    connection.close()


def values(connection: sqlite3.Connection, statement: str) -> set[str]:
    return {value for (value,) in connection.execute(statement)}


def test_resident_numbers_have_right_check_digits_in_a_prefecture_that_does_not_exist(
    population: sqlite3.Connection,
) -> None:
    numbers = values(population, "SELECT resident_id FROM resident")
    assert len(numbers) == 1000
    for number in numbers:
        assert ResidentNumber.parse(number).text.startswith("5099")
    assert not any(division.code.startswith("5099") for division in DIVISIONS)


def test_credit_codes_have_both_right_check_digits_and_name_no_registered_body(register: sqlite3.Connection) -> None:
    for text in values(register, "SELECT credit_code FROM enterprise"):
        code = CreditCode.parse(text)
        assert code.division.text.startswith("5099")
        assert code.organisation.startswith("XX")


def test_birth_dates_and_sexes_agree_with_resident_numbers(population: sqlite3.Connection) -> None:
    for number, born, sex in population.execute("SELECT resident_id, birth_date, sex FROM resident"):
        assert number[6:14] == born.replace("-", "")
        assert int(number[16]) % 2 == (1 if sex == "1" else 0)


def test_departments_refer_to_people_and_enterprises_that_exist(
    data: Path, population: sqlite3.Connection, register: sqlite3.Connection
) -> None:
    people = dict(population.execute("SELECT id, resident_id FROM resident"))
    codes = values(register, "SELECT credit_code FROM enterprise")
    referring = set(register.execute("SELECT representative, legal_representative_id FROM enterprise"))
    with duckdb.connect() as files:
        parquet = str(data / "human_resources" / "enrolments.parquet")
        referring |= set(files.read_parquet(parquet).project("resident, resident_id").fetchall())
        employers = {code for (code,) in files.read_parquet(parquet).project("credit_code").fetchall() if code}
    for kind in ("marriage", "allowance"):
        referring |= {(one.resident, one.resident_id) for one in civil_affairs.read(data / "civil_affairs", kind)}
    crosswalk = sqlite3.connect(data / "natural_resources" / "crosswalk.sqlite")
    referring |= set(crosswalk.execute("SELECT surrogate, number FROM holder"))
    crosswalk.close()
    assert {(key, people.get(key)) for key, _ in referring} == referring
    assert employers
    assert employers <= codes


def test_parcels_stand_at_addresses_of_the_register_and_belong_to_holders_of_the_crosswalk(data: Path) -> None:
    crosswalk = sqlite3.connect(data / "natural_resources" / "crosswalk.sqlite")
    holders, units = values(crosswalk, "SELECT number FROM holder"), values(crosswalk, "SELECT number FROM unit")
    crosswalk.close()
    register = sqlite3.connect(data / "natural_resources" / "bdc.sqlite")
    addresses = values(register, "SELECT DZBM FROM DZ")
    parcels = register.execute("SELECT BDCDYH, QLRZJH, DZBM FROM BDC").fetchall()
    register.close()
    assert {unit for unit, _, _ in parcels} == units
    assert all(holder in holders and address in addresses for _, holder, address in parcels)


def test_every_household_has_its_head_and_its_number_of_members(population: sqlite3.Connection) -> None:
    wrong = population.execute("""
        SELECT h.id FROM household h LEFT JOIN resident r ON r.household = h.id GROUP BY h.id
        HAVING count(r.id) != h.member_count OR max(r.id = h.head AND r.resident_id = h.head_resident_id) != 1
    """).fetchall()
    assert wrong == []


def test_the_same_key_gives_the_same_files_and_another_key_other_surrogates(tmp_path: Path) -> None:
    for name, key in (("one", b"a" * 32), ("two", b"a" * 32), ("three", b"b" * 32)):
        generate(tmp_path / name, SCALE, key)
    read = {
        name: (tmp_path / name / "civil_affairs" / "marriage" / "500103.xml").read_text()
        for name in ("one", "two", "three")
    }
    assert read["one"] == read["two"]
    assert read["one"] != read["three"]
    same_numbers = [[line.split("resident_id=")[1] for line in text.splitlines()[2:-1]] for text in read.values()]
    assert same_numbers[0] == same_numbers[2]


def test_a_second_start_does_nothing_and_finds_the_same(tmp_path: Path) -> None:
    first = generate(tmp_path, SCALE)
    second = generate(tmp_path, SCALE)
    assert (first.generated, second.generated) == (True, False)
    assert first.counts == second.counts


@pytest.mark.parametrize("damage", ["a file cut short", "a file gone", "the marker unreadable", "another scale"])
def test_data_that_is_not_whole_is_made_anew(tmp_path: Path, damage: str) -> None:
    generate(tmp_path, SCALE)
    target = tmp_path / "transport" / "routes" / "101.json"
    scale = SCALE
    if damage == "a file cut short":
        os.truncate(target, 10)
    elif damage == "a file gone":
        target.unlink()
    elif damage == "the marker unreadable":
        (tmp_path / MARKER).write_text("{")
    else:
        scale = 2 * SCALE
    assert generate(tmp_path, scale).generated
    assert not generate(tmp_path, scale).generated


def test_the_key_of_the_surrogates_is_the_folders_own_and_its_owners_alone(tmp_path: Path) -> None:
    generate(tmp_path, SCALE)
    assert (tmp_path / SURROGATE_KEY).stat().st_mode & 0o077 == 0
