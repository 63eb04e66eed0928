"""A process that publishes version after version until somebody kills it. Run as ``python publishing.py FILE``."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.context import HmacKey
from policies.ledger import START, ActFacts
from policies.lines import PolicyVersion, Tokens
from policies.versions import sign_version

KEY = HmacKey("console", b"a-secret-of-the-console-for-tests")


def lines_of(number: int) -> tuple[Tokens, ...]:
    """Two hundred lines that say of which version they are."""
    return tuple(("g", f"app:{place}", f"version:{number}", "a") for place in range(200))


async def publish_for_ever(file: Path) -> None:
    database = SqliteDatabase(file)
    await migrate(database)
    store = SqlPolicyStore(database)
    head = await store.head()
    live = await store.version(head) if head is not None else None
    print("ready", flush=True)  # noqa: T201 - the parent waits for this line
    while True:
        number = (head or 0) + 1
        version = PolicyVersion.of(number, lines_of(number))
        previous = live.version.digest if live else START
        live = sign_version(version, previous, ("user:a", "user:b"), "note", "2026-11-22T12:00:00Z", KEY)
        act = ActFacts(person="user:a", act="publish", about=f"policy {number}", after=version.name)
        await store.publish(live, head, act, datetime(2026, 11, 22, 12, tzinfo=UTC))
        print(number, flush=True)  # noqa: T201 - what was said to be live must be live afterwards
        head = number


if __name__ == "__main__":
    asyncio.run(publish_for_ever(Path(sys.argv[1])))
