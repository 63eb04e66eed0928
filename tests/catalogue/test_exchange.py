import gzip
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_sync.bundles import LARGEST_BUNDLE, Bundle, digest_of, open_bundle, open_receipt, seal_bundle
from catalog_sync.closed_lists import EntryState, Network, Opening, Sensitivity, Sharing
from catalog_sync.errors import CodedError
from catalog_sync.exchange import WINDOW, Exchange
from catalog_sync.exchange_changes import entry_change
from catalog_sync.lifecycle import SubmissionState
from catalog_sync.signing import Peer, SigningKey
from catalog_sync.store import SqlCatalogueStore, entry_to_json, verify_ledger
from tests.catalogue.levels import (
    CITY,
    DISTRICT,
    KEYS,
    NOW,
    OTHER_DISTRICT,
    PROVINCE,
    TRIGGER,
    contents,
    district_and_city,
    entry,
    level,
    name_of,
    seal,
    state,
)

pytestmark = pytest.mark.usefixtures("engine")


def refusal(city: Exchange, content: bytes) -> str:
    """The code by which a bundle is refused; nothing may have changed."""
    before = state(city)
    with pytest.raises(CodedError) as refused:
        city.receive(content, NOW)
    assert state(city) == before
    return refused.value.code.name


def outcomes(city: Exchange, content: bytes) -> list[tuple[str, str]]:
    receipt = open_receipt(city.receive(content, NOW), level(DISTRICT, [CITY]).peers)
    return [(each.result, each.reason) for each in receipt.outcomes]


def test_an_entry_goes_up_is_accepted_and_the_decision_comes_down() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    district.acknowledge(city.receive(content, NOW), NOW)
    assert district.outstanding(city.name) == ()
    assert contents(city) == [("e-1", 1, "submitted")]
    city.decide("e-1", "accept", "reviewer", NOW)
    city.seal(district.name, NOW)
    decision = city.bundle(district.name, 1)
    assert decision is not None
    city.acknowledge(district.receive(decision, NOW), NOW)
    [told] = district.decisions("e-1")
    assert (told.peer, told.number, told.state) == (city.name, 1, SubmissionState.ACCEPTED)


def test_a_return_carries_its_reasons_down_and_a_new_version_comes_up() -> None:
    district, city = district_and_city()
    city.receive(seal(district, city, [entry(1)])[0], NOW)
    with pytest.raises(CodedError, match="names its reasons"):
        city.decide("e-1", "return", "reviewer", NOW)
    city.decide("e-1", "return", "reviewer", NOW, ["共享条件不具体"])
    city.seal(district.name, NOW)
    district.receive(city.bundle(district.name, 1) or b"", NOW)
    assert [told.reasons for told in district.decisions("e-1")] == [("共享条件不具体",)]
    for content in seal(district, city, [entry(1, version=2)]):
        city.receive(content, NOW)
    assert contents(city) == [("e-1", 2, "submitted")]


def test_what_a_city_accepts_goes_on_to_the_province() -> None:
    district, city = level(DISTRICT, [CITY]), level(CITY, [DISTRICT, PROVINCE], superior=PROVINCE)
    province = level(PROVINCE, [CITY])
    city.receive(seal(district, city, [entry(1)])[0], NOW)
    assert city.seal(province.name, NOW) == 0
    city.decide("e-1", "accept", "reviewer", NOW)
    city.seal(province.name, NOW)
    province.receive(city.bundle(province.name, 1) or b"", NOW)
    held = province.held("e-1")
    assert held is not None
    assert (held.peer, held.entry.level, held.state) == (city.name, DISTRICT, SubmissionState.SUBMITTED)


def test_a_citys_catalogue_holds_what_it_accepted_and_says_whose_it_is() -> None:
    district, city = district_and_city()
    for content in seal(district, city, [entry(1), entry(2)]):
        city.receive(content, NOW)
    city.decide("e-2", "accept", "reviewer", NOW)
    assert [(each.id, each.level) for each in city.merged([entry(7, CITY)])] == [("e-7", CITY), ("e-2", DISTRICT)]


