from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.loading import load_catalogue
from catalog_sync.office import CatalogueOffice
from catalog_sync.registry import draft
from catalog_sync.search import CatalogueSearch, PlatformSearch, Search
from catalog_sync.search_index import SearchIndex, Wanted
from tests.catalogue.entry_text import EXAMPLES, TODAY
from tests.catalogue.offices import CREATED, REVIEWER, bring_into_force, office, provider_of

IN_MEMORY = CatalogueSearch(load_catalogue(EXAMPLES, today=TODAY).entries)


@pytest.fixture(scope="module")
def registry(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogueOffice]:
    with office(tmp_path_factory.mktemp(engine)) as opened:
        bring_into_force(opened)
        yield opened


@pytest.fixture(scope="module")
def search(registry: CatalogueOffice) -> Search:
    return PlatformSearch(registry.platform)


def found(search: Search, query: str) -> list[str]:
    return [hit.entry.id for hit in search.find(query)]


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
def test_chinese_and_english_words_and_codes_find_their_entry(search: Search, query: str, first: str) -> None:
    assert first in found(search, query)[:2]


def test_entries_that_nobody_may_read_are_found_all_the_same(search: Search) -> None:
    [hit] = search.find("艾滋病")
    assert hit.entry.sharing is Sharing.NOT_SHARED


def test_characters_that_only_stand_apart_are_no_word(search: Search) -> None:
    assert found(search, "户籍地址") == ["cq-ps-resident"]
    assert found(search, "户籍住址") == []
    assert found(search, "籍地户") == []


def test_every_word_of_a_query_must_be_found(search: Search) -> None:
    assert found(search, "登记 信息 婚姻") == ["cq-ca-marriage"]
    assert found(search, "登记 信息 婚姻 火星") == []


def test_a_hit_names_the_items_in_which_the_query_was_found(search: Search) -> None:
    hit = next(hit for hit in search.find("证件号码") if hit.entry.id == "cq-mr-enterprise")
    assert [item.alias for item in hit.items] == ["legalRepresentativeId"]


def test_filters_narrow_what_is_found(search: Search) -> None:
    assert {hit.entry.id for hit in search.find("登记", opening=Opening.OPEN)} == {
        "cq-mr-enterprise",
        "cq-ca-social-organisation",
    }
    assert [hit.entry.id for hit in search.find("登记", provider="重庆市民政局", sharing=Sharing.UNCONDITIONAL)] == [
        "cq-ca-social-organisation"
    ]
    assert len(search.find("登记", limit=2)) == 2


@given(st.text(max_size=60))
def test_any_text_can_be_searched_for(search: Search, query: str) -> None:
    hits = search.find(query, limit=3)
    assert len(hits) <= 3
    assert not search.find(query, provider="no such provider")
    assert [answer.wanted for answer in search.obtainable([query])] == [query]


def test_what_a_department_can_have_is_told_with_tier_and_authority_first(search: Search) -> None:
    [resident] = search.obtainable(["公民身份号码"])
    assert resident.sharing is Sharing.UNCONDITIONAL
    assert [str(source.entry.code) for source in resident.sources] == ["30700503/1", "30700507/1", "30700511/1"]
    assert resident.sources[2].condition == "限政务服务事项办理，须附办件编号"


def test_what_nobody_has_may_be_asked_of_citizens(search: Search) -> None:
    [nothing, part] = search.obtainable(["血型", "缴费月数"])
    assert (nothing.sources, nothing.sharing) == ((), Sharing.NOT_SHARED)
    assert [source.item.alias for source in part.sources] == ["paidMonths"]


PIECES = st.sampled_from(
    [
        *IN_MEMORY.find("信息")[0].entry.abstract,
        "户籍",
        "登记",
        "证件号码",
        "状态",
        "bus",
        "Resident",
        "30700503/1",
        " ",
        "的",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=3).map("".join))
def test_both_databases_find_the_same_in_the_same_order(search: Search, query: str) -> None:
    assert [(hit.entry.id, hit.items) for hit in search.find(query)] == [
        (hit.entry.id, hit.items) for hit in IN_MEMORY.find(query)
    ]
    names = [[(each.entry.id, each.item.alias) for each in told.sources] for told in search.obtainable([query])]
    assert names == [[(s.entry.id, s.item.alias) for s in told.sources] for told in IN_MEMORY.obtainable([query])]


def test_what_comes_into_force_or_goes_out_of_it_is_found_so_at_once(registry: CatalogueOffice) -> None:
    search = PlatformSearch(registry.platform)
    marriage = search.find("婚")[0].entry
    renamed = replace(marriage, title="婚姻登记总库", version=marriage.version + 1)
    registry.platform.entries.save(
        draft(registry.record(marriage.id), renamed, CREATED, provider_of(marriage)), "draft", REVIEWER, registry.now
    )
    assert found(search, "婚姻登记总库") == []
    registry.submit([marriage.id], provider_of)
    registry.accept(marriage.id, REVIEWER)
    registry.release([marriage.id], REVIEWER)
    assert found(search, "婚姻登记总库") == [marriage.id]
    assert found(PlatformSearch(registry.platform), marriage.title) == []
    registry.withdraw(marriage.id, "停用", provider_of(marriage))
    assert found(search, "婚姻登记总库") == []
    assert search.obtainable(["婚姻状况"])[0].sources == ()


@pytest.mark.usefixtures("engine")
def test_what_bears_a_word_in_its_title_is_first_among_more_than_are_proposed(tmp_path: Path) -> None:
    [entry] = (hit.entry for hit in IN_MEMORY.find("艾滋病"))
    many = [replace(entry, id=f"e-{number}", abstract=f"第{number}类汇总统计") for number in range(400)]
    titled = replace(entry, id="e-titled", title="汇总统计")
    with office(tmp_path) as empty, empty.platform.database.transaction() as connection:
        index = SearchIndex(empty.platform.database.engine.name)
        index.put(connection, [*many, titled])
        assert index.find(connection, Wanted("汇总"), 1) == ("e-titled",)
        assert index.find(connection, Wanted("汇总 病例"), 1) == ("e-titled",)
