"""Taking one change of a bundle in: the checks of authority, and the tables behind them.

Everything runs inside the transaction that applies the bundle. What is refused says so in the outcome, with both sides
of a clash, and leaves the tables as they were.
"""

import json
from dataclasses import replace
from datetime import date, datetime

from catalog_sync.accepted import stop_serving
from catalog_sync.bundles import Change, Outcome
from catalog_sync.closed_lists import EntryState, Network, Opening, Sharing
from catalog_sync.comparison import loosened
from catalog_sync.database import Connection, StatementRefusedError
from catalog_sync.entries import CatalogueEntry, derived_opening, derived_sharing
from catalog_sync.errors import CodedError
from catalog_sync.exchange_changes import may_cross
from catalog_sync.identifiers import DivisionCode
from catalog_sync.lifecycle import SubmissionState
from catalog_sync.registry import Trigger, TriggerKind, canonical_json, content_digest
from catalog_sync.rule_profiles import RuleProfile
from catalog_sync.signing import Peer
from catalog_sync.store import entry_from_json, entry_to_json
from catalog_sync.working_days import WorkingCalendar

# What reading a change raises that is signed but not in its form: one such change must not stop the stream.
_NOT_IN_ITS_FORM = (KeyError, TypeError, ValueError, AttributeError, OverflowError, StatementRefusedError)


class Taking:
    """Takes changes in on behalf of one level."""

    def __init__(
        self, division: DivisionCode, network: Network, profile: RuleProfile, calendar: WorkingCalendar
    ) -> None:
        self._division = division
        self._network = network
        self._profile = profile
        self._calendar = calendar

    def take(self, connection: Connection, peer: Peer, change: Change, at: datetime) -> Outcome:
        """Applies one change of a peer's, or says why not and leaves the tables as they were."""
        connection.execute("SAVEPOINT change")
        try:
            outcome = self._take(connection, peer, change, at)
        except CodedError as error:
            outcome = Outcome(_subject(change), "refused", error.message)
        except _NOT_IN_ITS_FORM:
            outcome = Outcome(_subject(change), "refused", "the change is not in its form")
        if outcome.result == "refused":
            connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")
        return outcome

    def _take(self, connection: Connection, peer: Peer, change: Change, at: datetime) -> Outcome:
        if change["kind"] == "entry":
            return self._take_entry(connection, peer, change, at)
        if change["kind"] == "decision":
            return self._take_decision(connection, peer, change, at)
        if change["kind"] == "tightening":
            return self._take_tightening(connection, peer, change)
        return Outcome(_subject(change), "refused", f"changes of the kind {change['kind']!r} are not known here")

    def _take_entry(self, connection: Connection, peer: Peer, change: Change, at: datetime) -> Outcome:
        entry = entry_from_json(json.dumps(change["entry"]))
        told = change["trigger"]
        trigger = Trigger(TriggerKind(told["kind"]), date.fromisoformat(told["day"]), str(told["document"]))
        digest = content_digest(entry)
        row = connection.execute(
            "SELECT peer, number, digest, content FROM held WHERE entry = ?", (entry.id,)
        ).fetchone()
        if row and row[0] == peer.name and (row[1], row[2]) == (entry.version, digest):
            stored = entry_from_json(row[3])
            if stored.state is entry.state:
                return Outcome(_subject(change), "unchanged")
        refusal = self._refusal(connection, peer, entry, row, digest)
        if refusal is not None:
            return Outcome(_subject(change), "refused", refusal)
        due = self._profile.start("C2", trigger.day, self._calendar).deadline
        connection.execute(
            "INSERT INTO held VALUES (?, ?, ?, ?, ?, '[]', ?, ?, ?, ?, ?) ON CONFLICT (entry) DO UPDATE SET"
            " peer = excluded.peer, number = excluded.number, digest = excluded.digest, state = excluded.state,"
            " reasons = excluded.reasons, content = excluded.content, trigger_told = excluded.trigger_told,"
            " arrived = excluded.arrived, due = excluded.due, due_provisional = excluded.due_provisional",
            (
                entry.id, peer.name, entry.version, digest, SubmissionState.SUBMITTED.value, entry_to_json(entry),
                canonical_json(told).decode(), at.isoformat(), due.date.isoformat(),
                int(due.provisional),
            ),
        )  # fmt: skip
        if entry.state is EntryState.WITHDRAWN:
            stop_serving(connection, entry.id)
        connection.execute("DELETE FROM held_code WHERE entry = ?", (entry.id,))
        for code in dict.fromkeys(entry.codes):
            connection.execute("INSERT INTO held_code VALUES (?, ?)", (str(code), entry.id))
        return Outcome(_subject(change), "taken")

    def _refusal(
        self,
        connection: Connection,
        peer: Peer,
        entry: CatalogueEntry,
        row: tuple[str, int, str, str] | None,
        digest: str,
    ) -> str | None:
        if not may_cross(entry, peer.network, self._network):
            return "an entry with secrets, or of another network, does not cross"
        if not peer.division.within(self._division):
            return f"{peer.name} does not report to {self._division}, so it submits nothing here"
        if not entry.level.within(peer.division):
            return f"{peer.name} submits an entry of {entry.level}, which is not its division"
        if row is not None and row[0] != peer.name:
            return f"{entry.id} is held from {row[0]} and now claimed by {peer.name}"
        if row is not None and entry.version < row[1]:
            return f"version {row[1]} is held already and version {entry.version} is older"
        if row is not None and entry.version == row[1] and digest != row[2]:
            return f"version {entry.version} is held with other content; versions never change"
        own = connection.execute("SELECT number FROM version WHERE entry = ?", (entry.id,)).fetchone()
        if own is not None:
            return f"{entry.id} is an entry of {self._division} itself and now claimed by {peer.name}"
        return self._clash_of_codes(connection, peer, entry)

    def _clash_of_codes(self, connection: Connection, peer: Peer, entry: CatalogueEntry) -> str | None:
        for code in entry.codes:
            row = connection.execute(
                "SELECT content, peer FROM held_code JOIN held USING (entry) WHERE code = ?", (str(code),)
            ).fetchone()
            if row is not None:
                other = entry_from_json(row[0])
                if other.id != entry.id:
                    sides = f"{other.id} of {other.provider.name} (from {row[1]})"
                    return f"the code {code} is held by {sides} and claimed by {entry.id} of {entry.provider.name}"
            own = connection.execute("SELECT entry FROM own_code WHERE code = ?", (str(code),)).fetchone()
            if own is not None:
                sides = f"{own[0]} of {self._division} itself"
                return f"the code {code} is held by {sides} and claimed by {entry.id} of {entry.provider.name}"
        return None

    def _take_decision(self, connection: Connection, peer: Peer, change: Change, at: datetime) -> Outcome:
        if not self._division.within(peer.division):
            return Outcome(_subject(change), "refused", f"{peer.name} is no level above {self._division}")
        state = SubmissionState(change["state"])
        reasons = json.dumps([str(reason) for reason in change["reasons"]], ensure_ascii=False)
        values = (peer.name, str(change["id"]), int(change["version"]), state.value, reasons, at.isoformat())
        connection.execute(
            "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (peer, entry, number) DO UPDATE SET"
            " state = excluded.state, reasons = excluded.reasons, at = excluded.at",
            values,
        )
        return Outcome(_subject(change), "taken")

    def _take_tightening(self, connection: Connection, peer: Peer, change: Change) -> Outcome:
        if not self._division.within(peer.division) or peer.division == self._division:
            return Outcome(_subject(change), "refused", f"{peer.name} is no level above {self._division}")
        view = entry_from_json(json.dumps(change["entry"]))
        own = self._own(connection, view.id)
        if own is None:
            return Outcome(_subject(change), "refused", f"{self._division} holds no entry {view.id}")
        looser = loosened(own, view)
        if looser:
            reason = f"a level above may tighten and never loosen; looser: {', '.join(looser)}"
            return Outcome(_subject(change), "refused", reason)
        values = (view.id, peer.name, entry_to_json(view))
        connection.execute(
            "INSERT INTO tightening VALUES (?, ?, ?)"
            " ON CONFLICT (entry) DO UPDATE SET peer = excluded.peer, content = excluded.content",
            values,
        )
        return Outcome(_subject(change), "taken")

    def _own(self, connection: Connection, identity: str) -> CatalogueEntry | None:
        row = connection.execute(
            "SELECT content, state FROM version WHERE entry = ? ORDER BY number DESC LIMIT 1", (identity,)
        ).fetchone()
        if row is not None:
            return entry_from_json(row[0], row[1])
        row = connection.execute("SELECT content FROM held WHERE entry = ?", (identity,)).fetchone()
        return entry_from_json(row[0]) if row is not None else None

    def tightened(self, connection: Connection, entry: CatalogueEntry) -> CatalogueEntry:
        """The entry with each tier the stricter of its own and the level above's, whatever versions came since."""
        row = connection.execute("SELECT content FROM tightening WHERE entry = ?", (entry.id,)).fetchone()
        return entry if row is None else stricter_of(entry, entry_from_json(row[0]))

    def trigger_of(self, connection: Connection, identity: str) -> Trigger:
        """The event behind a held version."""
        row = connection.execute("SELECT trigger_told FROM held WHERE entry = ?", (identity,)).fetchone()
        told = json.loads(row[0])
        return Trigger(TriggerKind(told["kind"]), date.fromisoformat(told["day"]), told["document"])


