"""The rules over an entry of which a part could not be read: what is wrong for certain, and nothing beyond it.

Where a field has no right form, reading goes on with a stand-in, and a rule that looked at it would accuse what nobody
wrote. So a finding counts only if all that it follows from was read: its own field, what its rule looks at beside it,
and of an item the fields that tell its tiers. Invariant: what is told here is told again once the forms are mended.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from catalog_sync import rules
from catalog_sync.entries import CatalogueEntry
from catalog_sync.problems import CatalogueProblem, Severity
from catalog_sync.rules import Finding, Rule, Surroundings

_ITEM = re.compile(r"(items\[\d+\])(?:\.(\w+))?")
_TELLING = frozenset({
    "share", "open", "condition", "basis", "base", "exemption", "flag", "mask", "anonymised", "verify_only", "key",
    "references",
})  # fmt: skip
"""The fields of an item that rules about its tiers look at."""
_ALL_ITEMS = "items"
_READS: Mapping[Rule, tuple[str, ...]] = {
    rules.basis_is_given: ("share",),
    rules.tiers_follow_from_items: ("share.type", "open", "format", _ALL_ITEMS),
    rules.base_items_are_unconditional: ("share.type",),
    rules.open_items_are_unconditional: ("share.type", "open"),
    rules.open_items_protect_people: (),
    rules.conditions_are_concrete: ("share.type", "share.condition"),
    rules.records_have_a_key: (_ALL_ITEMS,),
    rules.references_exist: ("state",),
    rules.aliases_are_names: (),
    rules.dates_are_past: (),
    rules.other_modes_have_a_reason: ("share.mode", "share.mode_reason", "format"),
    rules.state_secrets_stay_off_the_extranet: ("network",),
    rules.provider_is_registered: ("provider",),
    rules.codes_hang_under_classes: ("codes", "provider"),
    rules.open_entries_have_a_licence: ("open",),
}
"""What each rule looks at beside the field that it accuses."""


def doubtful_fields(problems: Iterable[CatalogueProblem]) -> frozenset[str]:
    """The fields of an entry that are not known because of the problems found as it was read; none for a sound one."""
    return frozenset(path for each in problems if each.severity is Severity.ERROR for path in _made_doubtful(each))


def certain_findings(entry: CatalogueEntry, around: Surroundings, doubtful: Collection[str]) -> Iterator[Finding]:
    """The breaches that are certain although fields of the entry are ``doubtful``."""
    for rule in rules.RULES:
        if not any(_touches(path, read) for path in doubtful for read in _READS[rule]):
            yield from (each for each in rule(entry, around) if not is_doubtful(each.field, doubtful))


def _made_doubtful(problem: CatalogueProblem) -> Iterator[str]:
    """The fields that are not known because of a problem; of an unknown field's group any, for it may be misspelt."""
    item = _ITEM.match(problem.field)
    if item is not None:
        yield problem.field
        if item[2] is None or item[2] in _TELLING or problem.rule == "UNKNOWN_FIELD":
            yield item[1]
            yield _ALL_ITEMS
    elif problem.rule == "UNKNOWN_FIELD":
        group, dot, _ = problem.field.rpartition(".")
        yield from (group,) if dot else ("network", "state")
    else:
        yield problem.field


def is_doubtful(field: str, doubtful: Collection[str]) -> bool:
    """Whether the value of a field is not known for certain."""
    item = _ITEM.match(field)
    if item is not None:
        return field in doubtful or item[1] in doubtful
    own = field.partition("[")[0]
    return any(_touches(path, own) for path in doubtful)


def _touches(path: str, field: str) -> bool:
    """Whether a field is at a path, within it or around it; an item is not around its list."""
    if path == field:
        return True
    return (
        path.startswith(f"{field}.")
        or field.startswith(f"{path}.")
        or (field != _ALL_ITEMS and path.startswith(f"{field}["))
    )
