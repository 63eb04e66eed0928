"""Releases of subgraphs in the administration's schema."""

from datetime import date

import strawberry

from catalog_sync.errors import CodedError
from catalog_sync.lifecycle import ReleaseState
from catalog_sync.schema_comparison import ChangeEffect
from catalog_sync.seen_changes import SeenChange
from gateway.admin.desk import Info
from gateway.admin.errors import ROLE_NEEDED
from gateway.admin.registry_desk import COMPETENT, in_thread, officer, own_code, registry_of, reviewer
from gateway.releasing.office import Standing
from gateway.releasing.report import ReleaseReport, UserKind, as_github, as_json, as_text

strawberry.enum(ReleaseState, description="Where a release of a subgraph stands.")
strawberry.enum(UserKind, name="AffectedKind", description="What somebody who is hit uses the graph by.")
strawberry.enum(ChangeEffect, name="SchemaChangeEffect", description="Whom a change of the schema may hurt.")


@strawberry.type(description="What stands between a release and its going live.")
class ReleaseFinding:
    coordinate: str
    message: str
    remedy: str


@strawberry.type(description="One change of what clients see.")
class SchemaChangeView:
    effect: ChangeEffect
    coordinate: str
    message: str


@strawberry.type(description="A user whom breaking changes hit.")
class AffectedUser:
    kind: UserKind
    name: str
    department: str | None
    coordinates: list[str]
    use: str


@strawberry.type(description="What a check of a release found.")
class CheckReport:
    in_order: bool
    composition: list[ReleaseFinding]
    problems: list[ReleaseFinding]
    changes: list[SchemaChangeView]
    affected: list[AffectedUser]
    unseen: list[str] = strawberry.field(description="Where users could not be looked for.")
    report: strawberry.Private[ReleaseReport]

    @strawberry.field(description="All of it for people, one finding a line.")
    def text(self) -> str:
        return as_text(self.report)

    @strawberry.field(description="All of it as one JSON document.")
    def json(self) -> str:
        return as_json(self.report)

    @strawberry.field(description="All of it as workflow commands that annotate a file.")
    def github(self, file: str) -> str:
        return as_github(self.report, file)

    @staticmethod
    def of(report: ReleaseReport) -> "CheckReport":
        return CheckReport(
            in_order=report.in_order,
            composition=[
                ReleaseFinding(
                    coordinate=", ".join(each.coordinates), message=f"{each.code.name}: {each.message}",
                    remedy=each.remedy,
                )
                for each in report.issues
            ],
            problems=[
                ReleaseFinding(coordinate=each.coordinate, message=each.message, remedy=each.remedy)
                for each in report.problems
            ],
            changes=[
                SchemaChangeView(effect=each.effect, coordinate=each.coordinate, message=each.message)
                for each in report.changes
            ],
            affected=[
                AffectedUser(
                    kind=each.kind, name=each.name, department=each.department, coordinates=list(each.coordinates),
                    use=each.use,
                )
                for each in report.affected
            ],
            unseen=list(report.unseen),
            report=report,
        )  # fmt: skip


@strawberry.type(description="Those whom a breaking change hits, and the last day of the clock that runs for them.")
class ReleaseNotice:
    affected: list[str]
    acknowledged: list[str]
    due: date
    provisional: bool


@strawberry.type(description="A registered version of a subgraph's schema, with what was said on its way.")
class SubgraphReleaseView:
    subgraph: str
    number: int
    state: ReleaseState
    provider_code: str
    address: str
    digest: str
    sdl: str
    proposed_by: str
    proposed_at: str
    note: str
    reason: str
    notice: ReleaseNotice | None

    @staticmethod
    def of(standing: Standing) -> "SubgraphReleaseView":
        release, notice = standing.release, standing.notice
        return SubgraphReleaseView(
            subgraph=release.subgraph, number=release.number, state=release.state,
            provider_code=str(release.provider), address=release.address, digest=release.digest, sdl=release.sdl,
            proposed_by=standing.proposed_by, proposed_at=standing.proposed_at, note=standing.note,
            reason=standing.reason,
            notice=None if notice is None else ReleaseNotice(
                affected=list(notice.affected), acknowledged=list(standing.acknowledged), due=notice.due,
                provisional=notice.provisional,
            ),
        )  # fmt: skip


@strawberry.type(description="From a moment on, a running schema or a resource's data were in another state.")
class SeenChangeView:
    subject: str = strawberry.field(description="The subgraph, or the resource's code.")
    at: str
    state: str = strawberry.field(description="as released, drifted, unreachable; fresh, stale.")
    told: str

    @staticmethod
    def of(change: SeenChange) -> "SeenChangeView":
        return SeenChangeView(
            subject=change.subject, at=change.at.isoformat(), state=change.state, told=change.told
        )  # fmt: skip


