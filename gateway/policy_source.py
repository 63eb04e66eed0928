"""Where the live policy comes from: a file of lines, or a store of signed versions that also keeps the ledger."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from catalog_sync.chongqing_days import date_in_chongqing
from catalog_sync.loading import Catalogue
from gateway.errors import CodedError
from gateway.settings import SETTINGS_INVALID, AccessSettings
from gateway.sources import read_text
from gateway.storage.database import Database
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from policies.context import SigningKey, parse_signing_key
from policies.items import ItemTiers, items_of_catalogue
from policies.lines import parse_policy
from policies.publication import PolicyFollower
from policies.tables import PolicyTables, compile_lines

T = TypeVar("T")


def items_of(catalogue: Catalogue) -> dict[str, ItemTiers]:
    """The items that policy may speak of today, with their tiers."""
    return items_of_catalogue(catalogue.entries, date_in_chongqing())


def read_policy(path: Path, catalogue: Catalogue) -> PolicyTables:
    """A policy file compiled over the catalogue. Raises CodedError POLICY_INVALID with what the lint found."""
    text = read_text(path)
    version = f"file-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return compile_lines(version, parse_policy(text), items_of(catalogue))


def read_key(path: str, setting: str) -> SigningKey:
    """The key in the file that ``setting`` names. Raises CodedError when it is not set or not a key."""
    if not path:
        raise CodedError(SETTINGS_INVALID, f"{setting} is not set; name a file that holds `key-id:secret`.")
    return parse_signing_key(read_text(Path(path)))


def read_secret(path: str, setting: str) -> bytes:
    """The secret in the file that ``setting`` names. Raises CodedError when it is not set or too short."""
    if not path:
        raise CodedError(SETTINGS_INVALID, f"{setting} is not set; name a file that holds a secret.")
    secret = read_text(Path(path)).strip().encode()
    if len(secret) < 32:
        raise CodedError(SETTINGS_INVALID, f"{setting}: the secret in {path} is shorter than 32 characters.")
    return secret


@asynccontextmanager
async def open_store(address: str) -> AsyncIterator[SqlPolicyStore]:
    """The store at an SQLite file or a ``postgresql://`` address, with its tables brought up to date."""
    if address.startswith(("postgresql://", "postgres://")):
        from gateway.storage.postgres import PostgresDatabase

        database: Database = await PostgresDatabase.connect(address)
    else:
        from gateway.storage.sqlite import SqliteDatabase

        Path(address).parent.mkdir(parents=True, exist_ok=True)
        database = SqliteDatabase(Path(address))
    try:
        await migrate(database)
        yield SqlPolicyStore(database)
    finally:
        await database.close()


def follower_of(store: SqlPolicyStore, access: AccessSettings, catalogue: Callable[[], Catalogue]) -> PolicyFollower:
    """What sees new versions in ``store``, verified by its key, and compiles them over the catalogue in force."""
    key = read_key(access.store_key, "access.store_key")
    return PolicyFollower(store, {key.id: key}, lambda: items_of(catalogue()))


def live_tables(access: AccessSettings, catalogue: Catalogue) -> PolicyTables:
    """The tables of the live policy, at start. Raises CodedError when there is none, or it cannot be trusted."""
    if not access.store:
        return read_policy(Path(access.policy), catalogue)

    async def look() -> PolicyTables | None:
        async with open_store(access.store) as store:
            return await follower_of(store, access, lambda: catalogue).look()

    tables = run_apart(look)
    if tables is None:
        raise CodedError(
            SETTINGS_INVALID,
            f"The store {access.store} holds no policy that can be trusted. "
            "Install one with `watersmeet policy install FILE`.",
        )
    return tables


def run_apart(work: Callable[[], Awaitable[T]]) -> T:
    """Runs ``work`` to its end in an event loop of its own, in a thread of its own: a loop may be running here."""

    async def finish() -> T:
        return await work()

    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(finish())).result()
