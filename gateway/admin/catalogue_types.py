"""Entries of the catalogue in the administration's schema."""

from datetime import date

import strawberry

from catalog_sync import comparison
from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.closed_lists import EntryState, Opening, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.exchange import Exchange, Held
from catalog_sync.interchange import yaml_text
from catalog_sync.licences import Licence, licence_of
from catalog_sync.lifecycle import SubmissionState
from catalog_sync.obligations import Obligation
from catalog_sync.office import CatalogueOffice
from catalog_sync.opening_reviews import Findings, ReviewKind, ReviewResult
from catalog_sync.opening_reviews import OpeningReview as Reviewed
from catalog_sync.ports import LedgerRow
from catalog_sync.registry import EntryRecord, EntryVersion, Trigger, TriggerKind
from gateway.admin.desk import Info
from gateway.admin.matter_types import Clock

strawberry.enum(EntryState, description="Where a version of an entry stands.")
strawberry.enum(Sharing, name="SharingTier", description="Between departments.")
strawberry.enum(Opening, name="OpeningTier", description="To the public.")
strawberry.enum(TriggerKind, description="What made a version necessary; the law's clock runs from its day.")
strawberry.enum(comparison.Effect, name="ChangeEffect", description="What a change means for those who use a resource.")
strawberry.enum(ReviewKind, name="OpeningReviewKind", description="What is looked for before an item opens.")
strawberry.enum(ReviewResult, name="OpeningReviewResult", description="Whether items may open as they are written.")
strawberry.enum(SubmissionState, description="Where an entry stands at one level of its way upwards.")


@strawberry.input(description="The event behind a version.")
class TriggerInput:
    kind: TriggerKind
    day: date
    document: str = strawberry.field(description="The document that shows the event.")

    def value(self) -> Trigger:
        """The event as the registry keeps it."""
        return Trigger(self.kind, self.day, self.document)


@strawberry.type(description="An item with its place on both axes.")
class EntryItem:
    alias: str
    name: str
    sharing: Sharing
    opening: Opening
    condition: str | None

    @staticmethod
    def of(item: InformationItem, entry: CatalogueEntry) -> "EntryItem":
        return EntryItem(
            alias=item.alias, name=item.name, sharing=item.sharing, opening=item.opening,
            condition=entry.condition_of(item),
        )  # fmt: skip


@strawberry.type(description="One difference between two versions.")
class EntryChange:
    path: str
    before: str
    after: str
    effect: comparison.Effect

    @staticmethod
    def of(change: comparison.Change) -> "EntryChange":
        return EntryChange(path=change.path, before=change.before, after=change.after, effect=change.effect)


@strawberry.type(description="One version: what it says never changes.")
class EntryVersionView:
    number: int
    state: EntryState
    digest: str
    event: TriggerKind
    event_day: date
    event_document: str
    submitted_by: str | None
    reasons: list[str]
    content: str = strawberry.field(description="YAML, as the catalogue's files have it.")

    @staticmethod
    def of(version: EntryVersion) -> "EntryVersionView":
        return EntryVersionView(
            number=version.number, state=version.state, digest=version.digest, event=version.trigger.kind,
            event_day=version.trigger.day, event_document=version.trigger.document, submitted_by=version.submitted_by,
            reasons=list(version.reasons), content=yaml_text([version.entry]),
        )  # fmt: skip


@strawberry.type(name="Licence", description="Under what the public uses an entry's open items.")
class LicenceView:
    code: str
    version: str = strawberry.field(description="What is accepted: the code, and the day from which its text holds.")
    link: str
    acceptance: bool = strawberry.field(description="Whether each user has to accept it, resource by resource.")
    said: strawberry.Private[Licence]

    @strawberry.field(description="In the language of the request.")
    def title(self, info: Info) -> str:
        return self.said.title.within(info.context.language)

    @strawberry.field(description="In the language of the request.")
    def conditions(self, info: Info) -> str:
        return self.said.conditions.within(info.context.language)

    @staticmethod
    def of(licence: Licence | None) -> "LicenceView | None":
        if licence is None:
            return None
        return LicenceView(
            code=licence.code, version=licence.version, link=licence.link, acceptance=licence.acceptance, said=licence
        )


