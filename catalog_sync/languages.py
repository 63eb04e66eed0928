"""The languages in which people are told things: Chinese, the language of record, and English."""

import os
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language that everything told to callers exists in."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same said in each language. ``chinese`` is in simplified characters."""

    english: str
    chinese: str

    @staticmethod
    def alike(text: str) -> "Sentence":
        """A text that is the same in every language, or exists in one alone."""
        return Sentence(text, text)

    def within(self, language: Language) -> str:
        """The text in a language."""
        return self.chinese if language is Language.CHINESE else self.english

    def __str__(self) -> str:
        return self.english


def language_of(accepted: str | None) -> Language:
    """The language that ``Accept-Language`` prefers (RFC 9110, 12.5.4) of those we speak; English if it names neither.

    Every kind of Chinese is answered in simplified characters. Of equal weights the first counts; what has no form that
    the RFC knows counts as not sent.
    """
    best, weight = Language.ENGLISH, 0.0
    for part in (accepted or "")[:1000].split(","):
        tag, _, parameter = part.strip().partition(";")
        name = tag.strip().lower().partition("-")[0]
        if name in (Language.ENGLISH, Language.CHINESE) and (given := _weight(parameter)) > weight:
            best, weight = Language(name), given
    return best


def spoken_here() -> Language:
    """The language of whoever started this process, by its locale (POSIX: the first set of three variables counts)."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return Language.CHINESE if named.lower().startswith("zh") else Language.ENGLISH


def _weight(parameter: str) -> float:
    name, equals, value = parameter.strip().partition("=")
    if not equals:
        return 0.0 if name else 1.0
    try:
        weight = float(value) if name.strip().lower() == "q" and value.strip().isascii() else 0.0
    except ValueError:
        return 0.0
    return weight if 0.0 < weight <= 1.0 else 0.0
