"""The exchange between levels: what goes up for acceptance, what comes down as decisions.

The problem: two platforms that may lose the line or the power at any byte must end with the same catalogue. The idea:
each direction between two levels is a stream of numbered, chained, signed bundles. A sender writes a bundle down before
it sends it and sends it until it holds a signed receipt; a receiver applies bundles in order, each in one transaction
with its receipt, parks those that come early, and answers one it has applied with the receipt it gave.

The invariants: a bundle's changes count exactly once; a bundle that is refused changes nothing; one bad change in a
good bundle is refused by name in the receipt and its neighbours are taken. A level takes entries of its own divisions
only, never of another's; a level above may tighten an entry's tiers, never loosen them; secrets do not travel.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from catalog_sync.accepted import accepted_versions, keep_accepted, serving_entries
from catalog_sync.bundles import (
    NO_DIGEST,
    Bundle,
    Change,
    Outcome,
    Receipt,
    digest_of,
    open_bundle,
    open_receipt,
    seal_bundle,
    seal_receipt,
)
from catalog_sync.closed_lists import Network
from catalog_sync.comparison import Change as EntryChange
from catalog_sync.comparison import changes_between
from catalog_sync.database import CatalogueDatabase, Connection
from catalog_sync.entries import CatalogueEntry
from catalog_sync.errors import BUNDLE_MISDIRECTED, CHAIN_BROKEN, ILLEGAL_TRANSITION, REASON_NEEDED, CodedError
from catalog_sync.exchange_changes import decision_change, entry_change, may_cross, tightening_change
from catalog_sync.identifiers import DivisionCode
from catalog_sync.lifecycle import SUBMISSION_LIFECYCLE, Side, SubmissionState
from catalog_sync.registry import Trigger, canonical_json
from catalog_sync.rule_profiles import RuleProfile
from catalog_sync.signing import Peer, SigningKey, level_name
from catalog_sync.store import append_ledger, entry_from_json
from catalog_sync.taking import Taking
from catalog_sync.working_days import WorkingCalendar

WINDOW = 256
"""Bundles that may wait for one before them; a bundle further ahead is refused as a gap."""
CHANGES_PER_BUNDLE = 200


@dataclass(frozen=True, slots=True)
class Held:
    """An entry that came from another level: its version, where it stands here, and the end of its clock C2.

    ``due`` is counted from the event that made the version necessary, not from its arrival.
    """

    entry: CatalogueEntry
    peer: str
    state: SubmissionState
    reasons: tuple[str, ...]
    arrived: str
    due: date
    due_provisional: bool

    @property
    def late(self) -> bool:
        """Whether it arrived after C2 had run out."""
        return date.fromisoformat(self.arrived[:10]) > self.due


@dataclass(frozen=True, slots=True)
class Decision:
    """What a level above decided on a version sent to it."""

    peer: str
    entry: str
    number: int
    state: SubmissionState
    reasons: tuple[str, ...]


class Exchange:
    """One level's side of all its exchanges.

    ``superior`` is the peer that accepted entries are passed on to, None at the top.
    """

    def __init__(
        self,
        database: CatalogueDatabase,
        division: DivisionCode,
        network: Network,
        key: SigningKey,
        peers: Iterable[Peer],
        profile: RuleProfile,
        *,
        superior: str | None = None,
        calendar: WorkingCalendar | None = None,
    ) -> None:
        self.database = database
        self.division = division
        self.network = network
        self.name = level_name(division, network)
        self.key = key
        self.peers: Mapping[str, Peer] = {peer.name: peer for peer in peers}
        self.superior = superior
        self._taking = Taking(division, network, profile, calendar or WorkingCalendar.default())

    # Sending

    def offer(self, receiver: str, entry: CatalogueEntry, trigger: Trigger) -> bool:
        """Puts a version on its way to a level; false, and nothing happens, if it may not travel there.

        Offering the same version twice counts once.
        """
        peer = self._peer(receiver)
        if not may_cross(entry, self.network, peer.network):
            return False
        with self.database.transaction() as connection:
            self._enqueue(connection, receiver, entry_change(entry, trigger))
        return True

    def tighten(self, receiver: str, view: CatalogueEntry, at: datetime) -> None:
        """Sends the level below a stricter view of one of its entries; the level refuses one that loosens.

        The latest view holds; one that equals the entry itself lifts the tightening.
        """
        self._peer(receiver)
        with self.database.transaction() as connection:
            self._enqueue(connection, receiver, tightening_change(view, at))

    def seal(self, receiver: str, at: datetime) -> int:
        """Writes the changes on their way into bundles; how many new ones. A crash before leaves them on their way."""
        self._peer(receiver)
        sealed = 0
        with self.database.transaction() as connection:
            while rows := connection.execute(
                "SELECT sequence, change FROM outgoing WHERE peer = ? AND bundle IS NULL ORDER BY sequence LIMIT ?",
                (receiver, CHANGES_PER_BUNDLE),
            ).fetchall():
                last = connection.execute(
                    "SELECT number, digest FROM sent WHERE peer = ? ORDER BY number DESC LIMIT 1", (receiver,)
                ).fetchone()
                number, previous = (last[0] + 1, last[1]) if last else (1, NO_DIGEST)
                changes = tuple(json.loads(change) for _, change in rows)
                bundle = Bundle(self.name, receiver, number, previous, at.isoformat(), changes, "")
                content = seal_bundle(bundle, self.key)
                connection.execute(
                    "INSERT INTO sent VALUES (?, ?, ?, ?, NULL)", (receiver, number, digest_of(content), content)
                )
                connection.execute(
                    "UPDATE outgoing SET bundle = ? WHERE peer = ? AND sequence BETWEEN ? AND ? AND bundle IS NULL",
                    (number, receiver, rows[0][0], rows[-1][0]),
                )
                body = {"receiver": receiver, "number": number, "digest": digest_of(content), "changes": len(changes)}
                append_ledger(connection, at, self.name, "seal bundle", body)
                sealed += 1
        return sealed

    def outstanding(self, receiver: str) -> tuple[int, ...]:
        """Numbers of the bundles for which no receipt says that they were applied."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT number FROM sent WHERE peer = ? AND receipt IS NULL ORDER BY number", (receiver,)
            ).fetchall()
        return tuple(number for (number,) in rows)

    def sent_since(self, receiver: str, first: int) -> tuple[int, ...]:
        """Numbers of the bundles from ``first`` on, with a receipt or without."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT number FROM sent WHERE peer = ? AND number >= ? ORDER BY number", (receiver, first)
            ).fetchall()
        return tuple(number for (number,) in rows)

    def bundle(self, receiver: str, number: int) -> bytes | None:
        """A sealed bundle's bytes."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT content FROM sent WHERE peer = ? AND number = ?", (receiver, number)
            ).fetchone()
        return bytes(row[0]) if row else None

    def acknowledge(self, content: bytes, at: datetime) -> Receipt:
        """Takes a receipt in; one that says waiting settles nothing. CodedError if it fits no bundle sent."""
        receipt = open_receipt(content, self.peers)
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT digest, receipt FROM sent WHERE peer = ? AND number = ?", (receipt.receiver, receipt.number)
            ).fetchone()
            if receipt.sender != self.name or row is None or row[0] != receipt.digest:
                message = f"The receipt of {receipt.receiver} is for a bundle {receipt.number} that was never sent so."
                raise CodedError(CHAIN_BROKEN, message, {"number": receipt.number})
            if receipt.status == "applied" and row[1] is None:
                connection.execute(
                    "UPDATE sent SET receipt = ? WHERE peer = ? AND number = ?",
                    (content, receipt.receiver, receipt.number),
                )
                refused = [[each.subject, each.reason] for each in receipt.outcomes if each.result == "refused"]
                body = {"receiver": receipt.receiver, "number": receipt.number, "refused": refused}
                append_ledger(connection, at, self.name, "take receipt", body)
        return receipt

    def receipts(self, receiver: str) -> tuple[Receipt, ...]:
        """The receipts held for bundles sent to a level, by number."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT receipt FROM sent WHERE peer = ? AND receipt IS NOT NULL ORDER BY number", (receiver,)
            ).fetchall()
        return tuple(open_receipt(bytes(content), self.peers) for (content,) in rows)

    # Receiving

    def receive(self, content: bytes, at: datetime) -> bytes:
        """Takes a bundle in and answers with a signed receipt; CodedError, and nothing changed, if it is refused."""
        bundle = open_bundle(content, self.peers)
        if bundle.receiver != self.name:
            message = f"Bundle {bundle.number} of {bundle.sender} is for {bundle.receiver}; this is {self.name}."
            raise CodedError(BUNDLE_MISDIRECTED, message)
        with self.database.transaction() as connection:
            known = self._already_taken(connection, bundle)
            if known is not None:
                return known
            last, digest = self._last_taken(connection, bundle.sender)
            if bundle.number > last + WINDOW:
                message = f"Bundle {bundle.number} of {bundle.sender} is too far ahead: {last + 1} is the next."
                raise CodedError(CHAIN_BROKEN, message, {"next": last + 1})
            if bundle.number > last + 1:
                return self._park(connection, bundle, content, last)
            if bundle.previous != digest:
                message = f"Bundle {bundle.number} of {bundle.sender} follows another bundle {last} than the one taken."
                raise CodedError(CHAIN_BROKEN, message, {"next": bundle.number})
            receipt = self._apply(connection, bundle, at)
            self._apply_waiting(connection, bundle, at)
            return receipt

    def status_of(self, receipt: bytes) -> str:
        """``applied`` or ``waiting``, as this level's own receipt says."""
        own = Peer(self.division, {self.key.id: self.key.public_bytes()}, self.network)
        return open_receipt(receipt, {self.name: own}).status

    def applied_through(self, sender: str) -> int:
        """The number up to which a sender's bundles are applied here."""
        with self.database.reading() as connection:
            return self._last_taken(connection, sender)[0]

    def _already_taken(self, connection: Connection, bundle: Bundle) -> bytes | None:
        row = connection.execute(
            "SELECT digest, receipt FROM taken WHERE peer = ? AND number = ?", (bundle.sender, bundle.number)
        ).fetchone()
        if row is None:
            return None
        if row[0] != bundle.digest:
            message = f"Another bundle of {bundle.sender} was taken under the number {bundle.number}."
            raise CodedError(CHAIN_BROKEN, message, {"number": bundle.number})
        return bytes(row[1])

    def _last_taken(self, connection: Connection, sender: str) -> tuple[int, str]:
        row = connection.execute(
            "SELECT number, digest FROM taken WHERE peer = ? ORDER BY number DESC LIMIT 1", (sender,)
        ).fetchone()
        return (row[0], row[1]) if row else (0, NO_DIGEST)

    def _park(self, connection: Connection, bundle: Bundle, content: bytes, last: int) -> bytes:
        row = connection.execute(
            "SELECT digest FROM waiting WHERE peer = ? AND number = ?", (bundle.sender, bundle.number)
        ).fetchone()
        if row is not None and row[0] != bundle.digest:
            message = f"Another bundle of {bundle.sender} waits under the number {bundle.number}."
            raise CodedError(CHAIN_BROKEN, message, {"next": last + 1})
        connection.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (bundle.sender, bundle.number, bundle.digest, content),
        )
        return seal_receipt(self._receipt(bundle, "waiting", last, ()), self.key)

    def _apply(self, connection: Connection, bundle: Bundle, at: datetime) -> bytes:
        peer = self.peers[bundle.sender]
        outcomes = tuple(self._taking.take(connection, peer, change, at) for change in bundle.changes)
        receipt = seal_receipt(self._receipt(bundle, "applied", bundle.number, outcomes), self.key)
        connection.execute(
            "INSERT INTO taken VALUES (?, ?, ?, ?)", (bundle.sender, bundle.number, bundle.digest, receipt)
        )
        refused = [[each.subject, each.reason] for each in outcomes if each.result == "refused"]
        taken = [change for change, each in zip(bundle.changes, outcomes, strict=True) if each.result == "taken"]
        body = {
            "sender": bundle.sender, "number": bundle.number, "digest": bundle.digest, "refused": refused,
            "entries": sorted({change["entry"]["id"] for change in taken if "entry" in change}),
        }  # fmt: skip
        append_ledger(connection, at, self.name, "apply bundle", body)
        return receipt

    def _apply_waiting(self, connection: Connection, bundle: Bundle, at: datetime) -> None:
        """Applies what waited for this bundle; a waiting one that turns out to follow another is thrown away."""
        while row := connection.execute(
            "SELECT content FROM waiting WHERE peer = ? AND number = ?", (bundle.sender, bundle.number + 1)
        ).fetchone():
            following = open_bundle(bytes(row[0]), self.peers)
            connection.execute("DELETE FROM waiting WHERE peer = ? AND number = ?", (bundle.sender, following.number))
            if following.previous != bundle.digest:
                body = {"sender": bundle.sender, "number": following.number, "reason": "follows another bundle"}
                append_ledger(connection, at, self.name, "refuse waiting bundle", body)
                return
            self._apply(connection, following, at)
            bundle = following

    def _receipt(self, bundle: Bundle, status: str, through: int, outcomes: tuple[Outcome, ...]) -> Receipt:
        return Receipt(bundle.sender, self.name, bundle.number, bundle.digest, status, through, outcomes)

    # Deciding

    def held(self, identity: str) -> Held | None:
        """An entry that came from another level, None if there is none."""
        return next(iter(self._held("WHERE entry = ?", (identity,))), None)

    def submissions(self, state: SubmissionState | None = None) -> tuple[Held, ...]:
        """Entries that came from other levels, in one state or in any."""
        return self._held("WHERE state = ?", (state.value,)) if state else self._held("", ())

    def overdue(self, today: date) -> tuple[Held, ...]:
        """Submissions on which nobody decided before C2 ran out."""
        waiting = self.submissions(SubmissionState.SUBMITTED)
        return tuple(each for each in waiting if today > each.due)

    def decide(self, identity: str, event: str, person: str, at: datetime, reasons: Iterable[str] = ()) -> Held:
        """``accept`` or ``return`` a submission: the level below is told, and what is accepted goes on upwards.

        CodedError ILLEGAL_TRANSITION if it is not submitted here, REASON_NEEDED for a return without a reason.
        """
        said = tuple(reason.strip() for reason in reasons if reason.strip())
        with self.database.transaction() as connection:
            held = self.held(identity)
            if held is None:
                raise CodedError(ILLEGAL_TRANSITION, f"No entry {identity!r} was submitted to {self.name}.")
            state = SubmissionState(SUBMISSION_LIFECYCLE.after(held.state, event, Side.COMPETENT, identity))
            if state is SubmissionState.RETURNED and not said:
                raise CodedError(REASON_NEEDED, "A return names its reasons.")
            connection.execute(
                "UPDATE held SET state = ?, reasons = ? WHERE entry = ?",
                (state.value, json.dumps(said, ensure_ascii=False), identity),
            )
            number = held.entry.version
            if state is SubmissionState.ACCEPTED:
                keep_accepted(connection, held.entry, held.peer)
            self._enqueue(connection, held.peer, decision_change(identity, number, state, said))
            if state is SubmissionState.ACCEPTED and self.superior is not None:
                peer = self._peer(self.superior)
                trigger = self._trigger_of(connection, identity)
                if may_cross(held.entry, self.network, peer.network):
                    self._enqueue(connection, self.superior, entry_change(held.entry, trigger))
            body = {"entry": identity, "version": number, "state": state.value, "reasons": list(said)}
            append_ledger(connection, at, person, event, body)
            found = self.held(identity)
        assert found is not None
        return found

    def decisions(self, identity: str) -> tuple[Decision, ...]:
        """What the levels above decided on an entry's versions, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT peer, entry, number, state, reasons FROM decision WHERE entry = ? ORDER BY number, at",
                (identity,),
            ).fetchall()
        return tuple(
            Decision(peer, entry, number, SubmissionState(state), tuple(json.loads(reasons)))
            for peer, entry, number, state, reasons in rows
        )

    def tightened(self, entry: CatalogueEntry) -> CatalogueEntry:
        """The entry under the stricter view of a level above, itself if there is none."""
        with self.database.reading() as connection:
            return self._taking.tightened(connection, entry)

    def merged(self, own: Iterable[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
        """The level's whole catalogue: its own entries and those accepted from below, under stricter views from above.

        Each keeps the ``level`` that holds its data (R16). Codes cannot clash: what would was refused on arrival.
        """
        with self.database.reading() as connection:
            return tuple(self._taking.tightened(connection, entry) for entry in (*own, *serving_entries(connection)))

    def changes(self, held: Held) -> tuple[EntryChange, ...]:
        """What a version from below changes in the one that was accepted before it; nothing in the first."""
        with self.database.reading() as connection:
            before = [
                each for each in accepted_versions(connection, held.entry.id) if each.version < held.entry.version
            ]
        return changes_between(before[-1], held.entry) if before else ()

    def _held(self, where: str, values: tuple[str, ...]) -> tuple[Held, ...]:
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT content, peer, state, reasons, arrived, due, due_provisional FROM held {where} ORDER BY entry",
                values,
            ).fetchall()
        return tuple(
            Held(
                entry_from_json(content), peer, SubmissionState(state), tuple(json.loads(reasons)), arrived,
                date.fromisoformat(due), bool(provisional),
            )
            for content, peer, state, reasons, arrived, due, provisional in rows
        )  # fmt: skip

    def _trigger_of(self, connection: Connection, identity: str) -> Trigger:
        return self._taking.trigger_of(connection, identity)

    def _enqueue(self, connection: Connection, receiver: str, change: Change) -> None:
        text = canonical_json(change)
        connection.execute(
            "INSERT INTO outgoing (peer, change, fingerprint) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (receiver, text.decode(), digest_of(text)),
        )

    def _peer(self, name: str) -> Peer:
        try:
            return self.peers[name]
        except KeyError:
            known = ", ".join(self.peers) or "none"
            raise CodedError(BUNDLE_MISDIRECTED, f"No level {name!r} is on file here; known: {known}.") from None