@strawberry.type(name="Entry", description="An entry of the catalogue, by its newest version.")
class Entry:
    id: strawberry.ID
    code: str
    title: str
    provider: str
    provider_code: str
    state: EntryState
    version: int
    sharing: Sharing
    opening: Opening
    licence: LicenceView | None = strawberry.field(description="None where nothing is open.")
    items: list[EntryItem]

    @staticmethod
    def of(entry: CatalogueEntry) -> "Entry":
        return Entry(
            id=strawberry.ID(entry.id), code=str(entry.code), title=entry.title, provider=entry.provider.name,
            provider_code=str(entry.provider.credit_code), state=entry.state, version=entry.version,
            sharing=entry.sharing, opening=entry.opening,
            licence=LicenceView.of(licence_of(entry, date_in_chongqing())),
            items=[EntryItem.of(item, entry) for item in entry.items],
        )  # fmt: skip


@strawberry.type(description="An entry with all its versions, and what the newest changed in the one before.")
class EntryFile:
    entry: Entry
    revision: int = strawberry.field(description="Named by a step, so that nobody decides on what they have not seen.")
    versions: list[EntryVersionView]
    changes: list[EntryChange]

    @staticmethod
    def of(record: EntryRecord) -> "EntryFile":
        changes: tuple[comparison.Change, ...] = ()
        if len(record.versions) > 1:
            changes = comparison.changes_between(record.versions[-2].entry, record.current.entry)
        return EntryFile(
            entry=Entry.of(record.current.entry),
            revision=record.revision,
            versions=[EntryVersionView.of(version) for version in record.versions],
            changes=[EntryChange.of(change) for change in changes],
        )


@strawberry.input(description="What a reviewer found before items open.")
class OpeningReviewInput:
    kind: ReviewKind
    result: ReviewResult
    day: date
    basis: str
    document: str = strawberry.field(description="The number of the document that holds the review.")
    items: list[str] = strawberry.field(default_factory=list, description="Aliases; none: all that are to open.")

    def value(self) -> Findings:
        """The findings as the registry keeps them."""
        items = tuple(dict.fromkeys(self.items))
        return Findings(self.kind, self.result, self.day, self.basis, self.document, items)


@strawberry.type(description="A review before opening, as the registry's ledger has it.")
class OpeningReview:
    kind: ReviewKind
    result: ReviewResult
    reviewer: str
    day: date
    basis: str
    document: str
    version: int = strawberry.field(description="Of the entry; the review counts on while an item is written the same.")
    items: list[str]

    @staticmethod
    def of(made: Reviewed) -> "OpeningReview":
        found = made.found
        return OpeningReview(
            kind=found.kind, result=found.result, reviewer=made.reviewer, day=found.day, basis=found.basis,
            document=found.document, version=made.version, items=list(made.items),
        )  # fmt: skip


@strawberry.type(description="A row of the registry's ledger.")
class RegistryAct:
    number: int
    at: str
    actor: str
    action: str
    reasons: list[str]

    @staticmethod
    def of(row: LedgerRow) -> "RegistryAct":
        listed = row.body.get("reasons")
        reasons = [str(each) for each in listed] if isinstance(listed, list) else []
        return RegistryAct(number=row.number, at=row.at, actor=row.actor, action=row.action, reasons=reasons)


@strawberry.type(description="A version that has to be handed in.")
class CatalogueDuty:
    entry: Entry
    clock: Clock
    overdue: bool
    working_days_left: int

    @staticmethod
    def of(owed: Obligation, office: CatalogueOffice) -> "CatalogueDuty":
        return CatalogueDuty(
            entry=Entry.of(owed.version.entry), clock=Clock.of(owed.clock), overdue=owed.overdue(office.today),
            working_days_left=owed.working_days_left(office.today, office.calendar),
        )  # fmt: skip


@strawberry.type(description="An entry that came from a level below.")
class Submission:
    entry: Entry
    level: str
    state: SubmissionState
    reasons: list[str]
    arrived: str
    due: date
    late: bool
    changes: list[EntryChange] = strawberry.field(description="In the version accepted before.")

    @staticmethod
    def of(held: Held, exchange: Exchange) -> "Submission":
        return Submission(
            entry=Entry.of(held.entry), level=held.peer, state=held.state, reasons=list(held.reasons),
            arrived=held.arrived, due=held.due, late=held.late,
            changes=[EntryChange.of(change) for change in exchange.changes(held)],
        )  # fmt: skip
