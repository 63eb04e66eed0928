"""The two reviews before an item opens (R52): for secrets (保密审查), and for whom the values name.

A review is an act of a person: which items as they are written, found fit or not, when, on which basis, in which
document. It stands in the ledger's row and nowhere else. It counts for an item as long as the item is written the
same, in later versions too; whatever changes in it asks for new reviews. Invariant: no version is released in which an
item is open, or open on application, whose last reviews of both kinds did not find it fit, by two persons of whom
neither handed the version in nor releases it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import product
from typing import Any

from catalog_sync.closed_lists import Opening
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import ILLEGAL_TRANSITION, NOT_YOURS, REASON_NEEDED, UNKNOWN_RESOURCE, CodedError
from catalog_sync.ports import LedgerRow
from catalog_sync.problems import CatalogueProblem, Place
from catalog_sync.registry import Actor, EntryRecord, canonical_json
from catalog_sync.writing import item_document

ACTION = "review"


class ReviewKind(StrEnum):
    """What is looked for: state and work secrets, or persons behind the values."""

    SECRECY = "secrecy"
    DEIDENTIFICATION = "deidentification"


class ReviewResult(StrEnum):
    """Whether the items may be opened as they are written."""

    FIT = "fit"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reviewer found: ``day`` of the review, its legal basis, and the number of the document that holds it.

    ``items`` are aliases; none: all that are to be opened.
    """

    kind: ReviewKind
    result: ReviewResult
    day: date
    basis: str
    document: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpeningReview:
    """A review as the ledger has it; ``items`` maps aliases to the digests of what was written then."""

    reviewer: str
    found: Findings
    version: int
    items: Mapping[str, str]

    def told(self) -> dict[str, object]:
        """The review as a ledger row says it beside the step."""
        found = self.found
        return {
            "review": found.kind.value, "result": found.result.value, "day": found.day.isoformat(),
            "basis": found.basis, "document": found.document, "items": dict(self.items), "reviewer": self.reviewer,
        }  # fmt: skip

    @staticmethod
    def of(body: Mapping[str, Any]) -> "OpeningReview":
        """The review that ``told`` wrote into a row of the ledger."""
        found = Findings(
            ReviewKind(body["review"]), ReviewResult(body["result"]), date.fromisoformat(body["day"]), body["basis"],
            body["document"], tuple(body["items"]),
        )  # fmt: skip
        return OpeningReview(body["reviewer"], found, body["version"], body["items"])


def kept(rows: Iterable[LedgerRow]) -> Iterator[OpeningReview]:
    """The reviews among rows of the ledger."""
    return (OpeningReview.of(row.body) for row in rows if row.action == ACTION)


def opened_items(entry: CatalogueEntry) -> dict[str, str]:
    """The items that the entry opens, on application too, each with the digest of how it is written."""
    return {
        item.alias: hashlib.sha256(canonical_json(item_document(item))).hexdigest()
        for item in entry.items
        if item.opening is not Opening.NOT_OPEN
    }


def review(record: EntryRecord, found: Findings, actor: Actor, before: Sequence[OpeningReview]) -> OpeningReview:
    """The review of items of the newest version by a person of its provider.

    Raises CodedError NOT_YOURS for who handed the version in, made the other review of an item, or is of another
    department; UNKNOWN_RESOURCE for an item that is not to be opened; REASON_NEEDED without basis or document.
    """
    entry, to_open = record.current.entry, opened_items(record.current.entry)
    if actor.department != entry.provider.credit_code:
        raise CodedError(NOT_YOURS, f"{entry.id} is reviewed by people of its provider {entry.provider.name}.")
    if not to_open:
        raise CodedError(ILLEGAL_TRANSITION, f"{entry.id} opens no item, so there is nothing to review.")
    unknown = [alias for alias in found.items if alias not in to_open]
    if unknown:
        message = f"{entry.id} does not open {', '.join(unknown)}; it opens {', '.join(to_open)}."
        raise CodedError(UNKNOWN_RESOURCE, message)
    if not found.basis.strip() or not found.document.strip():
        raise CodedError(REASON_NEEDED, "A review names its basis and the number of the document that holds it.")
    items = {alias: to_open[alias] for alias in found.items or to_open}
    if actor.person == record.current.submitted_by:
        raise CodedError(NOT_YOURS, f"{actor.person} handed version {record.current.number} in; another reviews it.")
    for each in standing(before, items).values():
        if each.found.kind is not found.kind and each.reviewer == actor.person:
            message = f"{actor.person} made the {each.found.kind} review of {entry.id}; another makes the other."
            raise CodedError(NOT_YOURS, message)
    return OpeningReview(actor.person, found, record.current.number, items)


def standing(reviews: Iterable[OpeningReview], items: Mapping[str, str]) -> dict[tuple[str, ReviewKind], OpeningReview]:
    """The last review of each kind of each item that is written so still; ``reviews`` are the oldest first."""
    last: dict[tuple[str, ReviewKind], OpeningReview] = {}
    for each in reviews:
        for alias, digest in each.items.items():
            if items.get(alias) == digest:
                last[alias, each.found.kind] = each
    return last


def lacking(
    record: EntryRecord, reviews: Iterable[OpeningReview], releasing: Actor | None = None
) -> Iterator[tuple[str, ReviewKind, OpeningReview | None]]:
    """Each item of the newest version and kind of review that does not let it open; with the last such review."""
    to_open = opened_items(record.current.entry)
    last = standing(reviews, to_open)
    involved = {releasing and releasing.person, record.current.submitted_by}
    for alias, kind in product(to_open, ReviewKind):
        made = last.get((alias, kind))
        if made is None or made.found.result is ReviewResult.UNFIT or made.reviewer in involved:
            yield alias, kind, made


def problems(record: EntryRecord, reviews: Iterable[OpeningReview], releasing: Actor) -> Iterator[CatalogueProblem]:
    """Why the newest version may not be released: V16, one for each item and review that is lacking."""
    entry = record.current.entry
    places = {item.alias: place for place, item in enumerate(entry.items)}
    for alias, kind, made in lacking(record, reviews, releasing):
        document = made.found.document if made is not None else ""
        if made is None:
            fault, remedy = f"has no {kind} review as it is written", "Have it reviewed: catalogue review."
        elif made.found.result is ReviewResult.UNFIT:
            fault = f"was found unfit by the {kind} review ({document})"
            remedy = "Close or change it, or have it reviewed anew."
        else:
            fault, remedy = f"has a {kind} review by who submits or releases it", "Have another person review it."
        where = Place("registry"), entry.id, f"items[{places[alias]}].open", alias
        yield CatalogueProblem("V16", f"{alias} is to be opened and {fault}.", remedy, *where)
