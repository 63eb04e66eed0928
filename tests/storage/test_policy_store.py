"""Versions, drafts, matters and the ledger are kept whole, on SQLite and on PostgreSQL alike."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest

from gateway.storage.database import Database, StoreUnavailableError
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.postgres import PostgresDatabase
from gateway.storage.sqlite import SqliteDatabase
from policies.call_ceilings import CountedRead
from policies.context import HmacKey
from policies.drafts import Draft
from policies.errors import CodedError
from policies.ledger import START, ActFacts, Outcome, ReadFacts, verify_chain
from policies.lines import PolicyVersion
from policies.ports import StoredMatter
from policies.versions import SignedVersion, sign_version
from tests.storage.databases import ENGINES, empty_postgresql, postgresql_server

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = HmacKey("console", b"a-secret-of-the-console-for-tests")
ACT = ActFacts(person="user:sue", act="publish", about="policy")
READ = ReadFacts(
    caller="app:portal", outcome=Outcome.GRANTED, policy_version="1", graph_version="1", items=("30700503/1.name",)
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    yield from postgresql_server()


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    opened = (
        await empty_postgresql(request.getfixturevalue("postgresql"))
        if request.param == "postgresql"
        else SqliteDatabase(tmp_path / "policy.db")
    )
    await migrate(opened)
    yield opened
    await opened.close()


def signed(number: int, previous: str = START) -> SignedVersion:
    version = PolicyVersion.of(number, (("g", "app:x", f"version:{number}", "a"),))
    return sign_version(version, previous, ("user:sue", "user:tom"), "为何", "2026-11-22T12:00:00Z", KEY)


async def test_a_published_version_is_live_and_comes_back_as_it_was(database: Database) -> None:
    store = SqlPolicyStore(database)
    assert await store.head() is None
    await store.publish(signed(1), None, ACT, AT)
    assert await store.head() == 1
    assert await store.version(1) == signed(1)
    assert await store.version(2) is None


async def test_of_two_who_publish_on_the_same_version_one_wins_and_nothing_of_the_other_stays(
    database: Database,
) -> None:
    store = SqlPolicyStore(database)
    await store.publish(signed(1), None, ACT, AT)
    draft = Draft(id="d", base=1, author="user:sue", note="", text="")
    results = await asyncio.gather(
        store.publish(signed(2), 1, ACT, AT, draft),
        store.publish(signed(2), 1, ACT, AT, draft),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, CodedError)]
    assert [error.code.name for error in refused] == ["DRAFT_STALE"]
    assert len(await store.records()) == 2
    assert await store.draft("d") == draft


async def test_a_stale_draft_publishes_nothing(database: Database) -> None:
    store = SqlPolicyStore(database)
    draft = Draft(id="d", base=1, author="user:sue", note="", text="")
    await store.save_draft(draft, ACT, AT)
    with pytest.raises(CodedError):
        await store.publish(signed(1), None, ACT, AT, draft)
    assert await store.head() is None
    assert await store.version(1) is None
    assert len(await store.records()) == 1


async def test_nobody_overwrites_what_another_saved(database: Database) -> None:
    store = SqlPolicyStore(database)
    draft = Draft(id="d", base=1, author="user:sue", note="first", text="")
    await store.save_draft(draft, ACT, AT)
    second = msgspec.structs.replace(draft, note="second", revision=2)
    await store.save_draft(second, ACT, AT)
    with pytest.raises(CodedError) as caught:
        await store.save_draft(msgspec.structs.replace(draft, note="late", revision=2), ACT, AT)
    assert caught.value.code.name == "DRAFT_STALE"
    assert await store.drafts() == [second]


async def test_matters_are_kept_by_kind_and_revision(database: Database) -> None:
    store = SqlPolicyStore(database)
    matter = StoredMatter("Q-1", "application", 1, '{"目的":"核验"}'.encode())
    await store.save_matter(matter, ACT, AT)
    assert await store.matter("Q-1") == matter
    assert await store.matters("application") == [matter]
    assert await store.matters("doubt") == []
    with pytest.raises(CodedError):
        await store.save_matter(matter, ACT, AT)


async def test_reads_written_together_make_one_chain_with_the_acts(database: Database) -> None:
    store = SqlPolicyStore(database)
    await store.publish(signed(1), None, ACT, AT)
    anchors = await asyncio.gather(*(store.record_reads([READ] * 5, AT) for _ in range(4)))
    records = await store.records()
    assert len(records) == 21
    last = verify_chain(records, anchors)
    assert last == max(anchors, key=lambda anchor: anchor.number)
    assert await store.records(after=20) == records[20:]
    assert await store.records(limit=3) == records[:3]


LIMITED = CountedRead(msgspec.structs.replace(READ, grants=("Q-1",)), (("Q-1", 7),))


async def test_of_calls_that_come_at_once_as_many_are_granted_as_a_day_allows_and_all_are_recorded(
    database: Database,
) -> None:
    store = SqlPolicyStore(database)
    found = await asyncio.gather(*(store.record_calls([LIMITED] * 3, AT) for _ in range(4)))
    assert sum(len(counted.refused) for counted in found) == 12 - 7
    assert {grant for counted in found for grant in counted.refused.values()} == {"Q-1"}
    assert (await store.calls_used(AT)).get("Q-1", 0) == 7
    outcomes = [msgspec.json.decode(record.body, type=ReadFacts).outcome for record in await store.records()]
    assert (outcomes.count(Outcome.GRANTED), outcomes.count(Outcome.REFUSED)) == (7, 5)


async def test_counting_begins_anew_when_the_day_ends_in_chongqing(database: Database) -> None:
    store = SqlPolicyStore(database)
    before, midnight = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert len((await store.record_calls([LIMITED] * 9, before)).refused) == 2
    assert (await store.record_calls([LIMITED] * 7, midnight)).refused == {}
    assert ((await store.calls_used(before)).get("Q-1", 0), (await store.calls_used(midnight)).get("Q-1", 0)) == (7, 7)


async def test_what_has_changed_something_counts_and_is_answered_though_no_call_was_left(database: Database) -> None:
    store = SqlPolicyStore(database)
    done = CountedRead(LIMITED.facts, LIMITED.ceilings, done=True)
    assert (await store.record_calls([LIMITED] * 7 + [done, LIMITED], AT)).refused == {8: "Q-1"}
    assert (await store.calls_used(AT)).get("Q-1", 0) == 8


async def test_each_save_of_a_matter_is_seen_by_who_looks_for_its_kind_alone(database: Database) -> None:
    store = SqlPolicyStore(database)
    seen = [await store.matters_saved("doubt")]
    for revision in (1, 2):
        await store.save_matter(StoredMatter("D-1", "doubt", revision, b"{}"), ACT, AT)
        seen.append(await store.matters_saved("doubt"))
    assert len(set(seen)) == 3
    await store.save_matter(StoredMatter("A-1", "application", 1, b"{}"), ACT, AT)
    assert await store.matters_saved("doubt") == seen[-1]


async def test_two_workers_share_one_file_and_one_chain(tmp_path: Path) -> None:
    databases = [SqliteDatabase(tmp_path / "policy.db") for _ in range(2)]
    for database in databases:
        await migrate(database)
    stores = [SqlPolicyStore(database) for database in databases]
    await asyncio.gather(*(store.record_reads([READ], AT) for store in stores for _ in range(10)))
    assert verify_chain(await stores[0].records()) == verify_chain(await stores[1].records())
    assert len(await stores[0].records()) == 20
    for database in databases:
        await database.close()


async def test_a_cancelled_write_leaves_no_lock_and_nothing_half_done(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "policy.db")
    await migrate(database)
    store = SqlPolicyStore(database)

    written = asyncio.Event()

    async def hang() -> None:
        async with database.write() as transaction:
            await transaction.execute("INSERT INTO policy_head VALUES (1, 99)")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.head() is None
    await store.publish(signed(1), None, ACT, AT)
    await database.close()


async def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "policy.db")
    await migrate(database)
    await migrate(database)
    async with database.write() as transaction:
        await transaction.execute("INSERT INTO policy_schema VALUES (99)")
    with pytest.raises(CodedError) as caught:
        await migrate(database)
    assert caught.value.code.name == "STORE_TOO_NEW"
    await database.close()


async def test_a_database_that_cannot_be_asked_says_so(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "missing" / "policy.db")
    with pytest.raises(StoreUnavailableError):
        await SqlPolicyStore(database).head()
    await database.close()


@pytest.mark.postgres
async def test_a_connection_that_the_server_ended_is_told_as_an_outage_and_made_again(postgresql: str) -> None:
    database = await PostgresDatabase.connect(postgresql, connections=1)
    other = await PostgresDatabase.connect(postgresql, connections=1)

    async def be_cut_off() -> None:
        async with database.write() as transaction, other.read() as ending:
            [(process,)] = await transaction.fetch("SELECT pg_backend_pid()")
            await ending.execute("SELECT pg_terminate_backend($1)", process)
            await transaction.fetch("SELECT 1")

    try:
        with pytest.raises(StoreUnavailableError) as caught:
            await be_cut_off()
        assert caught.value.code.name == "POLICY_STORE_UNAVAILABLE"
        async with database.read() as transaction:
            assert await transaction.fetch("SELECT 1") == [(1,)]
    finally:
        await database.close()
        await other.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "raised",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 4"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_the_driver_calls_it_an_outage_is_an_outage(postgresql: str, raised: Exception) -> None:
    database = await PostgresDatabase.connect(postgresql, connections=1)
    try:
        with pytest.raises(StoreUnavailableError, match=type(raised).__name__):
            async with database.read():
                raise raised
        async with database.read() as transaction:
            assert await transaction.fetch("SELECT 1") == [(1,)], "and the next is answered"
    finally:
        await database.close()


async def test_a_server_that_is_not_there_is_an_outage_too() -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be asked now"):
        await PostgresDatabase.connect("postgresql://127.0.0.1:1/nothing")
