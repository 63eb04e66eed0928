"""The way of an edit from draft to live, step by step against a store; and how workers learn of it.

The office takes the steps of ``policies.drafts`` and keeps each with its record. Before a version goes live it is
compiled, linted, tested and proved; that takes seconds and happens away from the event loop. Then one transaction makes
it live. A follower in each worker looks at the head four times a second, believes only what verifies, and keeps the
last good version otherwise.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import msgspec

from policies import drafts
from policies.call_ceilings import CALLS
from policies.console import Duties
from policies.context import SigningKey
from policies.decisions import Judge
from policies.drafts import Checked, Draft, DraftState, FreezeOf, PolicyTest
from policies.errors import DRAFT_REFUSED, POLICY_INVALID, CodedError
from policies.items import ItemTiers
from policies.ledger import START, ActFacts
from policies.lines import PolicyLine, PolicyVersion, Tokens, time_text, with_catalogue
from policies.matters import day_of
from policies.ports import PolicyStore, StoredMatter
from policies.proof import Proof, prove
from policies.rollback import demand_lawful, old_content, rest_of
from policies.tables import PolicyTables, compile_published, compile_tables
from policies.versions import SignedVersion, sign_version

# An emergency stop adds denies and nothing else, and must work within seconds: it is proved on fewer questions.
STOP_SAMPLES = 500
STRUCTURE = "policy"
_log = logging.getLogger("watersmeet.policies")

Items = Mapping[str, ItemTiers]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the console, as the credential has it; ``roles`` are those that the credential itself asserts.

    ``unproved`` says by whose hand where nothing but their own word says who they are; it stands in the ledger.
    """

    subject: str
    department: str
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    unproved: str | None = field(default=None, compare=False)


def utc_now() -> datetime:
    """The moment, for the default clock."""
    return datetime.now(UTC)


class Candidate(msgspec.Struct, frozen=True):
    """What is to be proved, in a form that crosses to another process in one piece.

    ``known`` are lines that were proved in the live version; with all links unchanged, their moments need no second
    look. The first ``standing`` lines are those of the live version, in a stop or with a grant: what the catalogue has
    taken from them since must hinder neither.
    """

    version: PolicyVersion
    items: dict[str, ItemTiers]
    now: datetime
    samples: int
    known: frozenset[Tokens]
    standing: int = 0


def compile_and_prove(candidate: bytes, part: tuple[int, int] = (0, 1)) -> Proof:
    """Compiles an encoded Candidate and puts (a part of) it to the judge; fit to run in another process.

    Raises CodedError POLICY_INVALID, DRAFT_REFUSED or PROOF_FAILED.
    """
    work = msgspec.msgpack.decode(candidate, type=Candidate)
    with _collector_resting():
        tables = _compiled(work)
        drafts.demand_stops_hold(tables, work.now)
        proof = prove(tables, work.now, work.samples, known=work.known, part=part)
    proof.demand()
    return proof


def _compiled(work: Candidate) -> PolicyTables:
    """The tables of a candidate, in which every line is sound that does not stand already. Raises POLICY_INVALID."""
    if not work.standing:
        return compile_tables(work.version, work.items)
    tables = compile_published(work.version, work.items)
    places = {f"line {number}" for number in range(work.standing + 1, len(work.version.lines) + 1)}
    faults = [str(found) for found in tables.findings if found.is_error and found.place in places]
    if faults:
        raise CodedError(
            POLICY_INVALID, f"What would be added has errors. {' '.join(faults[:5])}", {"findings": faults}
        )
    return tables


def be_ready_to_prove() -> None:
    """Does nothing: a process that has come here has loaded all that ``compile_and_prove`` needs."""


