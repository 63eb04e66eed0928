"""Reading the ledger of a store record by record, however long it is."""

from collections.abc import AsyncIterator
from datetime import timedelta

from policies.ledger import LedgerRecord
from policies.lines import time_of, time_text
from policies.ports import PolicyStore

PAGE = 2_000
_MARGIN = timedelta(hours=1)


async def all_records(store: PolicyStore, after: int = 0, since: str | None = None) -> AsyncIterator[LedgerRecord]:
    """The chain from the record after a number; those of long before ``since`` are left out."""
    if since is not None:
        # Workers' clocks differ a little, so a record can stand before one that was written earlier.
        after = max(after, await _last_before(store, time_text(time_of(since) - _MARGIN)))
    while page := await store.records(after, PAGE):
        for record in page:
            yield record
        after = page[-1].number


async def _last_before(store: PolicyStore, moment: str) -> int:
    """The number of the last record before a moment, found in as many steps as the chain's length has digits."""

    async def before(number: int) -> bool:
        found = await store.records(number - 1, 1)
        return bool(found) and found[0].at < moment

    low, step = 0, 1
    while await before(low + step):
        low, step = low + step, step * 2
    while step > 1:
        step //= 2
        if await before(low + step):
            low += step
    return low
