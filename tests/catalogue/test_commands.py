import json
from pathlib import Path

import pytest

from catalog_sync import commands
from tests.catalogue.entry_text import EXAMPLES, GOOD, TODAY, varied


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path / "good.yaml"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "bad.yaml").write_text(varied(("限安全生产检查", "按需"), ("alias: BusStop", "alias: Query")))
    return tmp_path / "bad.yaml"


def test_a_catalogue_in_order_is_counted() -> None:
    assert commands.check(EXAMPLES, today=TODAY) == commands.CommandResult(
        0, "12 entries with 50 items are in order.\n"
    )


def test_a_catalogue_with_problems_lists_all_of_them(bad: Path) -> None:
    result = commands.check(bad)
    assert (result.exit_code, result.text.splitlines()[0]) == (1, "2 problems in the catalogue:")
    told = json.loads(commands.check(bad, as_json=True).text)
    assert {problem["rule"] for problem in told["problems"]} == {"V6", "V9"}


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert commands.check(tmp_path / "no.yaml").exit_code == 2
    assert json.loads(commands.check(tmp_path / "no.yaml", as_json=True).text)["code"] == "CATALOGUE_UNREADABLE"


def test_a_catalogue_is_converted_between_formats(good: Path, tmp_path: Path) -> None:
    assert commands.convert(good, tmp_path / "a.xlsx").exit_code == 0
    assert commands.convert(tmp_path / "a.xlsx", tmp_path / "b.yaml").exit_code == 0
    assert commands.diff(good, tmp_path / "b.yaml") == commands.CommandResult(0, "The two catalogues say the same.\n")
    assert commands.convert(good, tmp_path / "missing" / "a.csv").exit_code == 2


def test_a_diff_that_narrows_exits_with_one(good: Path, tmp_path: Path) -> None:
    narrower = varied(("open: all, key", "open: none, key"))
    (tmp_path / "new.yaml").write_text(narrower)
    result = commands.diff(good, tmp_path / "new.yaml")
    assert (result.exit_code, result.text) == (
        1,
        "cq-tr-bus-stop\n  items.stopNo.open: all -> (none) [narrowing]\n",
    )
    told = json.loads(commands.diff(good, tmp_path / "new.yaml", as_json=True).text)
    assert told[0]["changes"][0]["effect"] == "narrowing"


def test_search_prints_entries_with_the_items_found() -> None:
    result = commands.search(EXAMPLES, "缴费月数")
    assert result.text == (
        "30700511/1  社会保险参保信息  重庆市人力资源和社会保障局  conditional, not_open\n"
        "    paidMonths 累计缴费月数: conditional, not_open\n"
    )
    assert commands.search(EXAMPLES, "不存在").text == "Nothing found.\n"
    assert json.loads(commands.search(EXAMPLES, "婚姻", as_json=True).text)[0]["code"] == "30700507/1"


def test_what_need_not_be_asked_of_citizens_is_told_with_its_source() -> None:
    result = commands.obtainable(EXAMPLES, ["注册资本", "血型"])
    assert (result.exit_code, result.text) == (
        1,
        "注册资本: unconditional\n"
        "    注册资本 (30700502/1.registeredCapital) of 重庆市市场监督管理局: unconditional\n"
        "血型: nobody has it\n",
    )


def test_the_open_part_is_printed_as_dcat() -> None:
    graph = json.loads(commands.publish_dcat(EXAMPLES, "https://open.example/").text)["@graph"]
    assert graph[0]["@id"] == "https://open.example/catalogue"