def test_the_clock_runs_from_the_event_and_not_from_the_arrival() -> None:
    district, city = district_and_city()
    content = seal(district, city, [entry(1)])[0]
    city.receive(content, datetime(2026, 10, 12, tzinfo=NOW.tzinfo))
    held = city.held("e-1")
    assert held is not None
    assert (held.due, held.due_provisional, held.late) == (date(2026, 10, 9), False, True)
    assert [each.entry.id for each in city.overdue(date(2026, 10, 10))] == ["e-1"]
    assert city.overdue(date(2026, 10, 9)) == ()


def test_a_bundle_applied_twice_counts_once_and_is_answered_with_the_same_receipt() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    receipt = city.receive(content, NOW)
    after = state(city)
    assert city.receive(content, NOW + timedelta(days=3)) == receipt
    assert state(city) == after


def test_offering_a_version_twice_sends_it_once() -> None:
    district, city = district_and_city()
    for _ in range(2):
        district.offer(city.name, entry(1), TRIGGER)
    assert district.seal(city.name, NOW) == 1
    assert district.seal(city.name, NOW) == 0
    assert len(open_bundle(district.bundle(city.name, 1) or b"", city.peers).changes) == 1


@settings(max_examples=20, deadline=None)
@given(st.permutations(list(range(6))), st.lists(st.integers(0, 5), max_size=4))
def test_any_order_of_arrival_with_repeats_gives_the_same_catalogue(order: list[int], repeats: list[int]) -> None:
    district, city = district_and_city()
    bundles = seal(district, city, [entry(number) for number in range(1, 7)])
    for place in (*order, *repeats):
        city.receive(bundles[place], NOW)
    assert contents(city) == [(f"e-{number}", 1, "submitted") for number in range(1, 7)]
    assert city.applied_through(district.name) == 6
    assert verify_ledger(SqlCatalogueStore(city.database).ledger()) == 6


def test_an_early_bundle_waits_and_changes_nothing_in_the_catalogue() -> None:
    district, city = district_and_city()
    first, second = seal(district, city, [entry(1), entry(2)])
    receipt = district.acknowledge(city.receive(second, NOW), NOW)
    assert (receipt.status, receipt.through, contents(city)) == ("waiting", 0, [])
    assert district.outstanding(city.name) == (1, 2)
    city.receive(first, NOW)
    assert district.acknowledge(city.receive(second, NOW), NOW).status == "applied"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_bundle_with_any_flipped_bit_is_refused_and_changes_nothing(receiver: Exchange, data: st.DataObject) -> None:
    content = bytearray(FLIPPED)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    assert refusal(receiver, bytes(content)) in {
        "BUNDLE_MALFORMED", "SIGNATURE_WRONG", "SIGNER_UNKNOWN", "BUNDLE_VERSION",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_bundle_cut_at_any_byte_is_refused_and_changes_nothing(receiver: Exchange, data: st.DataObject) -> None:
    assert refusal(receiver, FLIPPED[: data.draw(st.integers(0, len(FLIPPED) - 1))]) == "BUNDLE_MALFORMED"


FLIPPED = seal(*district_and_city(), [entry(1)])[0]


@pytest.fixture(scope="module")
def receiver(engine: str) -> Exchange:
    return level(CITY, [DISTRICT, OTHER_DISTRICT])


def resealed(content: bytes, key: SigningKey = KEYS[DISTRICT], **changes: object) -> bytes:
    bundle = open_bundle(content, level(CITY, [DISTRICT]).peers)
    return seal_bundle(replace(bundle, **changes), key)  # type: ignore[arg-type]


def test_a_bundle_of_an_unknown_signer_is_refused() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    assert refusal(city, resealed(content, SigningKey.generate("another-key"))) == "SIGNER_UNKNOWN"
    assert refusal(city, resealed(content, sender=name_of(PROVINCE))) == "SIGNER_UNKNOWN"
    assert refusal(city, resealed(content, SigningKey.generate(KEYS[DISTRICT].id))) == "SIGNATURE_WRONG"


def test_while_a_key_is_replaced_both_are_taken_and_afterwards_only_the_new_one() -> None:
    district, city = district_and_city()
    old, new = KEYS[DISTRICT], SigningKey.generate("key-of-next-year")
    [first] = seal(district, city, [entry(1)])
    city.peers = {**city.peers, district.name: Peer(DISTRICT, {each.id: each.public_bytes() for each in (old, new)})}
    city.receive(first, NOW)
    district.key = new
    [_, second] = seal(district, city, [entry(2)])
    city.receive(second, NOW)
    [_, _, third] = seal(district, city, [entry(3)])
    city.peers = {**city.peers, district.name: Peer(DISTRICT, {new.id: new.public_bytes()})}
    bundle = open_bundle(third, city.peers)
    assert refusal(city, seal_bundle(bundle, old)) == "SIGNER_UNKNOWN"
    assert refusal(city, seal_bundle(bundle, SigningKey(new.id, old.secret))) == "SIGNATURE_WRONG"
    city.receive(third, NOW)
    assert city.applied_through(district.name) == 3


def signed_text(payload: bytes) -> bytes:
    told = b"WATERSMEET-BUNDLE/1\n" + payload + b"\n"
    return told + f"{KEYS[DISTRICT].id} {KEYS[DISTRICT].sign(told).hex()}\n".encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"changes":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"number":' + b"9" * 10_000 + b"}",
        b'{"number":1e999}',
        b'{"a":1,"a":2}',
        b" " * LARGEST_BUNDLE,
        b'{"changes":[],"number":9007199254740993,"previous":"","receiver":"","sealed":"","sender":"510104-extranet"}',
    ],
    ids=["lists in lists", "objects in objects", "digits", "infinity", "a name twice", "size", "number"],
)
def test_a_bundle_that_would_cost_memory_or_time_is_refused_and_changes_nothing(payload: bytes) -> None:
    _, city = district_and_city()
    assert refusal(city, signed_text(payload)) == "BUNDLE_MALFORMED"


