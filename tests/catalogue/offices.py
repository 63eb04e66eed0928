"""An office over a store of its own, and the whole example catalogue brought into force in it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from catalog_sync.entries import CatalogueEntry
from catalog_sync.identifiers import CreditCode
from catalog_sync.interchange import read_documents
from catalog_sync.lifecycle import Side
from catalog_sync.loading import Register
from catalog_sync.office import CatalogueOffice
from catalog_sync.opening_reviews import Findings, ReviewKind, ReviewResult, opened_items
from catalog_sync.platform import open_platform
from catalog_sync.registry import Actor, Trigger, TriggerKind
from tests.catalogue.databases import DATABASES
from tests.catalogue.entry_text import EXAMPLES

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
CREATED = Trigger(TriggerKind.CREATED, date(2026, 11, 20), "渝府函〔2026〕1号")
BUREAU = CreditCode.parse("11500000XXXX00019X")
REVIEWER = Actor("user:reviewer", BUREAU, Side.COMPETENT)


def provider_of(entry: CatalogueEntry) -> Actor:
    """Each entry's own provider."""
    return Actor("user:officer", entry.provider.credit_code, Side.PROVIDER)


def officer(code: str) -> Actor:
    return Actor("user:officer", CreditCode.parse(code), Side.PROVIDER)


@contextmanager
def office(folder: Path, register: Register | None = None, now: datetime = NOW) -> Iterator[CatalogueOffice]:
    with open_platform(str(DATABASES.address(folder / "registry.db"))) as platform:
        yield CatalogueOffice(platform, register, clock=lambda: now)


def review(office: CatalogueOffice, ids: Iterable[str]) -> None:
    """Both reviews before opening of all that these entries open, each by a person of its own."""
    opening = [identity for identity in ids if opened_items(office.record(identity).current.entry)]
    for kind in ReviewKind:
        found = Findings(kind, ReviewResult.FIT, CREATED.day, "保守国家秘密法", f"审〔2026〕{kind}")
        for identity in opening:
            provider = office.record(identity).current.entry.provider.credit_code
            office.review([identity], found, Actor(f"user:{kind}", provider, Side.PROVIDER))


def bring_into_force(office: CatalogueOffice, source: Path = EXAMPLES) -> None:
    """Drafts, submits, accepts and releases everything in a folder or file."""
    drafted = office.draft(read_documents(source), CREATED, provider_of)
    ids = [record.id for record in drafted.records]
    office.submit(ids, provider_of)
    review(office, ids)
    for identity in ids:
        office.accept(identity, REVIEWER)
    office.release(ids, REVIEWER)
