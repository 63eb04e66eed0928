from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from catalog_sync.closed_lists import EntryState, Sharing
from catalog_sync.comparison import LiveGrant
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.errors import CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import MACHINES, Side, diagrams
from catalog_sync.loading import national_classes, surroundings
from catalog_sync.obligations import overdue
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.registry import (
    Actor,
    EntryRecord,
    Trigger,
    TriggerKind,
    accept,
    draft,
    recall,
    release,
    revise,
    send_back,
    submit,
    withdraw,
)
from catalog_sync.rule_profiles import ORDER_320
from catalog_sync.store import SqlCatalogueStore, verify_ledger
from catalog_sync.working_days import WorkingCalendar
from tests.catalogue.databases import DATABASES
from tests.catalogue.entry_text import GOOD, TODAY, catalogue_of, varied

TRANSPORT = CreditCode.parse("11500000XXXX0006X1")
DATA_BUREAU = CreditCode.parse("11500000XXXX00019X")
OFFICER = Actor("officer", TRANSPORT, Side.PROVIDER)
REVIEWER = Actor("reviewer", DATA_BUREAU, Side.COMPETENT)
TRIGGER = Trigger(TriggerKind.CREATED, date(2026, 11, 2), "渝交函〔2026〕1号")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENTRY = catalogue_of(GOOD).entries[0]
AROUND = surroundings([ENTRY], national_classes(), None, TODAY)
on_both_engines = pytest.mark.usefixtures("engine")


def changed(**of_keeper: object) -> CatalogueEntry:
    keeper: InformationItem = replace(ENTRY.items[2], **of_keeper)  # type: ignore[arg-type]
    return replace(ENTRY, items=(*ENTRY.items[:2], keeper))


def released() -> EntryRecord:
    record = draft(None, ENTRY, TRIGGER, OFFICER)
    return release(accept(submit(record, OFFICER, AROUND), REVIEWER), REVIEWER, AROUND)


def next_version(record: EntryRecord, entry: CatalogueEntry) -> EntryRecord:
    return accept(submit(draft(record, entry, TRIGGER, OFFICER), OFFICER, AROUND), REVIEWER)


def code_of(refused: pytest.ExceptionInfo[CodedError]) -> str:
    return refused.value.code.name


def test_a_version_goes_from_draft_to_release_and_only_then_serves() -> None:
    record = draft(None, ENTRY, TRIGGER, OFFICER)
    seen = [record.current.state]
    for step in (
        lambda r: submit(r, OFFICER, AROUND),
        lambda r: accept(r, REVIEWER),
        lambda r: release(r, REVIEWER, AROUND),
    ):
        assert record.released is None
        record = step(record)
        seen.append(record.current.state)
    assert seen == ["draft", "submitted", "accepted", "released"]
    assert record.released is record.current


def test_a_returned_version_carries_its_reasons_and_can_be_revised() -> None:
    record = submit(draft(None, ENTRY, TRIGGER, OFFICER), OFFICER, AROUND)
    returned = send_back(record, ["摘要过于简略", " "], REVIEWER)
    assert (returned.current.state, returned.current.reasons) == (EntryState.RETURNED, ("摘要过于简略",))
    assert revise(returned, OFFICER).current.state is EntryState.DRAFT


def test_returning_without_a_reason_is_refused() -> None:
    record = submit(draft(None, ENTRY, TRIGGER, OFFICER), OFFICER, AROUND)
    with pytest.raises(CodedError) as refused:
        send_back(record, ["  "], REVIEWER)
    assert code_of(refused) == "REASON_NEEDED"


def test_a_draft_that_breaks_rules_is_not_submitted_and_all_of_them_are_told() -> None:
    bad = replace(changed(condition="按需"), alias="Query")
    with pytest.raises(CatalogueInvalid) as refused:
        submit(draft(None, bad, TRIGGER, OFFICER), OFFICER, AROUND)
    assert {problem.rule for problem in refused.value.problems} == {"V6", "V9"}


def test_only_the_provider_changes_its_entry() -> None:
    for stranger in (Actor("x", DATA_BUREAU, Side.PROVIDER), Actor("x", TRANSPORT, Side.COMPETENT)):
        with pytest.raises(CodedError, match="by its provider 重庆市交通局 alone") as refused:
            draft(None, ENTRY, TRIGGER, stranger)
        assert code_of(refused) == "NOT_YOURS"


def test_a_provider_cannot_hand_its_entry_to_a_department_or_take_anothers() -> None:
    foreign = replace(ENTRY, provider=replace(ENTRY.provider, credit_code=DATA_BUREAU))
    with pytest.raises(CodedError, match="by its provider"):
        draft(released(), foreign, TRIGGER, Actor("x", DATA_BUREAU, Side.PROVIDER))