def test_a_packed_bundle_is_no_bundle_however_small_it_is() -> None:
    _, city = district_and_city()
    assert refusal(city, gzip.compress(b"0" * 10_000_000)) == "BUNDLE_MALFORMED"


def test_a_bundle_of_a_future_format_is_refused() -> None:
    district, city = district_and_city()
    content = seal(district, city, [entry(1)])[0].replace(b"BUNDLE/1\n", b"BUNDLE/2\n", 1)
    assert refusal(city, content) == "BUNDLE_VERSION"


def test_a_bundle_for_another_level_is_refused() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    assert refusal(city, resealed(content, receiver=name_of(PROVINCE))) == "BUNDLE_MISDIRECTED"


def test_another_bundle_under_a_number_already_taken_is_refused() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    city.receive(content, NOW)
    assert refusal(city, resealed(content, sealed="later")) == "CHAIN_BROKEN"


def test_a_bundle_that_follows_another_history_is_refused() -> None:
    district, city = district_and_city()
    first, second = seal(district, city, [entry(1), entry(2)])
    city.receive(first, NOW)
    assert refusal(city, resealed(second, previous="f" * 64)) == "CHAIN_BROKEN"
    city.receive(second, NOW)


def test_a_gap_too_wide_to_wait_for_is_refused_with_the_number_that_is_next() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    with pytest.raises(CodedError) as refused:
        city.receive(resealed(content, number=WINDOW + 1), NOW)
    assert (refused.value.code.name, refused.value.details["next"]) == ("CHAIN_BROKEN", 1)


def test_a_waiting_bundle_that_turns_out_to_follow_another_is_thrown_away_and_written_down() -> None:
    district, city = district_and_city()
    first, second = seal(district, city, [entry(1), entry(2)])
    city.receive(resealed(second, previous="f" * 64), NOW)
    city.receive(first, NOW)
    assert contents(city) == [("e-1", 1, "submitted")]
    assert [row.action for row in SqlCatalogueStore(city.database).ledger()][-1] == "refuse waiting bundle"
    city.receive(second, NOW)
    assert city.applied_through(district.name) == 2


def test_one_bad_change_is_refused_by_name_and_its_neighbours_are_taken() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    good = open_bundle(content, city.peers).changes[0]
    bad = {"kind": "entry", "entry": {"id": "e-9"}, "trigger": good["trigger"]}
    odd = {"kind": "greeting"}
    twice = entry_change(entry(8, codes=entry(8).codes * 2), TRIGGER)
    found = outcomes(city, resealed(content, changes=(bad, odd, good, twice)))
    assert [result for result, _ in found] == ["refused", "refused", "taken", "taken"]
    assert city.held("e-8") is not None
    assert [held for held, *_ in contents(city)] == ["e-1", "e-8"]


