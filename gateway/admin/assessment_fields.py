"""Finding in the catalogue, and the assessment, in the administration's schema."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import strawberry

from catalog_sync import assessment
from catalog_sync.assessment import EventKind, Period
from catalog_sync.closed_lists import Sharing
from catalog_sync.search import Obtainable as Answer
from gateway.admin.catalogue_types import Entry, EntryItem
from gateway.admin.desk import Info, unknown
from gateway.admin.explaining import caller_named
from gateway.admin.obtaining import standing
from gateway.admin.policy_steps import tables_on
from gateway.admin.registry_desk import in_thread, own_code, registry_of, sees_all
from gateway.assessing import assess_departments, collect
from gateway.errors import BAD_REQUEST, CodedError

NamedCaller = Annotated[
    str | None, strawberry.argument(name="as", description="Say how items stand for this one, such as `app:benefits`.")
]
strawberry.enum(EventKind, name="AssessedEventKind", description="What an assessment counts as it happens.")
MOST_FOUND = 100


@strawberry.type(description="An entry that was found, and its items in whose names the words are.")
class FoundEntry:
    entry: Entry
    items: list[EntryItem]


@strawberry.type(description="Where an item can be had.")
class ObtainableSource:
    entry: Entry
    item: EntryItem


@strawberry.type(description='The answer to "must we ask the citizen for this?"')
class Obtainable:
    wanted: str
    sharing: Sharing
    sources: list[ObtainableSource]
    text: str = strawberry.field(description="For people, with how each item stands for the caller that was named.")

    @staticmethod
    def of(answer: Answer, told: Mapping[str, str]) -> "Obtainable":
        return Obtainable(
            wanted=answer.wanted,
            sharing=answer.sharing,
            text=answer.text(told),
            sources=[
                ObtainableSource(entry=Entry.of(each.entry), item=EntryItem.of(each.item, each.entry))
                for each in answer.sources
            ],
        )


@strawberry.type(description="One event that a figure counts.")
class FigureEvent:
    kind: EventKind
    day: date
    subject: str
    in_time: bool
    count: int


@strawberry.type(description="A number, out of how many where it is a part of something, with what it counts.")
class Figure:
    name: str
    value: int
    out_of: int | None
    percent: str | None
    subjects: list[str]
    events: list[FigureEvent]

    @staticmethod
    def of(figure: assessment.Figure) -> "Figure":
        return Figure(
            name=figure.name, value=figure.value, out_of=figure.out_of,
            percent=None if figure.rate is None else str(figure.rate), subjects=list(figure.subjects),
            events=[
                FigureEvent(
                    kind=each.kind, day=each.day, subject=each.subject, in_time=each.in_time, count=each.count
                )
                for each in figure.events
            ],
        )  # fmt: skip


@strawberry.type(description="One department's figures over a period.")
class Assessment:
    department: str
    credit_code: str
    figures: list[Figure]


@strawberry.type
class AssessmentQueries:
    @strawberry.field(description="Entries in force in which every word is found, those one cannot read included.")
    async def search_entries(self, info: Info, words: str, first: int = 20) -> list[FoundEntry]:
        if not 1 <= first <= MOST_FOUND:
            raise CodedError(BAD_REQUEST, f"`first` is 1 to {MOST_FOUND}, not {first}.")
        registry = registry_of(info.context)
        hits = await in_thread(lambda: registry.search.find(words, limit=first))
        return [
            FoundEntry(entry=Entry.of(hit.entry), items=[EntryItem.of(item, hit.entry) for item in hit.items])
            for hit in hits
        ]

    @strawberry.field(description="Which of these items can be had, from whom, at which tier.")
    async def obtainable(
        self, info: Info, items: list[str], as_: NamedCaller = None, purpose: str | None = None
    ) -> list[Obtainable]:
        visit = info.context
        registry = registry_of(visit)
        answers = await in_thread(lambda: registry.search.obtainable(items))
        told: Mapping[str, str] = {}
        if as_ is not None:
            caller, tables = await caller_named(visit, as_, purpose), await tables_on(visit, visit.now)
            names = [each.name for answer in answers for each in answer.sources]
            told = standing(tables, caller, names, visit.now, visit.language)
        return [Obtainable.of(answer, told) for answer in answers]

    @strawberry.field(description="The figures of the own department over a period; of all, for who sees all.")
    async def assessments(self, info: Info, first: date, last: date) -> list[Assessment]:
        visit = info.context
        if last < first:
            raise CodedError(BAD_REQUEST, f"The period ends before it begins: {first} to {last}.")
        mine = own_code(visit)
        if mine is None and not sees_all(visit):
            raise unknown(f"assessment of {visit.person.department}")
        period = Period(first, last)
        evidence = await collect(registry_of(visit).office, visit.desk.store, period)
        found = await in_thread(lambda: assess_departments(period, evidence))
        return [
            Assessment(
                department=each.name, credit_code=str(each.department), figures=[Figure.of(f) for f in each.figures]
            )
            for each in found
            if sees_all(visit) or each.department == mine
        ]