_SHARING = (Sharing.NOT_SHARED, Sharing.CONDITIONAL, Sharing.UNCONDITIONAL)
_OPENING = (Opening.NOT_OPEN, Opening.ON_APPLICATION, Opening.OPEN)


def stricter_of(entry: CatalogueEntry, view: CatalogueEntry) -> CatalogueEntry:
    """An entry whose tiers are, item by item, the stricter of two; everything else is the first's."""
    seen = {item.alias: item for item in view.items}
    items = []
    for item in entry.items:
        other = seen.get(item.alias, item)
        sharing = min(item.sharing, other.sharing, key=_SHARING.index)
        opening = min(item.opening, other.opening, key=_OPENING.index)
        condition = other.condition if sharing is other.sharing and sharing is not item.sharing else item.condition
        basis = other.basis if sharing is other.sharing and sharing is not item.sharing else item.basis
        items.append(
            replace(
                item, sharing=sharing, opening=opening, condition=condition, basis=basis,
                mask=item.mask or other.mask, verify_only=item.verify_only or other.verify_only,
            )
        )  # fmt: skip
    sharing = derived_sharing(items) or min(entry.sharing, view.sharing, key=_SHARING.index)
    opening = derived_opening(items) or min(entry.opening, view.opening, key=_OPENING.index)
    return replace(
        entry, items=tuple(items), sharing=sharing, opening=opening,
        condition=entry.condition if sharing is entry.sharing else view.condition,
        basis=entry.basis if sharing is entry.sharing else view.basis,
    )  # fmt: skip


def _subject(change: Change) -> str:
    entry = change.get("entry")
    source = entry if isinstance(entry, dict) else change
    return f"{source.get('id', '')} version {source.get('version', 1)}"
