"""The changes a bundle can carry, and what may travel at all."""

from datetime import datetime

from catalog_sync.bundles import Change
from catalog_sync.closed_lists import Network, Sensitivity
from catalog_sync.entries import CatalogueEntry
from catalog_sync.lifecycle import SubmissionState
from catalog_sync.registry import Trigger
from catalog_sync.writing import entry_document


def entry_change(entry: CatalogueEntry, trigger: Trigger) -> Change:
    """A version of an entry, released or withdrawn, with the event that made it necessary."""
    return {"kind": "entry", "entry": entry_document(entry), "trigger": trigger.told()}


def decision_change(identity: str, number: int, state: SubmissionState, reasons: tuple[str, ...]) -> Change:
    """What was decided on a version, for the level that sent it."""
    return {"kind": "decision", "id": identity, "version": number, "state": state.value, "reasons": list(reasons)}


def tightening_change(view: CatalogueEntry, at: datetime) -> Change:
    """A stricter view of an entry, for the level that holds it; the time tells a view from the same one sent before."""
    return {"kind": "tightening", "entry": entry_document(view), "at": at.isoformat()}


def may_cross(entry: CatalogueEntry, source: Network, target: Network) -> bool:
    """Whether an entry may travel: no state secret ever does, no secret at all leaves its network (articles 7 and 14).

    An entry of the intranet is never told to the extranet.
    """
    flags = {item.sensitivity for item in entry.items}
    if Sensitivity.STATE_SECRET in flags:
        return False
    if source is target:
        return entry.network is target
    return Sensitivity.WORK_SECRET not in flags and entry.network is Network.EXTRANET