def test_a_decision_that_no_table_could_hold_is_refused_and_the_stream_goes_on() -> None:
    district, city = district_and_city()
    decision = {"kind": "decision", "id": "e-1", "version": 10**30, "state": "accepted", "reasons": []}
    bundle = Bundle(city.name, district.name, 1, "0" * 64, "now", (decision, {**decision, "version": 1}), "")
    receipt = open_receipt(district.receive(seal_bundle(bundle, KEYS[CITY]), NOW), level(CITY, [DISTRICT]).peers)
    assert [(each.result, each.reason) for each in receipt.outcomes] == [
        ("refused", "the change is not in its form"),
        ("taken", ""),
    ]


def test_a_payload_that_could_not_be_written_back_is_refused() -> None:
    told = b'WATERSMEET-BUNDLE/1\n{"changes":[{"kind":"\\ud800"}],"number":1}\n'
    content = told + f"{KEYS[DISTRICT].id} {KEYS[DISTRICT].sign(told).hex()}\n".encode()
    _, city = district_and_city()
    assert refusal(city, content) == "BUNDLE_MALFORMED"


def test_a_clash_of_codes_names_both_sides() -> None:
    district, city = district_and_city()
    other = level(OTHER_DISTRICT, [CITY])
    city.receive(seal(district, city, [entry(1)])[0], NOW)
    rival = entry(1, OTHER_DISTRICT, id="e-rival", alias="Rival")
    [(result, reason)] = outcomes(city, seal(other, city, [rival])[0])
    assert result == "refused"
    assert reason == (
        "the code 30700506/1 is held by e-1 of 重庆市交通局 (from 510104-extranet) "
        "and claimed by e-rival of 重庆市交通局"
    )


def test_a_clash_of_authority_names_both_sides() -> None:
    district, city = district_and_city()
    other = level(OTHER_DISTRICT, [CITY])
    city.receive(seal(district, city, [entry(1)])[0], NOW)
    [(_, claimed)] = outcomes(city, seal(other, city, [entry(1, OTHER_DISTRICT)])[0])
    assert claimed == "e-1 is held from 510104-extranet and now claimed by 510105-extranet"
    [_, foreign] = seal(other, city, [entry(2, DISTRICT)])
    [(_, reason)] = outcomes(city, foreign)
    assert reason == "510105-extranet submits an entry of 510104, which is not its division"


def test_an_older_version_or_other_content_under_a_version_is_refused() -> None:
    district, city = district_and_city()
    first, second, third = seal(
        district, city, [entry(1, version=3), entry(1, version=2), entry(1, version=3, abstract="改")]
    )
    city.receive(first, NOW)
    assert "version 2 is older" in outcomes(city, second)[0][1]
    assert "versions never change" in outcomes(city, third)[0][1]


def test_a_withdrawal_travels_as_the_same_version_in_another_state() -> None:
    district, city = district_and_city()
    for content in seal(district, city, [entry(1), entry(1, state=EntryState.WITHDRAWN)]):
        city.receive(content, NOW)
    held = city.held("e-1")
    assert held is not None
    assert held.entry.state is EntryState.WITHDRAWN


def secret(flag: Sensitivity) -> dict[str, object]:
    template = entry(1)
    return {"items": (*template.items[:2], replace(template.items[2], sensitivity=flag))}


def test_a_state_secret_is_never_offered_and_not_taken_either() -> None:
    district, city = district_and_city()
    hidden = entry(1, **secret(Sensitivity.STATE_SECRET))
    assert not district.offer(city.name, hidden, TRIGGER)
    assert district.seal(city.name, NOW) == 0
    [content] = seal(district, city, [entry(2)])
    change = open_bundle(content, city.peers).changes[0]
    smuggled = entry_change(hidden, TRIGGER)
    assert outcomes(city, resealed(content, changes=(smuggled, change)))[0][1] == (
        "an entry with secrets, or of another network, does not cross"
    )


