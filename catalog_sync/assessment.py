"""Assessment (目标考核): each department's figures over a period, each with the events it counts (R5, R65).

Figures are computed from the catalogue's versions of record and from events that never change, so the same period gives
the same figures whenever it is asked for. Weights are the operator's: a figure without one is shown and not scored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.freshness import Freshness
from catalog_sync.identifiers import CreditCode


class EventKind(StrEnum):
    """What is counted as it happens."""

    CATALOGUE_UPDATED = "catalogue updated"
    CATALOGUE_SUBMITTED = "catalogue submitted"
    REQUEST_ANSWERED = "request answered"
    REQUEST_REFUSED = "request refused"
    REQUEST_OVERDUE = "request left unanswered"
    REFUSAL_OVERTURNED = "refusal overturned"
    DOUBT_ANSWERED = "doubt answered"
    DOUBT_UPHELD = "doubt upheld"
    DOUBT_OVERDUE = "doubt left unanswered"
    CALLS_SERVED = "calls served"
    CALLS_FAILED = "calls failed"
    DATA_STALE = "data stale"
    DATA_RENEWED = "data renewed"
    SCHEMA_DRIFTED = "schema drifted"
    SCHEMA_AS_RELEASED = "schema as released"


@dataclass(frozen=True, slots=True)
class AssessedEvent:
    """One event of a department: what it was about (a request's number, a resource's code) and whether it was in time.

    ``count`` is more than one for what is only summed, such as a day's calls.
    """

    kind: EventKind
    department: CreditCode
    day: date
    subject: str
    in_time: bool = True
    count: int = 1


@dataclass(frozen=True, slots=True)
class Period:
    """Days from first to last, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether a day lies in the period."""
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, out of how many where it is a part of something, and what it counts, for drilling down.

    ``events`` are those counted, of the figures that count events.
    """

    name: str
    value: int
    out_of: int | None
    subjects: tuple[str, ...]
    events: tuple[AssessedEvent, ...] = ()

    @property
    def rate(self) -> Decimal | None:
        """The part as a percentage to one decimal; None where there is nothing to be a part of."""
        if not self.out_of:
            return None
        return (Decimal(100 * self.value) / self.out_of).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Assessment:
    """One department's figures over a period."""

    department: CreditCode
    name: str
    period: Period
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure:
        """The figure of that name; KeyError if there is none."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def score(self, weights: Mapping[str, int]) -> Decimal:
        """The weighted mean of the rates named, in percent to one decimal; a rate of nothing counts as full."""
        total = sum(weights.values())
        if total <= 0:
            raise ValueError("weights must add up to more than nothing")
        gained = sum(
            (Decimal(weight) * (rate if (rate := self.figure(name).rate) is not None else 100))
            for name, weight in weights.items()
        )
        return (Decimal(gained) / total).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an assessment is made from: versions of record, codes that are hooked up, freshness by code, and events.

    ``drifted`` are the codes whose subgraph runs another schema than was released.
    """

    entries: Sequence[CatalogueEntry]
    hooked_up: frozenset[str]
    freshness: Mapping[str, Freshness]
    events: Sequence[AssessedEvent]
    drifted: frozenset[str] = frozenset()


def assess(department: CreditCode, period: Period, evidence: Evidence) -> Assessment:
    """The figures of one department over a period."""
    own = [entry for entry in evidence.entries if entry.provider.credit_code == department]
    events = [each for each in evidence.events if each.department == department and period.covers(each.day)]
    figures = (*_catalogue_figures(own, evidence, events), *_event_figures(events))
    return Assessment(department, own[0].provider.name if own else str(department), period, figures)


def _catalogue_figures(
    own: Sequence[CatalogueEntry], evidence: Evidence, events: Sequence[AssessedEvent]
) -> tuple[Figure, ...]:
    codes = tuple(str(entry.code) for entry in own)
    items = [(f"{entry.code}.{item.alias}", item) for entry in own for item in entry.items]

    def items_that(name: str, hold: Callable[[InformationItem], bool]) -> Figure:
        subjects = tuple(subject for subject, item in items if hold(item))
        return Figure(name, len(subjects), len(items), subjects)

    hooked = tuple(code for code in codes if code in evidence.hooked_up)
    as_released = tuple(code for code in hooked if code not in evidence.drifted)
    judged = tuple(c for c in codes if evidence.freshness.get(c, Freshness.UNKNOWN) is not Freshness.UNKNOWN)
    fresh = tuple(code for code in judged if evidence.freshness[code] is Freshness.FRESH)

    def seen(*kinds: EventKind) -> tuple[AssessedEvent, ...]:
        return tuple(each for each in events if each.kind in kinds)

    renewals = seen(EventKind.DATA_STALE, EventKind.DATA_RENEWED)
    drifts = seen(EventKind.SCHEMA_DRIFTED, EventKind.SCHEMA_AS_RELEASED)
    return (
        Figure("resources catalogued", len(codes), None, codes),
        Figure("items catalogued", len(items), None, tuple(subject for subject, _ in items)),
        items_that("items unconditional", lambda item: item.sharing is Sharing.UNCONDITIONAL),
        items_that("items conditional", lambda item: item.sharing is Sharing.CONDITIONAL),
        items_that("items not shared", lambda item: item.sharing is Sharing.NOT_SHARED),
        items_that("items opened", lambda item: item.opening is not Opening.NOT_OPEN),
        Figure("resources hooked up", len(hooked), len(codes), hooked),
        Figure("resources fresh", len(fresh), len(judged), fresh, renewals),
        Figure("resources as released", len(as_released), len(hooked), as_released, drifts),
    )


def _event_figures(events: Sequence[AssessedEvent]) -> tuple[Figure, ...]:
    def of(*kinds: EventKind) -> list[AssessedEvent]:
        return [each for each in events if each.kind in kinds]

    def counted(name: str, found: Iterable[AssessedEvent], out_of: int | None) -> Figure:
        listed = list(found)
        subjects = tuple(each.subject for each in listed)
        return Figure(name, sum(each.count for each in listed), out_of, subjects, tuple(listed))

    def timely(name: str, found: list[AssessedEvent]) -> Figure:
        return counted(name, (each for each in found if each.in_time), sum(each.count for each in found))

    answered = of(EventKind.REQUEST_ANSWERED, EventKind.REQUEST_REFUSED, EventKind.REQUEST_OVERDUE)
    doubts = of(EventKind.DOUBT_ANSWERED, EventKind.DOUBT_UPHELD, EventKind.DOUBT_OVERDUE)
    served, failed = of(EventKind.CALLS_SERVED), of(EventKind.CALLS_FAILED)
    calls = sum(each.count for each in (*served, *failed))
    return (
        timely("catalogue updates in time", of(EventKind.CATALOGUE_UPDATED)),
        timely("catalogue submissions in time", of(EventKind.CATALOGUE_SUBMITTED)),
        counted("requests received", answered, None),
        timely("requests answered in time", answered),
        counted("requests refused", of(EventKind.REQUEST_REFUSED), len(answered)),
        counted("refusals overturned", of(EventKind.REFUSAL_OVERTURNED), len(of(EventKind.REQUEST_REFUSED))),
        counted("doubts upheld", of(EventKind.DOUBT_UPHELD), len(doubts)),
        counted("doubts late", (each for each in doubts if not each.in_time), len(doubts)),
        counted("calls served", served, calls),
        counted("calls failed", failed, calls),
    )
