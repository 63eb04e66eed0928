"""Subgraph releases: their history never changes, their states do, and at most one of a subgraph is live."""

from collections.abc import Mapping
from datetime import datetime

from catalog_sync.database import CatalogueDatabase, Connection
from catalog_sync.errors import NOT_YOURS, UNKNOWN_RESOURCE, CodedError
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import ReleaseState, Side
from catalog_sync.registry import Actor
from catalog_sync.releases import SubgraphRelease
from catalog_sync.store import append_ledger

Told = Mapping[str, object] | None

_COLUMNS = "subgraph, provider, number, sdl, address, state"


class ReleaseStore:
    """Every release of every subgraph, with a ledger row for each step."""

    def __init__(self, database: CatalogueDatabase) -> None:
        self.database = database

    def propose(
        self, subgraph: str, provider: CreditCode, sdl: str, address: str, actor: Actor, at: datetime, told: Told = None
    ) -> SubgraphRelease:
        """Registers the next release of a subgraph. CodedError NOT_YOURS if it is another provider's.

        ``told`` is what the ledger's row says beside the step: the author's note, for instance.
        """
        with self.database.transaction() as connection:
            before = self.history(subgraph)
            owner = before[-1].provider if before else provider
            if actor.side is not Side.PROVIDER or actor.department != owner or provider != owner:
                message = f"The subgraph {subgraph} is {owner}'s, and {actor.department} cannot release it."
                raise CodedError(NOT_YOURS, message)
            release = SubgraphRelease(subgraph, provider, len(before) + 1, sdl, address)
            connection.execute(
                "INSERT INTO release VALUES (?, ?, ?, ?, ?, ?, ?)",
                (subgraph, release.number, str(provider), sdl, address, release.digest, release.state.value),
            )
            self._tell(connection, release, "propose release", actor, at, told)
        return release

    def move(
        self, subgraph: str, number: int, event: str, actor: Actor, at: datetime, told: Told = None
    ) -> SubgraphRelease:
        """Takes a step of the lifecycle; the release that was live retires when another goes live."""
        with self.database.transaction() as connection:
            release = self._one(connection, "number = ?", subgraph, number)
            if release is None:
                raise CodedError(UNKNOWN_RESOURCE, f"The subgraph {subgraph} has no release {number}.")
            moved = release.after(event, actor.side)
            if moved.state is ReleaseState.LIVE:
                live = self._one(connection, "state = ?", subgraph, ReleaseState.LIVE.value)
                if live is not None:
                    self._keep(connection, live.after("replace", Side.PLATFORM))
            self._keep(connection, moved)
            self._tell(connection, moved, f"{event} release", actor, at, told)
        return moved

    def roll_back(self, subgraph: str, digest: str, actor: Actor, at: datetime, told: Told = None) -> SubgraphRelease:
        """Puts the retired release of that digest back into service."""
        with self.database.transaction() as connection:
            release = self._one(connection, "digest = ?", subgraph, digest)
            if release is None:
                message = f"The subgraph {subgraph} has no release of the digest {digest[:12]}."
                raise CodedError(UNKNOWN_RESOURCE, message)
            return self.move(subgraph, release.number, "roll back", actor, at, told)

    def live(self) -> tuple[SubgraphRelease, ...]:
        """The releases in service, one a subgraph at most."""
        return self._select("state = ? ORDER BY subgraph", ReleaseState.LIVE.value)

    def history(self, subgraph: str) -> tuple[SubgraphRelease, ...]:
        """Every release of a subgraph, oldest first."""
        return self._select("subgraph = ? ORDER BY number", subgraph)

    def _select(self, where: str, *values: object) -> tuple[SubgraphRelease, ...]:
        with self.database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM release WHERE {where}", values).fetchall()
        return tuple(map(_release, rows))

    def _one(self, connection: Connection, where: str, subgraph: str, value: object) -> SubgraphRelease | None:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM release WHERE subgraph = ? AND {where} ORDER BY number DESC LIMIT 1",
            (subgraph, value),
        ).fetchone()
        return None if row is None else _release(row)

    def _keep(self, connection: Connection, release: SubgraphRelease) -> None:
        connection.execute(
            "UPDATE release SET state = ? WHERE subgraph = ? AND number = ?",
            (release.state.value, release.subgraph, release.number),
        )

    def tell(self, release: SubgraphRelease, action: str, actor: Actor, at: datetime, told: Told) -> None:
        """Writes into the ledger what happened about a release without a step of its own."""
        with self.database.transaction() as connection:
            self._tell(connection, release, action, actor, at, told)

    def _tell(
        self,
        connection: Connection,
        release: SubgraphRelease,
        action: str,
        actor: Actor,
        at: datetime,
        told: Told,
    ) -> None:
        body = {
            "subgraph": release.subgraph,
            "number": release.number,
            "digest": release.digest,
            "state": release.state.value,
            **(told or {}),
        }
        append_ledger(connection, at, str(actor), action, body)


def _release(row: tuple[str, str, int, str, str, str]) -> SubgraphRelease:
    subgraph, provider, number, sdl, address, state = row
    return SubgraphRelease(subgraph, CreditCode.parse(provider), number, sdl, address, ReleaseState(state))
