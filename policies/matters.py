"""What applications, grants and doubts have in common: who takes a step, when, and the record of steps taken."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.lifecycle import StateMachine
from policies.errors import MATTER_INCOMPLETE, MATTER_REFUSED, CodedError
from policies.lines import time_text

S = TypeVar("S", bound=StrEnum)


class Taker(StrEnum):
    """Who takes a step of a matter or a draft."""

    APPLICANT = "applicant"
    PROVIDER = "provider"
    EITHER = "either side"
    COORDINATOR = "coordinating department"
    RAISER = "raiser"
    AUTHOR = "author"
    SECOND_PERSON = "second person"
    STANDING = "persons who stand for it"
    CLOCK = "clock"


class Party(msgspec.Struct, frozen=True):
    """A person acting for one department; ``-`` for a member of the public."""

    subject: str
    department: str


class Step(msgspec.Struct, frozen=True):
    """A step that was taken."""

    at: str
    by: Party
    act: str
    note: str = ""


CLOCK = Party("clock", "-")
"""Who takes the steps that time takes."""


def step(now: datetime, by: Party, act: str, note: str = "") -> Step:
    """A step at ``now``."""
    return Step(time_text(now), by, act, note)


def day_of(now: datetime) -> date:
    """The day in Chongqing, in which clocks are counted."""
    return date_in_chongqing(now)


def after(machine: StateMachine, state: S, event: str, subject: str) -> S:
    """The state that an event leads to. Raises CodedError MATTER_REFUSED if there is no such step, saying which are."""
    target = machine.target(state, event)
    demand(target is not None, f"{subject} is {state}, so one cannot {event}. Possible now: {machine.possible(state)}.")
    assert isinstance(target, type(state))
    return target


def demand(condition: bool, message: str) -> None:
    """Raises CodedError MATTER_REFUSED."""
    if not condition:
        raise CodedError(MATTER_REFUSED, message)


def demand_complete(about: str, problems: Iterable[str]) -> None:
    """Raises CodedError MATTER_INCOMPLETE with all problems."""
    found = list(problems)
    if found:
        raise CodedError(MATTER_INCOMPLETE, f"{about}: {'; '.join(found)}.", {"problems": found})
