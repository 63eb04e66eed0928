"""What is wrong with a catalogue: every problem at once, each saying where it is and how to mend it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog_sync.errors import CATALOGUE_INVALID, CodedError


class Severity(StrEnum):
    """Whether a problem stops a release, or only has to be known."""

    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a file, its line or row counted from 1 (0 where unknown), a column's heading."""

    file: str
    line: int = 0
    column: str = ""

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        return f"{self.file}{line}{f' [{self.column}]' if self.column else ''}"


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """One broken rule.

    ``rule`` is V1 to V16 of the release rules, or FORM (the value has not the form the field takes), REQUIRED,
    UNKNOWN_FIELD, CLOSED_LIST, LENGTH, DUPLICATE. ``field`` is a path within the entry, such as ``items[2].share``.
    """

    rule: str
    message: str
    remedy: str
    place: Place
    entry: str = ""
    field: str = ""
    value: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        entry = f" {self.entry}" if self.entry else ""
        field = f" {self.field}" if self.field else ""
        value = f" = {_shortened(self.value)}" if self.value else ""
        return f"{self.place}:{entry}{field}{value}: {self.message} {self.remedy} [{self.rule}]"

    def as_json(self) -> dict[str, object]:
        """The problem for programs."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "entry": self.entry,
            "field": self.field,
            "value": self.value,
            "message": self.message,
            "remedy": self.remedy,
        }


def _shortened(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:57]}...")


class CatalogueInvalid(CodedError):  # noqa: N818 - named after its code
    """A catalogue that may not go into force, with every reason."""

    def __init__(self, problems: Iterable[CatalogueProblem]) -> None:
        self.problems: Sequence[CatalogueProblem] = tuple(problems)
        count = len(self.problems)
        listed = "\n".join(str(problem) for problem in self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        details = {"problems": [problem.as_json() for problem in self.problems]}
        super().__init__(CATALOGUE_INVALID, f"{heading} in the catalogue:\n{listed}", details)
