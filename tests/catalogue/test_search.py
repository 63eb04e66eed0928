import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.loading import load_catalogue
from catalog_sync.search import CatalogueSearch
from tests.catalogue.entry_text import EXAMPLES, TODAY

SEARCH = CatalogueSearch(load_catalogue(EXAMPLES, today=TODAY).entries)


def found(query: str) -> list[str]:
    return [hit.entry.id for hit in SEARCH.find(query)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("户籍", "cq-ps-resident"),
        ("人口", "cq-ps-resident"),
        ("不动产登记", "cq-pn-real-estate"),
        ("公交", "cq-tr-bus-arrival"),
        ("婚", "cq-ca-marriage"),
        ("民政局", "cq-ca-marriage"),
        ("enterprise", "cq-mr-enterprise"),
        ("busarr", "cq-tr-bus-arrival"),
        ("arrival", "cq-tr-bus-arrival"),
        ("30700504/2", "cq-pn-address"),
        ("30700504/02", "cq-pn-address"),
        ("营业 licence", "cq-mr-elicence"),
    ],
)
def test_chinese_and_english_words_and_codes_find_their_entry(query: str, first: str) -> None:
    assert first in found(query)[:2]


def test_entries_that_nobody_may_read_are_found_all_the_same() -> None:
    [hit] = SEARCH.find("艾滋病")
    assert hit.entry.sharing is Sharing.NOT_SHARED


def test_characters_that_only_stand_apart_are_no_word() -> None:
    assert found("户籍地址") == ["cq-ps-resident"]
    assert found("户籍住址") == []
    assert found("籍地户") == []


def test_a_hit_names_the_items_in_which_the_query_was_found() -> None:
    hit = next(hit for hit in SEARCH.find("证件号码") if hit.entry.id == "cq-mr-enterprise")
    assert [item.alias for item in hit.items] == ["legalRepresentativeId"]


def test_filters_narrow_what_is_found() -> None:
    assert {hit.entry.id for hit in SEARCH.find("登记", opening=Opening.OPEN)} == {
        "cq-mr-enterprise",
        "cq-ca-social-organisation",
    }
    assert [hit.entry.id for hit in SEARCH.find("登记", provider="重庆市民政局", sharing=Sharing.UNCONDITIONAL)] == [
        "cq-ca-social-organisation"
    ]
    assert len(SEARCH.find("登记", limit=2)) == 2


@given(st.text(max_size=60))
def test_any_text_can_be_searched_for(query: str) -> None:
    SEARCH.find(query)
    SEARCH.obtainable([query])


def test_what_a_department_can_have_is_told_with_tier_and_authority_first() -> None:
    [resident] = SEARCH.obtainable(["公民身份号码"])
    assert resident.sharing is Sharing.UNCONDITIONAL
    assert [str(source.entry.code) for source in resident.sources] == ["30700503/1", "30700511/1", "30700507/1"]
    assert resident.sources[1].condition == "限政务服务事项办理，须附办件编号"


def test_what_nobody_has_may_be_asked_of_citizens() -> None:
    [nothing, part] = SEARCH.obtainable(["血型", "缴费月数"])
    assert (nothing.sources, nothing.sharing) == ((), Sharing.NOT_SHARED)
    assert [source.item.alias for source in part.sources] == ["paidMonths"]
