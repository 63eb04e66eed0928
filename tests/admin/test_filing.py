"""Reading the ledger from a moment on: found fast, and nothing left out."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.ledger import Outcome, ReadFacts
from policies.lines import time_text
from policies.records import all_records
from tests.policies.memory_store import memory_store

START = datetime(2026, 9, 18, 2, tzinfo=UTC)
READ = ReadFacts(caller="anon", outcome=Outcome.GRANTED, policy_version="1", graph_version="g", items=("r.a",))


@pytest.mark.parametrize("hours", [-5, 0, 1, 2, 12, 40, 41, 500])
async def test_records_since_a_moment_are_all_found(hours: int) -> None:
    async with memory_store() as store:
        for hour in range(41):
            await store.record_reads([READ], START + timedelta(hours=hour))
        since = time_text(START + timedelta(hours=hours))
        read = [record async for record in all_records(store, since=since)]
        everything = [record async for record in all_records(store)]
        assert [r for r in read if r.at >= since] == [r for r in everything if r.at >= since]
        assert len(read) <= len([r for r in everything if r.at >= since]) + 1, "an hour of margin, no more"
        assert [r.number for r in everything] == list(range(1, 42))
