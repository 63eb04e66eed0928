"""The rules an entry keeps at its release: V1 to V17 of docs/catalogue.md, one function each.

A rule takes the entry and its surroundings and yields a Finding per breach; it never stops at the first. V15, which
needs the version before and the grants that are live, is in ``catalog_sync.comparison``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from catalog_sync.closed_lists import OTHER, written
from catalog_sync.entries import (
    CatalogueEntry,
    EntryState,
    InformationItem,
    Network,
    Opening,
    Sensitivity,
    Sharing,
    SharingMode,
    derived_opening,
    derived_sharing,
)
from catalog_sync.identifiers import ClassKind, CreditCode, ResourceCode
from catalog_sync.licences import known_licences, licence_in_force
from catalog_sync.problems import Severity

_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
RESERVED_TYPES = frozenset({
    "Query", "Mutation", "Subscription", "String", "Int", "Float", "Boolean", "ID",
    "Date", "DateTime", "Decimal", "BigInt", "Base64", "JSON",
})  # fmt: skip
RESERVED_FIELDS = frozenset({"id"})
"""``id`` is the surrogate key that a type with a personal key carries."""

VAGUE_CONDITIONS = frozenset({
    "按需", "按需共享", "视情况", "视情况而定", "有条件", "有条件共享", "按规定", "根据需要", "依申请", "协商", "无",
    "无条件", "其他", "待定",
})  # fmt: skip
"""Conditions that say nothing an applicant could fulfil."""

NO_CONDITION = "无条件"


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule: the field's path within the entry, the value, what is wrong and how to mend it."""

    rule: str
    field: str
    value: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class RegisteredProvider:
    """A department on file: without a person, a unit and a contact it releases nothing (R8).

    ``classes`` are the department classes (3...) it may use, prefixes included; ``department`` is its name in policy
    and credentials, where there is one.
    """

    name: str
    credit_code: CreditCode
    responsible: str
    unit: str
    contact: str
    classes: tuple[str, ...] = ()
    department: str | None = None

    def may_use(self, class_code: str) -> bool:
        """Whether the department may hang resources under a class."""
        return any(class_code.startswith(allowed) for allowed in self.classes)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may look at beside the entry.

    ``entries`` holds every entry by each of its codes; ``classes`` names the classes that exist; ``providers`` is None
    where no register of departments is kept, and ``owners`` then says which department uses a class; ``unread`` are
    codes of entries that could not be read. ``licence`` is the code that the rule profile gives to open entries
    without one.
    """

    today: date
    entries: Mapping[ResourceCode, CatalogueEntry]
    classes: Mapping[str, str]
    providers: Mapping[CreditCode, RegisteredProvider] | None = None
    owners: Mapping[str, CreditCode] = field(default_factory=dict)
    unread: frozenset[ResourceCode] = frozenset()
    licence: str | None = None


Rule = Callable[[CatalogueEntry, Surroundings], Iterator[Finding]]


def findings(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """Every breach of every rule."""
    for rule in RULES:
        yield from rule(entry, around)


def _items(entry: CatalogueEntry) -> Iterator[tuple[str, InformationItem]]:
    return ((f"items[{place}]", item) for place, item in enumerate(entry.items))


def basis_is_given(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V1: whoever does not share names the law, its article and its words (Order 320, article 3; the Measure)."""
    remedy = "Give a basis with document, article, quote and review, or share the resource."
    bases = [("share.basis", entry.basis)] if entry.sharing is Sharing.NOT_SHARED else []
    for path, item in _items(entry):
        if (
            item.sharing is Sharing.NOT_SHARED
            and entry.basis_of(item) is None
            and entry.sharing is not Sharing.NOT_SHARED
        ):
            message = f"The item {item.name} is not shared, and no law is named for it."
            yield Finding("V1", f"{path}.basis", "", message, remedy)
        elif item.basis is not None and item.sharing is not Sharing.NOT_SHARED:
            message = f"The item {item.name} is shared, so a basis for withholding it contradicts."
            yield Finding(
                "V1", f"{path}.basis", item.basis.document, message, "Remove the basis, or set share to none."
            )
        elif item.basis is not None:
            bases.append((f"{path}.basis", item.basis))
    for path, basis in bases:
        if basis is None:
            yield Finding("V1", path, "", "The resource is not shared, and no law is named for it.", remedy)
        elif basis.review < around.today:
            message = f"The basis was to be looked at again by {basis.review}."
            mend = "Check that the law still says so, and set a new review date."
            yield Finding("V1", f"{path}.review", str(basis.review), message, mend, Severity.NOTICE)


