"""Rule profiles: the law's clocks, by legal instrument and day of effect (R66).

A clock that runs keeps the profile it started under: ``start`` puts the profile's id into the RunningClock, and nothing
later reads the profile again. Which instrument a deployment follows is its setting; Order 320 is the default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from catalog_sync.documents import MapNode
from catalog_sync.errors import UNKNOWN_CLOCK, CodedError
from catalog_sync.fields import FieldReader, read_list
from catalog_sync.problems import CatalogueProblem
from catalog_sync.working_days import Deadline, Pause, WorkingCalendar

ORDER_320 = "order-320"


@dataclass(frozen=True, slots=True)
class Clock:
    """One period the law sets, in working days from the day after the event that ``starts`` names.

    ``extension`` is how many working days it may once be prolonged by, 0 if not. ``source``: read, recalled or local.
    """

    id: str
    name: str
    working_days: int
    starts: str
    basis: str
    source: str
    extension: int = 0


@dataclass(frozen=True, slots=True)
class RuleProfile:
    """The clocks of one instrument from its day of effect.

    ``licence`` is the code of the licence under which the public uses what is open where an entry names none; None:
    each entry has to name one.
    """

    id: str
    instrument: str
    effective: date
    clocks: Mapping[str, Clock]
    licence: str | None = None

    def clock(self, identity: str) -> Clock:
        """The clock of that id; CodedError UNKNOWN_CLOCK if the instrument sets none."""
        try:
            return self.clocks[identity]
        except KeyError:
            known = ", ".join(self.clocks)
            message = f"The profile {self.id} has no clock {identity}; it has {known}."
            raise CodedError(UNKNOWN_CLOCK, message) from None

    def start(
        self,
        identity: str,
        event: date,
        calendar: WorkingCalendar,
        *,
        extended: bool = False,
        pauses: Iterable[Pause] = (),
    ) -> "RunningClock":
        """A clock of this profile, begun by an event on a day; ``extended`` once by what the law allows."""
        clock = self.clock(identity)
        days = clock.working_days + (clock.extension if extended else 0)
        return RunningClock(clock.id, self.id, calendar.due(event, days, pauses))


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that was started: its id, the profile it keeps to the end, its deadline."""

    clock: str
    profile: str
    deadline: Deadline


def profile_in_force(instrument: str, on: date, profiles: Iterable[RuleProfile] | None = None) -> RuleProfile:
    """The latest profile with that id, or whose id begins with it and a dash, that was in effect on a day.

    An instrument amended on a day has several profiles: ``order-320``, ``order-320-2027``. CodedError UNKNOWN_CLOCK if
    none was in effect.
    """
    candidates = [
        profile
        for profile in (national_profiles() if profiles is None else profiles)
        if (profile.id == instrument or profile.id.startswith(f"{instrument}-")) and profile.effective <= on
    ]
    if not candidates:
        raise CodedError(UNKNOWN_CLOCK, f"No rule profile {instrument!r} was in effect on {on}.")
    return max(candidates, key=lambda profile: profile.effective)


@lru_cache(maxsize=1)
def national_profiles() -> tuple[RuleProfile, ...]:
    """The profiles that this distribution carries."""
    text = resources.files("catalog_sync").joinpath("rule_profiles.yaml").read_text(encoding="utf-8")
    return read_profiles(text, "rule_profiles.yaml")


def read_profiles(text: str, name: str) -> tuple[RuleProfile, ...]:
    """Profiles from YAML; CatalogueInvalid with everything that is wrong."""
    return read_list(text, name, "profiles", _profile)


def _profile(reader: FieldReader, problems: list[CatalogueProblem]) -> RuleProfile:
    identity, instrument = reader.text("id", required=True), reader.text("instrument", required=True)
    effective = reader.day("effective", required=True)
    licence = reader.text("licence")
    clocks: dict[str, Clock] = {}
    group = reader.group("clocks", required=True)
    if group is not None and isinstance(group.node, MapNode):
        for key in group.node.fields:
            inner = group.group(key, required=True)
            if inner is not None:
                clocks[key] = _clock(key, inner)
    reader.finish()
    return RuleProfile(identity or "", instrument or "", effective or date.min, MappingProxyType(clocks), licence)


def _clock(identity: str, reader: FieldReader) -> Clock:
    clock = Clock(
        identity,
        reader.text("name", required=True) or "",
        reader.number("working_days") or 0,
        reader.text("starts", required=True) or "",
        reader.text("basis", required=True) or "",
        reader.text("source", required=True) or "",
        reader.number("extension") or 0,
    )
    if clock.working_days == 0:
        reader.note("REQUIRED", "working_days", "A clock runs one working day at least.", "Give the number.")
    if clock.source not in ("read", "recalled", "local"):
        reader.note("CLOSED_LIST", "source", "The value is not in the closed list.", "Write read, recalled or local.")
    reader.finish()
    return clock
