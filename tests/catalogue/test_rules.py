from datetime import date

import pytest

from catalog_sync.problems import Severity
from tests.catalogue.entry_text import GOOD, catalogue_of, problems_of, varied

BASIS = "basis: {document: 某法, article: 第一条, quote: 应当保密, review: 2027-01-01}"
WITHHELD = ("share: conditional, condition: 限安全生产检查", f"share: none, {BASIS}")


def test_the_entry_that_the_variations_start_from_is_good() -> None:
    assert len(catalogue_of(GOOD)) == 1


@pytest.mark.parametrize(
    ("rule", "field", "old", "new"),
    [
        ("V1", "items[2].basis", "share: conditional, condition: 限安全生产检查", "share: none"),
        ("V1", "items[1].basis", "en: name, t: C, len: 50", f"en: name, t: C, len: 50, {BASIS}"),
        ("V2", "share.type", "type: conditional, condition: 限交通运输行政执法", "type: unconditional"),
        ("V2", "open", "open: {value: true}", "open: {value: false}"),
        ("V2", "open", "open: {value: true}", "open: {value: true, condition: 依申请}"),
        ("V3", "items[2].share", "flag: personal", "base: true, flag: personal"),
        ("V4", "items[2].open", "mask: surname", "mask: surname, open: all"),
        ("V5", "items[1].open", "en: name, t: C", "en: name, flag: personal, t: C"),
        ("V5", "items[1].open", "en: name, t: C", "en: name, flag: trade_secret, t: C"),
        ("V5", "items[1].open", "en: name, t: C", "en: name, flag: work_secret, mask: all, t: C"),
        ("V6", "items[2].condition", "限安全生产检查", "按需"),
        ("V6", "share.condition", "限交通运输行政执法", "视情况"),
        ("V6", "items[1].condition", "en: name, t: C", "en: name, condition: 限执法检查, t: C"),
        ("V7", "items", ", key: true", ""),
        ("V7", "items[2].key", "flag: personal", "key: true, verify_only: true, flag: personal"),
        ("V8", "items[1].references", "en: name, t: C", "en: name, references: 30700502/9, t: C"),
        ("V8", "related[0]", "cycle: 每日", "related: [30700502/9]\n  cycle: 每日"),
        ("V9", "alias", "alias: BusStop", "alias: Query"),
        ("V9", "alias", "alias: BusStop", "alias: bus_stop"),
        ("V9", "items[1].en", "en: name", "en: __name"),
        ("V9", "items[1].en", "en: name", "en: id"),
        ("V9", "items[1].en", "en: name", "en: stopNo"),
        ("V9", "items[1].n", "n: 站点名称", "n: 站点编号"),
        ("V10", "issued", "2026-05-06", "2026-11-24"),
        ("V10", "cycle", "cycle: 每日", "cycle:"),
        ("V11", "share.mode_reason", "mode: 接口", "mode: 数据库"),
        ("V12", "items[2].flag", "flag: personal", "flag: state_secret"),
        ("V13", "provider.uscc", "11500000XXXX0006X1", "11500000XXXX0006X2"),
        ("V14", "codes[0]", '"30700506/2"', '"99900506/2"'.replace("9", "3", 1)),
        ("V14", "codes[0]", '["30700506/2"]', '["203/1", "30700506/2"]'),
        ("V14", "codes[1]", '["30700506/2"]', '["30700506/2", "30700506/3"]'),
    ],
)  # fmt: skip
def test_each_rule_is_broken_by_one_change_and_names_the_field(rule: str, field: str, old: str, new: str) -> None:
    problems = problems_of(varied((old, new)))
    assert (rule, field) in [(problem.rule, problem.field) for problem in problems]
    assert all(problem.entry == "cq-tr-bus-stop" and problem.remedy and problem.place.line for problem in problems)


@pytest.mark.parametrize(
    ("rule", "field", "old", "new"),
    [
        ("REQUIRED", "title", "title: 公交站点", "title:"),
        ("REQUIRED", "share.mode", ", mode: 接口", ""),
        ("REQUIRED", "cycle_note", "cycle: 每日", "cycle: 其他"),
        ("LENGTH", "title", "title: 公交站点", f"title: {'长' * 51}"),
        ("LENGTH", "abstract", "公交站点的编号、名称与管理人员。", "长" * 257),
        ("CLOSED_LIST", "cycle", "cycle: 每日", "cycle: 每天"),
        ("CLOSED_LIST", "format.type", "type: mysql", "type: pdf"),
        ("CLOSED_LIST", "share.mode", "mode: 接口", "mode: 邮件"),
        ("CLOSED_LIST", "items[0].t", "t: C", "t: X"),
        ("UNKNOWN_FIELD", "items[0].lenght", "len: 12", "lenght: 12"),
        ("FORM", "codes[0]", '"30700506/2"', "30700506:2"),
        ("FORM", "issued", "2026-05-06", "2026-02-30"),
        ("FORM", "items[0].key", "key: true", "key: perhaps"),
        ("FORM", "items[0].len", "len: 12", "len: 十二"),
        ("FORM", "open.condition", "open: {value: true}", "open: {value: false, condition: 依申请}"),
        ("FORM", "version", "cycle: 每日", "version: 0\n  cycle: 每日"),
    ],
)
def test_each_form_is_checked_and_names_the_field(rule: str, field: str, old: str, new: str) -> None:
    assert (rule, field) in [(problem.rule, problem.field) for problem in problems_of(varied((old, new)))]


