"""What is open is open under a licence of a dated list, shown wherever the entry is shown."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog_sync import commands
from catalog_sync.comparison import Effect, changes_between
from catalog_sync.dcat import dcat_document
from catalog_sync.interchange import yaml_text
from catalog_sync.licences import known_licences, licence_in_force, licence_of, read_licences
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.registry import content_digest
from catalog_sync.rule_profiles import national_profiles
from catalog_sync.rules import Surroundings, open_entries_have_a_licence
from tests.catalogue.entry_text import GOOD, TODAY, catalogue_of, problems_of, varied

LIST = """
- {code: terms, effective: 2020-01-01, title: {zh: 条款, en: Terms}, link: "https://a.example/1",
   conditions: {zh: 一, en: One}}
- {code: terms, effective: 2026-11-01, title: {zh: 条款, en: Terms}, link: "https://a.example/2",
   conditions: {zh: 二, en: Two}}
"""
NAMED = varied(("open: {value: true}", "open: {value: true, licence: cc-by-4.0}"))
REGISTERED = varied(("open: {value: true}", "open: {value: true, licence: open-government-registered}"))


def entry_of(text: str):
    return next(iter(catalogue_of(text).entries))


def test_an_entry_that_names_no_licence_stands_under_the_rule_profiles_and_its_digest_does_not_change() -> None:
    entry = entry_of(GOOD)
    licence = licence_of(entry, TODAY)
    assert licence is not None
    assert (entry.licence, licence.code, licence.acceptance) == (None, "open-government", False)
    assert "licence" not in yaml_text([entry])
    assert content_digest(replace(entry, licence="cc-by-4.0")) != content_digest(entry)


def test_what_an_entry_names_is_kept_through_reading_and_writing() -> None:
    entry = entry_of(NAMED)
    assert entry.licence == "cc-by-4.0"
    assert entry_of(yaml_text([entry])) == entry


def test_what_is_not_open_has_no_licence() -> None:
    closed = varied(("open: {value: true}", "open: {value: false, licence: cc-by-4.0}"), (", open: all", ""))
    assert "open.licence" in [problem.field for problem in problems_of(closed)]
    shut = varied(("open: {value: true}", "open: {value: false}"), (", open: all", ""), (", open: all", ""))
    assert licence_of(entry_of(shut), TODAY) is None


def test_a_licence_that_is_in_no_list_is_a_finding_that_names_those_there_are() -> None:
    (problem,) = problems_of(varied(("open: {value: true}", "open: {value: true, licence: cc-by-9}")))
    assert (problem.rule, problem.field, problem.value) == ("V17", "open.licence", "cc-by-9")
    assert "open-government, open-government-registered, cc-by-4.0, cc0-1.0" in problem.remedy


def test_where_the_rule_profile_gives_none_an_open_entry_that_names_none_is_a_finding() -> None:
    entry = entry_of(GOOD)
    around = Surroundings(today=TODAY, entries={}, classes={}, licence=None)
    (finding,) = open_entries_have_a_licence(entry, around)
    assert (finding.rule, finding.field) == ("V17", "open.licence")
    assert "neither it nor the rule profile names a licence" in finding.message
    assert list(open_entries_have_a_licence(entry_of(NAMED), around)) == []


def test_the_licence_of_every_rule_profile_is_in_the_list_and_has_not_to_be_accepted() -> None:
    for profile in national_profiles():
        assert profile.licence is not None
        licence = licence_in_force(profile.licence, profile.effective)
        assert licence is not None
        assert not licence.acceptance


def test_a_text_holds_from_its_day_until_the_next_one_of_its_code() -> None:
    licences = read_licences(LIST, "list.yaml")
    days = (date(2019, 12, 31), date(2020, 1, 1), date(2026, 10, 31), date(2026, 11, 1))
    found = [licence_in_force("terms", day, licences) for day in days]
    assert [each.version if each else None for each in found] == [
        None, "terms:2020-01-01", "terms:2020-01-01", "terms:2026-11-01",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("code: terms", "code: Terms", "code"),
        ("https://a.example/1", "ftp://a.example/1", "link"),
        ("en: Terms", "fr: Termes", "title.en"),
    ],
)
def test_a_list_that_is_malformed_says_where(old: str, new: str, field: str) -> None:
    with pytest.raises(CatalogueInvalid) as caught:
        read_licences(LIST.replace(old, new, 1), "list.yaml")
    assert field in [problem.field for problem in caught.value.problems]


def test_every_licence_of_the_list_says_the_same_in_both_languages() -> None:
    for licence in known_licences():
        for said in (licence.title, licence.conditions):
            assert said.english.isascii()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in said.chinese) or licence.code == "cc0-1.0"


def test_dcat_names_the_licence_of_dataset_and_distribution_and_holds_its_text() -> None:
    catalogue = catalogue_of(NAMED)
    document: Any = dcat_document(catalogue.released, "https://open.example", catalogue.classes, TODAY)
    nodes = {node["@id"]: node for node in document["@graph"]}
    link = {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    dataset = nodes["https://open.example/resources/cq-tr-bus-stop"]
    assert dataset["dct:license"] == dataset["dcat:distribution"]["dct:license"] == link
    text = nodes[link["@id"]]
    assert (text["@type"], text["dct:identifier"]) == ("dct:LicenseDocument", "cc-by-4.0:2013-11-25")
    assert [each["@language"] for each in text["dct:description"]] == ["zh", "en"]


def test_search_shows_the_licence_with_the_entry(tmp_path) -> None:
    (tmp_path / "entries.yaml").write_text(REGISTERED, encoding="utf-8")
    assert "open, open-government-registered\n" in commands.search(tmp_path, "公交").text
    (hit,) = json.loads(commands.search(tmp_path, "公交", as_json=True).text)
    assert (hit["licence"]["version"], hit["licence"]["acceptance"]) == ("open-government-registered:2018-05-05", True)
    assert hit["licence"]["title"]["en"] == "Open government data licence for registered users"


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [(GOOD, NAMED, Effect.NEUTRAL), (NAMED, REGISTERED, Effect.NARROWING), (REGISTERED, GOOD, Effect.WIDENING)],
)
def test_only_a_licence_that_has_to_be_accepted_narrows(before: str, after: str, effect: Effect) -> None:
    (change,) = changes_between(entry_of(before), entry_of(after))
    assert (change.path, change.effect) == ("open.licence", effect)
