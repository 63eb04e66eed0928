"""Tests of backups, as whoever operates the system writes them down: what was put back, when, and whether it was whole.

The platform cannot see its own backups being tested, so a person says so, by name and with the document; nothing of it
is ever changed (R64).
"""

from datetime import date
from enum import StrEnum

import msgspec

from policies.ledger import ActFacts
from policies.matters import Party, demand_complete
from policies.ports import StoredMatter

KIND = "backup-test"


class TestedStep(StrEnum):
    """What was tried: to make a backup, or to put one back and look whether it is whole."""

    BACKUP = "backup"
    RESTORE = "restore"


class BackupTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test. ``store`` is what it was of, ``passed`` whether it came back whole, ``document`` the written report."""

    id: str
    step: TestedStep
    store: str
    day: date
    passed: bool
    document: str
    note: str
    by: Party


def write_down(test: BackupTest, today: date) -> BackupTest:
    """The test, if it says all that it has to. Raises CodedError MATTER_INCOMPLETE with everything that is missing."""
    problems = [f"{name} is empty" for name in ("store", "document") if not getattr(test, name).strip()]
    if test.day > today:
        problems.append(f"the day {test.day} is yet to come")
    if not test.passed and not test.note.strip():
        problems.append("a test that failed says in `note` what was wrong and what was done")
    demand_complete("The test", problems)
    return test


def kept(test: BackupTest, unproved: str | None = None) -> tuple[StoredMatter, ActFacts]:
    """The test as the store keeps it, with its record in the ledger; ``unproved`` is that of ActFacts."""
    facts = ActFacts(
        person=test.by.subject, department=test.by.department, act=f"{test.step} test", about=f"{KIND} {test.id}",
        after="passed" if test.passed else "failed", reason=test.note or None, basis=test.document,
        unproved=unproved,
    )  # fmt: skip
    return StoredMatter(test.id, KIND, 1, msgspec.json.encode(test)), facts
