"""Drafts, versions, what-if, rollback and stops in the administration's schema."""

import strawberry

from gateway.admin import policy_steps as desk_steps
from gateway.admin.desk import Info
from gateway.admin.grant_fields import Revision
from policies import drafts
from policies.drafts import DraftState, FreezeOf
from policies.simulation import WhatIf as Simulation
from policies.versions import SignedVersion

strawberry.enum(DraftState, description="Where a draft stands.")
strawberry.enum(FreezeOf, description="What an emergency stop stops.")
VERSIONS_SHOWN = 20


@strawberry.type(description="A decision with its expected result, kept beside the policy.")
class PolicyTest:
    name: str
    subject: str
    item: str
    allowed: bool
    department: str | None
    zone: str
    purpose: str | None
    act: str
    rows: str
    at: str | None

    @staticmethod
    def of(test: drafts.PolicyTest) -> "PolicyTest":
        return PolicyTest(
            name=test.name, subject=test.subject, item=test.item, allowed=test.allowed, department=test.department,
            zone=test.zone, purpose=test.purpose, act=test.act, rows=test.rows, at=test.at,
        )  # fmt: skip


@strawberry.input(description="A decision with its expected result.")
class PolicyTestInput:
    name: str
    subject: str
    item: str
    allowed: bool
    department: str | None = None
    zone: str = "intranet"
    purpose: str | None = None
    act: str = "read"
    rows: str = "all"
    at: str | None = None

    def test(self) -> drafts.PolicyTest:
        """The test as a value."""
        return drafts.PolicyTest(
            name=self.name, subject=self.subject, item=self.item, allowed=self.allowed, department=self.department,
            zone=self.zone, purpose=self.purpose, act=self.act, rows=self.rows, at=self.at,
        )  # fmt: skip


@strawberry.type(description="A proposed policy.")
class Draft:
    id: strawberry.ID
    revision: int
    base: int = strawberry.field(description="The version that it was made for.")
    author: str
    note: str
    state: DraftState
    approvals: list[str]
    text: str = strawberry.field(description="The policy lines.")
    tests: list[PolicyTest]

    @staticmethod
    def of(draft: drafts.Draft) -> "Draft":
        return Draft(
            id=strawberry.ID(draft.id), revision=draft.revision, base=draft.base, author=draft.author, note=draft.note,
            state=draft.state, approvals=list(draft.approvals), text=draft.text,
            tests=[PolicyTest.of(test) for test in draft.tests],
        )  # fmt: skip

    @strawberry.field(description="How many persons it needs in all, once it has no errors and its tests pass.")
    async def persons(self, info: Info) -> int | None:
        return (await info.context.desk.office.check(self.id)).persons


@strawberry.type(description="A published policy: never changed, signed.")
class PolicyVersion:
    number: int
    name: str
    published_at: str
    persons: list[str] = strawberry.field(description="Author and approvers.")
    note: str
    digest: str
    previous: str
    text: str
    live: bool

    @staticmethod
    def of(signed: SignedVersion, head: int | None) -> "PolicyVersion":
        version = signed.version
        return PolicyVersion(
            number=version.number, name=version.name, published_at=signed.published_at, persons=list(signed.persons),
            note=signed.note, digest=version.digest, previous=signed.previous, text=version.text(),
            live=version.number == head,
        )  # fmt: skip


@strawberry.type(description="A class of callers that gains or loses items.")
class PolicyChange:
    subjects: list[str]
    zone: str
    purpose: str | None
    act: str
    rows: str
    gained: list[str]
    lost: list[str]


@strawberry.type(description="A recorded operation that would be decided otherwise.")
class Flip:
    operation: str
    resource: str
    allowed_now: bool


@strawberry.type(description="Everything that a draft would change at this moment.")
class WhatIf:
    changes: list[PolicyChange]
    flips: list[Flip]
    widens: bool

    @staticmethod
    def of(found: Simulation) -> "WhatIf":
        changes = [
            PolicyChange(
                subjects=list(c.subjects), zone=c.zone, purpose=c.purpose, act=c.act, rows=c.rows,
                gained=list(c.gained), lost=list(c.lost),
            )
            for c in found.changes
        ]  # fmt: skip
        flips = [Flip(operation=f.operation, resource=f.resource, allowed_now=f.allowed_now) for f in found.flips]
        return WhatIf(changes=changes, flips=flips, widens=found.widens)


@strawberry.type(description="A proposal to make an old version's content live again.")
class RollBack:
    id: strawberry.ID
    version: int
    head: int = strawberry.field(description="The version that was live when it was proposed; it stands as long.")
    reason: str
    proposed_by: str
    proposed_at: str

    @staticmethod
    def of(asked: desk_steps.RollBack) -> "RollBack":
        return RollBack(
            id=strawberry.ID(asked.id), version=asked.number, head=asked.head, reason=asked.reason,
            proposed_by=asked.by.subject, proposed_at=asked.at,
        )  # fmt: skip