def tiers_follow_from_items(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V2: a resource is unconditional if all its items are, not shared if none is, otherwise conditional."""
    sharing, opening = derived_sharing(entry.items), derived_opening(entry.items)
    if sharing is not None and sharing is not entry.sharing:
        message = f"The items make the resource {written(sharing)}, not {written(entry.sharing)}."
        remedy = f"Write {written(sharing)}, or correct the items' share."
        yield Finding("V2", "share.type", written(entry.sharing), message, remedy)
    if opening is not None and opening is not entry.opening:
        remedies = {
            Opening.NOT_OPEN: "Set open.value to false, or mark the items that are open.",
            Opening.OPEN: "Set open.value to true and leave open.condition out.",
            Opening.ON_APPLICATION: "Set open.value to true and give open.condition.",
        }
        message = f"The items make the resource {opening.value}, not {entry.opening.value}."
        yield Finding("V2", "open", entry.opening.value, message, remedies[opening])
    if not entry.items and entry.format.structured:
        message = f"A resource of the format {entry.format.kind} must list its items."
        yield Finding("V2", "items", "", message, "List name, alias, type and length of each.")


def base_items_are_unconditional(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V3: base data are shared unconditionally, or the competent department has recorded an exception."""
    for path, item in _items(entry):
        if item.base and item.sharing is not Sharing.UNCONDITIONAL and item.exemption is None:
            message = f"The base item {item.name} is {written(item.sharing)}."
            remedy = "Share it unconditionally, or record the exemption: document, decided, reason."
            yield Finding("V3", f"{path}.share", written(item.sharing), message, remedy)


def open_items_are_unconditional(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V4: what is open to all departments have unconditionally; what is not shared is not opened either."""
    if not entry.items and entry.opening is Opening.OPEN and entry.sharing is not Sharing.UNCONDITIONAL:
        remedy = "Share it unconditionally, or open it on application."
        yield Finding("V4", "open.value", "true", "A resource open to all must be shared unconditionally.", remedy)
    for path, item in _items(entry):
        if item.opening is Opening.OPEN and item.sharing is not Sharing.UNCONDITIONAL:
            message = f"The item {item.name} is open to all but {written(item.sharing)} between departments."
            remedy = "Share it unconditionally, or do not open it to all."
            yield Finding("V4", f"{path}.open", written(item.opening), message, remedy)
        if item.opening is Opening.ON_APPLICATION and item.sharing is Sharing.NOT_SHARED:
            message = f"The item {item.name} is opened on application but not shared between departments."
            yield Finding("V4", f"{path}.open", written(item.opening), message, "Share it, or do not open it.")


def open_items_protect_people(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V5: personal items and trade secrets are opened masked or anonymised only; other secrets never (article 7)."""
    guarded = (Sensitivity.PERSONAL, Sensitivity.SENSITIVE_PERSONAL, Sensitivity.TRADE_SECRET)
    for path, item in _items(entry):
        if item.opening is Opening.NOT_OPEN:
            continue
        flag = item.sensitivity
        if flag in guarded and item.mask is None and not item.anonymised:
            message = f"The open item {item.name} is {flag.value} and shows its value."
            remedy = "Name a mask, set anonymised, or do not open it."
            yield Finding("V5", f"{path}.open", written(item.opening), message, remedy)
        if flag in (Sensitivity.WORK_SECRET, Sensitivity.STATE_SECRET):
            message = f"The item {item.name} is a {flag.value} and may not be opened."
            yield Finding("V5", f"{path}.open", written(item.opening), message, "Do not open it.")


def conditions_are_concrete(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V6: a condition tells an applicant what to fulfil; unconditional sharing has none (R34)."""
    remedy = "Say who may have it, for which function and in which part."
    if entry.sharing is Sharing.UNCONDITIONAL and entry.condition not in (None, NO_CONDITION):
        message = "A resource shared unconditionally has no condition."
        yield Finding("V6", "share.condition", entry.condition or "", message, f"Write {NO_CONDITION} or nothing.")
    if entry.sharing is Sharing.CONDITIONAL and entry.condition is not None and _vague(entry.condition):
        yield Finding("V6", "share.condition", entry.condition, "The condition says nothing concrete.", remedy)
    if not entry.items and entry.sharing is Sharing.CONDITIONAL and entry.condition is None:
        yield Finding("V6", "share.condition", "", "The resource is conditional without a condition.", remedy)
    for path, item in _items(entry):
        if item.condition is not None and item.sharing is not Sharing.CONDITIONAL:
            message = f"The item {item.name} is {written(item.sharing)}, so it has no condition."
            yield Finding(
                "V6", f"{path}.condition", item.condition, message, "Remove it, or make the item conditional."
            )
        elif item.condition is not None and _vague(item.condition):
            yield Finding("V6", f"{path}.condition", item.condition, "The condition says nothing concrete.", remedy)
        elif item.sharing is Sharing.CONDITIONAL and entry.condition_of(item) is None:
            message = f"The item {item.name} is conditional, and neither it nor the resource says on what."
            yield Finding("V6", f"{path}.condition", "", message, remedy)


def _vague(condition: str) -> bool:
    return condition.strip(" 。．.；;") in VAGUE_CONDITIONS or len(condition.strip()) < 3


def records_have_a_key(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V7: at least one key item; a key can be read, so it is never verify-only."""
    if entry.items and not entry.keys:
        remedy = "Set key: true on the items that together identify a record."
        yield Finding("V7", "items", "", "No item is a key, so records cannot be told apart.", remedy)
    for path, item in _items(entry):
        if item.key and item.verify_only:
            message = f"The key {item.name} is verify-only, and a key must be read."
            yield Finding("V7", f"{path}.key", "true", message, "Choose another key, or drop verify_only.")


def references_exist(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V8: resources referred to exist and are released."""
    named = [(f"related[{place}]", code) for place, code in enumerate(entry.related)]
    named += [(f"{path}.references", item.references) for path, item in _items(entry) if item.references is not None]
    for path, code in named:
        other = around.entries.get(code)
        if other is None and code in around.unread:
            continue
        if other is None:
            message = "The catalogue has no resource of this code."
            yield Finding("V8", path, str(code), message, "Correct the code, or register the resource first.")
        elif entry.state is EntryState.RELEASED and other.state is not EntryState.RELEASED:
            message = f"{other.title} is not released; it is {other.state.value}."
            yield Finding("V8", path, str(code), message, "Release that resource first.")


def aliases_are_names(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V9: aliases become GraphQL names: legal, not reserved, unique within the entry."""
    if not _TYPE_NAME.fullmatch(entry.alias):
        remedy = "Use PascalCase of Latin letters and digits, as in ResidentBasic."
        yield Finding("V9", "alias", entry.alias, "The alias is no name for a type.", remedy)
    elif entry.alias in RESERVED_TYPES:
        yield Finding("V9", "alias", entry.alias, "The alias is reserved.", "Choose another name.")
    seen: dict[str, str] = {}
    names: dict[str, str] = {}
    for path, item in _items(entry):
        if not _FIELD_NAME.fullmatch(item.alias):
            remedy = "Use camelCase of Latin letters and digits, as in residentId."
            yield Finding("V9", f"{path}.en", item.alias, "The alias is no name for a field.", remedy)
        elif item.alias in RESERVED_FIELDS:
            message = "The alias is reserved: `id` is the surrogate key of a type."
            yield Finding("V9", f"{path}.en", item.alias, message, "Choose another name, as in sealNo.")
        if item.alias in seen:
            message = f"{seen[item.alias]} has the same alias."
            yield Finding("V9", f"{path}.en", item.alias, message, "Give one of the two another alias.")
        if item.name in names:
            message = f"{names[item.name]} has the same name."
            yield Finding("V9", f"{path}.n", item.name, message, "Give one of the two another name.")
        seen.setdefault(item.alias, path)
        names.setdefault(item.name, path)


def dates_are_past(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V10: the day of issue is not in the future. (That a cycle is given is asked where it is read.)"""
    if entry.issued > around.today:
        message = f"The day of issue is after today, {around.today}."
        yield Finding("V10", "issued", str(entry.issued), message, "Correct it, or release on that day.")


def other_modes_have_a_reason(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V11: an interface is the rule; whoever shares in another way says why (R45)."""
    if entry.mode not in (None, SharingMode.INTERFACE) and entry.mode_reason is None:
        message = "A mode other than 接口 needs a reason."
        yield Finding("V11", "share.mode_reason", "", message, "Say in share.mode_reason why there is no interface.")
    if entry.format.type == OTHER and entry.format.kind != "数据库" and entry.format.note is None:
        yield Finding("V11", "format.note", "", "The format 其他 must be described.", "Say in format.note what it is.")


def state_secrets_stay_off_the_extranet(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V12: items that are state secrets are not registered on the extranet (article 7)."""
    if entry.network is Network.EXTRANET:
        for path, item in _items(entry):
            if item.sensitivity is Sensitivity.STATE_SECRET:
                message = f"The item {item.name} is a state secret, and the entry is on the extranet."
                yield Finding(
                    "V12", f"{path}.flag", item.sensitivity.value, message, "Register it on the intranet only."
                )


def provider_is_registered(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V13: the provider is on file, by the same name. (Its code's check digits are verified where it is read.)"""
    if around.providers is None:
        return
    known = around.providers.get(entry.provider.credit_code)
    if known is None:
        message = f"{entry.provider.name} is not registered."
        remedy = "Register it under providers: with responsible person, unit and contact."
        yield Finding("V13", "provider.uscc", str(entry.provider.credit_code), message, remedy)
    elif known.name != entry.provider.name:
        message = f"This code is registered for {known.name}."
        yield Finding("V13", "provider.name", entry.provider.name, message, "Correct the name or the code.")


def codes_hang_under_classes(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V14: the first code is a department's, every class exists and may be used by the provider, one code a class."""
    registered = (around.providers or {}).get(entry.provider.credit_code)
    classes: set[str] = set()
    for place, code in enumerate(entry.codes):
        path = f"codes[{place}]"
        if place == 0 and code.kind is not ClassKind.DEPARTMENT:
            message = "The first code must be the department's: schemas and policies name the resource by it."
            yield Finding("V14", path, str(code), message, "Put the code that begins with 3 first.")
        if code.class_code not in around.classes:
            remedy = "Correct the class, or add it with its name under classes:."
            yield Finding("V14", path, str(code), f"There is no class {code.class_code}.", remedy)
        if code.class_code in classes:
            message = f"The resource has two codes in the class {code.class_code}."
            yield Finding("V14", path, str(code), message, "Keep one code for each class.")
        classes.add(code.class_code)
        if code.kind is ClassKind.DEPARTMENT:
            owner = around.owners.get(code.class_code)
            foreign = owner is not None and owner != entry.provider.credit_code
            if (registered is not None and not registered.may_use(code.class_code)) or (registered is None and foreign):
                message = f"{entry.provider.name} may not use the class {code.class_code}."
                yield Finding("V14", path, str(code), message, "Use a class of the provider's own.")


def open_entries_have_a_licence(entry: CatalogueEntry, around: Surroundings) -> Iterator[Finding]:
    """V17: what is open is open under a licence of the list, the entry's own or else the rule profile's (R53)."""
    if entry.opening is Opening.NOT_OPEN:
        return
    known = ", ".join(dict.fromkeys(each.code for each in known_licences() if each.effective <= around.today))
    if entry.licence is None and around.licence is None:
        message = "The resource is open, and neither it nor the rule profile names a licence."
        yield Finding("V17", "open.licence", "", message, f"Name one of: {known}.")
    elif entry.licence is not None and licence_in_force(entry.licence, around.today) is None:
        message = "No licence of that code is in force."
        yield Finding(
            "V17", "open.licence", entry.licence, message, f"Name one of: {known}; or none, for the profile's."
        )


RULES: tuple[Rule, ...] = (
    basis_is_given,
    tiers_follow_from_items,
    base_items_are_unconditional,
    open_items_are_unconditional,
    open_items_protect_people,
    conditions_are_concrete,
    records_have_a_key,
    references_exist,
    aliases_are_names,
    dates_are_past,
    other_modes_have_a_reason,
    state_secrets_stay_off_the_extranet,
    provider_is_registered,
    codes_hang_under_classes,
    open_entries_have_a_licence,
)
