"""Catalogue entries made by hypothesis: any entry that reading would accept in form, valid by the rules or not."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from catalog_sync.closed_lists import (
    FORMATS,
    MODES_OF_CATEGORY,
    Cycle,
    DataType,
    EntryState,
    Network,
    Opening,
    Sensitivity,
    Sharing,
)
from catalog_sync.entries import CatalogueEntry, Census, Exemption, Format, InformationItem, LegalBasis, Provider
from catalog_sync.identifiers import CreditCode, DivisionCode, ResourceCode

_LETTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"
)
AWKWARD_TEXTS = (
    "=1+1", "'引", "-", "@a", "null", "true", "12", "2026-01-15", "~", "a: b", "#x", "_x0041_", "a\nb",
    "第一行\n\n第三行", "007", "00", "0x1F", "1e5", "1_000", "１２３", "２０２６－０１－１５", "307001:12",
    "12:30:45", "3.10", "+1", "2026年1月", "1/2", "，。；：“”‘’《》〈〉【】（）—…·", "、顿号", "￥100％",
    "「引」『号』", "a,b;c|d\te", "\"quoted\"", "it''s", "\\n", "---", "...", "? a", "[a, b]", "{a: b}", "&a",
    "*a", "!tag", "%x", "> a", "| a", "yes", "No", "ON", "NaN", ".inf", "=", "<<", "全角\u3000空格",
    "零\u200b宽", "𠀀扩展区", "e\u0301", "#N/A", "TRUE",
)  # fmt: skip
"""Texts that one format or another would take for something else."""


def texts(longest: int = 20) -> st.SearchStrategy[str]:
    """Texts without blanks around them, some of which other formats would take for something else."""
    free = st.text(_LETTERS, min_size=1, max_size=longest).map(str.strip).filter(bool)
    return st.one_of(free, st.sampled_from(AWKWARD_TEXTS))


DAYS = st.dates(date(2018, 5, 5), date(2026, 11, 22))
CODES = st.builds(
    ResourceCode, st.sampled_from(["30700503", "30700506", "101", "203", "211006"]), st.integers(1, 9999)
)  # fmt: skip
BASES = st.builds(
    LegalBasis, texts(), texts(), texts(), DAYS, number=st.none() | texts(), exception=st.none() | texts()
)  # fmt: skip
EXEMPTIONS = st.builds(Exemption, texts(), DAYS, texts())
_VOLUMES = st.none() | st.decimals(0, 100000, places=2).map(Decimal.normalize).filter(lambda value: value >= 0)
_COUNTS = st.none() | st.integers(0, 10**12)
CENSUSES = st.builds(Census, _VOLUMES, _COUNTS, _VOLUMES, _COUNTS, _VOLUMES, _COUNTS).filter(lambda c: c != Census())


@st.composite
def items(draw: st.DrawFn) -> InformationItem:
    length = draw(st.none() | st.integers(0, 10**6))
    optional = st.none() | texts()
    return InformationItem(
        draw(texts()), draw(st.from_regex(r"[a-z][A-Za-z0-9]{0,10}", fullmatch=True)), draw(st.sampled_from(DataType)),
        draw(st.sampled_from(Sharing)), draw(st.sampled_from(Opening)), length,
        None if length is None else draw(st.none() | st.integers(0, 9)),
        condition=draw(optional), basis=draw(st.none() | BASES), open_condition=draw(optional),
        base=draw(st.booleans()),
        exemption=draw(st.none() | EXEMPTIONS), sensitivity=draw(st.sampled_from(Sensitivity)), mask=draw(optional),
        anonymised=draw(st.booleans()), verify_only=draw(st.booleans()), key=draw(st.booleans()),
        codelist=draw(optional), unit=draw(optional), references=draw(st.none() | CODES),
        cycle=draw(st.none() | st.sampled_from(Cycle)), deprecated=draw(optional),
    )  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> CatalogueEntry:
    kind = draw(st.sampled_from(sorted(FORMATS)))
    category = draw(st.sampled_from(list(MODES_OF_CATEGORY)))
    opening = draw(st.sampled_from(Opening))
    cycle = draw(st.sampled_from(Cycle))
    days = sorted(draw(st.lists(DAYS, min_size=2, max_size=2)))
    return CatalogueEntry(
        id=draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)),
        title=draw(texts()),
        alias=draw(st.from_regex(r"[A-Z][A-Za-z0-9]{0,20}", fullmatch=True)),
        codes=tuple(draw(st.lists(CODES, min_size=1, max_size=3))),
        provider=Provider(draw(texts()), CreditCode("11500000XXXX0006X1"), draw(st.none() | texts())),
        abstract=draw(texts(100)),
        format=Format(kind, draw(st.sampled_from(FORMATS[kind])), draw(st.none() | texts())),
        sharing=draw(st.sampled_from(Sharing)),
        opening=opening,
        cycle=cycle,
        issued=draw(DAYS),
        items=tuple(draw(st.lists(items(), max_size=4, unique_by=lambda item: item.alias))),
        condition=draw(st.none() | texts()),
        basis=draw(st.none() | BASES),
        category=category,
        mode=draw(st.sampled_from(MODES_OF_CATEGORY[category])),
        mode_reason=draw(st.none() | texts()),
        open_condition=draw(texts()) if opening is Opening.ON_APPLICATION else None,
        cycle_note=draw(texts()) if cycle is Cycle.OTHER else draw(st.none() | texts()),
        related=tuple(draw(st.lists(CODES, max_size=2))),
        network=draw(st.sampled_from(Network)),
        level=DivisionCode(draw(st.sampled_from(["500000", "500103"]))),
        state=draw(st.sampled_from(EntryState)),
        version=draw(st.integers(1, 99)),
        valid_from=draw(st.none() | st.just(days[0])),
        valid_until=draw(st.none() | st.just(days[1])),
        subgraph=draw(st.none() | texts()),
        census=draw(st.none() | CENSUSES),
    )
