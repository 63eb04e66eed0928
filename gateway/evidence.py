"""The evidence of a period for classified protection (R64): who could do what, who did, and is the record whole.

Everything but the accounts is replayed from what nobody can change: policy versions up to the period's last day, steps
of matters up to it, the ledger up to it. So the report of a past period is the same whenever it is made; accounts and
their keys are those on file when it is made, judged at the period's end. Days are those of Chongqing. Persons of the
administration stand in it by name, persons whose records were read do not occur.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

import msgspec

from catalog_sync.assessment import Period
from catalog_sync.chongqing_days import CHONGQING, date_in_chongqing
from catalog_sync.office import CatalogueOffice
from catalog_sync.opening_reviews import ACTION as REVIEW
from catalog_sync.opening_reviews import OpeningReview
from catalog_sync.ports import LedgerRow
from catalog_sync.store import verify_ledger
from catalog_sync.table_reports import Cell, Table, table_csv, table_markdown
from gateway.errors import CodedError
from policies.backup_tests import KIND, BackupTest
from policies.console import Duties
from policies.credentials import CallerRegister, utc
from policies.doubts import Doubt
from policies.drafts import STOP
from policies.grants import Application
from policies.ledger import Anchor, LedgerRecord, ReadFacts, RecordKind, verify_chain
from policies.lines import Rule, time_text
from policies.matters import Step
from policies.memberships import Memberships
from policies.openings import OpeningApplication
from policies.ports import PolicyStore
from policies.publication import PolicyOffice
from policies.records import PAGE
from policies.versions import SignedVersion

Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """One table for each thing to be shown. ``digest`` is SHA-256 over all of them: two reports that agree are one."""

    period: Period
    tables: tuple[Table, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self.document())).hexdigest()

    def faults(self) -> tuple[str, ...]:
        """What an auditor has to look into: versions or ledgers that do not verify, duties that one account joins."""
        found = []
        for table in self.tables:
            for row in (dict(zip(table.headings, row, strict=True)) for row in table.rows):
                wrong = [
                    f"{heading}: {row[heading]}"
                    for heading, good in (
                        ("signature", "verified"),
                        ("chain", "whole"),
                        ("verified", "intact"),
                        ("fault", None),
                    )
                    if heading in row and row[heading] != good
                ]
                if wrong:
                    found.append(f"{table.name}, {next(iter(row.values()))}: {'; '.join(wrong)}")
        return tuple(found)

    def document(self) -> dict[str, object]:
        """The report as plain values."""
        sections = {
            table.name: [dict(zip(table.headings, row, strict=True)) for row in table.rows] for table in self.tables
        }
        return {"version": 1, "from": str(self.period.first), "to": str(self.period.last), "sections": sections}

    def json(self) -> str:
        """The report for programs."""
        told = {**self.document(), "digest": self.digest}
        return msgspec.json.format(msgspec.json.encode(told), indent=1).decode() + "\n"

    def csv(self) -> str:
        """The report as one table: section, row, field, value."""
        rows: list[Row] = [("report", 1, "digest", self.digest)]
        for table in self.tables:
            for number, row in enumerate(table.rows, 1):
                rows += [(table.name, number, *pair) for pair in zip(table.headings, row, strict=True)]
        return table_csv(Table("evidence", ("section", "row", "field", "value"), tuple(rows)))

    def markdown(self) -> str:
        """The report for people."""
        parts = [f"# Evidence, {self.period}\n\nDigest `{self.digest}`\n"]
        for table in self.tables:
            parts.append(f"## {table.name.capitalize()}\n\n{table_markdown(table) if table.rows else 'None.'}")
        return "\n".join(part.rstrip("\n") + "\n" for part in parts)


async def gather(
    store: PolicyStore, office: PolicyOffice, register: CallerRegister, registry: CatalogueOffice | None, period: Period
) -> EvidenceReport:
    """The evidence of a period. ``registry`` is None where catalogue and schemas come from files."""
    end = datetime.combine(period.last + timedelta(days=1), time(), CHONGQING).astimezone(UTC)
    versions = await _versions(store, end)
    lines = versions[-1].version.lines if versions else ()
    chain = await _Chain.read(store, period, end)
    applications = [msgspec.json.decode(m.body, type=Application) for m in await store.matters("application")]
    openings = [msgspec.json.decode(m.body, type=OpeningApplication) for m in await store.matters("opening")]
    doubts = [msgspec.json.decode(m.body, type=Doubt) for m in await store.matters("doubt")]
    tests = [msgspec.json.decode(m.body, type=BackupTest) for m in await store.matters(KIND)]
    rows = () if registry is None else await asyncio.to_thread(lambda: tuple(registry.platform.entries.ledger()))
    shown = [each for each in versions if period.covers(_day(each.published_at))]
    tables = (
        Table("accounts", _ACCOUNTS, tuple(_accounts(register, end))),
        Table("roles", ("role", "act", "on", "rule", "held by"), tuple(_roles(lines, register))),
        Table("separation of duties", ("account", "duties", "fault"), tuple(_separation(lines, register))),
        Table("policy versions", _VERSIONS, tuple([await _version_row(each, office, versions) for each in shown])),
        Table("emergency stops", _STOPS, tuple(_stops(shown))),
        Table("grants", _GRANTS, tuple(_grants(applications, period))),
        Table("openings", _OPENINGS, tuple(_openings(openings, period))),
        Table("reviews before opening", _REVIEWS, tuple(_reviews(rows, period))),
        Table("doubts", _DOUBTS, tuple(_doubts(doubts, period))),
        Table("ledgers", _LEDGERS, (chain.row(), *_registry_ledger(rows, period))),
        Table("backup tests", _TESTS, tuple(_tests(tests, period))),
    )
    return EvidenceReport(period, tables)


_ACCOUNTS = ("account", "kind", "department", "roles", "credential", "from", "until", "state", "zones", "purposes")


def _accounts(register: CallerRegister, end: datetime) -> Iterator[Row]:
    for caller in sorted(register.callers, key=lambda each: each.subject):
        who: Row = (caller.subject, caller.kind.value, caller.department, " ".join(sorted(caller.roles)))
        held = [(f"key {each.id}", each.not_before, each.expires, each.zones, each.purposes) for each in caller.keys]
        held += [
            (f"certificate {each.id}", None, each.expires, each.zones, each.purposes) for each in caller.certificates
        ]
        for name, begins, ends, zones, purposes in held:
            first, last = utc(begins), utc(ends)
            state = "not begun" if first and first > end else "ended" if last and last <= end else "valid"
            times = tuple(time_text(moment) if moment else None for moment in (first, last))
            yield (*who, name, *times, state, " ".join(zones), " ".join(purposes))
        if not held:
            yield (*who, None, None, None, "no credential", None, None)
    for issuer in sorted(register.issuers, key=lambda each: each.issuer):
        roles = " ".join(sorted(issuer.roles.values() if isinstance(issuer.roles, dict) else issuer.roles))
        told = (f"tokens for {issuer.audience}, {' '.join(issuer.algorithms)}", None, None, "valid")
        yield (
            issuer.issuer, issuer.kind.value, issuer.department or issuer.department_claim, roles, *told,
            " ".join(issuer.zones), " ".join(issuer.purposes),
        )  # fmt: skip


def _roles(lines: Sequence[tuple[str, ...]], register: CallerRegister) -> Iterator[Row]:
    """The console's rules with everybody who holds them by the lines, then roles that credentials assert."""
    subjects = Memberships.by_department(line for line in lines if line[0] == "g")
    members = sorted({(line[1], line[3]) for line in lines if line[0] == "g" and line[1].startswith("user:")})
    for rule in (line for line in lines if line[0] == "p2"):
        _, identity, name, act, on, effect = rule
        holders = [f"{who} ({where})" for who, where in members if name in subjects.reached((who,), where)]
        shown = [name] if name.startswith("user:") and not holders else holders
        yield name, act if effect == "allow" else f"not {act}", on, identity, " ".join(shown)
    asserted: dict[str, list[str]] = {}
    for caller in register.callers:
        for role in caller.roles:
            asserted.setdefault(role, []).append(f"{caller.subject} ({caller.department})")
    for role, who in sorted(asserted.items()):
        yield role, None, None, "register of callers", " ".join(sorted(who))