@strawberry.type
class ReleaseQueries:
    @strawberry.field(description="When a running subgraph drifted or came back, and its data went stale or renewed.")
    async def subgraph_seen(self, info: Info, subgraph: str) -> list[SeenChangeView]:
        office = registry_of(info.context).records()
        return [SeenChangeView.of(each) for each in await in_thread(lambda: office.seen(subgraph))]

    @strawberry.field(description="Every subgraph's newest release; in one state, if one is named.")
    async def subgraphs(self, info: Info, state: ReleaseState | None = None) -> list[SubgraphReleaseView]:
        office = registry_of(info.context).records()
        found = await in_thread(office.subgraphs)
        return [SubgraphReleaseView.of(each) for each in found if state in (None, each.release.state)]

    @strawberry.field(description="A subgraph's releases, oldest first.")
    async def subgraph_releases(self, info: Info, subgraph: str) -> list[SubgraphReleaseView]:
        office = registry_of(info.context).records()
        return [SubgraphReleaseView.of(each) for each in await in_thread(lambda: office.history(subgraph))]

    @strawberry.field(description="The check of a schema that might be released; nothing is changed.")
    async def check_schema(self, info: Info, subgraph: str, sdl: str, address: str = "") -> CheckReport:
        office = await registry_of(info.context).releases(info.context)
        code = own_code(info.context)
        report = await in_thread(lambda: office.check(office.candidate(subgraph, sdl, address, code)))
        return CheckReport.of(report)

    @strawberry.field(description="The check of a release, with what is live now: what its author saw, and who is hit.")
    async def check_release(self, info: Info, subgraph: str, number: int | None = None) -> CheckReport:
        office = await registry_of(info.context).releases(info.context)
        report = await in_thread(lambda: office.check(office.standing(subgraph, number).release))
        return CheckReport.of(report)


@strawberry.type
class ReleaseMutations:
    @strawberry.mutation(description="Propose a release that is in order.")
    async def publish_release(
        self, info: Info, subgraph: str, sdl: str, note: str, address: str = ""
    ) -> SubgraphReleaseView:
        actor = officer(info.context)
        office = await registry_of(info.context).releases(info.context)
        await in_thread(lambda: office.publish(subgraph, sdl, address, note, actor))
        return SubgraphReleaseView.of(await in_thread(lambda: office.standing(subgraph)))

    @strawberry.mutation(description="Approve a proposal; live at once, or when those whom it hits had their notice.")
    async def approve_release(
        self, info: Info, subgraph: str, number: int, reason: str, acknowledged: list[str] | None = None
    ) -> SubgraphReleaseView:
        actor = reviewer(info.context)
        office = await registry_of(info.context).releases(info.context)
        standing = await in_thread(lambda: office.approve(subgraph, number, reason, actor, acknowledged or ()))
        return SubgraphReleaseView.of(standing)

    @strawberry.mutation(description="Put an approved release into service when nobody has to be waited for any more.")
    async def go_live(self, info: Info, subgraph: str, number: int) -> SubgraphReleaseView:
        actor = reviewer(info.context)
        office = await registry_of(info.context).releases(info.context)
        return SubgraphReleaseView.of(await in_thread(lambda: office.go_live(subgraph, number, actor)))

    @strawberry.mutation(description="Those of the own department whom a release hits let it pass.")
    async def acknowledge_release(
        self, info: Info, subgraph: str, number: int, names: list[str]
    ) -> SubgraphReleaseView:
        visit = info.context
        competent = COMPETENT in visit.caller.roles
        actor = reviewer(visit) if competent else officer(visit)
        office = registry_of(visit).records()

        def take() -> Standing:
            notice = office.standing(subgraph, number).notice
            whose = notice.departments if notice is not None else {}
            for name in names:
                # A stored document is nobody's: the competent department speaks for it.
                if not (whose.get(name) == visit.person.department or (competent and whose.get(name) is None)):
                    raise CodedError(ROLE_NEEDED, f"{name} is not {visit.person.department}'s to speak for.")
            return office.acknowledge(subgraph, number, names, actor)

        return SubgraphReleaseView.of(await in_thread(take))

    @strawberry.mutation(description="Refuse a proposal, or an approved release before it is live.")
    async def refuse_release(self, info: Info, subgraph: str, number: int, reason: str) -> SubgraphReleaseView:
        actor, office = reviewer(info.context), registry_of(info.context).records()
        return SubgraphReleaseView.of(await in_thread(lambda: office.refuse(subgraph, number, reason, actor)))

    @strawberry.mutation(description="Take the own subgraph out of service.")
    async def retire_subgraph(
        self, info: Info, subgraph: str, reason: str, acknowledged: list[str] | None = None
    ) -> SubgraphReleaseView:
        actor = officer(info.context)
        office = await registry_of(info.context).releases(info.context)
        retired, _ = await in_thread(lambda: office.retire(subgraph, reason, actor, acknowledged or ()))
        return SubgraphReleaseView.of(await in_thread(lambda: office.standing(subgraph, retired.number)))

    @strawberry.mutation(description="Put a retired release back into service, by its digest.")
    async def roll_back_release(self, info: Info, subgraph: str, digest: str, reason: str) -> SubgraphReleaseView:
        actor = reviewer(info.context)
        office = await registry_of(info.context).releases(info.context)
        standing, _ = await in_thread(lambda: office.roll_back(subgraph, digest, reason, actor))
        return SubgraphReleaseView.of(standing)
