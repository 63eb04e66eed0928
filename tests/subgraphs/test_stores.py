"""Statements mean the same on each engine; documents from elsewhere are read with care."""

import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest

from policies.row_filters import Dialect, Opposite, StartsWith
from subgraphs.civil_affairs import store as civil_affairs
from subgraphs.human_resources.app import department as human_resources
from subgraphs.kit.department import Department, StoreLocation
from subgraphs.kit.errors import CodedError
from subgraphs.kit.sqlite import open_sqlite
from subgraphs.kit.statements import Select
from subgraphs.market_regulation.app import department as market_regulation
from subgraphs.natural_resources.app import department as natural_resources
from subgraphs.public_security.app import department as public_security

ROWS = [("1", "渝中%茶馆", "500103"), ("2", "江北面馆", "500105"), ("3", "渝中'书店", "500103")]


def selects(dialect: Dialect) -> list[Select]:
    def select() -> Select:
        return Select(dialect, "shop", ("no",))

    columns, within = {"divisionCode": "division"}, StartsWith("divisionCode", "5001")
    return [
        select().among("no", ["3", "1", "1", "9"]).ordered("no"),
        select().among("no", []).ordered("no"),
        select().containing("name", "%").ordered("no"),
        select().containing("name", "'").equal("division", "500103").ordered("no"),
        select().containing("name", None).equal("division", None).first(2, "no"),
        select().within(within, columns).within(Opposite(StartsWith("divisionCode", "500105")), columns).ordered("no"),
    ]


EXPECTED = [["1", "3"], [], ["1"], ["3"], ["1", "2"], ["1", "3"]]


def test_sqlite_and_duckdb_give_the_rows_that_were_meant() -> None:
    lite = sqlite3.connect(":memory:")
    duck = duckdb.connect()
    try:
        for engine in (lite, duck):
            engine.execute("CREATE TABLE shop (no VARCHAR, name VARCHAR, division VARCHAR)")
            engine.executemany("INSERT INTO shop VALUES (?, ?, ?)", ROWS)
        for dialect, engine in ((Dialect.SQLITE, lite), (Dialect.DUCKDB, duck)):
            for select, expected in zip(selects(dialect), EXPECTED, strict=True):
                found = engine.execute(select.text, select.parameters).fetchall()
                assert [number for (number,) in found] == expected, select.text
    finally:
        lite.close()
        duck.close()


def test_postgresql_numbers_its_parameters_through_the_whole_statement() -> None:
    select = Select(Dialect.POSTGRESQL, "shop", ("no",)).among("no", ["1"]).equal("division", "500103")
    select.within(StartsWith("divisionCode", "5"), {"divisionCode": "division"}).first(5, "no")
    assert [f"${n}" in select.text for n in range(1, 7)] == [True] * 5 + [False]
    assert select.parameters == [["1"], "500103", "5", "6", 5]


def test_a_missing_database_is_named_and_never_created(tmp_path: Path) -> None:
    with pytest.raises(CodedError, match=r"none\.sqlite"):
        open_sqlite(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "document",
    [
        "<records>",
        '<records kind="organisation"><organisation name="x"/></records>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><records><organisation name="&a;"/></records>',
    ],
)
def test_a_document_that_is_cut_short_incomplete_or_hostile_is_refused_by_name(tmp_path: Path, document: str) -> None:
    (tmp_path / "organisation").mkdir()
    (tmp_path / "organisation" / "500103.xml").write_text(document)
    with pytest.raises(CodedError, match=r"500103\.xml"):
        civil_affairs.read(tmp_path, "organisation")


def test_documents_keep_every_character_that_a_name_may_have(tmp_path: Path) -> None:
    record = civil_affairs.OrganisationRecord("5150", "重庆“江”<北>&'\"协会", "社会团体", "500103", "合格")
    civil_affairs.write(tmp_path, "organisation", "500103", [record])
    assert civil_affairs.read(tmp_path, "organisation") == [record]


@pytest.mark.parametrize("department", [public_security, market_regulation, human_resources, natural_resources])
async def test_a_store_that_is_damaged_is_named(tmp_path: Path, data: Path, department: Department) -> None:
    folder = tmp_path / department.name
    shutil.copytree(data / department.name, folder)
    for path in folder.iterdir():
        path.write_bytes(b"damaged" * 1000)
    with pytest.raises(CodedError) as refused:
        async with department.open_store(StoreLocation(folder)):
            pass
    assert refused.value.code.name == "STORE_UNREADABLE"
    assert str(folder) in refused.value.message