def test_all_problems_of_an_entry_are_told_at_once_with_their_lines() -> None:
    text = varied(
        ("title: 公交站点", "title:"), ("2026-05-06", "tomorrow"), ("key: true", "kye: true"), ("t: C", "t: Q")
    )
    found = {(problem.rule, problem.place.line) for problem in problems_of(text)}
    assert found == {("REQUIRED", 2), ("FORM", 11), ("UNKNOWN_FIELD", 13), ("CLOSED_LIST", 13)}


MALFORMED = [
    ("title: 公交站点", "title:"),
    ("alias: BusStop", "alias:"),
    ('"30700506/2"', '"3070050612"'),
    ("11500000XXXX0006X1", "11500000XXXX0006X2"),
    ("class: 数据库", "class: 数据酷"),
    ("type: conditional", "type: conditionally"),
    ("type: conditional", "tipe: conditional"),
    ("category: 共享平台方式", "category: 方式"),
    ("mode: 接口", "mode: 接囗"),
    ("  open: {value: true}", "  open: {value: maybe}"),
    ("  open: {value: true}", "  opn: {value: true}"),
    ("cycle: 每日", "cycle: 天天"),
    ("len: 12", "len: twelve"),
    ("share: unconditional, open: all, key: true", "share: all, open: all, key: true"),
    ("share: unconditional, open: all, key: true", "shar: unconditional, open: all, key: true"),
    ("open: all, key: true", "open: all, kye: true"),
    ("flag: personal", "flag: private"),
    ("n: 站点名称", "n: ''"),
    ("en: name", "en: ''"),
]


@pytest.mark.parametrize(("old", "new"), MALFORMED)
def test_what_has_no_right_form_breaks_no_rule_beside_and_hides_no_other(old: str, new: str) -> None:
    forms = {problem.rule for problem in problems_of(varied((old, new)))}
    assert not forms & {f"V{number}" for number in range(1, 17)} - {"V13"}
    with_a_breach = {problem.rule for problem in problems_of(varied((old, new), ("2026-05-06", "2026-11-24")))}
    assert with_a_breach == {*forms, "V10"}


def test_a_misspelt_field_is_not_taken_for_one_that_was_left_out() -> None:
    secret = ("flag: personal, mask: surname", "flag: state_secret, mask: surname")
    assert "V12" in {problem.rule for problem in problems_of(varied(secret))}
    misspelt = varied(secret, ("  cycle: 每日", "  netwrk: intranet\n  cycle: 每日"))
    assert {problem.rule for problem in problems_of(misspelt)} == {"UNKNOWN_FIELD"}


def test_rules_that_do_not_follow_from_a_malformed_field_are_told_in_the_same_round() -> None:
    text = varied(
        ("t: C, len: 12", "t: C, len: twelve"), ("en: name", "en: Name"), ("mask: surname", "open: all"),
        ("alias: BusStop", "alias: Query"), ("限交通运输行政执法", "按需"),
    )  # fmt: skip
    told = {(problem.rule, problem.field) for problem in problems_of(text)}
    assert told == {
        ("FORM", "items[0].len"), ("V9", "alias"), ("V9", "items[1].en"), ("V6", "share.condition"),
        ("V4", "items[2].open"), ("V5", "items[2].open"),
    }  # fmt: skip


def test_a_misspelt_field_is_answered_with_the_nearest_name() -> None:
    [problem] = problems_of(varied(("len: 12", "lenght: 12")))
    assert problem.remedy == "Did you mean 'len'?"


def test_a_problem_reads_as_place_entry_field_value_reason_and_remedy() -> None:
    [problem] = problems_of(varied(("2026-05-06", "2026-11-24")))
    assert str(problem) == (
        "entries.yaml:11: cq-tr-bus-stop issued = '2026-11-24': The day of issue is after today, 2026-11-23. "
        "Correct it, or release on that day. [V10]"
    )


def test_a_base_item_with_a_recorded_exemption_may_be_conditional() -> None:
    exemption = "base: true, exemption: {document: 渝数据函〔2026〕3号, decided: 2026-04-01, reason: 安全}"
    [entry] = catalogue_of(varied(("flag: personal", f"{exemption}, flag: personal"))).entries
    assert entry.items[2].exemption is not None


