"""Policy as administrators write it: lines of tokens, immutable and numbered, and the versions made of them.

| first token | the rest |
|---|---|
| ``p`` | id, subject, zone, purpose, object, act, rows, begins, ends, basis, allow or deny |
| ``p2`` | id, subject, act, object, allow or deny: who may do what in the console |
| ``g`` | member, name, department: who belongs to what, when acting for that department |
| ``g2`` | item, set of items |
| ``g3`` | zone of a listener, zone of a rule |
| ``rows`` | name of a row condition, resource, the condition as JSON |
| ``apart`` | id, subject, set of items, how many of them one operation may use at most, basis |
| ``calls`` | number of a grant, how many operations of a day may use it, basis |
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from policies.errors import POLICY_INVALID, CodedError
from policies.items import ItemTiers, item_lines, masked_opening_lines

WIDTHS = {"p": 12, "p2": 6, "g": 4, "g2": 3, "g3": 3, "rows": 4, "apart": 6, "calls": 4}
ALWAYS = "0000"
NEVER = "9999"
FOR_EVER = datetime.max.replace(tzinfo=UTC)
"""The moment that ``NEVER`` stands for."""
ALL_ROWS = "all"
ANY = "*"
SENTINEL = ("p", "D-9999", "nobody", "z:any", ANY, "none", ANY, ANY, ALWAYS, ALWAYS, "sentinel", "deny")

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One line. ``number`` counts from 1 in the draft; 0 marks a line that the catalogue implies."""

    number: int
    tokens: Tokens

    @property
    def place(self) -> str:
        """Where the line stands, for messages."""
        return f"line {self.number}" if self.number else "the catalogue"


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``p`` line read. ``begins`` is included, ``ends`` is not; both are text and compare as such."""

    id: str
    subject: str
    zone: str
    purpose: str
    object: str
    act: str
    rows: str
    begins: str
    ends: str
    basis: str
    effect: str

    @property
    def denies(self) -> bool:
        return self.effect == "deny"

    @property
    def standing(self) -> bool:
        """Whether this is one of the tiers' own lines, which every grant includes."""
        return self.object.startswith(("share:", "open:")) and not self.denies

    @property
    def grant(self) -> str:
        """The number of the grant: the id up to its first point, since a grant may need several lines."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published policy: never changed, named by its number, proved by its digest."""

    number: int
    lines: tuple[Tokens, ...]
    digest: str

    @staticmethod
    def of(number: int, lines: Iterable[Tokens]) -> "PolicyVersion":
        """The version of that number with these lines."""
        kept = tuple(lines)
        return PolicyVersion(number, kept, digest_of(kept))

    @property
    def name(self) -> str:
        """What answers, contexts and the ledger call it."""
        return f"{self.number}-{self.digest[:12]}"

    def text(self) -> str:
        """The lines as a file that ``parse_policy`` reads back."""
        return "".join(", ".join(tokens) + "\n" for tokens in self.lines)


def digest_of(lines: Iterable[Tokens]) -> str:
    """SHA-256 over the lines, in hexadecimal."""
    return hashlib.sha256("\n".join("\x1f".join(tokens) for tokens in lines).encode()).hexdigest()


def parse_policy(text: str) -> tuple[PolicyLine, ...]:
    """The lines of a policy file. Says nothing about their sense: that is ``policies.lint``.

    Blank lines and lines that begin with ``#`` are skipped. The last token of a ``rows`` line may hold commas.
    """
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if stripped and not stripped.startswith("#"):
            splits = 3 if stripped.startswith("rows") else -1
            lines.append(PolicyLine(number, tuple(token.strip() for token in stripped.split(",", splits))))
    return tuple(lines)


def with_catalogue(lines: Iterable[PolicyLine], items: Mapping[str, ItemTiers]) -> tuple[PolicyLine, ...]:
    """The lines with all that the catalogue implies, and the sentinel without which an empty policy could allow."""
    written = tuple(lines)
    tokens = [line.tokens for line in written]
    implied = item_lines(items) + masked_opening_lines(tokens, items)
    if SENTINEL not in tokens:
        implied.append(SENTINEL)
    return written + tuple(PolicyLine(0, line) for line in implied)


def rule_of(tokens: Tokens) -> Rule:
    """Reads a ``p`` line. Raises CodedError POLICY_INVALID for one of another width."""
    if len(tokens) != WIDTHS["p"] or tokens[0] != "p":
        raise CodedError(POLICY_INVALID, f"Not a rule: {', '.join(tokens)[:100]}")
    return Rule(*tokens[1:])


def time_text(moment: datetime) -> str:
    """A moment as policy lines write it: UTC, whole seconds. Raises ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs a time zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(text: str) -> datetime:
    """The moment that a line's time names; ``0000`` and ``9999`` are the ends of the calendar."""
    if text == ALWAYS:
        return datetime.min.replace(tzinfo=UTC)
    if text == NEVER:
        return FOR_EVER
    return datetime.fromisoformat(text)
