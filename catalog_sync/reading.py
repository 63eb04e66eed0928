"""From a document's tree to a catalogue entry: forms, closed lists and lengths, with every problem noted.

The field names are those of docs/catalogue.md. What an entry must keep beyond its form is in ``catalog_sync.rules``.
"""

import re
from dataclasses import dataclass
from datetime import date

from catalog_sync.closed_lists import CYCLES_KEPT_AS_NOTE, FORMATS, MODES_OF_CATEGORY
from catalog_sync.documents import MapNode, Node, TextNode
from catalog_sync.entries import (
    MUNICIPALITY,
    CatalogueEntry,
    Census,
    Cycle,
    DataType,
    EntryState,
    Exemption,
    Format,
    InformationItem,
    LegalBasis,
    Network,
    Opening,
    Provider,
    Sensitivity,
    Sharing,
    SharingCategory,
    SharingMode,
    derived_sharing,
)
from catalog_sync.errors import CodedError
from catalog_sync.fields import FieldReader
from catalog_sync.identifiers import CreditCode, DivisionCode, ResourceCode
from catalog_sync.problems import CatalogueProblem, Severity

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LENGTH = re.compile(r"([0-9]{1,9})(?:,([0-9]{1,3}))?")

# Stand for what could not be read, so that reading goes on; an entry that holds one never goes further than its check.
_NO_DAY = date.min
_NO_PROVIDER = Provider("", CreditCode(""))
_NO_FORMAT = Format("", "")


def read_entry(node: Node, problems: list[CatalogueProblem]) -> CatalogueEntry | None:
    """The entry written at ``node``; None, with the reasons added to ``problems``, if it is not well-formed."""
    entry, found = read_partly(node)
    problems.extend(found)
    return None if any(problem.severity is Severity.ERROR for problem in found) else entry


def read_partly(node: Node) -> tuple[CatalogueEntry, list[CatalogueProblem]]:
    """The entry written at ``node``, with stand-ins for what is not well-formed, and the problems that say what is."""
    found: list[CatalogueProblem] = []
    reader = FieldReader(node, found, identity_of(node))
    entry = _entry(reader)
    reader.finish()
    return entry, found


def identity_of(node: Node) -> str:
    """The ``id`` written at a node, as far as there is one: for messages."""
    inner = node.fields.get("id") if isinstance(node, MapNode) else None
    return inner.value if isinstance(inner, TextNode) else ""


@dataclass(frozen=True, slots=True)
class _Share:
    """The ``share`` group: the resource's own values, which its items inherit where they have none."""

    type: Sharing | None = None
    condition: str | None = None
    basis: LegalBasis | None = None
    category: SharingCategory | None = None
    mode: SharingMode | None = None
    mode_reason: str | None = None


def _entry(reader: FieldReader) -> CatalogueEntry:
    identity = reader.text("id", required=True) or ""
    if identity and not _ID.fullmatch(identity):
        reader.note("FORM", "id", "This is no identifier.", "Use small letters, digits and hyphens, 64 at most.")
    share = _share(reader.group("share", required=True))
    opening, open_condition, licence = _opening(reader.group("open", required=True))
    cycle, cycle_note = _cycle(reader)
    items = tuple(_item(reader.at(inner, path), share) for inner, path in reader.list_of("items"))
    valid_from, valid_until = _valid(reader.group("valid"))
    return CatalogueEntry(
        id=identity,
        title=reader.text("title", required=True, longest=50) or "",
        alias=reader.text("alias", required=True) or "",
        codes=reader.parsed_list("codes", ResourceCode.parse, required=True),
        provider=_provider(reader.group("provider", required=True)),
        abstract=reader.text("abstract", required=True, longest=256) or "",
        format=_format(reader.group("format", required=True)),
        sharing=share.type or derived_sharing(items) or Sharing.NOT_SHARED,
        opening=opening,
        cycle=cycle,
        issued=reader.day("issued", required=True) or _NO_DAY,
        items=items,
        condition=share.condition,
        basis=share.basis,
        category=share.category,
        mode=share.mode,
        mode_reason=share.mode_reason,
        open_condition=open_condition,
        licence=licence,
        cycle_note=cycle_note,
        related=reader.parsed_list("related", ResourceCode.parse),
        network=reader.choice("network", Network) or Network.EXTRANET,
        level=reader.parsed("level", DivisionCode.parse) or MUNICIPALITY,
        state=reader.choice("state", EntryState) or EntryState.RELEASED,
        version=_version(reader),
        valid_from=valid_from,
        valid_until=valid_until,
        subgraph=reader.text("subgraph"),
        census=_census(reader.group("census")),
    )


