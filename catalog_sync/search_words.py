"""The words by which a text is found, in Chinese and English, the same for every database.

Chinese is written without blanks, and neither FTS5's own trigrams nor PostgreSQL's parser find a word of two
characters, which most are. So a run of Chinese characters is indexed as its single characters and all its pairs, and a
query's run as its pairs, which must all be there; what has the pairs but not the run is dropped afterwards. Latin words
are indexed whole and by the parts of their camel case, and found by their beginning. A word is made of Chinese
characters or of small Latin letters and digits only, so it needs no quoting anywhere.
"""

import re
from dataclasses import dataclass

_RUNS = re.compile(
    r"(?P<chinese>[\u3400-\u9fff\U00020000-\U0003ffff]+)|(?P<code>\d{3,}/\d+)|(?P<word>[A-Za-z0-9]+)", re.A
)
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Term:
    """What must be found: a whole word, or the beginning of one; ``run`` is the query's run that it is of."""

    word: str
    beginning: bool = False
    run: int = 0


def words_of(text: str) -> list[str]:
    """The words by which a text is found, each once."""
    words: list[str] = []
    for run in _RUNS.finditer(text):
        found = run[0]
        if run["chinese"]:
            words += [*found, *_pairs(found)]
        elif run["code"]:
            words += [_code(found), found.partition("/")[0]]
        else:
            words.append(found.lower())
            parts = _CAMEL.findall(found)
            words += [part.lower() for part in parts] if len(parts) > 1 else []
    return list(dict.fromkeys(words))


def query_terms(text: str) -> tuple[Term, ...]:
    """What must all be found; nothing for a text without words."""
    terms: dict[tuple[str, bool], Term] = {}
    for number, run in enumerate(_RUNS.finditer(text[:_LONGEST_QUERY])):
        found, beginning = run[0], run["word"] is not None
        if run["chinese"]:
            words = _pairs(found) or [found]
        else:
            words = [_code(found) if run["code"] else found.lower()]
        for word in words:
            terms.setdefault((word, beginning), Term(word, beginning, number))
    return tuple(terms.values())


def query_runs(text: str) -> tuple[str, ...]:
    """The query's runs as they are written, in small letters."""
    return tuple(dict.fromkeys(run[0].lower() for run in _RUNS.finditer(text[:_LONGEST_QUERY])))


def unbroken(text: str) -> tuple[str, ...]:
    """The query's Chinese runs of more than a pair, which must stand somewhere as they are."""
    runs = (run for run in _RUNS.finditer(text[:_LONGEST_QUERY]) if run["chinese"])
    return tuple(run[0] for run in runs if len(run[0]) > 2)


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _code(text: str) -> str:
    class_code, _, sequence = text.partition("/")
    return f"{class_code}x{sequence.lstrip('0')}"
