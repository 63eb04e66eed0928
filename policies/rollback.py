"""An old content made live again, and what is to be done where the present catalogue does not allow all of it.

A version was lawful when it was published; meanwhile an item may have been closed, withdrawn, or shared no longer, or
the lint learned more. Such a version never goes live as it was. What of it still stands becomes a draft that takes the
usual way: what gives rights unlawfully is left out of it, in comments that say why; what takes rights away, or says who
is who, stays, with a comment where it has to be mended.
"""

from collections.abc import Mapping
from datetime import datetime

from policies.drafts import STOP
from policies.errors import DRAFT_REFUSED, ROLLBACK_UNLAWFUL, CodedError
from policies.items import ItemTiers
from policies.lines import PolicyLine, PolicyVersion, time_text
from policies.tables import LawfulPart, lawful_part


def old_content(live: PolicyVersion, old: PolicyVersion, now: datetime) -> PolicyVersion:
    """An old content as a new version. Emergency stops still in force stay: undoing an edit must not undo them.

    Raises CodedError DRAFT_REFUSED.
    """
    if old.number >= live.number:
        raise CodedError(DRAFT_REFUSED, f"Version {old.number} is not older than the live one.")
    moment = time_text(now)
    stops = tuple(
        tokens for tokens in live.lines if tokens[0] == "p" and tokens[1].startswith(STOP) and moment < tokens[9]
    )
    return PolicyVersion.of(live.number + 1, (*old.lines, *(stop for stop in stops if stop not in old.lines)))


def demand_lawful(version: PolicyVersion, number: int, items: Mapping[str, ItemTiers]) -> None:
    """Raises CodedError ROLLBACK_UNLAWFUL naming every line of a content (that of version ``number``) to be mended."""
    part = lawful_part(version, items)
    findings = [*part.left_out, *part.faults]
    if findings:
        shown = " ".join(f"{finding} [{_line_at(version, finding.place)}]" for finding in findings[:5])
        more = f" And {len(findings) - 5} more." if len(findings) > 5 else ""
        raise CodedError(
            ROLLBACK_UNLAWFUL,
            f"Version {number} cannot be live as it was: {len(findings)} of what it says is not lawful any more. "
            f"{shown}{more}",
            {"version": number, "findings": [str(finding) for finding in findings[:50]]},
        )


def rest_of(version: PolicyVersion, items: Mapping[str, ItemTiers]) -> str:
    """The text of a draft with what of a content still stands; what does not is told in comments."""
    part = lawful_part(version, items)
    written = [text for line in _numbered(version) for text in _written(line, part)]
    elsewhere = [f"# to be mended: {finding}" for finding in part.faults if not finding.place.startswith("line ")]
    return "".join(f"{text}\n" for text in (*elsewhere, *written))


def _written(line: PolicyLine, part: LawfulPart) -> tuple[str, ...]:
    text = ", ".join(line.tokens)
    left_out = [finding for finding in part.left_out if finding.place == line.place]
    if left_out:
        return (*(f"# left out: {each.code}: {each.message}" for each in left_out), f"#   {text}")
    return (
        *(f"# to be mended: {each.code}: {each.message}" for each in part.faults if each.place == line.place), text,
    )  # fmt: skip


def _numbered(version: PolicyVersion) -> list[PolicyLine]:
    return [PolicyLine(number, tokens) for number, tokens in enumerate(version.lines, 1)]


def _line_at(version: PolicyVersion, place: str) -> str:
    """The beginning of the line at a place, so that it is known again in whatever file it came from."""
    return next((", ".join(line.tokens[:3]) for line in _numbered(version) if line.place == place), place)
