"""Under which licence the public may use what is open (R53): a dated list, and which of it holds for an entry.

A licence goes by a code; its text may change on a day, so what somebody accepts is a *version*, the code with the day
from which that text holds (``open-government-registered:2018-05-05``). An entry names a code. One that names none
stands under the licence of the rule profile, which never demands acceptance: nobody is shut out by what nobody wrote.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

from catalog_sync.closed_lists import Opening
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import CodedError
from catalog_sync.fields import FieldReader, read_list
from catalog_sync.languages import Sentence
from catalog_sync.problems import CatalogueProblem
from catalog_sync.rule_profiles import ORDER_320, profile_in_force

_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_LINK = re.compile(r"https://[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence as it reads from a day on; ``acceptance`` demands that each user accepts it for each resource."""

    code: str
    effective: date
    title: Sentence
    conditions: Sentence
    link: str
    acceptance: bool = False

    @property
    def version(self) -> str:
        """What is accepted, in a form that policy lines can hold."""
        return f"{self.code}:{self.effective}"


def licence_in_force(code: str, on: date, licences: Iterable[Licence] | None = None) -> Licence | None:
    """The text of a licence that holds on a day; None for a code that is in no list by then."""
    known = known_licences() if licences is None else licences
    held = [licence for licence in known if licence.code == code and licence.effective <= on]
    return max(held, key=lambda licence: licence.effective, default=None)


def licence_of(entry: CatalogueEntry, on: date, instrument: str = ORDER_320) -> Licence | None:
    """The licence under which an entry is open on a day: its own, else that of the rule profile; None if it has none.

    What is not open has none.
    """
    if entry.opening is Opening.NOT_OPEN:
        return None
    code = entry.licence or default_licence(on, instrument)
    return licence_in_force(code, on) if code is not None else None


def default_licence(on: date, instrument: str = ORDER_320) -> str | None:
    """The code that the rule profile of a day gives to entries that name no licence."""
    try:
        return profile_in_force(instrument, on).licence
    except CodedError:
        return None


@lru_cache(maxsize=1)
def known_licences() -> tuple[Licence, ...]:
    """The licences that this distribution carries."""
    text = resources.files("catalog_sync").joinpath("licences.yaml").read_text(encoding="utf-8")
    return read_licences(text, "licences.yaml")


def read_licences(text: str, name: str) -> tuple[Licence, ...]:
    """Licences from YAML; CatalogueInvalid with everything that is wrong."""
    return read_list(text, name, "licences", _licence)


def _licence(reader: FieldReader, _: list[CatalogueProblem]) -> Licence:
    code, link = reader.text("code", required=True) or "", reader.text("link", required=True) or ""
    if code and not _CODE.fullmatch(code):
        reader.note("FORM", "code", "This is no code.", "Use small letters, digits, points and hyphens, 40 at most.")
    if link and not _LINK.fullmatch(link):
        reader.note("FORM", "link", "This is no https address.", "Give the address at which the licence can be read.")
    licence = Licence(
        code,
        reader.day("effective", required=True) or date.min,
        _sentence(reader.group("title", required=True)),
        _sentence(reader.group("conditions", required=True)),
        link,
        reader.flag("acceptance"),
    )
    reader.finish()
    return licence


def _sentence(group: FieldReader | None) -> Sentence:
    if group is None:
        return Sentence("", "")
    said = Sentence(group.text("en", required=True) or "", group.text("zh", required=True) or "")
    group.finish()
    return said
