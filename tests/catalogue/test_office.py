from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog_sync.closed_lists import Cycle, EntryState
from catalog_sync.comparison import LiveGrant
from catalog_sync.documents import ListNode, Node, parse_yaml
from catalog_sync.errors import CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.interchange import export_catalogue, read_documents
from catalog_sync.loading import Register
from catalog_sync.problems import CatalogueInvalid
from catalog_sync.rules import RegisteredProvider
from catalog_sync.store import verify_ledger
from gateway.commands.ledger import app as ledger
from tests.catalogue.databases import DATABASES
from tests.catalogue.entry_text import GOOD, varied
from tests.catalogue.offices import CREATED, NOW, REVIEWER, bring_into_force, office, officer

TRANSPORT = officer("11500000XXXX0006X1")

pytestmark = pytest.mark.usefixtures("engine")


def nodes(text: str) -> tuple[Node, ...]:
    root = parse_yaml(text, "entries.yaml")
    assert isinstance(root, ListNode)
    return root.items


def test_entries_that_refer_to_one_another_come_into_force_together(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        assert len(here.in_force()) == 12
        assert {entry.state for entry in here.listed()} == {EntryState.RELEASED}
        assert verify_ledger(here.platform.entries.ledger()) == 4 * 12 + 2 * 5


def test_entries_apart_from_what_they_refer_to_are_refused_by_name(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        alone = nodes(varied(("  cycle: 每日", '  related: ["30700506/9"]\n  cycle: 每日')))
        with pytest.raises(CatalogueInvalid, match="The catalogue has no resource of this code"):
            here.draft(alone, CREATED, TRANSPORT)
        assert here.listed() == ()


def test_a_workbook_with_one_changed_entry_makes_one_draft(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        own = [entry for entry in here.in_force() if entry.provider.credit_code == TRANSPORT.department]
        export_catalogue([replace(own[0], cycle=Cycle.DAILY), *own[1:]], tmp_path / "own.xlsx")
        drafted = here.draft(read_documents(tmp_path / "own.xlsx"), CREATED, TRANSPORT)
        assert [(record.id, record.current.number) for record in drafted.records] == [(own[0].id, 2)]
        assert [str(change) for change in here.changes(own[0].id)] == ["cycle: 实时 -> 每日 [neutral]"]
        assert len(drafted.unchanged) == len(own) - 1


def test_a_returned_version_is_mended_under_its_own_number(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        here.draft(nodes(GOOD), CREATED, TRANSPORT)
        here.submit(["cq-tr-bus-stop"], TRANSPORT)
        here.send_back("cq-tr-bus-stop", ["摘要过于简略"], REVIEWER)
        here.draft(nodes(varied(("管理人员。", "管理人员及联系方式。"))), CREATED, TRANSPORT)
        assert [v.number for v in here.record("cq-tr-bus-stop").versions] == [1]
        acts = [row.action for row in here.history("cq-tr-bus-stop")]
        assert acts == ["draft", "submit", "return", "revise", "draft"]


def test_another_providers_entry_is_not_drafted_and_nothing_of_the_file_is(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        with pytest.raises(CodedError) as refused:
            here.draft(nodes(GOOD), CREATED, officer("11500000XXXX000519"))
        assert refused.value.code.name == "NOT_YOURS"
        assert here.listed() == ()


def test_a_code_that_another_entry_has_is_refused_with_both_sides(tmp_path: Path) -> None:
    rival = varied(("cq-tr-bus-stop", "cq-tr-rival"), ("公交站点\n", "站点\n"), ("BusStop", "Rival"))
    with office(tmp_path) as here:
        here.draft(nodes(GOOD), CREATED, TRANSPORT)
        with pytest.raises(CatalogueInvalid) as refused:
            here.draft(nodes(rival), CREATED, TRANSPORT)
        [problem] = refused.value.problems
        assert (problem.rule, problem.entry, problem.value) == ("V14", "cq-tr-rival", "30700506/2")
        assert "cq-tr-bus-stop of 重庆市交通局" in problem.message


def test_a_release_that_narrows_a_live_grant_names_it_until_it_is_acknowledged(tmp_path: Path) -> None:
    grant = LiveGrant("Q-7", "city-management", "30700506/2", frozenset({"keeper"}))
    with office(tmp_path) as here:
        bring_into_force(here, _file(tmp_path, GOOD))
        here.draft(nodes(varied(("mask: surname", "mask: keep_3_4"))), CREATED, TRANSPORT)
        here.submit(["cq-tr-bus-stop"], TRANSPORT)
        here.accept("cq-tr-bus-stop", REVIEWER)
        with pytest.raises(CatalogueInvalid, match="breaks grant Q-7 of city-management"):
            here.release(["cq-tr-bus-stop"], REVIEWER, [grant])
        here.release(["30700506/2"], REVIEWER, [grant], ["Q-7"])
        assert here.history("cq-tr-bus-stop")[-1].body["acknowledged"] == ["Q-7"]


def test_what_is_due_is_counted_in_working_days_from_the_event(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        here.draft(nodes(GOOD), CREATED, TRANSPORT)
        [owed] = here.due()
        assert (owed.clock.clock, str(owed.clock.deadline.date)) == ("C2", "2026-12-04")
        assert not owed.overdue(here.today)
    with office(tmp_path, now=NOW + timedelta(days=12)) as later:
        assert [each.overdue(later.today) for each in later.due(TRANSPORT.department)] == [True]
        assert later.due(CreditCode.parse("11500000XXXX000519")) == ()


def test_a_department_that_is_not_on_file_releases_nothing(tmp_path: Path) -> None:
    other = RegisteredProvider(
        "重庆市民政局", CreditCode.parse("11500000XXXX000519"), "局长", "处", "科", ("30700507",)
    )
    with office(tmp_path, Register((other,))) as here, pytest.raises(CatalogueInvalid, match="is not registered"):
        here.draft(nodes(GOOD), CREATED, TRANSPORT)


def test_withdrawing_says_which_version_and_why(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here, _file(tmp_path, GOOD))
        here.withdraw("cq-tr-bus-stop", "职能划转", TRANSPORT)
        assert here.in_force() == ()
        row = here.history("cq-tr-bus-stop")[-1]
        assert (row.body["withdrawn"], row.body["reasons"]) == (1, ["职能划转"])


def _file(folder: Path, text: str) -> Path:
    path = folder / "one.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_ledger_of_a_registry_is_verified_by_a_command(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        bring_into_force(here)
        [*_, last] = here.platform.entries.ledger()
    store = str(DATABASES.address(tmp_path / "registry.db"))
    told = CliRunner().invoke(ledger, ["verify", "--catalogue", store, "--anchor", f"58:{last.digest}"])
    assert told.stdout == f"58 records intact; anchor 58:{last.digest}\n"
    refused = CliRunner().invoke(ledger, ["verify", "--catalogue", store, "--anchor", f"7:{last.digest}"])
    assert isinstance(refused.exception, CodedError)
    assert refused.exception.code.name == "LEDGER_BROKEN"
    missing = CliRunner().invoke(ledger, ["verify", "--catalogue", str(tmp_path / "none.db")])
    assert isinstance(missing.exception, CodedError)
    assert not (tmp_path / "none.db").exists()


def test_the_catalogue_is_read_while_another_process_writes(tmp_path: Path) -> None:
    with office(tmp_path) as here, office(tmp_path) as there:
        bring_into_force(here)
        there.in_force()
        here.withdraw("cq-tr-bus-arrival", "停用", officer("11500000XXXX0006X1"))
        with here.platform.database.transaction():
            assert "cq-tr-bus-arrival" not in {entry.id for entry in there.in_force()}
            assert there.record("cq-tr-bus-arrival").current.state is EntryState.WITHDRAWN