class PolicyOffice:
    """The console's steps on drafts.

    ``key`` signs; ``older_keys`` verify what was signed before. ``items`` gives the catalogue's current items.
    ``executor`` is where versions are compiled and proved, in ``processes`` parts at once; processes of their own keep
    the event loop free.
    """

    def __init__(
        self,
        store: PolicyStore,
        key: SigningKey,
        items: Callable[[], Items],
        clock: Callable[[], datetime] = utc_now,
        executor: Executor | None = None,
        processes: int = 1,
        samples: int = 10_000,
        older_keys: Iterable[SigningKey] = (),
    ) -> None:
        self._store = store
        self._key = key
        self._keys = {known.id: known for known in (*older_keys, key)}
        self._items = items
        self._clock = clock
        self._executor = executor
        self._processes = processes
        self._samples = samples

    async def live(self) -> PolicyVersion | None:
        """The live version; None before the first."""
        number = await self._store.head()
        return (await self.version(number)).version if number is not None else None

    async def version(self, number: int) -> SignedVersion:
        """A published version. Raises CodedError DRAFT_REFUSED if there is none of that number."""
        signed = await self._store.version(number)
        if signed is None:
            raise CodedError(DRAFT_REFUSED, f"There is no policy version {number}.")
        signed.verify(self._keys)
        return signed

    async def version_at(self, moment: datetime) -> SignedVersion:
        """The version that was live at a moment: could X have read Y then? Raises CodedError DRAFT_REFUSED."""
        number = await self._store.live_at(moment)
        if number is None:
            raise CodedError(DRAFT_REFUSED, f"No policy was live at {time_text(moment)}.")
        return await self.version(number)

    async def install(self, lines: tuple[Tokens, ...], person: Person, note: str) -> SignedVersion:
        """Publishes the first version of an empty store: there is nobody yet who could be the second person."""
        if await self._store.head() is not None:
            raise CodedError(DRAFT_REFUSED, "A policy is live already; make a draft.")
        return await self._go_live(PolicyVersion.of(1, lines), None, (person.subject,), note, person, "install")

    async def start(self, identity: str, person: Person, note: str) -> Draft:
        """A new draft of the live version, with the policy tests of the last draft that was published."""
        live = await self._demand_live()
        return await self._started(identity, live, live.text(), person, note, "draft started")

    async def edit(
        self, identity: str, person: Person, text: str, tests: tuple[PolicyTest, ...], revision: int
    ) -> Draft:
        """Changes a draft's text and tests."""
        draft = drafts.edit(await self._draft(identity), text, tests, person.subject, revision)
        await self._keep(draft, person, "draft edited")
        return draft

    async def check(self, identity: str) -> Checked:
        """Lints, compiles and tests a draft; changes nothing. Raises CodedError with everything found."""
        return await self._checked(await self._draft(identity))

    async def propose(self, identity: str, person: Person) -> Draft:
        """Lays a draft before the second person."""
        checked = await self._checked(await self._draft(identity))
        await self._demand_right(person, "propose", checked, author="-")
        draft = drafts.propose(checked)
        await self._keep(draft, person, "draft proposed")
        return draft

    async def approve(self, identity: str, person: Person, revision: int) -> Draft:
        """Approves a proposed draft as it stands."""
        current = await self._draft(identity)
        draft = drafts.approve(current, person.subject, revision)
        await self._demand_right(person, "approve", await self._checked(current), author=current.author)
        await self._keep(draft, person, "draft approved")
        return draft

    async def publish(self, identity: str, person: Person) -> SignedVersion:
        """Makes an approved draft live, once it is proved. Raises CodedError when a step is missing."""
        draft = await self._draft(identity)
        live = await self._demand_live()
        version = drafts.ready(await self._checked(draft), live.number)
        persons = (draft.author, *draft.approvals)
        return await self._go_live(version, live, persons, draft.note, person, "publish", drafts.published(draft))

    async def discard(self, identity: str, person: Person) -> Draft:
        """The author gives the draft up."""
        draft = drafts.discard(await self._draft(identity), person.subject)
        await self._keep(draft, person, "draft discarded")
        return draft

    async def roll_back(self, number: int, person: Person, approver: Person, reason: str) -> SignedVersion:
        """Makes an old content live again, as a new version, on the word of two persons.

        Raises CodedError ROLLBACK_UNLAWFUL where it holds what the catalogue of today does not allow.
        """
        if person.subject == approver.subject:
            raise CodedError(DRAFT_REFUSED, "A rollback needs two persons.")
        live, version = await self._old_content(number)
        await asyncio.to_thread(demand_lawful, version, number, self._items())
        for who, act in ((person, "propose"), (approver, "approve")):
            await self._demand_right_on(who, act, live, (STRUCTURE,), author=person.subject)
        return await self._go_live(version, live, (person.subject, approver.subject), reason, person, "roll back")

    async def check_roll_back(self, number: int) -> None:
        """Raises CodedError ROLLBACK_UNLAWFUL, as ``roll_back`` would; changes nothing."""
        _, version = await self._old_content(number)
        await asyncio.to_thread(demand_lawful, version, number, self._items())

    async def roll_back_as_draft(self, number: int, identity: str, person: Person, note: str) -> Draft:
        """A draft with what of an old content still stands, for the usual way; it says what it leaves out, and why."""
        live, version = await self._old_content(number)
        text = await asyncio.to_thread(rest_of, version, self._items())
        return await self._started(identity, live, text, person, note, f"draft started from version {number}")

    async def freeze(
        self, of: FreezeOf, names: tuple[str, ...], person: Person, reason: str, until: datetime
    ) -> SignedVersion:
        """Stops callers, resources or a zone at once, on the word of one person with the right to ``freeze``."""
        live = await self._demand_live()
        await self._demand_right_on(person, "freeze", live, (STRUCTURE,), author="-")
        tables = await asyncio.to_thread(compile_published, live, self._items())
        version = drafts.freeze(live, tables, of, names, reason, self._clock(), until)
        samples = min(self._samples, STOP_SAMPLES)
        return await self._go_live(
            version, live, (person.subject,), reason, person, "freeze", samples=samples, standing=len(live.lines)
        )

    async def add_lines(
        self,
        lines: tuple[Tokens, ...],
        person: Person,
        note: str,
        matter: StoredMatter,
        gone: frozenset[str] = frozenset(),
    ) -> SignedVersion:
        """Publishes the lines of a decided grant with the grant itself; rules whose ids are ``gone`` are left out.

        The persons who applied and decided are the two that an edit needs, so no draft is made.
        """
        live = await self._demand_live()
        foreign = [tokens for tokens in lines if tokens[0] == "p" and not tokens[1].startswith(("Q-", "A-", "L-"))]
        if foreign or any(not identity.startswith(("Q-", "A-", "L-")) for identity in gone):
            raise CodedError(DRAFT_REFUSED, "Only lines of grants come and go with a grant; make a draft for the rest.")
        kept = tuple(tokens for tokens in live.lines if tokens[0] not in ("p", CALLS) or tokens[1] not in gone)
        new = tuple(tokens for tokens in lines if tokens not in kept)
        version = PolicyVersion.of(live.number + 1, (*kept, *new))
        return await self._go_live(
            version, live, (person.subject,), note, person, note, matters=(matter,), standing=len(kept)
        )

    async def _go_live(
        self,
        version: PolicyVersion,
        live: PolicyVersion | None,
        persons: tuple[str, ...],
        note: str,
        person: Person,
        act: str,
        draft: Draft | None = None,
        matters: tuple[StoredMatter, ...] = (),
        samples: int | None = None,
        standing: int = 0,
    ) -> SignedVersion:
        now = self._clock()
        known = _unchanged(live, version)
        asked = self._samples if samples is None else samples
        # As bytes: handing over a hundred thousand values one by one would hold up the event loop.
        candidate = msgspec.msgpack.encode(Candidate(version, dict(self._items()), now, asked, known, standing))
        loop = asyncio.get_running_loop()
        parts = [(part, self._processes) for part in range(self._processes)]
        await asyncio.gather(
            *(loop.run_in_executor(self._executor, compile_and_prove, candidate, part) for part in parts)
        )
        previous = live.digest if live else START
        signed = sign_version(version, previous, persons, note, time_text(now), self._key)
        facts = ActFacts(
            person=person.subject,
            department=person.department,
            act=act,
            about=f"policy {version.number}",
            before=live.name if live else None,
            after=version.name,
            reason=note,
            unproved=person.unproved,
        )
        await self._store.publish(signed, live.number if live else None, facts, now, draft, matters)
        return signed

    async def _checked(self, draft: Draft) -> Checked:
        base = (await self.version(draft.base)).version
        version = PolicyVersion.of(draft.base + 1, draft.tokens)
        tables = await asyncio.to_thread(compile_tables, version, self._items())
        return drafts.check(draft, tables, base.lines, self._clock())

    async def _demand_right(self, person: Person, act: str, checked: Checked, author: str) -> None:
        """Whoever changes rules must have the right to, for every item that the changed rules touch (R6, R7)."""
        base = (await self.version(checked.draft.base)).version
        touched = 0
        objects: set[str] = set()
        for tokens in set(base.lines) ^ set(checked.draft.tokens):
            if tokens[0] == "p":
                touched |= checked.tables.items_of(tokens[5])
            else:
                objects.add(STRUCTURE)
        objects.update(checked.tables.index.items(touched))
        await self._demand_right_on(person, act, base, tuple(sorted(objects)), author)

    async def _demand_right_on(
        self, person: Person, act: str, live: PolicyVersion, objects: tuple[str, ...], author: str
    ) -> None:
        written = (PolicyLine(number, tokens) for number, tokens in enumerate(live.lines, 1))
        lines = [line.tokens for line in with_catalogue(written, self._items())]

        def refused() -> str | None:
            if len(Duties(lines).held(person.subject, person.department, person.roles)) > 1:
                return "anything: it joins duties that one account does not join"
            judge = Judge(lines)
            subject, department, roles = person.subject, person.department, person.roles
            return next((o for o in objects if not judge.may(subject, department, act, o, author, roles)), None)

        first = await asyncio.to_thread(refused)
        if first is not None:
            what = first if act == "freeze" else f"changes to {first}"
            raise CodedError(DRAFT_REFUSED, f"{person.subject} of {person.department} may not {act} {what}.")

    async def _draft(self, identity: str) -> Draft:
        draft = await self._store.draft(identity)
        if draft is None:
            raise CodedError(DRAFT_REFUSED, f"There is no draft {identity}.")
        return draft

    async def _started(
        self, identity: str, live: PolicyVersion, text: str, person: Person, note: str, act: str
    ) -> Draft:
        """A draft over the live version, with the policy tests of the last draft that was published."""
        before = [draft for draft in await self._store.drafts() if draft.state is DraftState.PUBLISHED]
        tests = max(before, key=lambda draft: draft.base).tests if before else ()
        draft = Draft(id=identity, base=live.number, author=person.subject, note=note, text=text, tests=tests)
        await self._keep(draft, person, act)
        return draft

    async def _old_content(self, number: int) -> tuple[PolicyVersion, PolicyVersion]:
        """The live version, and the content of another as the version after it."""
        live = await self._demand_live()
        return live, old_content(live, (await self.version(number)).version, self._clock())

    async def _demand_live(self) -> PolicyVersion:
        live = await self.live()
        if live is None:
            raise CodedError(DRAFT_REFUSED, "No policy is live yet; install the first version.")
        return live

    async def _keep(self, draft: Draft, person: Person, act: str) -> None:
        facts = ActFacts(
            person=person.subject,
            department=person.department,
            act=act,
            about=f"draft {draft.id}",
            after=draft.note,
            unproved=person.unproved,
        )
        await self._store.save_draft(draft, facts, self._clock())


