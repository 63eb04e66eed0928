import random
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from catalog_sync.bundles import digest_of
from catalog_sync.endpoint import DIGEST, LENGTH, OFFSET, signed_headers
from catalog_sync.errors import CodedError
from catalog_sync.exchange import Exchange
from catalog_sync.signing import SigningKey
from catalog_sync.store import SqlCatalogueStore, verify_ledger
from catalog_sync.uploads import Uploads
from catalog_sync.upstream import Upstream, take_files, write_bundles
from tests.catalogue import levels
from tests.catalogue.databases import DATABASES
from tests.catalogue.exchange_process import Level
from tests.catalogue.http_levels import BreakingLine, serving
from tests.catalogue.killing import kill_at_random
from tests.catalogue.levels import DISTRICT, KEYS, NOW, TRIGGER, contents, district_and_city, entry, seal, state

pytestmark = pytest.mark.usefixtures("engine")


def upstream(
    district: Exchange, city: Exchange, port: int, session: aiohttp.ClientSession, part: int = 700
) -> Upstream:
    return Upstream(district, city.name, f"http://127.0.0.1:{port}", session, lambda: NOW, part)


async def test_one_run_sends_what_waits_and_fetches_what_was_decided() -> None:
    district, city = district_and_city()
    district.offer(city.name, entry(1), TRIGGER)
    district.offer(city.name, entry(2), TRIGGER)
    seen: list[tuple[int, int]] = []
    async with serving(city) as port, aiohttp.ClientSession() as session:
        line = upstream(district, city, port, session)
        first = await line.synchronise(lambda done, total: seen.append((done, total)))
        city.decide("e-1", "accept", "reviewer", NOW)
        city.decide("e-2", "return", "reviewer", NOW, ["理由"])
        second = await line.synchronise()
    assert (first.sent, first.taken, second.sent, second.taken) == (1, 0, 0, 1)
    assert seen == [(0, 1), (1, 1)]
    assert [told.state for each in ("e-1", "e-2") for told in district.decisions(each)] == ["accepted", "returned"]
    assert city.outstanding(district.name) == ()


async def test_what_the_other_end_refuses_is_told_with_its_reason() -> None:
    district, city = district_and_city()
    district.offer(city.name, entry(1, levels.OTHER_DISTRICT), TRIGGER)
    async with serving(city) as port, aiohttp.ClientSession() as session:
        done = await upstream(district, city, port, session).synchronise()
    assert done.refused == (("e-1 version 1", "510104-extranet submits an entry of 510105, which is not its division"),)


@pytest.mark.parametrize("seed", range(6))
async def test_a_line_that_breaks_at_any_byte_loses_and_doubles_nothing(seed: int) -> None:
    chance = random.Random(seed)
    district, city = district_and_city()
    seal(district, city, [entry(number) for number in range(1, 4)])
    async with serving(city) as port:
        for _ in range(200):
            breaking = BreakingLine(port, chance.randrange(1, 3000))
            async with breaking as broken_port, aiohttp.ClientSession() as session:
                with suppress(CodedError):
                    await upstream(district, city, broken_port, session).synchronise()
                    break
        else:
            pytest.fail("never done")
    assert contents(city) == [(f"e-{number}", 1, "submitted") for number in range(1, 4)]
    assert district.outstanding(city.name) == ()
    assert verify_ledger(SqlCatalogueStore(city.database).ledger()) == 3
    assert verify_ledger(SqlCatalogueStore(district.database).ledger()) == 6


async def test_the_bytes_that_arrived_before_the_line_broke_are_not_sent_again() -> None:
    district, city = district_and_city()
    for number in range(1, 11):
        district.offer(city.name, entry(number), TRIGGER)
    [content] = seal(district, city, [])
    Uploads(city.database).keep(district.name, 1, digest_of(content), 0, content[:-100])
    async with serving(city) as port:
        enough_for_the_rest = BreakingLine(port, len(content) // 2)
        async with enough_for_the_rest as line, aiohttp.ClientSession() as session:
            with suppress(CodedError):
                await upstream(district, city, line, session).synchronise()
    assert len(contents(city)) == 10


async def test_an_upload_that_is_not_what_was_announced_is_thrown_away() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    Uploads(city.database).keep(district.name, 1, digest_of(content), 0, b"x" * 500)
    async with serving(city) as port, aiohttp.ClientSession() as session:
        line = upstream(district, city, port, session)
        with pytest.raises(CodedError) as refused:
            await line.synchronise()
        assert refused.value.code.name == "UPLOAD_REFUSED"
        await line.synchronise()
    assert contents(city) == [("e-1", 1, "submitted")]


@pytest.mark.parametrize("key", [SigningKey.generate("unknown"), SigningKey.generate(KEYS[DISTRICT].id)])
async def test_nobody_unknown_stores_a_byte(key: SigningKey) -> None:
    district, city = district_and_city()
    target = f"/exchange/{district.name}/bundles/1"
    headers = signed_headers(key, "PATCH", target, {OFFSET: "0", LENGTH: "4", DIGEST: "d"}, NOW)
    async with serving(city) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}{target}"
        async with session.patch(url, data=b"data", headers=headers) as answer:
            assert answer.status == 403
    assert Uploads(city.database).received(district.name, 1, "d") == 0


