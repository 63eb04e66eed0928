from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from catalog_sync.assessment import AssessedEvent, EventKind, Evidence, Period, assess
from catalog_sync.assessment_reports import report_csv, report_markdown, write_report
from catalog_sync.errors import CodedError
from catalog_sync.freshness import Freshness, freshness_of, provenance_of
from catalog_sync.identifiers import CreditCode
from catalog_sync.loading import load_catalogue
from tests.catalogue.entry_text import EXAMPLES, TODAY

CATALOGUE = load_catalogue(EXAMPLES, today=TODAY)
CIVIL = CreditCode.parse("11500000XXXX000519")
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(kind: EventKind, subject: str, in_time: bool = True, count: int = 1, day: int = 1) -> AssessedEvent:
    return AssessedEvent(kind, CIVIL, date(2026, 5, day), subject, in_time, count)


EVIDENCE = Evidence(
    CATALOGUE.entries,
    frozenset({"30700507/1"}),
    {"30700507/1": Freshness.FRESH, "30700507/2": Freshness.STALE},
    (
        event(EventKind.REQUEST_ANSWERED, "R-1"),
        event(EventKind.REQUEST_ANSWERED, "R-2", in_time=False),
        event(EventKind.REQUEST_REFUSED, "R-3"),
        event(EventKind.REFUSAL_OVERTURNED, "R-3"),
        event(EventKind.DOUBT_UPHELD, "D-1", in_time=False),
        event(EventKind.CALLS_SERVED, "2026-05-01", count=990),
        event(EventKind.CALLS_FAILED, "2026-05-01", count=10),
        AssessedEvent(EventKind.REQUEST_ANSWERED, CIVIL, date(2025, 12, 31), "R-0"),
        AssessedEvent(EventKind.REQUEST_ANSWERED, CreditCode("x"), date(2026, 5, 1), "R-9"),
    ),
    drifted=frozenset({"30700507/1"}),
)


@pytest.mark.parametrize(
    ("name", "value", "out_of", "subjects"),
    [
        ("resources catalogued", 2, None, ("30700507/1", "30700507/2")),
        ("items unconditional", 3, 6, ("30700507/2.creditCode", "30700507/2.name", "30700507/2.annualReview")),
        ("items not shared", 0, 6, ()),
        ("resources hooked up", 1, 2, ("30700507/1",)),
        ("resources fresh", 1, 2, ("30700507/1",)),
        ("resources as released", 0, 1, ()),
        ("requests received", 3, None, ("R-1", "R-2", "R-3")),
        ("requests answered in time", 2, 3, ("R-1", "R-3")),
        ("refusals overturned", 1, 1, ("R-3",)),
        ("doubts late", 1, 1, ("D-1",)),
        ("calls failed", 10, 1000, ("2026-05-01",)),
        ("catalogue updates in time", 0, 0, ()),
    ],
)
def test_each_figure_tells_what_it_counts(name: str, value: int, out_of: int | None, subjects: tuple[str, ...]) -> None:
    figure = assess(CIVIL, YEAR, EVIDENCE).figure(name)
    assert (figure.value, figure.out_of, figure.subjects) == (value, out_of, subjects)


def test_the_same_period_gives_the_same_figures() -> None:
    assert assess(CIVIL, YEAR, EVIDENCE) == assess(CIVIL, YEAR, EVIDENCE)


def test_a_score_weighs_rates_and_what_never_arose_counts_as_kept() -> None:
    found = assess(CIVIL, YEAR, EVIDENCE)
    assert found.figure("requests answered in time").rate == Decimal("66.7")
    assert found.score({"requests answered in time": 1, "catalogue updates in time": 1}) == Decimal("83.4")
    with pytest.raises(ValueError, match="weights"):
        found.score({})


def test_the_report_has_one_line_a_figure() -> None:
    text = report_csv([assess(CIVIL, YEAR, EVIDENCE)])
    assert "重庆市民政局,11500000XXXX000519,2026-01-01 to 2026-12-31,doubts upheld,1,1,100.0,D-1\n" in text


def test_the_report_reads_as_text_with_what_was_late() -> None:
    text = report_markdown([assess(CIVIL, YEAR, EVIDENCE)], {"requests answered in time": 1})
    assert "## 重庆市民政局 (11500000XXXX000519)" in text
    assert "Score 66.7." in text
    assert "| calls served | 990 | 1000 | 99.0 |" in text
    assert "- 2026-05-01 request answered R-2" in text


def test_the_report_is_a_workbook_too_and_no_other_format(tmp_path: Path) -> None:
    write_report([assess(CIVIL, YEAR, EVIDENCE)], tmp_path / "report.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "report.xlsx").active.iter_rows(values_only=True))
    assert rows[1][3:7] == ("resources catalogued", 2, None, None)
    with pytest.raises(CodedError, match="no ending that names a report"):
        write_report([], tmp_path / "report.pdf")


@pytest.mark.parametrize(
    ("identity", "age", "expected"),
    [
        ("cq-ps-resident", timedelta(minutes=59), Freshness.FRESH),
        ("cq-ps-resident", timedelta(minutes=61), Freshness.STALE),
        ("cq-mr-enterprise", timedelta(days=1), Freshness.FRESH),
        ("cq-pn-address", timedelta(days=40), Freshness.STALE),
        ("cq-ee-emission", timedelta(hours=3), Freshness.STALE),
        ("cq-ps-resident", None, Freshness.UNKNOWN),
    ],
)
def test_the_declared_cycle_is_held_against_the_last_update(
    identity: str, age: timedelta | None, expected: Freshness
) -> None:
    last = None if age is None else NOW - age
    assert freshness_of(CATALOGUE.by_id(identity), last, NOW) is expected


def test_an_answers_provenance_names_provider_code_version_time_and_grant() -> None:
    told = provenance_of(CATALOGUE.by_id("cq-ca-marriage"), NOW, NOW, "G-1").as_json()
    assert told == {
        "provider": "重庆市民政局", "resource": "30700507/1", "version": 1, "freshness": "fresh",
        "dataTime": "2026-11-23T12:00:00+00:00", "grant": "G-1",
    }  # fmt: skip
