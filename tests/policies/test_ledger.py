"""Nobody changes the past unseen, and the past holds nobody's number."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import CodedError
from policies.ledger import (
    ActFacts,
    Anchor,
    LedgerRecord,
    Outcome,
    ReadFacts,
    ReadQuery,
    RecordKind,
    export_chain,
    import_chain,
    next_record,
    person_hash,
    verify_chain,
)

AT = datetime(2026, 10, 8, 9, tzinfo=UTC)
KEY = b"the ledger's own key"
LI = person_hash(KEY, "500103199003070017")


def read(caller: str, outcome: Outcome = Outcome.GRANTED, *persons: str, item: str = "30700503/1.name") -> ReadFacts:
    return ReadFacts(
        caller=caller, outcome=outcome, policy_version="3", graph_version="g", items=(item,), persons=persons,
        department="welfare",
    )  # fmt: skip


def chain(*facts: Any) -> list[LedgerRecord]:
    records: list[LedgerRecord] = []
    for fact in facts:
        last = Anchor(records[-1].number, records[-1].digest) if records else None
        kind = RecordKind.READ if isinstance(fact, ReadFacts) else RecordKind.ACT
        records.append(next_record(last, AT, kind, fact))
    return records


RECORDS = chain(
    ActFacts(person="user:ann", act="publish", about="policy 3"),
    read("app:portal", Outcome.GRANTED, LI),
    read("app:portal", Outcome.REFUSED, item="30700511/1.status"),
    read("app:crm", Outcome.GRANTED, LI, item="30700511/1.status"),
)


def test_a_chain_verifies_and_its_end_can_be_anchored() -> None:
    anchor = verify_chain(RECORDS)
    assert anchor == Anchor(4, RECORDS[-1].digest)
    assert verify_chain(RECORDS, [anchor]) == anchor
    assert verify_chain(RECORDS[2:], after=Anchor(2, RECORDS[1].digest)) == anchor


@settings(deadline=None)
@given(st.data())
def test_one_changed_byte_anywhere_is_found_and_its_record_named(data: st.DataObject) -> None:
    exported = b"".join(export_chain(RECORDS))
    # The line ends are not part of any record: the last one may well be a space.
    place = data.draw(st.integers(0, len(exported) - 1).filter(lambda at: exported[at] != ord("\n")))
    other = data.draw(st.integers(32, 126).filter(lambda byte: byte != exported[place]))
    changed = exported[:place] + bytes([other]) + exported[place + 1 :]
    with pytest.raises(CodedError) as caught:
        verify_chain(import_chain(changed.split(b"\n")), [Anchor(4, RECORDS[-1].digest)])
    assert caught.value.code.name == "LEDGER_ALTERED"


@pytest.mark.parametrize("place", range(4))
def test_a_record_taken_out_is_found(place: int) -> None:
    with pytest.raises(CodedError):
        verify_chain(RECORDS[:place] + RECORDS[place + 1 :], [Anchor(4, RECORDS[-1].digest)])


def test_a_chain_written_anew_from_some_point_is_found_by_an_older_anchor() -> None:
    forged = chain(
        ActFacts(person="user:ann", act="publish", about="policy 3"),
        read("app:other", Outcome.GRANTED, LI),
    )
    assert verify_chain(forged) is not None, "in itself it fits"
    with pytest.raises(CodedError) as caught:
        verify_chain(forged, [Anchor(2, RECORDS[1].digest)])
    assert "record 2" in caught.value.message


def test_a_record_written_anew_with_a_digest_of_its_own_does_not_fit_the_next() -> None:
    first = Anchor(1, RECORDS[0].digest)
    forged = next_record(first, AT, RecordKind.READ, read("app:other", Outcome.GRANTED, LI))
    with pytest.raises(CodedError) as caught:
        verify_chain([RECORDS[0], forged, *RECORDS[2:]])
    assert "record 3" in caught.value.message


def test_a_chain_survives_its_export() -> None:
    assert list(import_chain(export_chain(RECORDS))) == RECORDS


def found(**query: Any) -> list[int]:
    return [record.number for record in RECORDS if ReadQuery(**query).matches(record)]


def test_who_read_what_is_found() -> None:
    assert found(caller="app:portal") == [2, 3]
    assert found(person=LI) == [2, 4]
    assert found(resource="30700511/1") == [3, 4]
    assert found(resource="30700511/1", outcome=Outcome.GRANTED, department="welfare") == [4]
    assert found(since="2026-10-08T09:00:00Z", until="2026-10-08T09:00:01Z") == [2, 3, 4]
    assert found(until="2026-10-08T09:00:00Z") == []


def test_a_person_stands_in_it_as_a_keyed_hash_alone() -> None:
    exported = b"".join(export_chain(RECORDS))
    assert b"500103199003070017" not in exported
    assert person_hash(KEY, " 50010319900307001x ") == person_hash(KEY, "50010319900307001X")
    assert person_hash(KEY, "500103199003070017") != person_hash(b"another key", "500103199003070017")


def test_facts_are_plain_values_again() -> None:
    assert RECORDS[0].facts() == {"person": "user:ann", "act": "publish", "about": "policy 3"}
    assert msgspec.json.decode(RECORDS[1].body, type=ReadFacts).persons == (LI,)