def _version(reader: FieldReader) -> int:
    version = reader.number("version")
    if version == 0:
        reader.note("FORM", "version", "Versions count from 1.", "Write 1 or more.")
    return version or 1


def _share(group: FieldReader | None) -> _Share:
    if group is None:
        return _Share()
    share = _Share(
        type=group.choice("type", Sharing, required=True),
        condition=group.text("condition"),
        basis=_basis(group.group("basis")),
        category=group.choice("category", SharingCategory),
        mode=group.choice("mode", SharingMode),
        mode_reason=group.text("mode_reason"),
    )
    if share.type in (Sharing.UNCONDITIONAL, Sharing.CONDITIONAL):
        for name in ("category", "mode"):
            if not group.has(name):
                remedy = "Give share.category and share.mode, as in 共享平台方式 and 接口."
                group.note("REQUIRED", name, "What is shared must say in which way.", remedy)
    if share.category and share.mode and share.mode not in MODES_OF_CATEGORY[share.category]:
        allowed = ", ".join(mode.value for mode in MODES_OF_CATEGORY[share.category])
        group.note("CLOSED_LIST", "mode", f"This is no mode of {share.category.value}.", f"Write one of: {allowed}.")
    group.finish()
    return share


def _opening(group: FieldReader | None) -> tuple[Opening, str | None, str | None]:
    if group is None:
        return Opening.NOT_OPEN, None, None
    group.text("value", required=True)
    opened, condition, licence = group.flag("value"), group.text("condition"), group.text("licence")
    group.finish()
    if opened:
        return (Opening.OPEN if condition is None else Opening.ON_APPLICATION), condition, licence
    if condition is not None:
        remedy = "Leave the condition out, or set open.value to true."
        group.note("FORM", "condition", "What is not open has no opening condition.", remedy)
    if licence is not None:
        remedy = "Leave the licence out, or set open.value to true."
        group.note("FORM", "licence", "What is not open has no licence.", remedy)
    return Opening.NOT_OPEN, None, None


def _cycle(reader: FieldReader) -> tuple[Cycle, str | None]:
    note, word = reader.text("cycle_note"), reader.text("cycle")
    if word in CYCLES_KEPT_AS_NOTE:
        return Cycle.OTHER, note or word
    if word is None:
        reader.note("V10", "cycle", "The update cycle is missing.", "Give the cycle of the fastest item, as in 每日.")
    cycle = reader.choice("cycle", Cycle)
    if cycle is Cycle.OTHER and note is None:
        reader.note("REQUIRED", "cycle_note", "The cycle 其他 must be described.", "Say how often, as in 每小时.")
    return cycle or Cycle.OTHER, note


def _valid(group: FieldReader | None) -> tuple[date | None, date | None]:
    if group is None:
        return None, None
    begin, end = group.day("from"), group.day("until")
    if begin and end and end < begin:
        group.note("FORM", "until", "The period of validity ends before it begins.", "Correct one of the two dates.")
    group.finish()
    return begin, end


def _provider(group: FieldReader | None) -> Provider:
    if group is None:
        return _NO_PROVIDER
    name = group.text("name", required=True, longest=100)
    code = group.text("uscc", required=True) and _credit_code(group)
    unit = group.text("unit")
    group.finish()
    return Provider(name, code, unit) if name and code else _NO_PROVIDER


