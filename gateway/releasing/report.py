"""What a check of a release found: what keeps it from going live, what it changes, and who is hit, by name."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog_sync.releases import ReleaseProblem
from catalog_sync.schema_comparison import ChangeEffect, SchemaChange
from gateway.composition.issues import Issue


class UserKind(StrEnum):
    """What somebody who is hit uses the graph by."""

    GRANT = "grant"
    DOCUMENT = "stored document"
    READER = "recorded operations"


@dataclass(frozen=True, slots=True)
class Affected:
    """One user whom breaking changes hit. ``name`` is a grant's number, a document's id or a caller's subject.

    ``coordinates`` are what it loses; ``use`` says how it is used.
    """

    kind: UserKind
    name: str
    department: str | None
    coordinates: tuple[str, ...]
    use: str

    def __str__(self) -> str:
        whose = f" of {self.department}" if self.department else ""
        return f"{self.kind} {self.name}{whose} ({self.use}): {', '.join(self.coordinates)}"

    def as_json(self) -> dict[str, object]:
        """The user as plain data."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "department": self.department,
            "coordinates": list(self.coordinates),
            "use": self.use,
        }


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """One check. ``unseen`` says which users could not be looked for."""

    subgraph: str
    digest: str
    issues: tuple[Issue, ...] = ()
    problems: tuple[ReleaseProblem, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    affected: tuple[Affected, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether it composes and the catalogue covers what it serves."""
        return not self.issues and not self.problems

    @property
    def breaking(self) -> tuple[SchemaChange, ...]:
        """The changes that break what was valid."""
        return tuple(change for change in self.changes if change.effect is ChangeEffect.BREAKING)

    def unacknowledged(self, names: Iterable[str]) -> tuple[Affected, ...]:
        """Those hit who are not among the names."""
        known = frozenset(names)
        return tuple(each for each in self.affected if each.name not in known)

    def as_json(self) -> dict[str, object]:
        """The report for programs."""
        return {
            "version": 1,
            "subgraph": self.subgraph,
            "digest": self.digest,
            "inOrder": self.in_order,
            "composition": [issue.as_json() for issue in self.issues],
            "problems": [
                {"coordinate": each.coordinate, "message": each.message, "remedy": each.remedy}
                for each in self.problems
            ],
            "changes": [change.as_json() for change in self.changes],
            "affected": [each.as_json() for each in self.affected],
            "unseen": list(self.unseen),
        }


def as_text(report: ReleaseReport) -> str:
    """The report for people, one finding a line."""
    lines = [f"error {issue.code.name}: {issue.message} {issue.remedy}".rstrip() for issue in report.issues]
    lines += [f"error {problem}" for problem in report.problems]
    lines += [f"{change.effect} {change}" for change in report.changes]
    lines += [f"hits {each}" for each in report.affected]
    if report.breaking:
        lines += [f"not looked at: {each}" for each in report.unseen]
    return "".join(f"{line}\n" for line in (*lines, _summary(report)))


def as_json(report: ReleaseReport) -> str:
    """The report as JSON."""
    return json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n"


def as_github(report: ReleaseReport, file: str) -> str:
    """The report as workflow commands that annotate ``file``."""
    lines = [_annotation("error", issue.code.name, f"{issue.message} {issue.remedy}", file) for issue in report.issues]
    lines += [_annotation("error", "RELEASE_NOT_IN_ORDER", str(problem), file) for problem in report.problems]
    told = {ChangeEffect.BREAKING: "warning", ChangeEffect.RISKY: "notice"}
    lines += [
        _annotation(told[change.effect], f"{change.effect} change", str(change), file)
        for change in report.changes
        if change.effect in told
    ]
    lines += [_annotation("error", "breaking change in use", str(each), file) for each in report.affected]
    return "".join(f"{line}\n" for line in lines)


def _summary(report: ReleaseReport) -> str:
    counted: Sequence[tuple[int, str]] = (
        (len(report.issues) + len(report.problems), "errors"),
        (len(report.breaking), "breaking changes"),
        (len(report.affected), "users hit"),
    )
    found = ", ".join(f"{count} {what}" for count, what in counted)
    return f"{report.subgraph} {report.digest[:12]}: {found}."


def _annotation(kind: str, title: str, message: str, file: str) -> str:
    return (
        f"::{kind} title={_escaped(title, property_=True)},file={_escaped(file, property_=True)}::{_escaped(message)}"
    )


def _escaped(text: str, *, property_: bool = False) -> str:
    text = text.strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_ else text
