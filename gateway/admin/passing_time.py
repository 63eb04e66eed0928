"""What time does by itself to matters: whose clock has passed is overdue, in store and ledger, when it is due.

Who looks at a matter sees it overdue at once; here it becomes a record although nobody looks, so that it is escalated
and counted. Silence grants nothing: all that can happen to an application here is that it is overdue. Every worker may
sweep: the store keeps a step only upon the revision that was looked at, so each is taken once.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from gateway.admin.desk import Desk
from gateway.errors import CodedError
from policies import doubts, grants, openings
from policies.errors import DRAFT_STALE
from policies.ledger import ActFacts
from policies.matters import CLOCK
from policies.ports import StoredMatter

SWEEP_SECONDS = 60.0
M = TypeVar("M", grants.Application, openings.OpeningApplication, doubts.Doubt)
_log = logging.getLogger("watersmeet.admin")


async def sweep(desk: Desk) -> int:
    """Keeps, for every matter whose clock has passed, that it is overdue; gives how many there were."""
    return (
        await _sweep_kind(desk, "application", grants.Application, grants.note_passing_of_time)
        + await _sweep_kind(desk, "opening", openings.OpeningApplication, openings.note_passing_of_time)
        + await _sweep_kind(desk, "doubt", doubts.Doubt, doubts.note_passing_of_time)
    )


async def sweep_for_ever(desk: Desk, seconds: float = SWEEP_SECONDS) -> None:
    """Sweeps again and again. A store that fails for a while is waited for."""
    while True:
        try:
            await sweep(desk)
        except (OSError, TimeoutError, CodedError) as error:
            _log.error("matters whose clock has passed could not be kept: %s", type(error).__name__)
        await asyncio.sleep(seconds)


async def _sweep_kind(desk: Desk, kind: str, type_: type[M], pass_time: Callable[[M, datetime], M]) -> int:
    now, taken = desk.clock(), 0
    for stored in await desk.store.matters(kind):
        before = msgspec.json.decode(stored.body, type=type_)
        after = pass_time(before, now)
        if after is not before:
            taken += await _keep(desk, stored, after, now)
    return taken


async def _keep(desk: Desk, stored: StoredMatter, after: M, now: datetime) -> int:
    last = after.steps[-1]
    facts = ActFacts(
        person=CLOCK.subject, department=CLOCK.department, act=last.act, about=f"{stored.kind} {stored.id}",
        after=after.state, reason=last.note,
    )  # fmt: skip
    matter = StoredMatter(stored.id, stored.kind, stored.revision + 1, msgspec.json.encode(after))
    try:
        await desk.store.save_matter(matter, facts, now)
    except CodedError as error:
        # Another worker, or a person's step, was faster.
        if error.code is not DRAFT_STALE:
            raise
        return 0
    return 1