def test_an_item_without_a_tier_takes_the_resources() -> None:
    [entry] = catalogue_of(varied(("share: conditional, condition: 限安全生产检查, ", ""))).entries
    assert entry.items[2].sharing == "conditional"
    assert entry.condition_of(entry.items[2]) == "限交通运输行政执法"


def test_a_withheld_item_keeps_its_own_basis() -> None:
    [entry] = catalogue_of(varied(WITHHELD)).entries
    basis = entry.basis_of(entry.items[2])
    assert basis is not None
    assert basis.document == "某法"


def test_a_basis_due_for_review_is_a_notice_and_stops_nothing() -> None:
    catalogue = catalogue_of(varied(WITHHELD), today=date(2027, 1, 2))
    assert [(notice.rule, notice.severity) for notice in catalogue.notices] == [("V1", Severity.NOTICE)]


def test_words_of_other_systems_are_read_as_the_same_members() -> None:
    [entry] = catalogue_of(
        varied(("share: unconditional, open: all", "share: 0, open: 普遍开放"), ("t: C", "t: 字符串型C"))
    ).entries
    assert entry == catalogue_of(GOOD).entries[0]


def test_a_cycle_that_the_guideline_lacks_is_kept_as_a_note() -> None:
    [entry] = catalogue_of(varied(("cycle: 每日", "cycle: 不定期"))).entries
    assert (entry.cycle, entry.cycle_note) == ("其他", "不定期")


def test_two_claims_to_one_code_are_told_with_both_sides() -> None:
    other = varied(("cq-tr-bus-stop", "cq-tr-other"), ("BusStop", "OtherStop"), ("title: 公交站点", "title: 其他站点"))
    [problem] = problems_of(GOOD + other)
    assert (problem.rule, problem.entry, problem.value) == ("V14", "cq-tr-other", "30700506/2")
    assert "cq-tr-bus-stop of 重庆市交通局 (entries.yaml:4)" in problem.message


@pytest.mark.parametrize("malformed", [MALFORMED[0], *MALFORMED[3:]])
def test_a_claim_to_a_code_is_told_although_another_field_has_no_right_form(malformed: tuple[str, str]) -> None:
    other = varied(("cq-tr-bus-stop", "cq-tr-other"), ("BusStop", "OtherStop"), ("title: 公交站点", "title: 其他站点"))
    for text in (GOOD + other.replace(*malformed), varied(malformed) + other):
        [clash] = [problem for problem in problems_of(text) if problem.rule == "V14"]
        assert (clash.entry, clash.field, clash.value) == ("cq-tr-other", "codes[0]", "30700506/2")


@pytest.mark.parametrize(
    ("old", "new", "claimed"),
    [
        ("id: cq-tr-bus-stop", "id: CQ", set()),
        ("alias: BusStop", "alias:", {"id", "title", "codes[0]"}),
        ("title: 公交站点", "title:", {"id", "alias", "codes[0]"}),
        ("codes: [", "codes: [none, ", {"id", "alias", "title"}),
        ("name: 重庆市交通局, ", "", {"id", "alias", "codes[0]"}),
        ("cycle: 每日", "cycle: 天天", {"id", "alias", "title", "codes[0]"}),
    ],
)  # fmt: skip
def test_what_was_not_read_is_claimed_by_nobody(old: str, new: str, claimed: set[str]) -> None:
    told = problems_of(GOOD + varied((old, new)))
    assert {problem.field for problem in told if "has the same" in problem.message} == claimed


def test_titles_of_providers_whose_names_were_not_read_are_not_the_same() -> None:
    nameless = varied(("name: 重庆市交通局, ", ""))
    other = nameless.replace("cq-tr-bus-stop", "cq-tr-other").replace("BusStop", "Other").replace("30700506/2", "101/9")
    assert not [problem for problem in problems_of(nameless + other) if "has the same" in problem.message]


def test_a_class_of_one_department_is_not_another_departments() -> None:
    other = varied(
        ("cq-tr-bus-stop", "cq-ca-stop"), ("BusStop", "OtherStop"), ("30700506/2", "30700506/3"),
        ("name: 重庆市交通局, uscc: 11500000XXXX0006X1", "name: 重庆市民政局, uscc: 11500000XXXX000519"),
    )  # fmt: skip
    assert [(problem.rule, problem.entry) for problem in problems_of(GOOD + other)] == [("V14", "cq-ca-stop")]


def test_a_reference_to_an_entry_that_could_not_be_read_is_not_blamed() -> None:
    other = varied(
        ("cq-tr-bus-stop", "cq-tr-other"), ("BusStop", "OtherStop"), ("30700506/2", "30700506/3"),
        ("title: 公交站点", "title: 其他站点"), ("en: name", "references: 30700506/2, en: name"),
    )  # fmt: skip
    assert [problem.rule for problem in problems_of(varied(("t: C", "t: Q")) + other)] == ["CLOSED_LIST"]