async def _shown(info: Info, signed: SignedVersion) -> PolicyVersion:
    return PolicyVersion.of(signed, await info.context.desk.store.head())


@strawberry.type
class PolicyQueries:
    @strawberry.field(description="Every draft.")
    async def drafts(self, info: Info, state: DraftState | None = None) -> list[Draft]:
        visit = info.context
        (await visit.rights()).demand_reader(visit.person)
        return [Draft.of(draft) for draft in await visit.desk.store.drafts() if state is None or draft.state is state]

    @strawberry.field(description="One draft.")
    async def draft(self, info: Info, id: strawberry.ID) -> Draft:
        return Draft.of(await desk_steps.readable_draft(info.context, id))

    @strawberry.field(description="The latest published versions, newest first, or those before a number.")
    async def versions(self, info: Info, before: int | None = None, first: int = VERSIONS_SHOWN) -> list[PolicyVersion]:
        head = await info.context.desk.store.head() or 0
        newest = head if before is None else min(head, before - 1)
        numbers = range(newest, max(0, newest - min(max(first, 0), VERSIONS_SHOWN)), -1)
        shown = [await desk_steps.readable_version(info.context, number) for number in numbers]
        return [PolicyVersion.of(signed, head) for signed in shown]

    @strawberry.field(description="One published version.")
    async def version(self, info: Info, number: int) -> PolicyVersion:
        return await _shown(info, await desk_steps.readable_version(info.context, number))

    @strawberry.field(description="Who would gain or lose which items, and which recorded operations would flip.")
    async def what_if(self, info: Info, draft: strawberry.ID) -> WhatIf:
        return WhatIf.of(await desk_steps.simulate(info.context, draft))

    @strawberry.field(description="Rollbacks that wait for the second person.")
    async def roll_backs(self, info: Info) -> list[RollBack]:
        visit = info.context
        (await visit.rights()).demand_reader(visit.person)
        head = await visit.desk.store.head()
        asked = [filed.value for filed in await desk_steps.ROLLBACKS.all(visit)]
        return [RollBack.of(one) for one in asked if one.head == head]


@strawberry.type
class PolicyMutations:
    @strawberry.mutation(description="A new draft of the live version.")
    async def start_draft(self, info: Info, note: str, id: strawberry.ID | None = None) -> Draft:
        return Draft.of(await desk_steps.start(info.context, id, note))

    @strawberry.mutation(description="Another text, and other tests, for the own draft; approvals fall away.")
    async def edit_draft(
        self, info: Info, id: strawberry.ID, revision: Revision, text: str, tests: list[PolicyTestInput] | None = None
    ) -> Draft:
        given = [test.test() for test in tests or ()]
        return Draft.of(await desk_steps.edit(info.context, id, text, given, revision))

    @strawberry.mutation(description="Lint, test, and lay the own draft before the second person.")
    async def propose_draft(self, info: Info, id: strawberry.ID, revision: Revision) -> Draft:
        return Draft.of(await desk_steps.propose(info.context, id, revision))

    @strawberry.mutation(description="Stand for another's draft as it is.")
    async def approve_draft(self, info: Info, id: strawberry.ID, revision: Revision) -> Draft:
        return Draft.of(await desk_steps.approve(info.context, id, revision))

    @strawberry.mutation(description="Prove an approved draft against Casbin and make it live on all workers.")
    async def publish_draft(self, info: Info, id: strawberry.ID) -> PolicyVersion:
        return await _shown(info, await desk_steps.publish(info.context, id))

    @strawberry.mutation(description="Give up the own draft.")
    async def discard_draft(self, info: Info, id: strawberry.ID) -> Draft:
        return Draft.of(await desk_steps.discard(info.context, id))

    @strawberry.mutation(description="The first person's word for making an old version's content live again.")
    async def roll_back(self, info: Info, version: int, reason: str) -> RollBack:
        return RollBack.of((await desk_steps.propose_roll_back(info.context, version, reason)).value)

    @strawberry.mutation(
        description="A new draft with what of an old version the catalogue still allows; comments in its text say "
        "what was left out, and why."
    )
    async def roll_back_as_draft(self, info: Info, version: int, reason: str, id: strawberry.ID | None = None) -> Draft:
        return Draft.of(await desk_steps.roll_back_as_draft(info.context, version, id, reason))

    @strawberry.mutation(description="The second person's: the old content is live at once, as a new version.")
    async def approve_roll_back(self, info: Info, id: strawberry.ID) -> PolicyVersion:
        return await _shown(info, await desk_steps.approve_roll_back(info.context, id))

    @strawberry.mutation(
        description="Stop callers, resources, providers or zones at once, alone, for at most 72 hours. "
        "`reason` is a basis, such as `incident:2026-7`."
    )
    async def freeze(
        self, info: Info, of: FreezeOf, names: list[str], reason: str, hours: float = 24.0
    ) -> PolicyVersion:
        return await _shown(info, await desk_steps.freeze(info.context, of, names, reason, hours))
