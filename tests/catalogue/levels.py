"""Levels for the exchange's tests: a district, its city and its province, each with a key and a database of its own."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from catalog_sync.closed_lists import Network
from catalog_sync.entries import CatalogueEntry
from catalog_sync.exchange import Exchange
from catalog_sync.identifiers import DivisionCode, ResourceCode
from catalog_sync.migrations import STEPS
from catalog_sync.registry import Trigger, TriggerKind
from catalog_sync.rule_profiles import ORDER_320, profile_in_force
from catalog_sync.signing import Peer, SigningKey, level_name
from tests.catalogue.databases import DATABASES
from tests.catalogue.entry_text import GOOD, catalogue_of

DISTRICT, CITY, PROVINCE = DivisionCode("510104"), DivisionCode("510100"), DivisionCode("510000")
OTHER_DISTRICT = DivisionCode("510105")
NOW = datetime(2026, 9, 22, 8, tzinfo=UTC)
TRIGGER = Trigger(TriggerKind.UPDATED, date(2026, 9, 18), "某府函〔2026〕1号")
KEYS = {division: SigningKey.generate(f"key-of-{division}") for division in (DISTRICT, CITY, PROVINCE, OTHER_DISTRICT)}
TEMPLATE = catalogue_of(GOOD).entries[0]


def name_of(division: DivisionCode, network: Network = Network.EXTRANET) -> str:
    return level_name(division, network)


def level(
    division: DivisionCode,
    neighbours: Iterable[DivisionCode],
    *,
    superior: DivisionCode | None = None,
    path: Path | str | None = None,
    network: Network = Network.EXTRANET,
    peer_network: Network = Network.EXTRANET,
) -> Exchange:
    """One level's exchange, which knows its neighbours' keys."""
    peers = [Peer(each, {KEYS[each].id: KEYS[each].public_bytes()}, peer_network) for each in neighbours]
    return Exchange(
        DATABASES.open(path), division, network, KEYS[division], peers, profile_in_force(ORDER_320, NOW.date()),
        superior=None if superior is None else name_of(superior),
    )  # fmt: skip


def district_and_city() -> tuple[Exchange, Exchange]:
    return level(DISTRICT, [CITY], superior=CITY), level(CITY, [DISTRICT, OTHER_DISTRICT])


def entry(number: int, division: DivisionCode = DISTRICT, **changes: object) -> CatalogueEntry:
    """An entry of a district, by number."""
    made = replace(
        TEMPLATE, id=f"e-{number}", alias=f"Stop{number}", title=f"站点{number}",
        codes=(ResourceCode("30700506", number),), level=division,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def seal(sender: Exchange, receiver: Exchange, entries: Iterable[CatalogueEntry]) -> list[bytes]:
    """Each entry in a bundle of its own, after what was offered before; every bundle that waits."""
    for each in entries:
        assert sender.offer(receiver.name, each, TRIGGER)
        sender.seal(receiver.name, NOW)
    sender.seal(receiver.name, NOW)
    found = [sender.bundle(receiver.name, number) for number in sender.outstanding(receiver.name)]
    return [content for content in found if content is not None]


def contents(exchange: Exchange) -> list[tuple[str, int, str]]:
    """What a level holds, for comparing."""
    return [(held.entry.id, held.entry.version, held.state.value) for held in exchange.submissions()]


def state(exchange: Exchange) -> list[object]:
    """Every row of every table: a dump."""
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", " ".join(each.sql for step in STEPS for each in step))
    assert {"held", "taken", "waiting", "part", "ledger", "sent", "outgoing", "version"} <= set(tables)
    with exchange.database.reading() as connection:
        return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]
