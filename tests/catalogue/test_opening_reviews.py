"""Nothing opens before it was reviewed for secrets and for persons, by two people who neither submit nor release it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from catalog_sync.errors import CodedError
from catalog_sync.lifecycle import Side
from catalog_sync.office import CatalogueOffice
from catalog_sync.opening_reviews import Findings, ReviewKind, ReviewResult, opened_items
from catalog_sync.opening_reviews import lacking as still_lacking
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.registry import Actor
from tests.catalogue.entry_text import GOOD, varied
from tests.catalogue.offices import CREATED, REVIEWER, office, officer
from tests.catalogue.test_office import nodes

pytestmark = pytest.mark.usefixtures("engine")
STOP = "cq-tr-bus-stop"
LI = officer("11500000XXXX0006X1")
SECRECY = Findings(
    ReviewKind.SECRECY, ReviewResult.FIT, date(2026, 11, 21), "保守国家秘密法第二十七条", "渝交密审〔2026〕3号"
)
PERSONS = replace(SECRECY, kind=ReviewKind.DEIDENTIFICATION, document="渝交脱审〔2026〕3号")


def person(name: str) -> Actor:
    return Actor(f"user:{name}", LI.department, Side.PROVIDER)


def accepted(here: CatalogueOffice, text: str = GOOD) -> None:
    here.draft(nodes(text), CREATED, LI)
    here.submit([STOP], LI)
    here.accept(STOP, REVIEWER)


def lacking(here: CatalogueOffice) -> set[str]:
    """What a release says is lacking, without the item's name."""
    with pytest.raises(CatalogueInvalid) as refused:
        here.release([STOP], REVIEWER)
    assert {problem.rule for problem in refused.value.problems} == {"V16"}
    return {problem.message.partition(" is to be opened and ")[2] for problem in refused.value.problems}


def test_an_entry_that_opens_items_is_released_once_two_persons_found_them_fit(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        assert lacking(here) == {
            "has no secrecy review as it is written.", "has no deidentification review as it is written.",
        }  # fmt: skip
        here.review([STOP], SECRECY, person("mei"))
        assert lacking(here) == {"has no deidentification review as it is written."}
        here.review([STOP], PERSONS, person("tao"))
        (released,) = here.release([STOP], REVIEWER)
        assert released.released is not None


def test_a_review_stands_in_the_ledger_with_reviewer_day_result_basis_and_document(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, person("mei"))
        row = here.history(STOP)[-1]
        assert (row.action, row.actor) == ("review", f"user:mei ({LI.department})")
        told = {
            name: row.body[name] for name in ("review", "result", "day", "basis", "document", "reviewer", "version")
        }
        assert told == {
            "review": "secrecy", "result": "fit", "day": "2026-11-21", "basis": "保守国家秘密法第二十七条",
            "document": "渝交密审〔2026〕3号", "reviewer": "user:mei", "version": 1,
        }  # fmt: skip
        (made,) = here.reviews(STOP)
        assert (made.found.kind, made.reviewer) == (ReviewKind.SECRECY, "user:mei")
        assert dict(made.items) == opened_items(here.record(STOP).current.entry)


def test_what_was_found_unfit_does_not_open_until_it_is_found_fit(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, person("mei"))
        here.review([STOP], PERSONS, person("tao"))
        here.review([STOP], replace(PERSONS, result=ReviewResult.UNFIT), person("tao"))
        assert lacking(here) == {"was found unfit by the deidentification review (渝交脱审〔2026〕3号)."}
        here.review([STOP], PERSONS, person("ling"))
        here.release([STOP], REVIEWER)


@pytest.mark.parametrize(
    ("who", "found", "code"),
    [
        ("officer", PERSONS, "NOT_YOURS"),
        ("mei", PERSONS, "NOT_YOURS"),
        ("tao", replace(PERSONS, items=("keeperPhone",)), "UNKNOWN_RESOURCE"),
        ("tao", replace(PERSONS, basis=" "), "REASON_NEEDED"),
        ("tao", replace(PERSONS, document=""), "REASON_NEEDED"),
    ],
    ids=["who handed it in", "who made the other review", "an item that does not open", "no basis", "no document"],
)
def test_who_and_what_makes_no_review(tmp_path: Path, who: str, found: Findings, code: str) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, person("mei"))
        with pytest.raises(CodedError) as refused:
            here.review([STOP], found, person(who))
        assert refused.value.code.name == code


def test_people_of_another_department_review_nothing(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        with pytest.raises(CodedError, match="by people of its provider"):
            here.review([STOP], SECRECY, officer("11500000XXXX000519"))


def test_who_releases_made_no_review(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, Actor(REVIEWER.person, LI.department, Side.PROVIDER))
        here.review([STOP], PERSONS, person("tao"))
        assert lacking(here) == {"has a secrecy review by who submits or releases it."}


def test_who_hands_a_later_version_in_made_no_review_of_it(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, person("mei"))
        here.review([STOP], PERSONS, person("tao"))
        here.release([STOP], REVIEWER)
        here.draft(nodes(varied(("管理人员。", "管理人员及联系方式。"))), CREATED, person("mei"))
        here.submit([STOP], person("mei"))
        here.accept(STOP, REVIEWER)
        assert lacking(here) == {"has a secrecy review by who submits or releases it."}
        told = [
            (kind, made and made.reviewer) for _, kind, made in still_lacking(here.record(STOP), here.reviews(STOP))
        ]
        assert set(told) == {(ReviewKind.SECRECY, "user:mei")}


def test_a_review_of_named_items_is_one_of_them_alone(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], replace(SECRECY, items=("name",)), person("mei"))
        here.review([STOP], PERSONS, person("tao"))
        with pytest.raises(CatalogueInvalid) as refused:
            here.release([STOP], REVIEWER)
        assert [problem.value for problem in refused.value.problems] == ["stopNo"]


def test_an_entry_that_opens_nothing_has_nothing_to_review(tmp_path: Path) -> None:
    closed = varied(("open: {value: true}", "open: {value: false}"), (", open: all, key", ", key"), (", open: all", ""))
    with office(tmp_path) as here:
        accepted(here, closed)
        with pytest.raises(CodedError, match="opens no item"):
            here.review([STOP], SECRECY, person("mei"))
        here.release([STOP], REVIEWER)


def test_a_review_counts_in_later_versions_for_items_that_are_written_the_same(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        accepted(here)
        here.review([STOP], SECRECY, person("mei"))
        here.review([STOP], PERSONS, person("tao"))
        here.release([STOP], REVIEWER)
        accepted(here, varied(("管理人员。", "管理人员及联系方式。")))
        here.release([STOP], REVIEWER)
        accepted(here, varied(("en: name, t: C, len: 50", "en: name, t: C, len: 60")))
        with pytest.raises(CatalogueInvalid) as refused:
            here.release([STOP], REVIEWER)
        assert [problem.value for problem in refused.value.problems] == ["name", "name"], (
            "both of what changed, no more"
        )
