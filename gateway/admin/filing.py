"""Matters in the store: read as values, and kept with their next step under the revision that was seen."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from gateway.admin.desk import Visit, stale, unknown
from gateway.errors import CodedError
from policies.errors import DRAFT_STALE
from policies.ledger import ActFacts
from policies.lines import Tokens
from policies.ports import StoredMatter

T = TypeVar("T")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Filed(Generic[T]):
    """A matter with the revision under which it is stored; a step names the revision that it was decided upon."""

    value: T
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a step does beside changing the matter: its name in the ledger, and policy lines that come or go."""

    act: str
    reason: str | None = None
    basis: str | None = None
    state: str | None = None
    lines: tuple[Tokens, ...] = ()
    gone: frozenset[str] = frozenset()


class Cabinet(Generic[T]):
    """All matters of one kind."""

    def __init__(self, kind: str, type_: type[T]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(type_)

    async def all(self, visit: Visit) -> list[Filed[T]]:
        """Every matter of the kind, by name."""
        return [self._read(stored) for stored in await visit.desk.store.matters(self.kind)]

    async def find(self, visit: Visit, name: str) -> Filed[T] | None:
        """The matter of that name; None if there is none."""
        stored = await visit.desk.store.matter(name)
        return self._read(stored) if stored is not None and stored.kind == self.kind else None

    async def get(self, visit: Visit, name: str, revision: int | None = None) -> Filed[T]:
        """The matter. Raises CodedError MATTER_UNKNOWN, or DRAFT_STALE when ``revision`` is not the stored one."""
        filed = await self.find(visit, name)
        if filed is None:
            raise unknown(f"{self.kind} {name}")
        if revision is not None and filed.revision != revision:
            raise stale(f"{self.kind} {name}", filed.revision, revision)
        return filed

    async def make(self, visit: Visit, name: str, value: T, change: Change) -> Filed[T]:
        """Keeps something new under a name of ``Visit.new_name``.

        What the same idempotency key and content made before is given back instead. Raises as ``keep`` does.
        """
        try:
            return await self.keep(visit, name, value, 0, change)
        except CodedError as error:
            earlier = await self.find(visit, name)
            if error.code is not DRAFT_STALE or visit.idempotency_key is None or earlier is None:
                raise
            return earlier

    async def keep(self, visit: Visit, name: str, value: T, revision: int, change: Change) -> Filed[T]:
        """Keeps the next state of the matter that has ``revision`` (0: a new one), its record, its lines: all or none.

        Raises CodedError DRAFT_STALE when somebody was faster with this matter.
        """
        matter = StoredMatter(name, self.kind, revision + 1, msgspec.json.encode(value))
        if change.lines or change.gone:
            await self._publish(visit, matter, change)
        else:
            await visit.desk.store.save_matter(matter, self._facts(visit, name, change), visit.now)
        return Filed(value, revision + 1)

    async def _publish(self, visit: Visit, matter: StoredMatter, change: Change) -> None:
        grounds = "; ".join(text for text in (change.reason, change.basis) if text)
        note = f"{self.kind} {matter.id}: {change.act}" + (f" ({grounds})" if grounds else "")
        for attempt in range(1, _TRIES + 1):
            try:
                await visit.desk.office.add_lines(change.lines, visit.person, note, matter, change.gone)
                return
            except CodedError as error:
                # Another matter's lines went live meanwhile: this one is as it was, so its lines go on top of those.
                stored = await visit.desk.store.matter(matter.id)
                unchanged = (stored.revision if stored is not None else 0) == matter.revision - 1
                if error.code is not DRAFT_STALE or not unchanged or attempt == _TRIES:
                    raise

    def _facts(self, visit: Visit, name: str, change: Change) -> ActFacts:
        return ActFacts(
            person=visit.person.subject,
            department=visit.person.department,
            act=change.act,
            about=f"{self.kind} {name}",
            after=change.state,
            reason=change.reason,
            basis=change.basis,
        )

    def _read(self, stored: StoredMatter) -> Filed[T]:
        return Filed(self._decoder.decode(stored.body), stored.revision)
