"""A governed gateway's settings over a registry: a policy store with a first version, keys, no registered callers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog_sync.in_force import InForceReader
from gateway.settings import Settings, convert_settings
from gateway.storage.migrations import migrate
from gateway.storage.policy import SqlPolicyStore
from gateway.storage.sqlite import SqliteDatabase
from policies.context import parse_signing_key
from policies.items import items_of_catalogue
from policies.lines import parse_policy
from policies.publication import Person, PolicyOffice, utc_now
from tests.gateway.departments import Registry

POLICY = """
p, T-open, public, z:any, *, open:open, read, *, 0000, 9999, statute:order-320, allow
g, anon, public, -
g3, extranet, z:any
"""


async def with_policy(folder: Path, registry: Registry, subgraphs: Sequence[str], **sections: Any) -> Settings:
    """Settings of a gateway that opens to everybody what the catalogue opens."""
    (folder / "key").write_text("console:a-secret-of-the-console-for-tests")
    (folder / "persons").write_text("a-secret-for-persons-in-the-ledger-for-tests")
    (folder / "callers.toml").write_text("")
    in_force = InForceReader(registry.platform).look()
    assert in_force is not None
    items = items_of_catalogue(in_force.entries, utc_now().date())
    database = SqliteDatabase(folder / "policy.db")
    await migrate(database)
    key = parse_signing_key((folder / "key").read_text())
    office = PolicyOffice(SqlPolicyStore(database), key, lambda: items, samples=50)
    await office.install(tuple(line.tokens for line in parse_policy(POLICY)), Person("user:chen", "reform"), "first")
    await database.close()
    access = {
        "store": str(folder / "policy.db"), "store_key": str(folder / "key"), "person_key": str(folder / "persons"),
        "callers": str(folder / "callers.toml"), "zone": "extranet",
    }  # fmt: skip
    return convert_settings(
        {
            "registry": {"store": str(registry.path), "poll": 0.02},
            "server": {"explorer": False},
            "access": access,
            "subgraphs": {name: {"key_file": str(folder / "key")} for name in subgraphs},
            **sections,
        }
    )
