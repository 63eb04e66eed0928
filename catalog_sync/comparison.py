"""Two versions of an entry: what changed, whom it narrows, and which live grants it breaks (V15, R15)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from catalog_sync.closed_lists import Opening, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem
from catalog_sync.licences import licence_in_force
from catalog_sync.writing import Document, entry_document

_SHARING_RANK = {Sharing.NOT_SHARED: 0, Sharing.CONDITIONAL: 1, Sharing.UNCONDITIONAL: 2}
_OPENING_RANK = {Opening.NOT_OPEN: 0, Opening.ON_APPLICATION: 1, Opening.OPEN: 2}
_BOOKKEEPING = frozenset({"version", "state"})
_SHAPE = ("t", "len", "verify_only", "en")


class Effect(StrEnum):
    """What a change means for those who use the resource."""

    BREAKING = "breaking"
    NARROWING = "narrowing"
    WIDENING = "widening"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a field's path, where items go by alias (``items.name.share``), and the values as written."""

    path: str
    before: str
    after: str
    effect: Effect
    item: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.before or '(none)'} -> {self.after or '(none)'} [{self.effect}]"


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant in force, as far as a change can break it: its number, the department it names, the items' aliases."""

    number: str
    department: str
    resource: str
    items: frozenset[str]


@dataclass(frozen=True, slots=True)
class BrokenGrant:
    """A live grant and the changes that take something from it."""

    grant: LiveGrant
    changes: tuple[Change, ...]


def changes_between(before: CatalogueEntry, after: CatalogueEntry) -> tuple[Change, ...]:
    """Every difference between two versions, the resource's fields first, then the items in order."""
    old, new = entry_document(before), entry_document(after)
    old.pop("items", None), new.pop("items", None)
    left, right = _flat(old), _flat(new)
    found = [
        Change(path, left.get(path, ""), right.get(path, ""), _resource_effect(path, before, after))
        for path in dict.fromkeys((*left, *right))
        if path not in _BOOKKEEPING and left.get(path) != right.get(path)
    ]
    was, now = {item.alias: item for item in before.items}, {item.alias: item for item in after.items}
    for alias in dict.fromkeys((*was, *now)):
        found.extend(_item_changes(alias, was.get(alias), now.get(alias), before, after))
    return tuple(found)


def broken_grants(
    changes: Iterable[Change], entry: CatalogueEntry, grants: Iterable[LiveGrant]
) -> tuple[BrokenGrant, ...]:
    """The live grants on an entry from which some change takes an item, its form or its tier."""
    codes = {str(code) for code in entry.codes}
    harmful = [change for change in changes if change.effect in (Effect.BREAKING, Effect.NARROWING)]
    found = []
    for grant in grants:
        hits = tuple(change for change in harmful if change.item is None or change.item in grant.items)
        if grant.resource in codes and hits:
            found.append(BrokenGrant(grant, hits))
    return tuple(found)


def diff_text(changes: Iterable[Change]) -> str:
    """The changes, one a line."""
    return "".join(f"{change}\n" for change in changes)


def _item_changes(
    alias: str,
    was: InformationItem | None,
    now: InformationItem | None,
    before: CatalogueEntry,
    after: CatalogueEntry,
) -> list[Change]:
    path = f"items.{alias}"
    if was is None or now is None:
        present = now or was
        assert present is not None
        effect = Effect.WIDENING if was is None else Effect.BREAKING
        written = ("", present.name) if was is None else (present.name, "")
        return [Change(path, *written, effect, alias)]
    left, right = _flat(_item_document(before, alias)), _flat(_item_document(after, alias))
    return [
        Change(f"{path}.{field}", left.get(field, ""), right.get(field, ""), _item_effect(field, was, now), alias)
        for field in dict.fromkeys((*left, *right))
        if left.get(field) != right.get(field)
    ]


def _item_document(entry: CatalogueEntry, alias: str) -> Document:
    items = entry_document(entry)["items"]
    assert isinstance(items, list)
    found: Document = next(item for item in items if item["en"] == alias)
    return found


def _resource_effect(path: str, before: CatalogueEntry, after: CatalogueEntry) -> Effect:
    if path == "alias":
        return Effect.BREAKING
    if path.startswith("codes"):
        return Effect.WIDENING if set(before.codes) <= set(after.codes) else Effect.BREAKING
    if path == "share.type":
        return _direction(_SHARING_RANK[before.sharing], _SHARING_RANK[after.sharing])
    if path == "open.value":
        return _direction(_OPENING_RANK[before.opening], _OPENING_RANK[after.opening])
    removable = {
        "share.condition": after.condition,
        "open.condition": after.open_condition,
        "valid.from": after.valid_from,
        "valid.until": after.valid_until,
    }
    if path in removable:
        return Effect.WIDENING if removable[path] is None else Effect.NARROWING
    if path == "open.licence":
        return _direction(-_demands_acceptance(before), -_demands_acceptance(after))
    if path in ("share.mode", "network"):
        return Effect.NARROWING
    return Effect.NEUTRAL


def _item_effect(field: str, was: InformationItem, now: InformationItem) -> Effect:
    if field in _SHAPE:
        wider = field == "len" and was.length is not None and now.length is not None and was.length <= now.length
        return Effect.NEUTRAL if wider and was.scale == now.scale else Effect.BREAKING
    if field == "key":
        return Effect.BREAKING
    if field == "share":
        return _direction(_SHARING_RANK[was.sharing], _SHARING_RANK[now.sharing])
    if field == "open":
        return _direction(_OPENING_RANK[was.opening], _OPENING_RANK[now.opening])
    if field in ("condition", "open_condition", "mask"):
        removed = getattr(now, field) is None
        return Effect.WIDENING if removed else Effect.NARROWING
    return Effect.NEUTRAL


def _demands_acceptance(entry: CatalogueEntry) -> bool:
    licence = licence_in_force(entry.licence, date.max) if entry.licence is not None else None
    return licence is not None and licence.acceptance


def _direction(before: int, after: int) -> Effect:
    if after == before:
        return Effect.NEUTRAL
    return Effect.NARROWING if after < before else Effect.WIDENING


def _flat(document: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, list):
            found[f"{prefix}{name}"] = ", ".join(map(str, value))
        else:
            found[f"{prefix}{name}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def loosened(below: CatalogueEntry, above: CatalogueEntry) -> tuple[str, ...]:
    """Where a higher level's view of an entry allows more than the provider's: such a view is refused.

    A higher level may tighten a tier, never loosen it. Aliases of the items that got looser, in order; an item that
    only the higher level has counts too, for nothing below allows it.
    """
    own = {item.alias: item for item in below.items}
    found = []
    for item in above.items:
        source = own.get(item.alias)
        if (
            source is None
            or _SHARING_RANK[item.sharing] > _SHARING_RANK[source.sharing]
            or _OPENING_RANK[item.opening] > _OPENING_RANK[source.opening]
            or (source.verify_only and not item.verify_only)
            or (source.mask is not None and item.mask is None)
        ):
            found.append(item.alias)
    if not below.items and (
        _SHARING_RANK[above.sharing] > _SHARING_RANK[below.sharing]
        or _OPENING_RANK[above.opening] > _OPENING_RANK[below.opening]
    ):
        found.append("(resource)")
    return tuple(found)
