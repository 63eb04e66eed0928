"""What a refused caller is told: which items, of which resource, why, and where to apply."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.languages import Sentence
from gateway.errors import ErrorCode, ErrorReport, Family
from gateway.planning.operation import FieldSelection, Refused
from policies.ledger import ItemUse, uses_of
from policies.lines import time_text
from policies.views import Missing, Reason
from policies.wording import say

if TYPE_CHECKING:
    from catalog_sync.licences import Licence
    from catalog_sync.loading import Catalogue

FORBIDDEN = ErrorCode(
    "FORBIDDEN", Family.ACCESS,
    "The caller may know of the items, but no rule or grant entitles it to read them for this purpose.",
    "Apply at the address in `apply` for the items named, or ask with `Prefer: partial-data` for the permitted rest; "
    "where a `rule` is named, ask for fewer of the items in `together` at once, or wait until `until`; where a "
    "`licence` is named, accept it at `accept`.",
    403,
)  # fmt: skip

ACCEPTING = "/licences/accept"
"""Where a caller accepts the licence of a resource for itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A selected field that is refused: the items of one resource it needs and the caller is not entitled to.

    ``told`` says what would have been done with them.
    """

    selection: FieldSelection
    path: tuple[str, ...]
    resource: str
    items: frozenset[str]
    missing: Missing
    told: frozenset[tuple[str, ItemUse]] = frozenset()


@dataclass(frozen=True, slots=True)
class RefusalTexts:
    """Words for refusals: the catalogue's names for items and providers, and the address where one applies.

    ``apply`` holds ``{resource}`` where the resource code stands.
    """

    catalogue: "Catalogue"
    apply: str

    def details(self, resource: str, items: Iterable[str], missing: Missing) -> dict[str, object]:
        """The error's extensions (beside ``code``)."""
        entry = self.catalogue.entry(resource)
        names = sorted(item.rpartition(".")[2] for item in items)
        return {
            "resource": resource,
            "title": entry.title if entry else resource,
            "items": names,
            "provider": entry.provider.name if entry else "",
            "reason": missing.reason,
            "apply": self.apply.replace("{resource}", resource) if _is_applied_for(missing) else "",
            **_forbidding(missing),
            **self._to_accept(resource, missing),
        }

    def said(self, resource: str, items: Iterable[str], missing: Missing) -> Sentence:
        """One sentence naming items, resource and provider."""
        entry = self.catalogue.entry(resource)
        titles = {item.alias: item.name for item in entry.items} if entry else {}
        names = sorted(item.rpartition(".")[2] for item in items)
        listed = [say("item", alias=name, name=titles[name]) if name in titles else name for name in names]
        if entry is None:
            return say("refused", items=listed, resource=resource, why=missing.said)
        of = say("resource", title=entry.title, code=resource, provider=entry.provider.name)
        why, licence = missing.said, self._licence(resource, missing)
        if licence is not None:
            told = {"title": licence.title, "link": licence.link, "version": licence.version, "resource": resource}
            why = say("licence to accept", **told, address=ACCEPTING)
        return say("refused", items=listed, resource=of, why=why)

    def _licence(self, resource: str, missing: Missing) -> "Licence | None":
        """The licence for want of whose acceptance a resource is refused."""
        from catalog_sync.licences import licence_of  # reads YAML, which is slow to import

        entry = self.catalogue.entry(resource) if missing.reason == Reason.LICENCE_REQUIRED else None
        return licence_of(entry, date_in_chongqing()) if entry is not None else None

    def _to_accept(self, resource: str, missing: Missing) -> dict[str, object]:
        licence = self._licence(resource, missing)
        if licence is None:
            return {}
        told = {"code": licence.code, "version": licence.version, "link": licence.link}
        return {"licence": told, "accept": ACCEPTING}

    def outcome(self, refusal: Refusal) -> Refused:
        """The refusal as a field's outcome in a partial answer."""
        details = self.details(refusal.resource, refusal.items, refusal.missing)
        said = self.said(refusal.resource, refusal.items, refusal.missing)
        return Refused(FORBIDDEN, said.english, tuple(details.items()), said)


def _is_applied_for(missing: Missing) -> bool:
    """Whether an application could help: not where a line forbids, nor where a licence has to be accepted."""
    return missing.rule is None and missing.reason != Reason.LICENCE_REQUIRED


def _forbidding(missing: Missing) -> dict[str, object]:
    """The line that forbids, where one does: what it keeps apart, or until when it stops access and on which basis."""
    if missing.rule is None:
        return {}
    if missing.together:
        return {"rule": missing.rule, "together": list(missing.together)}
    until = time_text(missing.until) if missing.until is not None else None
    return {"rule": missing.rule, "basis": missing.basis, "until": until}


def refusal_reports(refusals: Iterable[Refusal], texts: RefusalTexts) -> list[ErrorReport]:
    """One report per resource, with all its items and paths; one more per rule that keeps items apart."""
    by_resource: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        by_resource.setdefault((refusal.resource, refusal.missing.rule or ""), []).append(refusal)
    return [_report(resource, group, texts) for (resource, _), group in sorted(by_resource.items())]


def _report(resource: str, group: list[Refusal], texts: RefusalTexts) -> ErrorReport:
    items = frozenset[str]().union(*(refusal.items for refusal in group))
    missing = group[0].missing
    _, uses = uses_of(pair for refusal in group for pair in refusal.told)
    details: Mapping[str, object] = {
        **texts.details(resource, items, missing),
        **({"uses": list(uses)} if uses else {}),
        "paths": [list(refusal.path) for refusal in group],
    }
    said = texts.said(resource, items, missing)
    return ErrorReport(said.english, FORBIDDEN.name, group[0].path, extensions=details, said=said)
