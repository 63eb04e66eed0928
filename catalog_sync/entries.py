"""Entries of the catalogue: one information resource each, with its items.

The two axes, sharing and opening, belong to the items; a resource's own values follow from them, and
``derived_sharing`` and ``derived_opening`` are the only places that say how. The values here are well-formed by
their types; whether they keep the law's rules is asked in ``catalog_sync.rules``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from catalog_sync.closed_lists import (
    STRUCTURED_FORMATS,
    Cycle,
    DataType,
    EntryState,
    Network,
    Opening,
    Sensitivity,
    Sharing,
    SharingCategory,
    SharingMode,
)
from catalog_sync.identifiers import CreditCode, DivisionCode, ResourceCode

__all__ = [
    "CatalogueEntry",
    "Census",
    "Cycle",
    "DataType",
    "EntryState",
    "Exemption",
    "Format",
    "InformationItem",
    "LegalBasis",
    "Network",
    "Opening",
    "Provider",
    "Sensitivity",
    "Sharing",
    "SharingCategory",
    "SharingMode",
    "derived_opening",
    "derived_sharing",
]

MUNICIPALITY = DivisionCode("500000")


@dataclass(frozen=True, slots=True)
class Provider:
    """信息资源提供方: the department that answers for a resource, and its inner office."""

    name: str
    credit_code: CreditCode
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """Why something is not shared: law, administrative regulation or central policy, with its words.

    ``review`` is the day by which the basis has to be looked at again; ``exception`` the case the law itself excepts.
    """

    document: str
    article: str
    quote: str
    review: date
    number: str | None = None
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """The competent department's recorded decision that a base item need not be shared unconditionally."""

    document: str
    decided: date
    reason: str


@dataclass(frozen=True, slots=True)
class Format:
    """信息资源格式: class and type from the closed list; 其他 says in ``note`` what it is."""

    kind: str
    type: str
    note: str | None = None

    @property
    def structured(self) -> bool:
        """Whether resources of this format consist of items that must be listed."""
        return self.kind in STRUCTURED_FORMATS


@dataclass(frozen=True, slots=True)
class Census:
    """资源普查: volume in gigabytes and number of records, stored, shared and opened."""

    stored_volume: Decimal | None = None
    stored_records: int | None = None
    shared_volume: Decimal | None = None
    shared_records: int | None = None
    opened_volume: Decimal | None = None
    opened_records: int | None = None


@dataclass(frozen=True, slots=True)
class InformationItem:
    """信息项: one field of a resource, with its own tier on both axes.

    ``name`` is Chinese and of record; ``alias`` is the GraphQL field's name. ``sharing`` and ``opening`` are in force
    for this item (a file that leaves them out means the entry's). ``condition`` and ``basis`` are the item's own; ask
    the entry's ``condition_of`` and ``basis_of`` for those in force. ``length`` counts characters or digits, ``scale``
    the decimals among them. ``mask`` names the rule by which the provider masks the value. A ``verify_only`` item
    answers yes or no to a value offered and is never read. ``references`` is the resource that has authority over the
    value.
    """

    name: str
    alias: str
    type: DataType
    sharing: Sharing
    opening: Opening = Opening.NOT_OPEN
    length: int | None = None
    scale: int | None = None
    condition: str | None = None
    basis: LegalBasis | None = None
    open_condition: str | None = None
    base: bool = False
    exemption: Exemption | None = None
    sensitivity: Sensitivity = Sensitivity.NONE
    mask: str | None = None
    anonymised: bool = False
    verify_only: bool = False
    key: bool = False
    codelist: str | None = None
    unit: str | None = None
    references: ResourceCode | None = None
    cycle: Cycle | None = None
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """目录条目: one information resource.

    ``id`` is its identity for ever; ``codes`` name it in the classes it hangs under, the department's first.
    ``sharing`` and ``opening`` follow from the items where there are any. ``condition`` is the sharing condition in
    words. ``level`` is the division whose department holds the data. ``licence`` is the code of the one under which the
    public uses what is open; ask ``licences.licence_of`` for the one in force.
    """

    id: str
    title: str
    alias: str
    codes: tuple[ResourceCode, ...]
    provider: Provider
    abstract: str
    format: Format
    sharing: Sharing
    opening: Opening
    cycle: Cycle
    issued: date
    items: tuple[InformationItem, ...] = ()
    condition: str | None = None
    basis: LegalBasis | None = None
    category: SharingCategory | None = None
    mode: SharingMode | None = None
    mode_reason: str | None = None
    open_condition: str | None = None
    licence: str | None = None
    cycle_note: str | None = None
    related: tuple[ResourceCode, ...] = ()
    network: Network = Network.EXTRANET
    level: DivisionCode = MUNICIPALITY
    state: EntryState = EntryState.RELEASED
    version: int = 1
    valid_from: date | None = None
    valid_until: date | None = None
    subgraph: str | None = None
    census: Census | None = None

    @property
    def code(self) -> ResourceCode:
        """The department's code, by which schemas, policies and answers name the resource."""
        return self.codes[0]

    def item(self, alias: str) -> InformationItem | None:
        """The item of that alias."""
        return next((item for item in self.items if item.alias == alias), None)

    @property
    def keys(self) -> tuple[InformationItem, ...]:
        """The items that together identify a record."""
        return tuple(item for item in self.items if item.key)

    def condition_of(self, item: InformationItem) -> str | None:
        """The condition under which a conditional item is shared: its own, or else the resource's."""
        return (item.condition or self.condition) if item.sharing is Sharing.CONDITIONAL else None

    def basis_of(self, item: InformationItem) -> LegalBasis | None:
        """The legal basis on which an item is not shared: its own, or else the resource's."""
        return (item.basis or self.basis) if item.sharing is Sharing.NOT_SHARED else None

    def in_force(self, on: date) -> bool:
        """Whether the entry is released and ``on`` lies in its period of validity, both ends included."""
        begun = self.valid_from is None or self.valid_from <= on
        ended = self.valid_until is not None and self.valid_until < on
        return self.state is EntryState.RELEASED and begun and not ended


def derived_sharing(items: Iterable[InformationItem]) -> Sharing | None:
    """A resource's sharing from its items': the same if all agree, any mix is conditional; None without items."""
    values = {item.sharing for item in items}
    if not values:
        return None
    return values.pop() if len(values) == 1 else Sharing.CONDITIONAL


def derived_opening(items: Iterable[InformationItem]) -> Opening | None:
    """A resource's opening from its items': what the opened ones ask for at most, not open if none is opened."""
    values = {item.opening for item in items}
    if not values:
        return None
    return next((value for value in (Opening.ON_APPLICATION, Opening.OPEN) if value in values), Opening.NOT_OPEN)
