"""The units of every decision: one item of a resource, with both tiers and what the law adds to its values.

An item is named ``resource code.alias`` (``30700503/1.residentId``); policy lines, tables and contexts all use that
name. What stands in no released entry has no tiers, hence no lines, hence no reader.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from catalog_sync.closed_lists import EntryState, Opening, Sensitivity, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem

OPEN = f"open:{Opening.OPEN.value}"
LICENSED_OPEN = f"{OPEN}+licence/"
"""How the sets of open items begin whose licence has to be accepted: the resource and the licence's version follow."""


@dataclass(frozen=True, slots=True)
class ItemTiers:
    """What policy has to know about an item.

    ``mask`` is the provider's masking rule: the public gets an open item masked by it. ``personal`` items are given to
    departments only for a stated purpose, case and officer; ``sensitive`` ones need an impact assessment.
    ``verify_only`` items answer yes or no and are never read. ``licence`` is the version that has to be accepted
    by whoever reads an open item as the public, None where none has to be. ``sets`` are further item sets it belongs
    to, beside those of its tiers and its resource.
    """

    sharing: Sharing
    opening: Opening
    mask: str | None = None
    personal: bool = False
    sensitive: bool = False
    verify_only: bool = False
    licence: str | None = None
    sets: tuple[str, ...] = ()


UNKNOWN = ItemTiers(Sharing.NOT_SHARED, Opening.NOT_OPEN)


def resource_of(item: str) -> str:
    """The resource code in an item's name."""
    return item.rpartition(".")[0]


def alias_of(item: str) -> str:
    """The alias in an item's name: the GraphQL field."""
    return item.rpartition(".")[2]


def items_of_catalogue(entries: Iterable[CatalogueEntry], today: date) -> dict[str, ItemTiers]:
    """The items of all entries that are released and valid on ``today``; everything else is withheld."""
    from catalog_sync.licences import licence_of  # reads YAML, which is slow to import

    items: dict[str, ItemTiers] = {}
    for entry in entries:
        begun = entry.valid_from is None or entry.valid_from <= today
        ended = entry.valid_until is not None and entry.valid_until < today
        if entry.state is EntryState.RELEASED and begun and not ended:
            licence = licence_of(entry, today)
            accepted = licence.version if licence is not None and licence.acceptance else None
            items.update((f"{entry.code}.{item.alias}", _tiers(item, accepted)) for item in entry.items)
    return items


def _tiers(item: InformationItem, licence: str | None) -> ItemTiers:
    return ItemTiers(
        sharing=item.sharing,
        opening=item.opening,
        mask=item.mask,
        personal=item.sensitivity.personal,
        sensitive=item.sensitivity is Sensitivity.SENSITIVE_PERSONAL,
        verify_only=item.verify_only,
        licence=licence if item.opening is Opening.OPEN else None,
    )


def opening_set(name: str, tiers: ItemTiers) -> str:
    """The one set of the opening axis that an item stands in: its opening, the licence to accept, the mask."""
    parts = [f"open:{tiers.opening.value}"]
    if tiers.opening is Opening.OPEN:
        parts += [f"licence/{resource_of(name)}/{tiers.licence}"] if tiers.licence else []
        parts += [tiers.mask] if tiers.mask else []
    return "+".join(parts)


def mask_in(group: str) -> str | None:
    """The mask under which what stands in a set of the opening axis is open."""
    last = group.rpartition("+")[2]
    return None if last == group or last.startswith("licence/") else last


def licence_in(group: str) -> str | None:
    """The version of the licence that has to be accepted for what stands in a set of the opening axis."""
    if not group.startswith(LICENSED_OPEN):
        return None
    return group.removeprefix(LICENSED_OPEN).partition("+")[0].rpartition("/")[2]


def item_lines(items: Mapping[str, ItemTiers]) -> list[tuple[str, ...]]:
    """The ``g2`` lines that the catalogue implies: each item's two tiers, its resource, its further sets."""
    lines: list[tuple[str, ...]] = []
    for name, tiers in sorted(items.items()):
        sets = (f"share:{tiers.sharing.value}", opening_set(name, tiers), f"{resource_of(name)}/*", *tiers.sets)
        lines.extend(("g2", name, group) for group in sets)
    return lines


def masked_opening_lines(lines: Iterable[tuple[str, ...]], items: Mapping[str, ItemTiers]) -> list[tuple[str, ...]]:
    """For every line that opens a set of open items, its twins for the items that are open there with a mask."""
    masks: dict[str, set[str]] = defaultdict(set)
    for name, tiers in items.items():
        if tiers.opening is Opening.OPEN and tiers.mask:
            masks[opening_set(name, replace(tiers, mask=None))].add(tiers.mask)
    twins: list[tuple[str, ...]] = []
    for tokens in lines:
        if len(tokens) == 12 and tokens[0] == "p" and tokens[5] in masks and tokens[11] == "allow":
            for mask in sorted(masks[tokens[5]]):
                kind, identity, *who, group, _ = tokens[:7]
                twins.append((kind, f"{identity}.{mask}", *who, f"{group}+{mask}", f"masked:{mask}", *tokens[7:]))
    return twins
