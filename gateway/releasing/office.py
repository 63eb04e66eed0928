"""The releases of subgraphs on their way to live, for commands and the administration alike.

proposed (by the provider, in order) -> approved (by the competent department, with a reason) -> live. A breaking change
that hits somebody opens a clock in working days at its approval (N1), and goes live when the clock has run out or all
who are hit have acknowledged it. Whatever goes live is checked once more with what is live then. Every word that was
given stands in the ledger, which is also where it is read from: there is no second record of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from catalog_sync.errors import NOT_YOURS, REASON_NEEDED, STALE_VERSION, CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.loading import Catalogue
from catalog_sync.observations import Look, Observations
from catalog_sync.office import CatalogueOffice
from catalog_sync.ports import LedgerRow
from catalog_sync.registry import Actor
from catalog_sync.releases import SubgraphRelease, notice_of, served_fields
from catalog_sync.rule_profiles import profile_in_force
from catalog_sync.seen_changes import SeenChange, SeenKind
from gateway.releasing.checking import GraphMemory, check, check_removal
from gateway.releasing.errors import ADDRESS_NEEDED, NOTICE_RUNNING, RELEASE_NOT_IN_ORDER, SUBGRAPH_UNKNOWN
from gateway.releasing.report import ReleaseReport, as_text
from gateway.releasing.users import Users

PROPOSE, APPROVE, ACKNOWLEDGE = "propose release", "approve release", "acknowledge release"


@dataclass(frozen=True, slots=True)
class Notice:
    """A breaking change announced: who is hit by name, and the last day of the clock.

    ``departments`` says whose each name is; a stored document is nobody's.
    """

    affected: tuple[str, ...]
    due: date
    provisional: bool
    departments: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Standing:
    """A release with what was said on its way. ``acknowledged`` are names of those hit who let it pass."""

    release: SubgraphRelease
    proposed_by: str
    proposed_at: str
    note: str
    reason: str
    notice: Notice | None
    acknowledged: tuple[str, ...]

    @property
    def unacknowledged(self) -> tuple[str, ...]:
        """Those hit who have not let it pass."""
        return tuple(name for name in (self.notice.affected if self.notice else ()) if name not in self.acknowledged)

    def may_go_live(self, today: date) -> bool:
        """Whether no notice stands in its way."""
        return self.notice is None or not self.unacknowledged or today > self.notice.due


class ReleaseOffice:
    """The office of one platform's releases. ``users`` says who uses the graph at the moment it is asked.

    ``memory`` outlives an office where checks follow one another.
    """

    def __init__(
        self, catalogue: CatalogueOffice, users: Callable[[], Users], memory: GraphMemory | None = None
    ) -> None:
        self._memory = memory or GraphMemory()
        self._catalogue = catalogue
        self._releases = catalogue.platform.releases
        self._users = users

    # The author's steps

    def candidate(
        self, subgraph: str, sdl: str, address: str = "", provider: CreditCode | None = None
    ) -> SubgraphRelease:
        """What would be released: under the provider that the subgraph has, the one named, or the one it serves for."""
        history = self._releases.history(subgraph)
        owner = history[-1].provider if history else provider or self._provider_of(sdl)
        where = address or (history[-1].address if history else "")
        return SubgraphRelease(subgraph, owner, len(history) + 1, sdl, where)

    def check(self, candidate: SubgraphRelease) -> ReleaseReport:
        """Whether it may go live in the place of what is live; nothing is changed."""
        catalogue = Catalogue(self._catalogue.in_force())
        return check(candidate, self._releases.live(), catalogue, self._users, self._memory)

    def publish(
        self, subgraph: str, sdl: str, address: str, note: str, actor: Actor
    ) -> tuple[SubgraphRelease, ReleaseReport]:
        """Proposes a release that is in order. CodedError RELEASE_NOT_IN_ORDER with everything that is wrong."""
        candidate = self.candidate(subgraph, sdl, address, actor.department)
        if not candidate.address:
            raise CodedError(ADDRESS_NEEDED, f"Say where {subgraph} is served: it has no release yet.")
        report = self.check(candidate)
        _demand_in_order(report)
        told = {"note": note, "breaking": [str(change) for change in report.breaking], "affected": _names(report)}
        release = self._releases.propose(
            subgraph, actor.department, sdl, candidate.address, actor, self._catalogue.now, told
        )
        return release, report

    def retire(
        self, subgraph: str, reason: str, actor: Actor, acknowledged: Iterable[str] = ()
    ) -> tuple[SubgraphRelease, ReleaseReport]:
        """Takes a subgraph out of service. Refused while the others need it, or somebody who uses it was not asked."""
        _demand_reason(reason, "Taking a subgraph out of service has a reason.")
        live = next((each for each in self._releases.live() if each.subgraph == subgraph), None)
        if live is None:
            raise CodedError(SUBGRAPH_UNKNOWN, f"The subgraph {subgraph} has no live release.")
        if live.provider != actor.department:
            raise CodedError(NOT_YOURS, f"The subgraph {subgraph} is {live.provider}'s, not {actor.department}'s.")
        catalogue = Catalogue(self._catalogue.in_force())
        report = check_removal(subgraph, self._releases.live(), catalogue, self._users, self._memory)
        _demand_in_order(report)
        asked = tuple(acknowledged)
        if missing := report.unacknowledged(asked):
            listed = "; ".join(map(str, missing))
            raise CodedError(NOTICE_RUNNING, f"Retiring {subgraph} takes something from: {listed}.")
        told = {"reason": reason, "acknowledged": list(asked)}
        moved = self._releases.move(subgraph, live.number, "retire", actor, self._catalogue.now, told)
        return moved, report

    # The competent department's steps

    def approve(
        self, subgraph: str, number: int | None, reason: str, actor: Actor, acknowledged: Iterable[str] = ()
    ) -> Standing:
        """Approves a proposal, and puts it into service at once where nobody has to be waited for.

        ``acknowledged`` are names of those hit who let the change pass. Whoever proposed it does not approve it.
        """
        _demand_reason(reason, "An approval has a reason.")
        standing = self.standing(subgraph, number)
        release = standing.release
        if standing.proposed_by.startswith(f"{actor.person} ("):
            message = f"{actor.person} proposed release {release.number} of {subgraph}; another person must decide."
            raise CodedError(NOT_YOURS, message)
        live = self._releases.live()
        report = self.check(release)
        _demand_in_order(report)
        told: dict[str, object] = {"reason": reason, "acknowledged": list(acknowledged)}
        if notice := self._notice(report):
            told["notice"] = {
                "affected": list(notice.affected), "due": notice.due.isoformat(), "provisional": notice.provisional,
                "departments": dict(notice.departments),
            }  # fmt: skip
        with self._still(live):
            self._releases.move(subgraph, release.number, "approve", actor, self._catalogue.now, told)
            approved = self.standing(subgraph, release.number)
            return self._go_live(approved, actor) if approved.may_go_live(self._catalogue.today) else approved

    def go_live(self, subgraph: str, number: int | None, actor: Actor) -> Standing:
        """Puts an approved release into service. CodedError NOTICE_RUNNING while those hit are to be waited for."""
        standing = self.standing(subgraph, number)
        if not standing.may_go_live(self._catalogue.today):
            assert standing.notice is not None
            message = (
                f"Release {standing.release.number} of {subgraph} may go live after {standing.notice.due}, or when "
                f"acknowledged by {', '.join(standing.unacknowledged)}."
            )
            raise CodedError(NOTICE_RUNNING, message, {"due": standing.notice.due.isoformat()})
        live = self._releases.live()
        _demand_in_order(self.check(standing.release))
        with self._still(live):
            return self._go_live(standing, actor)

    def acknowledge(self, subgraph: str, number: int | None, names: Iterable[str], actor: Actor) -> Standing:
        """Those hit, by name, let the change pass. CodedError REASON_NEEDED for a name that is not hit."""
        standing = self.standing(subgraph, number)
        given = tuple(names)
        affected = standing.notice.affected if standing.notice else ()
        if strangers := [name for name in given if name not in affected]:
            known = ", ".join(affected) or "nobody"
            raise CodedError(REASON_NEEDED, f"{', '.join(strangers)} is not hit by this release; hit is {known}.")
        told = {"acknowledged": list(given)}
        self._releases.tell(standing.release, ACKNOWLEDGE, actor, self._catalogue.now, told)
        return self.standing(subgraph, standing.release.number)

    def refuse(self, subgraph: str, number: int | None, reason: str, actor: Actor) -> Standing:
        """Refuses a proposal, or an approved release before it is live."""
        _demand_reason(reason, "A refusal has a reason.")
        release = self.standing(subgraph, number).release
        self._releases.move(subgraph, release.number, "refuse", actor, self._catalogue.now, {"reason": reason})
        return self.standing(subgraph, release.number)

    def roll_back(self, subgraph: str, digest: str, reason: str, actor: Actor) -> tuple[Standing, ReleaseReport]:
        """Puts a retired release back into service by its digest, shortened or not; no notice holds that up."""
        _demand_reason(reason, "A rollback has a reason.")
        history = self._releases.history(subgraph)
        meant = [each for each in history if digest and each.digest.startswith(digest)]
        if not meant:
            known = ", ".join(f"{each.number}: {each.digest[:12]}" for each in history) or "none"
            raise CodedError(SUBGRAPH_UNKNOWN, f"{subgraph} has no release of the digest {digest!r}; it has {known}.")
        live = self._releases.live()
        report = self.check(meant[-1])
        _demand_in_order(report)
        told = {"reason": reason, "affected": _names(report)}
        with self._still(live):
            self._releases.move(subgraph, meant[-1].number, "roll back", actor, self._catalogue.now, told)
        return self.standing(subgraph, meant[-1].number), report

    # Looking

    def subgraphs(self) -> tuple[Standing, ...]:
        """The newest release of every subgraph."""
        rows = self._rows()
        return tuple(self._standing(self._releases.history(name)[-1], mine) for name, mine in sorted(rows.items()))

    def history(self, subgraph: str) -> tuple[Standing, ...]:
        """Every release of a subgraph, oldest first. CodedError SUBGRAPH_UNKNOWN if there is none."""
        rows = self._rows().get(subgraph, [])
        found = tuple(self._standing(release, rows) for release in self._releases.history(subgraph))
        if not found:
            raise CodedError(SUBGRAPH_UNKNOWN, f"The registry has no subgraph {subgraph!r}.")
        return found

    def standing(self, subgraph: str, number: int | None = None) -> Standing:
        """A release as it stands, the newest if no number is given."""
        history = self.history(subgraph)
        found = history[-1] if number is None else next((e for e in history if e.release.number == number), None)
        if found is None:
            raise CodedError(SUBGRAPH_UNKNOWN, f"The subgraph {subgraph} has no release {number}.")
        return found

    def looks(self) -> Mapping[str, Look]:
        """The last look that a gateway took at each running subgraph."""
        return {look.subgraph: look for look in Observations(self._catalogue.platform).looks()}

    def seen(self, subgraph: str) -> tuple[SeenChange, ...]:
        """When a running subgraph left its release, came back to it, or did not answer; and its data's changes."""
        observations = Observations(self._catalogue.platform)
        served = {field.code for release in self._releases.history(subgraph) for field in served_fields(release.sdl)}
        data = [change for code in sorted(served) for change in observations.changes(SeenKind.DATA, code)]
        return tuple(sorted((*observations.changes(SeenKind.SCHEMA, subgraph), *data), key=lambda change: change.at))

    # Within

    @contextmanager
    def _still(self, live: tuple[SubgraphRelease, ...]) -> Iterator[None]:
        """A transaction in which what is live is what was checked against. CodedError STALE_VERSION if it is not."""
        with self._catalogue.platform.database.transaction():
            if self._releases.live() != live:
                raise CodedError(STALE_VERSION, "Another release went live meanwhile: take the step again.")
            yield

    def _go_live(self, standing: Standing, actor: Actor) -> Standing:
        release, platform = standing.release, replace(actor, side=Side.PLATFORM)
        told = {"acknowledged": list(standing.acknowledged)} if standing.acknowledged else None
        self._releases.move(release.subgraph, release.number, "go live", platform, self._catalogue.now, told)
        return self.standing(release.subgraph, release.number)

    def _notice(self, report: ReleaseReport) -> Notice | None:
        today = self._catalogue.today
        profile = profile_in_force(self._catalogue.instrument, today)
        given = notice_of(report.changes, _names(report), today, profile, self._catalogue.calendar)
        if given is None:
            return None
        departments = {each.name: each.department for each in report.affected}
        return Notice(given.affected, given.clock.deadline.date, given.clock.deadline.provisional, departments)

    def _provider_of(self, sdl: str) -> CreditCode:
        """The provider of the first entry that a schema serves; a code of nobody where it serves none."""
        catalogue = Catalogue(self._catalogue.in_force())
        found = (catalogue.entry(field.code) for field in served_fields(sdl))
        return next((entry.provider.credit_code for entry in found if entry is not None), CreditCode(""))

    def _rows(self) -> dict[str, list[LedgerRow]]:
        rows: dict[str, list[LedgerRow]] = {}
        for row in self._catalogue.platform.entries.ledger():
            if isinstance(name := row.body.get("subgraph"), str):
                rows.setdefault(name, []).append(row)
        return rows

    def _standing(self, release: SubgraphRelease, rows: Sequence[LedgerRow]) -> Standing:
        mine = [row for row in rows if row.body.get("number") == release.number]
        proposed = next((row for row in mine if row.action == PROPOSE), None)
        approved = next((row for row in reversed(mine) if row.action == APPROVE), None)
        reasons = [str(row.body["reason"]) for row in mine if "reason" in row.body]
        acknowledged = [name for row in mine for name in _texts(row.body, "acknowledged")]
        return Standing(
            release,
            proposed.actor if proposed else "",
            proposed.at if proposed else "",
            str(proposed.body.get("note", "")) if proposed else "",
            reasons[-1] if reasons else "",
            None if approved is None else _notice_told(approved.body),
            tuple(dict.fromkeys(acknowledged)),
        )


def _notice_told(body: Mapping[str, object]) -> Notice | None:
    told = body.get("notice")
    if not isinstance(told, Mapping):
        return None
    departments = told["departments"]
    assert isinstance(departments, Mapping)
    due = date.fromisoformat(str(told["due"]))
    return Notice(_texts(told, "affected"), due, bool(told["provisional"]), departments)


def _texts(body: Mapping[str, object], name: str) -> tuple[str, ...]:
    listed = body.get(name)
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _names(report: ReleaseReport) -> list[str]:
    return list(dict.fromkeys(each.name for each in report.affected))


def _demand_in_order(report: ReleaseReport) -> None:
    if not report.in_order:
        problems = [*(f"{each.code.name}: {each.message}" for each in report.issues), *map(str, report.problems)]
        raise CodedError(RELEASE_NOT_IN_ORDER, as_text(report).rstrip(), {"problems": problems})


def _demand_reason(reason: str, message: str) -> None:
    if not reason.strip():
        raise CodedError(REASON_NEEDED, message)
