"""The demo's registry: entries and releases brought into force once, by the steps that everybody's take.

After that the registry is the visitor's: what was released by hand stays, and a later start only tells it where a
department's subgraph is now, should its port have changed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from catalog_sync.entries import CatalogueEntry
from catalog_sync.identifiers import CreditCode
from catalog_sync.lifecycle import Side
from catalog_sync.loading import Register, document_nodes, load_register
from catalog_sync.office import CatalogueOffice
from catalog_sync.opening_reviews import Findings, ReviewKind, ReviewResult, opened_items
from catalog_sync.platform import CataloguePlatform, open_platform
from catalog_sync.registry import Actor, Trigger, TriggerKind

STORE = "registry.sqlite"
REGISTER = "departments.yaml"
_TRIGGER = Trigger(TriggerKind.CREATED, date(2026, 11, 2), "渝府办发〔2026〕1号")
_OFFICER, _REVIEWER = "user:demo-officer", "user:demo-reviewer"


def fill(data: Path, addresses: Mapping[str, str]) -> str:
    """Brings the entries and schemas under ``data`` into force; ``addresses`` are the subgraphs'. What was done."""
    register = load_register(data / REGISTER)
    with open_platform(str(data / STORE)) as platform, platform.database.transaction():
        entered = 0 if platform.version() else _enter(CatalogueOffice(platform, register), data / "catalogue", register)
        released = [name for name, address in addresses.items() if _release(platform, register, data, name, address)]
    return f"Registry: {entered} entries and {len(released)} subgraphs released." if entered or released else ""


def ports(data: Path) -> dict[str, int]:
    """The ports of the departments as the registry has them."""
    place = data / "ports.json"
    return {str(name): int(port) for name, port in json.loads(place.read_text()).items()} if place.exists() else {}


def _enter(office: CatalogueOffice, folder: Path, register: Register) -> int:
    drafted = office.draft(document_nodes(folder), _TRIGGER, _provider)
    ids = [record.id for record in drafted.records]
    office.submit(ids, _provider)
    reviewer = _reviewer(register)
    for identity in ids:
        office.accept(identity, reviewer)
    for kind in ReviewKind:
        _review(office, ids, kind)
    office.release(ids, reviewer)
    return len(ids)


def _review(office: CatalogueOffice, ids: list[str], kind: ReviewKind) -> None:
    opening = [identity for identity in ids if opened_items(office.record(identity).current.entry)]
    found = Findings(kind, ReviewResult.FIT, _TRIGGER.day, "政务数据开放审查办法（演示）", f"演示审〔2026〕{kind}")
    office.review(opening, found, lambda entry: Actor(f"user:demo-{kind}", entry.provider.credit_code, Side.PROVIDER))


def _release(platform: CataloguePlatform, register: Register, data: Path, name: str, address: str) -> bool:
    """Releases a department's schema, or the live one anew where it has moved; false where nothing is to be done."""
    live = next((release for release in platform.releases.live() if release.subgraph == name), None)
    if live is not None and live.address == address:
        return False
    sdl = live.sdl if live is not None else (data / "schemas" / f"{name}.graphql").read_text("utf-8")
    code = register.credit_code(name.replace("_", "-"))
    assert code is not None, f"{REGISTER} has no {name}"
    now, author = datetime.now(UTC), Actor(_OFFICER, code, Side.PROVIDER)
    proposed = platform.releases.propose(name, code, sdl, address, author, now)
    platform.releases.move(name, proposed.number, "approve", _reviewer(register), now)
    platform.releases.move(name, proposed.number, "go live", Actor(_REVIEWER, code, Side.PLATFORM), now)
    return True


def _provider(entry: CatalogueEntry) -> Actor:
    return Actor(_OFFICER, entry.provider.credit_code, Side.PROVIDER)


def _reviewer(register: Register) -> Actor:
    code = register.credit_code("development-and-reform") or CreditCode("")
    return Actor(_REVIEWER, code, Side.COMPETENT)
