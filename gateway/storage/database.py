"""One small port for SQL, so that each table has one implementation and not one per engine.

Statements use the subset that SQLite and PostgreSQL share, with parameters written ``$1``. ``write`` is exclusive: one
writer at a time, in every process that uses the database, from its first statement to its commit; what was read inside
is still so when it is written.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.errors import CodedError, ErrorCode, Family

Row = tuple[object, ...]

POLICY_STORE_UNAVAILABLE = ErrorCode(
    "POLICY_STORE_UNAVAILABLE", Family.SETTINGS,
    "The database of policy and ledger cannot be asked: locked for too long, full, stopped, or not at its address.",
    "Bring the database back or correct access.store; whether a step that was cut off was kept, reading tells.", 503,
)  # fmt: skip


class StoreUnavailableError(CodedError, OSError):
    """The database cannot be asked now: locked for too long, disk full, connection lost."""

    def __init__(self, why: str) -> None:
        super().__init__(POLICY_STORE_UNAVAILABLE, f"The store of policy and ledger cannot be asked now: {why}.")


class Transaction(Protocol):
    """Statements that happen together or not at all."""

    async def execute(self, statement: str, *parameters: object) -> None:
        """Runs a statement."""

    async def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        """Runs a statement once for each row of parameters."""

    async def fetch(self, query: str, *parameters: object) -> list[Row]:
        """The rows of a query."""


class Database(Protocol):
    """A database of either engine."""

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """An exclusive transaction: committed at the end, rolled back when it raises."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that reads one state of everything and waits for no writer."""

    async def close(self) -> None:
        """Gives up the connections."""