def test_nobody_decides_on_what_they_submitted() -> None:
    record = submit(draft(None, ENTRY, TRIGGER, OFFICER), OFFICER, AROUND)
    both_sides = Actor("officer", DATA_BUREAU, Side.COMPETENT)
    for decide in (lambda: accept(record, both_sides), lambda: send_back(record, ["reason"], both_sides)):
        with pytest.raises(CodedError, match="another person must decide"):
            decide()


def test_a_step_that_no_arrow_allows_names_those_that_are_possible() -> None:
    with pytest.raises(CodedError) as refused:
        accept(draft(None, ENTRY, TRIGGER, OFFICER), REVIEWER)
    assert "Possible now: submit by the provider." in refused.value.message


def test_the_released_version_serves_until_the_next_takes_its_place() -> None:
    first = released()
    record = next_version(first, replace(ENTRY, abstract="新摘要。"))
    assert record.released is not None
    assert record.released.number == 1
    record = release(record, REVIEWER, AROUND)
    assert [(v.number, v.state, v.reasons) for v in record.versions] == [
        (1, "withdrawn", ("superseded by version 2",)),
        (2, "released", ()),
    ]
    assert record.versions[0].digest == first.current.digest


def test_a_version_under_review_is_not_replaced_by_another_draft() -> None:
    record = submit(draft(None, ENTRY, TRIGGER, OFFICER), OFFICER, AROUND)
    with pytest.raises(CodedError, match="recall it first"):
        draft(record, ENTRY, TRIGGER, OFFICER)
    again = draft(recall(record, OFFICER), replace(ENTRY, abstract="新摘要。"), TRIGGER, OFFICER)
    assert [version.number for version in again.versions] == [1]


def test_a_change_that_breaks_live_grants_names_them_before_release() -> None:
    grants = [
        LiveGrant("G-2026-7", "重庆市民政局", "30700506/2", frozenset({"keeper"})),
        LiveGrant("G-2026-8", "重庆市民政局", "30700506/2", frozenset({"name"})),
    ]
    record = next_version(released(), changed(condition="限执法检查"))
    with pytest.raises(CatalogueInvalid) as refused:
        release(record, REVIEWER, AROUND, grants)
    [problem] = refused.value.problems
    assert (problem.rule, problem.value) == ("V15", "G-2026-7")
    assert "items.keeper.condition: 限安全生产检查 -> 限执法检查" in problem.message
    assert release(record, REVIEWER, AROUND, grants, acknowledged=["G-2026-7"]).current.state is EntryState.RELEASED


def test_a_widening_breaks_no_grant() -> None:
    wider = replace(
        changed(sharing=Sharing.UNCONDITIONAL, condition=None), sharing=Sharing.UNCONDITIONAL, condition=None
    )
    record = next_version(released(), wider)
    grant = LiveGrant("G-1", "重庆市民政局", "30700506/2", frozenset({"keeper"}))
    assert release(record, REVIEWER, AROUND, [grant]).current.number == 2


def test_a_withdrawal_names_its_reason_and_ends_service() -> None:
    with pytest.raises(CodedError, match="names its reason"):
        withdraw(released(), " ", OFFICER)
    gone = withdraw(released(), "系统停用", OFFICER)
    assert (gone.released, gone.current.state, gone.current.reasons) == (None, "withdrawn", ("系统停用",))
    with pytest.raises(CodedError, match="no released version"):
        withdraw(gone, "again", OFFICER)


@on_both_engines
def test_records_survive_the_store_and_the_ledger_tells_every_step(tmp_path: Path) -> None:
    store = SqlCatalogueStore(DATABASES.open(tmp_path / "catalogue.db"))
    record = draft(None, ENTRY, TRIGGER, OFFICER)
    store.save(record, "draft", OFFICER, NOW)
    record = submit(record, OFFICER, AROUND)
    store.save(record, "submit", OFFICER, NOW)
    record = release(accept(record, REVIEWER), REVIEWER, AROUND)
    store.save(replace(record, revision=3), "release", REVIEWER, NOW)
    store.database.close()
    again = SqlCatalogueStore(DATABASES.open(tmp_path / "catalogue.db"))
    assert again.record(ENTRY.id) == replace(record, revision=3)
    assert [entry.id for entry in again.released()] == [ENTRY.id]
    assert [row.action for row in again.ledger()] == ["draft", "submit", "release"]
    assert verify_ledger(again.ledger()) == 3
    again.database.close()


@on_both_engines
def test_of_two_writers_the_second_is_told_that_it_is_late() -> None:
    store = SqlCatalogueStore(DATABASES.open())
    store.save(draft(None, ENTRY, TRIGGER, OFFICER), "draft", OFFICER, NOW)
    read = store.record(ENTRY.id)
    assert read is not None
    store.save(submit(read, OFFICER, AROUND), "submit", OFFICER, NOW)
    with pytest.raises(CodedError) as refused:
        store.save(submit(read, OFFICER, AROUND), "submit", OFFICER, NOW)
    assert code_of(refused) == "STALE_VERSION"
    assert len(list(store.ledger())) == 1 + 1


