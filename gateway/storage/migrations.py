"""The tables of policy, in order of their making. A step once released is never changed; a new one follows it."""

from gateway.errors import CodedError, ErrorCode, Family
from gateway.storage.database import Database

STORE_TOO_NEW = ErrorCode(
    "STORE_TOO_NEW", Family.SETTINGS,
    "The store was written by a later version of Watersmeet.",
    "Run that version, or restore a backup made before the upgrade.",
)  # fmt: skip

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE policy_version (number INTEGER PRIMARY KEY, digest TEXT NOT NULL, previous TEXT NOT NULL,"
        " lines TEXT NOT NULL, persons TEXT NOT NULL, note TEXT NOT NULL, published_at TEXT NOT NULL,"
        " key_id TEXT NOT NULL, signature TEXT NOT NULL)",
        "CREATE TABLE policy_head (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL)",
        "CREATE TABLE policy_draft (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL)",
        "CREATE TABLE policy_matter (id TEXT PRIMARY KEY, kind TEXT NOT NULL, revision INTEGER NOT NULL,"
        " body TEXT NOT NULL)",
        "CREATE INDEX policy_matter_by_kind ON policy_matter (kind)",
        "CREATE TABLE policy_ledger (number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,"
        " body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL)",
    ),
    (
        "CREATE TABLE policy_calls (grant_number TEXT NOT NULL, day TEXT NOT NULL, calls INTEGER NOT NULL,"
        " PRIMARY KEY (day, grant_number))",
        "CREATE TABLE policy_saves (kind TEXT PRIMARY KEY, saves INTEGER NOT NULL)",
    ),
)


async def migrate(database: Database) -> None:
    """Brings the tables to this version's form. Raises CodedError STORE_TOO_NEW."""
    async with database.write() as transaction:
        await transaction.execute("CREATE TABLE IF NOT EXISTS policy_schema (step INTEGER PRIMARY KEY)")
        done = len(await transaction.fetch("SELECT step FROM policy_schema"))
        if done > len(STEPS):
            raise CodedError(STORE_TOO_NEW, f"The store has {done} steps; this version knows {len(STEPS)}.")
        for number, statements in enumerate(STEPS[done:], done + 1):
            for statement in statements:
                await transaction.execute(statement)
            await transaction.execute("INSERT INTO policy_schema VALUES ($1)", number)
