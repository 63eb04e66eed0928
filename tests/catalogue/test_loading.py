from pathlib import Path

import pytest

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.errors import CodedError
from catalog_sync.identifiers import ResourceCode
from catalog_sync.loading import Catalogue, load_catalogue
from catalog_sync.problems import CatalogueInvalid
from tests.catalogue.entry_text import EXAMPLES, GOOD, TODAY, varied

REGISTER = """\
providers:
  - {name: 重庆市交通局, uscc: 11500000XXXX0006X1, responsible: 局长, unit: 科技处, contact: 数据科,
     classes: ["30700506"]}
"""


@pytest.fixture(scope="module")
def twelve() -> Catalogue:
    return load_catalogue(EXAMPLES, today=TODAY)


def problems(directory: Path) -> list[str]:
    with pytest.raises(CatalogueInvalid) as refused:
        load_catalogue(directory, today=TODAY)
    return [f"{problem.place} {problem.rule} {problem.field}" for problem in refused.value.problems]


def test_the_twelve_examples_load(twelve: Catalogue) -> None:
    tiers = [(entry.sharing, entry.opening) for entry in twelve.released]
    assert len(tiers) == 12
    assert tiers.count((Sharing.CONDITIONAL, Opening.NOT_OPEN)) == 4
    assert tiers.count((Sharing.NOT_SHARED, Opening.NOT_OPEN)) == 2


def test_an_entry_is_found_by_any_of_its_codes(twelve: Catalogue) -> None:
    entry = twelve.entry("101/1")
    assert entry is not None
    assert entry is twelve.entry(ResourceCode.parse("30700503/1")) is twelve.typed("ResidentBasic")
    assert (str(entry.code), entry.provider.name) == ("30700503/1", "重庆市公安局")


def test_an_item_is_found_by_its_alias(twelve: Catalogue) -> None:
    item = twelve.item("30700504/1", "floorArea")
    assert item is not None
    assert (item.name, item.length, item.scale, item.sharing) == ("建筑面积", 12, 2, Sharing.CONDITIONAL)
    assert twelve.item("30700504/1", "nothing") is None
    assert twelve.item("30700504/99", "floorArea") is None


def test_one_item_of_a_mixed_resource_can_be_withheld_with_its_own_basis(twelve: Catalogue) -> None:
    entry = twelve.by_id("cq-hr-social-insurance")
    item = entry.item("contributionBase")
    assert item is not None
    basis = entry.basis_of(item)
    assert basis is not None
    assert basis.article == "第八十一条"


def test_items_without_a_condition_stand_under_the_resources(twelve: Catalogue) -> None:
    entry = twelve.by_id("cq-hr-social-insurance")
    assert entry.condition_of(entry.items[0]) == "限政务服务事项办理，须附办件编号"


def test_files_may_hold_one_entry_many_or_sections(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("\n".join(line[2:] for line in GOOD.splitlines()))
    second = varied(("cq-tr-bus-stop", "cq-tr-2"), ("BusStop", "BusStop2"), ("506/2", "506/3"), ("公交站点", "站点"))
    (tmp_path / "register.yaml").write_text(REGISTER + "entries:\n" + second)
    catalogue = load_catalogue(tmp_path, today=TODAY)
    assert [entry.id for entry in catalogue.entries] == ["cq-tr-bus-stop", "cq-tr-2"]
    assert [provider.responsible for provider in catalogue.providers] == ["局长"]


def test_with_a_register_only_registered_departments_release(tmp_path: Path) -> None:
    (tmp_path / "register.yaml").write_text(REGISTER.replace("11500000XXXX0006X1", "11500000XXXX000519"))
    (tmp_path / "stops.yaml").write_text(GOOD)
    assert problems(tmp_path) == ["stops.yaml:5 V13 provider.uscc"]


def test_a_department_on_file_has_a_responsible_person_a_unit_and_a_contact(tmp_path: Path) -> None:
    (tmp_path / "register.yaml").write_text(REGISTER.replace("responsible: 局长, unit: 科技处, contact: 数据科,", ""))
    assert [line.split()[-1] for line in problems(tmp_path)] == [
        f"providers[0].{name}" for name in ("responsible", "unit", "contact")
    ]


def test_a_registered_department_uses_its_own_classes_only(tmp_path: Path) -> None:
    (tmp_path / "register.yaml").write_text(REGISTER.replace('["30700506"]', '["30700507"]'))
    (tmp_path / "stops.yaml").write_text(GOOD)
    assert problems(tmp_path) == ["stops.yaml:4 V14 codes[0]"]


def test_classes_may_be_added_as_data(tmp_path: Path) -> None:
    (tmp_path / "stops.yaml").write_text(
        'classes: {"30700520": 重庆市某局}\nentries:\n' + varied(("30700506/2", "30700520/1"))
    )
    assert load_catalogue(tmp_path, today=TODAY).entry("30700520/1") is not None


def test_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(varied(("cycle: 每日", "cycle: 每天")))
    (tmp_path / "b.yaml").write_text("- id: [unclosed")
    (tmp_path / "c.yaml").write_bytes(b"title: \xff")
    (tmp_path / "d.yaml").write_text("id: x\nid: y\n")
    (tmp_path / "e.json").write_text('{"id": }')
    found = [line.split()[0] for line in problems(tmp_path)]
    assert found == ["b.yaml:2", "c.yaml", "d.yaml:2", "e.json:1", "a.yaml:10"]


def test_anchors_are_refused_so_that_no_document_can_swell(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- &a {id: x}\n- *a\n")
    assert problems(tmp_path) == ["a.yaml:1 FORM "]


def test_an_entry_that_is_no_group_of_fields_is_told_once_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- just a word\n")
    assert problems(tmp_path)[0] == "a.yaml:1 FORM "


def test_values_stay_text_that_other_loaders_would_turn_into_numbers_and_dates(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(varied(('codes: ["30700506/2"]', "codes: [307001:12]")))
    with pytest.raises(CatalogueInvalid, match="'307001:12' is not a resource code"):
        load_catalogue(tmp_path, today=TODAY)


def test_a_missing_or_empty_directory_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CodedError) as refused:
            load_catalogue(path)
        assert refused.value.code.name == "CATALOGUE_UNREADABLE"


def test_what_is_not_released_or_out_of_its_period_serves_nothing(tmp_path: Path) -> None:
    for number, extra in enumerate(("state: draft", "valid: {until: 2026-01-01}", "state: withdrawn")):
        (tmp_path / "a.yaml").write_text(varied(("cycle: 每日", f"{extra}\n  cycle: 每日")))
        catalogue = load_catalogue(tmp_path, today=TODAY)
        assert (number, len(catalogue), catalogue.released, catalogue.entry("30700506/2")) == (number, 1, (), None)


def test_an_unknown_identity_is_told(twelve: Catalogue) -> None:
    with pytest.raises(CodedError, match="no entry 'cq-nothing'"):
        twelve.by_id("cq-nothing")