def _separation(lines: Sequence[tuple[str, ...]], register: CallerRegister) -> Iterator[Row]:
    """Persons, and roles that join duties by themselves; with the roles that a person's credential asserts."""
    duties, faults = Duties(lines), dict(Duties(lines).faults())
    named = {line[1] for line in lines if line[0] == "g"} | {line[2] for line in lines if line[0] == "p2"}
    held = {name: duties.of(name) for name in named if name.startswith("user:") or name in faults}
    for caller in register.callers:
        if caller.subject.startswith("user:"):
            asserted = duties.held(caller.subject, caller.department or "-", frozenset(caller.roles))
            held[caller.subject] = held.get(caller.subject, frozenset()) | asserted
    for name, joined in sorted(held.items()):
        if joined:
            both = " and ".join(sorted(joined))
            fault = f"roles of its credential make it join {both}" if len(joined) > 1 else None
            yield name, " ".join(sorted(joined)), faults.get(name) or fault


_VERSIONS = ("version", "published", "author", "approvers", "note", "digest", "previous", "key", "signature", "chain")


async def _versions(store: PolicyStore, end: datetime) -> list[SignedVersion]:
    """Every version that was published before ``end``, the oldest first."""
    last = await store.live_at(end - timedelta(seconds=1)) or 0
    found = [await store.version(number) for number in range(1, last + 1)]
    return [each for each in found if each is not None]


