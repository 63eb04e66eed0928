"""Issues: what composition has to say about the subgraphs, each with what is needed to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from graphql.pyutils import did_you_mean, suggestion_list


class Severity(StrEnum):
    """Errors stop composition; hints do not."""

    ERROR = "error"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class CompositionCode:
    """A situation that composition reports under a stable name, the one the field uses.

    ``example`` is SDL that raises it: subgraphs divided by lines ``--- name``; each is preceded by a @link that imports
    the directives it uses, unless it links for itself. Empty where no SDL can raise it.
    """

    name: str
    severity: Severity
    meaning: str
    remedy: str
    example: str = ""


class SourceLine(NamedTuple):
    """Where in which subgraph's SDL; lines count from 1."""

    subgraph: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem or hint.

    ``coordinates`` are schema coordinates, ``witness`` is an operation that shows the problem, ``reasons`` say per
    subgraph why it cannot be answered.
    """

    code: CompositionCode
    message: str
    coordinates: tuple[str, ...] = ()
    nodes: tuple[SourceLine, ...] = ()
    remedy: str = ""
    witness: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def subgraphs(self) -> tuple[str, ...]:
        """The subgraphs that it is about, in the order of the nodes."""
        return tuple(dict.fromkeys(node.subgraph for node in self.nodes))

    def as_json(self) -> dict[str, object]:
        """``code``, ``message`` and ``nodes`` always; the rest where there is something to say."""
        shown = {} if self.witness is None else {"witness": self.witness, "reasons": list(self.reasons)}
        return {
            "code": self.code.name,
            "message": self.message,
            "nodes": [{"subgraph": node.subgraph, "line": node.line} for node in self.nodes],
            "coordinates": list(self.coordinates),
            "subgraphs": list(self.subgraphs),
            "remedy": self.remedy,
            **shown,
        }


class Report(Protocol):
    """Reports what one subgraph gets wrong: a code, a line of its SDL, a schema coordinate or ``""``, and what is to be
    said of it, in words that follow the coordinate in a sentence; a remedy where the code's is not the one."""

    def __call__(
        self, code: CompositionCode, line: int | None, coordinate: str, why: str, remedy: str = "", /
    ) -> None: ...


def meant(wanted: str, known: Iterable[str]) -> str:
    """A question, after a space, for what a mistyped name was meant to be; empty when nothing known is near."""
    return did_you_mean(suggestion_list(wanted, list(known)))


@dataclass(slots=True)
class IssueLog:
    """Collects the issues of one run, so that all problems of a stage are told at once."""

    errors: list[Issue] = field(default_factory=list)
    hints: list[Issue] = field(default_factory=list)

    def report(
        self,
        code: CompositionCode,
        message: str,
        *coordinates: str,
        at: Iterable[tuple[str, int | None]] = (),
        remedy: str = "",
        witness: str | None = None,
        reasons: tuple[str, ...] = (),
    ) -> None:
        """Add an issue; ``at`` holds subgraph names with lines."""
        nodes = tuple(SourceLine(subgraph, line) for subgraph, line in at)
        issue = Issue(code, message, coordinates, nodes, remedy or code.remedy, witness, reasons)
        (self.errors if code.severity is Severity.ERROR else self.hints).append(issue)

    def of(self, subgraph: str) -> Report:
        """To report what is wrong in one subgraph, whatever the others hold."""

        def report(code: CompositionCode, line: int | None, coordinate: str, why: str, remedy: str = "", /) -> None:
            said = f"{coordinate} {why}" if coordinate else why
            coordinates = (coordinate,) if coordinate else ()
            self.report(code, f"[{subgraph}] {said}", *coordinates, at=((subgraph, line),), remedy=remedy)

        return report