@on_both_engines
def test_content_that_was_submitted_is_never_written_over() -> None:
    store = SqlCatalogueStore(DATABASES.open())
    record = submit(draft(None, ENTRY, TRIGGER, OFFICER), OFFICER, AROUND)
    store.save(replace(record, revision=1), "submit", OFFICER, NOW)
    forged = replace(record.current, entry=replace(record.current.entry, abstract="改"))
    with pytest.raises(CodedError, match="its content cannot change"):
        store.save(replace(record, versions=(forged,), revision=2), "forge", OFFICER, NOW)


@on_both_engines
@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE ledger SET actor = 'someone else' WHERE number = 1",
        "UPDATE ledger SET body = '{}' WHERE number = 2",
        "DELETE FROM ledger WHERE number = 1",
        "UPDATE ledger SET number = number + 5 WHERE number = 2",
    ],
)
def test_a_ledger_that_was_tampered_with_does_not_verify(forgery: str) -> None:
    store = SqlCatalogueStore(DATABASES.open())
    record = draft(None, ENTRY, TRIGGER, OFFICER)
    store.save(record, "draft", OFFICER, NOW)
    store.save(submit(record, OFFICER, AROUND), "submit", OFFICER, NOW)
    with store.database.transaction() as connection:
        connection.execute(forgery)
    with pytest.raises(CodedError) as refused:
        verify_ledger(store.ledger())
    assert code_of(refused) == "LEDGER_BROKEN"


@on_both_engines
def test_a_ledger_cut_short_or_written_anew_is_found_out_by_an_anchor() -> None:
    store = SqlCatalogueStore(DATABASES.open())
    record = draft(None, ENTRY, TRIGGER, OFFICER)
    store.save(record, "draft", OFFICER, NOW)
    store.save(submit(record, OFFICER, AROUND), "submit", OFFICER, NOW)
    first, second = store.ledger()
    assert verify_ledger([first, second], {2: second.digest}) == 2
    for rows, anchors in (([first], {2: second.digest}), ([first, second], {1: second.digest})):
        with pytest.raises(CodedError) as refused:
            verify_ledger(rows, anchors)
        assert code_of(refused) == "LEDGER_BROKEN"


@on_both_engines
def test_what_is_not_handed_in_by_its_deadline_is_on_the_overdue_list() -> None:
    store = SqlCatalogueStore(DATABASES.open())
    amended = Trigger(TriggerKind.LAW_AMENDED, date(2026, 9, 18), "修法")
    updated = Trigger(TriggerKind.UPDATED, date(2026, 9, 18), "变更")
    store.save(draft(None, ENTRY, amended, OFFICER), "draft", OFFICER, NOW)
    store.save(draft(None, replace(ENTRY, id="second"), updated, OFFICER), "draft", OFFICER, NOW)
    calendar = WorkingCalendar.default()
    on = {day: overdue(store, ORDER_320, calendar, date(2026, 10, day)) for day in (9, 10, 15, 16)}
    assert {day: [late.version.entry.id for late in found] for day, found in on.items()} == {
        9: [],
        10: ["second"],
        15: ["second"],
        16: ["second", ENTRY.id],
    }
    assert [(late.clock.clock, late.clock.deadline.date) for late in on[16]] == [
        ("C2", date(2026, 10, 9)),
        ("C1", date(2026, 10, 15)),
    ]
    read = store.record("second")
    assert read is not None
    store.save(submit(read, OFFICER, AROUND), "submit", OFFICER, NOW)
    assert [late.version.entry.id for late in overdue(store, ORDER_320, calendar, date(2026, 10, 16))] == [ENTRY.id]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_of_every_machine_is_reached_from_its_beginning(machine) -> None:  # type: ignore[no-untyped-def]
    reached = {machine.initial}
    for _ in machine.transitions:
        reached |= {each.target for each in machine.transitions if each.source in reached}
    assert reached == set(machine.states())


def test_the_diagrams_in_the_documentation_are_those_of_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "catalogue-sync.md"
    assert diagrams() in page.read_text(encoding="utf-8")


def test_a_reference_must_be_released_when_the_entry_is() -> None:
    other = catalogue_of(
        varied(
            ("cq-tr-bus-stop", "cq-tr-x"),
            ("BusStop", "X"),
            ("506/2", "506/9"),
            ("cycle: 每日", "state: draft\n  cycle: 每日"),
        )
    ).entries[0]
    entry = replace(ENTRY, related=(other.code,))
    around = surroundings([entry, other], national_classes(), None, TODAY)
    with pytest.raises(CatalogueInvalid, match="Release that resource first"):
        submit(draft(None, entry, TRIGGER, OFFICER), OFFICER, around)
