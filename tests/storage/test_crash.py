"""A process killed while it publishes leaves a whole version live, loses no edit it reported, and keeps the chain.

``make prove-access`` kills two hundred times.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.ledger import verify_chain
from tests.storage.publishing import KEY, lines_of

KILLS = int(os.environ.get("PUBLICATION_KILLS", "8"))


def publish_and_kill(file: Path, chance: random.Random) -> int:
    """Lets a process publish for a moment, kills it with SIGKILL, and gives the last version that it reported."""
    command = [sys.executable, "-m", "tests.storage.publishing", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        # How many versions it may finish is chance; the kill then falls anywhere within the next one.
        reported = 0
        for _ in range(chance.randint(1, 5)):
            reported = int(process.stdout.readline())
        time.sleep(chance.random() * 0.004)
        process.kill()
        rest = process.stdout.read().split()
        process.wait()
    return max([reported, *(int(word) for word in rest if word.isdigit())])


async def test_a_kill_at_any_moment_leaves_one_whole_version_and_an_unbroken_ledger(tmp_path: Path) -> None:
    file, chance = tmp_path / "policy.db", random.Random(os.environ.get("CRASH_SEED", "crash"))
    for _ in range(KILLS):
        reported = publish_and_kill(file, chance)
        database = SqliteDatabase(file)
        store = SqlPolicyStore(database)
        head = await store.head()
        assert head is not None
        assert reported <= head <= reported + 1, "what was reported is live; at most the one under way as well"
        for number in (head - 1, head):
            signed = await store.version(number)
            if number:
                assert signed is not None
                signed.verify({KEY.id: KEY})
                assert signed.version.lines == lines_of(number)
        assert await store.version(head + 1) is None
        records = [record for start in range(0, head, 1000) for record in await store.records(start)]
        anchor = verify_chain(records)
        assert anchor is not None
        assert anchor.number == head, "one record for each version"
        await database.close()
