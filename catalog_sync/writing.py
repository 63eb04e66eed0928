"""From a catalogue entry to the plain document that ``catalog_sync.reading`` reads back as the same entry.

Every value in force is written out: an item states its tiers even where they equal the resource's, so that a document
means the same when an item moves. Fields at their default are left out, save both axes.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from catalog_sync.closed_lists import EntryState, Network, Opening, Sensitivity, written
from catalog_sync.entries import MUNICIPALITY, CatalogueEntry, Census, Exemption, InformationItem, LegalBasis

Document = dict[str, object]


def entry_document(entry: CatalogueEntry) -> Document:
    """The entry as nested dictionaries, lists, texts, whole numbers and truth values."""
    return _present({
        "id": entry.id,
        "title": entry.title,
        "alias": entry.alias,
        "codes": [str(code) for code in entry.codes],
        "provider": _present({
            "name": entry.provider.name,
            "uscc": str(entry.provider.credit_code),
            "unit": entry.provider.unit,
        }),
        "abstract": entry.abstract,
        "format": _present({"class": entry.format.kind, "type": entry.format.type, "note": entry.format.note}),
        "share": _present({
            "type": written(entry.sharing),
            "condition": entry.condition,
            "category": _word(entry.category),
            "mode": _word(entry.mode),
            "mode_reason": entry.mode_reason,
            "basis": _basis(entry.basis),
        }),
        "open": _present({
            "value": entry.opening is not Opening.NOT_OPEN,
            "condition": entry.open_condition,
            "licence": entry.licence,
        }),
        "cycle": entry.cycle.value,
        "cycle_note": entry.cycle_note,
        "issued": str(entry.issued),
        "related": [str(code) for code in entry.related] or None,
        "network": None if entry.network is Network.EXTRANET else entry.network.value,
        "level": None if entry.level == MUNICIPALITY else str(entry.level),
        "state": None if entry.state is EntryState.RELEASED else entry.state.value,
        "version": None if entry.version == 1 else entry.version,
        "valid": _present({"from": _day(entry.valid_from), "until": _day(entry.valid_until)}) or None,
        "subgraph": entry.subgraph,
        "census": _census(entry.census),
        "items": [item_document(item) for item in entry.items] or None,
    })  # fmt: skip


def item_document(item: InformationItem) -> Document:
    """The item as ``entry_document`` has it."""
    length = None if item.length is None else item.length if item.scale is None else f"{item.length},{item.scale}"
    return _present({
        "n": item.name,
        "en": item.alias,
        "t": written(item.type),
        "len": length,
        "share": written(item.sharing),
        "condition": item.condition,
        "basis": _basis(item.basis),
        "open": None if item.opening is Opening.NOT_OPEN else written(item.opening),
        "open_condition": item.open_condition,
        "key": item.key or None,
        "base": item.base or None,
        "exemption": _exemption(item.exemption),
        "flag": None if item.sensitivity is Sensitivity.NONE else item.sensitivity.value,
        "mask": item.mask,
        "anonymised": item.anonymised or None,
        "verify_only": item.verify_only or None,
        "codelist": item.codelist,
        "unit": item.unit,
        "references": None if item.references is None else str(item.references),
        "cycle": _word(item.cycle),
        "deprecated": item.deprecated,
    })  # fmt: skip


def _basis(basis: LegalBasis | None) -> Document | None:
    if basis is None:
        return None
    return _present({
        "document": basis.document,
        "number": basis.number,
        "article": basis.article,
        "quote": basis.quote,
        "exception": basis.exception,
        "review": str(basis.review),
    })  # fmt: skip


def _exemption(exemption: Exemption | None) -> Document | None:
    if exemption is None:
        return None
    return {"document": exemption.document, "decided": str(exemption.decided), "reason": exemption.reason}


def _census(census: Census | None) -> Document | None:
    if census is None:
        return None
    return _present({
        "stored_volume": None if census.stored_volume is None else f"{census.stored_volume:f}",
        "stored_records": census.stored_records,
        "shared_volume": None if census.shared_volume is None else f"{census.shared_volume:f}",
        "shared_records": census.shared_records,
        "opened_volume": None if census.opened_volume is None else f"{census.opened_volume:f}",
        "opened_records": census.opened_records,
    })  # fmt: skip


def _present(fields: Mapping[str, object]) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _word(member: StrEnum | None) -> str | None:
    return None if member is None else written(member)


def _day(day: date | None) -> str | None:
    return None if day is None else str(day)