async def _version_row(signed: SignedVersion, office: PolicyOffice, versions: Sequence[SignedVersion]) -> Row:
    version = signed.version
    try:
        await office.version(version.number)
        verified = "verified"
    except CodedError as error:
        verified = error.code.name
    before = next((each.version.digest for each in versions if each.version.number == version.number - 1), "0" * 64)
    author, *approvers = signed.persons
    return (
        version.number, signed.published_at, author, " ".join(approvers), signed.note, version.digest, signed.previous,
        signed.key_id, verified, "whole" if signed.previous == before else "broken",
    )  # fmt: skip


_STOPS = ("stop", "who", "zone", "what", "from", "until", "reason", "by", "version")


def _stops(versions: Iterable[SignedVersion]) -> Iterator[Row]:
    """Each stop with the version that brought it."""
    for signed in versions:
        own = f"{STOP}{signed.version.number}."
        for rule in (Rule(*line[1:]) for line in signed.version.lines if line[0] == "p" and line[1].startswith(own)):
            yield (
                rule.id, rule.subject, rule.zone, rule.object, rule.begins, rule.ends, rule.basis, signed.persons[0],
                signed.version.number,
            )  # fmt: skip


_GRANTS = ("application", "applicant", "officer", "provider", "purpose", "items", "from", "until", "steps")
_OPENINGS = ("application", "applicant", "provider", "purpose", "items", "from", "until", "steps")
_DOUBTS = ("doubt", "item", "raised by", "provider", "steps")


def _grants(applications: Iterable[Application], period: Period) -> Iterator[Row]:
    for each in applications:
        asked, taken = each.request, _taken(each.steps, period)
        if _concerns(taken, asked.ends, period):
            yield (
                each.id, asked.department, asked.officer, each.provider, asked.purpose, " ".join(asked.items),
                str(asked.begins), str(asked.ends), _told(taken),
            )  # fmt: skip


def _openings(openings: Iterable[OpeningApplication], period: Period) -> Iterator[Row]:
    for each in openings:
        asked, taken = each.request, _taken(each.steps, period)
        if _concerns(taken, asked.ends, period):
            yield (
                each.id, asked.applicant, each.provider, asked.purpose, " ".join(asked.items), str(asked.begins),
                str(asked.ends), _told(taken),
            )  # fmt: skip