@pytest.mark.parametrize("at", [NOW - timedelta(minutes=6), NOW + timedelta(minutes=6), NOW.replace(tzinfo=None)])
async def test_a_request_of_another_time_is_refused(at: datetime) -> None:
    district, city = district_and_city()
    target = f"/exchange/{district.name}/outbox"
    headers = signed_headers(KEYS[DISTRICT], "GET", target, {}, at)
    async with (
        serving(city) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{target}", headers=headers) as answer,
    ):
        assert (answer.status, (await answer.json())["code"]) == (403, "REQUEST_STALE")


async def test_a_bundle_refused_at_the_endpoint_leaves_no_byte_behind() -> None:
    district, city = district_and_city()
    [content] = seal(district, city, [entry(1)])
    damaged = content.replace(b"Stop1", b"Stop9")
    before = state(city)
    target = f"/exchange/{district.name}/bundles/1"
    headers = {OFFSET: "0", LENGTH: str(len(damaged)), DIGEST: digest_of(damaged)}
    async with serving(city) as port, aiohttp.ClientSession() as session:
        signed = signed_headers(KEYS[DISTRICT], "PATCH", target, headers, NOW)
        async with session.patch(f"http://127.0.0.1:{port}{target}", data=damaged, headers=signed) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "SIGNATURE_WRONG")
    assert state(city) == before


@pytest.mark.parametrize(("start", "length", "sent"), [(5, 10, 1), (0, 3, 4), (0, 0, 1), (0, 10**9, 1)])
async def test_a_part_that_fits_nowhere_is_refused(start: int, length: int, sent: int) -> None:
    district, city = district_and_city()
    target = f"/exchange/{district.name}/bundles/1"
    headers = {OFFSET: str(start), LENGTH: str(length), DIGEST: "d"}
    async with serving(city) as port, aiohttp.ClientSession() as session:
        signed = signed_headers(KEYS[DISTRICT], "PATCH", target, headers, NOW)
        async with session.patch(f"http://127.0.0.1:{port}{target}", data=b"x" * sent, headers=signed) as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, "UPLOAD_REFUSED")


async def test_an_address_where_nobody_answers_is_told() -> None:
    district, city = district_and_city()
    district.offer(city.name, entry(1), TRIGGER)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(CodedError) as refused:
            await upstream(district, city, 1, session).synchronise()
    assert refused.value.code.name == "EXCHANGE_UNREACHABLE"
    assert district.outstanding(city.name) == (1,)


def test_bundles_carried_by_file_arrive_in_any_order_and_receipts_come_back(tmp_path: Path) -> None:
    district, city = district_and_city()
    for number in (1, 2, 3):
        district.offer(city.name, entry(number), TRIGGER)
        district.seal(city.name, NOW)
    paths = write_bundles(district, city.name, tmp_path, NOW)
    assert len(paths) == 3
    (tmp_path / "damaged.bundle").write_bytes(paths[0].read_bytes()[:-1])
    told = dict(take_files(city, tmp_path, NOW))
    assert told.pop("damaged.bundle").startswith("refused, BUNDLE_MALFORMED")
    assert set(told.values()) == {"applied"}
    assert contents(city) == [("e-1", 1, "submitted"), ("e-2", 1, "submitted"), ("e-3", 1, "submitted")]
    assert set(dict(take_files(district, tmp_path, NOW)).values()) >= {"applied"}
    assert district.outstanding(city.name) == ()


def test_a_level_restored_from_an_old_backup_is_given_again_what_it_forgot(tmp_path: Path) -> None:
    district, city = district_and_city()
    bundles = seal(district, city, [entry(1), entry(2), entry(3)])
    restored = levels.level(levels.CITY, [DISTRICT])
    restored.receive(bundles[0], NOW)
    for content in bundles:
        district.acknowledge(city.receive(content, NOW), NOW)
    assert write_bundles(district, city.name, tmp_path, NOW) == ()
    assert (
        len(write_bundles(district, city.name, tmp_path, NOW, since=restored.applied_through(district.name) + 1)) == 2
    )
    take_files(restored, tmp_path, NOW)
    assert contents(restored) == contents(city)


async def test_any_of_three_levels_may_be_killed_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for division, key in KEYS.items():
        monkeypatch.setitem(levels.KEYS, division, key)
    addresses = {level: str(DATABASES.address(tmp_path / f"{level}.db")) for level in Level}
    report = await kill_at_random(addresses, 3, seed=11)
    assert report.kills.total() == 3
    assert report.differences == ()
    assert report.ledger_rows > report.decisions