class PolicyFollower:
    """A worker's eye on the store: ``tables`` are those of the newest version that verified and compiled.

    They are made anew when a day begins in Chongqing, since catalogue entries begin and end with days.
    """

    def __init__(
        self,
        store: PolicyStore,
        keys: Mapping[str, SigningKey],
        items: Callable[[], Items],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._clock = clock
        self._day: date | None = None
        self._keys = dict(keys)
        self._items = items
        self._failed: int | None = None
        self._version: PolicyVersion | None = None
        self.tables: PolicyTables | None = None
        self.number: int | None = None

    async def look(self) -> PolicyTables | None:
        """Looks once; gives the tables of a version that is new and good. Keeps the last good one otherwise."""
        head = await self._store.head()
        today = day_of(self._clock())
        if head is None or (head in (self.number, self._failed) and today == self._day):
            return None
        if self.number is not None and head < self.number:
            # An older version verifies too; only who can write the store without the key would set the head back.
            self._failed, self._day = head, today
            _log.error("policy %s stays live, the store's head went back to %s", self.number, head)
            return None
        signed = await self._store.version(head)
        if signed is None:
            return None
        try:
            signed.verify(self._keys)
            tables = await asyncio.to_thread(_compile_without_collecting, signed.version, self._items())
        except CodedError as error:
            self._failed, self._day = head, today
            _log.error("policy %s stays live, %s is refused: %s", self.number, head, error.message)
            return None
        for finding in tables.findings:
            if finding.is_error:
                _log.warning(
                    "policy %s: %s (it does not count; rules or catalogue have become stricter)", head, finding
                )
        self.tables, self.number, self._day, self._version = tables, head, today, signed.version
        return tables

    async def over(self, items: Items) -> PolicyTables | None:
        """The newest good version over other items, for a changed catalogue; None where none was found yet.

        Raises CodedError POLICY_INVALID where it cannot be compiled over them.
        """
        if self._version is None:
            return None
        return await asyncio.to_thread(_compile_without_collecting, self._version, items)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """The garbage collector rests while entered.

    A compilation makes a hundred thousand values and drops none of them, so collecting meanwhile finds nothing, and
    each full collection stops every thread, the event loop's too.
    """
    rested = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if rested:
            gc.enable()


def _compile_without_collecting(version: PolicyVersion, items: Items) -> PolicyTables:
    with _collector_resting():
        return compile_published(version, items)


def _unchanged(live: PolicyVersion | None, version: PolicyVersion) -> frozenset[Tokens]:
    """The rules that both have, if all links are the same in both; otherwise none."""
    if live is None:
        return frozenset()
    links = [{tokens for tokens in lines if tokens[0].startswith("g")} for lines in (live.lines, version.lines)]
    return frozenset(live.lines) & frozenset(version.lines) if links[0] == links[1] else frozenset()