def _doubts(doubts: Iterable[Doubt], period: Period) -> Iterator[Row]:
    for each in doubts:
        taken = _taken(each.steps, period)
        if _within(taken, period):
            raised = f"{each.raised_by.subject} ({each.raised_by.department})"
            routed = next((step.note for step in reversed(taken) if step.act == "routed"), None)
            yield each.id, each.report.item, raised, routed, _told(taken)


def _taken(steps: Iterable[Step], period: Period) -> list[Step]:
    return [step for step in steps if _day(step.at) <= period.last]


def _concerns(taken: Iterable[Step], ends: date, period: Period) -> bool:
    """Whether a step was taken in the period, or what was granted was in force in it."""
    return _within(taken, period) or (ends >= period.first and any("granted" in step.act for step in taken))


def _within(steps: Iterable[Step], period: Period) -> bool:
    return any(period.covers(_day(step.at)) for step in steps)


def _told(steps: Iterable[Step]) -> str:
    return "; ".join(f"{step.at} {step.act} by {step.by.subject}" for step in steps)


_REVIEWS = ("entry", "version", "kind", "result", "day", "reviewer", "basis", "document", "items")


def _reviews(rows: Iterable[LedgerRow], period: Period) -> Iterator[Row]:
    for row in rows:
        if row.action == REVIEW and period.covers(_day(row.at)):
            made = OpeningReview.of(row.body)
            found = made.found
            yield (
                str(row.body["entry"]), made.version, found.kind.value, found.result.value, str(found.day), row.actor,
                found.basis, found.document, " ".join(made.items),
            )  # fmt: skip


_LEDGERS = ("ledger", "verified", "records", "last digest", "in the period", "of them")


@dataclass(frozen=True, slots=True)
class _Chain:
    """What reading and verifying the policy's ledger up to the period's end found."""

    verified: str
    last: Anchor | None
    counted: Counter[str]

    @staticmethod
    async def read(store: PolicyStore, period: Period, end: datetime) -> "_Chain":
        last: Anchor | None = None
        counted: Counter[str] = Counter()
        limit = time_text(end)
        try:
            while page := await store.records(last.number if last else 0, PAGE):
                kept = list(takewhile(lambda record: record.at < limit, page))
                last = await asyncio.to_thread(verify_chain, kept, (), last)
                counted += Counter(_kind(record) for record in kept if period.covers(_day(record.at)))
                if len(kept) < len(page):
                    break
        except CodedError as error:
            return _Chain(f"{error.code.name}: {error.message}", last, counted)
        return _Chain("intact", last, counted)

    def row(self) -> Row:
        number, digest = (self.last.number, self.last.digest) if self.last else (0, None)
        parts = ", ".join(f"{kind} {count}" for kind, count in sorted(self.counted.items()))
        return "policy and access", self.verified, number, digest, self.counted.total(), parts


def _kind(record: LedgerRecord) -> str:
    if record.kind is RecordKind.ACT:
        return "acts"
    return f"reads {msgspec.json.decode(record.body, type=ReadFacts).outcome}"


def _registry_ledger(rows: Sequence[LedgerRow], period: Period) -> Iterator[Row]:
    kept = [row for row in rows if _day(row.at) <= period.last]
    if not rows:
        return
    try:
        verify_ledger(kept)
        verified = "intact"
    except CodedError as error:
        verified = f"{error.code.name}: {error.message}"
    counted = Counter(row.action for row in kept if period.covers(_day(row.at)))
    parts = ", ".join(f"{action} {count}" for action, count in sorted(counted.items()))
    yield "catalogue and releases", verified, len(kept), kept[-1].digest if kept else None, counted.total(), parts


_TESTS = ("test", "step", "store", "day", "passed", "document", "note", "by")


def _tests(tests: Iterable[BackupTest], period: Period) -> Iterator[Row]:
    for each in sorted(tests, key=lambda test: (test.day, test.id)):
        if period.covers(each.day):
            passed = "yes" if each.passed else "no"
            yield each.id, each.step.value, each.store, str(each.day), passed, each.document, each.note, each.by.subject


def _day(moment: str) -> date:
    return date_in_chongqing(datetime.fromisoformat(moment))
