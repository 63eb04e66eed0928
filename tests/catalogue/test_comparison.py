from dataclasses import replace

from hypothesis import given, settings

from catalog_sync.closed_lists import DataType, Opening, Sharing
from catalog_sync.comparison import Effect, changes_between, diff_text, loosened
from catalog_sync.entries import CatalogueEntry, InformationItem
from tests.catalogue.entry_text import GOOD, catalogue_of
from tests.catalogue.generated import entries

ENTRY = catalogue_of(GOOD).entries[0]


def with_item(number: int, **changes: object) -> CatalogueEntry:
    items = list(ENTRY.items)
    items[number] = replace(items[number], **changes)  # type: ignore[arg-type]
    return replace(ENTRY, items=tuple(items))


def effects(after: CatalogueEntry) -> dict[str, Effect]:
    return {change.path: change.effect for change in changes_between(ENTRY, after)}


@given(entries())
@settings(deadline=None, max_examples=30)
def test_an_entry_does_not_differ_from_itself(entry: CatalogueEntry) -> None:
    assert changes_between(entry, entry) == ()


@given(entries())
@settings(deadline=None, max_examples=30)
def test_a_level_above_that_changes_nothing_loosens_nothing(entry: CatalogueEntry) -> None:
    assert loosened(entry, entry) == ()


def test_a_removed_item_breaks_and_an_added_one_widens() -> None:
    fewer = replace(ENTRY, items=ENTRY.items[:2])
    added = InformationItem("新项", "extra", DataType.STRING, Sharing.UNCONDITIONAL)
    assert effects(fewer) == {"items.keeper": Effect.BREAKING}
    assert effects(replace(ENTRY, items=(*ENTRY.items, added))) == {"items.extra": Effect.WIDENING}


def test_tiers_that_go_down_narrow_and_those_that_go_up_widen() -> None:
    assert effects(with_item(0, sharing=Sharing.CONDITIONAL)) == {"items.stopNo.share": Effect.NARROWING}
    assert effects(with_item(2, sharing=Sharing.UNCONDITIONAL)) == {"items.keeper.share": Effect.WIDENING}
    assert effects(with_item(0, opening=Opening.NOT_OPEN)) == {"items.stopNo.open": Effect.NARROWING}


def test_a_changed_type_breaks_and_a_longer_text_does_not() -> None:
    assert effects(with_item(0, type=DataType.INTEGER)) == {"items.stopNo.t": Effect.BREAKING}
    assert effects(with_item(0, length=20)) == {"items.stopNo.len": Effect.NEUTRAL}
    assert effects(with_item(0, length=4)) == {"items.stopNo.len": Effect.BREAKING}


def test_a_new_mask_narrows_and_its_removal_widens() -> None:
    assert effects(with_item(0, mask="keep_last")) == {"items.stopNo.mask": Effect.NARROWING}
    assert effects(with_item(2, mask=None)) == {"items.keeper.mask": Effect.WIDENING}


def test_state_and_version_are_no_change_of_content() -> None:
    assert changes_between(ENTRY, replace(ENTRY, version=7)) == ()


def test_the_diff_reads_as_one_change_a_line() -> None:
    changes = changes_between(ENTRY, replace(with_item(0, length=20), abstract="新摘要。"))
    assert diff_text(changes) == (
        "abstract: 公交站点的编号、名称与管理人员。 -> 新摘要。 [neutral]\nitems.stopNo.len: 12 -> 20 [neutral]\n"
    )


def test_a_level_above_may_tighten_a_tier_and_never_loosen_it() -> None:
    assert loosened(ENTRY, with_item(0, sharing=Sharing.CONDITIONAL, opening=Opening.NOT_OPEN)) == ()
    assert loosened(ENTRY, with_item(2, sharing=Sharing.UNCONDITIONAL)) == ("keeper",)
    assert loosened(ENTRY, with_item(2, mask=None)) == ("keeper",)
    assert loosened(ENTRY, with_item(2, opening=Opening.ON_APPLICATION)) == ("keeper",)
    added = InformationItem("新项", "extra", DataType.STRING, Sharing.CONDITIONAL)
    assert loosened(ENTRY, replace(ENTRY, items=(*ENTRY.items, added))) == ("extra",)
