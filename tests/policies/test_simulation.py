"""An administrator sees what a draft changes for whom, and anybody sees why an item is given or refused."""
# ruff: noqa: E501 - a policy line is one line

from datetime import UTC, datetime

from policies.explain import explain
from policies.ledger import ActFacts, LedgerRecord, Outcome, ReadFacts, RecordKind, next_record
from policies.simulation import Change, Flip, RecordedOperation, recorded_operations, what_if
from policies.views import Act, Reason
from tests.policies.sample_policy import NOW, caller, sample_tables

GRANT = "p, Q-0099, dept:lottery, z:intranet, audit, tax.income.amount, read, *, 2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, request:99, allow\n"
STOP = "p, D-0009, app:lottery-crm, z:any, *, transport.stop.name, *, *, 0000, 9999, incident:9, deny\n"
LOTTERY = "app:lottery-crm (lottery)"


def test_an_unchanged_policy_changes_nothing() -> None:
    result = what_if(sample_tables(), sample_tables(), NOW)
    assert (result.changes, result.flips, result.widens) == ((), (), False)


def test_a_grant_is_a_gain_of_exactly_its_items_for_exactly_its_receiver() -> None:
    result = what_if(sample_tables(), sample_tables(GRANT), NOW)
    assert result.changes == (Change((LOTTERY,), "intranet", "audit", "read", "all", ("tax.income.amount",), ()),)
    assert result.widens


def test_a_stop_is_a_loss_in_every_zone_and_for_every_purpose() -> None:
    result = what_if(sample_tables(), sample_tables(STOP), NOW)
    assert {change.subjects for change in result.changes} == {(LOTTERY,)}
    assert {change.zone for change in result.changes} == {"intranet", "extranet", "internet"}
    assert all(change.lost == ("transport.stop.name",) and not change.gained for change in result.changes)
    assert not result.widens


def test_recorded_operations_that_would_be_decided_otherwise_are_named() -> None:
    def asks(item: str, name: str) -> RecordedOperation:
        resource = item.rpartition(".")[0]
        who = caller("app:lottery-crm", "lottery", purpose="audit")
        return RecordedOperation(who, resource, frozenset({(item, Act.READ)}), name)

    recorded = [
        asks("tax.income.amount", "income"),
        asks("transport.stop.name", "stops"),
        asks("tax.income.band", "band"),
    ]
    result = what_if(sample_tables(), sample_tables(GRANT + STOP), NOW, recorded)
    assert result.flips == (Flip("income", "tax.income", False), Flip("stops", "transport.stop", True))


def test_operations_of_the_ledger_are_decided_anew_each_once() -> None:
    def record(outcome: Outcome, *items: str) -> LedgerRecord:
        facts = ReadFacts(
            caller="app:lottery-crm", department="lottery", zone="intranet", purpose="audit", outcome=outcome,
            policy_version="1", graph_version="1", items=items, operation="Winners",
        )  # fmt: skip
        return next_record(None, NOW, RecordKind.READ, facts)

    records = [record(Outcome.GRANTED, "transport.stop.name", "econ.cpi.index")] * 3 + [
        record(Outcome.REFUSED, "tax.income.amount"),
        next_record(None, NOW, RecordKind.ACT, ActFacts(person="user:ann", act="publish", about="policy 1")),
    ]
    recorded = recorded_operations(records)
    assert [operation.resource for operation in recorded] == ["econ.cpi", "transport.stop", "tax.income"]
    result = what_if(sample_tables(), sample_tables(GRANT + STOP), NOW, recorded)
    assert result.flips == (Flip("Winners", "transport.stop", True), Flip("Winners", "tax.income", False))


def test_a_recorded_filter_is_decided_anew_as_a_filter_and_an_old_record_as_reading() -> None:
    def record(*uses: str) -> LedgerRecord:
        facts = ReadFacts(
            caller="app:benefits-portal", department="welfare", zone="intranet", purpose="eligibility-check",
            outcome=Outcome.GRANTED, policy_version="1", graph_version="1", items=("tax.income.amount",), uses=uses,
        )  # fmt: skip
        return next_record(None, NOW, RecordKind.READ, facts)

    acts = [
        {act for _, act in recorded_operations([record(*uses)])[0].needs}
        for uses in ((), ("filter",), ("filter+read",), ("sort",), ("verify",))
    ]
    assert acts == [{Act.READ}, {Act.FILTER}, {Act.FILTER, Act.READ}, {Act.FILTER}, {Act.READ}]


def test_items_that_the_catalogue_no_longer_holds_are_left_aside() -> None:
    facts = ReadFacts(
        caller="anon", outcome=Outcome.GRANTED, policy_version="1", graph_version="1", items=("a.b", "econ.cpi.index")
    )
    recorded = recorded_operations([next_record(None, NOW, RecordKind.READ, facts)], frozenset({"econ.cpi.index"}))
    assert [operation.resource for operation in recorded] == ["econ.cpi"]


def test_a_verdict_names_every_ground_and_its_end() -> None:
    who = caller("app:benefits-portal", "welfare", purpose="eligibility-check")
    (verdict,) = explain(sample_tables(), who, [("tax.income.band", Act.READ)], NOW)
    (way,) = verdict.ways
    assert (way.grant, way.rows, way.how, way.rules) == ("Q-0042", "rows:own-claimants", "plain", ("Q-0042",))
    assert (way.basis, way.until) == (("request:2026-0042",), datetime(2027, 7, 1, tzinfo=UTC))
    assert verdict.allowed
    assert "Q-0042" in verdict.explanation


def test_a_verdict_on_what_is_refused_says_whether_applying_helps() -> None:
    tables = sample_tables(STOP)
    lottery = caller("app:lottery-crm", "lottery")
    needs = [(item, Act.READ) for item in ("tax.income.amount", "transport.stop.name", "health.visit.diagnosis")]
    verdicts = explain(tables, lottery, needs, NOW)
    assert [(verdict.reason, verdict.apply, verdict.listed) for verdict in verdicts] == [
        (Reason.GRANT_REQUIRED, True, True),
        (Reason.FROZEN, False, True),
        (Reason.NOT_SHARED, False, False),
    ]
    assert not any(verdict.allowed for verdict in verdicts)
