"""The catalogue's steps in the administration's schema: the provider's officers' and the competent department's."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Annotated

import strawberry

from catalog_sync.closed_lists import EntryState
from catalog_sync.documents import Node
from catalog_sync.entries import CatalogueEntry
from catalog_sync.interchange import FORMATS, read_documents
from catalog_sync.lifecycle import SubmissionState
from catalog_sync.office import CatalogueOffice
from catalog_sync.registry import EntryRecord
from gateway.admin.catalogue_types import (
    CatalogueDuty,
    Entry,
    EntryFile,
    OpeningReview,
    OpeningReviewInput,
    RegistryAct,
    Submission,
    TriggerInput,
)
from gateway.admin.desk import Info, Visit, stale, unknown
from gateway.admin.registry_desk import (
    in_thread,
    officer,
    opening_reviewer,
    own_code,
    registry_of,
    reviewer,
    sees_all,
)
from gateway.errors import BAD_REQUEST, CodedError
from gateway.releasing.users import find_grants

Acknowledged = Annotated[
    list[str] | None, strawberry.argument(description="Numbers of live grants whose loss is known and accepted.")
]


@strawberry.input(description="An entry, as the person saw it.")
class EntrySeen:
    id: strawberry.ID
    revision: int


@strawberry.input(description="A file of entries: YAML, JSON, xlsx or csv.")
class EntriesFile:
    name: str = strawberry.field(description="Its ending names the format; problems name it.")
    content: str = strawberry.field(description="Base64.")

    def nodes(self) -> list[Node]:
        """The entries as written. Raises CodedError BAD_REQUEST, or CatalogueInvalid with every problem of its form."""
        name = PurePath(self.name).name
        if PurePath(name).suffix not in FORMATS:
            raise CodedError(BAD_REQUEST, f"`{name[:80]}` has none of the endings {', '.join(FORMATS)}.")
        try:
            content = base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError):
            raise CodedError(BAD_REQUEST, "`content` is not base64.") from None
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            return read_documents(path)


@strawberry.type(description="What became of a file of entries.")
class DraftedEntries:
    drafted: list[EntryFile]
    unchanged: list[strawberry.ID] = strawberry.field(description="Those that say the same as before.")


@strawberry.type
class CatalogueQueries:
    @strawberry.field(description="Entries by the state of their newest version; what is under way, of one's own.")
    async def entries(
        self, info: Info, state: EntryState | None = None, provider_code: str | None = None
    ) -> list[Entry]:
        visit = info.context
        found = await in_thread(lambda: registry_of(visit).office.listed(state))
        return [
            Entry.of(entry)
            for entry in found
            if provider_code in (None, str(entry.provider.credit_code)) and _may_see(visit, entry)
        ]

    @strawberry.field(description="An entry with its versions and the difference between the last two.")
    async def entry(self, info: Info, id: strawberry.ID) -> EntryFile:
        visit = info.context
        office = registry_of(visit).office
        record = await in_thread(lambda: office.record(id))
        return EntryFile.of(_visible(visit, record))

    @strawberry.field(description="Every act on an entry, from the ledger.")
    async def entry_history(self, info: Info, id: strawberry.ID) -> list[RegistryAct]:
        office = await _office_of_own(info.context, id)
        return [RegistryAct.of(row) for row in await in_thread(lambda: office.history(id))]

    @strawberry.field(description="The reviews before opening of an entry's items (R52), the oldest first.")
    async def opening_reviews(self, info: Info, id: strawberry.ID) -> list[OpeningReview]:
        office = await _office_of_own(info.context, id)
        return [OpeningReview.of(made) for made in await in_thread(lambda: office.reviews(id))]

    @strawberry.field(
        description="What has to be handed in and by when (C1, C2): the department's own, or everybody's."
    )
    async def catalogue_due(self, info: Info, overdue_only: bool = False) -> list[CatalogueDuty]:
        visit = info.context
        office, mine = registry_of(visit).office, own_code(visit)
        owed = await in_thread(lambda: office.due(None if sees_all(visit) else mine))
        if not sees_all(visit) and mine is None:
            return []
        return [CatalogueDuty.of(each, office) for each in owed if each.overdue(office.today) or not overdue_only]

    @strawberry.field(description="Entries that came from levels below.")
    async def submissions(self, info: Info, state: SubmissionState | None = None) -> list[Submission]:
        visit = info.context
        reviewer(visit)
        exchange = registry_of(visit).exchange
        if exchange is None:
            return []
        return await in_thread(lambda: [Submission.of(each, exchange) for each in exchange.submissions(state)])


@strawberry.type
class CatalogueMutations:
    @strawberry.mutation(description="Drafts of what changed in a file; with any problem, all problems and no draft.")
    async def draft_entries(self, info: Info, file: EntriesFile, trigger: TriggerInput) -> DraftedEntries:
        visit = info.context
        office, actor = registry_of(visit).office, officer(visit)
        drafted = await in_thread(lambda: office.draft(file.nodes(), trigger.value(), actor))
        return DraftedEntries(
            drafted=[EntryFile.of(record) for record in drafted.records],
            unchanged=[strawberry.ID(name) for name in drafted.unchanged],
        )

    @strawberry.mutation(description="Hand drafts in for review; they may refer to one another.")
    async def submit_entries(self, info: Info, entries: list[EntrySeen]) -> list[EntryFile]:
        actor = officer(info.context)
        return await _many(info.context, entries, lambda office, ids: office.submit(ids, actor))

    @strawberry.mutation(description="Take a submission back while nobody has decided on it.")
    async def recall_entry(self, info: Info, entry: EntrySeen) -> EntryFile:
        actor = officer(info.context)
        return await _one(info.context, entry, lambda office: office.recall(entry.id, actor))

    @strawberry.mutation(description="Take the released version out of force; nobody is served its data any more.")
    async def withdraw_entry(self, info: Info, entry: EntrySeen, reason: str) -> EntryFile:
        actor = officer(info.context)
        return await _one(info.context, entry, lambda office: office.withdraw(entry.id, reason, actor))

    @strawberry.mutation(description="Return a submission with its reasons, one at least.")
    async def return_entry(self, info: Info, entry: EntrySeen, reasons: list[str]) -> EntryFile:
        actor = reviewer(info.context)
        return await _one(info.context, entry, lambda office: office.send_back(entry.id, reasons, actor))

    @strawberry.mutation(description="Find a submission in order; not one's own.")
    async def accept_entry(self, info: Info, entry: EntrySeen) -> EntryFile:
        actor = reviewer(info.context)
        return await _one(info.context, entry, lambda office: office.accept(entry.id, actor))

    @strawberry.mutation(description="Keep a review before opening; one of each kind is needed, by two other persons.")
    async def review_entries(self, info: Info, entries: list[EntrySeen], review: OpeningReviewInput) -> list[EntryFile]:
        actor, found = opening_reviewer(info.context), review.value()
        return await _many(info.context, entries, lambda office, ids: office.review(ids, found, actor))

    @strawberry.mutation(description="Put accepted versions into force together; grants that lose something are named.")
    async def release_entries(
        self, info: Info, entries: list[EntrySeen], acknowledged: Acknowledged = None
    ) -> list[EntryFile]:
        visit = info.context
        actor = reviewer(visit)
        grants = await find_grants(visit.desk.store, visit.desk.items(), visit.now)
        return await _many(visit, entries, lambda office, ids: office.release(ids, actor, grants, acknowledged or ()))

    @strawberry.mutation(
        description="Decide on what came from a level below: accepted, it is merged; returned, reasons."
    )
    async def decide_submission(
        self, info: Info, id: strawberry.ID, version: int, accept: bool, reasons: list[str] | None = None
    ) -> Submission:
        visit = info.context
        actor, exchange = reviewer(visit), registry_of(visit).exchange
        if exchange is None:
            raise unknown(f"submission {id}")

        def decide() -> Submission:
            with exchange.database.transaction():
                held = exchange.held(id)
                if held is None:
                    raise unknown(f"submission {id}")
                if held.entry.version != version:
                    raise stale(f"submission {id}", held.entry.version, version)
                event = "accept" if accept else "return"
                return Submission.of(exchange.decide(id, event, str(actor), visit.now, reasons or ()), exchange)

        return await in_thread(decide)


async def _one(visit: Visit, seen: EntrySeen, take: Callable[[CatalogueOffice], EntryRecord]) -> EntryFile:
    (found,) = await _many(visit, [seen], lambda office, ids: (take(office),))
    return found


async def _many(
    visit: Visit, seen: list[EntrySeen], take: Callable[[CatalogueOffice, list[str]], tuple[EntryRecord, ...]]
) -> list[EntryFile]:
    """Takes a step on what the person saw. Raises CodedError DRAFT_STALE when another revision stands."""
    office = registry_of(visit).office

    def run() -> list[EntryFile]:
        with office.platform.database.transaction():
            for each in seen:
                record = office.record(each.id)
                if record.revision != each.revision:
                    raise stale(f"Entry {each.id}", record.revision, each.revision)
            moved = take(office, [str(each.id) for each in seen])
        return [EntryFile.of(record) for record in moved]

    return await in_thread(run)


async def _office_of_own(visit: Visit, identity: str) -> CatalogueOffice:
    """The office, for acts on an entry of one's own, or on anybody's for who sees all. Raises MATTER_UNKNOWN."""
    office = registry_of(visit).office
    record = await in_thread(lambda: office.record(identity))
    if not (sees_all(visit) or record.current.entry.provider.credit_code == own_code(visit)):
        raise unknown(f"acts on {identity}")
    return office


def _visible(visit: Visit, record: EntryRecord) -> EntryRecord:
    """The record without versions that are under way at another department. Raises CodedError MATTER_UNKNOWN."""
    versions = tuple(version for version in record.versions if _may_see(visit, version.entry))
    if not versions:
        raise unknown(f"entry {record.id}")
    return replace(record, versions=versions)


def _may_see(visit: Visit, entry: CatalogueEntry) -> bool:
    public = entry.state in (EntryState.RELEASED, EntryState.WITHDRAWN)
    return public or sees_all(visit) or entry.provider.credit_code == own_code(visit)
