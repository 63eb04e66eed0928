"""Entries for tests, as text: one good entry, and variations of it by replacing what is written."""

from datetime import date
from pathlib import Path

import pytest

from catalog_sync.documents import ListNode, parse_yaml
from catalog_sync.loading import Catalogue, check_documents
from catalog_sync.problems import CatalogueInvalid, CatalogueProblem

TODAY = date(2026, 11, 23)
EXAMPLES = Path(__file__).parent / "examples"

GOOD = """\
- id: cq-tr-bus-stop
  title: 公交站点
  alias: BusStop
  codes: ["30700506/2"]
  provider: {name: 重庆市交通局, uscc: 11500000XXXX0006X1, unit: 城市交通管理处}
  abstract: 公交站点的编号、名称与管理人员。
  format: {class: 数据库, type: mysql}
  share: {type: conditional, condition: 限交通运输行政执法, category: 共享平台方式, mode: 接口}
  open: {value: true}
  cycle: 每日
  issued: 2026-05-06
  items:
    - {n: 站点编号, en: stopNo, t: C, len: 12, share: unconditional, open: all, key: true}
    - {n: 站点名称, en: name, t: C, len: 50, share: unconditional, open: all}
    - {n: 管理人员, en: keeper, t: C, share: conditional, condition: 限安全生产检查, flag: personal, mask: surname}
"""


def catalogue_of(text: str, *, today: date = TODAY) -> Catalogue:
    """The catalogue written in a YAML list of entries."""
    root = parse_yaml(text, "entries.yaml")
    assert isinstance(root, ListNode)
    return check_documents(root.items, today=today)


def varied(*replacements: tuple[str, str]) -> str:
    """The good entry with texts replaced, each of which must be there."""
    text = GOOD
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def problems_of(text: str) -> list[CatalogueProblem]:
    """The problems for which a catalogue is refused."""
    with pytest.raises(CatalogueInvalid) as refused:
        catalogue_of(text)
    return list(refused.value.problems)
