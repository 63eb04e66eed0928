"""The evidence of a period, and the tests of backups that stand in it, in the administration's schema."""

from datetime import date

import msgspec
import strawberry

from catalog_sync.assessment import Period
from gateway.admin.desk import Info
from gateway.admin.filing import Cabinet, Change
from gateway.admin.ledger import record_look
from gateway.admin.rights import SYSTEM
from gateway.errors import BAD_REQUEST, CodedError
from gateway.evidence import EvidenceReport, gather
from policies import backup_tests
from policies.backup_tests import TestedStep
from policies.console import ConsoleAct
from policies.credentials import CallerRegister
from policies.matters import day_of

BACKUP_TESTS = Cabinet(backup_tests.KIND, backup_tests.BackupTest)
strawberry.enum(TestedStep, description="What was tried with a backup.")


@strawberry.type(description="One part of the evidence, as a table.")
class EvidenceSection:
    name: str
    headings: list[str]
    rows: list[list[str | None]]


@strawberry.type(description="Who could do what in a period, who did, and whether the record of it is whole.")
class Evidence:
    first: date
    last: date
    digest: str = strawberry.field(
        description="SHA-256 over all sections; the commands give the same for a past period."
    )
    sections: list[EvidenceSection]
    markdown: str

    @staticmethod
    def of(report: EvidenceReport) -> "Evidence":
        sections = [
            EvidenceSection(
                name=table.name,
                headings=list(table.headings),
                rows=[[None if cell is None else str(cell) for cell in row] for row in table.rows],
            )
            for table in report.tables
        ]
        return Evidence(
            first=report.period.first, last=report.period.last, digest=report.digest, sections=sections,
            markdown=report.markdown(),
        )  # fmt: skip


@strawberry.input(description="What a test of a backup found.")
class BackupTestInput:
    step: TestedStep
    store: str = strawberry.field(description="What was backed up or put back: the policy's store, the registry ...")
    day: date
    passed: bool
    document: str = strawberry.field(description="The number of the written report.")
    note: str = ""


@strawberry.type(description="A test of a backup that somebody wrote down; it is never changed.")
class BackupTest:
    id: strawberry.ID
    step: TestedStep
    store: str
    day: date
    passed: bool
    document: str
    note: str
    person: str

    @staticmethod
    def of(test: backup_tests.BackupTest) -> "BackupTest":
        return BackupTest(
            id=strawberry.ID(test.id), step=test.step, store=test.store, day=test.day, passed=test.passed,
            document=test.document, note=test.note, person=test.by.subject,
        )  # fmt: skip


@strawberry.type
class EvidenceQueries:
    @strawberry.field(description="The evidence of a period, both days included; for auditors. The look is recorded.")
    async def evidence(self, info: Info, first: date, last: date, why: str) -> Evidence:
        visit = info.context
        if last < first:
            raise CodedError(BAD_REQUEST, f"The period ends before it begins: {first} to {last}.")
        await record_look(visit, why)
        desk = visit.desk
        register = CallerRegister(callers=tuple(desk.callers().values()), issuers=tuple(desk.issuers()))
        registry = desk.registry.office if desk.registry is not None else None
        return Evidence.of(await gather(desk.store, desk.office, register, registry, Period(first, last)))


@strawberry.type
class EvidenceMutations:
    @strawberry.mutation(description="Write a test of a backup down; for who operates the system.")
    async def record_backup_test(self, info: Info, input: BackupTestInput) -> BackupTest:
        visit = info.context
        (await visit.rights()).demand(visit.person, ConsoleAct.OPERATE, (SYSTEM,))
        given = backup_tests.BackupTest(
            id="", step=input.step, store=input.store, day=input.day, passed=input.passed, document=input.document,
            note=input.note, by=visit.party,
        )  # fmt: skip
        name = visit.new_name(msgspec.json.encode(given))
        test = backup_tests.write_down(msgspec.structs.replace(given, id=name), day_of(visit.now))
        _, facts = backup_tests.kept(test)
        change = Change(facts.act, facts.reason, facts.basis, facts.after)
        return BackupTest.of((await BACKUP_TESTS.make(visit, name, test, change)).value)
