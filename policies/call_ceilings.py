"""How many operations of a day may use a grant (R38), and the counting of them.

A line ``calls`` says it for a grant, from the document that was signed. What counts is an answer: it is counted in the
transaction that writes its record, before it leaves, so neither a crash nor any number of processes gives one too many.
Days are those of Chongqing. Invariant: of the answers given on a day, no more rest on a grant than its ceiling allows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from catalog_sync.chongqing_days import CHONGQING
from policies.errors import GRANT_USED_UP
from policies.ledger import Outcome, ReadFacts
from policies.lines import Tokens
from policies.matters import day_of

CALLS = "calls"
Ceilings = tuple[tuple[str, int], ...]
"""Grants by number, each with how many operations of a day may use it."""


def ceilings_of(lines: Iterable[Tokens]) -> dict[str, int]:
    """The ceilings that a policy sets, by grant."""
    return {tokens[1]: int(tokens[2]) for tokens in lines if tokens[0] == CALLS}


class CountedRead(msgspec.Struct, frozen=True):
    """An operation that was executed, with the ceilings of the grants it used.

    ``done`` says that it changed something: it counts, and is answered whatever the count.
    """

    facts: ReadFacts
    ceilings: Ceilings = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting found: what is ``used`` of each grant on ``day``, and by place the grant that had no call left."""

    day: date
    used: Mapping[str, int]
    refused: Mapping[int, str]


def count_reads(reads: Iterable[CountedRead], used: Mapping[str, int], day: date) -> tuple[list[ReadFacts], Counted]:
    """The facts to record, in order, and what of each grant is used after them; ``used`` is what was before."""
    now = dict(used)
    refused: dict[int, str] = {}
    recorded = []
    for place, read in enumerate(reads):
        full = next((grant for grant, most in read.ceilings if now.get(grant, 0) >= most), None)
        if full is not None and not read.done:
            refused[place] = full
            recorded.append(
                msgspec.structs.replace(read.facts, outcome=Outcome.REFUSED, reason=f"{GRANT_USED_UP.name} {full}")
            )
            continue
        for grant, _ in read.ceilings:
            now[grant] = now.get(grant, 0) + 1
        recorded.append(read.facts)
    return recorded, Counted(day, now, refused)


def seconds_left(now: datetime) -> int:
    """Until the day ends in Chongqing, when counting begins anew."""
    ends = datetime.combine(day_of(now) + timedelta(days=1), time(), CHONGQING).astimezone(UTC)
    return max(1, round((ends - now).total_seconds()))