def _credit_code(group: FieldReader) -> CreditCode | None:
    try:
        return CreditCode.parse(group.text("uscc") or "")
    except CodedError as error:
        group.note("V13", "uscc", error.message, "Correct it from the department's certificate.")
        return None


def _format(group: FieldReader | None) -> Format:
    if group is None:
        return _NO_FORMAT
    kind, type_, note = group.text("class", required=True), group.text("type", required=True), group.text("note")
    if kind is not None and kind not in FORMATS:
        allowed = f"Write one of: {', '.join(FORMATS)}."
        group.note("CLOSED_LIST", "class", "The value is not in the closed list.", allowed)
    elif kind is not None and type_ is not None:
        known = {word.lower(): word for word in FORMATS[kind]}
        if type_.lower() not in known:
            remedy = f"Write one of: {', '.join(FORMATS[kind])}."
            group.note("CLOSED_LIST", "type", f"This is no type of {kind}.", remedy)
        type_ = known.get(type_.lower(), type_)
    group.finish()
    return Format(kind, type_, note) if kind and type_ else _NO_FORMAT


def _basis(group: FieldReader | None) -> LegalBasis | None:
    if group is None:
        return None
    document = group.text("document", required=True)
    article = group.text("article", required=True)
    quote = group.text("quote", required=True)
    review = group.day("review", required=True)
    number, exception = group.text("number"), group.text("exception")
    group.finish()
    if document is None or article is None or quote is None or review is None:
        return None
    return LegalBasis(document, article, quote, review, number, exception)


def _exemption(group: FieldReader | None) -> Exemption | None:
    if group is None:
        return None
    document = group.text("document", required=True)
    decided = group.day("decided", required=True)
    reason = group.text("reason", required=True)
    group.finish()
    return Exemption(document, decided, reason) if document and decided and reason else None


def _census(group: FieldReader | None) -> Census | None:
    if group is None:
        return None
    census = Census(
        group.decimal("stored_volume"),
        group.number("stored_records"),
        group.decimal("shared_volume"),
        group.number("shared_records"),
        group.decimal("opened_volume"),
        group.number("opened_records"),
    )
    group.finish()
    return None if census == Census() else census


def _item(reader: FieldReader, share: _Share) -> InformationItem:
    length, scale = _length(reader)
    sharing = reader.choice("share", Sharing)
    item = InformationItem(
        name=reader.text("n", required=True, longest=100) or "",
        alias=reader.text("en", required=True) or "",
        type=reader.choice("t", DataType, required=True) or DataType.STRING,
        sharing=sharing or share.type or Sharing.NOT_SHARED,
        opening=reader.choice("open", Opening) or Opening.NOT_OPEN,
        length=length,
        scale=scale,
        condition=reader.text("condition"),
        basis=_basis(reader.group("basis")),
        open_condition=reader.text("open_condition"),
        base=reader.flag("base"),
        exemption=_exemption(reader.group("exemption")),
        sensitivity=reader.choice("flag", Sensitivity) or Sensitivity.NONE,
        mask=reader.text("mask"),
        anonymised=reader.flag("anonymised"),
        verify_only=reader.flag("verify_only"),
        key=reader.flag("key"),
        codelist=reader.text("codelist"),
        unit=reader.text("unit"),
        references=reader.parsed("references", ResourceCode.parse),
        cycle=reader.choice("cycle", Cycle),
        deprecated=reader.text("deprecated"),
    )
    reader.finish()
    return item


def _length(reader: FieldReader) -> tuple[int | None, int | None]:
    written = reader.text("len")
    if written is None:
        return None, None
    found = _LENGTH.fullmatch(written)
    if found is None:
        remedy = 'Write a number, or "12,2" for twelve digits of which two are decimals.'
        reader.note("FORM", "len", "This is no length.", remedy)
        return None, None
    return int(found[1]), int(found[2]) if found[2] is not None else None
