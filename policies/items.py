"""The units of every decision: one item of a resource, with both tiers and what the law adds to its values.

An item is named ``resource code.alias`` (``30700503/1.residentId``); policy lines, tables and contexts all use that
name. What stands in no released entry has no tiers, hence no lines, hence no reader.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from catalog_sync.closed_lists import EntryState, Opening, Sensitivity, Sharing
from catalog_sync.entries import CatalogueEntry, InformationItem

MASKED_OPEN = "open:open+"


@dataclass(frozen=True, slots=True)
class ItemTiers:
    """What policy has to know about an item.

    ``mask`` is the provider's masking rule: the public gets an open item masked by it. ``personal`` items are given to
    departments only for a stated purpose, case and officer; ``sensitive`` ones need an impact assessment.
    ``verify_only`` items answer yes or no and are never read. ``sets`` are further item sets it belongs to, beside
    those of its tiers and its resource.
    """

    sharing: Sharing
    opening: Opening
    mask: str | None = None
    personal: bool = False
    sensitive: bool = False
    verify_only: bool = False
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
    items: dict[str, ItemTiers] = {}
    for entry in entries:
        begun = entry.valid_from is None or entry.valid_from <= today
        ended = entry.valid_until is not None and entry.valid_until < today
        if entry.state is EntryState.RELEASED and begun and not ended:
            items.update((f"{entry.code}.{item.alias}", _tiers(item)) for item in entry.items)
    return items


def _tiers(item: InformationItem) -> ItemTiers:
    return ItemTiers(
        sharing=item.sharing,
        opening=item.opening,
        mask=item.mask,
        personal=item.sensitivity.personal,
        sensitive=item.sensitivity is Sensitivity.SENSITIVE_PERSONAL,
        verify_only=item.verify_only,
    )


def item_lines(items: Mapping[str, ItemTiers]) -> list[tuple[str, ...]]:
    """The ``g2`` lines that the catalogue implies: each item's two tiers, its resource, its further sets."""
    lines: list[tuple[str, ...]] = []
    for name, tiers in sorted(items.items()):
        masked = tiers.opening is Opening.OPEN and tiers.mask is not None
        opening = f"{MASKED_OPEN}{tiers.mask}" if masked else f"open:{tiers.opening.value}"
        sets = (f"share:{tiers.sharing.value}", opening, f"{resource_of(name)}/*", *tiers.sets)
        lines.extend(("g2", name, group) for group in sets)
    return lines


def masked_opening_lines(lines: Iterable[tuple[str, ...]], items: Mapping[str, ItemTiers]) -> list[tuple[str, ...]]:
    """For every line that opens ``open:open``, its twins for the items that are open with a mask."""
    masks = sorted({tiers.mask for tiers in items.values() if tiers.opening is Opening.OPEN and tiers.mask})
    twins: list[tuple[str, ...]] = []
    for tokens in lines:
        if len(tokens) == 12 and tokens[0] == "p" and tokens[5] == "open:open" and tokens[11] == "allow":
            for mask in masks:
                twins.append(
                    (
                        *tokens[:1],
                        f"{tokens[1]}.{mask}",
                        *tokens[2:5],
                        f"{MASKED_OPEN}{mask}",
                        f"masked:{mask}",
                        *tokens[7:],
                    )
                )
    return twins