def test_between_networks_no_secret_and_nothing_of_the_intranet_crosses() -> None:
    extranet = level(CITY, [DISTRICT], peer_network=Network.INTRANET)
    target = name_of(DISTRICT, Network.INTRANET)
    assert extranet.offer(target, entry(1), TRIGGER)
    assert not extranet.offer(target, entry(2, **secret(Sensitivity.WORK_SECRET)), TRIGGER)
    assert not extranet.offer(target, entry(3, network=Network.INTRANET), TRIGGER)


def tightened(district: Exchange, city: Exchange, **changes: object) -> list[tuple[str, str]]:
    view = entry(1)
    view = replace(view, items=(replace(view.items[0], **changes), *view.items[1:]))  # type: ignore[arg-type]
    city.tighten(district.name, view, NOW + timedelta(seconds=len(city.receipts(district.name))))
    city.seal(district.name, NOW)
    number = city.outstanding(district.name)[-1]
    receipt = city.acknowledge(district.receive(city.bundle(district.name, number) or b"", NOW), NOW)
    return [(each.result, each.reason) for each in receipt.outcomes]


def holding() -> tuple[Exchange, Exchange]:
    """A district that itself holds an entry from below, as the authority for it."""
    district, city = district_and_city()
    with district.database.transaction() as connection:
        told = '{"day":"2026-09-18","document":"x","kind":"resource updated"}'
        values = (
            "e-1",
            "below",
            1,
            "d",
            "accepted",
            "[]",
            entry_to_json(entry(1)),
            told,
            "2026-09-22",
            "2026-10-09",
            0,
        )
        connection.execute(f"INSERT INTO held VALUES ({','.join('?' * 11)})", values)
    return district, city


def test_a_level_above_may_tighten_a_tier() -> None:
    district, city = holding()
    assert tightened(district, city, opening=Opening.NOT_OPEN, sharing=Sharing.CONDITIONAL) == [("taken", "")]
    strict = district.tightened(entry(1))
    assert (strict.items[0].sharing, strict.items[0].opening) == (Sharing.CONDITIONAL, Opening.NOT_OPEN)
    assert strict.items[1:] == entry(1).items[1:]


def test_the_latest_view_of_a_level_above_holds_and_the_entry_itself_lifts_it() -> None:
    district, city = holding()
    for opening in (Opening.NOT_OPEN, Opening.OPEN, Opening.NOT_OPEN):
        assert tightened(district, city, opening=opening) == [("taken", "")]
        assert district.tightened(entry(1)).items[0].opening is opening


def test_a_level_above_may_not_loosen_a_tier() -> None:
    district, city = holding()
    view = entry(1)
    view = replace(view, items=(*view.items[:2], replace(view.items[2], sharing=Sharing.UNCONDITIONAL, condition=None)))
    city.tighten(district.name, view, NOW + timedelta(seconds=len(city.receipts(district.name))))
    city.seal(district.name, NOW)
    receipt = city.acknowledge(district.receive(city.bundle(district.name, 1) or b"", NOW), NOW)
    assert receipt.outcomes[0].reason == "a level above may tighten and never loosen; looser: keeper"
    assert district.tightened(entry(1)) == entry(1)


def test_a_level_below_decides_and_tightens_nothing_above() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    decision = {"kind": "decision", "id": "e-1", "version": 1, "state": "accepted", "reasons": []}
    assert outcomes(city, resealed(content, changes=(decision,)))[0][1] == "510104-extranet is no level above 510100"


def test_a_receipt_for_a_bundle_never_sent_is_refused() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    receipt = city.receive(content, NOW)
    stranger = level(DISTRICT, [CITY])
    with pytest.raises(CodedError, match="never sent so"):
        stranger.acknowledge(receipt, NOW)


def test_a_bundle_opens_to_what_was_sealed() -> None:
    bundle = Bundle(name_of(DISTRICT), name_of(CITY), 1, "0" * 64, "now", ({"kind": "x", "文": "字"},), "")
    content = seal_bundle(bundle, KEYS[DISTRICT])
    assert open_bundle(content, level(CITY, [DISTRICT]).peers) == replace(bundle, digest=digest_of(content))
